"""Groups of actors side by side: how well their faces are read, and how they are drawn.

`named` and `exchanged` say what the expression network calls faces, `by_shape` what the places of
their landmarks alone tell (geometry.py), `rendering` how they are drawn (quality.py). Intervals are
Wilson's, at 95 %, and take pictures as independent; those of one actor are not, so the true
intervals of groups with few actors are wider.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from stimuli.actors.cast import Actor
from stimuli.faces import geometry
from stimuli.faces.expression import WORDS

if TYPE_CHECKING:  # `judge` starts this module
    from stimuli.faces.judge import Sight

Z95 = 1.959964
BANDS = ((20, 34), (35, 49), (50, 120))  # years
FACTORS: dict[str, Callable[[Actor], str]] = {
    "gender": lambda actor: actor.gender,
    "age": lambda actor: next(f"{a}-{b}" for a, b in BANDS if actor.age <= b),
    "origin": lambda actor: actor.origin.word,
    "skin": lambda actor: actor.skin,
}


def named(sights: Sequence[Sight], actors: Sequence[Actor]) -> pd.DataFrame:
    """Each group of actors at full strength: share named right, detector's score, error of eyes."""
    rows = []
    for labels, seen in _by_group(_shown(sights, 1.0), actors):
        right = sum(s.word == s.emotion for s in seen)
        row = {**labels, "pictures": len(seen), **share(right, len(seen)),
               "score": _mean(s.score for s in seen),
               "eye_error": _mean(s.eye_error for s in seen)}  # fmt: skip
        for emotion in WORDS:
            row[emotion] = _mean(s.word == emotion for s in seen if s.emotion == emotion)
        rows.append(row)
    return pd.DataFrame(rows)


def by_shape(sights: Sequence[Sight], actors: Sequence[Actor]) -> pd.DataFrame:
    """Each group: share told right by landmarks alone, by rules learnt from all other actors.

    `right` with its interval and one share for each emotion: at full strength; `unseen`: by rules
    learnt from the other groups alone; `half`: at half strength and neutral, by rules learnt there.
    """
    full, half = (_shown(sights, m) for m in (1.0, 0.5))
    own = {actor.id: actor.id for actor in actors}
    right, right_half = _told_right(full, own), _told_right(half, own)
    rows = []
    for factor, group_of in FACTORS.items():
        group = {actor.id: group_of(actor) for actor in actors}
        unseen = _told_right(full, group) if len(set(group.values())) > 1 else {}
        for labels, seen in _by_group(full, actors, (factor,)):
            mine = [s for s in half if group[s.actor] == labels["group"]]
            row = {**labels, "pictures": len(seen),
                   **share(sum(right[s.key] for s in seen), len(seen)),
                   "unseen": _mean(unseen[s.key] for s in seen if unseen),
                   "half": _mean(right_half[s.key] for s in mine)}  # fmt: skip
            for emotion in WORDS:
                row[emotion] = _mean(right[s.key] for s in seen if s.emotion == emotion)
            rows.append(row)
    return pd.DataFrame(rows)


def rendering(sights: Sequence[Sight], actors: Sequence[Actor]) -> pd.DataFrame:
    """How each group is drawn: means over neutral faces, and what machines find at full strength.

    `disgusted`: furrows of disgusted faces, as `furrows` of neutral ones; `clipped_percent`: of the
    worst neutral face; `score` and `eye_error` over all emotions, with the worst picture of each.
    """
    rows = []
    for labels, seen in _by_group(_shown(sights, 1.0), actors):
        drawn = pd.DataFrame([{"emotion": s.emotion, **s.quality} for s in seen])
        neutral = drawn[drawn.emotion == "neutral"]
        scores, errors = (pd.Series([getattr(s, a) for s in seen]) for a in ("score", "eye_error"))
        means = neutral[["lightness", "contrast", "texture", "furrows"]].mean()
        rows.append({**labels, **means,
                     "disgusted": drawn.furrows[drawn.emotion == "disgusted"].mean(),
                     "clipped_percent": 100 * neutral.clipped.max(),
                     "score": scores.mean(), "score_least": scores.min(),
                     "eye_error": errors.mean(), "eye_error_most": errors.max()})  # fmt: skip
    return pd.DataFrame(rows)


def exchanged(worn: Mapping[str, Sequence[Sight]], actors: Sequence[Actor]) -> pd.DataFrame:
    """For each skin as worn by all, how many are named right, by origin and gender of the heads."""
    rows = []
    for skin, sights in worn.items():
        everybody = {"group": "all", "actors": len({s.actor for s in sights})}
        shapes = _by_group(sights, actors, ("origin", "gender"))
        for labels, seen in [(everybody, sights), *shapes]:
            row = {"skin": skin, "shape": labels["group"], "actors": labels["actors"]}
            for emotion in dict.fromkeys(s.emotion for s in sights):
                row[emotion] = sum(s.word == emotion for s in seen if s.emotion == emotion)
            rows.append(row)
    return pd.DataFrame(rows)


def worst(table: pd.DataFrame) -> list[str]:
    """For each factor the group named right least often, in a sentence."""
    lines = []
    for factor, part in table.groupby("factor", sort=False):
        least, most = part.loc[part.right.idxmin()], part.loc[part.right.idxmax()]
        lines.append(
            f"{factor}: least often named right are {least.group} ({least.right:.2f}, "
            f"{least.low:.2f} to {least.high:.2f}, {least.actors} actors), most often "
            f"{most.group} ({most.right:.2f})"
        )
    return lines


def share(right: int, n: int) -> dict[str, float]:
    """A share with its interval, as columns of a table."""
    low, high = wilson(right, n)
    return {"right": right / n, "low": low, "high": high}


def wilson(right: int, n: int) -> tuple[float, float]:
    """Interval of a share at 95 %: Wilson (1927), J. Am. Stat. Assoc. 22, 209-212."""
    p, spread = right / n, Z95**2 / n
    middle = (p + spread / 2) / (1 + spread)
    half = Z95 * sqrt(p * (1 - p) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def _shown(sights: Sequence[Sight], m: float) -> list[Sight]:
    """Sights of emotions that have a word, at one strength, with the neutral ones."""
    return [s for s in sights if s.emotion in WORDS and (s.m == m or s.emotion == "neutral")]


def _by_group(
    sights: Sequence[Sight], actors: Sequence[Actor], factors: Iterable[str] = tuple(FACTORS)
) -> Iterator[tuple[dict[str, str | int], list[Sight]]]:
    """Each group of each factor, with the number of its actors, and its sights."""
    by_id = {actor.id: actor for actor in actors}
    for factor in factors:
        for group in sorted({FACTORS[factor](actor) for actor in actors}):
            seen = [s for s in sights if FACTORS[factor](by_id[s.actor]) == group]
            labels = {"factor": factor, "group": group, "actors": len({s.actor for s in seen})}
            yield labels, seen


def _told_right(
    sights: Sequence[Sight], label: Mapping[str, str]
) -> dict[tuple[str, str, float], bool]:
    """Whether the landmarks of each sight tell its emotion; without a face they do not.

    label: of each actor; nothing is learnt from actors with the same.
    """
    seen = [s for s in sights if s.points]
    features = np.stack([geometry.aligned(np.array(s.points)) for s in seen])
    said = geometry.told(features, [s.emotion for s in seen], [label[s.actor] for s in seen])
    right = {s.key: word == s.emotion for s, word in zip(seen, said, strict=True)}
    return {s.key: right.get(s.key, False) for s in sights}


def _mean(values: Iterable[float]) -> float:
    """The mean without what is missing; missing where nothing is left."""
    return float(pd.Series(list(values), dtype=float).mean())
