"""One model's pictures of held-out people, and what the judge sees in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.context_face.network import ContextFace
from stimuli.context_faces.evaluation import reconstruction, series
from stimuli.context_faces.evaluation.held_out import HeldOut
from stimuli.context_faces.evaluation.judging import Judge, Sights
from stimuli.context_faces.evaluation.series import NEUTRAL, Series

Stage = Callable[[str], Callable[[int, int], None]]  # name of a stage -> what shows its progress


@dataclass(frozen=True)
class JudgedPictures:
    """A actors in E emotions, S sentences of each, L levels of m."""

    made: np.ndarray  # (A, E, S, S, 3) uint8, what the decoder gives back
    of_made: Sights  # (A, E), with descriptors
    changed: np.ndarray  # (A, E, S, S, 3) uint8, the neutral picture changed into each
    of_changed: Sights  # (A, E)
    series: Series
    of_series: Sights  # (A, S, E, L)
    shifted: np.ndarray  # (A, S * E, 128), descriptors at m = 1
    unshifted: np.ndarray  # (A, 128), at m = 0

    def from_given(self, held: HeldOut) -> int:
        """Largest difference between m = 0 and the picture that was given, in grey levels."""
        first = self.series.pictures[:, :, :, 0].astype(int)
        return int(np.abs(first - held.faces[:, None, None, NEUTRAL]).max())


def judge_pictures(
    network: ContextFace, held: HeldOut, judge: Judge, stage: Stage, name: str
) -> JudgedPictures:
    """Everything that one model makes of held-out people, and what the judge sees in it."""
    made = reconstruction.reconstruct(network, held.faces)
    changed = reconstruction.transfer(network, held.faces, NEUTRAL)
    shown = series.shift(network, held)
    seen = judge.see(made, identity=True, progress=stage(f"{name}: reconstructions"))
    of_changed = judge.see(changed, progress=stage(f"{name}: transfers"))
    first = judge.see(shown.pictures[:, 0, 0, 0], identity=True, progress=stage(f"{name}: m = 0"))
    last = judge.see(shown.pictures[:, :, :, -1], identity=True, progress=stage(f"{name}: m = 1"))
    of_series = judge.see(shown.pictures, progress=stage(f"{name}: m series"))
    who = last.descriptors.reshape(len(held.actors), -1, last.descriptors.shape[-1])
    return JudgedPictures(made, seen, changed, of_changed, shown, of_series, who, first.descriptors)
