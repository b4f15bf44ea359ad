"""What a report says about its engines: which one fitted the models, and what R says beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.reference.engines import Refit
from analysis.reference.fits import LIKELIHOOD_APART
from analysis.reference.side_by_side import SE_APART, Beside
from analysis.text.part import (
    NUMBER,
    TEXT,
    Block,
    Bullets,
    Caution,
    Heading,
    Paragraph,
    Part,
    Table,
)  # fmt: skip
from analysis.text.tables import shortened
from analysis.text.words import degrees, digits_of, listing, number, p_value

TITLE = "A second opinion from R"
TINY = 0.0001
GRAVE = 0.1  # standard errors apart that the summary of a report must mention
CITED = {
    "lme4": "Bates et al., 2015",
    "lmerTest": "Kuznetsova et al., 2017",
    "ordinal": "Christensen, 2022",
    "pbkrtest": "Halekoh & Højsgaard, 2014",
    "pymer4": "Jolly, 2018",
}


def engines_part(refit: Refit) -> Part:
    """The part of a report that says who fitted the models, and how far the engines agree."""
    if not refit.beside:
        return Part(TITLE, [Paragraph(what_r_would_add())])
    blocks: list[Block] = [Paragraph(_which(refit)), Paragraph(summary(refit.beside))]
    for beside in refit.beside:
        blocks += _model(beside, refit)
    tables = {f"{b.model.id}-engines": b.table for b in refit.beside if b.theirs is not None}
    return Part(
        TITLE, blocks, tables=tables, method=_method(refit), references=_references(refit),
        headline=_headline(refit.beside),
    )  # fmt: skip


def what_r_would_add() -> str:
    """What a report without R lacks, and how to get it."""
    return (
        "All models of this report were fitted by mien's own engine, without R. With R, lme4 and "
        "lmerTest installed, mien report DIR --engine both fits every model a second time in R "
        "and puts the two engines beside each other: estimates, standard errors, degrees of "
        "freedom, p values and likelihoods; --engine rscript (or pymer4) shows R's numbers "
        "throughout. The script models.R beside this page fits them all in R by itself, from "
        "ratings.csv."
    )


def _which(refit: Refit) -> str:
    by = f"R {_versions(refit.beside).get('R', '')}".strip()
    if refit.engine == "both":
        return (
            "The results of this report are those of mien's own engine. Every model was fitted a "
            f"second time by {by}, from the same numeric columns."
        )
    return (
        f"The models of this report were fitted by {by}, from mien's numeric columns; their "
        "coefficients and comparisons are shown throughout. Below they stand beside those of "
        "mien's own engine. Likelihood-ratio tests and the reduction of random effects are mien's."
    )


def summary(found: Sequence[Beside]) -> str:
    """How far the engines agree over all models, and their largest difference."""
    compared = [beside for beside in found if beside.theirs is not None]
    agreeing = [beside for beside in compared if beside.agree]
    if not compared:
        return "R fitted none of the models."
    if len(compared) == 1:
        start = "Both engines agree" if agreeing else "The engines do not agree"
    elif len(agreeing) == len(compared):
        start = f"Both engines agree in all {len(compared)} models"
    else:
        start = f"Both engines agree in {len(agreeing)} of {len(compared)} models"
    largest = max(compared, key=lambda beside: beside.apart)
    return (
        f"{start}: no estimate or standard error differs by more than {_bound(largest.apart)} "
        f"standard errors, and no log likelihood by more than "
        f"{_bound(max(abs(beside.likelihood_gain) for beside in compared))}."
    )


def _model(beside: Beside, refit: Refit) -> list[Block]:
    blocks: list[Block] = [Heading(beside.model.title or beside.model.id)]
    if beside.theirs is None:
        shown = "Its results in this report are those of mien's own engine."
        return [*blocks, Caution("ENGINE_FAILED", f"{beside.failure}. {shown}")]
    table = shortened(_table(beside), f"{beside.model.id}-engines.csv")
    blocks += [table, Paragraph(_verdict(beside))]
    if not beside.agree:
        blocks.append(Caution("ENGINES_DIFFER", _difference(beside)))
    said = list(dict.fromkeys(beside.theirs.answer.warnings))
    if said:
        blocks.append(Bullets([f"R says: {warning}" for warning in said]))
    if beside.agree and any("failed to converge" in warning for warning in said):
        blocks.append(Paragraph(
            "lme4's check of convergence raises many false alarms. Two engines that search in "
            "different ways have found the same optimum here: this is one of them."
        ))  # fmt: skip
    if not beside.same_tests:
        blocks.append(Paragraph(
            "R could not give Kenward and Roger's tests of so many ratings; its standard errors, "
            "degrees of freedom and p values are Satterthwaite's and cannot be compared with ours."
        ))  # fmt: skip
    return blocks


def _table(beside: Beside) -> Table:
    assert beside.theirs is not None
    z = bool(np.isinf(beside.table.df).all())
    pairs = ("b", "SE", "p") if z else ("b", "SE", "df", "p")
    head = ["", *(f"{name} {who}" for name in pairs for who in ("mien", "R")), "difference"]
    rows = [_row(row, z) for _, row in beside.table.iterrows()]
    kinds = [TEXT, *[NUMBER] * (len(head) - 1)]
    note = (
        f"R: {beside.theirs.engine}. Difference: the larger one of estimate and standard error, in "
        f"standard errors. Log likelihood: {number(beside.own.log_likelihood, 4)} (mien), "
        f"{number(beside.theirs.log_likelihood, 4)} (R)."
    )
    return Table(head, kinds, rows, f"{beside.model.id}: two engines", note)


def _row(row: pd.Series, z: bool) -> list[str]:
    digits = digits_of(row.se) + 1
    cells = [row.term, *(number(row[name], digits) for name in
                         ("estimate", "estimate_r", "se", "se_r"))]  # fmt: skip
    if not z:
        cells += [degrees(row.df), degrees(row.df_r)]
    return [*cells, p_value(row.p), p_value(row.p_r),
            _size(row.apart).replace("less than", "<")]  # fmt: skip


def _verdict(beside: Beside) -> str:
    if beside.agree:
        return (
            f"The engines agree: the largest difference is {_size(beside.apart)} standard errors "
            f"at {beside.where}, and the log likelihoods differ by "
            f"{_size(abs(beside.likelihood_gain))}. It does not matter which one is reported."
        )
    return (
        f"The engines do not agree: the largest difference is {_size(beside.apart)} standard "
        f"errors at {beside.where}, and the log likelihoods differ by "
        f"{_size(abs(beside.likelihood_gain))}."
    )


def _difference(beside: Beside) -> str:
    """Who is to be believed, as far as the likelihood tells."""
    gain = beside.likelihood_gain
    if abs(gain) > LIKELIHOOD_APART:
        better, worse = ("R", "mien") if gain > 0 else ("mien", "R")
        text = (
            f"{better} has found the better fit of the same model: its log likelihood is higher by "
            f"{_size(abs(gain))}. The engine of {worse} stopped short of it"
        )
    else:
        text = (
            f"Both fits are equally likely (within {LIKELIHOOD_APART}), but an estimate or "
            f"standard error differs by more than {SE_APART} standard errors: the data hardly "
            "tell the variances apart"
        )
    if beside.turned:
        text += f". Significant with one engine only: {listing(beside.turned)}"
    return text


def _size(value: float) -> str:
    """A small difference: `0.0034`, or `less than 0.0001`."""
    if value < TINY:
        return f"less than {TINY}"
    return number(value, 4 if value < 1 else 2)


def _bound(value: float) -> str:
    """The next larger number with four decimals."""
    return number(np.ceil(value / TINY) * TINY, 4) if value < 1 else number(value)


def _versions(found: Sequence[Beside]) -> dict[str, str]:
    """Name -> version of all that R's fits were made with."""
    versions: dict[str, str] = {}
    for beside in found:
        versions |= beside.theirs.answer.versions if beside.theirs else {}
    return versions


def _method(refit: Refit) -> list[str]:
    compared = [beside for beside in refit.beside if beside.theirs is not None]
    if not compared:
        return []
    versions = _versions(compared)
    packages = [f"{name} {number} ({CITED[name]})" for name, number in versions.items()
                if name in CITED and name != "pymer4"]  # fmt: skip
    pymer4 = versions.get("pymer4")
    through = f", through pymer4 {pymer4} ({CITED['pymer4']})" if pymer4 else ""
    start = "Every model was fitted a second time in"
    if refit.engine != "both":
        start = "The coefficients and comparisons reported are those of"
    apart = max(beside.apart for beside in compared)
    return [
        f"{start} R {versions['R']} with {listing(packages)}{through}. Estimates and standard "
        f"errors of mien's engine and of R differed by at most {_bound(apart)} standard errors."
    ]


def _references(refit: Refit) -> list[str]:
    return [CITED[name] for name in _versions(refit.beside) if name in CITED]


def _headline(found: Sequence[Beside]) -> list[str]:
    doubtful = [b.model.title or b.model.id for b in found if b.theirs is not None and _grave(b)]
    if not doubtful:
        return []
    return [f"R and mien do not agree on {listing(doubtful)}; see “{TITLE}”."]


def _grave(beside: Beside) -> bool:
    """Whether conclusions may depend on the engine."""
    unlike = abs(beside.likelihood_gain) > LIKELIHOOD_APART or bool(beside.turned)
    return unlike or (beside.same_tests and beside.apart > GRAVE)
