"""What a report says: everything that its page places, from the sample and the models."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from analysis.choices.confusion import Choices
from analysis.figures.charts import Picture
from analysis.figures.pictures import counts_of, means_of, tests
from analysis.mixed import engine
from analysis.results import ModelResult
from analysis.sample.exclude import Sample
from analysis.text import model_tables, model_words, page, words
from analysis.text.method import dates, method, versions
from protocols.protocol import Protocol
from protocols.study import Study, protocol_hash
from protocols.tasks import NUMERIC

SHEET = "contact-sheet.png"
SHEET_WIDTH = 1500  # pixels in the page; the file itself stays as it is
SIMULATED = (
    "These are simulated data. Nobody took part: the numbers show what the analysis would say if "
    "people answered as the protocol's simulation assumes."
)


def content(
    study: Study, protocol: Protocol, sample: Sample, models: list[ModelResult],
    choices: list[Choices], pictures: dict[str, Picture],
) -> dict[str, Any]:  # fmt: skip
    """Everything that the template places."""
    return {
        "title": protocol.title,
        "source": protocol.source or "",
        "description": protocol.description or "",
        "banner": SIMULATED if sample.simulated else "",
        "facts": _facts(protocol, sample),
        "headline": _headline(models),
        "figures": _figures(protocol, sample, models, pictures),
        "models": [_model(result, pictures) for result in models],
        "scales": _scales(protocol, sample, pictures),
        "choices": [_choice(choice, protocol) for choice in choices],
        "flow_picture": page.svg(
            pictures["exclusions"], "Participants, from taking part to the analysis.",
            "Flow chart; the table below has the same numbers."),
        "flow": page.flow_table(sample.flow),
        "sample_notes": _sample_notes(sample),
        "disagreements": sample.disagreements,
        "counts": page.shortened(
            page.counts_table(counts_of(protocol, sample), protocol.factors), "cells.csv"),
        "sheet": _sheet(study),
        "method": method(protocol, sample),
        "not_run": _not_run(protocol),
        "name": protocol.name,
        "hash": protocol_hash(protocol),
        "dates": dates(sample),
        "versions": versions(),
    }  # fmt: skip


def _facts(protocol: Protocol, sample: Sample) -> list[tuple[str, str]]:
    excluded = len(sample.people) - sample.participants
    return [
        (str(sample.participants), "simulated participants" if sample.simulated
         else "participants analysed"),
        (str(excluded), "excluded"),
        (f"{len(sample.ratings):,}", "answers analysed"),
        (str(sample.ratings.stimulus_id.nunique()), "stimuli"),
        (str(sample.ratings.identity.nunique()), "identities"),
    ]  # fmt: skip


def _headline(models: list[ModelResult]) -> list[tuple[str, list[str]]]:
    """The declared comparisons in few words: model -> one sentence each."""
    return [
        (
            result.model.title or result.model.id,
            [sentence for family in result.families for sentence in model_words.headline(family)],
        )
        for result in models
        if result.families
    ]


def _figures(
    protocol: Protocol, sample: Sample, models: list[ModelResult], pictures: dict[str, Picture]
) -> list[page.Shown]:
    shown = []
    for i, figure in enumerate(protocol.analysis.figures, start=1):
        if figure.kind != "means":
            continue
        axes = [str(figure.x), *([figure.colour] if figure.colour else [])]
        means = means_of(protocol, sample, figure.task, axes)
        people = means.people.participant.nunique()
        caption = (
            f"Figure {i}. “{protocol.questions[figure.task].question}” by {words.listing(axes)}. "
            f"Small dots: means of {people} participants; large dots: their mean; bars: 95 % "
            f"confidence intervals {means.interval}."
        )
        if tests(figure, models):
            caption += (
                " Stars: tests of the mixed model below, corrected as stated there, which also "
                "count the variation between identities that the bars leave out; *** p < .001, "
                "** p < .01, * p < .05, n.s. not significant."
            )
        alt = "; ".join(
            f"{', '.join(f'{axis} {r[axis]}' for axis in axes)}: mean {words.number(r['mean'])}"
            for _, r in means.cells.iterrows()
        )
        shown.append(page.svg(pictures[f"figure-{i}"], caption, alt))
    return shown


def _model(result: ModelResult, pictures: dict[str, Picture]) -> dict[str, Any]:
    model, fit = result.model, result.fit
    about = {"title": model.title or model.id, "formula": model.formula, "failure": result.failure}
    if fit is None:
        return about
    return about | {
        "problems": result.problems,
        "coding": model_words.coding_sentences(fit),
        "fixed": model_tables.fixed_table(fit),
        "random": model_tables.random_table(fit),
        "families": [
            {
                "table": model_tables.family_table(family, fit),
                "equivalence": model_tables.equivalence_table(family),
                "joint": f"All differences together: {words.f_test(family.joint)}."
                if len(family.table) > 1
                else "",
                "sentences": model_words.comparison_sentences(family),
            }
            for family in result.families
        ],
        "sentences": [
            model_words.coefficient_sentence(row)
            for _, row in fit.fixed.iterrows()
            if row.term != "(Intercept)"
        ],
        "diagnostics": page.svg(
            pictures[f"diagnostics-{model.id}"],
            "Residuals. Left: on the line if normally distributed. Right: no trend and even "
            "spread if the model is adequate; ratings on a scale show stripes.",
            "Normal Q-Q plot, and residuals against fitted ratings.",
        ),
        "method": model_words.method_sentence(model, fit, engine.name()),
    }


def _scales(
    protocol: Protocol, sample: Sample, pictures: dict[str, Picture]
) -> list[dict[str, Any]]:
    out = []
    for task in protocol.tasks:
        if task.type not in NUMERIC:
            continue
        means = means_of(protocol, sample, task.id, protocol.factors)
        table = page.means_table(means, protocol.factors, "Mean rating per cell")
        table = page.shortened(table, f"{task.id}-means.csv")
        picture = page.svg(pictures[f"distribution-{task.id}"], "Use of the scale.",
                           f"Bar chart: share of ratings at each point of {task.id}.")  # fmt: skip
        title = f"{task.id}: “{task.question}”"
        out.append({"title": title, "table": table, "distribution": picture})
    return out


def _choice(choice: Choices, protocol: Protocol) -> dict[str, Any]:
    tables = [page.confusion_table(confusion) for confusion in choice.confusions]
    shares = page.shares_table(choice, protocol.factors)
    tables.append(page.shortened(shares, f"{choice.task}-choices.csv"))
    return {"title": f"{choice.task}: “{choice.question}”", "tables": tables}


def _sample_notes(sample: Sample) -> list[str]:
    notes = list(sample.notes)
    if sample.left_out:
        who = words.count(sample.left_out, "simulated participant")
        notes.append(f"{who} in the same tables do not count: real and simulated data never mix.")
    return notes


def _sheet(study: Study) -> page.Shown | None:
    """The contact sheet of the stimuli, small enough for the page."""
    file = study.stimuli / SHEET
    if not file.is_file():
        return None
    with Image.open(file) as picture:
        small = picture.convert("RGB")
    small.thumbnail((SHEET_WIDTH, 4 * SHEET_WIDTH))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=88)
    return page.Shown(
        page.data_address(out.getvalue(), "image/jpeg"),
        "Contact sheet of the stimuli.",
        "Thumbnails of the stimuli by condition.",
    )


def _not_run(protocol: Protocol) -> list[str]:
    return [
        f"Human ratings beside {other.study}"
        + (f" by {other.by}" if other.by else "")
        + ": declared in analysis.beside; this comparison needs that study's ratings and was not "
        "made here."
        for other in protocol.analysis.beside
    ]
