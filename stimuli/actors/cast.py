"""The cast: who the synthetic actors are, and how they look before they move.

Colours are sRGB in [0, 1]. Amounts (freckles, stubble, ageing) run from 0 to 1. Ages are years.
The table itself is data/cast.json, written by hand; `casting` turns its shape entries into rigs.

Cast order: odd numbers are male and even numbers female, as in RAVDESS, so every prefix of even
length is balanced in gender. 01-24 are the main cast; 25-28 act in practice trials only.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Literal

from stimuli.actors.rig import DATA

Gender = Literal["male", "female"]
Rgb = tuple[float, float, float]
HAIR_STYLES = (
    "afro", "bald", "bob", "buzz", "crop", "curly", "long", "receding", "short", "side-part",
    "tied-back",
)  # fmt: skip
SKIN_TONES = ("I", "II", "III", "IV", "V", "VI")  # after Fitzpatrick, lightest to darkest


@dataclass(frozen=True)
class Origin:
    """Weights of MakeHuman's three shape parameters, summing to 1: parameters, not people."""

    african: float
    asian: float
    caucasian: float


@dataclass(frozen=True)
class Actor:
    """One synthetic actor; the number of fields is the number of things a casting sheet says."""

    id: str  # "01" to "28"
    gender: Gender
    age: int  # years
    origin: Origin
    skin: str  # one of SKIN_TONES
    skin_rgb: Rgb
    lip_rgb: Rgb
    iris: str  # "brown", "hazel", "green", "blue", "grey"
    iris_rgb: Rgb
    hair: str  # one of HAIR_STYLES
    hair_colour: str
    hair_rgb: Rgb
    brow_rgb: Rgb
    brow_thickness: float  # 1 is average
    freckles: float
    stubble: float  # 0 shaven, 0.5 a shadow of some days, 1 a full short beard
    ageing: float  # lines and uneven skin
    clothing_rgb: Rgb
    seed: int  # of everything drawn at random for this actor: pores, freckles, hair
    practice: bool  # for practice and familiarisation trials, never in the main set


@lru_cache(maxsize=1)
def load_cast(path: Path = DATA / "cast.json") -> tuple[Actor, ...]:
    """All actors in cast order: the main cast, then the practice actors."""
    table = json.loads(path.read_text(encoding="utf-8"))
    return tuple(_read(entry) for entry in table["actors"])


def actor(actor_id: str) -> Actor:
    """The actor of this id.

    Raises KeyError naming the nearest known id.
    """
    cast = {a.id: a for a in load_cast()}
    if actor_id not in cast:
        near = get_close_matches(str(actor_id).zfill(2), cast, n=1, cutoff=0.0)
        raise KeyError(
            f"actor '{actor_id}': not in the cast; known are {min(cast)} to {max(cast)}; "
            f"did you mean '{near[0]}'?"
        )
    return cast[actor_id]


def pick(
    n: int,
    *,
    practice: bool = False,
    genders: Iterable[Gender] = ("male", "female"),
    ages: tuple[int, int] = (0, 120),
) -> tuple[Actor, ...]:
    """The first n actors in cast order, of the main cast or for practice.

    An even n with both genders gives as many men as women. `ages` is (youngest, oldest), inclusive.
    Raises ValueError when fewer than n actors fit.
    """
    genders = tuple(genders)
    fit = [
        a
        for a in load_cast()
        if a.practice == practice and a.gender in genders and ages[0] <= a.age <= ages[1]
    ]
    if not 1 <= n <= len(fit):
        kind = "practice" if practice else "main"
        raise ValueError(
            f"actors: {n} asked for; give 1 to {len(fit)}, as many as the {kind} cast has of "
            f"{' or '.join(genders)} aged {ages[0]} to {ages[1]}"
        )
    return tuple(fit[:n])


def _read(entry: dict) -> Actor:
    """One entry of cast.json; its `shape` is for `casting` alone."""
    fields = {key: value for key, value in entry.items() if key != "shape"}
    colours = {key: _rgb(value) for key, value in fields.items() if key.endswith("_rgb")}
    return Actor(**{**fields, **colours, "origin": Origin(**fields["origin"])})


def _rgb(code: str) -> Rgb:
    """'#c69076' as sRGB in [0, 1]."""
    red, green, blue = (int(code[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue
