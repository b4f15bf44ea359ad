"""A rig: one actor's head and shoulders, and how 52 facial actions move them.

Symbols and units
    V       vertices of one actor, the same number and order for every actor
    A = 52  facial actions, named as in ARKit ("browInnerUp", "jawOpen", "mouthSmileLeft" ...)
    base    (V, 3) float32, metres, at rest: neutral face, mouth closed, eyes open
    deltas  (A, V, 3) float16, metres: how far action a at weight 1 moves each vertex

Axes: x to the actor's left, y to the back of the head, z up. The actor looks along -y. The origin
lies midway between the two eye centres at rest. Left and Right are always the actor's own.

Files, all readable with ``numpy.load(..., allow_pickle=False)``
    data/topology.npz   shared by all actors:
        actions (A,) str; parts (P,) str; n_vertices () int
        face (F,) int32, the body vertices between hairline, ears and chin
        quads_<part> (Q, 4) int32, corner -> vertex; counter-clockwise seen from outside
        uv (T, 2) float32 in [0, 1], v upwards; uv_quads_body (Q, 4) int32, corner -> row of uv
    data/rigs/NN.npz    one actor: base (V, 3) float32, and the nonzero deltas only:
        action (N,) uint8, vertex (N,) uint16, delta (N, 3) float16
    data/masks.npz      (512, 512) uint8 pictures over the UV square, row 0 at v = 1:
        lips, eyelids, ears, inside_mouth; 255 inside the region, 0 outside

Parts: body, eye_left, eye_right, teeth_upper, teeth_lower, tongue, and the eyelash ribbons
lashes_upper_left, lashes_lower_left, lashes_upper_right, lashes_lower_right.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, eq=False)
class Topology:
    """What all actors share: which vertices make a face, and where they lie in the texture."""

    actions: tuple[str, ...]
    quads: dict[str, np.ndarray]  # part -> (Q, 4) int32
    uv: np.ndarray  # (T, 2) float32
    uv_quads: np.ndarray  # (Q of body, 4) int32
    n_vertices: int
    face: np.ndarray  # (F,) int32

    def vertices(self, part: str) -> np.ndarray:
        """Sorted (N,) numbers of the vertices that belong to `part`."""
        return np.unique(self.quads[part])


@dataclass(frozen=True, eq=False)
class Rig:
    """One actor's resting shape and its facial actions; poses are linear in the weights."""

    base: np.ndarray  # (V, 3) float32
    deltas: np.ndarray  # (A, V, 3) float16
    topology: Topology

    @property
    def actions(self) -> tuple[str, ...]:
        """The 52 action names, in the order of `deltas`."""
        return self.topology.actions

    def pose(self, weights: Mapping[str, float] | np.ndarray) -> np.ndarray:
        """Vertices under the given action weights: base + sum over actions of w_a * delta_a.

        `weights` maps action names to weights (a missing name weighs 0) and gives (V, 3); or it is
        an array (A,) -> (V, 3) or (B, A) -> (B, V, 3). Returns float32 metres.
        Raises ValueError on an unknown action name or a wrong number of weights.
        """
        w = weights_array(weights, self.actions)
        batch = np.atleast_2d(w).astype(np.float32)  # (B, A)
        used = np.flatnonzero(batch.any(axis=0))  # few actions move at once
        moving = self.deltas[used].astype(np.float32).reshape(len(used), self.base.size)
        posed = self.base.reshape(1, -1) + batch[:, used] @ moving  # (B, V * 3)
        return posed.reshape(*w.shape[:-1], *self.base.shape)

    def eye_centres(self) -> np.ndarray:
        """Centres of the actor's left and right eyeball at rest, (2, 3) metres."""
        eyes = (self.topology.vertices(f"eye_{side}") for side in ("left", "right"))
        return np.stack([self.base[v].mean(axis=0) for v in eyes])


def weights_array(
    weights: Mapping[str, float] | np.ndarray, actions: tuple[str, ...]
) -> np.ndarray:
    """Weights by name or by position as a float array whose last axis runs over `actions`."""
    if not isinstance(weights, Mapping):
        w = np.asarray(weights, dtype=float)
        if w.ndim not in (1, 2) or w.shape[-1] != len(actions):
            raise ValueError(
                f"action weights: found shape {w.shape}; give ({len(actions)},) or "
                f"(batch, {len(actions)}), in the order of Rig.actions"
            )
        return w
    unknown = sorted(set(weights) - set(actions))
    if unknown:
        raise ValueError(
            f"action weights: unknown action '{unknown[0]}'; known actions: {', '.join(actions)}"
        )
    return np.array([float(weights.get(name, 0.0)) for name in actions])


@lru_cache(maxsize=1)
def load_topology(path: Path = DATA / "topology.npz") -> Topology:
    """The topology that every rig shares."""
    with np.load(path, allow_pickle=False) as file:
        return Topology(
            actions=tuple(str(name) for name in file["actions"]),
            quads={str(part): file[f"quads_{part}"] for part in file["parts"]},
            uv=file["uv"],
            uv_quads=file["uv_quads_body"],
            n_vertices=int(file["n_vertices"]),
            face=file["face"],
        )


@lru_cache(maxsize=32)
def load_rig(actor_id: str, folder: Path = DATA / "rigs") -> Rig:
    """The rig of one actor of the cast in this folder.

    Raises FileNotFoundError when that actor has no rig.
    """
    path = folder / f"{actor_id}.npz"
    if not path.is_file():
        known = sorted(p.stem for p in folder.glob("*.npz"))
        raise FileNotFoundError(
            f"{path}: no rig for actor '{actor_id}'; rigs here: {', '.join(known) or 'none'}"
        )
    topology = load_topology()
    with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
        deltas = np.zeros((len(topology.actions), topology.n_vertices, 3), np.float16)
        deltas[file["action"], file["vertex"]] = file["delta"]
        return Rig(base=file["base"], deltas=deltas, topology=topology)


def load_masks(path: Path = DATA / "masks.npz") -> dict[str, np.ndarray]:
    """Region masks over the UV square: name -> (512, 512) float32 in [0, 1], row 0 at v = 1."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name].astype(np.float32) / 255 for name in file.files}
