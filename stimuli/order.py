"""Orders of trials: random under rules, block by block.

Items are numbers 0…n-1; a *rule* puts each item in a group (its emotion, its identity) and says how
many of a group may follow each other (`max_run`) or how far apart two of a group must lie at least
(`min_distance`, 2 means never in a row). An order is built trial by trial from shuffled items; an
item that breaks a rule at the end is put between earlier ones, or changes places with one of them;
a dead end starts anew, and takes items of crowded groups earlier.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stimuli.errors import PlanError

TRIES = 60  # fresh starts before an order is given up
CARELESS_TRIES = 8  # of these, how many do not look ahead
EXCHANGES = 40  # earlier items that one item that fits nowhere may push out


@dataclass(frozen=True)
class Rule:
    """One rule over all items; `name` is its place in the protocol, for messages."""

    name: str
    groups: tuple[int, ...]  # group of each item
    labels: tuple[str, ...]  # words for each group
    max_run: int | None = None
    min_distance: int | None = None

    def allows(self, order: Sequence[int], at: int, item: int, skip: int = 0) -> bool:
        """Whether `item` may stand in `order` at place `at`, in place of `skip` items there."""
        groups, mine = self.groups, self.groups[item]
        if self.min_distance is not None:
            reach = self.min_distance - 1
            near = (*order[max(0, at - reach) : at], *order[at + skip : at + skip + reach])
            return all(groups[other] != mine for other in near)
        assert self.max_run is not None
        run, place = 1, at - 1
        while place >= 0 and groups[order[place]] == mine:
            run, place = run + 1, place - 1
        place = at + skip
        while place < len(order) and groups[order[place]] == mine:
            run, place = run + 1, place + 1
        return run <= self.max_run

    def refuse_impossible(self, items: Sequence[int], where: str) -> None:
        """Refuse a sequence of `items` that no order could bring to keep this rule alone."""
        count = Counter(self.groups[item] for item in items)
        if not count:
            return
        group, most = count.most_common(1)[0]
        n, label = len(items), self.labels[group]
        if self.max_run is not None and most > self.max_run * (n - most + 1):
            raise PlanError(
                f"{self.name}: found {self.max_run}; {where} shows {label} in {most} of {n} "
                f"trials; use {-(-most // (n - most + 1))} or more"
            )
        if self.min_distance is not None and most > 1:
            equal = sum(c == most for c in count.values())  # each of them ends the sequence once
            if (most - 1) * self.min_distance + equal > n:
                raise PlanError(
                    f"{self.name}: found {self.min_distance}; {where} shows {label} {most} times "
                    f"in {n} trials; use {(n - equal) // (most - 1)} at most"
                )


def keeps(order: Sequence[int], rules: Sequence[Rule]) -> Rule | None:
    """The first rule that `order` breaks, or None."""
    for rule in rules:
        if not all(rule.allows(order[:at], at, item) for at, item in enumerate(order)):
            return rule
    return None


def williams(n: int) -> list[list[int]]:
    """Rows of a Williams design for `n` treatments (Williams, 1949).

    n rows for even n, 2n for odd n: each treatment stands equally often at each place, and follows
    each other treatment equally often.
    """
    first = [(i + 1) // 2 if i % 2 else (n - i // 2) % n for i in range(n)]
    rows = [[(step + row) % n for step in first] for row in range(n)]
    return rows if n % 2 == 0 else rows + [row[::-1] for row in rows]


def draw_order(
    blocks: Sequence[Sequence[int]], rules: Sequence[Rule], rng: np.random.Generator, where: str
) -> list[int]:
    """All items of all blocks, block after block, in a random order that keeps every rule.

    Rules hold across the borders of blocks too.

    Raises:
        PlanError: no such order was found.
    """
    for attempt in range(TRIES):
        care = 0.0 if attempt < CARELESS_TRIES else min(1.0, attempt / (TRIES / 2))
        order: list[int] = []
        if all(_append(order, block, rules, rng, care) for block in blocks):
            return order
    said = ", ".join(
        f"{rule.name} {rule.max_run if rule.min_distance is None else rule.min_distance}"
        for rule in rules
    )
    raise PlanError(
        f"design.order: no order of {where} was found that keeps all of its rules together ({said})"
        "; allow longer runs or shorter distances"
    )


def _append(
    order: list[int],
    block: Sequence[int],
    rules: Sequence[Rule],
    rng: np.random.Generator,
    care: float,
) -> bool:
    """Put a block's items behind `order`, in random order; False at a dead end."""
    start = len(order)
    left = [block[i] for i in rng.permutation(len(block))]
    while left:
        if care and rng.random() < care:
            _crowded_first(left, rules)
        at = len(order)
        k = next((k for k, item in enumerate(left) if _fits(order, at, item, rules)), None)
        if k is not None:
            order.append(left.pop(k))
        elif not any(_squeeze(order, start, left, k, rules, rng) for k in range(len(left))):
            return False
    return True


def _fits(order: Sequence[int], at: int, item: int, rules: Sequence[Rule], skip: int = 0) -> bool:
    return all(rule.allows(order, at, item, skip) for rule in rules)


def _squeeze(
    order: list[int],
    start: int,
    left: list[int],
    k: int,
    rules: Sequence[Rule],
    rng: np.random.Generator,
) -> bool:
    """Put item k of `left` between earlier ones of its block, or exchange it for one of them."""
    item = left[k]
    gaps = start + rng.permutation(len(order) - start)
    for at in gaps:
        if _fits(order, at, item, rules):
            order.insert(at, left.pop(k))
            return True
    for at in gaps[:EXCHANGES]:
        pushed = order[at]
        if not _fits(order, at, item, rules, skip=1):
            continue
        order[at] = item
        for place in (len(order), *gaps):
            if _fits(order, place, pushed, rules):
                order.insert(place, pushed)
                left.pop(k)
                return True
        order[at] = pushed
    return False


def _crowded_first(left: list[int], rules: Sequence[Rule]) -> None:
    """Bring items of groups with much left to the front; equally crowded ones stay as they are."""
    n = len(left)
    pressure = [0.0] * n
    for rule in rules:
        count = Counter(rule.groups[item] for item in left)
        for k, item in enumerate(left):
            many = count[rule.groups[item]]
            if rule.min_distance is not None:
                need = (many - 1) * rule.min_distance + 1
            else:
                need = many / (rule.max_run or 1)
            pressure[k] = max(pressure[k], need / n)
    left[:] = [left[k] for k in sorted(range(n), key=lambda k: -pressure[k])]
