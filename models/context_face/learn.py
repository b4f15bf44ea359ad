"""From a data file to weights: every stage of Blume 2024, section 4.2, one after the other.

    python -m models.context_face.learn DATA -o FOLDER [--recipe shipped] [--way paired]
    python -m models.context_face.learn DATA -o FOLDER --from WEIGHTS
    python -m models.context_face.learn DATA -o FOLDER --onto WEIGHTS

The second goes on from finished networks with other data: everything but the voices. The third
trains the composer alone, onto networks that are finished; one that they have goes on from what it
learned. They need PyTorch, Lightning, safetensors and NumPy, and nothing else of mien: the data
file and this folder can be carried to a machine with a GPU. Whatever is interrupted goes on where
it stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import torch

from models.context_face.composer import Composer
from models.context_face.composing import Composing, ComposingSettings, mean_directions
from models.context_face.data import TrainingData, load_data
from models.context_face.directions import Relatives
from models.context_face.expressions import Expressions, Telling
from models.context_face.latents import Latents, face_latents, voice_latents
from models.context_face.network import ContextFace
from models.context_face.pretraining import Pretraining, PretrainingSettings
from models.context_face.recipes import RECIPES, Recipe
from models.context_face.settings import ContextFaceSettings
from models.context_face.shifting import HeadStart, Shifting, Way
from models.context_face.stored import load_model, save_model, training_of
from models.context_face.strength import fitted_gains
from models.context_face.teaching import Teaching
from models.training import (
    Progress,
    RunSettings,
    Task,
    TrainingError,
    claim,
    first_process,
    told,
    train,
)

WEIGHTS = "context-face.safetensors"
Stage = Callable[[str], Progress]  # the name of a stage to what shows its progress


def learn(
    data: TrainingData,
    folder: Path,
    recipe: Recipe,
    run: RunSettings | None = None,
    stage: Stage = lambda _: lambda done, total: None,
) -> Path:
    """Train every stage that is not done yet; returns the file of the weights.

    Where nobody is there both neutral and with an expression, there is no composer.

    Raises:
        TrainingError: Something else is trained in the folder, or the machine lacks what is asked.
    """
    run = run or RunSettings()
    recipe = replace(recipe, network=replace(recipe.network, emotions=data.emotions))
    relatives = _relatives(data)
    if recipe.composing is None or not len(relatives.pairs):
        plain = replace(recipe.network, composer=None)
        recipe = replace(recipe, network=plain, composing=None)
    claim(folder, {"data": data.facts["sha256"], "recipe": asdict(recipe)})
    network = recipe.network
    face = _of_faces("face", recipe.face, data, network, relatives)
    heard = data.of_voices.where("train")
    context = Pretraining("context", network.context, recipe.context, len(heard),
                          lambda picked: data.spectrograms(heard[picked]))  # fmt: skip
    for task in (face, context):
        _finish(task, folder, run, stage)
    expressions = _expressions(recipe, data, relatives, folder, run, stage)
    if recipe.polish is not None:
        polish = _of_faces("polish", recipe.polish, data, network, relatives, expressions)
        polish.go_on_from(face)
        _finish(polish, folder, run, stage)
        face = polish
    if recipe.teaching is not None:
        felt = torch.from_numpy(data.of_voices.emotion[heard]).to(torch.int64)
        teaching = Teaching(context.vae.encoder, recipe.teaching, felt, len(data.emotions),
                            lambda picked: data.spectrograms(heard[picked]))  # fmt: skip
        _finish(teaching, folder, run, stage)
    finished = ContextFace(network)
    finished.face, finished.context = face.vae, context.vae
    _learn_shifts(finished, recipe, data, relatives, expressions, folder, run, stage)
    return _save(folder / WEIGHTS, finished, data.facts.get("licence", "unknown"), {
        "data_sha256": data.facts["sha256"], "training": json.dumps(asdict(recipe)),
    })  # fmt: skip


def learn_on(
    data: TrainingData,
    folder: Path,
    start: Path,
    recipe: Recipe,
    run: RunSettings | None = None,
    stage: Stage = lambda _: lambda done, total: None,
) -> Path:
    """Go on from finished networks, the file `start`, with other data; returns the file of all.

    The face network is polished, the voice network stays as it is; head and shift are learned
    anew, and the composer goes on from the file's where that has the same settings.

    Raises:
        WeightsError: `start` cannot be used.
        TrainingError: As `learn` and `compose_onto`; or the recipe has no polish.
    """
    if recipe.polish is None:
        raise TrainingError("this recipe has no polish; take the recipe shipped")
    before, weights = load_model(start)
    relatives = _relatives(data)
    _check_fit(start, before, data, relatives)
    _check_voices(start, before, data)
    composer = None if recipe.composing is None else recipe.network.composer
    settings = replace(before.settings, composer=composer, gains=())
    recipe = replace(recipe, network=settings)
    claim(folder, {"data": data.facts["sha256"], "from": weights.facts["sha256"],
                   "recipe": asdict(recipe)})  # fmt: skip
    run = run or RunSettings()
    faces = face_latents(data, before.face.encoder, "train")
    expressions = _expressions(recipe, data, relatives, folder, run, stage)
    assert recipe.polish is not None
    polish = _of_faces("polish", recipe.polish, data, settings, relatives, expressions)
    polish.begin_with(before.face, mean_directions(faces.mu, relatives))
    _finish(polish, folder, run, stage)
    known = before.composer if before.settings.composer == composer else None
    network = ContextFace(settings)
    network.face, network.context = polish.vae, before.context
    _learn_shifts(network, recipe, data, relatives, expressions, folder, run, stage, known)
    licences = {weights.facts.get("licence", "unknown"), data.facts.get("licence", "unknown")}
    training = asdict(recipe) | {"before": training_of(weights)}
    return _save(folder / WEIGHTS, network, " and ".join(sorted(licences)), {
        "data_sha256": data.facts["sha256"], "training": json.dumps(training),
        "before_data_sha256": weights.facts.get("data_sha256", "unknown"),
    })  # fmt: skip


def _learn_shifts(
    network: ContextFace, recipe: Recipe, data: TrainingData, relatives: Relatives,
    expressions: Expressions | None, folder: Path, run: RunSettings, stage: Stage,
    known: Composer | None = None,
) -> None:  # fmt: skip
    """Head, CAN, composer (on from a known one) and gains for finished faces and voices."""
    faces = face_latents(data, network.face.encoder, "train")
    voices = voice_latents(data, network.context.encoder, "train")
    head = HeadStart(faces, recipe.head)
    _finish(head, folder, run, stage)
    shift = Shifting(faces, voices, head.head, recipe.shift, network.context.encoder)
    _finish(shift, folder, run, stage)
    network.can, network.head = shift.can, shift.head
    if recipe.composing is not None:
        _compose(network, faces, relatives, recipe.composing, data, folder, run, stage, known,
                 expressions)  # fmt: skip
    if recipe.gains:
        _strengthen(network, data)


def _expressions(
    recipe: Recipe, data: TrainingData, relatives: Relatives, folder: Path, run: RunSettings,
    stage: Stage,
) -> Expressions | None:  # fmt: skip
    """What losses see expressions through, trained on the same faces; None: the recipe has none."""
    if recipe.expressions is None:
        return None
    rows = data.of_faces.where("train")
    telling = Telling(recipe.expressions, relatives.shown,
                      lambda picked: data.pictures(rows[picked]))  # fmt: skip
    _finish(telling, folder, run, stage)
    return telling.network.eval().requires_grad_(False)


def compose_onto(
    data: TrainingData,
    folder: Path,
    onto: Path,
    recipe: Recipe,
    run: RunSettings | None = None,
    stage: Stage = lambda _: lambda done, total: None,
) -> Path:
    """Train the recipe's composer for finished networks, the file `onto`; returns a file of all.

    A composer of the same settings that the file has already goes on; any other is begun anew.

    Raises:
        WeightsError: `onto` cannot be used.
        TrainingError: Something else is trained in the folder, the machine lacks what is asked, the
            recipe has no composer, or the data do not fit: of other emotions or another size, or
            with nobody both neutral and with an expression.
    """
    settings, composer = recipe.composing, recipe.network.composer
    if settings is None or composer is None:
        raise TrainingError("this recipe has no composer; take the recipe shipped")
    before, weights = load_model(onto)
    relatives = _relatives(data)
    _check_fit(onto, before, data, relatives)
    network = ContextFace(replace(before.settings, composer=composer))
    network.load_state_dict(before.state_dict(), strict=False)
    network.eval()
    licences = {weights.facts.get("licence", "unknown"), data.facts.get("licence", "unknown")}
    claim(folder, {"data": data.facts["sha256"], "onto": weights.facts["sha256"],
                   "composer": asdict(composer), "composing": asdict(settings),
                   "expressions": recipe.expressions and asdict(recipe.expressions)})  # fmt: skip
    faces = face_latents(data, network.face.encoder, "train")
    known = before.composer if before.settings.composer == composer else None
    run = run or RunSettings()
    expressions = _expressions(recipe, data, relatives, folder, run, stage)
    _compose(network, faces, relatives, settings, data, folder, run, stage, known, expressions)
    if recipe.gains:
        _strengthen(network, data)
    training = training_of(weights)
    if known is not None and "composing" in training:
        learned = {"data_sha256": weights.facts.get("composing_data_sha256", "unknown")}
        learned |= training["composing"]
        training["composed before"] = [*training.get("composed before", ()), learned]
    training |= {"network": asdict(network.settings), "composing": asdict(settings)}
    return _save(folder / WEIGHTS, network, " and ".join(sorted(licences)), {
        "data_sha256": weights.facts.get("data_sha256", "unknown"),
        "composing_data_sha256": data.facts["sha256"], "training": json.dumps(training),
    })  # fmt: skip


def _check_fit(onto: Path, network: ContextFace, data: TrainingData, relatives: Relatives) -> None:
    known, size = network.settings.emotions, network.settings.face.size
    if known != data.emotions:
        raise TrainingError(
            f"{onto}: networks of {', '.join(known)}; the data show {', '.join(data.emotions)}"
        )
    if size != data.faces.shape[1]:
        raise TrainingError(f"{onto}: networks of {size} pixels; the data, {data.faces.shape[1]}")
    if not len(relatives.pairs):
        raise TrainingError("nobody in the data is there both neutral and with an expression")


def _check_voices(start: Path, network: ContextFace, data: TrainingData) -> None:
    size = network.settings.context.size
    if data.voices.shape[1:] != (size, size):
        found = " × ".join(map(str, data.voices.shape[1:]))
        raise TrainingError(f"{start}: hears spectrograms of {size} × {size}; the data, {found}")
    if not len(data.of_voices.where("train")):
        raise TrainingError("the data hold no voice to train from")


def _compose(
    network: ContextFace, faces: Latents, relatives: Relatives, settings: ComposingSettings,
    data: TrainingData, folder: Path, run: RunSettings, stage: Stage, known: Composer | None,
    expressions: Expressions | None,
) -> None:  # fmt: skip
    """Train a composer for a network, on from a known one, and give it to it."""
    assert network.settings.composer is not None
    rows = data.of_faces.where("train")
    composing = Composing(
        network.settings.composer, settings, network.face, faces, relatives,
        lambda picked: data.pictures(rows[picked]), expressions,
    )  # fmt: skip
    if known is not None:
        composing.go_on_from(known)
    _finish(composing, folder, run, stage)
    network.composer = composing.composer


def _strengthen(network: ContextFace, data: TrainingData) -> None:
    """Give the shifts of a network the strength that people of the validation part call for."""
    network.settings = replace(network.settings, gains=())
    if not all(len(labels.where("validation")) for labels in (data.of_faces, data.of_voices)):
        return
    device = next(network.parameters()).device
    rows = data.of_faces.where("validation")
    faces = face_latents(data, network.face.encoder, "validation")
    voices = voice_latents(data, network.context.encoder, "validation")
    quiet = network.eval().to("cpu")
    gains = fitted_gains(quiet, faces, voices, lambda picked: data.pictures(rows[picked]))
    network.settings = replace(network.settings, gains=gains)
    network.to(device)


def _relatives(data: TrainingData) -> Relatives:
    return Relatives(data.of_faces, data.of_faces.where("train"), data.emotions)


def _of_faces(
    name: str,
    settings: PretrainingSettings,
    data: TrainingData,
    network: ContextFaceSettings,
    relatives: Relatives,
    expressions: Expressions | None = None,
) -> Pretraining:
    rows = data.of_faces.where("train")
    directed = settings.extras.directed > 0
    return Pretraining(name, network.face, settings, len(rows),
                       lambda picked: data.pictures(rows[picked]),
                       relatives if directed else None, expressions)  # fmt: skip


def _finish(task: Task, folder: Path, run: RunSettings, stage: Stage) -> None:
    train(task, folder, run, stage(task.name))


def _save(path: Path, network: ContextFace, licence: str, facts: dict[str, str]) -> Path:
    if first_process():
        save_model(path, network, licence=licence, **facts)
    return path


def main(words: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m models.context_face.learn")
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="shipped")
    parser.add_argument("--way", choices=[way.value for way in Way])
    given = parser.add_mutually_exclusive_group()
    given.add_argument("--from", dest="start", type=Path, help="finished networks to go on from")
    given.add_argument("--onto", type=Path, help="finished networks that get a composer")
    parser.add_argument("--precision", default="bf16-mixed")
    asked = parser.parse_args(words)
    recipe = RECIPES[asked.recipe]
    if asked.way:
        recipe = replace(recipe, shift=replace(recipe.shift, way=Way(asked.way)))
    run = RunSettings(asked.precision)
    try:
        data = load_data(asked.data)
        if asked.start is not None:
            path = learn_on(data, asked.out, asked.start, recipe, run, told)
        elif asked.onto is not None:
            path = compose_onto(data, asked.out, asked.onto, recipe, run, told)
        else:
            path = learn(data, asked.out, recipe, run, told)
    except ValueError as error:  # no data, another training in the folder, no such device
        sys.exit(str(error))
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
