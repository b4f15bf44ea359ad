"""What metrics accept: curves of one length, 25 attributes, no gaps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.reaction.attributes import ATTRIBUTES

LAGS = 49  # frames that FRSyn looks before and after: just under two seconds
LEAST = LAGS + 2  # frames of a clip: two must be left at the largest lag


def check(
    generated: np.ndarray, truths: Sequence[np.ndarray], speaker: np.ndarray,
    allowed: Sequence[np.ndarray] | None,
) -> None:  # fmt: skip
    """Raise ValueError unless shapes fit each other and everything is a number."""
    many = len(ATTRIBUTES)
    if generated.ndim != 4 or generated.shape[-1] != many or not all(generated.shape):
        raise ValueError(
            f"generated: shape {generated.shape}; give (clips, samples, frames, {many})"
        )
    clips, samples, frames, _ = generated.shape
    if frames < LEAST:
        raise ValueError(
            f"clips of {frames} frames; FRSyn looks {LAGS} frames both ways, give at least {LEAST}"
        )
    if speaker.shape != (clips, frames, many):
        raise ValueError(
            f"speaker: shape {speaker.shape}; to {clips} clips of {frames} frames belongs "
            f"{(clips, frames, many)}"
        )
    if len(truths) != clips:
        raise ValueError(f"truths of {len(truths)} clips; give those of {clips}, as generated")
    for clip, of in enumerate(truths):
        if of.ndim != 3 or not len(of) or of.shape[1:] != (frames, many):
            raise ValueError(
                f"truths of clip {clip}: shape {of.shape}; give at least one, (reactions, "
                f"{frames}, {many})"
            )
        _check_numbers(f"truths of clip {clip}", of)
    _check_numbers("generated", generated)
    _check_numbers("speaker", speaker)
    if allowed is not None:
        _check_allowed(allowed, samples, truths)


def _check_numbers(name: str, values: np.ndarray) -> None:
    wrong = ~np.isfinite(values)
    if wrong.any():
        *before, frame, attribute = np.argwhere(wrong)[0]
        where = " ".join(f"{int(i)}," for i in before)
        raise ValueError(
            f"{name}: {int(wrong.sum())} values are not finite numbers, the first at {where} frame "
            f"{int(frame)}, {ATTRIBUTES[attribute]}; fill gaps before"
        )


def _check_allowed(
    allowed: Sequence[np.ndarray], samples: int, truths: Sequence[np.ndarray]
) -> None:
    if len(allowed) != len(truths):
        raise ValueError(f"allowed of {len(allowed)} clips; give those of {len(truths)}")
    for clip, (may, of) in enumerate(zip(allowed, truths, strict=True)):
        if may.shape != (samples, len(of)) or may.dtype != bool or not may.any(1).all():
            raise ValueError(
                f"allowed of clip {clip}: give booleans {(samples, len(of))}, at least one true "
                "for each sample"
            )
