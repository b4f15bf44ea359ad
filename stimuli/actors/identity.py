"""How different two actors are: in the shape of their faces, and in the tone of their skin.

Symbols: F vertices of the face between hairline, ears and chin (rig.Topology.face).

    shape     root mean square distance of corresponding points, eyes on the same two points, in
              units of the distance between the eyes
    tone      colour difference of the skins, Delta E*ab (CIE 1976), in thousandths: a step of the
              tones I to VI is about 0.010 to 0.015
    identity  the two together: sqrt(shape^2 + tone^2)

Hair, eyes' colour and clothes are left out: a mask hides the hair, and they make no other person.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stimuli.actors.cast import Actor
from stimuli.actors.film import decode
from stimuli.actors.rig import Rig, Topology, load_rig

LEAST_IDENTITY = 0.05  # of any two actors; the least of the shipped cast's pairs is 0.051
TONE_UNIT = 0.001  # one Delta E*ab weighs as much as this distance in shape
TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)  # IEC 61966-2-1: linear sRGB to CIE XYZ
WHITE = np.array([0.9505, 1.0, 1.0890])  # D65


@dataclass(frozen=True, eq=False)
class Likeness:
    """What tells an actor from others."""

    face: np.ndarray  # (F, 3)
    skin: np.ndarray  # (3,) CIELAB

    @classmethod
    def of(cls, actor: Actor, face: np.ndarray) -> "Likeness":
        """The likeness of an actor whose face is `face` (see `face_of`)."""
        return cls(face, lab(np.asarray(actor.skin_rgb)))

    @classmethod
    def read(cls, actor: Actor) -> "Likeness":
        """The likeness of an actor who has a rig."""
        rig = load_rig(actor.id, actor.folder / "rigs")
        return cls.of(actor, face_of(rig.base.astype(float), rig.topology))


def nearest(one: Likeness, others: Sequence[Likeness]) -> tuple[float, int]:
    """The least identity distance to `others`, and whose it is; (inf, -1) when there are none."""
    if not others:
        return float("inf"), -1
    apart = [identity(one, other) for other in others]
    number = int(np.argmin(apart))
    return apart[number], number


def identity(one: Likeness, other: Likeness) -> float:
    """The distance of two actors in shape and tone."""
    tone = TONE_UNIT * float(np.linalg.norm(one.skin - other.skin))
    return float(np.hypot(distance(one.face, other.face), tone))


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Root mean square distance between corresponding points (N, 3)."""
    return float(np.sqrt(np.mean(np.sum((a - b) ** 2, axis=1))))


def face_of(vertices: np.ndarray, topology: Topology) -> np.ndarray:
    """The face (F, 3) alone: eyes' midpoint at 0, in units of the distance between the eyes."""
    left, right = eye_centres(vertices, topology)
    face = vertices[topology.face] - (left + right) / 2
    return face / np.linalg.norm(left - right)


def eye_centres(vertices: np.ndarray, topology: Topology) -> np.ndarray:
    """Centres of the left and right eyeball, (2, 3), of vertices (V, 3)."""
    return Rig(vertices, np.zeros((0, 0, 3)), topology).eye_centres()


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB (D65) of sRGB in [0, 1], (3,)."""
    share = TO_XYZ @ decode(rgb) / WHITE
    root = np.where(share > 216 / 24389, np.cbrt(share), (24389 / 27 * share + 16) / 116)
    x, y, z = root
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])
