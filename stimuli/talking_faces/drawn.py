"""Talking faces of the corpus of actors itself: each is drawn as the generator `actor` films it.

Blinks, movements of the head and the mouth are those of stimuli.actor_clips. The face rises from
neutral to its expression as in the clips that the networks learned from, and is cut from a portrait
of the same scale.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from protocols.filming import SpokenClip, TalkingClip
from protocols.protocol import Protocol
from stimuli.actor_clips import ActorClips
from stimuli.actors import camera
from stimuli.actors.cast import actor
from stimuli.actors.clip import clip
from stimuli.actors.portrait import Studio
from stimuli.context_faces.faces import DRAWN
from stimuli.corpora.arrays.crop import cut, eyes_to
from stimuli.corpora.arrays.settings import ArraySettings
from stimuli.corpora.synthetic.acting import LEAD_IN, RISE, in_steps
from stimuli.processes import free_threads
from stimuli.stimulus import Stimulus
from stimuli.talking_faces.speakers import Utterance


class DrawnFaces:
    """The actors of a protocol, filmed and cut as the networks' pictures are."""

    def __init__(self, protocol: Protocol, native: int, cache: Path | None) -> None:
        """Frames of `native` pixels; prepared actors are kept in `cache` (None: the user's)."""
        self.native, self.settings = native, ArraySettings(size=native)
        self.studio = Studio(size=DRAWN, supersample=2, cache_dir=cache)
        spoken = protocol.stimuli.filmed
        assert isinstance(spoken, SpokenClip)
        onset = RISE - max(0.0, LEAD_IN - spoken.pause)  # what the networks' videos leave out
        filmed = TalkingClip(**spoken.model_dump(), onset=onset)
        changed = {"generator": "actor", "clip": filmed, "talking": None}
        stimuli = protocol.stimuli.model_copy(update=changed)
        self.actors = ActorClips(protocol.model_copy(update={"stimuli": stimuli}), cache)
        self.origin = replace(
            self.actors.origin,
            note="A synthetic actor, filmed by mien (talking-face, route corpus). CC0-1.0. "
            "No person is shown.",
        )

    def recipe(self, stimulus: Stimulus) -> dict[str, Any]:
        """How the actor is filmed, and the version of that."""
        settings = self.actors.settings.model_dump(mode="json", exclude={"sentences"})
        return {"route": "corpus", "drawn": self.origin.version, "filmed": settings}

    def facts(self, stimulus: Stimulus) -> dict[str, Any]:
        """Nothing more."""
        return {}

    def frames(self, stimulus: Stimulus, said: Utterance) -> Iterator[np.ndarray]:
        """Frames (native, native, 3) uint8 of the whole utterance."""
        levels = {name: level for name, level in stimulus.levels.items() if name != "movement"}
        curves = self.actors.curves(replace(stimulus, levels=levels))
        drawn = clip(
            actor(stimulus.identity), curves.weights, self.studio,
            head=in_steps(curves.head, DRAWN), workers=free_threads(),
        )  # fmt: skip
        eyes = np.array(sorted(camera.eye_pixels(DRAWN)))  # left in the picture first
        place = eyes_to(eyes, self.settings.eyes)
        return (cut(frame, place, self.native)[0] for frame in drawn)
