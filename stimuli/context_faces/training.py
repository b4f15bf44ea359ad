"""`mien train context-face`: data made where they are missing, then every stage of the training."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from models.context_face.data import TrainingData, load_data
from models.context_face.learn import RECIPES, Recipe, learn
from models.context_face.shifting import Way
from models.training import RunSettings, first_process
from models.training import TrainingError as CannotTrain
from protocols.errors import UserError
from protocols.section import accepted, nearest
from stimuli.context_faces.corpus_data import CorpusChoice, data_of_corpus
from stimuli.context_faces.data import NAME, DataSettings, build
from stimuli.corpora.info import find_corpus

DATA = "data"  # folder of what is made before the training
PRECISIONS = ("bf16-mixed", "32-true", "16-mixed")
Shown = Callable[[str], AbstractContextManager[Any]]  # what shows the progress of a step
Tell = Callable[[str], object]


@dataclass(frozen=True)
class Asked:
    """Words of the command line."""

    data: Path | None = None
    corpus: str | None = None
    recipe: str = "shipped"
    way: str | None = None
    strict: bool = False
    seed: int | None = None
    choice: CorpusChoice = CorpusChoice()

    def __post_init__(self) -> None:
        """Refuse unknown words, before anything is made."""
        if self.data is not None and self.corpus is not None:
            raise UserError("give --data or --corpus, not both: each says what is learned from")
        _known("--recipe", self.recipe, tuple(RECIPES))
        if self.way is not None:
            _known("--way", self.way, tuple(way.value for way in Way))

    @property
    def wanted(self) -> Recipe:
        """The recipe, with way and seed as asked for."""
        recipe = RECIPES[self.recipe]
        way = recipe.shift.way if self.way is None else Way(self.way)
        recipe = replace(recipe, shift=replace(recipe.shift, way=way, strict=self.strict))
        if self.seed is None:
            return recipe
        stages = ("face", "context", "head", "shift")
        seeded = {name: replace(getattr(recipe, name), seed=self.seed) for name in stages}
        return replace(recipe, **seeded)


def run_settings(
    precision: str, devices: str, accelerator: str, threads: int | None, tensorboard: bool
) -> RunSettings:
    """How the training runs, from words of the command line."""
    _known("--precision", precision, PRECISIONS)
    if devices != "auto" and not (devices.isdigit() and int(devices) > 0):
        raise UserError(f"--devices: found '{devices}'; accepted: a number of devices, or auto")
    return RunSettings(
        precision=precision, devices=devices if devices == "auto" else int(devices),
        accelerator=accelerator, threads=threads, tensorboard=tensorboard,
    )  # fmt: skip


def train_context_face(
    asked: Asked, folder: Path, run: RunSettings, workers: int, shown: Shown, tell: Tell
) -> Path:
    """Every stage that is not done yet; tells and returns the file of the weights.

    Raises:
        UserError: data that cannot be trained from, a folder in which something else is trained,
            or a machine without what is asked for.
    """
    recipe = asked.wanted
    path = _data_file(asked, folder, recipe, workers, shown, tell)
    data = _read(path)
    _check(data, recipe, path)
    stages = _Stages(shown)
    try:
        weights = learn(data, folder, recipe, run, stages)
    except CannotTrain as error:
        raise UserError(str(error)) from None
    finally:
        stages.close()
    if first_process():
        tell(str(weights))
    return weights


def _data_file(asked: Asked, folder: Path, recipe: Recipe, workers: int, shown: Shown, tell: Tell):
    if asked.data is not None:
        return asked.data
    made = folder / DATA
    if asked.corpus is not None:
        with shown("data") as show:
            found = data_of_corpus(
                find_corpus(asked.corpus), made, asked.choice, recipe.network, show
            )
        for line in found.lines if first_process() else ():
            tell(line)
        return found.path
    if not (made / NAME).is_file():
        tell("the crowd, its faces and its voices are made first; later trainings: --data")
        with shown("crowd, faces, voices") as show:
            build(made, DataSettings(), workers, show)
    return made / NAME


def _read(path: Path) -> TrainingData:
    try:
        return load_data(path)
    except ValueError as error:
        raise UserError(
            f"{error}; give a file that mien train context-face made, or --corpus"
        ) from None


def _check(data: TrainingData, recipe: Recipe, path: Path) -> None:
    """Refuse what a training would stumble over after hours."""
    network, size = recipe.network, data.faces.shape[1]
    if size != network.face.size or data.voices.shape[1:] != 2 * (network.context.size,):
        raise UserError(
            f"{path}: faces of {size} pixels and spectrograms of "
            f"{' × '.join(map(str, data.voices.shape[1:]))}; the networks of this recipe take "
            f"{network.face.size} and {network.context.size} × {network.context.size}"
        )
    for labels, what in ((data.of_faces, "face"), (data.of_voices, "voice")):
        if not len(labels.where("train")):
            raise UserError(f"{path}: holds no {what} to train from")
    training = data.of_faces.where("train")
    if recipe.shift.strict:
        _check_strict(data, recipe.shift.way, path)
    if recipe.shift.way is Way.PAPER:
        return
    neutral = data.emotions.index("neutral") if "neutral" in data.emotions else -1
    if not np.any(data.of_faces.emotion[training] == neutral):
        raise UserError(
            f"{path}: holds no neutral face, from which the way {recipe.shift.way} starts; add "
            "neutral clips, or train as the paper does: --way paper"
        )


def _check_strict(data: TrainingData, way: Way, path: Path) -> None:
    if way is not Way.PAPER:
        raise UserError(
            f"--strict: a face is shifted by the voice of its own clip, which the way {way} does "
            "not do; give --way paper"
        )
    faces, voices = data.of_faces, data.of_voices
    shown = faces.clip[(faces.part == 0) & (faces.m >= 0.999)]
    alone = ~np.isin(shown, voices.clip[(voices.part == 0) & (voices.clip >= 0)])
    if alone.any():
        raise UserError(
            f"{path}: {int(alone.sum())} of {len(shown)} faces have no voice of their own clip, "
            "which --strict needs; take a corpus of films with sound, or leave --strict out"
        )


def _known(option: str, word: str, words: tuple[str, ...]) -> None:
    if word not in words:
        raise UserError(f"{option}: found '{word}'; {accepted(words)}{nearest(word, words)}")


class _Stages:
    """Shows one stage after the other; only the first of several processes does."""

    def __init__(self, shown: Shown) -> None:
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
