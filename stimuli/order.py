"""Orders of trials: random under constraints, with repeats spaced apart, in blocks.

An order is built trial by trial: at every position one of the items that break no rule is drawn,
those of levels with much left more likely than others; a dead end starts anew. Blocks follow
Williams squares: each block comes equally often at each place and after each other block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from protocols.design import Order
from stimuli.stimulus import PlanError, Stimulus

TRIES = 300  # fresh starts before an order is given up
FIRST_BOOST = 3.0  # how much likelier an item is that must be shown again later


@dataclass(frozen=True)
class Showing:
    """One showing of a stimulus. `again`: it is the second one of a repeat."""

    stimulus: Stimulus
    again: bool = False


def williams(n: int) -> list[list[int]]:
    """Rows of a Williams design for `n` treatments (Williams, 1949).

    n rows for even n, 2n for odd n: each treatment stands equally often at each place, and follows
    each other treatment equally often.
    """
    first = [(i + 1) // 2 if i % 2 else (n - i // 2) % n for i in range(n)]
    rows = [[(step + row) % n for step in first] for row in range(n)]
    return rows if n % 2 == 0 else rows + [row[::-1] for row in rows]


def check_feasible(items: Sequence[Showing], order: Order, where: str) -> None:
    """Refuse rules that no order can keep, naming the nearest number that works.

    Raises:
        PlanError: a level is too frequent for its rule.
    """
    n = len(items)
    for factor, distance in order.min_distance.items():
        level, most = _most_frequent(items, factor)
        if (most - 1) * distance + 1 > n:
            possible = (n - 1) // (most - 1)
            raise PlanError(
                f"design.order.min_distance: {where} shows {factor} {level} {most} times in {n} "
                f"trials, so {distance} from one to the next are impossible; use {possible} at most"
            )
    if order.blocks and order.blocks.by:
        return  # within a block one level follows itself on purpose
    for factor, run in order.max_run.items():
        level, most = _most_frequent(items, factor)
        if most > run * (n - most + 1):
            possible = -(-most // (n - most + 1))
            raise PlanError(
                f"design.order.max_run: {where} shows {factor} {level} {most} times in {n} trials, "
                f"so runs of at most {run} are impossible; use {possible} or more"
            )


def _most_frequent(items: Sequence[Showing], factor: str) -> tuple[object, int]:
    return Counter(_level(item.stimulus, factor) for item in items).most_common(1)[0]


def _level(stimulus: Stimulus, factor: str) -> object:
    return stimulus.identity if factor == "identity" else stimulus.levels[factor]


def draw(
    blocks: Sequence[Sequence[Showing]],
    order: Order,
    repeat_distance: int,
    rng: np.random.Generator,
    where: str,
) -> list[list[Showing]]:
    """The same showings, block by block, in an order that keeps every rule across blocks too.

    Raises:
        PlanError: no such order was found.
    """
    for attempt in range(TRIES):
        path = _Path(blocks, order, repeat_distance, pressure=1 + attempt / 10)
        drawn = path.walk(rng)
        if drawn is not None:
            return drawn
    rules = [f"max_run {dict(order.max_run)}", f"min_distance {dict(order.min_distance)}"]
    raise PlanError(
        f"design.order: no order of {where} was found that keeps all of {', '.join(rules)} and the "
        f"distance of repeats ({repeat_distance}) in {TRIES} tries; loosen one of them"
    )


class _Path:
    """One walk through all showings, item after item."""

    def __init__(
        self,
        blocks: Sequence[Sequence[Showing]],
        order: Order,
        repeat_distance: int,
        pressure: float,
    ) -> None:
        self.blocks, self.order, self.pressure = blocks, order, pressure
        self.repeat_distance = repeat_distance
        self.items = [item for block in blocks for item in block]
        factors = list(dict.fromkeys([*order.max_run, *order.min_distance]))
        self.codes = {f: _codes([_level(i.stimulus, f) for i in self.items]) for f in factors}
        place = {item.stimulus.id: i for i, item in enumerate(self.items) if not item.again}
        self.first_of = np.array(
            [place[item.stimulus.id] if item.again else -1 for item in self.items]
        )
        self.comes_again = np.zeros(len(self.items), bool)
        self.comes_again[self.first_of[self.first_of >= 0]] = True

    def walk(self, rng: np.random.Generator) -> list[list[Showing]] | None:
        """The blocks in order, or None at a dead end."""
        n = len(self.items)
        shown_at = np.full(n, -(10**6))
        last = {f: np.full(codes.max() + 1, -(10**6)) for f, codes in self.codes.items()}
        run: dict[str, tuple[int, int]] = dict.fromkeys(self.codes, (-1, 0))  # level, length
        position, start, drawn = 0, 0, []
        for block in self.blocks:
            open_ = np.zeros(n, bool)
            open_[start : start + len(block)] = True
            start += len(block)
            sequence = []
            for _ in block:
                allowed = open_ & self._allowed(position, shown_at, last, run)
                choices = np.flatnonzero(allowed)
                if not len(choices):
                    return None
                weights = self._weights(choices, open_)
                chosen = int(rng.choice(choices, p=weights / weights.sum()))
                open_[chosen] = False
                shown_at[chosen] = position
                for factor, codes in self.codes.items():
                    level = int(codes[chosen])
                    last[factor][level] = position
                    before, length = run[factor]
                    run[factor] = (level, length + 1 if level == before else 1)
                sequence.append(self.items[chosen])
                position += 1
            drawn.append(sequence)
        return drawn

    def _allowed(
        self,
        position: int,
        shown_at: np.ndarray,
        last: Mapping[str, np.ndarray],
        run: Mapping[str, tuple[int, int]],
    ) -> np.ndarray:
        allowed = np.ones(len(self.items), bool)
        for factor, most in self.order.max_run.items():
            level, length = run[factor]
            if length >= most:
                allowed &= self.codes[factor] != level
        for factor, distance in self.order.min_distance.items():
            allowed &= position - last[factor][self.codes[factor]] >= distance
        again = self.first_of >= 0
        seen = shown_at[self.first_of]
        allowed[again] &= ((seen >= 0) & (position - seen >= self.repeat_distance))[again]
        return allowed

    def _weights(self, choices: np.ndarray, open_: np.ndarray) -> np.ndarray:
        """Items whose levels have much left come sooner, so that the end stays possible."""
        weights = np.where(self.comes_again[choices], FIRST_BOOST, 1.0)
        for codes in self.codes.values():
            left = np.bincount(codes[open_], minlength=codes.max() + 1)
            weights = weights * left[codes[choices]] ** self.pressure
        return weights


def _codes(levels: Sequence[object]) -> np.ndarray:
    known = {level: i for i, level in enumerate(dict.fromkeys(levels))}
    return np.array([known[level] for level in levels], dtype=int)
