"""What the report says about choices: recognition, confusion matrices, ticked boxes."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pandas as pd

from analysis.choices.confusion import Choices, Confusion
from analysis.choices.counts import Counts
from analysis.choices.shares import MANY, Clusters
from analysis.choices.votes import plurality, plurality_summary, votes_of
from analysis.figures.charts import Picture
from analysis.figures.heatmaps import Panel, heatmaps, in_words
from analysis.problems import ADVICE
from analysis.sample.exclude import Sample
from analysis.text.part import (
    NUMBER,
    TEXT,
    Block,
    Caution,
    Drawing,
    Heading,
    Paragraph,
    Part,
    Table,
)
from analysis.text.tables import shortened
from analysis.text.words import number
from protocols.protocol import Protocol

FEW = 10  # clusters: with fewer, intervals are rough
LEAST_VOTES = 3  # median votes for a stimulus, for plurality labels to mean anything


def choices_part(protocol: Protocol, sample: Sample, choices: list[Choices]) -> Part | None:
    """Every forced choice and checkboxes task; None if nothing was chosen."""
    blocks: list[Block] = []
    tables: dict[str, pd.DataFrame] = {}
    pictures: dict[str, Picture] = {}
    headline = []
    declared = {(f.task, f.x) for f in protocol.analysis.figures if f.kind == "confusion"}
    for choice in choices:
        blocks.append(Heading(f"{choice.task}: “{choice.question}”"))
        for confusion in choice.confusions:
            headline.append(accuracy_sentence(choice.task, confusion))
            drawn = (choice.task, confusion.factor) in declared
            blocks += _confusion(choice.task, confusion, tables, pictures, drawn=drawn)
        blocks += _split(choice, tables, pictures)
        for counts in choice.counts:
            blocks += _counts(choice.task, counts, tables)
        blocks += _votes(protocol, sample, choice, tables)
        tables[f"{choice.task}-choices"] = choice.shares
        blocks.append(_shares(choice, protocol))
    if not blocks:
        return None
    method, references = _method(choices)
    return Part("Choices", blocks, tables, pictures, method, references, headline)


def _method(choices: list[Choices]) -> tuple[list[str], list[str]]:
    """Sentences for the method section, and whom they cite."""
    clusters = [c.clusters for choice in choices for c in (*choice.confusions, *choice.counts)]
    if not clusters:
        return [], []
    sentences = [
        "Intervals of shares of choices are Wilson's with an effective number of answers (Korn & "
        f"Graubard, 1998) {clusters[0].over}: answers that belong together do not count as "
        "independent."
    ]
    if not any(choice.confusions for choice in choices):
        return sentences, ["Korn & Graubard, 1998"]
    sentences.append(
        "Recognition is given as hit rate and as unbiased hit rate (Wagner, 1993), the latter with "
        f"intervals from a bootstrap over {MANY[clusters[0].by]}."
    )
    return sentences, ["Korn & Graubard, 1998", "Wagner, 1993"]


def accuracy_sentence(task: str, confusion: Confusion) -> str:
    """`47.9 % of 990 answers to feeling matched emotion, 95 % CI [44.6, 51.2] …`."""
    at = f" at {confusion.at[0]} = {confusion.at[1]}" if confusion.at else ""
    said = (
        f"{percent(confusion.accuracy)} % of {confusion.answers:,} answers to {task}{at} matched "
        f"{confusion.factor}"
    )
    if np.isnan(confusion.low):
        return f"{said}; these are too few for an interval."
    verdict = "above" if confusion.low > confusion.chance else "not reliably above"
    if confusion.high < confusion.chance:
        verdict = "below"
    return (
        f"{said}, 95 % CI {limits(confusion.low, confusion.high)} "
        f"{confusion.clusters.over}; {verdict} chance ({percent(confusion.chance)} %)."
    )


def cautions(clusters: Clusters) -> list[Block]:
    """Why intervals over these clusters should be read with care, if they should."""
    out: list[Block] = []
    if clusters.known and clusters.by != "participant":
        found = f"Answers of one participant; intervals are over {MANY[clusters.by]}."
        out.append(Caution("ONE_PARTICIPANT", f"{found} {ADVICE['ONE_PARTICIPANT']}"))
    elif not clusters.known:
        found = "It is not known which answers are one participant's."
        out.append(Caution("UNKNOWN_RATERS", f"{found} {ADVICE['UNKNOWN_RATERS']}"))
    if clusters.count < FEW:
        found = f"Intervals over {clusters.count} {MANY[clusters.by]}."
        out.append(Caution("FEW_CLUSTERS", f"{found} {ADVICE['FEW_CLUSTERS']}"))
    return out


def _confusion(
    task: str, confusion: Confusion, tables: dict[str, pd.DataFrame],
    pictures: dict[str, Picture], *, drawn: bool,
) -> list[Block]:  # fmt: skip
    """One matrix; its heat map only if it is not `drawn` among the declared figures."""
    name = f"{task}-by-{confusion.factor}"
    tables[name], tables[f"{name}-cells"] = confusion.table, confusion.cells
    tables[f"{name}-recognition"] = confusion.hits
    blocks = [Paragraph(accuracy_sentence(task, confusion)), *cautions(confusion.clusters)]
    if not drawn:
        panel = Panel("", confusion.cells, confusion.match)
        pictures[name] = heatmaps([panel], f"Shown ({confusion.factor})")
        caption = (
            f"Confusion matrix: {confusion.factor} (rows) by choice (columns), in per cent of the "
            "row; frames: the option that means the level."
        )
        blocks.append(Drawing(name, caption, f"Heat map. {in_words(panel)}."))
    return [*blocks, recognition_table(confusion)]


def recognition_table(confusion: Confusion) -> Table:
    """Hit rates, unbiased hit rates, precision and F1 per level."""
    rows = [
        [
            row.level, str(row.n),
            *(f"{percent(getattr(row, name))} "
              f"{limits(getattr(row, f'{name}_low'), getattr(row, f'{name}_high'))}"
              for name in ("hit_rate", "unbiased")),
            percent(row.unbiased_chance),
            *(percent(getattr(row, name)) for name in ("precision", "f1")),
        ]
        for row in confusion.hits.itertuples()
    ]  # fmt: skip
    head = [confusion.factor, "Answers", "Hit rate [95 % CI]", "Unbiased hit rate [95 % CI]",
            "by chance", "Precision", "F1"]  # fmt: skip
    note = (
        "In per cent. Hit rate (recall): share of the answers to a level that name it; precision: "
        "share of the answers naming a level that are right; unbiased hit rate: their product, "
        f"beside its value if choices had nothing to do with {confusion.factor}. Intervals "
        f"{confusion.clusters.over}."
    )
    caption = f"Recognition of {confusion.factor}"
    return Table(head, [TEXT, *[NUMBER] * 6], rows, caption, note)


def _split(
    choice: Choices, tables: dict[str, pd.DataFrame], pictures: dict[str, Picture]
) -> list[Block]:
    """Matrices at each level of another factor, side by side."""
    blocks: list[Block] = []
    for (factor, other), found in groupby(
        choice.split, key=lambda c: (c.factor, c.at[0] if c.at else "")
    ):
        each = list(found)
        name = f"{choice.task}-by-{factor}-at-{other}"
        levels = [c.at[1] for c in each if c.at]
        for ending, part in (("cells", "cells"), ("recognition", "hits")):
            tables[f"{name}-{ending}"] = pd.concat(
                [getattr(c, part).assign(**{other: level}) for c, level in zip(each, levels,
                                                                               strict=True)],
                ignore_index=True,
            )  # fmt: skip
        panels = [
            Panel(f"{other} = {level}", c.cells, c.match)
            for c, level in zip(each, levels, strict=True)
        ]
        pictures[name] = heatmaps(panels, f"Shown ({factor})")
        rows = [[level, str(c.answers), percent(c.accuracy), limits(c.low, c.high)]
                for c, level in zip(each, levels, strict=True)]  # fmt: skip
        table = Table(
            [other, "Answers", "Matching (%)", "95 % CI"], [TEXT, NUMBER, NUMBER, NUMBER], rows,
            f"Answers that match {factor}, by {other}",
            f"Chance: {percent(each[0].chance)} %. Intervals {each[0].clusters.over}.",
        )  # fmt: skip
        tables[f"{name}-accuracy"] = pd.DataFrame({
            other: levels, "answers": [c.answers for c in each],
            "accuracy": [c.accuracy for c in each], "low": [c.low for c in each],
            "high": [c.high for c in each],
        })  # fmt: skip
        blocks += [
            table,
            Drawing(name, f"Confusion matrices of {factor}, by {other}, in per cent of the row.",
                    f"Heat maps. {'. '.join(in_words(panel) for panel in panels)}."),
        ]  # fmt: skip
    return blocks


def _counts(task: str, counts: Counts, tables: dict[str, pd.DataFrame]) -> list[Block]:
    tables[f"{task}-by-{counts.factor}"] = counts.table
    options = list(dict.fromkeys(counts.table.option))
    together = counts.together.set_index("level")
    rows = []
    for level, each in counts.table.groupby("level", sort=False):
        cells = each.set_index("option")
        rows.append([
            str(level),
            *(f"{cells.votes[o]} ({percent(cells.share[o], 0)} % "
              f"{limits(cells.low[o], cells.high[o], 0)})" for o in options),
            str(together.votes[level]), str(together.answers[level]),
        ])  # fmt: skip
    head = [str(counts.factor), *options, "Votes in all", "Answers"]
    note = (
        "Votes, and the share of answers that ticked the option with its 95 % interval "
        f"{counts.clusters.over}. Votes in all leave out an option that says that none applies."
    )
    caption = f"Ticked options by {counts.factor}"
    return [Table(head, [TEXT, *[NUMBER] * (len(head) - 1)], rows, caption, note)]


def _votes(
    protocol: Protocol, sample: Sample, choice: Choices, tables: dict[str, pd.DataFrame]
) -> list[Block]:
    """What most people chose for each stimulus, where there are enough votes."""
    if not choice.confusions:
        return []
    options = list(protocol.questions[choice.task].options)
    votes = votes_of(sample, protocol, choice.task)
    found = plurality(votes, options)
    if found.votes.median() < LEAST_VOTES:
        return []
    labels = found.labels.map(lambda labels: "; ".join(labels))
    tables[f"{choice.task}-votes"] = votes.assign(
        votes=found.votes, labels=labels, agreement=found.agreement
    )
    sentences = []
    for confusion in choice.confusions:
        said = plurality_summary(votes, options, confusion.factor, protocol)
        sentences.append(
            f"For {percent(said['matching'])} % of {len(votes):,} stimuli most "
            f"answers named the level of {confusion.factor}."
        )
    ties = float((found.labels.map(len) > 1).mean())
    sentences.append(
        f"For {percent(ties)} % two or more options tied. On average "
        f"{percent(float(found.agreement.mean()))} % of the answers to a stimulus named its most "
        f"chosen option (median: {number(float(found.votes.median()), 0)} answers to a stimulus)."
    )
    return [Paragraph(" ".join(sentences))]


def _shares(choice: Choices, protocol: Protocol) -> Table:
    factors = protocol.factors
    options = [c for c in choice.shares.columns if c not in (*factors, "n")]
    rows = [
        [*(str(row[f]) for f in factors), *(percent(row[o]) for o in options), str(row["n"])]
        for row in choice.shares.to_dict("records")
    ]
    head = [*factors, *options, "n"]
    kinds = [TEXT] * len(factors) + [NUMBER] * (len(options) + 1)
    note = "Several boxes may be ticked." if choice.several else ""
    table = Table(head, kinds, rows, "Choices in per cent of each row", note)
    return shortened(table, f"{choice.task}-choices.csv")


def percent(share: float, digits: int = 1) -> str:
    """A share in per cent, without the sign."""
    return number(100 * share, digits)


def limits(low: float, high: float, digits: int = 1) -> str:
    """Limits of a share in per cent: `[44.6, 51.2]`."""
    return f"[{percent(low, digits)}, {percent(high, digits)}]"
