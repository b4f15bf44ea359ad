"""A cast in a folder that a user named: read, checked, and told plainly what is wrong with it.

    people = read_cast(Path("casts/young"), "--cast")
    who = find_actor(Path("casts/young"), "c001", "--cast")

`called` is the setting or option that named the folder, for messages.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from protocols.casts import ID, SHEET, CastError, OwnCast, missing
from protocols.manifest import hash_file
from protocols.section import accepted, nearest
from stimuli.actors.cast import HAIR_STYLES, SKIN_TONES, Actor, read_entry
from stimuli.actors.rig import load_rig, load_topology

AGAIN = "restore it, or make the cast again (mien cast, in a new folder)"
AMOUNTS = ("brow_thickness", "freckles", "stubble", "ageing")
KNOWN = {"gender": ("male", "female"), "hair": HAIR_STYLES, "skin": SKIN_TONES}


def read_cast(folder: Path, called: str) -> tuple[Actor, ...]:
    """Everybody in the cast, in its order.

    Raises:
        CastError: there is no cast, or its cast.json is damaged.
    """
    sheet = folder / SHEET
    if not sheet.is_file():
        raise CastError(missing(folder, called))
    try:
        table = json.loads(sheet.read_text(encoding="utf-8"))
        people = tuple(_person(entry, folder) for entry in table["actors"])
    except KeyError as error:
        raise CastError(f"{sheet}: damaged ({error.args[0]} is missing); {AGAIN}") from None
    except (ValueError, TypeError, AttributeError, OSError) as error:
        raise CastError(f"{sheet}: damaged ({error}); {AGAIN}") from None
    ids = [person.id for person in people]
    twice = next((one for one in ids if ids.count(one) > 1), None)
    if twice or not ids:
        raise CastError(
            f"{sheet}: {f'actor {twice} stands twice' if twice else 'holds nobody'}; {AGAIN}"
        )
    return people


def find_actor(folder: Path, actor_id: str, called: str) -> Actor:
    """The actor of this id, with a rig that can be read; raises CastError."""
    people = {person.id: person for person in read_cast(folder, called)}
    if actor_id not in people:
        known = list(people)
        known = known if len(known) <= 6 else [*known[:2], "…", known[-1]]
        raise CastError(
            f"actor '{actor_id}': not in the cast {folder}; {accepted(known)}"
            f"{nearest(actor_id, people)}"
        )
    check_rig(people[actor_id])
    return people[actor_id]


def check_rig(person: Actor) -> None:
    """Raise CastError unless the actor's rig is there and whole."""
    path = OwnCast("", person.folder).rig(person.id)
    try:
        rig = load_rig(person.id, path.parent)
        whole = rig.base.shape == (load_topology().n_vertices, 3) and np.isfinite(rig.base).all()
    except Exception as error:  # a damaged archive fails in many ways
        raise CastError(f"{path}: damaged ({type(error).__name__}); {AGAIN}") from None
    if not whole:
        raise CastError(f"{path}: damaged (no face of mien's); {AGAIN}")


def read_own(own: OwnCast) -> dict[str, Actor]:
    """Id -> actor of a study's own cast; raises CastError."""
    return {person.id: person for person in read_cast(own.folder, "stimuli.cast")}


def facts_of(own: OwnCast, actor_id: str) -> dict[str, str]:
    """What recipe and manifest say of an actor of an own cast: the cast's name, and hashes."""
    return {
        "name": own.name,
        "sha256": hash_file(own.sheet),
        "rig": hash_file(own.rig(actor_id)),
    }


def _person(entry: dict[str, Any], folder: Path) -> Actor:
    """One entry, checked."""
    name = entry["id"]
    if not isinstance(name, str) or not ID.fullmatch(name):
        raise ValueError(f"id {name!r}: letters and digits only")
    person = read_entry(entry, folder)
    for field, words in KNOWN.items():
        if getattr(person, field) not in words:
            raise ValueError(f"actor {name}: {field} {getattr(person, field)!r}")
    numbers = {"age": person.age, "seed": person.seed, **vars(person.origin)}
    numbers |= {field: getattr(person, field) for field in AMOUNTS}
    for field, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise ValueError(f"actor {name}: {field} {value!r}")
    return person
