"""Who makes the pictures of talking faces: a network, or the corpus itself, method by method.

Every maker gives square frames whose eyes lie on the same two points (stimuli.corpora.arrays), so
that videos of all methods show the same part of a face at the same scale, and none is sharper than
the networks can draw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from protocols.protocol import Protocol as Study
from protocols.talking import CORPUS, METHOD, Method, Talking
from stimuli.corpora import Identity
from stimuli.generators import Origin
from stimuli.seeds import generator_of
from stimuli.stimulus import Cell, Stimulus, plan_stimuli
from stimuli.talking_faces.drawn import DrawnFaces
from stimuli.talking_faces.moved import MovedFaces
from stimuli.talking_faces.recorded import RecordedFaces
from stimuli.talking_faces.speakers import RecordedSpeakers, Speakers, Utterance

ONLY = ""  # name of the method of a study that names none


class Maker(Protocol):
    """Makes the pictures of talking faces."""

    native: int  # pixels
    origin: Origin

    def recipe(self, stimulus: Stimulus) -> dict[str, Any]:
        """What decides about the pictures beside levels, voice and seed.

        Raises UserError if there is nothing to show.
        """
        ...

    def facts(self, stimulus: Stimulus) -> dict[str, Any]:
        """What the sidecar says beside the recipe."""
        ...

    def frames(self, stimulus: Stimulus, said: Utterance) -> Iterator[np.ndarray]:
        """Frames (native, native, 3) uint8 sRGB of all that is said, one after the other."""
        ...


def find_makers(
    protocol: Study, talking: Talking, speakers: Speakers, cache: Path | None
) -> dict[str, Maker]:
    """Name of a method -> who makes its videos.

    Raises:
        GeneratorError: weights cannot be used, or do not know an emotion.
        UserError: faces are missing.
    """
    methods = talking.methods or {ONLY: Method()}
    makers: dict[str, Maker] = {
        name: MovedFaces(protocol, talking.of(method), method.told, cache)
        for name, method in methods.items() if method.route != CORPUS
    }  # fmt: skip
    native = max((maker.native for maker in makers.values()), default=protocol.stimuli.size)
    for name in methods:
        if name not in makers and isinstance(speakers, RecordedSpeakers):
            makers[name] = RecordedFaces(protocol, speakers, native)
        elif name not in makers:
            makers[name] = DrawnFaces(protocol, native, cache)
    return makers


def method_of(levels: Cell, makers: dict[str, Maker]) -> str:
    """The name of a stimulus's method among `makers`."""
    name = str(levels.get(METHOD))
    return name if name in makers else ONLY


def deal_widths(protocol: Study, talking: Talking, people: Sequence[Identity]) -> dict[str, int]:
    """Stimulus -> width in pixels, where a method has its own.

    Several widths are dealt in turn over the videos of a method, cell by cell, in an order drawn by
    the protocol's seed: each has as many as the others (one more or less), in all and in a cell.
    """
    size, dealt = protocol.stimuli.size, {}
    widths = {name: method.width or (size,) for name, method in talking.methods.items()}
    if all(width == (size,) for width in widths.values()):
        return {}
    place = {tuple(cell.values()): i for i, cell in enumerate(protocol.stimuli.cells)}
    hands: dict[tuple[str, str], list[Stimulus]] = {}
    for stimulus in plan_stimuli(protocol, people):
        hands.setdefault((str(stimulus.levels[METHOD]), stimulus.role), []).append(stimulus)
    for (name, role), hand in hands.items():
        order = generator_of(protocol.seed, f"widths of {name}, {role}").permutation(len(hand))
        shuffled = [hand[i] for i in order]
        by_cell = sorted(shuffled, key=lambda s: place[tuple(s.levels.values())])
        for turn, stimulus in enumerate(by_cell):
            dealt[stimulus.id] = widths[name][turn % len(widths[name])]
    return dealt
