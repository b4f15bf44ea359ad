"""What the verbs `mien train …` share: how a training runs, and what shows its stages."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

from models.training import Progress, RunSettings, TrainingError, first_process
from models.weights import WeightsError
from protocols.errors import UserError
from protocols.section import accepted, nearest
from stimuli.corpora.info import find_corpus
from stimuli.corpora.material import CorpusData

PRECISIONS = ("bf16-mixed", "32-true", "16-mixed")
DATA = "data"  # folder of what is made before a training, inside the training's own
Shown = Callable[[str], AbstractContextManager[Any]]  # what shows the progress of a step
Tell = Callable[[str], object]
Read = TypeVar("Read")  # data of one kind


def run_settings(
    precision: str, devices: str, accelerator: str, threads: int | None, tensorboard: bool
) -> RunSettings:
    """How the training runs, from words of the command line."""
    known("--precision", precision, PRECISIONS)
    if devices != "auto" and not (devices.isdigit() and int(devices) > 0):
        raise UserError(f"--devices: found '{devices}'; accepted: a number of devices, or auto")
    return RunSettings(
        precision=precision, devices=devices if devices == "auto" else int(devices),
        accelerator=accelerator, threads=threads, tensorboard=tensorboard,
    )  # fmt: skip


def known(option: str, word: str, words: tuple[str, ...]) -> None:
    """Refuse a word of an option that is none of `words`."""
    if word not in words:
        raise UserError(f"{option}: found '{word}'; {accepted(words)}{nearest(word, words)}")


def one_source(data: Path | None, corpus: str | None) -> None:
    """Refuse two sources of what is learned from."""
    if data is not None and corpus is not None:
        raise UserError("give --data or --corpus, not both: each says what is learned from")


def read_data(path: Path, load: Callable[[Path], Read], verb: str) -> Read:
    """The data of a file, by the function that reads its kind; verb: what makes such files.

    Raises:
        UserError: no such file, or another kind of file.
    """
    try:
        return load(path)
    except ValueError as error:
        raise UserError(f"{error}; give a file that mien train {verb} made, or --corpus") from None


def data_file(
    given: Path | None,
    corpus: str | None,
    made: Path,
    *,
    gather: Callable[[Path, Progress], CorpusData],
    make: Callable[[Progress], Path],
    what: str,
    shown: Shown,
    tell: Tell,
    find: Callable[[str], Path] | None = None,
) -> Path:
    """The file to learn from: the given one, one of a corpus, or a synthetic one.

    Args:
        given: a file that was made before.
        corpus: a prepared corpus, of which `gather` makes a file.
        made: the synthetic one, which `make` makes where it is not there yet.
        gather: told the corpus' folder and what shows progress.
        make: told what shows progress.
        what: the synthetic one is made of, in words.
        shown: what shows the progress of a step.
        tell: gets the lines for the user.
        find: the folder of a corpus, by its name or path; None: as `find_corpus`.
    """
    if given is not None:
        return given
    if corpus is not None:
        with shown("data") as show:
            found = gather((find or find_corpus)(corpus), show)
        for line in found.lines if first_process() else ():
            tell(line)
        return found.path
    if not made.is_file():
        tell(f"data are made first, of {what}; later trainings: --data")
        with shown(what) as show:
            make(show)
    return made


def finished(train: Callable[[Stages], Path], shown: Shown, tell: Tell) -> Path:
    """Train with every stage shown; tells and returns the file of the weights.

    Raises:
        UserError: what is trained, or with what, cannot be.
    """
    stages = Stages(shown)
    try:
        weights = train(stages)
    except (TrainingError, WeightsError) as error:
        raise UserError(str(error)) from None
    finally:
        stages.close()
    if first_process():
        tell(str(weights))
    return weights


def meant(weights: Path, shipped: Path) -> Path:
    """The file of weights that is meant: mien's own for the word shipped."""
    return shipped if weights == Path("shipped") else weights


class Stages:
    """Shows one stage after the other; only the first of several processes does."""

    def __init__(self, shown: Shown) -> None:
        """Shown: what opens the display of a stage."""
        self.shown = shown
        self.open: AbstractContextManager[Any] | None = None

    def __call__(self, name: str) -> Callable[[int, int], None]:
        """What shows the progress of a stage, from its first step on."""
        self.close()
        if not first_process():
            return lambda done, total: None
        moved: list[Callable[[int, int], None]] = []

        def show(done: int, total: int) -> None:
            if not moved:
                self.open = self.shown(name)
                moved.append(self.open.__enter__())
            moved[0](done, total)

        return show

    def close(self) -> None:
        """End what is shown."""
        if self.open is not None:
            self.open.__exit__(None, None, None)
            self.open = None
