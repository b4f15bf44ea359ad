"""Orders keep their rules, exist wherever they can, and favour nothing."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from stimuli.errors import PlanError
from stimuli.order import Rule, draw_order, keeps, williams
from tests.designs import longest_run, shortest_distance

counts_of_groups = st.lists(st.integers(1, 4), min_size=1, max_size=4).filter(lambda c: sum(c) <= 7)


def rule(counts, **what) -> Rule:
    """A rule over sum(counts) items: counts[0] of group 0, counts[1] of group 1, …"""
    groups = tuple(group for group, count in enumerate(counts) for _ in range(count))
    return Rule("rule", groups, tuple(f"group {g}" for g in range(len(counts))), **what)


def kept(order, one: Rule) -> bool:
    """Whether an order keeps a rule, counted in another way than `Rule.allows` does."""
    values = [one.groups[item] for item in order]
    if one.max_run is not None:
        return longest_run(values) <= one.max_run
    return shortest_distance(values) >= one.min_distance


def possible(one: Rule) -> bool:
    """Whether any order keeps the rule: all of them are tried."""
    sequences = set(itertools.permutations(one.groups))
    if one.max_run is not None:
        return any(longest_run(s) <= one.max_run for s in sequences)
    return any(shortest_distance(s) >= one.min_distance for s in sequences)


def refused(one: Rule) -> str:
    """The refusal's words, or nothing."""
    try:
        one.refuse_impossible(range(len(one.groups)), "list 1")
    except PlanError as error:
        return str(error)
    return ""


@settings(deadline=None, max_examples=60)
@given(counts_of_groups, st.integers(1, 6), st.sampled_from(["max_run", "min_distance"]))
def test_a_rule_is_refused_exactly_if_no_order_at_all_keeps_it(counts, value, kind):
    one = rule(counts, **{kind: value})
    words = refused(one)
    assert bool(words) == (not possible(one))
    if words:
        nearest = int(words.split("use ")[1].split()[0])
        assert possible(rule(counts, **{kind: nearest})), words
        closer = nearest + (1 if kind == "min_distance" else -1)
        assert not possible(rule(counts, **{kind: closer})), words


@settings(deadline=None, max_examples=60)
@given(counts_of_groups, st.integers(1, 6), st.sampled_from(["max_run", "min_distance"]))
def test_an_order_is_found_wherever_one_exists(counts, value, kind):
    one = rule(counts, **{kind: value})
    if possible(one):
        n = len(one.groups)
        order = draw_order([range(n)], [one], np.random.default_rng(value), "list 1")
        assert sorted(order) == list(range(n))
        assert kept(order, one)


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 8), st.integers(2, 3), st.integers(2, 5), st.integers(0, 2**32), st.data())
def test_many_rules_hold_together_and_across_blocks(people, emotions, strengths, seed, data):
    """Every identity in every cell, blocked by strength; rules on identity and emotion."""
    cells = list(itertools.product(range(strengths), range(people), range(emotions)))
    distance = data.draw(st.integers(1, max(1, people // 2)))
    run = data.draw(st.integers(2, 4))
    rules = [
        Rule("identity", tuple(c[1] for c in cells), ("x",) * people, min_distance=distance),
        Rule("emotion", tuple(c[2] for c in cells), ("x",) * emotions, max_run=run),
    ]
    blocks = [[i for i, c in enumerate(cells) if c[0] == s] for s in range(strengths)]
    order = draw_order(blocks, rules, np.random.default_rng(seed), "list 1")
    assert shortest_distance([cells[i][1] for i in order]) >= distance
    assert longest_run([cells[i][2] for i in order]) <= run
    size = people * emotions
    for block, start in zip(blocks, range(0, len(cells), size), strict=True):
        assert sorted(order[start : start + size]) == block


@pytest.mark.parametrize("people", [6, 12, 24])
def test_the_tightest_distance_that_exists_is_found(people):
    """Five showings of each identity, all identities before anyone comes again."""
    one = rule([5] * people, min_distance=people)
    order = draw_order([range(5 * people)], [one], np.random.default_rng(1), "list 1")
    assert kept(order, one)
    with pytest.raises(PlanError, match=f"use {people} at most"):
        rule([5] * people, min_distance=people + 1).refuse_impossible(range(5 * people), "list 1")


@given(st.permutations(list(range(6))), st.integers(1, 4))
def test_a_broken_rule_is_found_out(order, value):
    for one in (rule([3, 2, 1], max_run=value), rule([3, 2, 1], min_distance=value)):
        assert (keeps(order, [one]) is None) == kept(order, one)


def test_without_rules_every_item_stands_equally_often_at_each_place():
    rng, n, draws = np.random.default_rng(5), 6, 3000
    table = np.zeros((n, n))
    for _ in range(draws):
        for place, item in enumerate(draw_order([range(n)], [], rng, "list 1")):
            table[place, item] += 1
    assert stats.chisquare(table.ravel(), ddof=2 * (n - 1)).pvalue > 0.001


def test_rules_leave_levels_equally_often_in_each_quarter():
    """A rule may not push a level to the beginning or the end of the session."""
    rng, counts, draws = np.random.default_rng(6), [12, 12, 12], 1000
    one = rule(counts, max_run=2)
    first = Counter()
    for _ in range(draws):
        order = draw_order([range(36)], [one], rng, "list 1")
        first.update(one.groups[item] for item in order[:9])
    observed = [first[group] for group in range(3)]
    assert stats.chisquare(observed).pvalue > 0.001, observed


@pytest.mark.parametrize("n", range(1, 10))
def test_williams_rows_balance_places_and_neighbours(n):
    rows = williams(n)
    assert len(rows) == (n if n % 2 == 0 else 2 * n)
    at_place = Counter((place, item) for row in rows for place, item in enumerate(row))
    after = Counter(pair for row in rows for pair in itertools.pairwise(row))
    assert set(at_place.values()) == {len(rows) // n}
    assert set(at_place) == set(itertools.product(range(n), repeat=2))
    if n > 1:
        assert set(after) == set(itertools.permutations(range(n), 2))
        assert len(set(after.values())) == 1
