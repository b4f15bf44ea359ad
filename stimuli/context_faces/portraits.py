"""The faces that networks start from, neutral as a rule: of mien's actors, or of a prepared corpus.

Both are crops (size, size, 3) uint8 sRGB with the eyes on the same two points (stimuli.corpora.
arrays.settings), as the networks were trained on them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from PIL import Image

from protocols.editing import ANY
from protocols.errors import UserError
from protocols.prepared import PreparedCorpus
from stimuli import actor_pictures
from stimuli.actors import facs
from stimuli.actors.cast import actor
from stimuli.actors.portrait import Studio
from stimuli.context_faces.faces import DRAWN, cropped
from stimuli.corpora.arrays.settings import ArraySettings

INNER_LIPS = ((61, 67), (62, 66), (63, 65))  # pairs above each other, of the 68 points of 300-W
NOSE, CORNERS = 30, (36, 45)  # tip of the nose; outer corners of the eyes, likewise
FRONTAL = ("front", "frontal")
NEUTRAL = "neutral"
EYES_OFF = 0.005  # of the crop's width: what eyes may lie elsewhere than trained


class PortraitError(UserError):
    """A person without a face that can be used; the message says what to do."""


class Portraits(Protocol):
    """Where faces come from."""

    def recipe(self, identity: str) -> dict[str, Any]:
        """Everything that decides about the face's pixels."""
        ...

    def face(self, identity: str) -> np.ndarray:
        """The face (size, size, 3) uint8 sRGB."""
        ...


class ActorPortraits:
    """mien's actors, drawn and cut as those that the networks learned from."""

    def __init__(self, size: int, cache: Path | None = None, expression: str = NEUTRAL) -> None:
        """Faces of `size` pixels; prepared actors are kept in `cache` (None: the user's).

        expression: an emotion, shown at full strength; any: at rest.
        """
        self.settings = ArraySettings(size=size)
        self.expression = NEUTRAL if expression == ANY else expression
        self.studio = Studio(size=DRAWN, supersample=2, cache_dir=cache)

    def recipe(self, identity: str) -> dict[str, Any]:
        """The actor, the version of how actors are drawn, and an expression that is not neutral."""
        said = {"corpus": "actors", "actor": identity, "version": actor_pictures.VERSION}
        return said if self.expression == NEUTRAL else {**said, "expression": self.expression}

    def face(self, identity: str) -> np.ndarray:
        """The actor, cut out of a portrait of DRAWN pixels."""
        weights = facs.weights(self.expression, float(self.expression != NEUTRAL))
        return cropped(actor(identity), weights, self.studio, self.settings)


class CorpusPortraits:
    """People of a prepared corpus, each from a clip that is seen from in front if there is one.

    It is labelled neutral, or with another expression that is asked for.
    """

    def __init__(
        self, name: str, corpus: PreparedCorpus, size: int, rule: str, expression: str | None = None
    ) -> None:
        """Faces of `size` pixels; rule: closed-mouth, middle or first, of the frames of a film.

        expression: label of the clip; any: whatever its label; None: neutral, nothing else will do.
        Raises PortraitError if the arrays do not fit the networks.
        """
        self.name, self.corpus, self.size, self.rule = name, corpus, size, rule
        self.expression = expression or NEUTRAL
        self._else = f", take any (expression: {ANY})" if expression else ""
        made, wanted = corpus.record, ArraySettings(size=size)
        if made.size < size:
            raise PortraitError(
                f"{corpus.folder}: its faces have {made.size} pixels; the networks need {size}: "
                f"prepare the corpus with --size {size}"
            )
        off = np.abs(np.array(made.eyes) / made.size - wanted.eyes / size).max()
        if off > EYES_OFF:
            raise PortraitError(
                f"{corpus.folder}: the eyes lie elsewhere in its crops than the networks learned; "
                "prepare the corpus anew with mien corpus prepare"
            )

    def recipe(self, identity: str) -> dict[str, Any]:
        """Clip, frame and SHA-256 of the face's pixels."""
        clip, row = self._chosen(identity)
        return {
            "corpus": self.name,
            "clip": clip,
            "frame": int(self.corpus.rows["frame"][row]),
            "sha256": hashlib.sha256(self.face(identity).tobytes()).hexdigest(),
        }

    def face(self, identity: str) -> np.ndarray:
        """The crop; a larger one is resampled (Lanczos)."""
        crop = np.asarray(self.corpus.faces[self._chosen(identity)[1]])
        return resampled(crop, self.size)

    def turned(self, identity: str) -> float | None:
        """How far the face looks to a side, 0 (from in front) to 1; None where nobody measured."""
        found = turned(np.asarray(self.corpus.landmarks[self._chosen(identity)[1]]))
        return found if np.isfinite(found) else None

    def _chosen(self, identity: str) -> tuple[str, int]:
        """Clip and row of the face."""
        index = self.corpus.index
        mine = index.loc[(index["actor"] == identity) | (index["clip"] == identity)]
        seen = mine.loc[mine["rows"] > 0]
        fitting = seen if self.expression == ANY else seen.loc[seen["emotion"] == self.expression]
        if not len(seen):
            raise PortraitError(
                f"stimuli.identities: no face of '{identity}' was prepared; see "
                f"{self.corpus.folder / 'unusable.tsv'}, or leave out '{identity}'"
            )
        if not len(fitting):
            labels = ", ".join(sorted({str(word) for word in seen["emotion"].dropna()}))
            word = self.expression
            raise PortraitError(
                f"stimuli.corpus: {self.name} has no {word} face of '{identity}' (labels: "
                f"{labels or 'none'}); label one {word} (constants: {{emotion: {word}}} in the "
                f"mapping of own photographs){self._else}, or leave that person out"
            )
        best = min(fitting.itertuples(), key=_unlike_a_portrait)
        first, count = int(best.first_row), int(best.rows)  # type: ignore[arg-type]
        return str(best.clip), first + self._frame(slice(first, first + count))

    def _frame(self, rows: slice) -> int:
        """Which frame of a clip, by the rule."""
        count = rows.stop - rows.start
        if self.rule == "first":
            return 0
        if self.rule == "closed-mouth":
            opening = mouth_opening(np.asarray(self.corpus.landmarks[rows]))
            if np.isfinite(opening).any():
                return int(np.nanargmin(opening))
        return count // 2


def mouth_opening(landmarks: np.ndarray) -> np.ndarray:
    """Mean distance (n,) between the inner lips of faces with landmarks (n, 68, 2), in pixels."""
    pairs = [np.linalg.norm(landmarks[:, a] - landmarks[:, b], axis=1) for a, b in INNER_LIPS]
    return np.mean(pairs, axis=0)


def turned(landmarks: np.ndarray) -> float:
    """How unequal both halves of a face with landmarks (68, 2) are: 0 as from in front, at most 1.

    The tip of the nose is nearer to one eye's outer corner when a head turns.
    """
    halves = np.abs(landmarks[NOSE, 0] - landmarks[list(CORNERS), 0])
    return float(abs(halves[0] - halves[1]) / max(halves.sum(), 1e-6))


def resampled(pixels: np.ndarray, size: int) -> np.ndarray:
    """A square picture (h, h, 3) uint8 at another size, by Lanczos; as it is at its own."""
    if len(pixels) == size:
        return pixels
    picture = Image.fromarray(pixels).resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def _unlike_a_portrait(clip: Any) -> tuple[bool, bool, bool, str]:
    """Order of a person's neutral clips: from in front, speech, spoken once, by name."""
    aside = not (pd.isna(clip.view) or str(clip.view) in FRONTAL)
    again = not pd.isna(clip.take) and int(clip.take) > 1
    return aside, str(clip.channel) == "song", again, str(clip.clip)
