"""Who a corpus can show: its identities, known to the planner without opening a picture."""

from __future__ import annotations

from dataclasses import dataclass

from protocols.errors import UserError
from protocols.protocol import Protocol
from protocols.section import nearest

# Published numbers of identities: RAVDESS 24 actors, CREMA-D 91, MEAD 60 announced, CelebA 10,177;
# AffectNet and REACT 2024 name pictures and sessions, not people.
SIZES = {"ravdess": 24, "crema-d": 91, "mead": 60, "celeba": 10_177}
UNNAMED = 10_000


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
    than the main cast has. Corpora that are not at hand give anonymous identities "01", "02", …, so
    that their studies can be planned and printed.

    Raises:
        UserError: the corpus has no such identity, or not as many.
    """
    corpus, pick = protocol.stimuli.corpus, protocol.stimuli.identities.pick
    everyone = _actors(pick) if corpus == "actors" else _anonymous(corpus)
    if isinstance(pick, int):
        if pick > len(everyone):
            raise UserError(
                f"stimuli.identities: {pick} wanted; the corpus {corpus} has {len(everyone)}"
            )
        return everyone
    known = {person.id: person for person in everyone}
    for name in pick:
        if name not in known:
            raise UserError(
                f"stimuli.identities: the corpus {corpus} has no '{name}'; accepted: "
                f"{everyone[0].id} to {everyone[-1].id}{nearest(name, known)}"
            )
    rest = [person for person in everyone if person.id not in pick]
    return [*(known[name] for name in pick), *rest]


def _actors(pick: int | tuple[str, ...]) -> list[Identity]:
    from stimuli.actors.cast import load_cast

    cast = load_cast()
    held_out = {a.id for a in cast if a.part == "held-out"}
    if isinstance(pick, int):
        all_wanted = pick > sum(a.part == "main" for a in cast)
    else:
        known = {a.id for a in cast}
        all_wanted = not held_out.isdisjoint(pick) or not known.issuperset(pick)
    return [
        Identity(a.id, a.gender, a.age, a.origin.word)
        for a in cast
        if all_wanted or a.id not in held_out
    ]


def _anonymous(corpus: str) -> list[Identity]:
    count = SIZES.get(corpus, UNNAMED)
    digits = max(2, len(str(count)))
    return [Identity(f"{i:0{digits}d}") for i in range(1, count + 1)]
