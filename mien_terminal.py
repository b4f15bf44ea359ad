"""What every verb of `mien` shares: the two consoles, progress, and reading a protocol."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A study folder.")]
Database = Annotated[
    str | None,
    typer.Option(
        envvar="MIEN_DATABASE",
        metavar="ADDRESS",
        help="PostgreSQL for new sessions: postgresql://user@host/database.",
    ),
]


def say(line: object) -> None:
    """Print a line as it is."""
    console.print(str(line), markup=False)


def bring_up_to_date(study: Any) -> None:
    """Write a study's tables as its sessions stand now, and say where they stay as they were."""
    try:
        from experiments.current import bring_up_to_date as bring
    except ModuleNotFoundError as error:  # a report needs the part 'analysis' only
        if str(error.name).startswith("experiments"):
            raise
        if study.data.is_dir():
            say(
                f"{study.ratings_file}: as it was last written: {error.name} is not installed, so "
                "that sessions cannot be read"
            )
        return
    for line in bring(study):
        say(line)


def processes(workers: int | None) -> int:
    """As many as asked for; else one for each processor, eight at most."""
    return workers or min(8, os.cpu_count() or 1)


def load_protocol(path: Path, generator: str | None = None) -> Any:
    """The protocol of a YAML file or a study folder, for another generator if one is named.

    A generator that takes one corpus only brings it.
    """
    from protocols.generators import GENERATORS
    from protocols.reading import load

    path = path / "protocol.yaml" if path.is_dir() else path
    if generator is None:
        return load(path)
    corpora = GENERATORS[generator].corpora if generator in GENERATORS else ()
    corpus = {"stimuli.corpus": corpora[0]} if len(corpora) == 1 else {}
    return load(path, {"stimuli.generator": generator, **corpus})


@contextmanager
def progress(verb: str) -> Iterator[Any]:
    """A progress bar, or a line for each tenth in a log file; yields the function that moves it."""
    if not errors.is_terminal:
        yield _log(verb)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=errors) as bar:
        task = bar.add_task(verb, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def stages() -> Iterator[Any]:
    """Yields the function that begins a named stage, and ends the one before."""
    with ExitStack() as now:

        def begin(name: str) -> Any:
            now.close()
            return now.enter_context(progress(name))

        yield begin


def _log(verb: str) -> Any:
    """The function (done, all) that prints a line whenever another tenth is done."""
    said = -1

    def show(done: int, total: int) -> None:
        nonlocal said
        if done * 10 // max(total, 1) > said:
            said = done * 10 // max(total, 1)
            errors.print(f"{verb}: {done} of {total}")

    return show
