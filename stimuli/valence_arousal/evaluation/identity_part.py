"""Whether an edited face is still the same person, by descriptors of the identity network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stimuli.context_faces.evaluation.identity import kept
from stimuli.context_faces.evaluation.part import Part, Table
from stimuli.faces.identity import SAME_PERSON
from stimuli.talking_faces.evaluation.averages import Mean
from stimuli.valence_arousal.evaluation.means import by_actor, mean
from stimuli.valence_arousal.evaluation.measuring import Record
from stimuli.valence_arousal.evaluation.places import (
    CORNERS,
    FAR_CORNERS,
    MOVED,
    NEUTRAL,
    ON_GRID,
)

WANTED = 0.95  # share of cases


def identity_part(edited: Sequence[Record], true: Sequence[Record]) -> Part:
    """Shares of pictures that lead back to who is shown."""
    return Part(
        "Whether it is still the same person",
        [
            "The descriptor of each picture (128 numbers, dlib's network, which learned from "
            "photographs) is compared with those of the neutral true pictures of all held-out "
            f"actors. Same: nearer than {SAME_PERSON:g} to the actor's own, the limit of the "
            "network's author; nearest: nearer to the own than to any other actor's; kept: both. "
            "True pictures show how far the network itself is disturbed by expressions. Drawn "
            "people are nearer to each other than photographed ones are, so that “nearest” is the "
            "hard half.",
            _table(edited, true),
        ],
        headline(edited, true),
    )


def same(records: Sequence[Record], true: Sequence[Record], rows: np.ndarray = ON_GRID) -> Mean:
    """Share of pictures whose descriptor lies within SAME_PERSON of the own neutral picture's."""
    return _share(records, true, rows, lambda own, other: own < SAME_PERSON)


def keeps(records: Sequence[Record], true: Sequence[Record], rows: np.ndarray = ON_GRID) -> Mean:
    """Share of pictures that are the same person and nearest to them."""
    return _share(records, true, rows, lambda own, other: (own < SAME_PERSON) & (own < other))


def headline(edited: Sequence[Record], true: Sequence[Record]) -> list[str]:
    """The result in a sentence."""
    ours, theirs = keeps(edited, true), keeps(true, true, MOVED)
    return [
        f"identity kept in {100 * ours.mean:.1f} % of edited pictures (95 % "
        f"{100 * ours.low:.1f} to {100 * ours.high:.1f}; wanted {100 * WANTED:g} %), in "
        f"{100 * theirs.mean:.1f} % of true ones"
    ]


def _share(records, true, rows: np.ndarray, test) -> Mean:
    names = [record.actor for record in true]
    neutral = np.stack([record.who[NEUTRAL] for record in true])  # (A, 128)

    def of(record: Record) -> np.ndarray:
        far = np.linalg.norm(record.who[rows, None] - neutral, axis=-1)  # (rows, A)
        own = names.index(record.actor)
        other = np.delete(far, own, 1).min(1, initial=np.inf)
        return test(far[:, own], other).mean()

    return mean(by_actor(records, of))


def _table(edited: Sequence[Record], true: Sequence[Record]) -> Table:
    from_neutral = [r for r in edited if r.given == NEUTRAL]
    groups = {
        "edited": (edited, ON_GRID),
        "edited, neutral picture given": (from_neutral, ON_GRID),
        "edited, expressive picture given": ([r for r in edited if r.given != NEUTRAL], ON_GRID),
        "edited, extreme labels": (edited, CORNERS),
        "edited, corners of the plane": (edited, FAR_CORNERS),
        "true": (true, MOVED),
        "true, extreme labels": (true, CORNERS),
        "true, corners of the plane": (true, FAR_CORNERS),
    }
    neutral = np.stack([record.who[NEUTRAL] for record in true])
    rows = []
    for words, (records, places) in groups.items():
        who = _by_actor(records, [record.actor for record in true], places)
        found = kept(words, who, neutral)
        both = keeps(records, true, places)
        rows.append({
            "pictures": words, "number": found["pictures"], "kept": both.mean,
            "kept low": both.low, "kept high": both.high,
            "same": same(records, true, places).mean, "nearest": found["nearest"],
            "own distance, median": found["own"], "other distances, median": found["others"],
        })  # fmt: skip
    return Table("identity", "Shares of pictures, and distances of descriptors",
                 pd.DataFrame(rows), 3)  # fmt: skip


def _by_actor(records: Sequence[Record], actors: Sequence[str], rows: np.ndarray) -> np.ndarray:
    """Descriptors (A, K, 128)."""
    return np.stack([
        np.concatenate([record.who[rows] for record in records if record.actor == actor])
        for actor in actors
    ])  # fmt: skip
