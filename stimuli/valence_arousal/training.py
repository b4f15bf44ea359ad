"""`mien train valence-arousal`: data made where they are missing, then every stage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.training import RunSettings, first_process
from models.valence_arousal.data import NOBODY, FaceData, Labels, load_data
from models.valence_arousal.learn import RECIPES, Recipe, learn, learn_judges
from protocols.errors import UserError
from stimuli.trainings import DATA, Shown, Tell, data_file, finished, known, one_source, read_data
from stimuli.valence_arousal.corpus_data import CorpusChoice, data_of_corpus
from stimuli.valence_arousal.data import FOR_JUDGES, NAME, DataSettings, build

SIZES = (96, 128)  # pixels a side; the paper's, and mien's
LEARN = {"train": "to train from", "judge": "from which judges learn"}


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
    judges: bool = False  # alone

    def __post_init__(self) -> None:
        """Refuse unknown words, before anything is made."""
        one_source(self.data, self.corpus)
        known("--recipe", self.recipe, tuple(RECIPES))
        if self.judges and self.vgg_face is not None:
            raise UserError("--vgg-face compares people for the editor; leave it out with --judges")
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

    The judges' weights lie beside it; of judges alone it is theirs. A collapse of the training is
    told as soon as it is seen.

    Raises:
        UserError: data that cannot be trained from, a folder in which something else is trained,
            weights that are not VGG-Face's, or a machine without what is asked for.
    """
    recipe = asked.wanted
    path = _data_file(asked, folder, recipe, workers, shown, tell)
    data = read_data(path, load_data, "valence-arousal")
    if asked.judges:
        _check_faces(data, recipe.judge.size, "judge", path)
        return finished(lambda stages: learn_judges(data, folder, recipe, run, stages), shown, tell)
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
        make=lambda show: build(
            made, FOR_JUDGES if asked.judges else DataSettings(), workers, show
        ),
        what="a crowd and its faces", shown=shown, tell=tell,
    )  # fmt: skip


def _check(data: FaceData, recipe: Recipe, path: Path) -> None:
    """Refuse what a training would stumble over after hours."""
    labels = data.labels
    training = _check_faces(data, recipe.network.size, "train", path)
    if recipe.editing.paired and not _people_change(labels, training):
        raise UserError(
            f"{path}: nobody is there with two expressions, from which this recipe learns; train "
            "from single faces as the paper does: --recipe paper"
        )


def _check_faces(data: FaceData, size: int, part: str, path: Path) -> np.ndarray:
    """Rows of a part of the data; refuse too small pictures, and labels of which none differs."""
    found = data.faces.shape[1]
    if found < size:
        raise UserError(
            f"{path}: pictures of {found} pixels; the networks of this recipe take {size}, or "
            f"larger ones; give --size {min(SIZES)}, or prepare larger"
        )
    rows = data.labels.where(part)
    if not len(rows):
        raise UserError(f"{path}: holds no face {LEARN[part]}")
    for name in ("valence", "arousal"):
        if np.ptp(getattr(data.labels, name)[rows]) == 0:
            raise UserError(
                f"{path}: {name} is the same in all faces {LEARN[part]}, so nothing can be learned "
                "of it; take a corpus in which it varies"
            )
    return rows


def _people_change(labels: Labels, rows: np.ndarray) -> bool:
    """Whether one known person at least is there at two labels."""
    known_rows = rows[labels.person[rows] != NOBODY]
    each = np.stack([labels.person, labels.valence, labels.arousal], 1)[known_rows]
    people = np.unique(each, axis=0)[:, 0]  # one row for each label of a person
    return len(np.unique(people)) < len(people)


def _quiet(line: object) -> None:
    """Another process tells."""
