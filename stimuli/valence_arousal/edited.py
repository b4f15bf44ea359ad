"""Faces that a network edits to points of the plane of valence and arousal (Lindt et al. 2019).

A face is encoded once, whatever the number of its labels. The same bytes come whatever the batches
and processes: one thread, each face by itself, DECODED labels at a time, the last ones filled up.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.valence_arousal.network import Editor, Encoded
from models.valence_arousal.stored import SHIPPED_FILE, load_model
from protocols.editing import Editing
from protocols.protocol import Protocol
from stimuli.context_faces.sources import find_portraits
from stimuli.likeness import difference
from stimuli.trained import load_trained, one_thread, origin_of
from stimuli.valence_arousal.rendered import Point

DECODED = 7  # labels decoded together: a row of the paper's grid
KEPT = 8  # faces kept as encoded, about 2 MB each
MADE = "A face at a point of valence and arousal, as a neural network edits it"


class EditedFaces:
    """The people of a protocol, edited."""

    def __init__(
        self, protocol: Protocol, editing: Editing, version: str, cache: Path | None = None
    ) -> None:
        """Faces of `protocol`; prepared actors are kept in `cache` (None: the user's).

        Raises:
            GeneratorError: the weights cannot be used.
            UserError: faces are missing.
        """
        self.network: Editor
        self.network, weights = load_trained(editing, SHIPPED_FILE, load_model)
        self.native = self.network.settings.size
        self._sha256 = weights.facts["sha256"]
        self.portraits = find_portraits(
            protocol.stimuli, editing, self.native, cache, editing.expression
        )
        self.origin = origin_of(protocol, editing, weights, version, MADE)
        self._faces: dict[str, dict[str, Any]] = {}
        self._encoded: dict[str, Encoded] = {}
        self._differences: dict[str, dict[str, float]] = {}

    def recipe(self, identity: str) -> dict[str, Any]:
        """Weights, and where the face comes from; files are hashed once."""
        if identity not in self._faces:
            self._faces[identity] = self.portraits.recipe(identity)
        return {"weights": self._sha256, "face": self._faces[identity]}

    @torch.inference_mode()
    def pictures(self, identity: str, points: Sequence[Point]) -> list[np.ndarray]:
        """The face (native, native, 3) uint8 at each point."""
        found: list[np.ndarray] = []
        with one_thread():
            face, labels = self._face(identity), torch.tensor(points, dtype=torch.float32)
            for some in labels.split(DECODED):
                filled = torch.cat([some, some[-1:].expand(DECODED - len(some), -1)])
                pictures = self.network.decode(face, filled[None])[0, : len(some)]
                found.extend(_pixels(pictures))
        return found

    def facts(self, identity: str, point: Point) -> dict[str, Any]:
        """What the sidecar says: how far the face is from the given one where neutral is asked."""
        if identity not in self._differences:
            (unchanged,) = self.pictures(identity, [(0.0, 0.0)])
            given = self.portraits.face(identity)
            self._differences[identity] = difference(given, unchanged)
        return {"reconstruction": self._differences[identity]}

    def _face(self, identity: str) -> Encoded:
        """A person's face as encoded; the last ones are kept."""
        if identity not in self._encoded:
            pixels = self.portraits.face(identity).transpose(2, 0, 1)
            picture = torch.from_numpy(pixels / np.float32(127.5) - np.float32(1))
            while len(self._encoded) >= KEPT:  # the oldest goes
                self._encoded.pop(next(iter(self._encoded)))
            self._encoded[identity] = self.network.encode(picture[None])
        return self._encoded[identity]


def _pixels(pictures: torch.Tensor) -> np.ndarray:
    """(n, S, S, 3) uint8 of pictures (n, 3, S, S) in [-1, 1]."""
    levels = ((pictures + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous().numpy()
