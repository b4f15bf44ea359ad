"""A trained model of talking faces, from its file and to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.talking_face.network import TalkingFace
from models.talking_face.settings import Filters, SpeechSettings, TalkingFaceSettings
from models.weights import Weights, load_network, save_weights, settings_of

KIND = "talking-face"
SHIPPED_FILE = Path(__file__).with_name("shipped.safetensors")  # weights that mien brings


def save_model(path: Path, network: TalkingFace, **facts: str) -> str:
    """Write a model, as float16; returns the SHA-256 of its tensors."""
    return save_weights(
        path, KIND, network.state_dict(), asdict(network.settings), half=True, **facts
    )


def load_model(path: Path) -> tuple[TalkingFace, Weights]:
    """A model ready to use, and what its file says of it.

    Raises:
        WeightsError: No such file, another model, changed, or not fitting its own settings.
    """
    return load_network(path, KIND, lambda stored: TalkingFace(_settings(stored)))


def _settings(stored: Mapping[str, Any]) -> TalkingFaceSettings:
    speech = dict(stored["speech"])
    speech["filters"] = tuple(Filters(*one) for one in speech["filters"])
    given: dict[str, Any] = settings_of(stored) | {"speech": SpeechSettings(**speech)}
    return TalkingFaceSettings(**given)
