"""`methods.md`: the method section of a report, with the references that it cites."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.sample.exclude import Sample
from analysis.text.method import analysis, cited, participants, procedure, stimuli
from analysis.text.part import Block, Bullets, Heading, Paragraph, Part
from analysis.text.references import REFERENCES
from protocols.protocol import Protocol


def method_part(protocol: Protocol, sample: Sample, parts: Sequence[Part]) -> Part:
    """The method section: design and sample, then what each part says of itself."""
    blocks: list[Block] = [Paragraph(text) for text in _paragraphs(protocol, sample, parts)]
    found = _references(protocol, parts)
    if found:
        blocks += [Heading("References"), Bullets(found)]
    return Part("Method, ready to paste", blocks)


def methods(protocol: Protocol, sample: Sample, parts: Sequence[Part]) -> str:
    """The text of methods.md."""
    participants_, stimuli_, procedure_, *analysis_ = _paragraphs(protocol, sample, parts)
    sections = [
        f"# Method: {protocol.title}",
        "## Participants", participants_,
        "## Stimuli", stimuli_,
        "## Procedure", procedure_,
        "## Analysis", *analysis_,
    ]  # fmt: skip
    found = _references(protocol, parts)
    if found:
        sections += ["## References", *(f"- {entry}" for entry in found)]
    return "\n\n".join(sections) + "\n"


def _paragraphs(protocol: Protocol, sample: Sample, parts: Sequence[Part]) -> list[str]:
    sentences = list(dict.fromkeys(sentence for part in parts for sentence in part.method))
    return [participants(sample), stimuli(protocol, sample), procedure(protocol, sample),
            " ".join([analysis(), *sentences])]  # fmt: skip


def _references(protocol: Protocol, parts: Sequence[Part]) -> list[str]:
    """Cited works in alphabetical order, each once."""
    keys = {key for part in parts for key in part.references} | cited(protocol)
    return sorted(REFERENCES[key] for key in keys)
