"""What the report says about the face against the voice."""

from __future__ import annotations

import pandas as pd

from analysis.choices.choices_part import cautions, limits, percent
from analysis.choices.modality import (
    AUDIO,
    EITHER,
    FIRST,
    MISMATCHED,
    NEITHER,
    VISUAL,
    Difference,
    Weights,
)
from analysis.choices.shares import MANY
from analysis.figures.bars import grouped_bars
from analysis.figures.charts import Picture
from analysis.problems import ADVICE
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
from analysis.text.words import number, p_clause, share
from protocols.protocol import Protocol


def modality_part(protocol: Protocol, found: list[Weights]) -> Part | None:
    """Every step `analysis.modality`; None without one."""
    blocks: list[Block] = []
    tables: dict[str, pd.DataFrame] = {}
    pictures: dict[str, Picture] = {}
    headline = []
    for weights in found:
        if len(found) > 1:
            blocks.append(Heading(protocol.questions[weights.step.task].question))
        blocks += _step(weights, tables, pictures)
        headline += [_claim(d, weights) for d in weights.differences if d.labels == FIRST]
    if not found:
        return None
    method = (
        "Shares of labels that match the emotion of the face and of the voice follow Eskimez et "
        "al. (2021); an answer with two labels matches if either does. Both shares were compared "
        f"over {MANY[found[0].clusters.by]} with a paired t test and a signed-rank test (Wilcoxon, "
        "1945) of their differences in stimuli whose face and voice differ.",
    )
    references = ("Eskimez et al., 2021", "Wilcoxon, 1945")
    return Part("Face or voice", blocks, tables, pictures, method, references, headline)


def _step(
    weights: Weights, tables: dict[str, pd.DataFrame], pictures: dict[str, Picture]
) -> list[Block]:
    step = weights.step
    name = f"modality-{step.task}"
    tables[name] = weights.shares
    two = f"{weights.two:,} of {weights.answers:,} answers have two different labels."
    blocks: list[Block] = [Paragraph(two)] if EITHER in set(weights.shares.labels) else []
    if weights.differences:
        blocks.append(Paragraph(" ".join(_sentence(d, weights) for d in weights.differences)))
        ranks = [vars(d.ranks) for d in weights.differences]
        tests = pd.DataFrame([vars(d) for d in weights.differences]).drop(columns="ranks")
        tables[f"{name}-tests"] = tests.join(pd.DataFrame(ranks).add_prefix("signed_rank_"))
    else:
        blocks.append(Caution("NOT_TOLD_APART", ADVICE["NOT_TOLD_APART"]))
    blocks += [*cautions(weights.clusters), _table(weights), _bars(name, weights, pictures)]
    return blocks


def _table(weights: Weights) -> Table:
    rows = []
    for (stimuli, labels), part in weights.shares.groupby(["stimuli", "labels"], sort=False):
        cells = part.set_index("modality")
        shares = [
            f"{percent(cells.share[kind])} {limits(cells.low[kind], cells.high[kind])}"
            for kind in (VISUAL, AUDIO, NEITHER)
        ]
        rows.append([str(stimuli), str(labels), *shares, str(cells.answers.iloc[0])])
    head = ["Stimuli", "Counted", "Visual (%)", "Audio (%)", "Neither (%)", "Answers"]
    note = (
        f"A label drawn at random matches in {percent(weights.chance)} %. 95 % intervals "
        f"{weights.clusters.over}. In mismatched stimuli face and voice differ. Repeated showings "
        f"do not count. Confusion matrices of {weights.step.visual} and {weights.step.audio}: see "
        "the part on choices."
    )
    kinds = [TEXT, TEXT, NUMBER, NUMBER, NUMBER, NUMBER]
    return Table(head, kinds, rows, "Answers that match the face and the voice", note)


def _bars(name: str, weights: Weights, pictures: dict[str, Picture]) -> Drawing:
    shown = weights.shares[weights.shares.modality != NEITHER]
    table = shown.assign(
        level=shown.modality, option=shown.stimuli + " stimuli, " + shown.labels,
        number=100 * shown.share,
    )  # fmt: skip
    pictures[name] = grouped_bars(
        table, legend="matches", x="", y="Answers (%)", numbers="number",
        reference=(weights.chance, "chance\n(first label)"),
    )  # fmt: skip
    words = "; ".join(
        f"{row.option}, {row.level}: {percent(row.share)} %" for row in table.itertuples()
    )
    caption = (
        "Answers that match the emotion of the face (visual) and of the voice (audio), in per "
        f"cent; bars: 95 % confidence intervals {weights.clusters.over}."
    )
    return Drawing(name, caption, f"Bar chart. {words}.")


def _claim(found: Difference, weights: Weights) -> str:
    cells = weights.shares.set_index(["stimuli", "labels", "modality"]).share
    face, voice = (cells[MISMATCHED, found.labels, kind] for kind in (VISUAL, AUDIO))
    if found.p < 0.05:
        verdict = f"more often than that of the {'voice' if found.mean > 0 else 'face'}"
        subject = "face" if found.mean > 0 else "voice"
        shares = (face, voice) if found.mean > 0 else (voice, face)
        verdict = f"The emotion of the {subject} was named {verdict}"
    else:
        verdict = "Neither the emotion of the face nor that of the voice was named more often"
        shares = (face, voice)
    return (
        f"{verdict} where both differ ({percent(shares[0])} and {percent(shares[1])} % of answers, "
        f"{found.labels}; {p_clause(found.p)})."
    )


def _sentence(found: Difference, weights: Weights) -> str:
    ranks = found.ranks
    return (
        f"In mismatched stimuli, by the {found.labels}, the share that matches the face exceeds "
        f"the share that matches the voice by {percent(found.mean)} percentage points on average, "
        f"95 % CI {limits(found.low, found.high)}, over {found.n} {MANY[weights.clusters.by]}, "
        f"t({found.df}) = {number(found.t)}, {p_clause(found.p)}, d = "
        f"{number(found.dz)}; signed-rank test: W = {number(ranks.w, 1)}, {p_clause(ranks.p)}, "
        f"r = {share(ranks.r)}."
    )
