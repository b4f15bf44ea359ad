"""Spectacles: three frames, fitted to each actor's own face, as meshes that turn with the head.

Studio space and units as in camera.py (unit = distance between the eyes, 63 mm in people). A frame
is built on the resting face: lens openings around the eye centres, rims and bridge on a bowed and
tilted sheet before the face, arms from the hinges over the roots of the ears and down behind them.
`fit` moves the sheet forward until nothing of it is nearer than GAP to the skin, at rest and when
the cheeks are raised and the brows lowered; arms are led around the side of the head.

Symbols: V vertices and T triangles of the frame, L vertices of both lenses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import ndimage

from stimuli.actors import raster
from stimuli.actors.anatomy import load_anatomy
from stimuli.actors.atlas import smoothstep
from stimuli.actors.scene import Scene, layout

BOW = 3.2  # radius of the sheet, seen from above
TILT = 0.13  # how much further forward the upper rim stands, per unit of height (7.5 degrees)
LENS_RADIUS = 2.0  # of the lens's own bulge
VERTEX = 0.15  # least distance of a lens to the cornea: room for the lashes (9.5 mm)
GAP = 0.015  # least distance of rims and bridge to the skin
FURTHEST = 0.72  # no frame stands further before the eye centres than this
USUAL_HALF = 1.075  # half the width of an ordinary head at the temples, units
ARM, BRIDGE, RIM, PAD = range(4)  # parts of a frame
CLEARED = ("AU6E+12E", "AU4E+9D")  # cheeks raised, brows lowered and nose wrinkled
REACH, CELLS = 1.8, 450  # height maps cover [-REACH, REACH] in so many cells a side


@dataclass(frozen=True)
class Style:
    """A frame: lengths in units, before it is scaled to the width of the head."""

    half: tuple[float, float]  # half width and height of a lens opening
    power: float  # of the superellipse of the opening: 2 round, more: squarer
    outward: float  # how far the openings' centres lie outside the eyes' centres
    drop: float  # and below them
    rim: tuple[float, float]  # half thickness of the rim, in the sheet and across it
    arm: tuple[float, float]  # half thickness of the arms: sideways, and in height
    hinge: float  # height of the hinges over the eyes
    bridge: tuple[float, float, float]  # height over the eyes, rise in the middle, half thickness
    angular: float  # power of the cross-sections: 2 wire, more: milled acetate
    rgb: tuple[float, float, float]  # linear albedo
    gloss: float
    roughness: float
    pads: bool


STYLES = {
    "metal": Style(
        (0.425, 0.300), 2.7, 0.050, 0.050, (0.0135, 0.0145), (0.010, 0.019), 0.11,
        (0.045, 0.055, 0.0135), 2.0, (0.085, 0.080, 0.075), 0.42, 0.34, True,
    ),
    "rectangular": Style(
        (0.410, 0.270), 3.9, 0.050, 0.055, (0.034, 0.028), (0.022, 0.042), 0.10,
        (0.055, 0.035, 0.034), 4.5, (0.0065, 0.006, 0.006), 0.05, 0.30, False,
    ),
    "round": Style(
        (0.375, 0.360), 2.0, 0.045, 0.050, (0.0205, 0.0205), (0.015, 0.027), 0.07,
        (0.070, 0.045, 0.0205), 2.4, (0.060, 0.022, 0.009), 0.05, 0.28, True,
    ),
}  # fmt: skip
NAMES = ("none", *STYLES)


@dataclass(frozen=True, eq=False)
class Glasses:
    """Glasses on the resting head: points and unit normals of the frame and of both lenses."""

    style: Style
    points: np.ndarray  # (V, 3)
    normals: np.ndarray  # (V, 3)
    triangles: np.ndarray  # (T, 3)
    part: np.ndarray  # (T,) ARM, BRIDGE, RIM or PAD
    lens_points: np.ndarray  # (L, 3)
    lens_normals: np.ndarray  # (L, 3)
    lens_triangles: np.ndarray
    front: float  # z of the sheet between the eyes

    def of(self, part: int) -> np.ndarray:
        """The vertices (K, 3) of a part."""
        return self.points[np.unique(self.triangles[self.part == part])]


def fit(name: str, scenes: Sequence[Scene]) -> Glasses:
    """The frame `name` on a face; scenes: at rest first, then the poses that it has to clear."""
    style, plan = STYLES[name], layout()
    skin = scenes[0].points[plan.body]
    grow = float(np.clip(_half_width(skin) / USUAL_HALF, 0.92, 1.10))
    faces = plan.triangles[(plan.material == 0)]
    heights = [_front_map(scene.points, faces) for scene in scenes]
    rims = [_outline(style, grow, side) for side in (1, -1)]
    bridge = _bridge(style, grow)
    front = _front(style, [*rims, bridge], heights, scenes)
    tubes: list[tuple[int, _Tube]] = []
    for rim in rims:
        out = _across(rim)
        tubes.append((RIM, _tube(_on_sheet(rim, front), out, style.rim, style.angular, ring=True)))
    thick = style.bridge[2]
    path = _on_sheet(bridge, front)
    up = np.tile([0.0, 1.0, 0.0], (len(path), 1))
    tubes.append((BRIDGE, _tube(path, up, (thick, style.rim[1]), style.angular)))
    for side, rim in zip((1, -1), rims, strict=True):
        hinge = _hinge(style, rim, front, side)
        path = _arm_path(style, skin, scenes[0].points, faces, hinge, side)
        out = np.tile([float(side), 0.0, 0.0], (len(path), 1))
        tubes.append((ARM, _tube(path, out, style.arm, style.angular)))
        if style.pads:
            tubes.extend((PAD, tube) for tube in _pad(rim, front, heights[0], side))
    lens = [_lens(style, grow, side, front) for side in (1, -1)]
    points, normals, triangles, parts = _joined([t for _, t in tubes], [p for p, _ in tubes])
    lens_points, lens_normals, lens_triangles, _ = _joined(lens, [0, 0])
    return Glasses(
        style, points, normals, triangles, parts, lens_points, lens_normals, lens_triangles, front
    )


# A tube is points (V, 3), normals (V, 3), triangles (T, 3).
_Tube = tuple[np.ndarray, np.ndarray, np.ndarray]


def _outline(style: Style, grow: float, side: int, share: float = 1.0, count: int = 96):
    """Points (count, 2) of a lens opening, x and y; `share` draws it smaller."""
    turn = np.linspace(0, 2 * np.pi, 1441)
    u = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** (2 / style.power)
    v = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** (2 / style.power)
    along = np.cumsum(np.hypot(np.diff(u, prepend=u[0]), np.diff(v, prepend=v[0])))
    even = np.linspace(0, along[-1], count, endpoint=False)
    u, v = np.interp(even, along, u), np.interp(even, along, v)
    beside_nose = smoothstep(-u, 0.2, 1.0) * smoothstep(-v, -0.3, 0.9)
    u = u * (1 - 0.13 * beside_nose)  # the nose widens downwards
    x = side * (0.5 + style.outward * grow + share * style.half[0] * grow * u)
    return np.column_stack([x, share * style.half[1] * v - style.drop])


def _bridge(style: Style, grow: float, count: int = 17) -> np.ndarray:
    """Points (count, 2) from one rim to the other, over the nose."""
    height, rise, _ = style.bridge
    rim = _outline(style, grow, 1)
    inner = rim[rim[:, 0] < 0.5]
    end = float(np.interp(height, *inner[np.argsort(inner[:, 1])].T[::-1]))
    x = np.linspace(-end, end, count)
    return np.column_stack([x, height + rise * (1 - (x / end) ** 2)])


def _on_sheet(flat: np.ndarray, front: float) -> np.ndarray:
    """The sheet's points (N, 3) at x and y."""
    x, y = flat.T
    bowed = front - x**2 / (2 * BOW) + TILT * y
    return np.column_stack([x, y, bowed])


def _across(flat: np.ndarray) -> np.ndarray:
    """Unit vectors (N, 3) in the sheet, away from the lens, at each point of a closed outline."""
    along = np.roll(flat, -1, axis=0) - np.roll(flat, 1, axis=0)
    out = np.column_stack([along[:, 1], -along[:, 0], np.zeros(len(flat))])
    out *= np.sign(((flat - flat.mean(axis=0)) * out[:, :2]).sum(axis=1))[:, None]
    return out / np.linalg.norm(out, axis=1, keepdims=True)


def _tube(
    path: np.ndarray, out: np.ndarray, half: tuple[float, float], power: float, *,
    ring: bool = False, taper: np.ndarray | None = None, sides: int = 16,
) -> _Tube:  # fmt: skip
    """A tube along a path (N, 3): half[0] thick along `out` (N, 3), half[1] across it."""
    n = len(path)
    if ring:
        along = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)
    else:
        along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    out = out - (out * along).sum(axis=1, keepdims=True) * along
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    third = np.cross(along, out)
    turn = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    c = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** (2 / power)
    s = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** (2 / power)
    size = np.ones(n) if taper is None else taper
    a, b = half[0] * size[:, None] * c, half[1] * size[:, None] * s
    points = path[:, None] + a[..., None] * out[:, None] + b[..., None] * third[:, None]
    slope = (np.abs(c) ** (power - 1) * np.sign(c) / half[0],
             np.abs(s) ** (power - 1) * np.sign(s) / half[1])  # fmt: skip
    normals = slope[0][:, None] * out[:, None] + slope[1][:, None] * third[:, None]
    normals = normals / np.linalg.norm(normals, axis=2, keepdims=True)
    here, then = np.arange(n if ring else n - 1), (np.arange(n if ring else n - 1) + 1) % n
    around = np.arange(sides)
    i = here[:, None] * sides + around
    j = here[:, None] * sides + (around + 1) % sides
    k = then[:, None] * sides + (around + 1) % sides
    m = then[:, None] * sides + around
    quads = np.stack([i, j, k, m], axis=2).reshape(-1, 4)
    caps = [] if ring else [_cap(np.arange(sides)), _cap(np.arange(sides) + (n - 1) * sides)]
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]], *caps])
    return points.reshape(-1, 3), normals.reshape(-1, 3), triangles


def _cap(rim: np.ndarray) -> np.ndarray:
    return np.column_stack([np.full(len(rim) - 2, rim[0]), rim[1:-1], rim[2:]])


def _lens(style: Style, grow: float, side: int, front: float, rings: int = 8) -> _Tube:
    """A lens: it bulges out of its rim, which holds its edge."""
    shares = np.linspace(0, 1, rings + 1)
    outlines = [_outline(style, grow, side, share) for share in shares]
    count = len(outlines[0])
    edge = outlines[-1]
    centre = outlines[0][0]
    flat = np.concatenate(outlines)
    from_centre = flat - centre
    reach = np.linalg.norm(np.tile(edge, (rings + 1, 1)) - centre, axis=1)
    rise = (reach**2 - (from_centre**2).sum(axis=1)) / (2 * LENS_RADIUS)
    points = _on_sheet(flat, front) + np.column_stack([*np.zeros((2, len(flat))), rise])
    slope = from_centre / LENS_RADIUS
    slope[:, 0] += flat[:, 0] / BOW
    slope[:, 1] -= TILT
    normals = np.column_stack([slope, np.ones(len(flat))])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    i = (np.arange(rings)[:, None] * count + np.arange(count)).ravel()
    j = (np.arange(rings)[:, None] * count + (np.arange(count) + 1) % count).ravel()
    quads = np.column_stack([i, j, j + count, i + count])
    return points, normals, np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def _joined(tubes: Sequence[_Tube], parts: Sequence[int]):
    """All tubes as one mesh: points, normals, triangles, part of each triangle."""
    start = np.cumsum([0, *(len(tube[0]) for tube in tubes)])
    return (
        np.concatenate([tube[0] for tube in tubes]).astype(np.float32),
        np.concatenate([tube[1] for tube in tubes]).astype(np.float32),
        np.concatenate([t[2] + s for t, s in zip(tubes, start, strict=False)]).astype(np.int32),
        np.concatenate([np.full(len(t[2]), p) for t, p in zip(tubes, parts, strict=True)]),
    )


def _hinge(style: Style, rim: np.ndarray, front: float, side: int) -> np.ndarray:
    """Where an arm starts: on the outer edge of the rim."""
    outer = rim[(np.abs(rim[:, 0]) > 0.5)]
    at = outer[np.argmin(np.abs(outer[:, 1] - style.hinge))]
    point = _on_sheet(at[None], front)[0]
    return point + np.array([side * style.rim[0] * 0.8, 0.0, 0.0])


def _arm_path(style: Style, skin, points, faces, hinge: np.ndarray, side: int) -> np.ndarray:
    """From the hinge (3,) back to the root of the ear, around the head, and down behind the ear."""
    top, back = _ear(skin, side)
    over = top + np.array([0.0, style.arm[1] + 0.005, 0.0])
    t = np.linspace(0, 1, 40)[:, None]
    z_turn = hinge[2] - 0.06  # the endpiece bends around the corner
    straight = np.array([hinge[0], hinge[1], z_turn]) * (1 - t) + over * t
    beyond = over + np.array([0.0, -0.02, -0.10])
    down = back + np.array([0.0, -0.04, -0.03])
    path = np.concatenate([hinge[None], straight, beyond[None], down[None]])
    wide = _side_map(points, faces, side)
    least = _read(wide, path[:, 2], path[:, 1]) + style.arm[0] + 0.012
    least = ndimage.maximum_filter1d(np.where(np.isfinite(least), least, 0.0), 5)
    least[:3] = 0  # at the hinge nothing is near
    out = np.maximum(side * path[:, 0], least)
    out[1:-2] = np.maximum(ndimage.gaussian_filter1d(out[1:-2], 2.0, mode="nearest"), least[1:-2])
    path[:, 0] = side * out
    return path


def _pad(rim, front: float, height: np.ndarray, side: int) -> list[_Tube]:
    """A nose pad on the side of the nose, and the wire that holds it."""
    x, y = side * 0.185, -0.115
    skin = float(_read(height, np.array([x]), np.array([y]))[0])
    seat = np.array([x, y, skin + 0.022])
    path = seat + np.linspace(-0.055, 0.055, 9)[:, None] * np.array([side * 0.22, -1.0, 0.15])
    out = np.tile([side * 0.75, 0.0, 0.65], (9, 1))
    taper = np.sqrt(np.clip(1 - np.linspace(-1, 1, 9) ** 2, 0.02, 1))
    pad = _tube(path, out, (0.011, 0.027), 2.0, taper=taper)
    near = rim[np.argmin(np.abs(rim[:, 1] - y) + 10 * (np.abs(rim[:, 0]) > 0.5))]
    start = _on_sheet(near[None], front)[0]
    t = np.linspace(0, 1, 9)[:, None]
    wire = start * (1 - t) + seat * t
    wire[:, 2] -= 0.05 * np.sin(np.pi * t[:, 0]) * (start[2] - seat[2] > 0.05)
    return [pad, _tube(wire, np.tile([0.0, 1.0, 0.0], (9, 1)), (0.006, 0.006), 2.0, sides=8)]


def _front(style: Style, flats, heights, scenes: Sequence[Scene]) -> float:
    """How far before the eyes the sheet stands: as near as skin, lids and lashes allow."""
    thick = np.concatenate([np.full(len(f), style.rim[1]) for f in flats])
    flat = np.concatenate(flats)
    bowed = _on_sheet(flat, 0.0)[:, 2]
    cornea = max(float(s.points[load_anatomy().vertices["eye_left"], 2].max()) for s in scenes)
    least = cornea + VERTEX + 0.25 / (2 * BOW) + TILT * style.drop
    for height in heights:
        skin = ndimage.maximum_filter(height, size=5)
        need = _read(skin, flat[:, 0], flat[:, 1]) + thick + GAP - bowed
        least = max(least, float(need.max()))
    return min(least, FURTHEST)


def _front_map(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """How far forward the skin reaches: (CELLS, CELLS) z over x (columns) and y (rows, down)."""
    return _height_map(points[:, 0], points[:, 1], points[:, 2], faces)


def _side_map(points: np.ndarray, faces: np.ndarray, side: int) -> np.ndarray:
    """How far the head reaches to one side, ears left out: over z (columns) and y (rows, down)."""
    ears = np.zeros(len(points))
    ears[layout().body] = load_anatomy().regions["ears"]
    bare = faces[(ears[faces] < 0.02).all(axis=1)]
    return _height_map(points[:, 2], points[:, 1], side * points[:, 0], bare)


def _height_map(across, up, out, faces) -> np.ndarray:
    scale = CELLS / (2 * REACH)
    screen = np.column_stack([(across + REACH) * scale, (REACH - up) * scale, 10 - out])
    depth = np.full((CELLS, CELLS), np.inf, np.float32)
    raster.draw_depth(depth, screen.astype(np.float32), faces)
    return 10 - depth


def _read(height: np.ndarray, across: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Heights at places; -inf where there is nothing."""
    scale = CELLS / (2 * REACH)
    column = np.clip(((across + REACH) * scale).astype(int), 0, CELLS - 1)
    row = np.clip(((REACH - up) * scale).astype(int), 0, CELLS - 1)
    return height[row, column]


def _half_width(skin: np.ndarray) -> float:
    """Half the width of the head at the temples (where hinges are), from skin points (V, 3)."""
    temple = (np.abs(skin[:, 1] - 0.1) < 0.08) & (np.abs(skin[:, 2] + 0.3) < 0.08)
    return float(np.abs(skin[temple, 0]).max())


def _ear(skin: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Where an ear's upper root meets the head, and where an arm hooks down behind it: (3,)."""
    top, back = _ear_vertices(side)
    return skin[top].mean(axis=0), skin[back].mean(axis=0)


@lru_cache(maxsize=2)
def _ear_vertices(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Body vertices at the seam of an ear: its top, and halfway down behind it."""
    anatomy = load_anatomy()
    rest, ears = anatomy.rest[anatomy.body], anatomy.regions["ears"]
    seam = np.flatnonzero((ears > 0.05) & (ears < 0.5) & (side * rest[:, 0] > 0))
    z_top = np.quantile(rest[seam, 1], 0.97)
    top = seam[rest[seam, 1] >= z_top]
    behind = seam[rest[seam, 2] <= np.quantile(rest[seam, 2], 0.10)]
    middle = np.median(rest[behind, 1])
    return top, behind[np.abs(rest[behind, 1] - middle) < 0.12]
