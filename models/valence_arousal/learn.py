"""From a data file to weights: the editor of Lindt et al. 2019, and its judges.

    python -m models.valence_arousal.learn DATA -o FOLDER [--recipe shipped] [--vgg-face FILE]
    python -m models.valence_arousal.learn DATA -o FOLDER --judges       # the judges alone

Needs PyTorch, Lightning, safetensors and NumPy, and nothing else of mien: the data file and this
folder can be carried to a machine with a GPU. Whatever is interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from models.training import Progress, RunSettings, TrainingError, claim, first_process, told, train
from models.valence_arousal.data import NOBODY, FaceData, load_data
from models.valence_arousal.identity import (
    Features,
    Identifying,
    IdentitySettings,
    load_vgg_face,
)
from models.valence_arousal.judge import JudgeSettings, Judging, JudgingSettings, save_judges
from models.valence_arousal.losses import Shares
from models.valence_arousal.settings import PAPER, SHIPPED, CriticSettings, EditorSettings
from models.valence_arousal.stages import Editing, EditingSettings
from models.valence_arousal.stored import save_model
from models.variation import VariationSettings
from models.weights import WeightsError

WEIGHTS = "valence-arousal.safetensors"
JUDGES = "judges.safetensors"
Stage = Callable[[str], Progress]  # the name of a stage to what shows its progress


@dataclass(frozen=True)
class Recipe:
    """Sizes of the networks and how each stage is trained."""

    network: EditorSettings = PAPER
    critics: CriticSettings = CriticSettings()
    identity: IdentitySettings = field(default_factory=IdentitySettings)
    editing: EditingSettings = field(default_factory=EditingSettings)
    judge: JudgeSettings = JudgeSettings()
    judging: JudgingSettings = field(
        default_factory=lambda: JudgingSettings(steps=10_000, momentum=0.9)
    )


_LOOKS = VariationSettings(light=0.2, tint=0.05, colour=0.2, shape=2.0)
RECIPES = {
    "paper": Recipe(),
    # mien's own: smaller networks, true pictures of the same people at other labels, no critics
    "shipped": Recipe(
        network=SHIPPED,
        identity=IdentitySettings(steps=600),
        editing=EditingSettings(
            steps=4_500, faces=6, labels=6, paired=True, looked_at=12, rate=1e-3,
            betas=(0.9, 0.99), lively=True, cosine=True, flip=True, variation=_LOOKS,
            shares=Shares(latent=0.0, image=0.0), emphasis=10.0,
        ),
        judging=JudgingSettings(),
    ),
}  # fmt: skip


def learn(
    data: FaceData,
    folder: Path,
    recipe: Recipe,
    run: RunSettings | None = None,
    stage: Stage = lambda _: lambda done, total: None,
    vgg_face: Path | None = None,
    warn: Callable[[str], object] = lambda line: None,
) -> Path:
    """Train every stage that is not done yet; returns the file of the editor's weights.

    The judges' weights lie beside it, where the data hold people for them.

    vgg_face: weights of the identity network; None: one is trained on the faces. warn: told of
    what goes wrong in the training, in words.

    Raises:
        TrainingError: Something else is trained in the folder, or the machine lacks what is asked.
        ValueError: The recipe needs people at several labels, and there are none.
        WeightsError: No VGG-Face there.
    """
    run = run or RunSettings()
    seen = "vgg-face" if vgg_face else "own"
    given = load_vgg_face(vgg_face).features if vgg_face else None
    claim(folder, {"data": data.facts["sha256"], "recipe": asdict(recipe), "identity": seen})
    features = given or _features(data, folder, recipe, run, stage)
    facts = _facts(data, asdict(recipe) | {"identity_network": seen})
    if len(data.labels.where("judge")):
        _learn_judges(data, folder, recipe, run, stage, facts)
    task = Editing(data, recipe.network, recipe.editing, features, recipe.critics, warn)
    train(task, folder, run, stage(task.name))
    if first_process():
        save_model(folder / WEIGHTS, task.editor, **facts)
    return folder / WEIGHTS


def learn_judges(
    data: FaceData,
    folder: Path,
    recipe: Recipe,
    run: RunSettings | None = None,
    stage: Stage = lambda _: lambda done, total: None,
) -> Path:
    """Train the judges alone, from those whom the data hold for them; returns their file.

    Raises:
        TrainingError: Something else is trained in the folder, or the machine lacks what is asked.
        ValueError: Nobody is there for them.
    """
    if not len(data.labels.where("judge")):
        raise ValueError("the data hold nobody from whom judges could learn")
    asked = {"judge": asdict(recipe.judge), "judging": asdict(recipe.judging)}
    claim(folder, {"data": data.facts["sha256"], "recipe": asked})
    return _learn_judges(data, folder, recipe, run or RunSettings(), stage, _facts(data, asked))


def _learn_judges(
    data: FaceData,
    folder: Path,
    recipe: Recipe,
    run: RunSettings,
    stage: Stage,
    facts: dict[str, str],
) -> Path:
    judging = Judging(data, recipe.judging, recipe.judge)
    train(judging, folder, run, stage(judging.name))
    if first_process():
        count = len(judging.rows)
        people = len(set(data.labels.person[judging.rows].tolist()) - {NOBODY})
        of = f" of {people} people" if people else ""
        learned = f"{count} pictures{of} from which no editor learned"
        save_judges(folder / JUDGES, judging.judges, learned_from=learned, **facts)
    return folder / JUDGES


def _facts(data: FaceData, asked: dict[str, Any]) -> dict[str, str]:
    """What a file of weights says of its training."""
    return {
        "licence": data.facts.get("licence", "unknown"), "data_sha256": data.facts["sha256"],
        "training": json.dumps(asked),
    }  # fmt: skip


def _features(
    data: FaceData, folder: Path, recipe: Recipe, run: RunSettings, stage: Stage
) -> Features:
    """Those of an identity network that is trained first."""
    knowing = Identifying(data, recipe.identity)
    train(knowing, folder, run, stage(knowing.name))
    return knowing.network.eval().requires_grad_(False).features


def main(words: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m models.valence_arousal.learn")
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="shipped")
    parser.add_argument("--size", type=int, help="pixels a side; default: the recipe's")
    parser.add_argument("--precision", default="bf16-mixed")
    parser.add_argument("--vgg-face", type=Path)
    parser.add_argument("--judges", action="store_true", help="the judges alone")
    asked = parser.parse_args(words)
    try:
        recipe = RECIPES[asked.recipe]
        if asked.size is not None:
            recipe = replace(recipe, network=replace(recipe.network, size=asked.size))
        data, run = load_data(asked.data), RunSettings(asked.precision)
        if asked.judges:
            path = learn_judges(data, asked.out, recipe, run, told)
        else:
            path = learn(data, asked.out, recipe, run, told, asked.vgg_face,
                         lambda line: sys.stderr.write(f"{line}\n"))  # fmt: skip
    except (TrainingError, WeightsError, ValueError) as error:
        sys.exit(str(error))
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
