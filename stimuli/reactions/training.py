"""`mien train reaction`: data made where they are missing, then every stage of the training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.reaction.data import ReactionData, load_data
from models.reaction.learn import COMPARED, RECIPES, SHIPPED_BASE, Recipe, learn, learn_all
from models.reaction.settings import NAMES
from models.reaction.stored import FRAMEWORKS
from models.training import RunSettings
from protocols.errors import UserError
from stimuli.reactions.corpus_data import data_of_corpus, place_of
from stimuli.reactions.data import NAME, DataSettings, build
from stimuli.trainings import (
    DATA,
    Shown,
    Stages,
    Tell,
    data_file,
    finished,
    known,
    one_source,
    read_data,
)


@dataclass(frozen=True)
class Asked:
    """Words of the command line; None: the default, or what `every` runs through."""

    data: Path | None = None
    corpus: str | None = None
    base: str | None = None
    framework: str | None = None
    every: bool = False
    recipe: str = "shipped"
    seed: int | None = None

    def __post_init__(self) -> None:
        """Refuse unknown words, before anything is made."""
        one_source(self.data, self.corpus)
        known("--recipe", self.recipe, tuple(RECIPES))
        for option, word, words in (
            ("--base", self.base, NAMES), ("--framework", self.framework, FRAMEWORKS),
        ):  # fmt: skip
            if word is not None:
                known(option, word, tuple(words))
        if self.every:
            given = {"--base": self.base, "--framework": self.framework, "--seed": self.seed}
            for option, word in given.items():
                if word is not None:
                    raise UserError(
                        f"--all trains every base with every framework for seeds 1 to 3; leave out "
                        f"{option}, or --all"
                    )

    @property
    def wanted(self) -> Recipe:
        """The recipe of one training."""
        recipe = RECIPES[self.recipe][self.base or SHIPPED_BASE]
        return recipe if self.seed is None else recipe.of_seed(self.seed)


def train_reaction(
    asked: Asked,
    folder: Path,
    run: RunSettings,
    workers: int,
    shown: Shown,
    tell: Tell,
    settings: DataSettings | None = None,
) -> Path:
    """Every stage that is not done yet; tells and returns the file of the weights.

    With `every`, the folder in which all trainings have folders of their own. settings: of the
    synthetic data, where these are made.

    Raises:
        UserError: data that cannot be trained from, a folder in which something else is trained,
            or a machine without what is asked for.
    """
    path = _data_file(asked, folder, settings or DataSettings(), workers, shown, tell)
    data = read_data(path, load_data, "reaction")
    if not len(data.where("train")):
        raise UserError(f"{path}: holds no clip to train from")

    return finished(lambda stages: _learn(asked, data, folder, run, stages), shown, tell)


def _learn(
    asked: Asked, data: ReactionData, folder: Path, run: RunSettings, stages: Stages
) -> Path:
    if not asked.every:
        return learn(data, folder, asked.wanted, asked.framework or "emc", run, stages)
    recipe = COMPARED.get(asked.recipe, asked.recipe)
    learn_all(data, folder, RECIPES[recipe], run=run, stage=stages)
    return folder


def _data_file(
    asked: Asked, folder: Path, settings: DataSettings, workers: int, shown: Shown, tell: Tell
) -> Path:
    made = folder / DATA
    return data_file(
        asked.data, asked.corpus, made / NAME,
        gather=lambda place, show: data_of_corpus(place, made, workers, show),
        make=lambda show: build(made, settings, workers, show),
        what="speakers and listeners", shown=shown, tell=tell, find=place_of,
    )  # fmt: skip
