"""`mien train talking-face`: data made where they are missing, then every stage of the training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from models.talking_face.data import ClipData, load_data
from models.talking_face.learn import OWN, RECIPES, Looks, Recipe, learn, learn_second
from models.talking_face.stored import SHIPPED_FILE
from models.training import RunSettings
from protocols.errors import UserError
from stimuli.talking_faces.corpus_data import data_of_corpus
from stimuli.talking_faces.data import NAME, DataSettings, build
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
    perception: str = OWN
    vgg19: Path | None = None
    seed: int | None = None
    start: Path | None = None  # weights whose second stage alone is trained; `shipped`: mien's

    def __post_init__(self) -> None:
        """Refuse unknown words, before anything is made."""
        one_source(self.data, self.corpus)
        known("--recipe", self.recipe, tuple(RECIPES))
        if self.start is not None and RECIPES[self.recipe].second is None:
            raise UserError(f"--from: the recipe {self.recipe} has no second stage; take shipped")

    @property
    def wanted(self) -> Recipe:
        """The recipe, with the seed as asked for."""
        recipe = RECIPES[self.recipe]
        if self.seed is None:
            return recipe
        second = recipe.second and replace(recipe.second, seed=self.seed)
        return replace(
            recipe, second=second, first=replace(recipe.first, seed=self.seed),
            perception=replace(recipe.perception, seed=self.seed),
        )  # fmt: skip


def train_talking_face(
    asked: Asked, folder: Path, run: RunSettings, workers: int, shown: Shown, tell: Tell
) -> Path:
    """Every stage that is not done yet; tells and returns the file of the weights.

    Raises:
        UserError: data that cannot be trained from, a folder in which something else is trained,
            a file without a perceptual network, or a machine without what is asked for.
    """
    recipe = asked.wanted
    path = _data_file(asked, folder, recipe, workers, shown, tell)
    data = _read(path, recipe)
    looks, start = Looks(asked.perception, asked.vgg19), asked.start
    if start is not None:
        file = meant(start, SHIPPED_FILE)
        return finished(
            lambda stages: learn_second(data, folder, file, recipe, run, stages, looks),
            shown, tell,
        )  # fmt: skip
    return finished(lambda stages: learn(data, folder, recipe, run, stages, looks), shown, tell)


def _data_file(
    asked: Asked, folder: Path, recipe: Recipe, workers: int, shown: Shown, tell: Tell
) -> Path:
    made = folder / DATA
    return data_file(
        asked.data, asked.corpus, made / NAME,
        gather=lambda corpus, show: data_of_corpus(corpus, made, recipe.network, show),
        make=lambda show: build(made, DataSettings(), workers, show),
        what="a crowd and its clips", shown=shown, tell=tell,
    )  # fmt: skip


def _read(path: Path, recipe: Recipe) -> ClipData:
    data = read_data(path, load_data, "talking-face")
    size = data.firsts.shape[1]
    if size != recipe.network.size:
        raise UserError(
            f"{path}: pictures of {size} pixels; the networks of this recipe take "
            f"{recipe.network.size}"
        )
    if not len(data.clips.where("train")):
        raise UserError(f"{path}: holds no clip to train from")
    if "neutral" not in data.emotions:
        raise UserError(f"{path}: holds no neutral clip, of which weaker emotions are a mixture")
    return data
