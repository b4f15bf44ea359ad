"""Which parts a report has, in the order of a paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from analysis.choices.confusion import all_choices
from analysis.choices.part import choice_parts
from analysis.figures.declared_part import figures_part
from analysis.problems import AnalysisError
from analysis.raters.agreement import agreements
from analysis.raters.agreement_part import agreement_part
from analysis.raters.beside import beside
from analysis.raters.beside_part import beside_part
from analysis.raters.human_model import human_models
from analysis.raters.human_model_part import human_model_part
from analysis.raters.other_study import absent, find_study
from analysis.reference.engines import Refit
from analysis.reference.part import engines_part
from analysis.results import ModelResult
from analysis.sample.exclude import Sample, read_sample
from analysis.sample.part import checks_part, participants_part
from analysis.sensitivity import nobody_excluded
from analysis.text.design_part import design_part
from analysis.text.general_part import general_part
from analysis.text.methods import method_part
from analysis.text.model_part import model_part
from analysis.text.part import Part
from analysis.text.provenance import provenance_part
from analysis.text.scales_part import scales_part
from analysis.text.sensitivity_part import sensitivity_part
from protocols.protocol import Protocol
from protocols.study import Study

Others = Mapping[str, Study | None]  # name of another study -> where it is, if it is there


def other_studies(study: Study, protocol: Protocol, given: Sequence[Path]) -> Others:
    """The studies that the protocol wants beside this one."""
    return {asked.study: find_study(study, asked.study, given)
            for asked in protocol.analysis.beside}  # fmt: skip


def parts_of(
    study: Study, protocol: Protocol, sample: Sample, refit: Refit, others: Others,
    given: Sequence[Path] = (),
) -> list[Part]:  # fmt: skip
    """Every part that has something to say.

    Args:
        study: whose report this is.
        protocol: of the study.
        sample: who and what is analysed.
        refit: the models, by the engine that was asked for.
        others: from `other_studies`.
        given: folders of other studies that the user named.
    """
    models = refit.models
    found = [
        figures_part(protocol, sample, models),
        *(_of_model(result) for result in models),
        _beside(study, protocol, sample, others, given),
        scales_part(protocol, sample),
        *choice_parts(protocol, sample, all_choices(sample, protocol)),
        human_model_part(human_models(sample, protocol), study, protocol),
        agreement_part(agreements(sample, protocol), protocol),
        participants_part(sample, protocol),
        sensitivity_part(nobody_excluded(sample, protocol, models)),
        checks_part(sample, protocol),
        design_part(study, protocol, sample),
        engines_part(refit) if models else None,
    ]
    parts = [part for part in found if part is not None]
    files = [other.ratings_file for other in others.values() if other is not None]
    return [*parts, method_part(protocol, sample, parts), provenance_part(study, protocol, files)]


def _of_model(result: ModelResult) -> Part:
    return model_part(result) if result.model.family == "gaussian" else general_part(result)


def _beside(
    study: Study, protocol: Protocol, sample: Sample, others: Others, given: Sequence[Path]
) -> Part | None:
    """The comparisons with other studies, and sentences on those that could not be made."""
    made, not_made = [], []
    for asked in protocol.analysis.beside:
        other = others[asked.study]
        if other is None:
            not_made.append(absent(study, asked, given))
            continue
        theirs = other.protocol()
        try:
            made.append(beside(asked, sample, protocol, read_sample(other, theirs), theirs))
        except AnalysisError as error:
            not_made.append(str(error))
    return beside_part(made, not_made, protocol)
