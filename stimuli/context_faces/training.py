"""`mien train context-face`: data made where they are missing, then every stage of the training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from models.context_face.data import TrainingData, load_data
from models.context_face.going_on import compose_onto, hear_on, learn_on
from models.context_face.learn import learn
from models.context_face.recipes import RECIPES, Recipe
from models.context_face.shifting import Way
from models.context_face.stored import SHIPPED_FILE
from models.training import RunSettings
from protocols.errors import UserError
from stimuli.context_faces.corpus_data import CorpusChoice, data_of_corpus
from stimuli.context_faces.data import NAME, DataSettings, build
from stimuli.trainings import (
    DATA,
    Shown,
    Tell,
    data_file,
    finished,
    known,
    meant,
    one_source,
    read_data,
)


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
    start: Path | None = None  # finished networks to go on from
    voices: Path | None = None  # finished networks that go on with voices alone
    onto: Path | None = None  # finished networks, for which the composer alone is trained
    polish: int | None = None  # steps of it, instead of the recipe's

    def __post_init__(self) -> None:
        """Refuse unknown words, before anything is made."""
        one_source(self.data, self.corpus)
        known("--recipe", self.recipe, tuple(RECIPES))
        if self.way is not None:
            known("--way", self.way, tuple(way.value for way in Way))
        self._check_finished_networks()

    def _check_finished_networks(self) -> None:
        """Refuse more than one way to go on from them, and what the recipe does not have."""
        recipe = RECIPES[self.recipe]
        given = {
            word: (part, lacking)
            for word, path, part, lacking in (
                ("--from", self.start, recipe.polish, "has no polish"),
                ("--voices", self.voices, recipe.teaching, "teaches no voices"),
                ("--onto", self.onto, recipe.composing, "has no composer"),
            )
            if path is not None
        }
        if len(given) > 1:
            raise UserError(
                f"{' and '.join(given)}: give one of them; --from learns all but voices, --voices "
                "nothing of faces, --onto the composer alone"
            )
        for word, (part, lacking) in given.items():
            if part is None:
                raise UserError(f"{word}: the recipe {self.recipe} {lacking}; take shipped")
        alone = [word for word in given if word != "--from"]
        if self.polish is not None and (alone or recipe.polish is None):
            without = alone[0] if alone else f"the recipe {self.recipe}"
            raise UserError(f"--polish: {without} has no polish; leave --polish out")

    @property
    def wanted(self) -> Recipe:
        """The recipe, with way, steps of the polish and seed as asked for."""
        recipe = RECIPES[self.recipe].polished(self.polish)
        way = recipe.shift.way if self.way is None else Way(self.way)
        recipe = replace(recipe, shift=replace(recipe.shift, way=way, strict=self.strict))
        if self.seed is None:
            return recipe
        stages = ("face", "context", "expressions", "polish", "teaching", "head", "shift",
                  "composing")  # fmt: skip
        seeded = {
            name: replace(stage, seed=self.seed)
            for name in stages
            if (stage := getattr(recipe, name)) is not None
        }
        return replace(recipe, **seeded)


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
    data = read_data(path, load_data, "context-face")
    for path_before, go_on in (
        (asked.start, learn_on), (asked.voices, hear_on), (asked.onto, compose_onto)
    ):  # fmt: skip
        if path_before is not None:
            before = meant(path_before, SHIPPED_FILE)
            return finished(partial(go_on, data, folder, before, recipe, run), shown, tell)
    _check(data, recipe, path)
    return finished(lambda stages: learn(data, folder, recipe, run, stages), shown, tell)


def _data_file(
    asked: Asked, folder: Path, recipe: Recipe, workers: int, shown: Shown, tell: Tell
) -> Path:
    made = folder / DATA
    return data_file(
        asked.data, asked.corpus, made / NAME,
        gather=lambda corpus, show: data_of_corpus(
            corpus, made, asked.choice, recipe.network, show
        ),
        make=lambda show: build(made, DataSettings(), workers, show),
        what="a crowd, its faces and voices", shown=shown, tell=tell,
    )  # fmt: skip


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
