"""What the report says about the values of the paper that a study repeats."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.choices.choices_part import cautions, limits, percent
from analysis.choices.published import Beside
from analysis.text.part import NUMBER, TEXT, Paragraph, Part, Table
from analysis.text.words import interval, number
from protocols.analysis_plan import Published
from protocols.protocol import Protocol


def published_part(protocol: Protocol, found: list[Beside]) -> Part | None:
    """Every value of `analysis.published`; None without one."""
    if not found:
        return None
    table = pd.DataFrame([
        {"value": in_words(one.asked), "here": one.here, "low": one.low, "high": one.high,
         "answers": one.answers, "published": one.asked.value,
         "difference": one.here - one.asked.value}
        for one in found
    ])  # fmt: skip
    within = sum(one.low <= one.asked.value <= one.high for one in found)
    source = f" of {protocol.source.rstrip('.')}" if protocol.source else ""
    text = (
        f"{within} of {len(found)} published values lie within the 95 % interval of this study's "
        "own. How far the published values themselves may be off is not known, so nothing is "
        "tested; stimuli and participants differ, too."
    )
    rows = [[in_words(one.asked), *_numbers(one), str(one.answers)] for one in found]
    head = ["Value", "Here", "95 % CI", "Published", "Difference", "Answers"]
    note = (
        "Shares in per cent of answers, means in points, both pooled over answers; intervals "
        f"{found[0].clusters.over}. Repeated showings do not count."
    )
    kinds = [TEXT, *[NUMBER] * 5]
    caption = f"This study beside the values{source}"
    blocks = [
        Paragraph(text),
        *cautions(found[0].clusters),
        Table(head, kinds, rows, caption, note),
    ]
    return Part("Beside the published values", blocks, {"published": table}, {}, (), (), [])


def in_words(asked: Published) -> str:
    """`emotion-seen matches face_emotion, where it differs from voice_emotion`."""
    if asked.matches is None:
        said = f"mean {asked.task}"
    else:
        label = f"first or second label of {asked.task}" if asked.either else asked.task
        said = f"{label} matches {asked.matches}"
    if asked.differs_from is not None:
        said += f", where it differs from {asked.differs_from}"
    levels = ", ".join(f"{factor} = {level}" for factor, level in asked.where.items())
    return f"{said}, {levels}" if levels else said


def _numbers(one: Beside) -> list[str]:
    """Value, interval, published value and difference, as a table has them."""
    apart = one.here - one.asked.value
    if one.asked.matches is None:
        ends = interval(one.low, one.high) if np.isfinite(one.low) else "–"
        return [number(one.here), ends, number(one.asked.value), number(apart)]
    ends = limits(one.low, one.high) if np.isfinite(one.low) else "–"
    return [percent(one.here), ends, percent(one.asked.value), percent(apart)]
