"""The generator `valence-arousal`: a face at points of the plane of valence and arousal.

By either route, a network that edits a picture (Lindt et al. 2019) or a drawing of the actor at the
point itself, the eyes lie on the same two points of every picture. Where a study shows both
(`method`), drawings have the network's own size first, too, so that they are no sharper.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from protocols.editing import METHOD, RENDERED, TRAINED, Editing
from protocols.protocol import Protocol as Study
from stimuli.context_faces.checks import Seen, checked
from stimuli.context_faces.portraits import resampled
from stimuli.corpora.arrays.settings import ArraySettings
from stimuli.generators import Origin
from stimuli.media import Rendered
from stimuli.stimulus import Stimulus
from stimuli.valence_arousal.rendered import Point, RenderedFaces

VERSION = "1"  # changes whenever a picture changes though weights and faces do not
WINDOW = 49  # stimuli looked at together: as many as the paper's grid has
KEPT = 64  # people whose neutral face the judge remembers
NEUTRAL: Point = (0.0, 0.0)


class Route(Protocol):
    """A way to make a face at a point."""

    native: int  # pixels
    origin: Origin

    def recipe(self, identity: str) -> dict[str, Any]:
        """What decides about the pixels, beside the point."""
        ...

    def pictures(self, identity: str, points: Sequence[Point]) -> list[np.ndarray]:
        """The face (native, native, 3) uint8 sRGB at each point."""
        ...

    def facts(self, identity: str, point: Point) -> dict[str, Any]:
        """What the sidecar says beside the recipe."""
        ...


class ValenceArousalPictures:
    """Faces of the people of a protocol, at its levels of valence and arousal."""

    def __init__(self, protocol: Study, cache: Path | None = None) -> None:
        """Pictures of `protocol`; prepared actors are kept in `cache` (None: the user's).

        Raises:
            GeneratorError: the weights cannot be used.
            UserError: faces are missing.
        """
        stimuli = protocol.stimuli
        self.editing, self.size = stimuli.editing or Editing(), stimuli.size
        names, native = self.editing.routes(stimuli.factors), self.size
        self.routes: dict[str, Route] = {}
        if TRAINED in names:
            from stimuli.valence_arousal.edited import EditedFaces  # drawings need no PyTorch

            self.routes[TRAINED] = EditedFaces(protocol, self.editing, VERSION, cache)
            native = self.routes[TRAINED].native
        if RENDERED in names:
            self.routes[RENDERED] = RenderedFaces(native, VERSION, cache)
        self.origin = next(iter(self.routes.values())).origin
        self._seen: dict[tuple[str, str], Seen | None] = {}

    def origin_of(self, stimulus: Stimulus) -> Origin:
        """What the manifest says of one picture, by its route."""
        return self.routes[self._name(stimulus)].origin

    def recipe(self, stimulus: Stimulus) -> dict[str, Any]:
        """Route, identity, levels, size, and what else decides about the pixels."""
        name = self._name(stimulus)
        return {
            "generator": "valence-arousal",
            "generator_version": VERSION,
            "route": name,
            "identity": stimulus.identity,
            "levels": dict(stimulus.levels),
            "size": self.size,
            **self.routes[name].recipe(stimulus.identity),
        }

    def render(self, stimuli: Sequence[Stimulus]) -> Iterator[Rendered]:
        """Pictures (size, size, 3) uint8 sRGB, in order."""
        for start in range(0, len(stimuli), WINDOW):
            some = stimuli[start : start + WINDOW]
            wanted: dict[tuple[str, str], dict[Point, None]] = {}
            for one in some:
                wanted.setdefault((self._name(one), one.identity), {})[point_of(one)] = None
            pictures = {
                (name, who): dict(
                    zip(points, self.routes[name].pictures(who, list(points)), strict=True)
                )
                for (name, who), points in wanted.items()
            }
            for one in some:
                native = pictures[self._name(one), one.identity][point_of(one)]
                yield Rendered(resampled(native, self.size), self._facts(one, native))

    def _name(self, stimulus: Stimulus) -> str:
        return str(stimulus.levels.get(METHOD, self.editing.route))

    def _facts(self, stimulus: Stimulus, native: np.ndarray) -> dict[str, Any]:
        """What the sidecar says beside the recipe."""
        name, who = self._name(stimulus), stimulus.identity
        right, left = ArraySettings(size=self.size).eyes.round(2).tolist()  # right: left of picture
        checks = self.editing.checks
        return {
            "eye_left": left,
            "eye_right": right,
            "native_size": len(native),
            "resampling": "none" if len(native) == self.size else "lanczos",
            **self.routes[name].facts(who, point_of(stimulus)),
            **({"checks": checked(native, self._neutral(name, who))} if checks else {}),
        }

    def _neutral(self, name: str, identity: str) -> Seen | None:
        """What the judge sees in the face at NEUTRAL; None where it finds no face."""
        if (name, identity) not in self._seen:
            while len(self._seen) >= KEPT:  # the oldest goes
                self._seen.pop(next(iter(self._seen)))
            (pixels,) = self.routes[name].pictures(identity, [NEUTRAL])
            self._seen[name, identity] = Seen.of(pixels)
        return self._seen[name, identity]


def point_of(stimulus: Stimulus) -> Point:
    """Valence and arousal of a stimulus; a zero has no sign."""
    levels = stimulus.levels
    return float(levels["valence"]) + 0.0, float(levels["arousal"]) + 0.0
