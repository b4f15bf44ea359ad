"""From a data file to weights: a base model, alone or with EMC around it.

    python -m models.reaction.learn DATA -o FOLDER [--base regnn] [--framework emc] [--seed 1]
    python -m models.reaction.learn DATA -o FOLDER --all

Needs PyTorch, Lightning, safetensors and NumPy, and nothing else of mien: the data file and this
folder can be carried to a machine with a GPU. Whatever is interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from torch import nn

from models.reaction.alignment import AlignmentSettings
from models.reaction.data import ReactionData, load_data
from models.reaction.emc import Emc, EmcSettings
from models.reaction.emotion_attention import AttentionSettings
from models.reaction.hearing import Hearing, HearingStage
from models.reaction.network import Model
from models.reaction.settings import NAMES, PAPER, SHIPPED, VARIED, BaseSettings
from models.reaction.stages import Reacting, ReactingStage, Tokenizing, TokenizingStage
from models.reaction.stored import FRAMEWORKS, make_model, save_model
from models.training import Progress, RunSettings, TrainingError, claim, first_process, told, train

WEIGHTS = "reaction.safetensors"
FIRST = "first"  # folder of what several runs of a seed learn first
SEEDS = (1, 2, 3)  # of a comparison
COMPARED = {"shipped": "comparison"}  # recipes that have a shorter one for comparisons
SHIPPED_BASE = "regnn"  # whose weights mien brings
Stage = Callable[[str], Progress]  # the name of a stage to what shows its progress


@dataclass(frozen=True)
class Varying:
    """A stage after the last, in which reactions to a speaker learn to differ as people's do."""

    base: BaseSettings  # the same network, but for what lets them differ
    fusion: float  # weight of eq. 14, which divides by the base's spread
    reacting: ReactingStage


@dataclass(frozen=True)
class Recipe:
    """Sizes of a base and of the framework, and how each stage is trained."""

    base: BaseSettings
    emc: EmcSettings = field(default_factory=EmcSettings)
    hearing: HearingStage = field(default_factory=HearingStage)
    tokenizer: TokenizingStage = field(default_factory=TokenizingStage)
    reacting: ReactingStage = field(default_factory=ReactingStage)
    varying: Varying | None = None

    def of_seed(self, seed: int) -> Recipe:
        """The same with another seed, in every stage."""
        return replace(
            self, hearing=replace(self.hearing, seed=seed),
            tokenizer=replace(self.tokenizer, seed=seed),
            reacting=replace(self.reacting, seed=seed),
            varying=self._varying(seed=seed),
        )  # fmt: skip

    def of_steps(self, steps: int) -> Recipe:
        """The same with so many steps in which reactions are learned, and as many that vary."""
        return replace(
            self, reacting=replace(self.reacting, steps=steps), varying=self._varying(steps=steps)
        )

    @property
    def learned(self) -> BaseSettings:
        """What the base is when all stages are over."""
        return self.base if self.varying is None else self.varying.base

    def _varying(self, **changed: int) -> Varying | None:
        v = self.varying
        return v and replace(v, reacting=replace(v.reacting, **changed))


# EMC as the paper: emotion frame by frame; and as wide as the published bases ask for
_WIDE = EmcSettings(
    alignment=AlignmentSettings(latent=16, hidden=128),
    attending=AttentionSettings(emotion=64, inner=64, pooled=1),
)
# The published losses leave reactions to a speaker nearly alike; from there on the energy score.
# Eq. 14 divides by the square of the spread, which is a fifth here: so its weight is less.
_VARYING = {
    name: Varying(base, fusion=4e-6, reacting=ReactingStage(steps=600, reactions=4, rate=2e-3))
    for name, base in VARIED.items()
}
# Optimisers of the bases as they were published, which the paper keeps (section 4.1). Trans-VAE: 50
# epochs of the 1,594 clips of REACT 2024. REGNN's batch of 128 windows of 50 frames is 16 of 256,
# and FaceVIS's tokenizer's of 8 clips of 736 frames is 24.
RECIPES: dict[str, dict[str, Recipe]] = {
    "paper": {
        "trans-vae": Recipe(PAPER["trans-vae"], _WIDE, reacting=ReactingStage(
            steps=19_925, batch=4, frames=256, rate=1e-5, weight_decay=5e-4, cosine=False,
        )),
        "regnn": Recipe(PAPER["regnn"], _WIDE, reacting=ReactingStage(
            steps=20_000, batch=16, frames=256, rate=1e-4, weight_decay=0.0, cosine=False,
        )),
        "facevis": Recipe(
            PAPER["facevis"], _WIDE,
            tokenizer=TokenizingStage(steps=37_200, batch=24, rate=1e-3, cosine=False),
            reacting=ReactingStage(steps=9_200, batch=16, frames=256, rate=1e-3, cosine=False),
        ),
    },
    # mien's own: small networks, an optimiser that gets somewhere on one processor
    "shipped": {
        name: Recipe(
            SHIPPED[name], hearing=HearingStage(steps=1_500, batch=16),
            tokenizer=TokenizingStage(steps=600), reacting=ReactingStage(steps=1_500),
            varying=_VARYING.get(name),
        )
        for name in NAMES
    },
    # the same with half the steps, for tokens more: 27 trainings in three quarters of an hour
    "comparison": {
        name: Recipe(
            SHIPPED[name], hearing=HearingStage(steps=1_500, batch=16),
            tokenizer=TokenizingStage(steps=600), reacting=ReactingStage(steps=steps),
        )
        for name, steps in (("trans-vae", 750), ("regnn", 750), ("facevis", 1_200))
    },
}  # fmt: skip


def learn(
    data: ReactionData,
    folder: Path,
    recipe: Recipe,
    framework: str = "emc",
    run: RunSettings | None = None,
    stage: Stage = lambda _: lambda done, total: None,
    first: Path | None = None,
) -> Path:
    """Train every stage that is not done yet; returns the file of the weights.

    first: a folder where runs that learn the same things first share them; by default they are
    learned below `folder`.

    Raises:
        TrainingError: Something else is trained in the folder, or the machine lacks what is asked.
        ValueError: No such framework.
    """
    run, first = run or RunSettings(), first or folder / FIRST
    recipe = replace(recipe, emc=replace(recipe.emc, attention=framework == "emc"))
    claim(folder, {
        "data": data.facts["sha256"], "recipe": asdict(recipe), "framework": framework
    })  # fmt: skip
    model = make_model(framework, recipe.base, recipe.emc)
    task = Reacting(data, model, recipe.reacting)
    if isinstance(model, Emc) and recipe.emc.attention:
        hearing = Hearing(data, recipe.emc.hearing, recipe.hearing)
        _learn_first(hearing, data, asdict(recipe.hearing), first, run, stage)
        task.hold(hearing.network, model.hearing)
    network = model.base.first_stage()
    if network is not None:
        fresh = make_model("none", recipe.base, recipe.emc).base.first_stage()
        assert isinstance(fresh, nn.Module)
        tokenizing = Tokenizing(data, fresh, recipe.tokenizer)
        _learn_first(tokenizing, data, asdict(recipe.tokenizer), first, run, stage)
        task.hold(fresh, network)
    task.begin()
    train(task, folder, run, stage(task.name))
    if recipe.varying is not None:
        model = _varied(model, task, recipe, framework, folder, run, stage)
    if first_process():
        save_model(
            folder / WEIGHTS, model, recipe.learned, seed=str(recipe.reacting.seed),
            licence=data.facts.get("licence", "unknown"), data_sha256=data.facts["sha256"],
            training=json.dumps(asdict(recipe)),
        )  # fmt: skip
    return folder / WEIGHTS


def learn_all(
    data: ReactionData,
    folder: Path,
    recipes: dict[str, Recipe],
    seeds: Sequence[int] = SEEDS,
    run: RunSettings | None = None,
    stage: Stage = lambda _: lambda done, total: None,
) -> list[Path]:
    """Every base with every framework, for each seed; each in FOLDER/BASE-FRAMEWORK-SEED.

    What is learned first is learned once for each seed.
    """
    return [
        learn(
            data, folder / f"{base}-{framework}-{seed}", recipe.of_seed(seed), framework, run,
            lambda name, of=f"{base}-{framework}-{seed}": stage(f"{of} {name}"),
            folder / FIRST / str(seed),
        )
        for seed in seeds for base, recipe in recipes.items() for framework in FRAMEWORKS
    ]  # fmt: skip


def _varied(
    learned: Model, before: Reacting, recipe: Recipe, framework: str, folder: Path,
    run: RunSettings, stage: Stage,
) -> Model:  # fmt: skip
    """The model after the stage in which its reactions learn to differ."""
    varying = recipe.varying
    assert varying is not None
    emc = replace(recipe.emc, fusion=varying.fusion)
    model = make_model(framework, varying.base, emc)
    task = Reacting(before.data, model, varying.reacting, "variety")
    task.go_on(learned)
    task.begin()
    train(task, folder, run, stage(task.name))
    return model


def _learn_first(
    task: Hearing | Tokenizing, data: ReactionData, settings: dict, folder: Path,
    run: RunSettings, stage: Stage,
) -> None:  # fmt: skip
    """A first stage, unless it is done."""
    sizes = {name: list(value.shape) for name, value in _state(task).items()}
    claim(folder / task.name, {
        "data": data.facts["sha256"], "settings": settings, "sizes": sizes
    })  # fmt: skip
    train(task, folder, run, stage(task.name))


def _state(task: Hearing | Tokenizing) -> dict:
    (network,) = task.networks.values()
    return network.state_dict()


def main(words: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m models.reaction.learn")
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="shipped")
    parser.add_argument("--base", choices=NAMES, default=SHIPPED_BASE)
    parser.add_argument("--framework", choices=FRAMEWORKS, default="emc")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--steps", type=int, help="of each stage that learns to react; default: the recipe's"
    )
    parser.add_argument("--all", action="store_true", help="every base, framework and seed 1 to 3")
    parser.add_argument("--precision", default="bf16-mixed")
    asked = parser.parse_args(words)
    recipe: str = asked.recipe
    recipes = RECIPES[COMPARED.get(recipe, recipe) if asked.all else recipe]
    if asked.steps is not None:
        recipes = {name: recipe.of_steps(asked.steps) for name, recipe in recipes.items()}
    try:
        data, run = load_data(asked.data), RunSettings(asked.precision)
        if asked.all:
            paths = learn_all(data, asked.out, recipes, run=run, stage=told)
        else:
            one = recipes[asked.base].of_seed(asked.seed)
            paths = [learn(data, asked.out, one, asked.framework, run, told)]
    except (TrainingError, ValueError) as error:
        sys.exit(str(error))
    sys.stdout.write("".join(f"{path}\n" for path in paths))


if __name__ == "__main__":
    main()
