"""`mien train valence-arousal`: data made where they are missing, then every stage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.training import RunSettings, first_process
from models.valence_arousal.data import NOBODY, FaceData, Labels, load_data
from models.valence_arousal.learn import RECIPES, Recipe, learn
from protocols.errors import UserError
from stimuli.trainings import DATA, Shown, Tell, data_file, finished, known, one_source, read_data
from stimuli.valence_arousal.corpus_data import CorpusChoice, data_of_corpus
from stimuli.valence_arousal.data import NAME, DataSettings, build

SIZES = (96, 128)  # pixels a side; the paper's, and mien's


@dataclass(frozen=True)
class Asked:
    """Words of the command line."""

    data: Path | None = None
    corpus: str | None = None
    recipe: str = "shipped"
    size: int | None = None
    vgg_face: Path | None = None
    seed: int | None = None
    choice: CorpusChoice = CorpusChoice()

    def __post_init__(self) -> None:
        """Refuse unknown words, before anything is made."""
        one_source(self.data, self.corpus)
        known("--recipe", self.recipe, tuple(RECIPES))
        if self.size is not None:
            known("--size", str(self.size), tuple(map(str, SIZES)))

    @property
    def wanted(self) -> Recipe:
        """The recipe, with size and seed as asked for."""
        recipe = RECIPES[self.recipe]
        if self.size is not None:
            recipe = replace(recipe, network=replace(recipe.network, size=self.size))
        if self.seed is None:
            return recipe
        stages = ("identity", "editing", "judging")
        seeded = {name: replace(getattr(recipe, name), seed=self.seed) for name in stages}
        return replace(recipe, **seeded)


def train_valence_arousal(
    asked: Asked, folder: Path, run: RunSettings, workers: int, shown: Shown, tell: Tell
) -> Path:
    """Every stage that is not done yet; tells and returns the file of the editor's weights.

    The judges' weights lie beside it. A collapse of the training is told as soon as it is seen.

    Raises:
        UserError: data that cannot be trained from, a folder in which something else is trained,
            weights that are not VGG-Face's, or a machine without what is asked for.
    """
    recipe = asked.wanted
    path = _data_file(asked, folder, recipe, workers, shown, tell)
    data = read_data(path, load_data, "valence-arousal")
    _check(data, recipe, path)
    told = tell if first_process() else _quiet
    if not len(data.labels.where("judge")):
        told("no judges are trained: the data hold nobody for them")
    return finished(
        lambda stages: learn(data, folder, recipe, run, stages, asked.vgg_face, told), shown, tell
    )


def _data_file(
    asked: Asked, folder: Path, recipe: Recipe, workers: int, shown: Shown, tell: Tell
) -> Path:
    made = folder / DATA
    return data_file(
        asked.data, asked.corpus, made / NAME,
        gather=lambda corpus, show: data_of_corpus(
            corpus, made, asked.choice, recipe.network.size, show
        ),
        make=lambda show: build(made, DataSettings(), workers, show),
        what="a crowd and its faces", shown=shown, tell=tell,
    )  # fmt: skip


def _check(data: FaceData, recipe: Recipe, path: Path) -> None:
    """Refuse what a training would stumble over after hours."""
    labels, size = data.labels, data.faces.shape[1]
    if size < recipe.network.size:
        raise UserError(
            f"{path}: pictures of {size} pixels; the networks of this recipe take "
            f"{recipe.network.size}, or larger ones; give --size {min(SIZES)}, or prepare larger"
        )
    training = labels.where("train")
    if not len(training):
        raise UserError(f"{path}: holds no face to train from")
    for name in ("valence", "arousal"):
        if np.ptp(getattr(labels, name)[training]) == 0:
            raise UserError(
                f"{path}: {name} is the same in all faces to train from, so nothing can be learned "
                "of it; take a corpus in which it varies"
            )
    if recipe.editing.paired and not _people_change(labels, training):
        raise UserError(
            f"{path}: nobody is there with two expressions, from which this recipe learns; train "
            "from single faces as the paper does: --recipe paper"
        )


def _people_change(labels: Labels, rows: np.ndarray) -> bool:
    """Whether one known person at least is there at two labels."""
    known_rows = rows[labels.person[rows] != NOBODY]
    each = np.stack([labels.person, labels.valence, labels.arousal], 1)[known_rows]
    people = np.unique(each, axis=0)[:, 0]  # one row for each label of a person
    return len(np.unique(people)) < len(people)


def _quiet(line: object) -> None:
    """Another process tells."""
