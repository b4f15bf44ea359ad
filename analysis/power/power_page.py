"""The page `power.html`: one part, in one file that needs nothing else."""

from __future__ import annotations

from analysis.text import page
from analysis.text.method import versions
from analysis.text.part import Part
from analysis.text.references import REFERENCES
from protocols.protocol import Protocol
from protocols.study import protocol_hash


def html(protocol: Protocol, part: Part) -> str:
    """The page."""
    return page.html(
        "power.html.j2",
        protocol=protocol,
        hash=protocol_hash(protocol),
        part=part,
        references=[REFERENCES[key] for key in part.references],
        versions=versions(),
    )
