"""Lists: which stimuli a participant sees (between × rotate × split; see protocols.design)."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from protocols.conditions import Level
from protocols.protocol import Protocol
from stimuli.corpora import Identity
from stimuli.seeds import generator_of
from stimuli.stimulus import PlanError, Stimulus

TRIES, SWAPS = 20, 4000  # of the search for balanced splits


@dataclass(frozen=True)
class List:
    """One counterbalanced list: its number, from 1, and the main stimuli that it shows once."""

    number: int
    stimuli: tuple[Stimulus, ...]


def make_lists(
    protocol: Protocol, stimuli: Sequence[Stimulus], identities: Sequence[Identity]
) -> list[List]:
    """Every list of a design, in the order between × rotate × split.

    Raises:
        PlanError: the numbers do not work out; the message names the nearest that do.
    """
    main = [s for s in stimuli if s.role == "main"]
    shown: list[list[Stimulus]] = []
    for between in _combinations(protocol, protocol.design.between):
        seen = [s for s in main if _has(s, between)]
        for rotated in _rotations(protocol, seen, identities):
            shown += _split(protocol, rotated, len(shown))
    return [List(i, tuple(items)) for i, items in enumerate(shown, 1)]


def _combinations(protocol: Protocol, factors: Sequence[str]) -> list[dict[str, Level]]:
    levels = [protocol.stimuli.factors[factor] for factor in factors]
    return [dict(zip(factors, combo, strict=True)) for combo in itertools.product(*levels)]


def _has(stimulus: Stimulus, levels: Mapping[str, Level]) -> bool:
    return all(stimulus.levels[factor] == level for factor, level in levels.items())


def _rotations(
    protocol: Protocol, stimuli: list[Stimulus], identities: Sequence[Identity]
) -> list[list[Stimulus]]:
    """A Latin square of identities × levels: identity i has level (i + r) mod R in list r.

    Identities are taken gender by gender in a seeded order, so that within a list every level is
    shown by as many women as men (as nearly as their numbers allow).
    """
    factors = protocol.design.rotate
    if not factors:
        return [stimuli]
    combos = _combinations(protocol, factors)
    main = identities[: protocol.stimuli.identities.count]
    _refuse_uneven(len(main), len(combos), factors)
    rng = generator_of(protocol.seed, "rotate")
    ranked: list[str] = []
    for gender in sorted({str(person.gender) for person in main}):
        group = [person.id for person in main if str(person.gender) == gender]
        ranked += [group[i] for i in rng.permutation(len(group))]
    rank = {who: i for i, who in enumerate(ranked)}
    return [
        [s for s in stimuli if _has(s, combos[(rank[s.identity] + r) % len(combos)])]
        for r in range(len(combos))
    ]


def _refuse_uneven(identities: int, levels: int, factors: Sequence[str]) -> None:
    if identities % levels:
        below, above = identities - identities % levels, identities + levels - identities % levels
        nearest = f"{below} or {above}" if below else f"{above}"
        raise PlanError(
            f"design.rotate: {identities} identities cannot be shared equally by {levels} levels "
            f"of {' × '.join(factors)}; use {nearest} identities"
        )


def _split(protocol: Protocol, stimuli: list[Stimulus], number: int) -> list[list[Stimulus]]:
    """Items dealt into equal lists, with the levels of the balanced factors equally often."""
    split = protocol.design.split
    if split is None:
        return [stimuli]
    if len(stimuli) % split.into:
        below = len(stimuli) - len(stimuli) % split.into
        divisors = [d for d in range(2, len(stimuli) + 1) if len(stimuli) % d == 0]
        close = sorted(divisors, key=lambda d: abs(d - split.into))[:2]
        raise PlanError(
            f"design.split: {len(stimuli)} stimuli cannot be dealt equally into {split.into} "
            f"lists; use {below} or {below + split.into} stimuli, or into: "
            f"{' or '.join(map(str, sorted(close)))}"
        )
    rng = generator_of(protocol.seed, f"split {number}")
    codes = np.array(
        [[_code(s, factor) for factor in split.balance] for s in stimuli], dtype=object
    ).reshape(len(stimuli), len(split.balance))
    best, best_excess = None, None
    for _ in range(TRIES):
        lists = _deal_evenly(codes, split.into, rng)
        excess = _excess(codes, lists, split.into)
        if best_excess is None or excess < best_excess:
            best, best_excess = lists, excess
        if excess == 0:
            break
    assert best is not None
    if best_excess:
        raise PlanError(
            f"design.split: the levels of {' and '.join(split.balance)} cannot stand equally often "
            f"in each of {split.into} lists together; balance fewer factors or change into"
        )
    return [[s for s, where in zip(stimuli, best, strict=True) if where == i]
            for i in range(split.into)]  # fmt: skip


def _code(stimulus: Stimulus, factor: str) -> str:
    return str(stimulus.levels[factor])


def _deal_evenly(codes: np.ndarray, into: int, rng: np.random.Generator) -> np.ndarray:
    """List (0…into-1) of each item: dealt level by level, then improved by swaps."""
    n = len(codes)
    shuffled = rng.permutation(n)
    order = sorted(shuffled, key=lambda i: tuple(codes[i]))
    lists = np.empty(n, dtype=int)
    lists[order] = np.arange(n) % into
    excess = _excess(codes, lists, into)
    for _ in range(SWAPS):
        if not excess:
            break
        i, j = rng.integers(n, size=2)
        if lists[i] == lists[j]:
            continue
        lists[i], lists[j] = lists[j], lists[i]
        now = _excess(codes, lists, into)
        if now <= excess:
            excess = now
        else:
            lists[i], lists[j] = lists[j], lists[i]
    return lists


def _excess(codes: np.ndarray, lists: np.ndarray, into: int) -> int:
    """How far the counts of levels in lists lie beyond what rounding up or down asks for."""
    excess = 0
    for column in codes.T:
        total = Counter(column)
        count = Counter(zip(column, lists, strict=True))
        for level, all_of_it in total.items():
            low, high = all_of_it // into, -(-all_of_it // into)
            for where in range(into):
                there = count[level, where]
                excess += max(0, low - there, there - high)
    return excess
