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

    Corpora that are not at hand give anonymous identities "01", "02", …, so that their studies can
    be planned and printed.

    Raises:
        UserError: the corpus has no such identity, or not as many.
    """
    corpus = protocol.stimuli.corpus
    everyone = _actors() if corpus == "actors" else _anonymous(corpus)
    pick = protocol.stimuli.identities.pick
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


def _actors() -> list[Identity]:
    from stimuli.actors.cast import load_cast

    return [Identity(a.id, a.gender, a.age, _main_origin(a.origin)) for a in load_cast()]


def _main_origin(origin: object) -> str:
    """The shape parameters as one word: the largest, or mixed where none makes up six tenths."""
    weights = {name: getattr(origin, name) for name in ("african", "asian", "caucasian")}
    name, weight = max(weights.items(), key=lambda item: item[1])
    return name if weight >= 0.6 else "mixed"


def _anonymous(corpus: str) -> list[Identity]:
    count = SIZES.get(corpus, UNNAMED)
    digits = max(2, len(str(count)))
    return [Identity(f"{i:0{digits}d}") for i in range(1, count + 1)]
