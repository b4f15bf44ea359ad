"""How a report looks: one HTML file that needs nothing else.

Tables become rows of words here, pictures `data:` addresses; the template
`templates/report.html.j2` only places them. Jinja2 escapes every word, so that text from a
protocol or a participant cannot become markup.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from analysis.choices.confusion import Choices, Confusion
from analysis.figures.cells import CellMeans
from analysis.figures.charts import Picture
from analysis.mixed.comparisons import Family
from analysis.mixed.fit import Fit
from analysis.text.part import NUMBER, TEXT, Table
from analysis.text.words import degrees, digits_of, interval, number, p_value, share

TEMPLATES = Path(__file__).parent / "templates"
MOST_LISTS = 8  # columns of the exclusion flow
MOST_ROWS = 60  # of a table by cells; the CSV file has all
NO_BREAK = "\N{NO-BREAK SPACE}"
SYMBOL = re.compile(
    r"\b(?P<name>b|SE|t|p|F)(?P<df>\([\d., ]+\))?(?P<sign> (?:=|&lt;|&gt;) )(?=[\d.\N{MINUS SIGN}])"
)


@dataclass(frozen=True)
class Shown:
    """A picture with its caption and its words for those who cannot see it."""

    source: str
    caption: str
    alt: str


def html(**content: Any) -> str:
    """The report's HTML from the template."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["apa"] = apa
    return environment.get_template("report.html.j2").render(**content)


def apa(text: str) -> Markup:
    """Statistical symbols in italics, and no line break inside `p = .033`."""
    safe = str(escape(text))
    return Markup(SYMBOL.sub(_symbol, safe))


def _symbol(found: re.Match[str]) -> str:
    sign = found["sign"].replace(" ", NO_BREAK)
    return f"<i>{found['name']}</i>{found['df'] or ''}{sign}"


def svg(picture: Picture, caption: str, alt: str) -> Shown:
    """A drawn figure, as SVG inside the page."""
    return Shown(data_address(picture.svg, "image/svg+xml"), caption, alt)


def data_address(content: bytes, media_type: str) -> str:
    """`content` as an address that needs no network."""
    return f"data:{media_type};base64,{b64encode(content).decode()}"


def fixed_table(fit: Fit) -> Table:
    """Fixed effects: one row per coefficient."""
    rows = []
    for meaning, (_, r) in zip(fit.design.meanings, fit.fixed.iterrows(), strict=True):
        digits = digits_of(r.se)
        found = [number(r.estimate, digits), number(r.se, digits), interval(r.low, r.high, digits)]
        rows.append([r.term, meaning, *found, degrees(r.df), number(r.t), p_value(r.p)])
    head = ["Coefficient", "What it is", "b", "SE", "95 % CI", "df", "t", "p"]
    return Table(head, [TEXT, TEXT] + [NUMBER] * 6, rows, "Fixed effects", "df: Satterthwaite.")


def random_table(fit: Fit) -> Table:
    """Random effects: standard deviations and correlations."""
    counts = fit.groups
    widest = max(len(c) for c in fit.random.correlations)
    rows = []
    for _, r in fit.random.iterrows():
        correlations = [share(c) if c == c else "–" for c in r.correlations]
        correlations += [""] * (widest - len(correlations))
        rows.append([r.group, r.effect, str(counts.get(r.group, "")), number(r.sd), *correlations])
    head = ["Group", "Effect", "N", "SD"] + [f"r with {i}." for i in range(1, widest + 1)]
    kinds = [TEXT, TEXT] + [NUMBER] * (2 + widest)
    marginal, conditional = fit.r_squared
    note = (
        f"N = {fit.n} ratings. {'REML' if fit.reml else 'ML'} criterion {number(fit.deviance, 1)}, "
        f"log likelihood {number(fit.log_likelihood, 1)}, AIC {number(fit.aic, 1)}. "
        f"R² marginal {share(marginal)}, conditional {share(conditional)} "
        "(Nakagawa & Schielzeth, 2013; Johnson, 2014)."
    )
    if widest:
        note += " “r with 1.” is the correlation with the group's first effect, and so on."
    return Table(head, kinds, rows, "Random effects", note)


def family_table(family: Family, fit: Fit) -> Table:
    """The differences of one family."""
    holm = family.comparison.adjust == "holm" and len(family.table) > 1
    head = ["b", "SE", "95 % CI", "df", "t", "p", *(["p (Holm)"] if holm else []), "d"]
    rows = []
    for _, r in family.table.iterrows():
        row = [number(r.estimate), number(r.se), interval(r.low, r.high), degrees(r.df),
               number(r.t), p_value(r.p)]  # fmt: skip
        rows.append([*row, *([p_value(r.p_adjusted)] if holm else []), number(r.d)])
    note = f"d: difference over the SD of a rating around the fixed part ({number(fit.total_sd)})."
    return _of_family(family, head, rows, f"Differences of {family.title}", note)


def equivalence_table(family: Family) -> Table | None:
    """The equivalence tests of one family, if the protocol sets a bound."""
    bound = family.comparison.equivalence
    if bound is None:
        return None
    rows = [
        [interval(r.low90, r.high90), p_value(r.p_equivalence), "yes" if r.equivalent else "no"]
        for _, r in family.table.iterrows()
    ]
    note = (
        "p: the larger of two one-sided tests, uncorrected; the 90 % interval lies within the "
        "bounds if p < .05. “No” does not mean that there is a difference."
    )
    caption = f"Equivalence to zero within ±{number(bound)} points"
    return _of_family(family, ["90 % CI", "p", "Equivalent"], rows, caption, note)


def _of_family(
    family: Family, head: list[str], rows: list[list[str]], caption: str, note: str
) -> Table:
    """`rows`, with what each difference is in front."""
    at = family.comparison.at
    first = [
        [*([r["at"]] if at else []), f"{r.later} − {r.earlier}"] for _, r in family.table.iterrows()
    ]
    named = [*([at] if at else []), "Difference"]
    whole = [[*a, *b] for a, b in zip(first, rows, strict=True)]
    kinds = [TEXT] * len(named) + [NUMBER] * len(head)
    return Table([*named, *head], kinds, whole, caption, note)


def shortened(table: Table, file: str) -> Table:
    """The first rows of a long table, and where the others are."""
    if len(table.rows) <= MOST_ROWS:
        return table
    note = (
        f"{table.note} The first {MOST_ROWS} of {len(table.rows)} rows; all are in tables/{file}."
    )
    return replace(table, rows=table.rows[:MOST_ROWS], note=note.strip())


def means_table(means: CellMeans, factors: Sequence[str], caption: str) -> Table:
    """Means per cell."""
    rows = [
        [*(r[f] for f in factors), number(r["mean"]), interval(r.low, r.high), str(r.n)]
        for _, r in means.cells.iterrows()
    ]
    head = [*factors, "Mean", "95 % CI", "Participants"]
    kinds = [TEXT] * len(factors) + [NUMBER] * 3
    return Table(head, kinds, rows, caption, f"Confidence intervals: {means.interval}.")


def flow_table(flow: pd.DataFrame) -> Table:
    """Exclusion flow, per list; of many lists only the fewest and the most on one."""
    lists = [c for c in flow.columns if c.startswith("list ")]
    many = len(lists) > MOST_LISTS
    rows = []
    for row in flow.to_dict("records"):
        label = row["reason"]
        if row["step"] not in ("recruited", "analysed"):
            label = f"Excluded: {label}"
        each = [row[name] for name in lists]
        shown = [min(each), max(each)] if many else each
        rows.append([label, str(row["participants"]), *map(str, shown)])
    named = ["Fewest per list", "Most per list"] if many else [name.capitalize() for name in lists]
    head = ["", "Participants", *named]
    return Table(head, [TEXT] + [NUMBER] * (1 + len(named)), rows, "Exclusion flow")


def counts_table(counts: pd.DataFrame, factors: Sequence[str]) -> Table:
    """Ratings, participants and identities per cell."""
    rows = [[str(row[c]) for c in counts.columns] for row in counts.to_dict("records")]
    head = [*factors, "Ratings", "Participants", "Identities"]
    kinds = [TEXT] * len(factors) + [NUMBER] * 3
    return Table(head, kinds, rows, "Analysed ratings per cell of the design")


def shares_table(choices: Choices, factors: Sequence[str]) -> Table:
    """Shares of options per cell, in per cent."""
    return _percent(choices.shares, factors, "Choices in per cent of each row",
                    "Several boxes may be ticked." if choices.several else "")  # fmt: skip


def confusion_table(confusion: Confusion) -> Table:
    """A confusion matrix, in per cent of each row."""
    note = (
        f"Choices matched {confusion.factor} in {number(100 * confusion.accuracy, 1)} % of trials, "
        f"95 % CI {interval(100 * confusion.low, 100 * confusion.high, 1)} over participants; "
        f"chance is {number(100 * confusion.chance, 1)} %."
    )
    caption = f"Confusion matrix: {confusion.factor} (rows) by choice (columns)"
    return _percent(confusion.table, [confusion.factor], caption, note)


def _percent(table: pd.DataFrame, factors: Sequence[str], caption: str, note: str) -> Table:
    options = [c for c in table.columns if c not in (*factors, "n")]
    rows = [
        [
            *(str(row[f]) for f in factors),
            *(number(100 * row[o], 1) for o in options),
            str(row["n"]),
        ]
        for row in table.to_dict("records")
    ]
    head = [*factors, *options, "n"]
    return Table(head, [TEXT] * len(factors) + [NUMBER] * (len(options) + 1), rows, caption, note)
