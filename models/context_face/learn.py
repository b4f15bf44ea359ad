"""From a data file to weights: every stage of Blume 2024, section 4.2, one after the other.

    python -m models.context_face.learn DATA -o FOLDER [--recipe shipped] [--way paired]

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

import torch
from torch import nn

from models.context_face.data import TrainingData, load_data
from models.context_face.directions import Relatives
from models.context_face.latents import face_latents, voice_latents
from models.context_face.network import ContextFace
from models.context_face.pretraining import Extras, Pretraining, PretrainingSettings
from models.context_face.settings import PAPER, SHIPPED, ContextFaceSettings
from models.context_face.shifting import HeadStart, Shifting, ShiftingSettings, Way
from models.context_face.stored import save_model
from models.context_face.teaching import Teaching, TeachingSettings
from models.training import Progress, RunSettings, Task, claim, first_process, told, train
from models.variation import VariationSettings

WEIGHTS = "context-face.safetensors"
Stage = Callable[[str], Progress]  # the name of a stage to what shows its progress


@dataclass(frozen=True)
class Recipe:
    """Sizes of the networks and how each stage is trained."""

    network: ContextFaceSettings = PAPER
    face: PretrainingSettings = field(default_factory=PretrainingSettings)
    context: PretrainingSettings = field(default_factory=lambda: PretrainingSettings(flip=False))
    head: ShiftingSettings = field(default_factory=ShiftingSettings)
    shift: ShiftingSettings = field(default_factory=ShiftingSettings)
    teaching: TeachingSettings | None = None  # an addition of mien; None: as the paper
    polish: PretrainingSettings | None = None  # of the face network, likewise


# mien's own: smaller networks, pixels beside features, hours on two processors instead of weeks
_BY_PIXELS = Extras(pixels=1.0, features=0.0, adversary=0.0, first_log_var=-4.0, quiet=True)
RECIPES = {
    "paper": Recipe(),
    "shipped": Recipe(
        network=SHIPPED,
        face=PretrainingSettings(
            steps=12_000, batch=16, rate=1.5e-3, cosine=True, weight_decay=1e-4, prior=1e-6,
            extras=replace(_BY_PIXELS, directed=0.5),
        ),
        polish=PretrainingSettings(
            steps=7_500, batch=16, rate=8e-4, cosine=True, weight_decay=1e-4, prior=1e-6, seed=2,
            extras=replace(
                _BY_PIXELS, mouth_gain=8.0, structure=0.2, directed=0.5,
                variation=VariationSettings(light=0.2, tint=0.02, colour=0.2, shape=2.0),
            ),
        ),
        context=PretrainingSettings(
            steps=600, batch=32, rate=1.5e-3, cosine=True, weight_decay=1e-4, prior=1e-6,
            flip=False, extras=replace(_BY_PIXELS, mouth_gain=0.0, brow_gain=0.0),
        ),
        teaching=TeachingSettings(steps=1_600),
        head=ShiftingSettings(steps=3_000, rate=1e-3),
        shift=ShiftingSettings(
            way=Way.PAIRED, steps=2_000, batch=128, rate=1e-3, weight_decay=1e-4, paired=3.0
        ),
    ),
}  # fmt: skip


def learn(
    data: TrainingData,
    folder: Path,
    recipe: Recipe,
    run: RunSettings | None = None,
    stage: Stage = lambda _: lambda done, total: None,
) -> Path:
    """Train every stage that is not done yet; returns the file of the weights.

    Raises:
        TrainingError: Something else is trained in the folder, or the machine lacks what is asked.
    """
    run = run or RunSettings()
    recipe = replace(recipe, network=replace(recipe.network, emotions=data.emotions))
    claim(folder, {"data": data.facts["sha256"], "recipe": asdict(recipe)})
    network = recipe.network
    face = _of_faces("face", recipe.face, data, network)
    heard = data.of_voices.where("train")
    context = Pretraining("context", network.context, recipe.context, len(heard),
                          lambda picked: data.spectrograms(heard[picked]))  # fmt: skip
    for task in (face, context):
        _finish(task, folder, run, stage)
    if recipe.polish is not None:
        polish = _of_faces("polish", recipe.polish, data, network)
        polish.go_on_from(face)
        _finish(polish, folder, run, stage)
        face = polish
    if recipe.teaching is not None:
        felt = torch.from_numpy(data.of_voices.emotion[heard]).to(torch.int64)
        teaching = Teaching(context.vae.encoder, recipe.teaching, felt, len(data.emotions),
                            lambda picked: data.spectrograms(heard[picked]))  # fmt: skip
        _finish(teaching, folder, run, stage)
    faces = face_latents(data, face.vae.encoder, "train")
    voices = voice_latents(data, context.vae.encoder, "train")
    head = HeadStart(faces, recipe.head)
    _finish(head, folder, run, stage)
    shift = Shifting(faces, voices, head.head, recipe.shift, context.vae.encoder)
    _finish(shift, folder, run, stage)
    return _save(folder / WEIGHTS, recipe, data, face.vae, context.vae, shift)


def _of_faces(
    name: str, settings: PretrainingSettings, data: TrainingData, network: ContextFaceSettings
) -> Pretraining:
    rows = data.of_faces.where("train")
    directed = settings.extras.directed > 0
    relatives = Relatives(data.of_faces, rows, data.emotions) if directed else None
    return Pretraining(name, network.face, settings, len(rows),
                       lambda picked: data.pictures(rows[picked]), relatives)  # fmt: skip


def _finish(task: Task, folder: Path, run: RunSettings, stage: Stage) -> None:
    train(task, folder, run, stage(task.name))


def _save(
    path: Path, recipe: Recipe, data: TrainingData, face: nn.Module, context: nn.Module,
    shift: Shifting,
) -> Path:  # fmt: skip
    network = ContextFace(recipe.network)
    network.face, network.context = face, context  # pyright: ignore[reportAttributeAccessIssue]
    network.can, network.head = shift.can, shift.head
    if not first_process():
        return path
    save_model(
        path, network, licence=data.facts.get("licence", "unknown"),
        data_sha256=data.facts["sha256"], training=json.dumps(asdict(recipe)),
    )  # fmt: skip
    return path


def main(words: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m models.context_face.learn")
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="shipped")
    parser.add_argument("--way", choices=[way.value for way in Way])
    parser.add_argument("--precision", default="bf16-mixed")
    asked = parser.parse_args(words)
    recipe = RECIPES[asked.recipe]
    if asked.way:
        recipe = replace(recipe, shift=replace(recipe.shift, way=Way(asked.way)))
    try:
        path = learn(load_data(asked.data), asked.out, recipe, RunSettings(asked.precision), told)
    except ValueError as error:  # no data, another training in the folder, no such device
        sys.exit(str(error))
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
