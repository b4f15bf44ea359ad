"""Dealing items to places so that what they have in common is spread evenly.

Items are stimuli, cells or identities; places are lists, blocks or identities. A *feature* is a
property of the items (emotion, gender, ...). With n_pv items of value v in place p, and the fair
share e_pv = (items with v) x (room of p) / (all items), a deal keeps

    cost = sum over features of weight x sum over p, v of (n_pv - e_pv)^2

small: items are dealt one by one to the place where they cost least, then swapped while that helps.
The cost has a lower bound, reached when every n_pv is its share rounded down or up; the search ends
there or when its effort is spent.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

PATIENCE = 12  # times that every item is offered for a swap
SLIP = 0.3  # probability of a swap that changes nothing: a way off plateaus
MOST_OFFERS = 20_000
TINY = 1e-9


@dataclass(frozen=True)
class Feature:
    """A property to spread evenly: one value for each item."""

    values: Sequence[Hashable]
    weight: float = 1.0


def deal(features: Sequence[Feature], rooms: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """The place (0…P-1) of each of n items.

    Args:
        features: properties to spread evenly, each with n values.
        rooms: number of items that each of the P places takes; they add up to n.
        rng: breaks ties.
    """
    table = _Table(features, rooms)
    _deal_out(table, rng)
    _swap(table, rng)
    return table.place


def even_rooms(items: int, places: int, rng: np.random.Generator | None = None) -> list[int]:
    """`items` shared by `places`, differing by one at most; `rng` draws who gets one more."""
    rooms = np.full(places, items // places)
    more = items % places
    rooms[np.arange(more) if rng is None else rng.permutation(places)[:more]] += 1
    return rooms.tolist()


def is_even(values: Sequence[Hashable], place: np.ndarray, rooms: Sequence[int]) -> bool:
    """Whether every value stands in every place as often as its share, rounded down or up."""
    codes, kinds = _codes(values)
    counts = np.zeros((len(rooms), kinds))
    np.add.at(counts, (place, codes), 1)
    shares = np.outer(rooms, np.bincount(codes, minlength=kinds)) / len(codes)
    return bool((np.abs(counts - shares) < 1 - TINY).all())


class _Table:
    """Counts n_pv minus shares e_pv of every feature, kept up to date while items move."""

    def __init__(self, features: Sequence[Feature], rooms: Sequence[int]) -> None:
        self.rooms = np.array(rooms)
        self.n = int(self.rooms.sum())
        self.weights = [feature.weight for feature in features]
        coded = [_codes(feature.values) for feature in features]
        self.codes = [codes for codes, _ in coded]
        totals = [np.bincount(codes, minlength=kinds) for codes, kinds in coded]
        shares = [np.outer(self.rooms, total) / max(self.n, 1) for total in totals]
        self.bound = sum(
            weight * _least(share, total)
            for weight, share, total in zip(self.weights, shares, totals, strict=True)
        )
        self.excess = [-share for share in shares]  # (P, V) each: n_pv - e_pv
        self.place = np.full(self.n, -1)

    def put(self, item: int, place: int) -> None:
        self.place[item] = place
        for codes, excess in zip(self.codes, self.excess, strict=True):
            excess[place, codes[item]] += 1

    def take(self, item: int) -> None:
        for codes, excess in zip(self.codes, self.excess, strict=True):
            excess[self.place[item], codes[item]] -= 1

    def cost(self) -> float:
        pairs = zip(self.weights, self.excess, strict=True)
        return float(sum(weight * (excess**2).sum() for weight, excess in pairs))

    def costs_of_putting(self, item: int) -> np.ndarray:
        """What each place (P,) would cost more if it took `item`."""
        costs = np.zeros(len(self.rooms))
        for weight, codes, excess in zip(self.weights, self.codes, self.excess, strict=True):
            costs += weight * (2 * excess[:, codes[item]] + 1)
        return costs

    def costs_of_swapping(self, item: int) -> np.ndarray:
        """What each item (n,) would cost more if it changed places with `item`."""
        costs, here, there = np.zeros(self.n), self.place[item], self.place
        for weight, codes, excess in zip(self.weights, self.codes, self.excess, strict=True):
            mine = codes[item]
            change = excess[here, codes] - excess[here, mine]
            change += excess[there, mine] - excess[there, codes]
            costs += weight * np.where(codes == mine, 0, 2 * change + 4)
        costs[there == here] = np.inf
        return costs


def _codes(values: Sequence[Hashable]) -> tuple[np.ndarray, int]:
    known = {value: i for i, value in enumerate(dict.fromkeys(values))}
    return np.array([known[value] for value in values], dtype=int), len(known)


def _least(shares: np.ndarray, totals: np.ndarray) -> float:
    """The least sum of squared differences between whole counts and `shares` (P, V)."""
    rest = np.sort(shares - np.floor(shares + TINY), axis=0)[::-1]  # (P, V), largest first
    more = totals - np.floor(shares + TINY).sum(axis=0)  # (V,) places that round up
    up = np.arange(len(rest))[:, None] < more[None, :] - TINY
    return float((np.where(up, 1 - rest, rest) ** 2).sum())


def _deal_out(table: _Table, rng: np.random.Generator) -> None:
    """Items one by one, alike ones in a row, each to the place where it costs least."""
    shuffled = rng.permutation(table.n)
    keys = [codes[shuffled] for codes in reversed(table.codes)]
    order = shuffled[np.lexsort(keys)] if keys else shuffled
    room = table.rooms.copy()
    for item in order:
        costs = np.where(room > 0, table.costs_of_putting(item), np.inf)
        place = int(rng.choice(np.flatnonzero(costs <= costs.min() + TINY)))
        table.put(item, place)
        room[place] -= 1


def _swap(table: _Table, rng: np.random.Generator) -> None:
    """Swaps that lower the cost, or now and then keep it, until it is as low as can be."""
    offers, cost = 0, table.cost()
    for _ in range(PATIENCE):
        for item in rng.permutation(table.n):
            if cost <= table.bound + TINY or offers >= MOST_OFFERS:
                return
            offers += 1
            costs = table.costs_of_swapping(item)
            least = costs.min()
            if least < -TINY or (least < TINY and rng.random() < SLIP):
                other = int(rng.choice(np.flatnonzero(costs <= least + TINY)))
                here, there = int(table.place[item]), int(table.place[other])
                table.take(item)
                table.take(other)
                table.put(item, there)
                table.put(other, here)
                cost += float(least)
