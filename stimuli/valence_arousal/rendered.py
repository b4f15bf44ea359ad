"""Actors drawn at points of the plane of valence and arousal: what editing them is to reach."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from protocols.manifest import IPTC
from stimuli import actor_pictures
from stimuli.actor_pictures import moved
from stimuli.actors import plane
from stimuli.actors.cast import actor
from stimuli.actors.portrait import Studio
from stimuli.context_faces.faces import DRAWN, cropped
from stimuli.corpora.arrays.settings import ArraySettings
from stimuli.generators import Origin

Point = tuple[float, float]  # valence, arousal
LEAST = 64  # pixels of the smallest portrait


class RenderedFaces:
    """mien's actors, cut as the pictures that networks edit."""

    def __init__(self, native: int, version: str, cache: Path | None = None) -> None:
        """Faces of `native` pixels; prepared actors are kept in `cache` (None: the user's)."""
        self.native, self.settings = native, ArraySettings(size=native)
        drawn = round(DRAWN * native / ArraySettings().size)  # as large in it as in the networks'
        self.studio = Studio(size=max(drawn, LEAST), supersample=2, cache_dir=cache)
        self.origin = Origin(
            version=version,
            licence="CC0-1.0",
            digital_source_type=IPTC + "algorithmicMedia",  # IPTC: no training data
            note="A synthetic face, drawn by mien (valence-arousal). CC0-1.0. No person is shown.",
        )

    def recipe(self, identity: str) -> dict[str, Any]:
        """The actor, the version of how actors are drawn, and with how many pixels."""
        face = {"corpus": "actors", "actor": identity, "version": actor_pictures.VERSION}
        return {"native_size": self.native, "face": face}

    def pictures(self, identity: str, points: Sequence[Point]) -> list[np.ndarray]:
        """The face (native, native, 3) uint8 at each point."""
        person = actor(identity)
        return [cropped(person, plane.at(*point), self.studio, self.settings) for point in points]

    def facts(self, identity: str, point: Point) -> dict[str, Any]:
        """What the sidecar says: the facial actions that are moved."""
        return {"facial_actions": moved(plane.at(*point))}
