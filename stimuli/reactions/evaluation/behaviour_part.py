"""Do reactions look like a person's: smooth, and about a second after the speaker?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from stimuli.context_faces.evaluation.part import Part, Table
from stimuli.context_faces.evaluation.resampling import interval
from stimuli.reactions.evaluation.baselines import OTHER, TRUTH
from stimuli.reactions.evaluation.certainty import Estimate, averaged, mean_of
from stimuli.reactions.evaluation.measuring import Record
from stimuli.reactions.evaluation.timing import EARLIEST_S, LATEST_S, peak_s
from stimuli.reactions.evaluation.trained import BASES, Tried, Way

AROUND_S = (0.4, 1.6)  # within about a second: as true listeners' delays
FLAT = 0.05  # correlation below which nothing follows


class Following(NamedTuple):
    """How listeners' valence follows: lag in seconds of the highest correlation, with interval."""

    lag: Estimate
    highest: float


def behaviour_part(tried: Tried, naive: Mapping[str, Record], speaker: np.ndarray) -> Part:
    """Jitter and latency of every way, and of true listeners."""
    true = [naive[TRUTH]] if TRUTH in naive else []
    rows = []
    if true:
        rows.append(_row("–", TRUTH, true, true, speaker))
    for way, records in tried.items():
        rows.append(_row(BASES[way.base], way.method, [*records.values()], true, speaker))
    if OTHER in naive:
        rows.append(_row("–", OTHER, [naive[OTHER]], true, speaker))
    return Part(
        "Smooth, and in time?",
        [
            "Jitter: mean absolute change of an attribute from frame to frame. Latency: the lag, "
            f"from {EARLIEST_S:g} to {LATEST_S:g} s, at which the valence of listeners correlates "
            "most with that of the speaker (mean of what is seen and heard), in the mean over "
            "clips; its interval draws whole speakers again. Where the highest correlation is "
            f"below {FLAT:g}, nobody follows, and the lag says nothing.",
            Table("behaviour", "Jitter and latency", pd.DataFrame(rows), 3),
        ],
        _headline(tried, true, speaker),
    )


def followed(records: Sequence[Record], speaker: np.ndarray) -> Following:
    """Of all trainings together."""
    curves = np.mean([record.following for record in records], axis=0)  # (C, L)
    by_speaker = np.stack([curves[speaker == who].mean(0) for who in np.unique(speaker)])
    low, high = interval(by_speaker, peak_s)
    return Following(
        Estimate(float(peak_s(by_speaker)), float(low), float(high)),
        float(by_speaker.mean(0).max()),
    )


def _jitter(records: Sequence[Record], speaker: np.ndarray) -> Estimate:
    return mean_of([averaged(record.jitter.mean(1), speaker) for record in records])[0]


def _row(
    model: str, method: str, records: Sequence[Record], true: Sequence[Record], speaker: np.ndarray
) -> dict[str, object]:
    lag, highest = followed(records, speaker)
    moved = _jitter(records, speaker)
    row: dict[str, object] = {"model": model, "method": method, "jitter": moved.words(4)}
    if true:
        row["times true listeners'"] = moved.mean / _jitter(true, speaker).mean
    seen = highest >= FLAT
    return row | {
        "highest correlation": highest,
        "latency, s": f"{lag.mean:.2f} ({lag.low:.2f} to {lag.high:.2f})" if seen else "–",
    }


def _headline(tried: Tried, true: Sequence[Record], speaker: np.ndarray) -> list[str]:
    said = []
    beside = followed(true, speaker).lag.words(2) if true else "–"
    for base, name in BASES.items():
        way = Way(base, "emc", "nothing")
        if way not in tried:
            continue
        records = [*tried[way].values()]
        lag, highest = followed(records, speaker)
        if highest < FLAT:
            said.append(f"{name} with EMC: valence does not follow the speaker's (r {highest:.2f})")
            continue
        inside = AROUND_S[0] <= lag.mean <= AROUND_S[1]
        jitter = ""
        if true:
            ratio = _jitter(records, speaker).mean / _jitter(true, speaker).mean
            jitter = f"; jitter {ratio:.2f} times true listeners'"
        said.append(
            f"{name} with EMC: valence follows the speaker's after {lag.mean:.2f} s ({lag.low:.2f} "
            f"to {lag.high:.2f}; true listeners {beside}), {'' if inside else 'not '}within about "
            f"a second{jitter}"
        )
    return said
