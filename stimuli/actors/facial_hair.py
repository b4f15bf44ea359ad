"""Hair that moves with the face: brows, lashes and beard, rooted in the skin.

Each hair remembers where it stands in the frame of the skin around its root (along, across, out of
the skin), so it turns and travels with every facial action. Rest coordinates and units as in
atlas.py.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import KDTree

from stimuli.actors import skin
from stimuli.actors.atlas import mean_face
from stimuli.actors.film import decode
from stimuli.actors.hair import Head
from stimuli.actors.mesh import Matrix
from stimuli.actors.rig import load_topology

POINTS = 5  # points a hair
BROW_LENGTH = 0.74  # from the inner end to the tail, across the face, units
INNER, OUTER = 0.1, 0.7  # places along the brow between which its slant is measured
RISEN = 0.024  # units: about half of what brow hairs rise
ROOT_ROW = 0.35  # of a lash ribbon, whose row 0 lies at the eyeball
LEVELLED = 0.9  # share of an actor's own slant that is taken back
NEIGHBOURS = 6  # skin vertices that carry a root


@dataclass(frozen=True)
class Rooted:
    """Hairs bound to skin: vertices (N, 6), weights (N, 6), shape (N, K, 3) in skin frames."""

    vertices: np.ndarray
    weights: np.ndarray
    shape: np.ndarray
    colour: np.ndarray  # (N, 3) linear
    width: float

    def follow(self, points: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Hair points (N, K, 3) and outward normals (N, 3) on a posed skin (V, 3)."""
        at, frames = _frames(points, normals, self.vertices, self.weights)
        return _placed(at, frames, self.shape), frames[:, 2]


def brows(actor, head: Head) -> Rooted:
    """Both brows: hairs rise at the inner end, lie along the arch, and point down at the tail."""
    rng = np.random.default_rng([actor.seed, 9])
    woman = actor.gender == "female"
    count = int(620 * np.clip(actor.brow_thickness, 0.5, 1.6))
    arch = rng.uniform(-0.02, 0.02) + (0.02 if woman else -0.015)
    lift = LEVELLED * _inner_drop(head, arch)
    roots, along = [], []
    for side in (1, -1):
        t = rng.beta(1.15, 1.35, count)  # place along the brow, 0 inner end, 1 tail
        x = 0.205 + BROW_LENGTH * t
        y = skin.brow_height(t, arch) + lift * np.clip((OUTER - t) / (OUTER - INNER), 0, 1.2)
        half = 0.072 * np.sqrt(actor.brow_thickness) * (0.90 if woman else 1.0)
        half = half * np.interp(t, [0, 0.12, 0.5, 1.0], [0.66, 0.92, 0.88, 0.20])
        across = np.clip(rng.normal(0, 0.52, count), -1.15, 1.15)
        x = x + rng.normal(0, 0.022, count) * (1 - t)  # the inner end is ragged
        angle = np.interp(t, [0, 0.15, 0.45, 0.75, 1.0], [66, 48, 24, 4, -22]) - 16 * across
        angle = np.radians(angle + rng.normal(0, 7, count))
        # hairs that rise lift the brow by half as much only, or its inner part would stand off
        y = y + half * across - RISEN * (np.sin(angle) - np.sin(np.radians(24)))
        roots.append(np.stack([side * x, y], axis=1))
        along.append(np.stack([side * np.cos(angle), np.sin(angle)], axis=1))
    root, direction = np.concatenate(roots), np.concatenate(along)
    length = 0.115 * rng.uniform(0.6, 1.1, len(root)) * (0.85 if woman else 1.0)
    colour = decode(np.asarray(actor.brow_rgb)) * rng.uniform(0.7, 1.3, (len(root), 1))
    return plant(head, root, direction, length, colour, width=0.0058, rise=0.014)


def _inner_drop(head: Head, arch: float) -> float:
    """How much lower than on the mean face the inner brow lies, against the outer part, units.

    Brows that slant down to the nose look angry at rest, so `brows` takes most of it back.
    """
    front = np.flatnonzero((head.rest[:, 2] > -1.45) & (head.normals[:, 2] > 0.05))
    tree = KDTree(head.rest[front, :2])
    risen = {}
    for t in (INNER, OUTER):
        x, y = 0.205 + BROW_LENGTH * t, float(skin.brow_height(np.array(t), arch))
        near = front[np.asarray(tree.query([[x, y], [-x, y]], k=NEIGHBOURS)[1])]
        risen[t] = float((head.points[near, 1] - head.rest[near, 1]).mean())
    return risen[OUTER] - risen[INNER]


def beard(actor, head: Head) -> Rooted | None:
    """Beard hairs, or None for who has no more than a shadow (skin.skin_detail paints that)."""
    if actor.stubble < 0.35:
        return None
    rng = np.random.default_rng([actor.seed, 10])
    tries = rng.uniform((-1.25, -2.35), (1.25, 0.1), (90_000, 2))
    keep = rng.random(len(tries)) < skin.beard_area(tries[:, 0], tries[:, 1]) * 0.9
    root = tries[keep][: int(9_000 * actor.stubble)]
    centre = np.stack([0.35 * root[:, 0], np.full(len(root), -1.0)], axis=1)
    direction = centre * [1, 1] + rng.normal(0, 0.25, root.shape)
    length = (0.014 + 0.09 * (actor.stubble - 0.35)) * rng.uniform(0.6, 1.2, len(root))
    colour = decode(np.asarray(actor.hair_rgb)) * rng.uniform(0.6, 1.3, (len(root), 1))
    grey = rng.random((len(root), 1)) < np.clip((actor.age - 48) / 30, 0, 0.7)
    colour = np.where(grey, 0.35, colour)
    return plant(head, root, direction, length, colour, width=0.0038, rise=0.3 * length.mean())


def plant(
    head: Head, root, direction, length, colour, *, width: float, rise: float,
    front: np.ndarray | None = None, least: float = 0.25,
) -> Rooted:  # fmt: skip
    """Bind hairs given from the front (rest X, Y of root and direction) to the skin under them.

    front: the vertices that may carry them; least: how much the skin there has to face the lens.
    """
    towards = (head.rest[:, 2] > -1.45) & (head.normals[:, 2] > 0.05)
    front = np.flatnonzero(towards) if front is None else front[towards[front]]
    found = KDTree(head.rest[front, :2]).query(root, k=NEIGHBOURS)
    distance, near = np.asarray(found[0]), np.asarray(found[1])
    facing = head.normals[front[near[:, 0]], 2] * (distance[:, 0] < 0.05)
    keep = facing > least  # hairs on what turns away from the lens would pile up into an outline
    root, direction, length, colour = root[keep], direction[keep], length[keep], colour[keep]
    distance, near = distance[keep], near[keep]
    weights = 1 / (distance + 0.01)
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    vertices = front[near].astype(np.int32)
    _, frame = _frames(head.points, head.normals, vertices, weights)
    forward = np.column_stack([direction, np.zeros(len(root))])
    normal = frame[:, 2]
    forward -= (forward * normal).sum(axis=1, keepdims=True) * normal
    forward /= np.linalg.norm(forward, axis=1, keepdims=True)
    # the weighted mean of neighbours is not quite the root: keep the small difference
    mean = np.einsum("nk,nki->ni", weights, head.rest[vertices][..., :2])
    miss = np.column_stack([root - mean, np.zeros(len(root))])
    miss -= (miss * normal).sum(axis=1, keepdims=True) * normal
    t = np.linspace(0, 1, POINTS)[None, :, None]
    bend = rise * np.sin(0.75 * np.pi * t)
    world = miss[:, None] + forward[:, None] * length[:, None, None] * t
    world = world + normal[:, None] * (0.003 + bend)
    shape = np.einsum("nkj,nij->nki", world, frame)
    return Rooted(vertices, weights, shape.astype(np.float32), colour.astype(np.float32), width)


@njit(cache=True, nogil=True)
def _frames(points, normals, vertices, weights):
    """Root (N, 3) and frame (N, 3, 3), rows along, across, out, of the skin at each root."""
    count = vertices.shape[0]
    at, frames = np.zeros((count, 3), np.float32), np.zeros((count, 3, 3), np.float32)
    half = np.float32(0.5)
    for n in range(count):
        for k in range(vertices.shape[1]):
            v, w = vertices[n, k], weights[n, k]
            for d in range(3):
                at[n, d] += w * points[v, d]
                frames[n, 2, d] += w * normals[v, d]
        ox, oy, oz = frames[n, 2]
        length = np.sqrt(ox * ox + oy * oy + oz * oz)
        ox, oy, oz = ox / length, oy / length, oz / length
        a, b, c = vertices[n, 0], vertices[n, 1], vertices[n, 3]
        x = points[b, 0] - points[a, 0] + half * (points[c, 0] - points[a, 0])
        y = points[b, 1] - points[a, 1] + half * (points[c, 1] - points[a, 1])
        z = points[b, 2] - points[a, 2] + half * (points[c, 2] - points[a, 2])
        along = x * ox + y * oy + z * oz
        x, y, z = x - along * ox, y - along * oy, z - along * oz
        length = max(np.sqrt(x * x + y * y + z * z), np.float32(1e-9))
        x, y, z = x / length, y / length, z / length
        frames[n, 0] = x, y, z
        frames[n, 1] = oy * z - oz * y, oz * x - ox * z, ox * y - oy * x
        frames[n, 2] = ox, oy, oz
    return at, frames


@njit(cache=True, nogil=True)
def _placed(at, frames, shape):
    """Points (N, K, 3) of shapes (N, K, 3) given in frames (N, 3, 3) at (N, 3)."""
    out = np.empty_like(shape)
    for n in range(shape.shape[0]):
        for k in range(shape.shape[1]):
            a, b, c = shape[n, k, 0], shape[n, k, 1], shape[n, k, 2]
            for d in range(3):
                along, across = a * frames[n, 0, d], b * frames[n, 1, d]
                out[n, k, d] = at[n, d] + (along + across + c * frames[n, 2, d])
    return out


@dataclass(frozen=True)
class Lashes:
    """Lashes on the rig's lash ribbons: (N, R) matrices to root and tip from rig vertices."""

    root: Matrix
    tip: Matrix
    lift: np.ndarray  # (N, 1): how far they curl up (units)

    def follow(self, rig_points: np.ndarray) -> np.ndarray:
        """Lash points (N, K, 3) from posed rig vertices in studio space."""
        root, tip = self.root @ rig_points, self.tip @ rig_points
        t = np.linspace(0, 1, POINTS, dtype=np.float32)[None, :, None]
        path = root[:, None] + (tip - root)[:, None] * t
        path[..., 1] += self.lift * t[..., 0] ** 2
        return path.astype(np.float32)


def lashes(actor) -> Lashes:
    """Upper and lower lashes of both eyes; denser and longer towards the outer corner."""
    rng = np.random.default_rng([actor.seed, 11])
    longer = 1.2 if actor.gender == "female" else 0.85
    roots, tips, lifts = [], [], []
    for part, count, reach, lift in (("upper", 120, 0.70, 0.016), ("lower", 44, 0.42, -0.002)):
        for side in ("left", "right"):
            grid = ribbon(f"lashes_{part}_{side}")  # rows from lid to tip, columns along the lid
            columns = grid.shape[1] - 1
            at = np.sort(rng.uniform(0.35, columns - 0.35, count))
            size = longer * reach * rng.uniform(0.75, 1.15, count)
            roots.append(_weights(grid, at, np.full(count, ROOT_ROW)))
            fan = np.clip(at + rng.normal(0, 0.25, count), 0, columns - 1e-3)
            tip = _weights(grid, fan, np.full(count, grid.shape[0] - 1.001))
            scale = sparse.diags(size.astype(np.float32))
            tips.append(scale @ tip + (sparse.eye(count) - scale) @ roots[-1])
            lifts.append(lift * longer * rng.uniform(0.7, 1.2, (count, 1)))
    return Lashes(
        sparse.vstack(roots).tocsr().astype(np.float32),
        sparse.vstack(tips).tocsr().astype(np.float32),
        np.concatenate(lifts).astype(np.float32),
    )


def ribbon(part: str) -> np.ndarray:
    """Rig vertices of a lash ribbon as a grid (rows, columns): row 0 lies at the eyeball."""
    quads, rest = load_topology().quads[part], mean_face()
    used, local = np.unique(quads, return_inverse=True)
    local = local.reshape(-1, 4)
    ends = np.stack([local.ravel(), np.roll(local, -1, axis=1).ravel()])
    n = len(used)
    graph = sparse.coo_matrix((np.ones(ends.shape[1]), ends), shape=(n, n)).tocsr()
    graph = ((graph + graph.T) > 0).astype(float)
    corners = np.flatnonzero(np.asarray(graph.sum(axis=1)).ravel() == 2)
    centre = np.array([np.sign(rest[used, 0].mean()) * 0.5, 0.0, 0.0])
    depth = np.linalg.norm(rest[used[corners]] - centre, axis=1)
    inner = corners[np.argsort(depth)[:2]]
    hops = csgraph.shortest_path(graph, unweighted=True, indices=inner)
    columns = int(hops[0, inner[1]]) + 1
    row = ((hops[0] + hops[1] - (columns - 1)) / 2).astype(int)
    column = (hops[0] - row).astype(int)
    grid = np.zeros((row.max() + 1, columns), int)
    grid[row, column] = used
    return grid


def _weights(grid: np.ndarray, column: np.ndarray, row: np.ndarray) -> Matrix:
    """Bilinear weights (N, R) of rig vertices at fractional grid places."""
    c, r = column.astype(int), row.astype(int)
    fc, fr = column - c, row - r
    n, total = len(column), load_topology().n_vertices
    rows, cols, values = [], [], []
    for dr, dc, w in (
        (0, 0, (1 - fr) * (1 - fc)), (0, 1, (1 - fr) * fc), (1, 0, fr * (1 - fc)), (1, 1, fr * fc),
    ):  # fmt: skip
        rows.append(np.arange(n))
        cols.append(grid[np.minimum(r + dr, grid.shape[0] - 1), c + dc])
        values.append(w)
    place = (np.concatenate(rows), np.concatenate(cols))
    return sparse.csr_matrix((np.concatenate(values), place), shape=(n, total))
