"""Who a corpus can show: its identities, known to the planner without opening a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from protocols import prepared
from protocols.added import not_at_hand
from protocols.casts import OwnCast
from protocols.clips import HOME, read_clips
from protocols.errors import UserError
from protocols.generators import CORPORA
from protocols.protocol import Protocol
from protocols.section import nearest
from protocols.tables import read_table

if TYPE_CHECKING:
    from stimuli.actors.cast import Actor

# Published numbers of identities: RAVDESS 24 actors, CREMA-D 91, MEAD 60 announced, CelebA 10,177;
# AffectNet and REACT 2024 name pictures and sessions, not people.
SIZES = {"ravdess": 24, "crema-d": 91, "mead": 60, "celeba": 10_177}
UNNAMED = 10_000
WHO = ["gender", "age", "origin"]


@dataclass(frozen=True)
class Identity:
    """Somebody whom stimuli can show; what the corpus does not say is None."""

    id: str
    gender: str | None = None
    age: int | None = None
    origin: str | None = None


def identities_of(protocol: Protocol) -> list[Identity]:
    """The identities of a protocol, first those that it shows, then the rest of the corpus.

    Actors who are held out take part only if the study names one of them, or asks for more people
    than the main cast has. A study's own cast (`stimuli.cast`) takes the place of mien's. A corpus
    that was added (`mien corpus add`, in `corpora/NAME`) gives the people whom it shows, with
    gender, age and origin as it says; where it names nobody, its pictures. A corpus that is not at
    hand gives anonymous identities "01", "02", …, so that its studies can be planned and printed.

    Raises:
        UserError: the corpus has no such identity, or not as many, or its table is damaged.
    """
    corpus, pick = protocol.stimuli.corpus, protocol.stimuli.identities.pick
    folder = protocol.stimuli.corpus_folder
    if protocol.stimuli.cast is not None:
        everyone = [_who(actor) for actor in _own_actors(protocol.stimuli.cast)]
    elif corpus == "actors":
        everyone = _actors(pick)
    elif folder is not None:
        everyone = people_of(folder, pick)
    elif corpus in CORPORA:
        everyone = _anonymous(corpus)
    else:
        raise UserError(not_at_hand(corpus, protocol.stimuli.beside))
    known = {person.id: person for person in everyone}
    away = "" if folder or corpus == "actors" else (
        f"; {HOME / corpus} is not there: add the corpus with mien corpus add {corpus} PATH to "
        "have the names of its people"
    )  # fmt: skip
    if isinstance(pick, int):
        if pick > len(everyone):
            raise UserError(
                f"stimuli.identities: {pick} wanted; the {protocol.stimuli.people_from} has "
                f"{len(everyone)}{away}"
            )
        return everyone
    for name in pick:
        if name not in known:
            if why := _without_face(folder, name):
                raise UserError(f"stimuli.identities: {why}; leave out '{name}'")
            raise UserError(
                f"stimuli.identities: the {protocol.stimuli.people_from} has no '{name}'; "
                f"accepted: {everyone[0].id} to {everyone[-1].id}{nearest(name, known)}{away}"
            )
    rest = [person for person in everyone if person.id not in pick]
    return [*(known[name] for name in pick), *rest]


def people_of(folder: Path, pick: int | tuple[str, ...] = 1) -> list[Identity]:
    """The people of the corpus that was added in `folder`, by name.

    Of a corpus with pictures or films those who can be seen, and if it is prepared those of whom a
    face was found. Where nobody is named, each clip is an identity; of many clips the first
    UNNAMED, and those that are picked.

    Raises:
        UserError: no such corpus, its table has changed, or it shows nobody.
    """
    clips = read_clips(folder)
    shown = clips.loc[clips["video"].notna() | clips["image"].notna()]
    shown = shown if len(shown) else clips
    arrays = folder / prepared.FOLDER
    if (arrays / prepared.RECORD).is_file() and shown is not clips:
        index = read_table(arrays / prepared.INDEX, prepared.INDEX_COLUMNS, "\t")
        found = index.loc[index["rows"] > 0, "clip"].tolist()
        shown = shown.loc[shown["clip"].isin(found)]
        if not len(shown):
            raise UserError(f"{arrays}: no face was found in the whole corpus; see unusable.tsv")
    people = {str(name): row for name, row in shown.groupby("actor")[WHO].first().iterrows()}
    if not people:
        picked = set() if isinstance(pick, int) else set(pick)
        rows = zip(shown["clip"].astype(str), shown[WHO].itertuples(index=False), strict=True)
        people = {name: row for i, (name, row) in enumerate(rows) if i < UNNAMED or name in picked}
    return [_identity(name, people[name]) for name in sorted(people)]


def _without_face(folder: Path | None, name: str) -> str:
    """Why nobody of this name can be seen in a prepared corpus; nothing where that is unknown."""
    table = None if folder is None else folder / prepared.FOLDER / prepared.UNUSABLE
    if folder is None or table is None or not table.is_file():
        return ""
    clips = read_clips(folder)
    mine = set(clips.loc[(clips["actor"] == name) | (clips["clip"] == name), "clip"])
    unusable = read_table(table, prepared.UNUSABLE_COLUMNS, "\t")
    found = unusable.loc[unusable["clip"].isin(mine) & (unusable["part"] == "faces")]
    if not len(found):
        return ""
    first = found.iloc[0]
    return f"no face of '{name}' can be used: {first['path']}: {first['kind']} ({first['message']})"


def _identity(name: str, said: Any) -> Identity:
    gender, age, origin = (None if pd.isna(value) else value for value in said)
    return Identity(name, gender, None if age is None else round(float(age)), origin)


def _actors(pick: int | tuple[str, ...]) -> list[Identity]:
    from stimuli.actors.cast import load_cast

    cast = load_cast()
    held_out = {a.id for a in cast if a.part == "held-out"}
    if isinstance(pick, int):
        all_wanted = pick > sum(a.part == "main" for a in cast)
    else:
        known = {a.id for a in cast}
        all_wanted = not held_out.isdisjoint(pick) or not known.issuperset(pick)
    return [_who(a) for a in cast if all_wanted or a.id not in held_out]


def _own_actors(own: OwnCast) -> tuple[Actor, ...]:
    from stimuli.actors.cast_folder import read_cast

    return read_cast(own.folder, "stimuli.cast")


def _who(actor: Actor) -> Identity:
    return Identity(actor.id, actor.gender, actor.age, actor.origin.word)


def _anonymous(corpus: str) -> list[Identity]:
    count = SIZES.get(corpus, UNNAMED)
    digits = max(2, len(str(count)))
    return [Identity(f"{i:0{digits}d}") for i in range(1, count + 1)]
