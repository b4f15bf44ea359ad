"""Trainings from finished networks: with other data, of voices alone, or of a composer alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from models.context_face.composing import mean_directions
from models.context_face.data import TrainingData
from models.context_face.directions import Relatives
from models.context_face.latents import face_latents
from models.context_face.network import ContextFace
from models.context_face.recipes import Recipe
from models.context_face.stages import (
    WEIGHTS,
    Stage,
    compose,
    finish,
    learn_expressions,
    learn_shifts,
    of_faces,
    relatives_of,
    save,
    strengthen,
    teach_voices,
)
from models.context_face.stored import load_model, training_of
from models.training import RunSettings, TrainingError, claim
from models.weights import joined_licence


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
    anew, so emotions may be others, and the composer goes on from the file's where that has the
    same settings.

    Raises:
        WeightsError: `start` cannot be used.
        TrainingError: As `learn` and `compose_onto`; or the recipe has no polish.
    """
    polishing = recipe.polish
    if polishing is None:
        raise TrainingError("this recipe has no polish; take the recipe shipped")
    before, weights = load_model(start)
    relatives = relatives_of(data)
    _check_faces(start, before, data, relatives)
    _check_voices(start, before, data)
    composer = None if recipe.composing is None else recipe.network.composer
    face = before.settings.face.able_to_learn(recipe.network.face.places)
    settings = replace(before.settings, face=face, emotions=data.emotions, composer=composer,
                       gains=(), farthest=())  # fmt: skip
    recipe = replace(recipe, network=settings)
    claim(folder, {"data": data.facts["sha256"], "from": weights.facts["sha256"],
                   "recipe": asdict(recipe)})  # fmt: skip
    run = run or RunSettings()
    faces = face_latents(data, before.face.encoder, "train")
    expressions = learn_expressions(recipe, data, relatives, folder, run, stage)
    polish = of_faces("polish", polishing, data, settings, relatives, expressions)
    polish.begin_with(before.face, mean_directions(faces.mu, relatives))
    finish(polish, folder, run, stage)
    known = before.composer if before.settings.composer == composer else None
    network = ContextFace(settings)
    network.face, network.context = polish.vae, before.context
    learn_shifts(network, recipe, data, relatives, expressions, folder, run, stage, known)
    training = asdict(recipe) | {"before": training_of(weights)}
    return save(folder / WEIGHTS, network, joined_licence(weights.facts, data.facts), {
        "data_sha256": data.facts["sha256"], "training": json.dumps(training),
        "before_data_sha256": weights.facts.get("data_sha256", "unknown"),
    })  # fmt: skip


def hear_on(
    data: TrainingData,
    folder: Path,
    start: Path,
    recipe: Recipe,
    run: RunSettings | None = None,
    stage: Stage = lambda _: lambda done, total: None,
) -> Path:
    """Go on with the voices of finished networks, the file `start`; returns a file of all.

    The encoder of voices is taught on, and head, shift and gains are learned anew for what it hears
    then; how faces and their changes are drawn stays as it is.

    Raises:
        WeightsError: `start` cannot be used.
        TrainingError: As `learn` and `compose_onto`; or the recipe teaches no voices.
    """
    teaching = recipe.teaching
    if teaching is None:
        raise TrainingError("this recipe teaches no voices; take the recipe shipped")
    network, weights = load_model(start)
    relatives = relatives_of(data)
    _check_emotions(start, network, data)
    _check_faces(start, network, data, relatives)
    _check_voices(start, network, data)
    recipe = replace(recipe, network=network.settings, composing=None)  # the composer stays, too
    stages = {name: asdict(getattr(recipe, name)) for name in ("teaching", "head", "shift")}
    claim(folder, {"data": data.facts["sha256"], "voices": weights.facts["sha256"],
                   "gains": recipe.gains, **stages})  # fmt: skip
    run = run or RunSettings()
    teach_voices(network.context.encoder, teaching, data, folder, run, stage)
    network.settings = replace(network.settings, gains=(), farthest=())
    learn_shifts(network, recipe, data, relatives, None, folder, run, stage)
    training = training_of(weights)
    before = {name: training[name] for name in stages if name in training}
    before["data_sha256"] = _heard_data(weights.facts)
    training["heard before"] = [*training.get("heard before", ()), before]
    training |= {"network": asdict(network.settings), **stages}
    kept = {name: weights.facts[name] for name in ("before_data_sha256", "composing_data_sha256")
            if name in weights.facts}  # fmt: skip
    return save(folder / WEIGHTS, network, joined_licence(weights.facts, data.facts), {
        "data_sha256": weights.facts.get("data_sha256", "unknown"), **kept,
        "hearing_data_sha256": data.facts["sha256"], "training": json.dumps(training),
    })  # fmt: skip


def _heard_data(facts: Mapping[str, str]) -> str:
    """SHA-256 of the data that networks learned voices from last."""
    return facts.get("hearing_data_sha256", facts.get("data_sha256", "unknown"))


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
    relatives = relatives_of(data)
    _check_emotions(onto, before, data)
    _check_faces(onto, before, data, relatives)
    network = ContextFace(replace(before.settings, composer=composer))
    network.load_state_dict(before.state_dict(), strict=False)
    network.eval()
    claim(folder, {"data": data.facts["sha256"], "onto": weights.facts["sha256"],
                   "composer": asdict(composer), "composing": asdict(settings),
                   "expressions": recipe.expressions and asdict(recipe.expressions)})  # fmt: skip
    faces = face_latents(data, network.face.encoder, "train")
    known = before.composer if before.settings.composer == composer else None
    run = run or RunSettings()
    expressions = learn_expressions(recipe, data, relatives, folder, run, stage)
    compose(network, faces, relatives, settings, data, folder, run, stage, known, expressions)
    if recipe.gains:
        strengthen(network, data)
    training = training_of(weights)
    if known is not None and "composing" in training:
        learned = {"data_sha256": weights.facts.get("composing_data_sha256", "unknown")}
        learned |= training["composing"]
        training["composed before"] = [*training.get("composed before", ()), learned]
    training |= {"network": asdict(network.settings), "composing": asdict(settings)}
    return save(folder / WEIGHTS, network, joined_licence(weights.facts, data.facts), {
        "data_sha256": weights.facts.get("data_sha256", "unknown"),
        "composing_data_sha256": data.facts["sha256"], "training": json.dumps(training),
    })  # fmt: skip


def _check_emotions(onto: Path, network: ContextFace, data: TrainingData) -> None:
    if (known := network.settings.emotions) != data.emotions:
        raise TrainingError(
            f"{onto}: networks of {', '.join(known)}; the data show {', '.join(data.emotions)}"
        )


def _check_faces(
    onto: Path, network: ContextFace, data: TrainingData, relatives: Relatives
) -> None:
    size = network.settings.face.size
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
