"""Lists: which stimuli a participant sees (between x rotate x split; see protocols.design).

In a rotated design, identities are dealt into as many groups as there are levels, men and women
equally; on list r, group g shows level (g + r) mod levels. So every identity stands in one level on
each list, and in each level over the lists: a Latin square.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from protocols.conditions import Level
from protocols.protocol import Protocol
from stimuli.corpora import Identity
from stimuli.deal import Feature, deal, even_rooms, is_even
from stimuli.errors import PlanError
from stimuli.seeds import generator_of
from stimuli.stimulus import Stimulus

TRIES = 10  # fresh deals, of which the most even one is kept
MUST, JOINT, PERSON, SHOULD, MAY = 50, 10, 8, 5, 1  # weights of what is spread evenly


@dataclass(frozen=True)
class List:
    """One counterbalanced list: its number, from 1, and the main stimuli that it shows once."""

    number: int
    stimuli: tuple[Stimulus, ...]


def make_lists(
    protocol: Protocol, stimuli: Sequence[Stimulus], identities: Sequence[Identity]
) -> list[List]:
    """Every list of a design, in the order between x rotate x split.

    Raises:
        PlanError: the numbers do not work out; the message names the nearest that do.
    """
    main = [stimulus for stimulus in stimuli if stimulus.role == "main"]
    people = {person.id: person for person in identities}
    shown: list[list[Stimulus]] = []
    for between in _combinations(protocol, protocol.design.between):
        seen = [stimulus for stimulus in main if _has(stimulus, between)]
        for rotated in _rotations(protocol, seen, identities):
            shown += _split(protocol, rotated, people, len(shown))
    return [List(number, tuple(items)) for number, items in enumerate(shown, 1)]


def _combinations(protocol: Protocol, factors: Sequence[str]) -> list[dict[str, Level]]:
    levels = [protocol.stimuli.factors[factor] for factor in factors]
    return [dict(zip(factors, combo, strict=True)) for combo in itertools.product(*levels)]


def _has(stimulus: Stimulus, levels: Mapping[str, Level]) -> bool:
    return all(stimulus.levels[factor] == level for factor, level in levels.items())


def _rotations(
    protocol: Protocol, stimuli: list[Stimulus], identities: Sequence[Identity]
) -> list[list[Stimulus]]:
    factors = protocol.design.rotate
    if not factors:
        return [stimuli]
    combos = _combinations(protocol, factors)
    main = identities[: protocol.stimuli.identities.count]
    _refuse_uneven(len(main), len(identities), len(combos), factors)
    group = _groups(main, len(combos), generator_of(protocol.seed, "rotate"))
    return [
        [s for s in stimuli if _has(s, combos[(group[s.identity] + r) % len(combos)])]
        for r in range(len(combos))
    ]


def _groups(people: Sequence[Identity], groups: int, rng: np.random.Generator) -> dict[str, int]:
    """Identity -> group: gender first, then origin and age spread evenly over equal groups."""
    by_age = sorted(range(len(people)), key=lambda i: people[i].age or 0)
    third = {i: 3 * rank // len(people) for rank, i in enumerate(by_age)}
    known = any(person.age is not None for person in people)
    features = [
        Feature([person.gender for person in people], MUST),
        Feature([person.origin for person in people], MAY),
        Feature([third[i] if known else 0 for i in range(len(people))], MAY),
    ]
    place = deal(features, even_rooms(len(people), groups), rng)
    return {person.id: int(where) for person, where in zip(people, place, strict=True)}


def _refuse_uneven(wanted: int, corpus: int, levels: int, factors: Sequence[str]) -> None:
    """Refuse a number of identities that the levels cannot share equally."""
    if wanted % levels:
        below = wanted - wanted % levels
        possible = [n for n in (below, below + levels) if 0 < n <= corpus]
        advice = (
            f"use {' or '.join(map(str, possible))} identities" if possible else "use fewer levels"
        )
        raise PlanError(
            f"design.rotate: {wanted} identities cannot be shared equally by {levels} levels of "
            f"{' x '.join(factors)}; {advice}"
        )


def _split(
    protocol: Protocol, stimuli: list[Stimulus], people: Mapping[str, Identity], number: int
) -> list[list[Stimulus]]:
    """Items dealt into equal lists: `balance` exactly, all else as evenly as can be."""
    split = protocol.design.split
    if split is None:
        return [stimuli]
    _refuse_unequal(stimuli, split.into, split.balance)
    features = spread(protocol, stimuli, people, split.balance)
    rooms = even_rooms(len(stimuli), split.into)
    best, most = None, -1
    for attempt in range(TRIES):
        place = deal(features, rooms, generator_of(protocol.seed, f"split {number}, {attempt}"))
        even = [is_even(feature.values, place, rooms) for feature in features]
        if all(even[: len(split.balance)]) and sum(even) > most:
            best, most = place, sum(even)
        if all(even):
            break
    if best is not None:
        return [[s for s, where in zip(stimuli, best, strict=True) if where == i]
                for i in range(split.into)]  # fmt: skip
    raise PlanError(
        f"design.split: no deal into {split.into} lists was found in which the levels of "
        f"{' and '.join(split.balance)} all stand equally often; balance fewer factors, or change "
        "into"
    )


def spread(
    protocol: Protocol,
    stimuli: Sequence[Stimulus],
    people: Mapping[str, Identity],
    balance: Sequence[str] = (),
) -> list[Feature]:
    """What a deal of stimuli spreads evenly: `balance` first of all, then the rest."""
    others = [factor for factor in protocol.factors if factor not in balance]
    joint = [tuple(s.levels[factor] for factor in balance) for s in stimuli]
    return [
        *(Feature([s.levels[factor] for s in stimuli], MUST) for factor in balance),
        Feature(joint, JOINT if len(balance) > 1 else 0),
        *(Feature([s.levels[factor] for s in stimuli], SHOULD) for factor in others),
        Feature([tuple(s.levels.values()) for s in stimuli], SHOULD),
        Feature([s.identity for s in stimuli], PERSON),
        Feature([people[s.identity].gender for s in stimuli], MAY),
    ]


def _refuse_unequal(stimuli: Sequence[Stimulus], into: int, balance: Sequence[str]) -> None:
    """Refuse a split whose lists cannot all be equally long, with balanced levels equally often."""
    counts = {f"{len(stimuli)} stimuli": len(stimuli)}
    for factor in balance:
        for level, count in Counter(s.levels[factor] for s in stimuli).items():
            counts[f"{count} stimuli of {factor} {level}"] = count
    wrong = next((words for words, count in counts.items() if count % into), None)
    if wrong is None:
        return
    common = math.gcd(*counts.values())
    divisors = [d for d in range(2, common + 1) if common % d == 0]
    below, above = [d for d in divisors if d < into], [d for d in divisors if d > into]
    near = " or ".join(map(str, [*below[-1:], *above[:1]]))
    advice = [f"use {near}"] if near else []
    if balance:
        advice.append("balance fewer factors (the others are spread as evenly as can be)")
    raise PlanError(
        f"design.split.into: {wrong} cannot be dealt equally into {into} lists; "
        f"{', or '.join(advice) or 'use another number of identities'}"
    )
