"""The cast: who the synthetic actors are, and how they look before they move.

Colours are sRGB in [0, 1]. Amounts (freckles, stubble, ageing) run from 0 to 1. Ages are years.
The table itself is data/cast.json: 01-28 written by hand, the rest drawn by `casting_sheet` and
looked at. `casting` turns its shape entries into rigs; `own_cast` makes a folder of the same form.

Cast order: odd numbers are male and even numbers female, as in RAVDESS, so every prefix of even
length is balanced in gender. 01-24 are the main cast; 25-28 act in practice trials only; 29-52 are
held out, for tests of what was made or trained with the others.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Literal

from stimuli.actors.rig import DATA

Gender = Literal["male", "female"]
Part = Literal["main", "practice", "held-out"]
Rgb = tuple[float, float, float]
HAIR_STYLES = (
    "afro", "bald", "bob", "bun", "buzz", "crop", "curly", "long", "receding", "short", "side-part",
    "tied-back",
)  # fmt: skip
SKIN_TONES = ("I", "II", "III", "IV", "V", "VI")  # after Fitzpatrick, lightest to darkest


@dataclass(frozen=True)
class Origin:
    """Weights of MakeHuman's three shape parameters, summing to 1: parameters, not people."""

    african: float
    asian: float
    caucasian: float

    @property
    def word(self) -> str:
        """The largest of them, or mixed where none makes up six tenths."""
        name, weight = max(vars(self).items(), key=lambda item: item[1])
        return name if weight >= 0.6 else "mixed"


@dataclass(frozen=True)
class Actor:
    """One synthetic actor; the number of fields is the number of things a casting sheet says."""

    id: str  # "01" to "52"
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
    part: Part  # practice and familiarisation trials, and tests, have people of their own
    folder: Path = field(default=DATA, repr=False)  # where cast.json and rigs/ lie
    glasses: str = field(default="none", repr=False)  # one of glasses.NAMES (see wearing.py)
    beard: str = field(default="own", repr=False)  # one of beards.NAMES; own: as cast


@lru_cache(maxsize=4)
def load_cast(folder: Path = DATA) -> tuple[Actor, ...]:
    """All actors of the shipped cast, or of the cast in `folder`, in cast order."""
    table = json.loads((folder / "cast.json").read_text(encoding="utf-8"))
    return tuple(read_entry(entry, folder) for entry in table["actors"])


def actor(actor_id: str, folder: Path = DATA) -> Actor:
    """The actor of this id.

    Raises KeyError naming the nearest known id.
    """
    cast = {a.id: a for a in load_cast(folder)}
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
    part: Part = "main",
    genders: Iterable[Gender] = ("male", "female"),
    ages: tuple[int, int] = (0, 120),
) -> tuple[Actor, ...]:
    """The first n actors in cast order, of one part of the shipped cast.

    An even n with both genders gives as many men as women. `ages` is (youngest, oldest), inclusive.
    Raises ValueError when fewer than n actors fit.
    """
    genders = tuple(genders)
    fit = [
        a
        for a in load_cast()
        if a.part == part and a.gender in genders and ages[0] <= a.age <= ages[1]
    ]
    if not 1 <= n <= len(fit):
        raise ValueError(
            f"actors: {n} asked for; give 1 to {len(fit)}, as many as the {part} cast has of "
            f"{' or '.join(genders)} aged {ages[0]} to {ages[1]}"
        )
    return tuple(fit[:n])


def read_entry(entry: dict, folder: Path = DATA) -> Actor:
    """One entry of a cast.json; its `shape` is for `casting` alone."""
    fields = {key: value for key, value in entry.items() if key != "shape"}
    colours = {key: _rgb(value) for key, value in fields.items() if key.endswith("_rgb")}
    return Actor(**{**fields, **colours, "origin": Origin(**fields["origin"])}, folder=folder)


def _rgb(code: str) -> Rgb:
    """'#c69076' as sRGB in [0, 1]."""
    red, green, blue = (int(code[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue
