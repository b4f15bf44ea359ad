"""Faces as sums: thousands of takes of an actor in a second, without a forward pass for each.

Anny's rest shape is the sum of a shape that depends on the phenotype and, for each local change, a
fixed offset for its positive and one for its negative part, whatever the phenotype (to 1e-12 mm,
anny 0.6.2). So the offsets are measured once, and a take is a row of a matrix product.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np


class FaceSpace:
    """Faces (F, 3) as in identity.face_of, of many takes at once."""

    def __init__(self, head: Any, names: Sequence[str]) -> None:
        """Measure the offsets of the local changes `names` of an AnnyHead."""
        topology = head.topology
        self.head, self.names = head, tuple(names)
        eyes = [np.asarray(topology.vertices(f"eye_{side}")) for side in ("left", "right")]
        self._parts = (np.asarray(topology.face), *eyes)
        zero = self._seen(head.vertices({}, {}))
        offsets = [self._seen(head.vertices({}, {name: sign})) - zero
                   for sign in (1.0, -1.0) for name in self.names]  # fmt: skip
        self.offsets = np.stack(offsets).reshape(len(offsets), -1)

    def faces(self, phenotype: dict[str, float], changes: Sequence[dict[str, float]]) -> np.ndarray:
        """Faces (N, F, 3) of N sets of changes: eyes' midpoint at 0, eyes at distance 1."""
        amount = np.array([[one.get(name, 0.0) for name in self.names] for one in changes])
        parts = np.concatenate([np.maximum(amount, 0), np.maximum(-amount, 0)], axis=1)
        base = self._seen(self.head.vertices(phenotype, {})).ravel()
        points = (base + parts @ self.offsets).reshape(len(amount), -1, 3)
        left, right = points[:, -2], points[:, -1]
        apart = np.linalg.norm(left - right, axis=1)[:, None, None]
        return (points[:, :-2] - ((left + right) / 2)[:, None]) / apart

    def _seen(self, vertices: np.ndarray) -> np.ndarray:
        """The face's vertices, then the centres of the left and the right eye: (F + 2, 3)."""
        face, left, right = self._parts
        centres = [vertices[left].mean(axis=0), vertices[right].mean(axis=0)]
        return np.concatenate([vertices[face], centres])
