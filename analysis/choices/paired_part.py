"""What the report says about paired ratings: signed-rank tests between the levels of a factor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.choices.paired import PairedTests
from analysis.problems import ADVICE
from analysis.text.part import NUMBER, TEXT, Block, Caution, Paragraph, Part, Table
from analysis.text.words import interval, number, p_clause, p_value, share
from protocols.protocol import Protocol

LEAST = 6  # pairs that differ: with fewer, no two-sided p can be below .05
UNITS = {"participant": "participants", "identity": "identities"}


def paired_part(protocol: Protocol, found: list[PairedTests]) -> Part | None:
    """Every step `analysis.paired`; None without one."""
    if not found:
        return None
    blocks: list[Block] = []
    tables: dict[str, pd.DataFrame] = {}
    headline = []
    for tests in found:
        step = tests.step
        name = f"paired-{step.task}-{step.factor}"
        tables[name], tables[f"{name}-means"] = tests.table, tests.means.reset_index()
        sentences = [_sentence(tests, row) for row in tests.table.to_dict("records")]
        blocks.append(Paragraph(" ".join(sentences)))
        few = tests.table[tests.table.n - tests.table.zeros < LEAST]
        if len(few):
            pairs = ", ".join(f"{row.later} and {row.earlier}" for row in few.itertuples())
            text = f"Fewer than {LEAST} pairs that differ: {pairs}. {ADVICE['FEW_PAIRS']}"
            blocks.append(Caution("FEW_PAIRS", text))
        blocks.append(_table(tests, protocol.questions[step.task].question))
        headline += [
            _claim(tests, row)
            for row in tests.table.to_dict("records")
            if row["n"] - row["zeros"] >= LEAST
        ]
    method = (
        "Mean ratings of each "
        f"{' or '.join(dict.fromkeys(tests.step.unit for tests in found))} were compared with "
        "two-sided signed-rank tests (Wilcoxon, 1945; exact p values after Streitberg & Röhmel, "
        "1986), corrected by Holm's (1979) method where stated, with the estimate of Hodges and "
        "Lehmann (1963) and the matched-pairs rank-biserial correlation (Kerby, 2014).",
    )
    references = ("Wilcoxon, 1945", "Streitberg & Röhmel, 1986", "Holm, 1979",
                  "Hodges & Lehmann, 1963", "Kerby, 2014")  # fmt: skip
    return Part("Paired ratings", blocks, tables, {}, method, references, headline)


def _corrected(tests: PairedTests) -> bool:
    return tests.step.adjust == "holm" and len(tests.table) > 1


def _claim(tests: PairedTests, row: dict[str, Any]) -> str:
    named = "Holm-adjusted " if _corrected(tests) else ""
    if row["p_adjusted"] < 0.05:
        more = "higher" if row["r"] > 0 else "lower"
        claim = f"{tests.step.task} was {more} for {row['later']} than for {row['earlier']}"
    else:
        claim = f"{tests.step.task} did not differ reliably between {row['later']} and "
        claim += str(row["earlier"])
    return f"{claim} (signed-rank test, {named}{p_clause(row['p_adjusted'])})."


def _sentence(tests: PairedTests, row: dict[str, Any]) -> str:
    return (
        f"{row['later']} against {row['earlier']}: W = {number(row['w'], 1)}, "
        f"{p_clause(row['p'])}"
        + (f", Holm-adjusted {p_clause(row['p_adjusted'])}" if _corrected(tests) else "")
        + f", estimated difference {number(row['estimate'])}, {_limits(row)}, "
        f"r = {share(row['r'])}."
    )


def _limits(row: dict[str, Any]) -> str:
    if not np.isfinite([row["low"], row["high"]]).all():
        return "too few pairs for an interval"
    return f"95 % CI {interval(row['low'], row['high'])}"


def _table(tests: PairedTests, question: str) -> Table:
    rows = [
        [
            f"{row['later']} −\N{NO-BREAK SPACE}{row['earlier']}", str(row["n"]), str(row["zeros"]),
            number(row["mean_later"]), number(row["mean_earlier"]), number(row["estimate"]),
            interval(row["low"], row["high"]) if np.isfinite(row["low"]) else "–",
            number(row["w"], 1), p_value(row["p"]), p_value(row["p_adjusted"]), share(row["r"]),
        ]
        for row in tests.table.to_dict("records")
    ]  # fmt: skip
    units = UNITS[tests.step.unit]
    head = ["Pair", "n", "No difference", "Mean, first", "Mean, second", "Estimate",
            "95 % CI", "W", "p", "p (Holm)" if _corrected(tests) else "p (as is)", "r"]  # fmt: skip
    alone = int(tests.table.incomplete.max()) if len(tests.table) else 0
    note = (
        f"Means of {units} (n) at each level are paired. Estimate: median of all pairwise means of "
        "the differences (Hodges & Lehmann), in points. Pairs without a difference are left out of "
        "the test. r: rank-biserial correlation, −1 to 1."
    )
    if not tests.table.exact.all():
        note += " With more than 200 pairs p is by the normal approximation."
    if alone:
        note += f" Up to {alone} {units} rated only one level of a pair and are left out of it."
    kinds = [TEXT, *[NUMBER] * (len(head) - 1)]
    return Table(head, kinds, rows, f"Signed-rank tests of “{question}”", note)
