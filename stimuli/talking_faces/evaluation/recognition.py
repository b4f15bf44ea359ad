"""Table II and figure 4: the emotion that the judge names in real and in generated videos.

Symbols: R clips, E emotions; counts (E, E) are of true (row) and named emotion.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.talking_face.settings import EMOTIONS
from stimuli.talking_faces.evaluation.averages import Mean, mean
from stimuli.talking_faces.evaluation.measuring import Record

KINDS = ("real", "generated")


def named(record: Record, kind: str, emotion: str = "") -> int:
    """Row of EMOTIONS that the judge names; emotion: of a generated face, default the real one's.

    kind: of KINDS.
    """
    said = record["named"][kind]
    return int(np.argmax(said if kind == "real" else said[emotion or record["emotion"]]))


def right(record: Record, kind: str) -> float:
    """1 if the emotion of the face is named, else 0."""
    return float(EMOTIONS[named(record, kind)] == record["emotion"])


def counts(records: Sequence[Record], kind: str) -> np.ndarray:
    """Confusion matrix (E, E) of a kind of videos."""
    found = np.zeros((len(EMOTIONS), len(EMOTIONS)), int)
    for record in records:
        found[EMOTIONS.index(record["emotion"]), named(record, kind)] += 1
    return found


def f1(matrix: np.ndarray) -> float:
    """Mean over classes of 2 TP / (2 TP + FP + FN), classes that neither is nor was named: out."""
    hits, of_class, of_name = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    there = of_class + of_name > 0
    return float((2 * hits[there] / (of_class + of_name)[there]).mean())


def accuracy(records: Sequence[Record], kind: str) -> Mean:
    """Share of clips whose face is named right."""
    return mean(records, lambda r: right(r, kind))


def difference(records: Sequence[Record]) -> Mean:
    """Accuracy on generated minus accuracy on real clips."""
    return mean(records, lambda r: right(r, "generated") - right(r, "real"))


def crossed(records: Sequence[Record]) -> np.ndarray:
    """Share right (E, E) of every face emotion (row) over every voice emotion; NaN without clips.

    Each sound was given a face of every emotion.
    """
    shares = np.full((len(EMOTIONS), len(EMOTIONS)), np.nan)
    for v, voice in enumerate(EMOTIONS):
        heard = [r for r in records if r["voice"] == voice]
        for f, face in enumerate(EMOTIONS):
            if heard:
                shares[f, v] = np.mean([named(r, "generated", face) == f for r in heard])
    return shares


def over_voices(record: Record) -> float:
    """Share of a sound's faces, one of each emotion, that are named right."""
    hits = [named(record, "generated", face) == f for f, face in enumerate(EMOTIONS)]
    return float(np.mean(hits))
