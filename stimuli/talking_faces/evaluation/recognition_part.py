"""What the judge of emotions sees: the page's part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from models.talking_face.judge import FRAMES, LEAST_M
from models.talking_face.settings import EMOTIONS
from models.weights import Weights
from stimuli.context_faces.evaluation.classification_figures import confusion_panels
from stimuli.context_faces.evaluation.part import Block, Figure, Part, Table
from stimuli.talking_faces.evaluation import averages, published
from stimuli.talking_faces.evaluation.averages import mean
from stimuli.talking_faces.evaluation.measuring import Record
from stimuli.talking_faces.evaluation.recognition import (
    KINDS,
    accuracy,
    counts,
    crossed,
    difference,
    f1,
    over_voices,
)

WITHIN = 5.0  # points


def recognition_part(records: Sequence[Record], judge: Weights) -> Part:
    """Table II, figure 4, and the same whichever voice is under the face."""
    return Part(
        "The emotion that a classifier of videos sees",
        [
            _introduction(judge),
            _table_2(records),
            _figure_4(records),
            *_confusions(records),
            _by_voice(records),
            _crossed(records),
        ],
        headline(records),
    )


def headline(records: Sequence[Record]) -> list[str]:
    """The results in single sentences, with what was wanted."""
    real, made = (accuracy(records, kind) for kind in KINDS)
    apart = difference(records)
    return [
        f"the judge names {100 * real.mean:.1f} % of real and {100 * made.mean:.1f} % of "
        f"generated clips: {100 * apart.mean:+.1f} points (95 % {100 * apart.low:+.1f} to "
        f"{100 * apart.high:+.1f}; wanted within {WITHIN:g})",
        f"of all six faces over every voice it names {100 * mean(records, over_voices).mean:.1f} %",
    ]


def _introduction(judge: Weights) -> str:
    facts = judge.facts
    learned = facts.get("learned_from", "real clips of training people")
    return (
        f"The judge has the paper's architecture of the emotion critic (convolutions, LSTM), but "
        f"narrower, and learned from {learned}: real videos only, with m of {LEAST_M:g} or more, "
        f"and the neutral ones. It looks at {FRAMES} frames spread over a clip. F1 is the mean "
        "over classes, unweighted."
    )


def _table_2(records: Sequence[Record]) -> Table:
    nan = float("nan")
    rows = [("paper", row.data, row.accuracy, nan, nan, row.f1) for row in published.RECOGNISED]
    for kind in KINDS:
        found = accuracy(records, kind)
        rows.append(("here", kind, 100 * found.mean, 100 * found.low, 100 * found.high,
                     100 * f1(counts(records, kind))))  # fmt: skip
    names = ["source", "videos", "accuracy", "low", "high", "F1"]
    return Table(
        "table_2",
        "Table II of the paper beside what was found here, per cent",
        pd.DataFrame(rows, columns=names),
        note=f"The paper's numbers are of {published.CORPUS}, whose emotions people act, not all "
        "of them clearly; those of synthetic actors are drawn at full strength. What can be "
        "compared is the difference between real and generated.",
    )


def _figure_4(records: Sequence[Record]) -> Figure:
    shares = {}
    for kind in KINDS:
        found = counts(records, kind)
        shares[f"{kind.capitalize()} clips"] = found / np.maximum(found.sum(1, keepdims=True), 1)
    words = "; ".join(
        f"{title}: " + ", ".join(f"{e} {100 * x:.0f}" for e, x in zip(
            EMOTIONS, np.diag(matrix), strict=True))
        for title, matrix in shares.items()
    )  # fmt: skip
    return Figure(
        "figure_4",
        "Figure 4 of the paper: confusion matrices of the judge, per cent of each true class.",
        confusion_panels(shares, EMOTIONS),
        f"Two confusion matrices. Per cent on the diagonal: {words}",
    )


def _confusions(records: Sequence[Record]) -> list[Block]:
    tables: list[Block] = []
    for kind in KINDS:
        frame = pd.DataFrame(counts(records, kind), columns=list(EMOTIONS))
        frame.insert(0, "true", list(EMOTIONS))
        tables.append(Table(f"confusion_{kind}", f"{kind.capitalize()} clips by the emotion of "
                            "their face, and what the judge names", frame))  # fmt: skip
    return tables


def _by_voice(records: Sequence[Record]) -> Table:
    groups = {
        "all": list(records),
        "voice as face": [r for r in records if r["voice"] == r["emotion"]],
        "another voice": [r for r in records if r["voice"] != r["emotion"]],
        **{f"{voice} voice": [r for r in records if r["voice"] == voice] for voice in EMOTIONS},
    }
    rows = []
    for name, of in groups.items():
        numbers = {kind: accuracy(of, kind) for kind in KINDS}
        numbers |= {"generated - real": difference(of), "all six faces": mean(of, over_voices)}
        percent = {k: 100 * v for k, v in averages.columns(numbers).items()}
        rows.append({"voice": name, "clips": len(of), **percent})
    return Table(
        "by_voice", "Whichever voice is under the face: accuracy, per cent", pd.DataFrame(rows), 1,
        "all six faces: every sound was given a face of each emotion.",
    )  # fmt: skip


def _crossed(records: Sequence[Record]) -> Table:
    shares = 100 * crossed(records)
    frame = pd.DataFrame(shares, columns=[f"{voice} voice" for voice in EMOTIONS])
    frame.insert(0, "face", list(EMOTIONS))
    sounds = ", ".join(f"{v} {sum(r['voice'] == v for r in records)}" for v in EMOTIONS)
    return Table(
        "crossed", "Every face over every voice: generated videos named right, per cent", frame, 0,
        f"Sounds of each voice: {sounds}.",
    )  # fmt: skip
