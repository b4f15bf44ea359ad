"""Beards that an actor does not wear by nature: where they grow, how dense and how long.

`own` leaves an actor as cast. The others replace that beard by one in the colour of the actor's
hair; its hairs are rooted in the skin, so they move with lips and jaw. Rest coordinates and units
as in atlas.py.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.spatial import KDTree

from stimuli.actors import facial_hair, skin
from stimuli.actors.anatomy import load_anatomy
from stimuli.actors.atlas import smoothstep
from stimuli.actors.film import decode
from stimuli.actors.hair import Head


@dataclass(frozen=True)
class Style:
    """A beard: shadow on the skin (0-1, as Actor.stubble), hairs a unit of area, their length."""

    shadow: float
    hairs: float
    length: float  # units
    rise: float  # how far hairs stand off, as a share of their length


STYLES = {
    "shaven": Style(0.0, 0.0, 0.0, 0.0),
    "stubble": Style(0.50, 3000, 0.020, 0.35),
    "moustache": Style(0.75, 9000, 0.095, 0.20),
    "goatee": Style(0.75, 8000, 0.090, 0.25),
    "full": Style(0.80, 7500, 0.105, 0.25),
}
NAMES = ("own", *STYLES)
# (places to the side, heights): the lower edge of the face from the front; the upper edge of beards
JAW = ((0, 0.3, 0.5, 0.7, 0.85, 0.95, 1.02), (-2.05, -2.0, -1.93, -1.83, -1.67, -1.42, -1.15))
CHEEK = ((0.4, 0.6, 0.8, 0.9, 0.97, 1.03), (-1.08, -1.0, -0.82, -0.55, -0.20, 0.08))
LEAST = 0.06  # how little a root may face the lens: a full beard reaches around the jaw


def area(name: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Where a beard grows, 0-1, over rest X, Y seen from the front."""
    if name == "shaven":
        return np.zeros_like(x)
    if name in ("own", "stubble"):
        return skin.beard_area(x, y)
    side, lips = np.abs(x), skin.lip_area(np.abs(x), y + 0.02)
    lip = -1.02 - 0.12 * np.clip(side / 0.42, 0, 1) ** 2  # upper edge of the lips
    moustache = smoothstep(y, -0.84 - 0.10 * side, -0.90 - 0.10 * side)
    moustache = moustache * smoothstep(y, lip - 0.06, lip) * smoothstep(side, 0.52, 0.42)
    moustache = moustache * (0.55 + 0.45 * smoothstep(side, 0.0, 0.06))  # thinner in the groove
    if name == "moustache":
        return moustache * (1 - lips)
    jaw = np.interp(side, *JAW)
    above_jaw = smoothstep(y, jaw - 0.02, jaw + 0.10)
    corners = smoothstep(side, 0.38, 0.44) * smoothstep(side, 0.60, 0.52)
    corners = corners * smoothstep(y, -0.95, -1.05)
    chin = smoothstep(side, 0.60, 0.46) * smoothstep(y, -1.38, -1.46)
    beard = np.clip(moustache + (corners + chin) * above_jaw, 0, 1)
    if name == "full":
        cheek = np.interp(side, *CHEEK)
        cheeks = smoothstep(y, cheek + 0.06, cheek - 0.10) * smoothstep(side, 0.36, 0.46)
        ear = 1.03 + 0.14 * smoothstep(y, -0.90, -0.10)  # where it begins
        cheeks = cheeks * smoothstep(side, ear, ear - 0.06)
        beard = np.clip(beard + cheeks * above_jaw, 0, 1)
    return beard * (1 - lips)


@lru_cache(maxsize=1)
def _outer_face() -> np.ndarray:
    """Body vertices (K,) that a viewer in front sees: no neck, and nothing inside the mouth."""
    anatomy = load_anatomy()
    rest = anatomy.rest[anatomy.body]
    over = rest[:, 1] > np.interp(np.abs(rest[:, 0]), *JAW) - 0.06
    first = KDTree(rest[over][:, :2])
    near = np.asarray(first.query(rest[over][:, :2], k=12)[1])
    hidden = rest[over][:, 2] < rest[over][:, 2][near].max(axis=1) - 0.10
    deep = anatomy.regions["inside_mouth"][over] > 0.1
    steep = np.abs(rest[over][:, 0]) > 0.6  # there the face itself recedes so fast
    neck = (rest[over][:, 1] < -1.0) & (rest[over][:, 2] < -0.75)
    return np.flatnonzero(over)[~deep & ~neck & (~hidden | steep)]


def shadow(actor) -> float:
    """How dark the roots and short hairs make the skin, 0-1."""
    return actor.stubble if actor.beard == "own" else STYLES[actor.beard].shadow


def grow(actor, head: Head) -> facial_hair.Rooted | None:
    """The hairs of the actor's beard, if it has any that are longer than a shadow."""
    if actor.beard == "own":
        return facial_hair.beard(actor, head)
    style = STYLES[actor.beard]
    if not style.hairs:
        return None
    rng = np.random.default_rng([actor.seed, 15])
    low, high = np.array([-1.3, -2.4]), np.array([1.3, 0.1])
    count = int(2.5 * style.hairs * np.prod(high - low))
    place = rng.uniform(low, high, (count, 2))
    grown = area(actor.beard, place[:, 0], place[:, 1])
    side = 0.4 + 0.6 * smoothstep(np.abs(place[:, 0]), 0.6, 1.0)  # skin is foreshortened there
    root = place[rng.random(count) < grown * side]
    # down and outwards from the middle of the face; over the lip more to the sides
    lip = smoothstep(root[:, 1], -1.15, -1.02) * smoothstep(np.abs(root[:, 0]), 0.62, 0.5)
    across = root[:, 0] * (0.35 + 1.9 * lip) + 0.35 * lip * np.sign(root[:, 0])
    direction = np.column_stack([across, np.full(len(root), -1.0)])
    direction += rng.normal(0, 0.22, root.shape)
    length = style.length * rng.uniform(0.55, 1.15, len(root)) * (1 - 0.35 * lip)
    colour = decode(np.asarray(actor.hair_rgb)) * rng.uniform(0.6, 1.3, (len(root), 1))
    grey = rng.random((len(root), 1)) < np.clip((actor.age - 48) / 30, 0, 0.7)
    colour = np.where(grey, 0.35, colour)
    rise = style.rise * style.length
    return facial_hair.plant(
        head,
        root,
        direction,
        length,
        colour,
        width=0.0044,
        rise=rise,
        front=_outer_face(),
        least=LEAST,
    )
