"""Hair on the head: twelve cuts, grown strand by strand from the scalp.

A few hundred guide strands are grown along the cut's flow and kept off the head; every strand then
follows the guides next to its root, drawn towards its lock, with its own length, curl and frizz.
Hair does not move with the face, so it is grown once an actor. Lengths are in units (distance
between the eyes, about 63 mm); X, Y, Z as in atlas.py.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import KDTree

from stimuli.actors import scalp
from stimuli.actors.atlas import smoothstep
from stimuli.actors.film import decode
from stimuli.actors.strands import Strands
from stimuli.actors.volume import Cloud

STEPS = 22  # points a strand
GUIDES = 1400
KNOT = np.array([0.0, -0.02, -1.70], np.float32)  # the middle of a bun; Y from the top of the head
BUN_STRANDS = 9_000
LOOSE = 0.12  # tight hair farther off the head than this is a loose wisp, units
OVER_EARS = 0.13  # how far ears push falling hair out, units
CROWN = np.array([0.12, 1.62, -1.95], np.float32)  # the whorl, at the back of the top


@dataclass(frozen=True)
class Cut:
    """One hair style."""

    flow: str  # "whorl", "side", "fall", "back", "up", "out"
    top: float  # length on top of the head
    sides: float  # length over ears and nape
    height: float  # how far the outermost layer stands off the scalp, on top
    lift: float  # 0 lies flat at the root, 1 stands up
    lock: float = 0.4  # how closely strands of a lock keep together, 0-1
    frizz: float = 0.012  # random wander, units
    curl: float = 0.0  # radius of the curls, units
    wave: float = 0.5  # length of one curl, units
    strands: int = 42_000
    width: float = 0.0085  # drawn width of a strand, units: a few real hairs
    parting: float = 0.0  # X of the parting
    level: float = -9.0  # strands are cut at this height (Y)
    opacity: float = 0.028  # how much light a length of fibre stops
    thinning: float = 0.0  # bald on top
    receding: float = 0.0
    sideburns: float = 0.6
    bun: float = 0.0  # radius of a knot of hair on top, units


CUTS = {
    "buzz": Cut(
        "whorl", 0.085, 0.06, 0.07, 0.75, lock=0.0, frizz=0.004, strands=60_000, width=0.0075
    ),
    "short": Cut("whorl", 0.42, 0.16, 0.15, 0.45, lock=0.35, frizz=0.015),
    "crop": Cut("whorl", 0.60, 0.14, 0.20, 0.40, lock=0.55, frizz=0.02),
    "side-part": Cut("side", 0.95, 0.20, 0.22, 0.45, lock=0.45, frizz=0.015, parting=0.42),
    "curly": Cut(
        "out", 0.62, 0.40, 0.34, 0.75, lock=0.75, frizz=0.02, curl=0.055, wave=0.26, strands=34_000
    ),
    "afro": Cut(
        "out", 0.53, 0.56, 0.58, 1.0, lock=0.35, frizz=0.035, curl=0.035, wave=0.13, strands=46_000
    ),
    "bob": Cut(
        "fall", 4.2, 3.2, 0.17, 0.30, lock=0.45, frizz=0.02, parting=-0.30, level=-1.55
    ),
    "long": Cut(
        "fall", 6.2, 5.2, 0.17, 0.30, lock=0.50, frizz=0.03, curl=0.03, wave=1.5, parting=0.18,
        level=-4.6,
    ),
    "tied-back": Cut("back", 2.2, 2.0, 0.07, 0.12, lock=0.35, frizz=0.008),
    "bun": Cut("up", 2.2, 2.4, 0.09, 0.14, lock=0.35, frizz=0.010, bun=0.40),
    "receding": Cut(
        "whorl", 0.30, 0.13, 0.08, 0.35, lock=0.3, frizz=0.015, receding=1.0, thinning=0.55
    ),
    "bald": Cut(
        "whorl", 0.05, 0.05, 0.05, 0.6, lock=0.0, frizz=0.004, receding=1.0, thinning=1.0,
        strands=26_000, width=0.006,
    ),
}  # fmt: skip


def cut_of(actor) -> Cut:
    """The actor's hair style with the small differences their seed makes."""
    rng = np.random.default_rng([actor.seed, 7])
    cut = CUTS[actor.hair]
    side = 1 if rng.random() < 0.5 else -1
    longer = 1 + 0.12 * float(np.clip(rng.standard_normal(), -1.5, 1.5))
    woman = actor.gender == "female"
    recede = (
        cut.receding if woman else max(cut.receding, 0.25 * min(max(actor.age - 25, 0) / 40, 1))
    )
    return replace(
        cut,
        parting=side * cut.parting,
        top=cut.top * longer,
        sides=cut.sides * longer,
        receding=recede,
        sideburns=0.0 if woman else cut.sideburns,
    )


@dataclass(frozen=True)
class Head:
    """The neutral head that hair grows on: skin vertices, normals, rest coordinates, quads."""

    points: np.ndarray
    normals: np.ndarray
    rest: np.ndarray
    quads: np.ndarray


def grow(actor, head: Head) -> tuple[Strands, np.ndarray, Cloud]:
    """Strands of the actor's hair, the outward normals (N, K, 3) of its bulk, and its cloud."""
    rng = np.random.default_rng([actor.seed, 8])
    cut = cut_of(actor)
    density = scalp.cover(head.rest, cut.receding, cut.thinning, cut.sideburns)
    roots, normal, rest = _roots(rng, head, density, cut.strands)
    if cut.flow in ("back", "up"):  # pulled tight: behind the ears, not over them
        head = _without_ears(head)
    tree = KDTree(head.points)
    knot = KNOT + [0, head.points[:, 1].max(), 0]
    guide = rng.choice(len(roots), min(GUIDES, len(roots)), replace=False)
    layer = rng.random(len(guide)).astype(np.float32)
    guides = _grow_guides(
        rng, cut, head, tree, roots[guide], normal[guide], rest[guide], layer, knot
    )
    points = _follow(rng, cut, roots, guides, roots[guide])
    if cut.flow in ("back", "up"):
        points = points[_close_to(tree, points)]
    if cut.flow in ("back", "up"):
        points = _held_close(points, head, tree, cut.height)
    out = _outward(points)
    if cut.bun:
        wound, facing = _bun(rng, cut, knot)
        points, out = np.concatenate([points, wound]), np.concatenate([out, facing])
    count = (len(points), 1)
    colour = decode(np.asarray(actor.hair_rgb)) + 0.004
    tone = 1 + 0.16 * rng.standard_normal(count) + 0.10 * rng.standard_normal((1, 1))
    drawn = rng.random(count)
    colour = np.where(drawn < _grey_share(actor), 0.035 + 0.87 * colour, colour)
    if actor.hair_colour in ("grey", "white"):  # the hairs that have not turned yet
        colour = np.where(drawn > 0.80, 0.45 * colour, colour)
    colour = colour * np.clip(tone, 0.55, 1.6)
    strands = Strands(points, colour.astype(np.float32), cut.width)
    step = np.linalg.norm(np.diff(points, axis=1), axis=2)
    middle = 0.5 * (points[:, 1:] + points[:, :-1])
    scale = 42_000 / cut.strands
    cloud = Cloud.of(middle.reshape(-1, 3), step.ravel() * scale, cut.opacity * 0.012)
    return strands, out, cloud


def _held_close(points: np.ndarray, head: Head, tree, height: float) -> np.ndarray:
    """Strands (N, K, 3) that are pulled tight: nowhere further than `height` off the scalp."""
    flat = points.reshape(-1, 3)
    near = tree.query(flat)[1]
    normal = head.normals[near]
    off = ((flat - head.points[near]) * normal).sum(axis=1)
    flat = flat - np.maximum(off - height, 0)[:, None] * normal
    return flat.reshape(points.shape).astype(np.float32)


def _close_to(tree: KDTree, points: np.ndarray) -> np.ndarray:
    """Which strands (N, K, 3) of tight hair lie on the head and do not arch off it, (N,) bool."""
    return tree.query(points[:, 3:14:3])[0].max(axis=1) < LOOSE


def _without_ears(head: Head) -> Head:
    x, y, z = head.rest.T
    ears = (np.abs(x) > 1.20) & (np.abs(y + 0.42) < 0.55) & (np.abs(z + 1.28) < 0.38)
    return replace(head, points=head.points[~ears], normals=head.normals[~ears])


def _bun(rng, cut: Cut, knot: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Strands (N, STEPS, 3) wound round the knot of a bun, and their outward normals."""
    n = BUN_STRANDS
    axis = _unit(np.array([0.10, 0.85, -0.50], np.float32))
    first = _unit(np.cross(axis, np.array([0.0, 0.0, 1.0], np.float32)))
    second = np.cross(axis, first)
    high = rng.uniform(-0.95, 1.0, (n, 1)).astype(np.float32)
    turn = rng.uniform(0, 2 * np.pi, (n, 1)) + np.linspace(0, 1.9, STEPS)[None, :]
    # two coils: strands rise as they wind
    high = high + 0.16 * np.sin(turn * 2 + 3 * high) + 0.02 * rng.standard_normal((n, 1))
    high = np.clip(high, -1, 1)
    wide = np.sqrt(1.02 - high**2)
    facing = (
        0.80 * high[..., None] * axis
        + (wide * np.cos(turn))[..., None] * first
        + (wide * np.sin(turn))[..., None] * second
    )
    deep = 1 - 0.10 * rng.random((n, 1, 1)) ** 2 + 0.05 * np.sin(6 * high + 2 * turn)[..., None]
    points = knot + cut.bun * deep * facing
    points = points + cut.frizz * rng.standard_normal((n, 1, 3))
    return points.astype(np.float32), _unit(facing)


def _grey_share(actor) -> float:
    if actor.hair_colour == "grey":
        return 0.35
    return float(np.clip((actor.age - 50) / 80, 0, 0.15))


def _roots(rng, head: Head, density: np.ndarray, count: int):
    """Roots spread by area and density: points, normals, rest coordinates (N, 3) each."""
    weight = density[head.quads].mean(axis=1)
    quads, weight = head.quads[weight > 0.01], weight[weight > 0.01]
    a, b, _, d = (head.points[quads[:, i]] for i in range(4))
    area = np.linalg.norm(np.cross(b - a, d - a), axis=1) * weight
    quad = quads[rng.choice(len(quads), count, p=area / area.sum())]
    u, v = rng.random((2, count, 1)).astype(np.float32)
    share = ((1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v)
    out = []
    for values in (head.points, head.normals, head.rest):
        mixed = np.sum([s * values[quad[:, i]] for i, s in enumerate(share)], axis=0)
        out.append(mixed.astype(np.float32))
    out[1] /= np.linalg.norm(out[1], axis=1, keepdims=True)
    return out


def _length(cut: Cut, rest: np.ndarray) -> np.ndarray:
    """Strand length (N,) at the roots: long on top, blending to the sides."""
    top = smoothstep(rest[:, 1] - 0.25 * np.abs(rest[:, 0]), 0.45, 1.25)
    edge = smoothstep(scalp.growth(rest, cut.receding, cut.sideburns), -0.02, 0.30)
    length = cut.sides + (cut.top - cut.sides) * top
    return length * (0.55 + 0.45 * edge if cut.flow != "fall" else 1.0)


def _flow(
    cut: Cut, p: np.ndarray, root: np.ndarray, normal: np.ndarray, gone: float, knot: np.ndarray
) -> np.ndarray:
    """Where hair wants to go at points p (G, 3), in studio space; need not be of length 1."""
    x, y, z = p.T
    side = np.where(root[:, 0] >= cut.parting, 1.0, -1.0)
    zero = np.zeros_like(x)
    if cut.flow == "whorl":
        away = p - CROWN
        away[:, 1] -= 0.35
        spin = np.stack([-(p - CROWN)[:, 2], zero, (p - CROWN)[:, 0]], axis=1)
        return away + 0.25 * spin
    if cut.flow == "side":
        top = smoothstep(root[:, 1], 0.75, 1.2)[:, None]
        over = np.stack([side * 1.0, -0.10 + zero, 0.35 - 0.8 * gone + zero], axis=1)
        down = np.stack([0.15 * np.sign(x), -1.0 + zero, -0.35 + zero], axis=1)
        return over * top + down * (1 - top)
    if cut.flow == "back":
        knot = np.array([0.0, 1.05, -2.9])
        return knot - p
    if cut.flow == "up":
        return knot - p
    if cut.flow == "fall":
        hang = smoothstep(np.abs(x - 0.6 * cut.parting), 0.45, 1.05) * smoothstep(y, 1.75, 1.0)
        hang = np.maximum(hang, smoothstep(-z, 1.5, 2.3) * smoothstep(y, 1.7, 1.1))[:, None]
        back = -0.30 - 0.35 * np.clip(root[:, 2] + 0.6, 0, 1)
        part = np.stack([side * 1.0, zero - 0.15, back], axis=1)
        down = np.stack([zero, zero - 1.0, zero - 0.10 * (1 - gone)], axis=1)
        return part * (1 - hang) + down * hang
    return normal + np.array([0, 0.12, 0])  # "out"


def _grow_guides(rng, cut: Cut, head: Head, tree, roots, normal, rest, layer, knot) -> np.ndarray:
    """Guide strands (G, STEPS, 3) along the flow, over the scalp at their layer's height."""
    length = _length(cut, rest) * rng.uniform(0.9, 1.1, len(roots))
    step = (length / (STEPS - 1))[:, None]
    flow = _tangent(_flow(cut, roots, roots, normal, 0.0, knot), normal)
    d = _unit(cut.lift * normal + (1 - cut.lift) * flow)
    p, path = roots.copy(), [roots]
    side_scale = 0.35 + 0.65 * smoothstep(rest[:, 1], 0.2, 1.2)
    for k in range(1, STEPS):
        gone = k / (STEPS - 1)
        near = tree.query(p)[1]
        n = head.normals[near]
        want = _flow(cut, p, roots, normal, gone, knot)
        if cut.flow == "fall":  # along the scalp above the ears, freely below them
            along = smoothstep(p[:, 1], -0.25, 0.35)[:, None]
            want = along * _tangent(want, n) + (1 - along) * want
        elif cut.flow != "out":
            want = _tangent(want, n)
        stiffness = {"fall": 0.70, "out": 0.15}.get(cut.flow, 0.35)
        d = _unit(d + stiffness * (_unit(want) - d))
        p = p + d * step
        near = tree.query(p)[1]
        n = head.normals[near]
        height = ((p - head.points[near]) * n).sum(axis=1)
        rise = smoothstep(np.float32(gone), 0.0, 0.35 if cut.flow != "fall" else 0.12)
        high = cut.height * side_scale * layer * rise
        if cut.flow == "fall":  # stand off above the ears as far as the ears will make it
            high = high + OVER_EARS * rise * (0.3 + 0.7 * layer) * smoothstep(p[:, 1], 1.30, 0.35)
        low = (0.012 + high).astype(np.float32)
        p = p + np.maximum(low - height, 0)[:, None] * n
        if cut.flow in ("whorl", "side", "back", "up"):
            p = p - (0.6 * np.maximum(height - low, 0))[:, None] * n
        if cut.flow == "fall":
            along = smoothstep(p[:, 1], -0.25, 0.35)
            p = p - (0.75 * along * np.maximum(height - low, 0))[:, None] * n
            p = _clear_face(p)
        path.append(p.astype(np.float32))
    return np.stack(path, axis=1)


def _clear_face(p: np.ndarray) -> np.ndarray:
    """Push falling hair off the face, to its sides."""
    x, y, z = p.T
    edge = 1.02 + 0.10 * smoothstep(y, 0.9, 0.2)
    front = (z > -1.0) & (y < 0.85)
    pushed = np.where(front & (np.abs(x) < edge), np.sign(x) * edge, x)
    return np.stack([0.5 * x + 0.5 * pushed, y, z], axis=1)


def _follow(rng, cut: Cut, roots, guides, guide_roots) -> np.ndarray:
    """All strands (N, STEPS, 3) from the guides next to their roots, on their side."""
    n = len(roots)
    points = np.empty((n, STEPS, 3), np.float32)
    sides = [np.ones(n, bool)]
    guide_sides = [np.ones(len(guide_roots), bool)]
    if cut.flow in ("side", "fall"):
        sides = [roots[:, 0] >= cut.parting, roots[:, 0] < cut.parting]
        guide_sides = [guide_roots[:, 0] >= cut.parting, guide_roots[:, 0] < cut.parting]
    t = np.linspace(0, 1, STEPS, dtype=np.float32)
    phase = rng.uniform(0, 2 * np.pi, len(guides)).astype(np.float32)
    spin = _unit(rng.standard_normal((len(guides), 2, 3)).astype(np.float32))
    for mine, theirs in zip(sides, guide_sides, strict=True):
        number = np.flatnonzero(theirs)
        distance, near = KDTree(guide_roots[number]).query(roots[mine], k=3)
        weight = 1 / (distance + 0.02) ** 2
        weight = (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)
        near = number[near]
        travelled = guides - guides[:, :1]
        path = sum(weight[:, i, None, None] * travelled[near[:, i]] for i in range(3))
        own = roots[mine][:, None] + path
        lock = guides[near[:, 0]]
        pull = (cut.lock * t**0.8)[None, :, None]
        apart = roots[mine][:, None] - guide_roots[near[:, 0]][:, None]
        own = own + pull * (lock + 0.25 * apart - own)
        reach = rng.uniform(0.72, 1.0, (mine.sum(), 1, 1)).astype(np.float32)
        own = roots[mine][:, None] + (own - roots[mine][:, None]) * (0.15 + 0.85 * reach)
        if cut.curl > 0:
            arc = np.linalg.norm(np.diff(own, axis=1, prepend=own[:, :1]), axis=2).cumsum(axis=1)
            g = near[:, 0]
            turn = (
                2 * np.pi * arc / cut.wave
                + phase[g, None]
                + 0.5 * rng.standard_normal((mine.sum(), 1))
            )
            grow_in = smoothstep(t, 0.0, 0.25)[None, :, None] * cut.curl
            own = own + grow_in * (
                np.cos(turn)[..., None] * spin[g, 0][:, None]
                + np.sin(turn)[..., None] * spin[g, 1][:, None]
            )
        wander = rng.standard_normal((mine.sum(), 6, 3)).astype(np.float32) * cut.frizz
        wander[:, 0] = 0
        own = (
            own
            + np.stack([_between(wander, np.float32(s)) for s in t], axis=1)
            * np.sqrt(1 + 2 * t)[None, :, None]
        )
        points[mine] = own
    if cut.level > -4:
        points = _trim(points, cut.level + 0.05 * rng.standard_normal((n, 1)))
    return points


def _between(knots: np.ndarray, s: np.float32) -> np.ndarray:
    at = min(s * (knots.shape[1] - 1), knots.shape[1] - 1.001)
    i, f = int(at), np.float32(at - int(at))
    return knots[:, i] * (1 - f) + knots[:, i + 1] * f


def _trim(points: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Cut strands where they first pass below a height: the rest collapses onto the cut."""
    below = points[..., 1] < level
    first = np.where(below.any(axis=1), below.argmax(axis=1), points.shape[1] - 1)
    index = np.minimum(np.arange(points.shape[1])[None, :], first[:, None])
    return np.take_along_axis(points, index[..., None], axis=1)


def _outward(points: np.ndarray) -> np.ndarray:
    centre = np.array([0.0, 0.35, -1.15], np.float32)
    out = points - centre
    below = np.minimum(points[..., 1] - 0.0, 0)
    out[..., 1] -= 0.85 * below  # below the ears hair hangs: its bulk faces sideways
    return _unit(out)


def _tangent(v: np.ndarray, n: np.ndarray) -> np.ndarray:
    return _unit(v - (v * n).sum(axis=-1, keepdims=True) * n)


def _unit(v: np.ndarray) -> np.ndarray:
    return (v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)).astype(np.float32)
