"""Verbs of corpora: `mien corpus add`, `make`, `prepare`, `info`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien_terminal import console, processes, progress, say

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
    split: Annotated[
        str, typer.Option(help="Per cent of the actors that train, validate and test.")
    ] = "80,10,10",
    permission: Annotated[
        str,
        typer.Option(help="By which your laboratory may show it, such as a letter of its authors."),
    ] = "",
) -> None:  # fmt: skip
    """Read a corpus where you keep it, write a table of its clips, name everything that is wrong.

    Example: mien corpus add folder faces --map faces.yaml
    """
    from stimuli.corpora.prepare import adapter_for, add_corpus
    from stimuli.corpora.splits import read_shares

    adapter, shares = adapter_for(name, mapping), read_shares(split)
    with progress("look at files") as show:
        outcome = add_corpus(
            adapter, path, out, seed=seed, shares=shares, permission=permission, progress=show
        )
    for line in outcome.lines():
        say(line)


@app.command("make")
def corpus_make(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="synthetic: mien's actors, free for all uses; dyads: "
                       "people who speak and listen, in the layout of REACT 2024."),
    ],
    actors: Annotated[
        str, typer.Option(help="The first so many, all, or ids: 01-24, 29-52, 03,07.")
    ] = "24",
    emotions: Annotated[
        str | None, typer.Option(help="So many, all, or names, with neutral; default: 7.")
    ] = None,
    sentences: Annotated[
        str | None,
        typer.Option(help="So many, all, crema-d, ravdess, or codes such as kids,IEO; default: 2."),
    ] = None,
    takes: Annotated[int | None, typer.Option(help="Performances of the same; default: 1.")] = None,
    levels: Annotated[
        str | None, typer.Option(help="Strengths of the emotions, such as 0.5,1; default: 1.")
    ] = None,
    still: Annotated[bool, typer.Option("--still", help="Pictures instead of clips.")] = False,
    plane: Annotated[
        int, typer.Option(help="Instead: pictures of each actor at random valence and arousal.")
    ] = 0,
    size: Annotated[int, typer.Option(help="Width and height, pixels.")] = 128,
    seed: Annotated[int, typer.Option(min=0, help="Of blinks, sway, takes, points, parts.")] = 0,
    cast: Annotated[
        Path | None, typer.Option(help="Folder of a cast made with mien cast; default: mien's own.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=256, help="Processes.")] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Default: corpora/NAME.")
    ] = None,
) -> None:  # fmt: skip
    """Make mien's own corpus: talking faces with sound, or pictures, and exact annotations.

    Goes on where it stopped, and adds what a larger request asks for. Of dyads, the sounds and
    facial attributes that mien's listeners learned from; it takes -o and --workers alone.

    Example: mien corpus make synthetic --still --actors 2 --emotions 3 -o corpora/stills
    """
    from protocols.errors import UserError
    from stimuli.corpora.prepare import HOME
    from stimuli.corpora.synthetic.corpus import make_synthetic
    from stimuli.corpora.synthetic.request import Request

    if name == "dyads":
        _refuse_beside(context, name, {"name", "out", "workers"})
        from stimuli.reactions.dyad_files import write_dyads

        with progress("make") as show:
            say(write_dyads(out or HOME / name, workers=processes(workers), progress=show))
        return
    if name != "synthetic":
        raise UserError(
            f"found the corpus '{name}'; accepted: synthetic, dyads (others: mien corpus add)"
        )
    request = Request.read(
        actors, emotions, sentences, levels, takes, plane=plane, still=still, size=size,
        seed=seed, cast=cast,
    )  # fmt: skip
    with progress("make") as show:
        outcome = make_synthetic(
            request, out or HOME / name, workers=processes(workers), progress=show, tell=say
        )
    for line in outcome.lines():
        say(line)


@app.command("prepare")
def corpus_prepare(
    corpus: Annotated[
        str, typer.Argument(metavar="DIR|NAME", help="An added corpus, or its name in corpora/.")
    ],
    size: Annotated[int, typer.Option(help="Width and height of the faces, pixels.")] = 128,
    rate: Annotated[float, typer.Option(help="Frames a second; 0: every frame as filmed.")] = 25.0,
    every: Annotated[int, typer.Option(help="Keep only each K-th of these frames.")] = 1,
    detect_every: Annotated[
        int, typer.Option(help="Look for faces in each K-th of them; between, move straight.")
    ] = 1,
    audio_rate: Annotated[
        int, typer.Option(help="Samples of the sound a second; 0: no sound.")
    ] = 22_050,
    workers: Annotated[int | None, typer.Option(min=1, max=256, help="Processes.")] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Default: arrays, in the corpus' folder.")
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Throw away what was prepared otherwise.")
    ] = False,
) -> None:
    """Cut out aligned faces and bring sound to one rate, in arrays that networks train from.

    Goes on where it stopped; says what could not be prepared, and why.

    Example: mien corpus prepare stills --size 64
    """
    from stimuli.corpora.arrays import ArraySettings, prepare_arrays
    from stimuli.corpora.arrays.detecting import detector, have_weights
    from stimuli.corpora.info import find_corpus
    from stimuli.faces.detector import find_faces

    folder = find_corpus(corpus)
    have_weights(folder)
    settings = ArraySettings(
        size=size, rate=rate, every=every, detect_every=detect_every, audio_rate=audio_rate
    )
    with progress("look at files") as looking, progress("prepare") as show:
        outcome = prepare_arrays(
            folder, find_faces, settings, out=out, detector=detector(),
            workers=processes(workers), anew=anew, tell=say, looking=looking, progress=show,
        )  # fmt: skip
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


def _refuse_beside(context: typer.Context, name: str, taken: set[str]) -> None:
    """Refuse options that this corpus would ignore."""
    from protocols.errors import UserError

    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if source and source.name == "COMMANDLINE" and option.name not in taken:
            raise UserError(
                f"{option.opts[0]}: found it with the corpus '{name}', which is made one way only; "
                "accepted: -o and --workers"
            )
