"""A trained model of context faces, from its file and to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.context_face.network import ContextFace
from models.context_face.settings import (
    ComposerSettings,
    ContextFaceSettings,
    MelSettings,
    VaeSettings,
)
from models.weights import Weights, WeightsError, load_weights, save_weights, settings_of

KIND = "context-face"
TRAINING_ONLY = "context.decoder."  # of CRN: nothing that is made needs it
SHIPPED_FILE = Path(__file__).with_name("shipped.safetensors")  # weights that mien brings


def save_model(path: Path, network: ContextFace, **facts: str) -> str:
    """Write a model, as float16; returns the SHA-256 of its tensors."""
    tensors = {
        name: tensor
        for name, tensor in network.state_dict().items()
        if not name.startswith(TRAINING_ONLY)
    }
    return save_weights(path, KIND, tensors, asdict(network.settings), half=True, **facts)


def load_model(path: Path) -> tuple[ContextFace, Weights]:
    """A model ready to use, and what its file says of it.

    Raises:
        WeightsError: No such file, another model, changed, or not fitting its own settings.
    """
    weights = load_weights(path, KIND)
    try:
        network = ContextFace(_settings(weights.settings))
        found = network.load_state_dict(weights.tensors, strict=False)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{path}: does not fit its own settings ({error})") from None
    missing = [n for n in found.missing_keys if not n.startswith(TRAINING_ONLY)]
    if missing or found.unexpected_keys:
        odd = (*missing, *found.unexpected_keys)[0]
        raise WeightsError(f"{path}: does not fit its own settings (at {odd})")
    return network.eval(), weights


def _settings(stored: Mapping[str, Any]) -> ContextFaceSettings:
    composer = stored.get("composer")  # weights of before have none, and no gains or one for all
    emotions = tuple(stored["emotions"])
    before = (stored["gain"],) * len(emotions) if "gain" in stored else ()
    return ContextFaceSettings(
        VaeSettings(**settings_of(stored["face"])), VaeSettings(**settings_of(stored["context"])),
        MelSettings(**stored["mel"]), emotions,
        None if composer is None else ComposerSettings(**settings_of(composer)),
        tuple(stored.get("gains", before)), tuple(stored.get("farthest", ())),
    )  # fmt: skip


def training_of(weights: Weights) -> dict[str, Any]:
    """The recipe that weights were trained by."""
    return json.loads(weights.facts.get("training", "{}"))
