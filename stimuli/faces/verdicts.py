"""Tables of what the face networks saw in the cast: one face each, words, groups, identity.

Intervals are Wilson's, at 95 %, and take pictures as independent; those of one actor are not, so
the true intervals of groups with few actors are wider.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from rich.console import Console

from stimuli.actors.cast import Actor
from stimuli.faces.expression import WORDS
from stimuli.faces.identity import SAME_PERSON

if TYPE_CHECKING:  # `judge` starts this module
    from stimuli.faces.judge import Sight

Z95 = 1.959964
BANDS = ((20, 34), (35, 49), (50, 120))  # years
NEAR = 0.35  # two actors nearer than this in neutral are hard to tell apart for the network
FACTORS: dict[str, Callable[[Actor], str]] = {
    "gender": lambda actor: actor.gender,
    "age": lambda actor: next(f"{a}-{b}" for a, b in BANDS if actor.age <= b),
    "origin": lambda actor: actor.origin.word,
    "skin": lambda actor: actor.skin,
}


def report(
    sights: Sequence[Sight],
    actors: Iterable[Actor],
    folder: Path,
    console: Console,
    people: Sequence[Sight] = (),
    worn: Mapping[str, Sequence[Sight]] | None = None,
) -> None:
    """Write every table into `folder` as TSV and print it.

    people: sights of photographs; worn: skin -> sights of the same actors in that skin.
    """
    known = tuple(actors)
    found = {"not-one-face": not_one_face(sights), "confusion": confusion(sights),
             "groups": groups(sights, known), "identity": identity(sights),
             "near-pairs": near_pairs(sights)}  # fmt: skip
    if people:
        found["photographs"] = confusion(people)
    if worn:
        found["exchanged"] = exchanged(worn, known)
    for name, table in found.items():
        table.to_csv(folder / f"{name}.tsv", sep="\t", index=False, float_format="%.3f")
        console.print(f"\n[bold]{name}[/bold] ({len(table)} rows)", highlight=False)
        console.print(table.to_string(index=False, float_format="%.2f"), highlight=False)
    for line in worst(found["groups"]):
        console.print(line, highlight=False)


def not_one_face(sights: Sequence[Sight]) -> pd.DataFrame:
    """Pictures in which not exactly one face was found."""
    rows = [(s.actor, s.emotion, s.m, s.faces) for s in sights if s.faces != 1]
    return pd.DataFrame(rows, columns=pd.Index(["actor", "emotion", "m", "faces"]))


def confusion(sights: Sequence[Sight]) -> pd.DataFrame:
    """For each emotion and strength how many pictures were called what, and the share named right.

    `right`, `low` and `high` (Wilson) are empty for emotions that the network has no word for.
    """
    rows = []
    for emotion, m in dict.fromkeys((s.emotion, s.m) for s in sights):
        words = [s.word for s in sights if (s.emotion, s.m) == (emotion, m)]
        counts = {word: words.count(word) for word in (*WORDS, "no face")}
        shares = _share(counts[emotion], len(words)) if emotion in WORDS else {}
        rows.append({"emotion": emotion, "m": m, **counts, **shares})
    return pd.DataFrame(rows).sort_values("m", ascending=False, kind="stable")


def groups(sights: Sequence[Sight], actors: Sequence[Actor]) -> pd.DataFrame:
    """Each group of actors at full strength: share named right, detector's score, error of eyes."""
    by_id = {actor.id: actor for actor in actors}
    full = [s for s in sights if s.m == 1 and s.emotion in WORDS]
    rows = []
    for factor, group_of in FACTORS.items():
        for group in sorted({group_of(actor) for actor in actors}):
            seen = [s for s in full if group_of(by_id[s.actor]) == group]
            right = sum(s.word == s.emotion for s in seen)
            row = {"factor": factor, "group": group, "actors": len({s.actor for s in seen}),
                   "pictures": len(seen), **_share(right, len(seen)),
                   "score": _mean(s.score for s in seen),
                   "eye_error": _mean(s.eye_error for s in seen)}  # fmt: skip
            for emotion in WORDS:
                row[emotion] = _mean(s.word == emotion for s in seen if s.emotion == emotion)
            rows.append(row)
    return pd.DataFrame(rows)


def exchanged(worn: Mapping[str, Sequence[Sight]], actors: Sequence[Actor]) -> pd.DataFrame:
    """For each skin as worn by all, how many are named right, by the origin of their shape."""
    origin = {actor.id: actor.origin.word for actor in actors}
    rows = []
    for skin, sights in worn.items():
        for group in ("all", *sorted(set(origin.values()))):
            seen = [s for s in sights if group in ("all", origin[s.actor])]
            row = {"skin": skin, "shape": group, "actors": len({s.actor for s in seen})}
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


def identity(sights: Sequence[Sight]) -> pd.DataFrame:
    """Distances of descriptors at full strength: within an actor, between neutral actors."""
    neutral = _neutral(sights)
    within = [
        float(np.linalg.norm(np.array(s.descriptor) - neutral[s.actor]))
        for s in sights
        if s.m == 1 and s.emotion != "neutral" and s.descriptor and s.actor in neutral
    ]
    between = [distance for _, _, distance in _pairs(neutral)]
    rows = [
        {"distances": name, "n": len(d), "least": min(d), "median": np.median(d), "largest": max(d),
         "below_0.6": np.mean(np.array(d) < SAME_PERSON)}
        for name, d in (("emotion against neutral, one actor", within),
                        ("two neutral actors", between)) if d
    ]  # fmt: skip
    return pd.DataFrame(rows)


def near_pairs(sights: Sequence[Sight]) -> pd.DataFrame:
    """Pairs of neutral actors nearer than NEAR, the nearest first."""
    near = sorted((p for p in _pairs(_neutral(sights)) if p[2] < NEAR), key=lambda p: p[2])
    return pd.DataFrame(near, columns=pd.Index(["actor", "other", "distance"]))


def wilson(right: int, n: int) -> tuple[float, float]:
    """Interval of a share at 95 %: Wilson (1927), J. Am. Stat. Assoc. 22, 209-212."""
    p, spread = right / n, Z95**2 / n
    middle = (p + spread / 2) / (1 + spread)
    half = Z95 * sqrt(p * (1 - p) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def _share(right: int, n: int) -> dict[str, float]:
    low, high = wilson(right, n)
    return {"right": right / n, "low": low, "high": high}


def _mean(values: Iterable[float]) -> float:
    """The mean without what is missing; missing where nothing is left."""
    return float(pd.Series(list(values), dtype=float).mean())


def _neutral(sights: Sequence[Sight]) -> dict[str, np.ndarray]:
    return {
        s.actor: np.array(s.descriptor) for s in sights if s.emotion == "neutral" and s.descriptor
    }


def _pairs(descriptors: dict[str, np.ndarray]) -> list[tuple[str, str, float]]:
    return [
        (a, b, float(np.linalg.norm(descriptors[a] - descriptors[b])))
        for a, b in combinations(descriptors, 2)
    ]
