"""The parts of a report about choices, face against voice, paired ratings, published values."""

from __future__ import annotations

from analysis.choices.choices_part import choices_part
from analysis.choices.confusion import Choices
from analysis.choices.modality import modality_weights
from analysis.choices.modality_part import modality_part
from analysis.choices.paired import paired_tests
from analysis.choices.paired_part import paired_part
from analysis.choices.published import beside_published
from analysis.choices.published_part import published_part
from analysis.sample.exclude import Sample
from analysis.text.part import Part
from protocols.protocol import Protocol


def choice_parts(protocol: Protocol, sample: Sample, choices: list[Choices]) -> list[Part]:
    """Every part that has something to say: choices, modality, paired ratings, published values.

    Args:
        protocol: declares the steps `analysis.modality`, `paired` and `published`.
        sample: the analysed answers.
        choices: of `all_choices`.
    """
    plan = protocol.analysis
    weights = [modality_weights(sample, protocol, step) for step in plan.modality]
    tests = [paired_tests(sample, protocol, step) for step in plan.paired]
    values = [beside_published(sample, protocol, value) for value in plan.published]
    parts = [
        choices_part(protocol, sample, choices),
        modality_part(protocol, [found for found in weights if found is not None]),
        paired_part(protocol, [found for found in tests if found is not None]),
        published_part(protocol, [found for found in values if found is not None]),
    ]
    return [part for part in parts if part is not None]
