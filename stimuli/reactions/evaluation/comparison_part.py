"""Does EMC help? Its numbers minus those of the base alone, with the same things missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from models.reaction.metrics.scores import LOWER, NAMES
from stimuli.context_faces.evaluation.part import Part, Table
from stimuli.reactions.evaluation import published
from stimuli.reactions.evaluation.baselines import TRUTH
from stimuli.reactions.evaluation.certainty import Estimate
from stimuli.reactions.evaluation.missing import MISSING, WORDS
from stimuli.reactions.evaluation.numbers import DIGITS, METRICS, Numbers
from stimuli.reactions.evaluation.trained import BASES, Way

HELPS, HURTS, NEITHER = "helps", "hurts", "no certain difference"


def comparison_part(numbers: Mapping[str, Numbers]) -> Part:
    """Differences in both versions, sentences of the corrected one."""
    pairs = _pairs(numbers["corrected"])
    if not pairs:
        return Part(
            "Does EMC help?",
            ["Give weights of a base alone and of the same base with EMC to have them compared."],
        )
    fair, theirs = numbers["corrected"], numbers["react2024"]
    blocks: list[str | Table] = [
        "EMC minus the base alone, both without the same things; a base gets zeros for what is "
        f"missing. “{HELPS}” and “{HURTS}” go by the arrows of the challenge, and only where the "
        "interval leaves 0 out; of so many differences, one in twenty does so by chance. Where "
        "more is not better without end, the last column says whether EMC has come nearer to true "
        "listeners.",
        _differences(fair, pairs, "Corrected metrics: EMC minus the base alone"),
        _differences(theirs, pairs, "Metrics as in REACT 2024: EMC minus the base alone"),
    ]
    directions = _directions(theirs, pairs)
    if directions is not None:
        blocks.append(directions)
    attention = _attention(fair)
    blocks += attention
    said = [sentence(fair, way, other) for way, other in pairs]
    return Part("Does EMC help?", blocks, said)


def effect(metric: str, difference: Estimate) -> str:
    """In a word, by the arrow of the challenge."""
    if not difference.certain:
        return NEITHER
    return HELPS if (difference.mean < 0) == (metric in LOWER) else HURTS


def sentence(numbers: Numbers, way: Way, other: Way, who: str = "EMC") -> str:
    """What a way does to each metric, beside another one."""
    groups: dict[str, list[str]] = {HELPS: [], HURTS: [], NEITHER: []}
    for metric, one in zip(METRICS, numbers.difference(way, other), strict=True):
        words = one.words(DIGITS[numbers.version][metric], "+")
        groups[effect(metric, one)].append(f"{NAMES[metric]} ({words})")
    verbs = {HELPS: "helps", HURTS: "hurts", NEITHER: "makes no certain difference to"}
    said = [f"{verbs[word]} {', '.join(of)}" for word, of in groups.items() if of]
    return f"{BASES[way.base]}, {WORDS[way.missing]}: {who} {'; '.join(said)}"


def _pairs(numbers: Numbers) -> list[tuple[Way, Way]]:
    """EMC and the base alone, where both were tried."""
    found = [(Way(base, "emc", missing), Way(base, "none", missing))
             for missing in MISSING for base in BASES]  # fmt: skip
    return [(way, other) for way, other in found if way in numbers.ways and other in numbers.ways]


def _differences(numbers: Numbers, pairs: Sequence[tuple[Way, Way]], caption: str) -> Table:
    truth = numbers.mean(TRUTH) if TRUTH in numbers.baselines else None
    rows = []
    for way, other in pairs:
        for i, metric in enumerate(METRICS):
            emc, alone = numbers.mean(way)[i].mean, numbers.mean(other)[i].mean
            one = numbers.difference(way, other)[i]
            row = {"model": BASES[way.base], "speaker": WORDS[way.missing], "metric": NAMES[metric],
                   "original": alone, "EMC": emc, "difference": one.mean, "low": one.low,
                   "high": one.high, "effect": effect(metric, one)}  # fmt: skip
            if truth is not None:
                aim = truth[i].mean
                nearer = "yes" if abs(emc - aim) < abs(alone - aim) else "no"
                row |= {"true listeners": aim, "nearer to them": nearer if one.certain else "–"}
            rows.append(row)
    return Table(f"differences_{numbers.version}", caption, pd.DataFrame(rows), 4)


def _directions(numbers: Numbers, pairs: Sequence[tuple[Way, Way]]) -> Table | None:
    """Which way numbers go in the paper and here, with everything there."""
    rows = []
    for way, other in pairs:
        if way.missing != "nothing":
            continue
        printed = (published.TABLE_1[name, "nothing"][way.base] for name in ("emc", "none"))
        emc, alone = printed
        for i, (metric, one) in enumerate(
            zip(METRICS, numbers.difference(way, other), strict=True)
        ):
            theirs = emc[i] - alone[i]
            same = "no certain difference here"
            if one.certain:
                same = "yes" if (theirs > 0) == (one.mean > 0) else "no"
            if theirs == 0:
                same = "no difference in the paper"
            rows.append({"model": BASES[way.base], "metric": NAMES[metric],
                         "difference in the paper": theirs, "difference here": one.mean,
                         "low": one.low, "high": one.high, "same direction": same})  # fmt: skip
    if not rows:
        return None
    frame = pd.DataFrame(rows)
    counts = frame["same direction"].value_counts()
    note = ", ".join(f"{word}: {count}" for word, count in counts.items())
    return Table(
        "directions", "Directions in the paper and here, metrics as in REACT 2024", frame, 4,
        f"Same direction, of {len(frame)}: {note}. The paper gives no intervals, and its corpus is "
        "another one.",
    )  # fmt: skip


def _attention(numbers: Numbers) -> list[str]:
    """What emotion-aware attention adds, in sentences."""
    ways = [(Way(base, "emc", "nothing"), Way(base, "no-attention", "nothing")) for base in BASES]
    return [
        sentence(numbers, way, other, "attention to emotion (EA)")
        for way, other in ways if way in numbers.ways and other in numbers.ways
    ]  # fmt: skip
