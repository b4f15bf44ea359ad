"""The parts of a report about choices, about face against voice, and about paired ratings."""

from __future__ import annotations

from analysis.choices.choices_part import choices_part
from analysis.choices.confusion import Choices
from analysis.choices.modality import modality_weights
from analysis.choices.modality_part import modality_part
from analysis.choices.paired import paired_tests
from analysis.choices.paired_part import paired_part
from analysis.sample.exclude import Sample
from analysis.text.part import Part
from protocols.protocol import Protocol


def choice_parts(protocol: Protocol, sample: Sample, choices: list[Choices]) -> list[Part]:
    """Every part that has something to say: choices, modality, paired ratings.

    Args:
        protocol: declares the steps `analysis.modality` and `analysis.paired`.
        sample: the analysed answers.
        choices: of `all_choices`.
    """
    plan = protocol.analysis
    weights = [modality_weights(sample, protocol, step) for step in plan.modality]
    tests = [paired_tests(sample, protocol, step) for step in plan.paired]
    parts = [
        choices_part(protocol, sample, choices),
        modality_part(protocol, [found for found in weights if found is not None]),
        paired_part(protocol, [found for found in tests if found is not None]),
    ]
    return [part for part in parts if part is not None]
