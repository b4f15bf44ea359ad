"""A clip: frames of one actor whose face, eyes and head move.

    frames = clip(actor("04"), curve, Studio(size=256), head=turning)   # curve (T, 52)
    for frame in frames: ...                                            # (256, 256, 3) uint8

While the head is upright, frame t has the same bytes as portrait() with the weights and gaze of t;
on a turned head the hair is carried along instead of drawn anew (hairpiece.py), so that the frame
differs a little from the portrait. Frames share what does not change (the prepared actor, hair in
key poses), and nothing of a frame depends on another: neither workers nor order can be seen.
"""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from stimuli.actors import eyes, headpose
from stimuli.actors.cast import Actor
from stimuli.actors.portrait import Studio, develop
from stimuli.actors.posture import Posture, follow
from stimuli.actors.rig import weights_array
from stimuli.actors.sitter import Sitter, sit

AHEAD_OF_NEED = 2  # frames a worker may be ahead of who takes them


def clip(
    actor: Actor,
    weights: np.ndarray,
    studio: Studio | None = None,
    *,
    gaze: np.ndarray | None = None,
    head: np.ndarray | None = None,
    workers: int | None = None,
) -> Iterator[np.ndarray]:
    """Frames (size, size, 3) uint8 sRGB, one after the other; memory does not grow with T.

    weights (T, 52) facial actions in the order of Rig.actions; gaze (T, 2) degrees to the actor's
    left and up from the lens, None: eye contact; head (T, 3) yaw, pitch, roll in degrees
    (headpose.py), None: upright. workers: threads, None as many as there are processors. Raises
    ValueError before the first frame when a shape or an angle is not possible.
    """
    studio = studio or Studio()
    sitter = sit(actor, studio.grain, studio.cache_dir)
    curve = np.asarray(weights, float)
    if curve.ndim != 2 or not np.isfinite(curve).all():
        raise ValueError(
            f"clip: found weights of shape {curve.shape}; give finite numbers (frames, "
            f"{len(sitter.rig.actions)}), in the order of Rig.actions"
        )
    curve = weights_array(curve, sitter.rig.actions)
    looks = [eyes.checked(angles) for angles in _rows(gaze, len(curve), 2, "gaze")]
    poses = [headpose.checked(angles) for angles in _rows(head, len(curve), 3, "head")]
    if workers is not None and workers < 1:
        raise ValueError(f"clip: found {workers} workers; give 1 or more")
    return _frames(sitter, actor, studio, curve, looks, poses, workers or os.cpu_count() or 1)


def _rows(given: np.ndarray | None, count: int, columns: int, name: str) -> np.ndarray:
    rows = np.zeros((count, columns)) if given is None else np.asarray(given, float)
    if rows.shape != (count, columns):
        raise ValueError(
            f"clip: found {name} of shape {rows.shape}; give ({count}, {columns}), a row for each "
            "row of weights"
        )
    return rows


def _frames(
    sitter: Sitter, actor: Actor, studio: Studio, curve, looks, poses, workers: int
) -> Iterator[np.ndarray]:
    """Draw on threads (the work is done outside the interpreter's lock), hand out in order."""
    pool = ThreadPoolExecutor(workers)
    pending: deque[Future[np.ndarray]] = deque()
    posture = frame = None
    try:
        for t, (row, aside, pose) in enumerate(zip(curve, looks, poses, strict=True)):
            if posture is None or pose != poses[t - 1]:
                # queued before the frames that wait for it, so that waiting always ends
                posture = pool.submit(follow, sitter, actor, pose, studio.grain, studio.cache_dir)
                frame = None
            if frame is None or aside != looks[t - 1] or (row != curve[t - 1]).any():
                frame = pool.submit(_draw, posture, actor, row, aside, studio)
            pending.append(frame)  # who keeps still is not drawn again
            while len(pending) > workers * AHEAD_OF_NEED:
                yield pending.popleft().result().copy()
        while pending:
            yield pending.popleft().result().copy()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _draw(posture: "Future[Posture]", actor: Actor, row, aside, studio: Studio) -> np.ndarray:
    return develop(posture.result(), actor, row, aside, studio)
