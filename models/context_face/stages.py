"""Stages that trainings of context faces share: what each learns from, and where it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from models.context_face.composer import Composer
from models.context_face.composing import Composing, ComposingSettings
from models.context_face.data import TrainingData
from models.context_face.directions import Relatives
from models.context_face.expressions import Expressions, Telling
from models.context_face.latents import Latents, face_latents, voice_latents
from models.context_face.network import ContextFace
from models.context_face.pretraining import Pretraining, PretrainingSettings
from models.context_face.recipes import Recipe
from models.context_face.settings import ContextFaceSettings
from models.context_face.shifting import HeadStart, Shifting
from models.context_face.stored import save_model
from models.context_face.strength import farthest_shifts, fitted_gains
from models.context_face.teaching import Teaching, TeachingSettings
from models.context_face.vae import Encoder
from models.training import Progress, RunSettings, Task, first_process, train

WEIGHTS = "context-face.safetensors"
Stage = Callable[[str], Progress]  # the name of a stage to what shows its progress


def relatives_of(data: TrainingData) -> Relatives:
    """Who shows what, of the faces that train."""
    return Relatives(data.of_faces, data.of_faces.where("train"), data.emotions)


def of_faces(
    name: str,
    settings: PretrainingSettings,
    data: TrainingData,
    network: ContextFaceSettings,
    relatives: Relatives,
    expressions: Expressions | None = None,
) -> Pretraining:
    """The training of a face network, on the faces that train."""
    rows = data.of_faces.where("train")
    directed = settings.extras.directed > 0
    return Pretraining(name, network.face, settings, len(rows),
                       lambda picked: data.pictures(rows[picked]),
                       relatives if directed else None, expressions)  # fmt: skip


def learn_expressions(
    recipe: Recipe, data: TrainingData, relatives: Relatives, folder: Path, run: RunSettings,
    stage: Stage,
) -> Expressions | None:  # fmt: skip
    """What losses see expressions through, trained on the same faces; None: the recipe has none."""
    if recipe.expressions is None:
        return None
    rows = data.of_faces.where("train")
    telling = Telling(recipe.expressions, relatives.shown,
                      lambda picked: data.pictures(rows[picked]))  # fmt: skip
    finish(telling, folder, run, stage)
    return telling.network.eval().requires_grad_(False)


def teach_voices(
    encoder: Encoder, settings: TeachingSettings, data: TrainingData, folder: Path,
    run: RunSettings, stage: Stage,
) -> None:  # fmt: skip
    """Teach an encoder of voices, in place, what the voices that train feel."""
    heard = data.of_voices.where("train")
    felt = torch.from_numpy(data.of_voices.emotion[heard]).to(torch.int64)
    teaching = Teaching(encoder, settings, felt, len(data.emotions),
                        lambda picked: data.spectrograms(heard[picked]))  # fmt: skip
    finish(teaching, folder, run, stage)


def learn_shifts(
    network: ContextFace, recipe: Recipe, data: TrainingData, relatives: Relatives,
    expressions: Expressions | None, folder: Path, run: RunSettings, stage: Stage,
    known: Composer | None = None,
) -> None:  # fmt: skip
    """Head, CAN, composer (on from a known one) and gains for finished faces and voices."""
    faces = face_latents(data, network.face.encoder, "train")
    voices = voice_latents(data, network.context.encoder, "train")
    head = HeadStart(faces, recipe.head)
    finish(head, folder, run, stage)
    shift = Shifting(faces, voices, head.head, recipe.shift, network.context.encoder)
    finish(shift, folder, run, stage)
    network.can, network.head = shift.can, shift.head
    if recipe.composing is not None:
        compose(network, faces, relatives, recipe.composing, data, folder, run, stage, known,
                 expressions)  # fmt: skip
    if recipe.gains:
        strengthen(network, data)


def compose(
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
    finish(composing, folder, run, stage)
    network.composer = composing.composer


def strengthen(network: ContextFace, data: TrainingData) -> None:
    """Give the shifts of a network the strength that people of the validation part call for."""
    network.settings = replace(network.settings, gains=(), farthest=())
    if not all(len(labels.where("validation")) for labels in (data.of_faces, data.of_voices)):
        return
    device = next(network.parameters()).device
    rows = data.of_faces.where("validation")
    faces = face_latents(data, network.face.encoder, "validation")
    voices = voice_latents(data, network.context.encoder, "validation")
    quiet = network.eval().to("cpu")
    gains = fitted_gains(quiet, faces, voices, lambda picked: data.pictures(rows[picked]))
    network.settings = replace(network.settings, gains=gains, farthest=farthest_shifts(faces))
    network.to(device)


def finish(task: Task, folder: Path, run: RunSettings, stage: Stage) -> None:
    """Train a task to its end, in its own folder below `folder`."""
    train(task, folder, run, stage(task.name))


def save(path: Path, network: ContextFace, licence: str, facts: dict[str, str]) -> Path:
    """Write finished networks, once however many processes there are."""
    if first_process():
        save_model(path, network, licence=licence, **facts)
    return path
