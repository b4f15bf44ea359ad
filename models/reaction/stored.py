"""A trained model of reactions, from its file and to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.reaction.alignment import AlignmentSettings
from models.reaction.bases import make_base
from models.reaction.emc import Emc, EmcSettings
from models.reaction.emotion_attention import AttentionSettings
from models.reaction.hearing import HearingSettings
from models.reaction.network import Model, Original
from models.reaction.settings import BaseSettings, name_of, restored_settings, stored_settings
from models.weights import Weights, load_network, save_weights, settings_of

KIND = "reaction"
SHIPPED_FILE = Path(__file__).with_name("shipped.safetensors")  # weights that mien brings
FRAMEWORKS = ("emc", "no-attention", "none")


def make_model(framework: str, base: BaseSettings, emc: EmcSettings) -> Model:
    """A model that has not learned yet: a base with a framework around it.

    framework: "emc"; "no-attention", the same without EA; "none", the base alone.
    """
    if framework not in FRAMEWORKS:
        raise ValueError(f"framework {framework!r}: give one of {', '.join(FRAMEWORKS)}")
    network = make_base(base)
    if framework == "none":
        return Original(network, base.voice)
    if emc.attention != (framework == "emc"):
        raise ValueError(f"framework {framework}: contradicts attention={emc.attention}")
    return Emc(network, emc, base.voice)


def save_model(path: Path, model: Model, base: BaseSettings, **facts: str) -> str:
    """Write a model, as float16; returns the SHA-256 of its tensors.

    Its facts name `base` and `framework`, beside those that are given (seed, licence, training).
    """
    emc = asdict(model.settings) if isinstance(model, Emc) else None
    told = {"base": name_of(base), "framework": model.framework}
    settings = {"of_base": stored_settings(base), "emc": emc}
    return save_weights(path, KIND, model.state_dict(), told | settings, half=True, **told, **facts)


def load_model(path: Path) -> tuple[Model, Weights]:
    """A model ready to use, and what its file says of it.

    Raises:
        WeightsError: No such file, another model, changed, or not fitting its own settings.
    """
    return load_network(path, KIND, _built)


def _built(stored: Mapping[str, Any]) -> Model:
    base = restored_settings(stored["base"], stored["of_base"])
    emc = stored["emc"] or {}
    return make_model(stored["framework"], base, emc_settings(emc))


def emc_settings(stored: Mapping[str, Any]) -> EmcSettings:
    """Settings of EMC from JSON."""
    kinds = {"alignment": AlignmentSettings, "attending": AttentionSettings,
             "hearing": HearingSettings}  # fmt: skip
    values = {
        name: kinds[name](**settings_of(value)) if name in kinds else value
        for name, value in stored.items()
    }
    return EmcSettings(**values)
