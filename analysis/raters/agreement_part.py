"""What the report says about how far people agree."""

from __future__ import annotations

import pandas as pd

from analysis.raters.agreement import (
    A_POINT,
    A_TENTH,
    BY_BOOTSTRAP,
    BY_F,
    BY_LOGIT,
    BY_SPLITS,
    Agreement,
)
from analysis.text.part import NUMBER, TEXT, Block, Heading, Paragraph, Part, Table
from analysis.text.words import count, number, share
from protocols.protocol import Protocol

MEANINGS = {
    "ICC(1,1)": "share of the variance of one rating that lies between stimuli, other raters for "
    "each stimulus",
    "ICC(A,1)": "the same for one rater's absolute ratings (another person's may differ in level)",
    "ICC(C,1)": "the same if raters' own levels do not count (consistency)",
    "ICC(1,k)": "reliability of a stimulus's mean, other raters for each stimulus",
    "ICC(A,k)": "reliability of a stimulus's mean rating",
    "ICC(C,k)": "reliability of differences between stimuli's mean ratings",
    "alpha (nominal)": "Krippendorff's α: 1 perfect agreement, 0 chance",
    "alpha (ordinal)": "Krippendorff's α, points as ranks",
    "alpha (interval)": "Krippendorff's α, points as numbers",
    "Fleiss' kappa": "1 perfect agreement, 0 chance",
    "same answer": "share of pairs of people with the same answer to a stimulus",
    A_POINT: "share of pairs of people at most one point apart",
    A_TENTH: "share of pairs of people at most a tenth of the line apart",
    "split-half reliability": "of the mean ratings of all people (Spearman-Brown)",
}
SHOWN = {
    "alpha (nominal)": "Krippendorff's α (nominal)",
    "alpha (ordinal)": "Krippendorff's α (ordinal)",
    "alpha (interval)": "Krippendorff's α (interval)",
    "Fleiss' kappa": "Fleiss' κ",
}
INTERVALS = {BY_F: "F", BY_LOGIT: "delta method, logit", BY_BOOTSTRAP: "bootstrap",
             BY_SPLITS: "over random splits"}  # fmt: skip
LOW = 0.5  # reliability of mean ratings below which single stimuli cannot be told apart


def agreement_part(found: list[Agreement], protocol: Protocol) -> Part | None:
    """Agreement in every task; nothing if no task has answers that can be compared."""
    if not found:
        return None
    blocks: list[Block] = []
    for one in found:
        name = f"{one.task}, box “{one.box}”" if one.box else one.task
        asked = protocol.questions.get(one.task)
        blocks.append(Heading(f"{name}: “{asked.question}”" if asked and not one.box else name))
        blocks.append(Paragraph(" ".join([_who(one), *one.notes, *_in_words(one)])))
        if len(one.table):
            blocks.append(_table(one))
    told = [one for one in found if len(one.table)] or found[:1]  # nothing can be said of others
    table = pd.concat(
        [one.table.assign(task=one.task, box=one.box, stimuli=one.stimuli, raters=one.raters)
         for one in told], ignore_index=True)  # fmt: skip
    front = ["task", "box", "stimuli", "raters"]
    table = table[[*front, *(c for c in table.columns if c not in front)]]
    sentences, references = _method(found)
    return Part(
        "Agreement between raters",
        blocks,
        tables={"agreement": table},
        method=sentences,
        references=references,
    )


def _who(one: Agreement) -> str:
    least, mean, most = one.per_stimulus
    who = count(one.raters, "rater") if one.raters else "Unknown raters"
    if one.complete:
        return f"{who}, each of whom answered all {count(one.stimuli, 'stimulus', 'stimuli')}."
    each = f"{least}" if least == most else f"{least} to {most} (harmonic mean {number(mean, 1)})"
    return f"{who} and {count(one.stimuli, 'stimulus', 'stimuli')}, with {each} answers each."


def _in_words(one: Agreement) -> list[str]:
    """What the numbers mean, and a warning where single stimuli cannot be told apart."""
    if one.scale:
        mean = next((one.value(m) for m in ("ICC(A,k)", "split-half reliability")
                     if one.value(m) == one.value(m)), None)  # fmt: skip
        single = one.value("ICC(A,1)")
        said = []
        if single == single:
            said.append(
                f"{100 * max(single, 0):.0f} % of the variance of single ratings lies between "
                "stimuli; the rest are differences between people and chance."
            )
        if mean is not None and mean < LOW:
            said.append(
                "Mean ratings of single stimuli are not reliable here: do not rank or choose "
                "stimuli by them. Effects of conditions, which average many stimuli, are another "
                "matter: see the mixed models."
            )
        return said
    same = one.value("same answer")
    if same != same:
        return []
    return [f"Two people gave a stimulus the same answer in {100 * same:.0f} % of cases."]


def _table(one: Agreement) -> Table:
    rows = []
    for r in one.table.itertuples():
        measure = str(r.measure)
        low, high = share(float(r.low)), share(float(r.high))  # type: ignore[arg-type]
        within = f"[{low}, {high}]" if "NA" not in (low, high) else "–"
        rows.append([SHOWN.get(measure, measure), share(float(r.value)), within,  # type: ignore[arg-type]
                     INTERVALS[str(r.interval)], MEANINGS[measure]])  # fmt: skip
    kinds = [TEXT, NUMBER, NUMBER, TEXT, TEXT]
    head = ["Measure", "Value", "95 %", "Interval", "What it says"]
    mean = number(one.per_stimulus[1], 1)
    note = f"k = {mean} raters per stimulus." if one.scale and one.raters else ""
    if one.scale and one.raters and not one.complete:
        note += (
            " No ICC(C,k): stimuli had different raters, whose own levels do not cancel between "
            "the means of stimuli."
        )
    return Table(head, kinds, rows, f"Agreement in {one.box or one.task}", note)


def _method(found: list[Agreement]) -> tuple[list[str], list[str]]:
    """Sentences for the method section, and whom they cite."""
    text, cited = [], []
    hows = {str(how) for one in found for how in one.table.interval}
    if BY_F in hows:
        text.append(
            "Where every rater answered every stimulus, intraclass correlations and their 95 % "
            "intervals follow Shrout and Fleiss (1979) and McGraw and Wong (1996)."
        )
        cited += ["Shrout & Fleiss, 1979", "McGraw & Wong, 1996"]
    if BY_LOGIT in hows:
        text.append(
            "Where raters answered different stimuli, intraclass correlations come from the "
            "variance components of mixed models with crossed random intercepts of stimuli and "
            "raters (REML), with the harmonic mean of the number of raters per stimulus as k "
            "(ten Hove et al., 2022) and intervals by the delta method on the logit."
        )
        cited.append("ten Hove et al., 2022")
    if BY_BOOTSTRAP in hows:
        unit = "identities" if all(one.by_identity for one in found) else "stimuli"
        kappa = any((one.table.measure == "Fleiss' kappa").any() for one in found)
        names = "Krippendorff's α (Krippendorff, 2011)"
        names += (
            " and Fleiss' κ (Fleiss, 1971; for unequal numbers of raters, Gwet, 2014)"
            if kappa else ""
        )  # fmt: skip
        text.append(
            f"Agreement beyond chance is {names}, with percentile intervals of a bootstrap over "
            f"{unit} (Zapf et al., 2016)."
        )
        cited += ["Krippendorff, 2011", *(["Fleiss, 1971", "Gwet, 2014"] if kappa else []),
                  "Zapf et al., 2016"]  # fmt: skip
    if BY_SPLITS in hows:
        text.append(
            "Split-half reliability is the mean over 1,000 random halves of the raters, dealt "
            "within lists, after the Spearman-Brown correction."
        )
    return text, cited
