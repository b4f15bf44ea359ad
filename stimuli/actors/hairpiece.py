"""Hair of clips: drawn in a few head poses, and carried along with the head between them.

    hair = in_pose(piece_of, pose)                 # piece_of: key pose -> Hairpiece
    front, behind = hair.around(frame.depth)       # layers before and behind what is seen

Drawing 42,000 hairs takes a third of a second and more, and while people talk their heads turn by a
few degrees. So the hair of a key pose is kept as two sheets of light and coverage, before and
behind the face, which know how far away their hair is. Each cell of a sheet moves as the place in
space where its hair lies, and the picture of the hair with it; a pixel shows the hair that is
nearer than the face. Hair beside the outline of the face is in both sheets, so that none is
missing where the face uncovers what it hid in the key pose. Light moves with the hair, so key poses
lie STEP degrees of yaw and pitch apart, and one gives way to the next halfway between them; roll
hides next to nothing, and has none.

Symbols: H the side in pixels of the picture as it is drawn, C = CELLS and D = FINE cells a side.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit
from scipy import ndimage

from stimuli.actors import camera, headpose, mane, raster
from stimuli.actors.scene import Scene, layout

CELLS, FINE = 96, 384
STEP = 5.0  # degrees between key poses
FADE = 2.0  # degrees over which one key pose gives way to the next
SPREADS = (0.7, 2.0, 6.0, 18.0, 50.0)  # cells: how far to look for the nearest hair
ENOUGH = 0.08  # coverage that tells how far away the hair of a cell is
ROUNDS = 2  # of looking up where the hair of a cell came from
HIDES = 0.30  # units: surfaces that lie so far before the hair hide it
BESIDE = 0.15  # units: so far beside the outline of the face hair behind it is kept, too
SHOWS = 0.05  # units: surfaces that lie so far behind the hair show what they hid before

Layers = tuple[np.ndarray, np.ndarray]  # hair before and behind the face, (H, H, 4) each


@dataclass(frozen=True, eq=False)
class Sheet:
    """Hair of a key pose: before face and wall, or behind the face and a little beside it."""

    light: np.ndarray  # (H, H, 4) light times coverage, and coverage
    depth: np.ndarray  # (D, D) how far away it is

    @cached_property
    def coarse(self) -> np.ndarray:
        """Depth (C, C), smooth."""
        cell = FINE // CELLS
        mean = self.depth.reshape(CELLS, cell, CELLS, cell).mean(axis=(1, 3))
        return ndimage.gaussian_filter(mean, 0.7)

    @cached_property
    def nearest(self) -> np.ndarray:
        """Depth (D, D) of the nearest hair within two fine cells."""
        return ndimage.minimum_filter(self.depth, size=5)

    @cached_property
    def near_hair(self) -> np.ndarray:
        """Cells (C, C) that hold hair, or lie within two cells of it."""
        rows = np.linspace(0, len(self.light), CELLS + 1).astype(int)[:-1]
        covered = np.maximum.reduceat(self.light[..., 3], rows, axis=0)
        covered = np.maximum.reduceat(covered, rows, axis=1)
        return ndimage.maximum_filter(covered, size=5) > 0


@dataclass(frozen=True, eq=False)
class Hairpiece:
    """An actor's hair in a key pose."""

    pose: headpose.Pose
    front: Sheet
    behind: Sheet

    @cached_property
    def cells(self) -> tuple["Cells", "Cells"]:
        """Where the cells of both sheets lie."""
        return Cells.of(self.front, self.pose), Cells.of(self.behind, self.pose)


@dataclass(frozen=True, eq=False)
class Cells:
    """Where the hair of a sheet's cells lies."""

    upright: np.ndarray  # (C, C, 3) in studio space, with the head upright
    shares: np.ndarray  # (C, C): how far it follows the head
    drawn: np.ndarray  # (C, C, 3) on the picture in the key pose: x, y in cells, depth

    @classmethod
    def of(cls, sheet: Sheet, key: headpose.Pose) -> "Cells":
        """The cells of a sheet that was drawn in this key pose."""
        upright = headpose.turned_back(camera.pixel_positions(sheet.coarse), key)
        shares = headpose.share(upright)
        turned = headpose.turn(upright, shares, key)
        return cls(upright, shares, camera.project(turned, CELLS))


@dataclass(frozen=True, eq=False)
class Moved:
    """A sheet on its way to another pose."""

    sheet: Sheet
    weight: float
    source: np.ndarray  # (C, C, 4) x, y in pixels back to where it was drawn; depth added; any hair


@dataclass(frozen=True, eq=False)
class Hair:
    """The hair of one pose: sheets of one key pose or of some, whose weights add up to 1."""

    front: tuple[Moved, ...]
    behind: tuple[Moved, ...]

    def around(self, depth: np.ndarray) -> Layers:
        """Layers before and behind surfaces of this depth (H, H), infinite at the wall."""
        size = len(depth)
        front, behind = np.zeros((2, size, size, 4), np.float32)
        for hair, before in (*((h, True) for h in self.front), *((h, False) for h in self.behind)):
            away = hair.sheet.nearest if before else hair.sheet.depth
            _carry(hair.sheet.light, away, hair.source, depth, np.float32(hair.weight), before,
                   front, behind)  # fmt: skip
        _fill_up(front, behind, depth)
        return front, behind


def keys(pose: headpose.Pose) -> list[tuple[float, headpose.Pose]]:
    """Key poses of a pose with their weights, which add up to 1 and change smoothly with it."""
    yaws, pitches = _neighbours(pose[0]), _neighbours(pose[1])
    return [(a * b, (yaw, pitch, 0.0)) for a, yaw in yaws for b, pitch in pitches]


def _neighbours(angle: float) -> list[tuple[float, float]]:
    low = float(np.floor(angle / STEP)) * STEP
    t = min(max((angle - low - (STEP - FADE) / 2) / FADE, 0.0), 1.0)
    t = t * t * (3 - 2 * t)
    return [(w, key + 0.0) for w, key in ((1 - t, low), (t, low + STEP)) if w > 0]


def draw(
    grown: mane.Mane, scene: Scene, pose: headpose.Pose, grain: int, layers: Layers | None = None
) -> Hairpiece:
    """The hair in a key pose; scene is the neutral face in it, layers its hair if drawn before."""
    points, light = mane.lit(grown, pose)
    screen = camera.project(points, grain)
    corners = camera.project(scene.points, grain)
    seen = raster.draw(raster.Frame.empty(grain, grain), corners, layout().triangles).depth
    order = mane.near_first(screen)
    width = grown.strands.width
    none = np.zeros(seen.shape, bool)
    front, _ = layers or mane.draw_near_first(screen, light, width, seen, order, none)
    wider = _widened(seen)
    _, behind = mane.draw_near_first(screen, light, width, wider, order)
    depths = _depths(screen, order, seen, FINE)[0], _depths(screen, order, wider, FINE)[1]
    return Hairpiece(pose, Sheet(front, _filled(*depths[0])), Sheet(behind, _filled(*depths[1])))


def _widened(depth: np.ndarray) -> np.ndarray:
    """Depth (H, H) of surfaces that reach BESIDE further over the wall than they do."""
    reach = round(BESIDE * camera.EYE_DISTANCE * len(depth))
    nearest = ndimage.minimum_filter(depth, size=2 * reach + 1)
    return np.where(np.isinf(depth), nearest, depth)


def _filled(total: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """Depth (D, D) from depth times coverage; cells without hair take that of the hair around."""
    fold = FINE // CELLS
    wide, far = (
        array.reshape(CELLS, fold, CELLS, fold).mean(axis=(1, 3)) for array in (cover, total)
    )
    coarse = np.full(wide.shape, camera.DISTANCE + 1, np.float32)
    for spread in reversed(SPREADS):
        near = ndimage.gaussian_filter(wide, spread)
        known = near > ENOUGH
        coarse[known] = ndimage.gaussian_filter(far, spread)[known] / near[known]
    depth = np.repeat(np.repeat(coarse, fold, axis=0), fold, axis=1)
    near = ndimage.gaussian_filter(cover, 1.2)
    known = near > ENOUGH
    depth[known] = ndimage.gaussian_filter(total, 1.2)[known] / near[known]
    return depth


def in_pose(piece_of: Callable[[headpose.Pose], Hairpiece], pose: headpose.Pose) -> Hair:
    """The hair of a pose, carried there from the key poses next to it."""
    weighed = [(weight, piece_of(key)) for weight, key in keys(pose)]
    front = [Moved(p.front, w, _source(p.front, p.cells[0], pose)) for w, p in weighed]
    behind = [Moved(p.behind, w, _source(p.behind, p.cells[1], pose)) for w, p in weighed]
    return Hair(tuple(front), tuple(behind))


def _source(sheet: Sheet, cells: Cells, pose: headpose.Pose) -> np.ndarray:
    now = camera.project(headpose.turn(cells.upright, cells.shares, pose), CELLS)
    cell = np.float32(len(sheet.light) / CELLS)
    return _trace(now - cells.drawn, sheet.coarse, sheet.near_hair, cell)


@njit(cache=True, nogil=True)
def _trace(moved, away, near_hair, cell):
    """Turn around how far cells go (C, C, 3): where what arrives in each came from, in pixels."""
    cells = moved.shape[0]
    out = np.empty((cells, cells, 4), np.float32)
    at = np.empty(3, np.float32)
    # where hair passes before other hair, the nearer one is seen
    first, reach = moved.copy(), np.full((cells, cells), np.inf, np.float32)
    for r in range(cells):
        for c in range(cells):
            if not near_hair[r, c]:
                continue
            i, j = int(round(r + moved[r, c, 1])), int(round(c + moved[r, c, 0]))
            z = away[r, c] + moved[r, c, 2]
            for p in range(max(i - 1, 0), min(i + 2, cells)):
                for q in range(max(j - 1, 0), min(j + 2, cells)):
                    if z < reach[p, q]:
                        reach[p, q] = z
                        first[p, q] = moved[r, c]
    for r in range(cells):
        for c in range(cells):
            at[:] = first[r, c]
            for _ in range(ROUNDS):
                u = min(max(c - at[0], np.float32(0)), np.float32(cells - 1.001))
                v = min(max(r - at[1], np.float32(0)), np.float32(cells - 1.001))
                j, i = int(u), int(v)
                fu, fv = u - j, v - i
                for d in range(3):
                    upper = moved[i, j, d] * (1 - fu) + moved[i, j + 1, d] * fu
                    lower = moved[i + 1, j, d] * (1 - fu) + moved[i + 1, j + 1, d] * fu
                    at[d] = upper * (1 - fv) + lower * fv
            i = int(min(max(r - at[1] + np.float32(0.5), np.float32(0)), np.float32(cells - 1)))
            j = int(min(max(c - at[0] + np.float32(0.5), np.float32(0)), np.float32(cells - 1)))
            out[r, c, 0], out[r, c, 1], out[r, c, 2] = -at[0] * cell, -at[1] * cell, at[2]
            out[r, c, 3] = near_hair[i, j]
    return out


@njit(cache=True, nogil=True)
def _carry(light, away, source, depth, weight, before, front, behind):
    """Add a sheet to the layers: each pixel from where it was drawn, where nothing hides it."""
    height, width = depth.shape
    cells, fine = source.shape[0], np.float32(away.shape[0] / width)
    per = np.float32(cells / width)
    one, half = np.float32(1), np.float32(0.5)
    last = np.float32(cells - 1.001)
    row = np.empty((cells, 3), np.float32)
    for r in range(height):
        v = min(max((r + half) * per - half, np.float32(0)), last)
        p = int(v)
        f = v - p
        for q in range(cells):
            for d in range(3):
                row[q, d] = source[p, q, d] * (one - f) + source[p + 1, q, d] * f
        mine = r * cells // height
        for m in range(cells):
            if source[mine, m, 3] == 0:
                continue
            for c in range(
                (m * width + cells - 1) // cells, ((m + 1) * width + cells - 1) // cells
            ):
                u = min(max((c + half) * per - half, np.float32(0)), last)
                q = int(u)
                f = u - q
                x = c + row[q, 0] * (one - f) + row[q + 1, 0] * f
                y = r + row[q, 1] * (one - f) + row[q + 1, 1] * f
                x = min(max(x, np.float32(0)), np.float32(width - 1.001))  # hair goes on below
                y = min(max(y, np.float32(0)), np.float32(height - 1.001))
                j, i = int(x), int(y)
                if (
                    light[i, j, 3] + light[i, j + 1, 3]
                    + light[i + 1, j, 3] + light[i + 1, j + 1, 3] == 0
                ):  # fmt: skip
                    continue
                wall = depth[r, c] == np.inf
                if not wall:
                    z = away[int((y + half) * fine), int((x + half) * fine)]
                    z += row[q, 2] * (one - f) + row[q + 1, 2] * f
                    if before and z > depth[r, c] + np.float32(HIDES):
                        continue
                    if not before and z > depth[r, c] - np.float32(SHOWS):
                        continue
                fx, fy = x - j, y - i
                share = weight
                if not before and not wall:
                    share *= one - front[r, c, 3]
                w11 = share * fx * fy
                w01, w10 = share * fx - w11, share * fy - w11
                w00 = share - w01 - w10 - w11
                out = behind if wall and not before else front
                for d in range(4):
                    out[r, c, d] += (
                        w00 * light[i, j, d] + w01 * light[i, j + 1, d]
                        + w10 * light[i + 1, j, d] + w11 * light[i + 1, j + 1, d]
                    )  # fmt: skip


@njit(cache=True, nogil=True)
def _fill_up(front, behind, depth):
    """Before the wall, hair of both sheets covers as much as the fuller one alone.

    Hair beside the face is in both: here it is seen from a key pose in which it was hidden.
    """
    height, width = depth.shape
    for r in range(height):
        for c in range(width):
            b = behind[r, c, 3]
            if b <= 0 or depth[r, c] != np.inf:
                continue
            a = front[r, c, 3]
            share = max(b - a, np.float32(0)) / max(b * (1 - a), np.float32(1e-6))
            for d in range(4):
                behind[r, c, d] *= share


@njit(cache=True, nogil=True)
def _depths(screen, order, seen, fine):
    """Depth times coverage, and coverage (2, 2, D, D), of hair before and behind what is seen."""
    height, width = seen.shape
    segments = screen.shape[1] - 1
    full = np.zeros((2, height, width), np.float32)
    out = np.zeros((2, 2, fine, fine), np.float32)
    half = np.float32(0.5)
    for o in range(order.shape[0]):
        n = order[o] // segments
        k = order[o] - n * segments
        x = half * (screen[n, k, 0] + screen[n, k + 1, 0])
        y = half * (screen[n, k, 1] + screen[n, k + 1, 1])
        z = half * (screen[n, k, 2] + screen[n, k + 1, 2])
        if x < 0 or y < 0 or x >= width or y >= height:
            continue
        r, c = int(y), int(x)
        sheet = 0 if z < seen[r, c] else 1
        share = half * (1 - full[sheet, r, c])
        full[sheet, r, c] += share
        i, j = r * fine // height, c * fine // width
        out[sheet, 0, i, j] += share * z
        out[sheet, 1, i, j] += share
    return out
