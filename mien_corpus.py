"""Verbs of corpora: `mien corpus add`, `info`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien_terminal import console, progress, say

app = typer.Typer(
    help="Faces and voices that you own, read where you keep them.\n\n"
    "Example: mien corpus info faces",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("add")
def corpus_add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="ravdess, crema-d, mead, celeba, "
                                        "affectnet, react2024, or folder: material of your own.")],
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The folder in which you keep it.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Default: corpora/NAME.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", help="For folder: YAML; see docs/corpora.md.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the parts without a common actor.")] = 0,
) -> None:  # fmt: skip
    """Read a corpus where you keep it, write a table of its clips, name everything that is wrong.

    Example: mien corpus add folder faces --map faces.yaml
    """
    from stimuli.corpora.prepare import adapter_for, add_corpus

    adapter = adapter_for(name, mapping)
    with progress("look at files") as show:
        outcome = add_corpus(adapter, path, out, seed=seed, progress=show)
    for line in outcome.lines():
        say(line)


@app.command("info")
def corpus_info(
    corpus: Annotated[
        str, typer.Argument(metavar="DIR|NAME", help="A prepared corpus, or its name in corpora/.")
    ],
) -> None:
    """Show what a prepared corpus holds: clips per cell, what is missing, licence, contact sheet.

    Example: mien corpus info faces
    """
    from stimuli.corpora.info import describe, find_corpus

    info = describe(find_corpus(corpus))
    for table in info.tables:
        console.print(table)
    for line in info.lines:
        say(line)
