"""Weights on disk: safetensors with their settings, never pickle.

A file holds tensors and, in its header under HEADER, one JSON object: `kind` (the model),
`settings`, `sha256` of the tensors, `licence`, and what they were trained on. One entry, because
safetensors writes several in a random order: the same weights are to give the same file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn


class WeightsError(ValueError):
    """A file that does not hold the weights asked for; its message is for the user."""


HEADER = "mien"


@dataclass(frozen=True)
class Weights:
    """tensors by name, and what the header says."""

    tensors: dict[str, Tensor]
    facts: dict[str, str]

    @property
    def settings(self) -> dict:
        """The settings of the model, as they were stored."""
        return json.loads(self.facts["settings"])


def save_weights(
    path: Path,
    kind: str,
    tensors: Mapping[str, Tensor],
    settings: Mapping,
    *,
    half: bool = False,
    **facts: str,
) -> str:
    """Write weights; returns the SHA-256 of the tensors. half: store as float16."""
    stored = {
        name: (t.half() if half and t.is_floating_point() else t).detach().cpu().contiguous()
        for name, t in sorted(tensors.items())
    }
    sha256 = tensors_hash(stored)
    said = {"kind": kind, "settings": json.dumps(settings), "sha256": sha256, **facts}
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    save_file(stored, fresh, metadata=header(said))
    fresh.replace(path)
    return sha256


def joined_licence(*facts: Mapping[str, str]) -> str:
    """The licence of what comes of several things: each of theirs, once."""
    return " and ".join(sorted({one.get("licence", "unknown") for one in facts}))


def load_weights(path: Path, kind: str) -> Weights:
    """Read weights of a kind of model; floats come back as float32.

    Raises:
        WeightsError: No such file, not safetensors, another model, or changed since it was written.
    """
    try:
        with safe_open(path, "pt") as file:
            facts = facts_of(file.metadata())
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file; give weights of a {kind} model") from None
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{path}: not a safetensors file ({error}); mien reads no other format of weights"
        ) from None
    found = facts.get("kind", "an unknown model")
    if found != kind:
        raise WeightsError(f"{path}: holds weights of {found}; give weights of {kind}")
    if tensors_hash(tensors) != facts.get("sha256"):
        raise WeightsError(
            f"{path}: its tensors have changed since they were written; copy or train them again"
        )
    return Weights(
        {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}, facts
    )


Network = TypeVar("Network", bound=nn.Module)


def load_network(
    path: Path, kind: str, build: Callable[[Mapping[str, Any]], Network]
) -> tuple[Network, Weights]:
    """A network ready to use, and what its file says of it; build: makes one from its settings.

    Raises:
        WeightsError: No such file, another model, changed, or not fitting its own settings.
    """
    weights = load_weights(path, kind)
    try:
        network = build(weights.settings)
        network.load_state_dict(weights.tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise WeightsError(f"{path}: does not fit its own settings ({first})") from None
    return network.eval(), weights


def settings_of(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Stored settings as a dataclass takes them: JSON keeps tuples as lists."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in stored.items()}


def header(facts: Mapping[str, str]) -> dict[str, str]:
    """Facts as safetensors' metadata."""
    return {HEADER: json.dumps(dict(facts), sort_keys=True)}


def facts_of(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """What `header` wrote; empty where mien wrote nothing."""
    return json.loads((metadata or {}).get(HEADER, "{}"))


def tensors_hash(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and bytes of tensors."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        flat = tensor.detach().cpu().contiguous().flatten()
        digest.update(flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b"")
    return digest.hexdigest()
