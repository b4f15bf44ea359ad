"""A trained editor, from its file and to it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from models.valence_arousal.network import Editor
from models.valence_arousal.settings import EditorSettings
from models.weights import Weights, load_network, save_weights, settings_of

KIND = "valence-arousal"
SHIPPED_FILE = Path(__file__).with_name("shipped.safetensors")  # weights that mien brings


def save_model(path: Path, network: Editor, **facts: str) -> str:
    """Write a model, as float16; returns the SHA-256 of its tensors."""
    return save_weights(
        path, KIND, network.state_dict(), asdict(network.settings), half=True, **facts
    )


def load_model(path: Path) -> tuple[Editor, Weights]:
    """A model ready to use, and what its file says of it.

    Raises:
        WeightsError: No such file, another model, changed, or not fitting its own settings.
    """
    return load_network(path, KIND, lambda stored: Editor(EditorSettings(**settings_of(stored))))
