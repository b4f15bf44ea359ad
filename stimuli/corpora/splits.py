"""Train, validation and test parts that share no actor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from protocols.clips import SPLITS
from protocols.errors import UserError

SHARES = (0.8, 0.1, 0.1)  # of the actors, in the order of SPLITS


def split_by_actor(clips: pd.DataFrame, seed: int, shares: Sequence[float] = SHARES) -> pd.Series:
    """The part of each clip: every clip of an actor is in the same one.

    Actors are drawn by the seed; the genders come in turn, in the proportion of the corpus, so that
    each part has it to within one actor. The order of the clips does not matter.

    Args:
        clips: with the columns `actor` and `gender`.
        seed: of the draw.
        shares: of the actors in train, validation and test; they sum to 1.

    Returns:
        Words of SPLITS with the index of `clips`; missing where there is no actor.

    Raises:
        UserError: shares that cannot be, or fewer actors than parts.
    """
    if len(shares) != len(SPLITS) or min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise UserError(
            f"shares: found {list(shares)}; accepted: {len(SPLITS)} numbers for "
            f"{', '.join(SPLITS)} that sum to 1"
        )
    people = clips[["actor", "gender"]].dropna(subset="actor").drop_duplicates("actor")
    wanted = sum(share > 0 for share in shares)
    if len(people) < wanted:
        raise UserError(
            f"{len(people)} actors are named; {wanted} parts without a common actor need {wanted}"
        )
    order = _in_turn(people, np.random.default_rng(seed))
    part = np.repeat(SPLITS, _counts(len(order), shares))
    return clips["actor"].map(dict(zip(order, part, strict=True))).astype("string")


def read_shares(words: str) -> tuple[float, ...]:
    """Shares from per cent, as "80,10,10": train, validation, test.

    Raises:
        UserError: other than a number for each part that sum to 100.
    """
    try:
        per_cent = [float(word) for word in words.split(",")]
    except ValueError:
        per_cent = []
    if len(per_cent) != len(SPLITS) or min(per_cent) < 0 or abs(sum(per_cent) - 100) > 1e-9:
        raise UserError(
            f"--split: found '{words}'; accepted: per cent of the actors for {', '.join(SPLITS)} "
            "that sum to 100, such as 80,10,10"
        )
    return tuple(share / 100 for share in per_cent)


def _in_turn(people: pd.DataFrame, rng: np.random.Generator) -> list[str]:
    """The actors in random order, genders spread evenly over it."""
    places = []
    for gender, group in sorted(people.groupby(people.gender.fillna("")), key=lambda g: str(g[0])):
        names = sorted(group.actor.astype(str))
        rng.shuffle(names)
        places += [((i + 0.5) / len(names), str(gender), name) for i, name in enumerate(names)]
    return [name for _, _, name in sorted(places)]


def _counts(n: int, shares: Sequence[float]) -> list[int]:
    """Actors of each part: largest remainders, but one at least where there is a share."""
    exact = np.asarray(shares) * n
    counts = np.floor(exact + 1e-9).astype(int)
    for i in np.argsort(-(exact - counts), kind="stable")[: n - counts.sum()]:
        counts[i] += 1
    for i, share in enumerate(shares):
        if share > 0 and counts[i] == 0:
            counts[counts.argmax()] -= 1
            counts[i] = 1
    return counts.tolist()
