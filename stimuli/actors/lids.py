"""Eyelids that close: fits an actor's blink to the actor's own eyes (used by `casting`).

The eyeBlink target was modelled on one face. On eyes of another height the upper lid stops short or
runs over the lower lid. Seen from the front, column x of an eye closes at some weight w(x); scaling
the blink at x by w(x) closes every column at weight 1 and none long before. Squints get back the
part of their motion that would push the lids into the eyeball.
Lengths are metres; an opening is a picture of the eyeball parts that can be seen, row 0 on top.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Literal

import numpy as np

from stimuli.actors import mesh, raster
from stimuli.actors.rig import Rig, Topology

Side = Literal["left", "right"]
SIDES: tuple[Side, ...] = ("left", "right")
SQUINTS = ("eyeSquint", "cheekSquint")
NEAR, FAR = 1.15, 1.5  # eyeball radii
PIXEL = 0.00025
HALF_VIEW = 0.021  # half the side of the square looked at
STEPS = np.linspace(0.05, 1.6, 32)  # blink weights tried
SPARE = 1.04  # close by this much, so that no slit is left between the steps
BODY_LEVELS, EYE_LEVELS = 2, 3  # Catmull-Clark steps, as in a portrait


def fit(rig: Rig) -> Rig:
    """The same rig with squints that ride on the eyeball and blinks that close at weight 1."""
    deltas = rig.deltas.astype(np.float32)
    for side in SIDES:
        for name in SQUINTS:
            action = rig.actions.index(f"{name}{side.title()}")
            deltas[action] += _outward(rig, deltas[action], side)
        blink = rig.actions.index(f"eyeBlink{side.title()}")
        deltas[blink] *= _scale(rig, side)[:, None]
    return replace(rig, deltas=deltas.astype(np.float16))


def opening(rig: Rig, weights: Mapping[str, float] | np.ndarray, side: Side) -> np.ndarray:
    """Which eyeball points can be seen between the lids, from straight ahead: (N, N) bool."""
    posed = rig.pose(weights).astype(np.float64)
    centre = rig.eye_centres()[SIDES.index(side)]
    depth = {}
    for part in ("body", f"eye_{side}"):
        used, matrix, triangles = _surface(rig.topology, part)
        points = matrix @ (posed[used] - centre)
        near = np.abs(points[:, [0, 2]]).max(axis=1) < 1.5 * HALF_VIEW
        triangles = triangles[near[triangles].all(axis=1)]
        # x to the actor's left is x to the right of the picture; y to the back is depth
        screen = np.column_stack(
            [(points[:, 0] + HALF_VIEW) / PIXEL, (HALF_VIEW - points[:, 2]) / PIXEL, points[:, 1]]
        )
        n = round(2 * HALF_VIEW / PIXEL)
        empty = np.full((n, n), np.inf, np.float32)
        depth[part] = raster.draw_depth(empty, screen.astype(np.float32), triangles)
    return depth[f"eye_{side}"] < depth["body"]


def closing_weights(rig: Rig, side: Side) -> np.ndarray:
    """(N,) the least blink weight in STEPS that closes each column; NaN where there is no eye."""
    open_at = [opening(rig, {}, side).any(axis=0)]
    open_at += [opening(rig, {f"eyeBlink{side.title()}": w}, side).any(axis=0) for w in STEPS]
    still_open = np.array(open_at)
    last = len(STEPS) - np.argmax(still_open[::-1], axis=0)  # last step at which it is open
    weight = np.append(STEPS, np.inf)[np.minimum(last, len(STEPS))]
    return np.where(still_open[0], weight, np.nan)


def _outward(rig: Rig, delta: np.ndarray, side: Side) -> np.ndarray:
    """(V, 3) what to add to a motion (V, 3) so that no lid moves towards the centre of its eye.

    Lids slide on the eyeball; a straight path may leave it, but must not cut through it. Acts in
    full on skin within NEAR eyeball radii of the centre, fading out to FAR.
    """
    centre = rig.eye_centres()[SIDES.index(side)]
    eye = rig.topology.vertices(f"eye_{side}")
    radius = np.linalg.norm(rig.base[eye] - centre, axis=1).mean()
    from_centre = rig.base - centre
    apart = np.linalg.norm(from_centre, axis=1, keepdims=True)
    normal = from_centre / apart
    inward = np.minimum(np.sum(delta * normal, axis=1, keepdims=True), 0)
    share = np.clip((FAR - apart / radius) / (FAR - NEAR), 0, 1)
    out = -share * inward * normal
    out[eye] = 0
    return out


def _scale(rig: Rig, side: Side) -> np.ndarray:
    """(V,) factor of the blink at each vertex: a smooth curve just above the closing weights."""
    weight = closing_weights(rig, side)
    columns = np.flatnonzero(np.isfinite(weight))
    x = (columns + 0.5) * PIXEL - HALF_VIEW
    middle = slice(len(x) // 12, len(x) - len(x) // 12)  # the corners close by themselves
    x, needed = x[middle], weight[columns][middle]
    curve = np.polynomial.Polynomial.fit(x, needed, 3)
    lift = np.max(needed - curve(x))
    centre = rig.eye_centres()[SIDES.index(side)]
    at = np.clip(rig.base[:, 0] - centre[0], x[0], x[-1])
    return (curve(at) + lift) * SPARE


@lru_cache(maxsize=8)
def _surface(topology: Topology, part: str) -> tuple[np.ndarray, mesh.Matrix, np.ndarray]:
    """Vertices (N,) of a part, matrix (V', N) to its smooth surface, and triangles (T, 3)."""
    used, local = np.unique(topology.quads[part], return_inverse=True)
    levels = BODY_LEVELS if part == "body" else EYE_LEVELS
    quads, matrix = mesh.subdivide(local.reshape(-1, 4), len(used), levels)
    return used, matrix, mesh.triangles(quads)
