"""What the report says about people beside a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis.figures.charts import Picture
from analysis.figures.heatmaps import Panel, heatmaps, in_words
from analysis.figures.raters import correlations, people_and_model
from analysis.problems import ADVICE
from analysis.raters import human_model_words as words
from analysis.raters.human_model import HumanModels, OnChoice, OnScale
from analysis.raters.most_apart import most_apart
from analysis.text.part import Block, Bullets, Caution, Code, Drawing, Heading, Paragraph, Part
from analysis.text.words import count, number, share
from protocols.protocol import Protocol
from protocols.study import Study


@dataclass
class _Draft:
    """A part in the making."""

    blocks: list[Block] = field(default_factory=list)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    pictures: dict[str, Picture] = field(default_factory=dict)


def human_model_part(found: HumanModels, study: Study, protocol: Protocol) -> Part | None:
    """Every comparison of people and a model; nothing if none was planned and no model answered.

    Args:
        found: the comparisons, and sentences on those that could not be made.
        study: for pictures of stimuli.
        protocol: for the questions.
    """
    if not found.found and not found.notes:
        return None
    draft = _Draft([Paragraph(note) for note in found.notes])
    for i, one in enumerate(found.found, start=1):
        name = f"human-model-{i}"
        question = protocol.questions[one.asked.task].question
        draft.blocks.append(Heading(f"{one.model} and people: {one.asked.task}"))
        draft.blocks.append(Paragraph(words.about(one, question)))
        if isinstance(one, OnScale):
            _on_scale(one, name, draft)
        else:
            _on_choice(one, name, draft)
        _most_apart(one, name, study, draft)
        draft.tables[f"{name}-stimuli"] = one.stimuli
    method, references = words.method(found.found)
    return Part(
        "People beside a model", draft.blocks, draft.tables, draft.pictures, method, references,
        [words.headline(one) for one in found.found],
    )  # fmt: skip


def _on_scale(one: OnScale, name: str, draft: _Draft) -> None:
    if one.off_scale:
        ratings = count(one.off_scale, "rating")
        scale = f"{one.ends[0]:g}…{one.ends[1]:g}"
        text = f"{ratings} of {one.model} outside {scale}. {ADVICE['MODEL_OFF_SCALE']}"
        draft.blocks.append(Caution("MODEL_OFF_SCALE", text))
    draft.blocks += [Paragraph(words.concordance(one)), words.concordance_table(one)]
    found = one.table.set_index("measure")
    rows: list[tuple[str, float, float, float]] = []
    for measure, who in (("r", "Pearson"), ("rho", "Spearman")):
        value, low, high = map(float, found.loc[measure, ["value", "low", "high"]])
        rows.append((f"{one.model} ({who})", value, low, high))
    if np.isfinite(one.one_person):
        rows.append(("One person (mean)", one.one_person, float("nan"), float("nan")))
    ceiling = one.halves.ceiling if one.halves else float("nan")
    _draw(
        draft, f"{name}-correlations", correlations(rows, ceiling),
        "Correlation over stimuli with the mean ratings of people. Bars: 95 % intervals (bootstrap)"
        ". One person: mean correlation of a person with the mean of the others. Grey: beyond the "
        "noise ceiling, which no model can be expected to pass.",
        "; ".join(f"{row[0]}: {share(row[1])}" for row in rows)
        + f"; noise ceiling: {share(ceiling)}",
    )  # fmt: skip
    limits = (one.value("bias"), one.value("lower"), one.value("upper"))
    _draw(
        draft, f"{name}-agreement",
        people_and_model(one.stimuli, one.bins, limits, one.ends, one.model),
        f"Left: mean rating of people by the rating of {one.model}; where the bins leave the "
        "dashed line, the model's ratings mean something else than people's. Right: Bland-Altman "
        "plot, with bias and 95 % limits of agreement.",
        f"Slope of people on model {number(one.value('slope'))}; bias {number(limits[0])}, limits "
        f"of agreement {number(limits[1])} to {number(limits[2])} points.",
    )  # fmt: skip
    draft.tables[f"{name}-concordance"] = one.table
    draft.tables[f"{name}-calibration"] = one.bins
    _mixed(one, name, draft)


def _mixed(one: OnScale, name: str, draft: _Draft) -> None:
    if one.kinds is None:
        draft.blocks.append(Paragraph(f"No mixed model of both kinds of rater: {one.failure}"))
        return
    draft.blocks.append(Code(one.kinds.fit.design.formula.text))
    draft.blocks += [
        Caution(problem.code, f"{problem.found}. {problem.advice}")
        for problem in one.kinds.problems
    ]
    draft.blocks.append(Paragraph(" ".join(words.mixed(one))))
    if len(one.kinds.effects):
        draft.blocks.append(words.effects_table(one.kinds))
        draft.tables[f"{name}-effects"] = one.kinds.effects


def _on_choice(one: OnChoice, name: str, draft: _Draft) -> None:
    draft.blocks.append(Paragraph(words.choice(one)))
    for factor, table in one.confusions.items():
        panels = [_panel(kind, table[table.kind == kind], factor, one.options)
                  for kind in ("people", "model")]  # fmt: skip
        panels = [panel for panel in panels if len(panel.cells)]
        _draw(draft, f"{name}-{factor}", heatmaps(panels, factor),
              f"What people (left) and {one.model} (right) chose, by {factor}.",
              ". ".join(in_words(panel) for panel in panels))  # fmt: skip
        draft.tables[f"{name}-by-{factor}"] = table
    draft.blocks.append(words.against_table(one))
    draft.tables[f"{name}-plurality"] = one.against.rename_axis("plurality").reset_index()


def _panel(kind: str, table: pd.DataFrame, factor: str, options: Sequence[str]) -> Panel:
    cells = table.melt([factor], list(options), var_name="option", value_name="share").dropna()
    cells = cells.rename(columns={factor: "level"})[["level", "option", "share"]]
    order = cells.level.map({level: i for i, level in enumerate(table[factor])})
    cells = cells.assign(order=order).sort_values("order", kind="stable").drop(columns="order")
    return Panel(kind.capitalize(), cells.reset_index(drop=True), {})


def _most_apart(one: OnScale | OnChoice, name: str, study: Study, draft: _Draft) -> None:
    """The stimuli of largest disagreement, with pictures where there are any."""
    apart = most_apart(one, study)
    if apart.stimuli.empty:
        return
    which = "People and the model disagree most about these stimuli"
    if isinstance(one, OnChoice):
        which = "Fewest people (share in brackets) chose the model's option for these stimuli"
    named = [f"{s}: {w}" for s, w in zip(apart.stimuli.stimulus_id, apart.words, strict=True)]
    if apart.picture is None:
        draft.blocks += [Paragraph(f"{which}:"), Bullets(named)]
    else:
        _draw(
            draft,
            f"{name}-apart",
            apart.picture,
            f"{which}.",
            "; ".join(named),
        )
    if apart.missing:
        draft.blocks.append(Paragraph(" ".join(dict.fromkeys(apart.missing))))


def _draw(draft: _Draft, name: str, picture: Picture, caption: str, alt: str) -> None:
    draft.pictures[name] = picture
    draft.blocks.append(Drawing(name, caption, alt))
