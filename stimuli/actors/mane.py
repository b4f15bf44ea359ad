"""Hair on a turned head: the same strands as at rest, turned, lit and drawn anew.

Symbols: N strands of K points, Q <= K of them (knots) at which light through the hair is found.
What does not depend on the pose (growth, how open the hair is to the room) is made once an actor;
a pose then costs a tenth of a second or two.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy import ndimage

from stimuli.actors import camera, hair, headpose, raster, shading
from stimuli.actors.mesh import dot
from stimuli.actors.scene import Scene, layout
from stimuli.actors.strands import Strands
from stimuli.actors.volume import Cloud

FINEST = 1.2  # pixels: shorter steps along a hair than this are not drawn one by one
EDGE = 0.25  # units: hair behind the face can be seen only so far inside its outline


@dataclass(frozen=True, eq=False)
class Mane:
    """An actor's hair at rest."""

    strands: Strands
    outward: np.ndarray  # (N, K, 3)
    shares: np.ndarray  # (N, K): how far each point follows the head
    knots: np.ndarray  # (Q,)
    between: np.ndarray  # (Q, K): from the knots to all points
    room: np.ndarray  # (N, K): openness to the room
    cloud: Cloud


def grow(actor, head: hair.Head, grain: int) -> Mane:
    """Hair for pictures of grain x grain pixels."""
    strands, outward, cloud = hair.grow(actor, head)
    steps = strands.points.shape[1]
    length = np.linalg.norm(np.diff(strands.points, axis=1), axis=2).sum(axis=1)
    step_px = float(np.median(length)) / (steps - 1) * camera.EYE_DISTANCE * grain
    stride = max(d for d in range(1, steps) if (steps - 1) % d == 0 and d * step_px <= FINEST
                 or d == 1)  # fmt: skip
    points = np.ascontiguousarray(strands.points[:, ::stride])
    outward = np.ascontiguousarray(outward[:, ::stride])
    strands = Strands(points, strands.colour, strands.width, strands.sheen)
    count, steps = points.shape[:2]
    knots = np.unique(np.append(np.arange(0, steps, 3), steps - 1))
    between = np.stack([np.interp(np.arange(steps), knots, row) for row in np.eye(len(knots))])
    between = between.astype(np.float32)
    flat, out = points[:, knots].reshape(-1, 3), outward[:, knots].reshape(-1, 3)
    room = dot(cloud.openness(flat, out).reshape(count, -1), between)
    return Mane(strands, outward, headpose.share(points), knots, between, room, cloud)


def layers(mane: Mane, pose: headpose.Pose, scene: Scene, grain: int):
    """The hair before and behind a turned neutral face, two layers (H, H, 4)."""
    points, light = lit(mane, pose)
    frame = raster.Frame.empty(grain, grain)
    raster.draw(frame, camera.project(scene.points, grain), layout().triangles)
    return draw_near_first(camera.project(points, grain), light, mane.strands.width, frame.depth)


def lit(mane: Mane, pose: headpose.Pose) -> tuple[np.ndarray, np.ndarray]:
    """Points (N, K, 3) of the turned hair, and the light (N, K, 3) that it sends to the lens."""
    strands, count = mane.strands, len(mane.strands.points)
    turned = headpose.rotation(pose)
    towards_key = (turned.T @ shading.KEY_DIRECTION).astype(np.float32)
    flat = strands.points[:, mane.knots].reshape(-1, 3)
    key = dot(mane.cloud.through(flat, towards_key).reshape(count, -1), mane.between)
    points = headpose.turn(strands.points, mane.shares, pose)
    outward = dot(mane.outward, turned.T.astype(np.float32))
    light = _light(
        points, outward, strands.colour, key, mane.room, shading.DIRECTIONS, shading.STRENGTHS,
        _halves(), np.float32(shading.ROOM), np.float32(strands.sheen),
    )  # fmt: skip
    return points, light


def near_first(screen: np.ndarray) -> np.ndarray:
    """Numbers of all segments of hairs on the screen (N, K, 3), near ones first."""
    near = 0.5 * (screen[:, :-1, 2] + screen[:, 1:, 2]).ravel()
    low, high = float(near.min()), float(near.max())
    rank = ((near - low) * (65535 / max(high - low, 1e-6))).astype(np.uint16)
    return np.argsort(rank, kind="stable").astype(np.int32)  # 16 bits are sorted in two passes


def edge_of(depth: np.ndarray) -> np.ndarray:
    """Where hair behind a surface of this depth (H, W) may be seen beside it: a mask (H, W)."""
    reach = round(EDGE * camera.EYE_DISTANCE * depth.shape[0])
    return ndimage.maximum_filter(np.isinf(depth), size=2 * reach + 1)


def draw_near_first(screen, light, width: float, depth, order=None, rim=None):
    """As strands.draw_strands, but the other way round: what is covered is not drawn at all.

    screen (N, K, 3) projected points; order: numbers of the segments to draw, near ones first; rim
    (H, W): where the layer behind is drawn.
    """
    size = depth.shape[0]
    front, behind = np.zeros((2, size, size, 4), np.float32)
    order = near_first(screen) if order is None else order
    rim = edge_of(depth) if rim is None else rim
    _draw(screen, light, order, np.float32(width * camera.EYE_DISTANCE * size), front, behind,
          depth, rim)  # fmt: skip
    return front, behind


def _halves() -> np.ndarray:
    """Unit directions (L, 3) halfway between each light and the lens."""
    half = shading.DIRECTIONS + np.array([0.0, 0.0, 1.0], np.float32)
    return (half / np.linalg.norm(half, axis=1, keepdims=True)).astype(np.float32)


@njit(cache=True, nogil=True)
def _light(points, outward, colour, key, room, directions, strengths, halves, ambient, sheen):
    """As strands.light_strands, point by point."""
    count, steps = points.shape[:2]
    out = np.empty((count, steps, 3), np.float32)
    one, none = np.float32(1), np.float32(0)
    for n in range(count):
        for k in range(steps):
            before, after = max(k - 1, 0), min(k + 1, steps - 1)
            tx = points[n, after, 0] - points[n, before, 0]
            ty = points[n, after, 1] - points[n, before, 1]
            tz = points[n, after, 2] - points[n, before, 2]
            length = one / max(np.sqrt(tx * tx + ty * ty + tz * tz), np.float32(1e-9))
            tx, ty, tz = tx * length, ty * length, tz * length
            ox, oy, oz = outward[n, k, 0], outward[n, k, 1], outward[n, k, 2]
            open_ = room[n, k]
            diffuse = ambient * np.float32(1.15) * open_
            white = none
            for i in range(directions.shape[0]):
                arrives = strengths[i] * (key[n, k] if i == 0 else open_ * np.sqrt(open_))
                dx, dy, dz = directions[i, 0], directions[i, 1], directions[i, 2]
                facing = ox * dx + oy * dy + oz * dz
                bulk = min(max(np.float32(0.35) + np.float32(0.65) * facing, none), one)
                along = tx * dx + ty * dy + tz * dz
                across = np.sqrt(max(one - along * along, none))
                power = arrives * bulk
                diffuse += power * across * np.float32(0.80)
                hx, hy, hz = halves[i, 0], halves[i, 1], halves[i, 2]
                th, oh = tx * hx + ty * hy + tz * hz, ox * hx + oy * hy + oz * hz
                to = tx * ox + ty * oy + tz * oz
                oo = ox * ox + oy * oy + oz * oz
                s = np.float32(-0.10)
                shifted = th + s * oh
                x = max(one - shifted * shifted / (one + 2 * s * to + s * s * oo), none)
                x2 = x * x
                x4 = x2 * x2
                x8 = x4 * x4
                x32 = x8 * x8 * x8 * x8
                white += power * sheen * np.float32(0.040) * x32 * x8 * x4 * x
                s = np.float32(0.14)
                shifted = th + s * oh
                x = max(one - shifted * shifted / (one + 2 * s * to + s * s * oo), none)
                x2 = x * x
                x4 = x2 * x2
                diffuse += power * sheen * np.float32(0.50) * x4 * x4
            for d in range(3):
                out[n, k, d] = diffuse * colour[n, d] + white
    return out


@njit(cache=True, nogil=True)
def _draw(screen, light, order, width, front, behind, depth, rim):
    """Segments in `order`, near ones first, until pixels are full; see strands._draw."""
    height, columns = depth.shape
    segments = screen.shape[1] - 1
    one, half = np.float32(1), np.float32(0.5)
    for o in range(order.shape[0]):
        n = order[o] // segments
        k = order[o] - n * segments
        x0, y0, x1, y1 = screen[n, k, 0], screen[n, k, 1], screen[n, k + 1, 0], screen[n, k + 1, 1]
        z0, z1 = screen[n, k, 2], screen[n, k + 1, 2]
        taper = one - np.float32(0.75) * max(
            np.float32(0), (k - np.float32(0.62) * segments) / (np.float32(0.38) * segments)
        )
        wide = width * taper
        steep = abs(y1 - y0) > abs(x1 - x0)
        a0, a1 = (y0, y1) if steep else (x0, x1)
        b0, b1 = (x0, x1) if steep else (y0, y1)
        turned = a1 < a0
        if turned:
            a0, a1, b0, b1 = a1, a0, b1, b0
        first, last = int(np.ceil(a0 - half)), int(np.ceil(a1 - half))
        if first >= last:
            continue
        inverse = one / (a1 - a0)
        slope = (b1 - b0) * inverse
        reach = max(wide, one) * half * np.sqrt(one + slope * slope)
        cover = min(wide, one)
        for a in range(first, last):
            along = a + half - a0
            b = b0 + slope * along
            f = along * inverse
            if turned:
                f = one - f
            z = z0 * (one - f) + z1 * f
            for m in range(int(np.floor(b - reach)), int(np.floor(b + reach)) + 1):
                r, c = (a, m) if steep else (m, a)
                if r < 0 or c < 0 or r >= height or c >= columns:
                    continue
                before = z < depth[r, c]
                if not before and not rim[r, c]:
                    continue
                layer = front if before else behind
                room = one - layer[r, c, 3]
                if room < np.float32(0.003):
                    continue
                inside = min(m + one, b + reach) - max(np.float32(m), b - reach)
                if inside <= 0:
                    continue
                share = cover * min(inside, one) * room
                for d in range(3):
                    layer[r, c, d] += (light[n, k, d] * (one - f) + light[n, k + 1, d] * f) * share
                layer[r, c, 3] += share
