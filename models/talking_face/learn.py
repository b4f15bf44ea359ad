"""From a data file to weights: both stages of Eskimez 2021, section IV-B.

    python -m models.talking_face.learn DATA -o FOLDER [--recipe shipped] [--perception FILE]
    python -m models.talking_face.learn DATA -o FOLDER --from WEIGHTS

The second trains the second stage alone, from a generator that has learned. Both need PyTorch,
Lightning, safetensors and NumPy, and nothing else of mien: the data file and this folder can be
carried to a machine with a GPU. Whatever is interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from models.talking_face.data import ClipData, load_data
from models.talking_face.hearing import Hearing, HearingSettings
from models.talking_face.losses import Shares
from models.talking_face.network import TalkingFace
from models.talking_face.perception import (
    SHIPPED_FILE,
    Perceiving,
    PerceptionSettings,
    load_perception,
    save_perception,
)
from models.talking_face.settings import PAPER, SHIPPED, CriticSettings, TalkingFaceSettings
from models.talking_face.stages import Features, Speaking, StageSettings
from models.talking_face.stored import load_model, save_model
from models.training import Progress, RunSettings, TrainingError, claim, first_process, told, train
from models.variation import VariationSettings
from models.vgg import load_vgg19
from models.weights import WeightsError, joined_licence

WEIGHTS = "talking-face.safetensors"
PERCEPTION = "perception.safetensors"
OWN, SHIPPED_LOOKS = "own", "shipped"  # words of --perception
Stage = Callable[[str], Progress]  # the name of a stage to what shows its progress


@dataclass(frozen=True)
class Recipe:
    """Sizes of the networks and how each stage is trained."""

    network: TalkingFaceSettings = PAPER
    critics: CriticSettings = CriticSettings()
    perception: PerceptionSettings = field(default_factory=PerceptionSettings)
    hearing: HearingSettings | None = None  # an addition of mien; None: as the paper
    first: StageSettings = field(default_factory=StageSettings)
    second: StageSettings | None = field(
        default_factory=lambda: StageSettings(batch=4, rate=1e-5, adversaries=True)
    )


_LOOKS = VariationSettings(light=0.2, tint=0.03, colour=0.2, shape=2.0)
_FIRST = StageSettings(
    steps=3_800, batch=4, frames=6, rate=1e-3, speech_share=0.2, cosine=True, betas=(0.9, 0.99),
    floor=0.1, spread=11.0, flip=True, variation=_LOOKS, shares=Shares(perceptual=0.5),
)  # fmt: skip
RECIPES = {
    "paper": Recipe(),
    # mien's own, an hour and a half on one processor: smaller networks, hearing first, the whole
    # face beside the mouth; narrow critics, which see no sound: the speech encoder stays as it is
    "shipped": Recipe(
        network=SHIPPED,
        critics=CriticSettings((16, 32, 64, 128, 128), hidden=256, sequence=64),
        perception=PerceptionSettings(steps=600),
        hearing=HearingSettings(),
        first=_FIRST,
        second=replace(
            _FIRST, steps=1_500, rate=1e-4, critics_rate=3e-4, betas=(0.5, 0.99), speech_share=0.0,
            adversaries=True, seed=2,
        ),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Looks:
    """Through what the perceptual loss looks.

    Attributes:
        perception: OWN: a network that is trained first, on the clips; SHIPPED: the one that mien
            brings; else the file of one that an earlier training left.
        vgg19: the paper's network in its place, as safetensors.
    """

    perception: str = OWN
    vgg19: Path | None = None

    def read(self) -> tuple[str, Features | None]:
        """What it is called beside the weights, and what it shows; None: it is yet to be trained.

        Raises:
            WeightsError: Two networks, or no such file, or other weights in it.
        """
        if self.vgg19 is not None:
            if self.perception != OWN:
                raise WeightsError("--perception and --vgg19: one network compares; give one")
            return "vgg19", load_vgg19(self.vgg19).features
        if self.perception == OWN:
            return OWN, None
        path = SHIPPED_FILE if self.perception == SHIPPED_LOOKS else Path(self.perception)
        network, weights = load_perception(path)
        return weights.facts["sha256"], network.features


def learn(
    data: ClipData,
    folder: Path,
    recipe: Recipe,
    run: RunSettings | None = None,
    stage: Stage = lambda _: lambda done, total: None,
    looks: Looks | None = None,
) -> Path:
    """Train every stage that is not done yet; returns the file of the weights.

    looks: through what the perceptual loss looks; None: a network trained first, on the clips,
    which is kept beside the weights.

    Raises:
        TrainingError: Something else is trained in the folder, or the machine lacks what is asked.
        WeightsError: No perceptual network there.
    """
    run = run or RunSettings()
    recipe = replace(recipe, network=replace(recipe.network, emotions=data.emotions))
    seen, given = (looks or Looks()).read()
    claim(folder, {"data": data.facts["sha256"], "recipe": asdict(recipe), "perception": seen})
    features = given or _features(data, folder, recipe, run, stage)
    task = Speaking("first", recipe.network, recipe.first, data, features)
    if recipe.hearing is not None:
        hearing = Hearing(data, recipe.network.speech, recipe.hearing)
        train(hearing, folder, run, stage(hearing.name))
        task.face.speech.load_state_dict(hearing.speech.state_dict())
    train(task, folder, run, stage(task.name))
    if recipe.second is not None:
        second = Speaking("second", recipe.network, recipe.second, data, features, recipe.critics)
        second.go_on_from(task.face)
        train(second, folder, run, stage(second.name))
        task = second
    return _save(
        folder / WEIGHTS, task.face, data.facts.get("licence", "unknown"),
        {"data_sha256": data.facts["sha256"]}, asdict(recipe) | {"perception_network": seen},
    )  # fmt: skip


def learn_second(
    data: ClipData,
    folder: Path,
    start: Path,
    recipe: Recipe,
    run: RunSettings | None = None,
    stage: Stage = lambda _: lambda done, total: None,
    looks: Looks | None = None,
) -> Path:
    """Train the recipe's second stage alone, from the generator in the file `start`.

    Raises:
        TrainingError: Something else is trained in the folder, the machine lacks what is asked, the
            recipe has no second stage, or the data are of other emotions or another size.
        WeightsError: `start` cannot be used, or no perceptual network there.
    """
    if recipe.second is None:
        raise TrainingError("this recipe has no second stage; take the recipe shipped")
    run, (seen, given) = run or RunSettings(), (looks or Looks()).read()
    before, weights = load_model(start)
    _check_fit(start, before.settings, data)
    ours = {"critics": asdict(recipe.critics), "second": asdict(recipe.second),
            "perception_network": seen}  # fmt: skip
    claim(folder, {"data": data.facts["sha256"], "from": weights.facts["sha256"], **ours})
    features = given or _features(data, folder, recipe, run, stage)
    task = Speaking("second", before.settings, recipe.second, data, features, recipe.critics)
    task.go_on_from(before)
    train(task, folder, run, stage(task.name))
    return _save(
        folder / WEIGHTS, task.face, joined_licence(weights.facts, data.facts),
        {"data_sha256": weights.facts.get("data_sha256", "unknown"),
         "second_data_sha256": data.facts["sha256"]},
        json.loads(weights.facts.get("training", "{}")) | ours,
    )  # fmt: skip


def _check_fit(start: Path, network: TalkingFaceSettings, data: ClipData) -> None:
    if network.emotions != data.emotions:
        raise TrainingError(
            f"{start}: a network of {', '.join(network.emotions)}; the data show "
            f"{', '.join(data.emotions)}"
        )
    if network.size != data.firsts.shape[1]:
        raise TrainingError(
            f"{start}: a network of {network.size} pixels; the data, {data.firsts.shape[1]}"
        )


def _features(
    data: ClipData, folder: Path, recipe: Recipe, run: RunSettings, stage: Stage
) -> Features:
    """Those of a perceptual network that is trained first."""
    seeing = Perceiving(data, recipe.perception)
    train(seeing, folder, run, stage(seeing.name))
    if first_process():
        save_perception(
            folder / PERCEPTION, seeing.network, licence=data.facts.get("licence", "unknown"),
            data_sha256=data.facts["sha256"], training=json.dumps(asdict(recipe.perception)),
        )  # fmt: skip
    return seeing.network.eval().requires_grad_(False).features


def _save(
    path: Path, network: TalkingFace, licence: str, of_data: dict[str, str], training: object
) -> Path:
    if first_process():
        save_model(path, network, licence=licence, **of_data, training=json.dumps(training))
    return path


def main(words: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m models.talking_face.learn")
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="shipped")
    parser.add_argument("--from", dest="start", type=Path, help="weights: the second stage alone")
    parser.add_argument("--precision", default="bf16-mixed")
    parser.add_argument("--perception", default=OWN)
    parser.add_argument("--vgg19", type=Path)
    asked = parser.parse_args(words)
    run, recipe = RunSettings(asked.precision), RECIPES[asked.recipe]
    looks = Looks(asked.perception, asked.vgg19)
    try:
        data = load_data(asked.data)
        if asked.start is None:
            path = learn(data, asked.out, recipe, run, told, looks)
        else:
            path = learn_second(data, asked.out, asked.start, recipe, run, told, looks)
    except (TrainingError, WeightsError, ValueError) as error:
        sys.exit(str(error))
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
