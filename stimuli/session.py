"""What one list shows in a session: main stimuli and repeats, in blocks, under the design's rules.

An *item* is one showing of a stimulus; items are numbered 0…n-1, main stimuli first. A stimulus
that comes twice is two items, and whichever of them comes first in an order is the first showing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from protocols.protocol import IDENTITY, Protocol
from stimuli.counterbalance import List
from stimuli.deal import Feature, deal, even_rooms
from stimuli.errors import PlanError
from stimuli.order import Rule, draw_order, keeps, williams
from stimuli.seeds import generator_of
from stimuli.stimulus import Stimulus


@dataclass(frozen=True)
class Session:
    """What every slot of one list shows.

    Attributes:
        shown: the list.
        items: main stimuli, then those that come again.
        rules: what every order must keep.
    """

    protocol: Protocol
    shown: List
    items: tuple[Stimulus, ...]
    rules: tuple[Rule, ...] = field(repr=False)

    @property
    def name(self) -> str:
        """The list, in words."""
        return f"list {self.shown.number}"

    def order(self, slot: int, turn: int) -> list[list[int]]:
        """The items of one slot in order, block by block.

        Args:
            slot: its number; orders of two slots share no random number.
            turn: how many earlier slots have the same list; decides the order of blocks.

        Raises:
            PlanError: no order keeps the rules.
        """
        order = self.protocol.design.order
        rng = generator_of(self.protocol.seed, f"slot {slot}")
        blocks = _ordered(self, blocks_of(self.protocol, self.shown, self.items), turn, rng)
        if order.method == "as-listed":
            together = [item for block in blocks for item in block]
            self._refuse_broken(together)
        else:
            together = draw_order(blocks, self.rules, rng, self.name)
        sizes = [len(block) for block in blocks]
        if order.blocks and order.blocks.count and order.blocks.order is None:
            sizes = [
                len(part) for part in np.array_split(np.arange(len(together)), order.blocks.count)
            ]
        ends = np.cumsum(sizes).tolist()
        return [together[end - size : end] for end, size in zip(ends, sizes, strict=True)]

    def fits(self, order: Sequence[int], at: int, item: int) -> bool:
        """Whether one more showing of `item` at place `at` of an order keeps every rule."""
        return all(rule.allows(order, at, item) for rule in self.rules)

    def _refuse_broken(self, together: Sequence[int]) -> None:
        broken = keeps(together, self.rules)
        if broken is not None:
            found = broken.max_run or broken.min_distance
            raise PlanError(
                f"{broken.name}: found {found}; the order as listed breaks this on {self.name}; "
                "leave it out, or use design.order.method: random"
            )


def make_session(protocol: Protocol, one: List) -> Session:
    """The session of one list.

    Raises:
        PlanError: a rule cannot be kept; the message names the nearest that can.
    """
    items = (*one.stimuli, *_repeated(protocol, one))
    session = Session(protocol, one, items, tuple(_rules(protocol, items)))
    _refuse_impossible(session)
    return session


def blocks_of(protocol: Protocol, one: List, items: Sequence[Stimulus]) -> list[list[int]]:
    """Items by the level of the blocked factor, or in fixed parts; else one block."""
    blocks = protocol.design.order.blocks
    if blocks is None or blocks.order is None:
        return [list(range(len(items)))]
    if blocks.by is None:
        return _parts(protocol, one, items, blocks.count or 1)
    groups = [
        [i for i, stimulus in enumerate(items) if stimulus.levels[blocks.by] == level]
        for level in protocol.stimuli.factors[blocks.by]
    ]
    return [group for group in groups if group]  # a between factor shows one level only


def _parts(protocol: Protocol, one: List, items: Sequence[Stimulus], count: int) -> list[list[int]]:
    """Items in `count` parts of equal size, the same in every slot of a list.

    As listed, a repeat stands at the end of the part that shows its stimulus first.
    """
    if protocol.design.order.method == "as-listed":
        main = len(one.stimuli)
        parts = [part.tolist() for part in np.array_split(np.arange(main), min(count, main))]
        at = {items[i].id: part for part in parts for i in part}
        for item in range(main, len(items)):
            at[items[item].id].append(item)
        return parts
    features = [Feature([s.levels[name] for s in items]) for name in protocol.stimuli.factors]
    features += [Feature([s.identity for s in items]), Feature([s.id for s in items])]
    rng = generator_of(protocol.seed, f"blocks of list {one.number}")
    place = deal(features, even_rooms(len(items), min(count, len(items)), rng), rng)
    return [np.flatnonzero(place == part).tolist() for part in range(place.max() + 1)]


def _ordered(
    session: Session, blocks: list[list[int]], turn: int, rng: np.random.Generator
) -> list[list[int]]:
    """Blocks in the order of one slot; lists begin the Williams square at different rows."""
    settings = session.protocol.design.order.blocks
    if settings is None or settings.order in (None, "as-listed"):
        return blocks
    if settings.order == "random":
        return [blocks[i] for i in rng.permutation(len(blocks))]
    rows = williams(len(blocks))
    return [blocks[i] for i in rows[(turn + session.shown.number - 1) % len(rows)]]


def _repeated(protocol: Protocol, one: List) -> list[Stimulus]:
    """The stimuli of a list that come twice, the same in every slot."""
    repeats = protocol.design.repeats
    if repeats is None:
        return []
    rng = generator_of(protocol.seed, f"repeats of list {one.number}")
    again: list[int] = []
    for label, group in _pools(protocol, one, repeats.per).items():
        if repeats.count > len(group):
            raise PlanError(
                f"design.repeats.count: found {repeats.count}; list {one.number} shows "
                f"{len(group)} stimuli{label}; use {len(group)} at most"
            )
        early = _early_enough(protocol, one, group)
        again += [early[i] for i in rng.permutation(len(early))[: repeats.count]]
    return [one.stimuli[i] for i in sorted(again)]


def _pools(protocol: Protocol, one: List, per: str | None) -> dict[str, list[int]]:
    """Words -> places of the stimuli that repeats are drawn from: all, or those of each level."""
    pools: dict[str, list[int]] = {}
    for level in protocol.stimuli.factors[per] if per else [None]:
        label = f" of {per} {level}" if per else ""
        pool = [i for i, s in enumerate(one.stimuli) if not per or s.levels[per] == level]
        if pool:
            pools[label] = pool
    return pools


def _early_enough(protocol: Protocol, one: List, group: list[int]) -> list[int]:
    """Those of `group` that can come again; as listed, repeats stand at the end of their block."""
    repeats = protocol.design.repeats
    assert repeats is not None
    if protocol.design.order.method == "random":
        return group
    before_end: dict[int, int] = {}  # stimulus -> trials from it to the end of its block
    for block in blocks_of(protocol, one, one.stimuli):
        before_end |= {item: len(block) - place for place, item in enumerate(block)}
    early = [i for i in group if before_end[i] >= repeats.min_distance]
    if len(early) < repeats.count:
        possible = sorted((before_end[i] for i in group), reverse=True)[repeats.count - 1]
        raise PlanError(
            f"design.repeats.min_distance: found {repeats.min_distance}; as listed, repeats stand "
            f"at the end of their block, where {len(early)} of {repeats.count} stimuli of list "
            f"{one.number} lie so far back; use {possible} at most"
        )
    return early


def _rules(protocol: Protocol, items: Sequence[Stimulus]) -> list[Rule]:
    order, repeats = protocol.design.order, protocol.design.repeats
    rules = []
    for factor, run in order.max_run.items():
        groups, labels = _grouped(items, factor)
        rules.append(Rule(f"design.order.max_run.{factor}", groups, labels, max_run=run))
    for factor, distance in order.min_distance.items():
        groups, labels = _grouped(items, factor)
        name = f"design.order.min_distance.{factor}"
        rules.append(Rule(name, groups, labels, min_distance=distance))
    if repeats is not None:
        known = {stimulus.id: i for i, stimulus in enumerate(items)}
        groups = tuple(known[stimulus.id] for stimulus in items)
        labels = tuple(f"stimulus {stimulus.id}" for stimulus in items)
        name = "design.repeats.min_distance"
        rules.append(Rule(name, groups, labels, min_distance=repeats.min_distance))
    return rules


def _grouped(items: Sequence[Stimulus], factor: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Group of each item by its level of `factor` (or its identity), and words for each group."""
    levels = [s.identity if factor == IDENTITY else s.levels[factor] for s in items]
    known = {level: i for i, level in enumerate(dict.fromkeys(levels))}
    return tuple(known[level] for level in levels), tuple(f"{factor} {level}" for level in known)


def _refuse_impossible(session: Session) -> None:
    """Refuse what no order can keep: each rule alone, in each block and in the whole session."""
    settings = session.protocol.design.order.blocks
    if settings and settings.count and settings.count > len(session.items):
        raise PlanError(
            f"design.order.blocks.count: found {settings.count}; {session.name} shows "
            f"{len(session.items)} trials; use {len(session.items)} at most"
        )
    blocks = blocks_of(session.protocol, session.shown, session.items)
    for rule in session.rules:
        for block in blocks if len(blocks) > 1 else []:
            rule.refuse_impossible(block, f"{session.name}, in one block,")
        rule.refuse_impossible(range(len(session.items)), session.name)
