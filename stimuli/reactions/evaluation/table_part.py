"""Table 1 of the paper with our numbers: bases, EMC, and what is missing; naive baselines below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from stimuli.context_faces.evaluation.part import Part, Table
from stimuli.reactions.evaluation import published
from stimuli.reactions.evaluation.baselines import COURSE, OTHER, TRUTH
from stimuli.reactions.evaluation.certainty import Estimate
from stimuli.reactions.evaluation.missing import WORDS
from stimuli.reactions.evaluation.numbers import ARROWS, DIGITS, METRICS, Numbers
from stimuli.reactions.evaluation.trained import BASES, FRAMEWORKS, Way

HERE = "here"
NAIVE = (TRUTH, OTHER, COURSE)  # beside which headlines put a model
ROWS = (  # groups of the paper's table, then our own
    ("none", "nothing"), ("emc", "nothing"), ("no-attention", "nothing"), ("emc", "face"),
    ("emc", "voice"), ("none", "face"), ("none", "voice"), ("emc", "gap"), ("none", "gap"),
    ("emc", "everything"), ("none", "everything"),
)  # fmt: skip
MEANINGS = {
    "react2024": "As the challenge computes them, and the paper: FRCorr and FRDist are sums over "
    "the samples; FRSyn is 49 as soon as one channel is constant and looks at one sample only.",
    "corrected": "FRCorr: concordance with the nearest truth, 1 is a copy; FRDist: what a frame is "
    "off; FRDiv, FRVar, FRDvs: squared differences between samples, of frames over time, between "
    "clips; FRSyn: frames of lag from the speaker, 24.7 if every lag were as likely. Constant "
    "channels are left out, all samples count.",
}


def table_part(numbers: Mapping[str, Numbers], samples: int, clips: int, people: int) -> Part:
    """Both tables."""
    return Part(
        "The six measures",
        [
            f"{samples} reactions to each of {clips} clips of {people} speakers of whom no model "
            "has learned; truths are reactions of listeners whom no model has seen either. ±: half "
            "of the interval at 95 %, over speakers and over trainings (seeds). Arrows point where "
            "the challenge sees more success. For diversity (FRDiv, FRVar, FRDvs) and FRSyn the "
            "end of the arrow is not the aim: noise is diverse, and nobody answers at once. True "
            "listeners, on top of the naive baselines, show what to come near to; each is compared "
            "with the other truths of the clip.",
            _table(numbers["corrected"], "Corrected metrics"),
            _table(numbers["react2024"], "Metrics as in REACT 2024, the paper's numbers beside"),
        ],
        headline(numbers["corrected"]),
    )


def headline(numbers: Numbers) -> list[str]:
    """How appropriate reactions with EMC are, beside naive ones."""
    corr, dist = METRICS.index("frcorr"), METRICS.index("frdist")
    said = []
    for base, name in BASES.items():
        way = Way(base, "emc", "nothing")
        if way not in numbers.ways:
            continue
        here = numbers.mean(way)
        beside = {words: numbers.mean(words) for words in NAIVE if words in numbers.baselines}
        nearer = [words for words, of in beside.items()
                  if words != TRUTH and of[dist].mean <= here[dist].mean]  # fmt: skip
        said.append(
            f"{name} with EMC: FRCorr {_beside(numbers, here, beside, corr)}; FRDist "
            f"{_beside(numbers, here, beside, dist)}"
            + (f": no nearer to truths than {' and '.join(nearer)}" if nearer else "")
        )
    return said


def _beside(
    numbers: Numbers, here: Sequence[Estimate], beside: Mapping[str, Sequence[Estimate]], at: int
) -> str:
    digits = DIGITS[numbers.version][METRICS[at]]
    others = ", ".join(f"{words} {of[at].mean:.{digits}f}" for words, of in beside.items())
    return here[at].words(digits) + (f" ({others})" if others else "")


def _table(numbers: Numbers, caption: str) -> Table:
    beside = numbers.version == "react2024"
    rows: list[dict[str, object]] = []
    for framework, missing in ROWS:
        for base, name in BASES.items():
            way = Way(base, framework, missing)
            told = {"model": name, "method": way.method}
            if way in numbers.ways:
                numbers_of = {"numbers of": HERE} if beside else {}
                rows.append({
                    **told, "seeds": len(numbers.ways[way]), **numbers_of,
                    **numbers.words(numbers.mean(way)),
                })  # fmt: skip
                printed = published.TABLE_1.get((framework, missing), {}).get(base)
                if beside and printed is not None:
                    cells = {ARROWS[m]: f"{value:.{DIGITS[numbers.version][m]}f}"
                             for m, value in printed._asdict().items()}  # fmt: skip
                    rows.append({**told, "seeds": None, "numbers of": "the paper", **cells})
    for name in numbers.baselines:
        numbers_of = {"numbers of": HERE} if beside else {}
        rows.append({"model": "–", "method": name, "seeds": None, **numbers_of,
                     **numbers.words(numbers.mean(name))})  # fmt: skip
    frame = pd.DataFrame(rows)
    frame["seeds"] = frame["seeds"].astype("Int64")
    note = MEANINGS[numbers.version]
    if beside:
        note += (
            f" The paper's numbers are of {published.CORPUS}, video calls with action units of 0 "
            "or 1 and other sizes of models: compare directions, never values."
        )
    return Table(f"table_1_{numbers.version}", caption, frame, note=note)


def all_scores(numbers: Mapping[str, Numbers]) -> pd.DataFrame:
    """Every number of both tables, one in a row, with all digits."""
    rows: list[Sequence[object]] = []
    for version, of in numbers.items():
        named = [((BASES[w.base], FRAMEWORKS[w.framework], WORDS[w.missing]), w) for w in of.ways]
        for told, key in [*named, *(((name, "", ""), name) for name in of.baselines)]:
            seeds = 0 if isinstance(key, str) else len(of.ways[key])
            rows += [
                (version, *told, seeds, metric, *estimate)
                for metric, estimate in zip(METRICS, of.mean(key), strict=True)
            ]
    columns = ["version", "model", "framework", "missing", "seeds", "metric", "mean", "low", "high"]
    return pd.DataFrame(rows, columns=columns)
