"""What the report says about participants and about the tables of ratings themselves."""

from __future__ import annotations

import pandas as pd

from analysis.problems import ADVICE
from analysis.sample.checks import Checks
from analysis.sample.coverage import coverage
from analysis.sample.exclude import Sample
from analysis.sample.flow_chart import flow_chart
from analysis.sample.quality import Criteria, Quality, response_quality
from analysis.text.part import (
    NUMBER,
    TEXT,
    Block,
    Bullets,
    Caution,
    Drawing,
    Heading,
    Paragraph,
    Part,
    Table,
)
from analysis.text.tables import shortened
from analysis.text.words import count, listing, number
from protocols.protocol import Protocol

MOST_LISTS = 8  # columns of the exclusion flow
FLAGS = {
    "long run": "one answer in a row for {run} of a task or more",
    "same answer": "one answer in more than {modal} of a task",
    "too fast": "more than {fast} of answers within {ms:g} ms",
    "inconsistent": "more than {differ} of repeated answers differ",
    "missed check": "missed an attention check",
}


def participants_part(sample: Sample, protocol: Protocol) -> Part:
    """Who took part, who was excluded why, and how carefully people answered."""
    title = "Participants and exclusions"
    if not sample.raters_known:
        said = (
            f"The {len(sample.ratings):,} answers are counts of votes: nobody knows who gave which "
            "answer. No exclusion rule can be applied, and nothing can be said about single raters."
        )
        return Part(title, [Paragraph(said)], {"exclusions": sample.flow})
    quality = response_quality(sample, protocol)
    blocks: list[Block] = [
        Paragraph(_in_words(sample)),
        Drawing("exclusions", "Participants, from taking part to the analysis. Grey numbers: who "
                "is left after each rule.", _alt(sample.flow)),
        _flow_table(sample.flow),
        *([Bullets(notes)] if (notes := _notes(sample)) else []),
        *_disagreements(sample),
        Heading("Response quality"),
        *_quality(quality, sample),
    ]  # fmt: skip
    tables = {"exclusions": sample.flow, "response-quality": quality.people}
    if len(protocol.tasks) > 1:
        tables["response-quality-by-task"] = quality.tasks
    return Part(
        title,
        blocks,
        tables=tables,
        pictures={"exclusions": flow_chart(sample.flow)},
        method=[_method(quality)],
        references=["Curran, 2016", "Eskimez et al., 2021"],
    )


def checks_part(sample: Sample, protocol: Protocol, checks: Checks | None = None) -> Part:
    """What was found in the tables, each with what to do about it; nothing if all is well."""
    checks = sample.checks if checks is None else checks
    findings = (*checks.findings, *coverage(sample, protocol))
    table = pd.DataFrame(
        [(f.code, f.found, f.rows, f.aside, ADVICE[f.code]) for f in findings],
        columns=["code", "found", "rows", "set_aside", "advice"],
    )
    said = "Every row of the tables is as the formats and the protocol say."
    if findings:
        aside = int(checks.aside.sum())
        said = (
            f"{count(len(findings), 'finding')} about the tables of ratings; "
            f"{count(aside, 'row')} set aside: they stay in ratings.csv, but no model, figure or "
            "table uses them."
        )
    cautions = [Caution(f.code, f"{f.found}. {ADVICE[f.code]}") for f in findings]
    return Part("Checks of the data", [Paragraph(said), *cautions], tables={"checks": table})


def warnings(sample: Sample, protocol: Protocol) -> list[str]:
    """The same findings for the terminal, one line each."""
    findings = (*sample.checks.findings, *coverage(sample, protocol))
    return [f"{f.code}: {f.found}. {ADVICE[f.code]}" for f in findings]


def _in_words(sample: Sample) -> str:
    who = "simulated participants" if sample.simulated else "people"
    gone = len(sample.people) - sample.participants
    text = f"{len(sample.people)} {who} took part; {sample.participants} are analysed"
    return f"{text}, {gone} not. Nothing is deleted: who is excluded stays in the tables, marked."


def _alt(flow: pd.DataFrame) -> str:
    steps = [f"{row.reason}: {row.participants}" for row in flow.itertuples()]
    return f"Flow chart. {'; '.join(steps)}."


def _flow_table(flow: pd.DataFrame) -> Table:
    """Exclusion flow, per list; of many lists only the fewest and the most on one."""
    lists = [c for c in flow.columns if c.startswith("list ")]
    many = len(lists) > MOST_LISTS
    rows, left = [], int(flow.participants.iloc[0])
    for row in flow.to_dict("records"):
        excluded = row["step"] not in ("recruited", "analysed")
        left -= row["participants"] if excluded else 0
        each = [row[name] for name in lists]
        shown = [min(each), max(each)] if many else each
        label = f"Excluded: {row['reason']}" if excluded else row["reason"]
        rows.append([label, *map(str, (row["participants"], left, *shown))])
    named = ["Fewest per list", "Most per list"] if many else [name.capitalize() for name in lists]
    head = ["", "Participants", "Left", *named]
    note = "Rules are applied in this order; the first that fails is the reason."
    return Table(head, [TEXT] + [NUMBER] * (2 + len(named)), rows, "Exclusion flow", note)


def _notes(sample: Sample) -> list[str]:
    notes = list(sample.notes)
    if sample.left_out:
        who = count(sample.left_out, "simulated participant")
        notes.append(f"{who} in the same tables do not count: real and simulated data never mix.")
    return notes


def _disagreements(sample: Sample) -> list[Block]:
    if not sample.disagreements:
        return []
    said = (
        "When the answers came in, these participants were judged otherwise than by the protocol "
        "as it is now. The protocol decides."
    )
    return [Paragraph(said), Bullets(sample.disagreements)]


def _quality(quality: Quality, sample: Sample) -> list[Block]:
    unexcluded = quality.unexcluded
    text = (
        "Common signs of careless answers, whatever the rules of the protocol say; a sign is a "
        "reason to look, not a verdict."
    )
    if len(unexcluded):
        who = count(len(unexcluded), "analysed participant")
        text += (
            f" {who} would be excluded by one of these criteria, but not by the protocol. Rules "
            "that are added after looking at the data make tests too optimistic: report results "
            "with and without, and state these criteria before the next study."
        )
    else:
        text += " Nobody who is analysed shows any of them."
    return [Paragraph(text), _criteria_table(quality), *_people_table(quality, sample)]


def _criteria_table(quality: Quality) -> Table:
    people, rows = quality.people, []
    for flag, sentence in FLAGS.items():
        met = people.signs.str.split(", ").map(lambda flags, flag=flag: flag in flags)
        kept = met & people.excluded.isna()
        rows.append(
            [_filled(sentence, quality.criteria), str(int(met.sum())), str(int(kept.sum()))]
        )
    head = ["Criterion", "Participants", "of them analysed"]
    note = f"Run and share: tasks with {quality.criteria.least} answers or more."
    return Table(head, [TEXT, NUMBER, NUMBER], rows, "Participants by common criteria", note)


def _people_table(quality: Quality, sample: Sample) -> list[Block]:
    """The participants with a sign, worst first; the CSV file has everybody."""
    people = quality.people
    flagged = people[people.signs != ""]
    order = flagged.signs.str.count(",").sort_values(ascending=False, kind="stable").index
    if flagged.empty:
        return []
    reasons = dict(zip(sample.flow.step, sample.flow.reason, strict=True))
    rows = []
    for r in flagged.loc[order].to_dict("records"):
        missed = f"{r['missed']} of {r['checks']}" if r["checks"] else "–"
        excluded = "no" if pd.isna(r["excluded"]) else reasons.get(r["excluded"], r["excluded"])
        rows.append([
            str(r["participant"]), str(r["longest_run"]).removesuffix(".0").replace("nan", "–"),
            _percent(r["modal_share"]),
            "–" if pd.isna(r["sd"]) else number(r["sd"]), _percent(r["too_fast"]),
            "–" if pd.isna(r["median_rt_ms"]) else number(r["median_rt_ms"], 0),
            _percent(r["inconsistent"]), missed, r["signs"], excluded,
        ])  # fmt: skip
    head = ["Participant", "Longest run", "Same answer", "SD", "Too fast", "Median RT (ms)",
            "Repeats differ", "Checks missed", "Signs", "Excluded"]  # fmt: skip
    kinds = [TEXT] + [NUMBER] * 7 + [TEXT] * 2
    note = (
        "Run and share: the largest over tasks; SD: the smallest over scales. Shares in per cent."
    )
    kept = [i for i in range(len(head)) if any(row[i] != "–" for row in rows)]
    head, kinds = [head[i] for i in kept], [kinds[i] for i in kept]
    rows = [[row[i] for i in kept] for row in rows]
    table = Table(head, kinds, rows, "Participants with a sign of careless answers", note)
    return [shortened(table, "response-quality.csv")]


def _filled(sentence: str, criteria: Criteria) -> str:
    return sentence.format(
        run=_percent(criteria.run), modal=_percent(criteria.modal), fast=_percent(criteria.fast),
        ms=criteria.fast_ms, differ=_percent(criteria.differ),
    )  # fmt: skip


def _percent(share: float) -> str:
    return "–" if pd.isna(share) else f"{number(100 * share, 0)}\N{NO-BREAK SPACE}%"


def _method(quality: Quality) -> str:
    criteria = quality.criteria
    used = [_filled(FLAGS[flag], criteria) for flag in ("long run", "same answer", "too fast")]
    text = (
        "Response quality was screened beside the declared exclusions: we list participants with "
        f"{listing(used)} (Curran, 2016)"
    )
    if quality.people.repeats.any():
        allowed = listing([f"{name} {far}" for name, far in quality.tolerance.items()])
        differ = _percent(criteria.differ)
        text += (
            f", or with more than {differ} inconsistent answers to repeated stimuli (Eskimez et "
            f"al., 2021; tolerance: {allowed})"
        )
    return f"{text}."
