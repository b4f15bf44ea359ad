"""With nothing of a speaker: does a model say so, and is what it makes still a listener?

A listener who reacts to nobody cannot be right. What can be asked: that the face lies no farther
from those of true listeners than that of somebody who listens to another speaker, that it does not
tremble, and that it moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from stimuli.context_faces.evaluation.part import Part, Table
from stimuli.reactions.evaluation.baselines import OTHER, TRUTH
from stimuli.reactions.evaluation.certainty import averaged, mean_of
from stimuli.reactions.evaluation.measuring import Record
from stimuli.reactions.evaluation.numbers import DIGITS, METRICS, Numbers
from stimuli.reactions.evaluation.trained import BASES, FRAMEWORKS, Tried, Way

STEADY = 2.0  # times true listeners' jitter: more trembles
# share of true listeners' variance over time: less stands still; it is .08 of those to whom mien's
# speakers talk neutrally
ALIVE = 0.05
DIST, VAR = METRICS.index("frdist"), METRICS.index("frvar")


def nothing_part(
    tried: Tried, numbers: Numbers, naive: Mapping[str, Record], speaker: np.ndarray
) -> Part:
    """Every model that was given nothing; numbers: of the corrected metrics."""
    title = "Nothing of the speaker"
    ways = [way for way in tried if way.missing == "everything"]
    if not ways or TRUTH not in naive or OTHER not in naive:
        return Part(title, ["Nothing to compare with: no model was tried, or no true listeners."])
    rows = [_row(way, [*tried[way].values()], numbers, naive, speaker) for way in ways]
    some = [record for way, of in tried.items() if way not in ways for record in of.values()]
    said = np.concatenate([record.had_input for record in some] or [np.ones(0, bool)])
    return Part(
        title,
        [
            "Neither face nor voice is given. The answer has to say so (had_input), and the "
            "listener has to look like one: no farther from true listeners' faces than listeners "
            f"to another speaker are, trembling at most {STEADY:g} times as much as true "
            f"listeners, and moving at least {100 * ALIVE:.0f} % as much (variance over time).",
            Table("nothing_there", "Listeners who were given nothing", pd.DataFrame(rows), 3),
            f"With anything there, the answer says that there was no input for {int((~said).sum())}"
            f" of {len(said)} clips.",
        ],
        [f"{row['model']}, {row['method']}, nothing there: {row['listener']}; says that it had no "
         f"input for {row['says so']} clips" for row in rows],
    )  # fmt: skip


def _row(
    way: Way, records: Sequence[Record], numbers: Numbers, naive: Mapping[str, Record],
    speaker: np.ndarray,
) -> dict[str, object]:  # fmt: skip
    here, true, other = (numbers.mean(of) for of in (way, TRUTH, OTHER))
    jitter = _jitter(records, speaker) / _jitter([naive[TRUTH]], speaker)
    moves = here[VAR].mean / true[VAR].mean
    lacks = [
        word for word, wrong in (
            ("farther from true listeners than listeners to another speaker",
             here[DIST].mean > other[DIST].mean),
            ("trembles", jitter > STEADY), ("hardly moves", moves < ALIVE),
        ) if wrong
    ]  # fmt: skip
    digits = DIGITS[numbers.version]["frdist"]
    silent = np.concatenate([~record.had_input for record in records])
    return {
        "model": BASES[way.base], "method": FRAMEWORKS[way.framework], "seeds": len(records),
        "says so": f"{int(silent.sum())} of {len(silent)}",
        "FRDist": here[DIST].words(digits),
        "of listeners to another speaker": other[DIST].words(digits),
        "jitter, times true listeners'": jitter,
        "variance over time, share of true listeners'": moves,
        "listener": ", ".join(lacks) or "plausible",
    }  # fmt: skip


def _jitter(records: Sequence[Record], speaker: np.ndarray) -> float:
    return mean_of([averaged(record.jitter.mean(1), speaker) for record in records])[0].mean
