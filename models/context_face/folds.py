"""Folds of a cross validation: nobody is in two parts of one (section 4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

FEWEST = 3  # people: one to train on, one to validate, one to test


@dataclass(frozen=True)
class Fold:
    """People by number: who trains, who says when to stop, who is tested."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]


def draw_folds(gender: Mapping[int, str], k: int, rng: np.random.Generator) -> list[Fold]:
    """K folds of people whose gender is given; fewer where there are fewer people.

    Everybody is tested once. Genders are dealt one after the other, so that folds differ by at most
    one person of each, and by one person together. Who is tested next validates.

    Raises:
        ValueError: Fewer than 3 people or folds.
    """
    k = min(k, len(gender))
    if k < FEWEST:
        raise ValueError(f"{len(gender)} people in {k} folds; give at least {FEWEST} of each")
    dealt: list[int] = []
    for one in sorted(set(gender.values())):
        own = sorted(person for person, theirs in gender.items() if theirs == one)
        dealt += [int(person) for person in rng.permutation(own)]
    hands = [tuple(sorted(dealt[i::k])) for i in range(k)]
    folds = []
    for i, test in enumerate(hands):
        validation = hands[(i + 1) % k]
        rest = sorted(set(gender) - set(test) - set(validation))
        folds.append(Fold(tuple(rest), validation, test))
    return folds
