"""Surfaces made of quads: smooth subdivision as one sparse matrix, normals, occlusion.

Symbols: a mesh has V vertices (V, 3) and Q quads (Q, 4) of vertex numbers, counter-clockwise seen
from outside. Subdividing is linear in the vertices, so it is done once per topology; a frame then
costs one sparse product.
"""

from typing import Any

import numpy as np
from numba import njit
from scipy import sparse

Matrix = Any  # a scipy.sparse.csr_matrix, whose arithmetic scipy does not type


def catmull_clark(quads: np.ndarray, vertices: int) -> tuple[np.ndarray, Matrix]:
    """Catmull & Clark (1978): one step of smooth subdivision, boundary edges as cubic B-splines.

    quads (Q, 4) over `vertices` points. Returns (4Q, 4) quads and the (V', V) matrix that makes the
    new points.
    """
    edges, edge_of, faces_at_edge = _edges(quads)
    q, v, e = len(quads), vertices, len(edges)
    face = _average(quads, v)  # F: face points
    middle = _average(edges, v)  # R: edge midpoints
    border = faces_at_edge == 1
    edge_faces = _incidence(edge_of.ravel(), np.repeat(np.arange(q), 4), (e, q))
    edge = _scale(np.where(border, 1.0, 0.5)) @ middle
    edge = edge + _scale(np.where(border, 0.0, 0.5 / faces_at_edge)) @ edge_faces @ face

    vertex_faces = _incidence(quads.ravel(), np.repeat(np.arange(q), 4), (v, q))
    vertex_edges = _incidence(edges.ravel(), np.repeat(np.arange(e), 2), (v, e))
    n = np.maximum(_row_sums(vertex_faces), 1)  # valence
    k = np.maximum(_row_sums(vertex_edges), 1)
    inner = (
        _scale(1 / n**2) @ vertex_faces @ face
        + _scale(2 / (n * k)) @ vertex_edges @ middle
        + _scale((n - 3) / n)
    )
    on_border = np.zeros(v, bool)
    on_border[edges[border].ravel()] = True
    outer = 0.25 * (vertex_edges @ _scale(border.astype(float)) @ middle) + _scale(np.full(v, 0.5))
    vertex = _scale((~on_border).astype(float)) @ inner + _scale(on_border.astype(float)) @ outer
    return _split(quads, edge_of, v, e), sparse.vstack([vertex, edge, face]).tocsr()


def subdivide(quads: np.ndarray, vertices: int, levels: int) -> tuple[np.ndarray, Matrix]:
    """Repeat `catmull_clark`. Returns quads and the float32 (V', V) matrix of all levels."""
    matrix: Matrix = sparse.eye(vertices).tocsr()
    for _ in range(levels):
        quads, once = catmull_clark(quads, matrix.shape[0])
        matrix = (once @ matrix).tocsr()
    matrix.sort_indices()
    return quads, matrix.astype(np.float32)


def triangles(quads: np.ndarray) -> np.ndarray:
    """Two triangles a quad: (Q, 4) -> (2Q, 3) int32; triangles 2i and 2i+1 are quad i."""
    return quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3).astype(np.int32)


@njit(cache=True, nogil=True)
def normals(points: np.ndarray, tris: np.ndarray) -> np.ndarray:
    """Unit vertex normals (V, 3), area weighted; (0, 0, 0) where no triangle meets the vertex."""
    out = np.zeros_like(points)
    for t in range(tris.shape[0]):
        i, j, k = tris[t, 0], tris[t, 1], tris[t, 2]
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        ax, ay, az = points[j, 0] - x, points[j, 1] - y, points[j, 2] - z
        bx, by, bz = points[k, 0] - x, points[k, 1] - y, points[k, 2] - z
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        for c in (i, j, k):
            out[c, 0] += nx
            out[c, 1] += ny
            out[c, 2] += nz
    for c in range(out.shape[0]):
        x, y, z = out[c, 0], out[c, 1], out[c, 2]
        length = np.sqrt(x * x + y * y + z * z)
        if length > 0:
            out[c, 0], out[c, 1], out[c, 2] = x / length, y / length, z / length
    return out


def pose(matrix: Matrix, points: np.ndarray) -> np.ndarray:
    """As matrix @ points, for a sparse float32 matrix (V', V) and points (V, 3)."""
    return _product(matrix.indptr, matrix.indices, matrix.data, points)


@njit(cache=True, nogil=True)
def _product(starts, columns, weights, points):
    out = np.empty((starts.size - 1, 3), np.float32)
    for n in range(out.shape[0]):
        x = y = z = np.float32(0)
        for m in range(starts[n], starts[n + 1]):
            i, w = columns[m], weights[m]
            x += w * points[i, 0]
            y += w * points[i, 1]
            z += w * points[i, 2]
        out[n, 0], out[n, 1], out[n, 2] = x, y, z
    return out


def dot(vectors: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The product of vectors (..., n) and a small matrix (n,) or (n, m).

    Added up in one fixed order, where a BLAS may choose another with another number of threads.
    """
    if matrix.ndim == 1:
        return np.einsum("...n,n->...", vectors, matrix)
    return np.einsum("...n,nm->...m", vectors, matrix)


def _edges(quads: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unique edges (E, 2), the edge after each quad corner (Q, 4), faces that meet at each edge."""
    ends = np.stack([quads, np.roll(quads, -1, axis=1)], axis=2).reshape(-1, 2)
    edges, edge_of, count = np.unique(
        np.sort(ends, axis=1), axis=0, return_inverse=True, return_counts=True
    )
    return edges, edge_of.reshape(-1, 4), count


def _split(quads: np.ndarray, edge_of: np.ndarray, v: int, e: int) -> np.ndarray:
    side, centre = edge_of + v, np.arange(len(quads)) + v + e
    corners = [
        np.stack([quads[:, i], side[:, i], centre, side[:, i - 1]], axis=1) for i in range(4)
    ]
    return np.stack(corners, axis=1).reshape(-1, 4)


def _average(groups: np.ndarray, vertices: int) -> Matrix:
    m, k = groups.shape
    weights = np.full(m * k, 1 / k)
    rows = np.repeat(np.arange(m), k)
    return sparse.csr_matrix((weights, (rows, groups.ravel())), shape=(m, vertices))


def _incidence(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> Matrix:
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)


def _row_sums(matrix: Matrix) -> np.ndarray:
    return np.asarray(matrix.sum(axis=1)).ravel()


def _scale(values: np.ndarray) -> Matrix:
    return sparse.diags(values).tocsr()
