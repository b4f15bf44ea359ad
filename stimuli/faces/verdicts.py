"""Tables of what was seen in the cast: one face each, words, groups, identity.

Those of groups are made in groups.py; `shape` needs LEAST_ACTORS actors to learn from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from rich.console import Console

from stimuli.actors.cast import Actor
from stimuli.faces import groups
from stimuli.faces.expression import WORDS
from stimuli.faces.geometry import LEAST_ACTORS
from stimuli.faces.groups import share
from stimuli.faces.identity import SAME_PERSON

if TYPE_CHECKING:  # `judge` starts this module
    from stimuli.faces.judge import Sight

NEAR = 0.35  # two actors nearer than this in neutral are hard to tell apart for the network


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
             "groups": groups.named(sights, known)}  # fmt: skip
    if len(known) >= LEAST_ACTORS:
        found["shape"] = groups.by_shape(sights, known)
    found |= {"rendering": groups.rendering(sights, known), "identity": identity(sights),
              "near-pairs": near_pairs(sights)}  # fmt: skip
    if people:
        found["photographs"] = confusion(people)
    if worn:
        found["exchanged"] = groups.exchanged(worn, known)
    for name, table in found.items():
        table.to_csv(folder / f"{name}.tsv", sep="\t", index=False, float_format="%.3f")
        console.print(f"\n[bold]{name}[/bold] ({len(table)} rows)", highlight=False)
        console.print(table.to_string(index=False, float_format="%.2f"), highlight=False)
    for name in ("groups", "shape"):
        for line in groups.worst(found[name]) if name in found else ():
            console.print(f"{name}, {line}", highlight=False)


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
        shares = share(counts[emotion], len(words)) if emotion in WORDS else {}
        rows.append({"emotion": emotion, "m": m, **counts, **shares})
    return pd.DataFrame(rows).sort_values("m", ascending=False, kind="stable")


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


def _neutral(sights: Sequence[Sight]) -> dict[str, np.ndarray]:
    return {
        s.actor: np.array(s.descriptor) for s in sights if s.emotion == "neutral" and s.descriptor
    }


def _pairs(descriptors: dict[str, np.ndarray]) -> list[tuple[str, str, float]]:
    return [
        (a, b, float(np.linalg.norm(descriptors[a] - descriptors[b])))
        for a, b in combinations(descriptors, 2)
    ]
