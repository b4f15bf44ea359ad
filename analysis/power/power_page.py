"""The page `power.html`: one part, in one file that needs nothing else."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis.problems import ADVICE
from analysis.text.method import versions
from analysis.text.page import TEMPLATES, apa, data_address
from analysis.text.part import Caution, Drawing, Part
from analysis.text.references import REFERENCES
from protocols.protocol import Protocol
from protocols.study import protocol_hash


def html(protocol: Protocol, part: Part) -> str:
    """The page; Jinja2 escapes every word, so that no text of a protocol becomes markup."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["apa"] = apa
    return environment.get_template("power.html.j2").render(
        protocol=protocol,
        hash=protocol_hash(protocol),
        part=part,
        blocks=[_placed(block, part) for block in part.blocks],
        references=[REFERENCES[key] for key in part.references],
        versions=versions(),
    )


def _placed(block: Any, part: Part) -> dict[str, Any]:
    """A block and what the template needs beside it: the picture's address, the advice."""
    placed = {"block": block}
    if isinstance(block, Drawing):
        placed["source"] = data_address(part.pictures[block.name].svg, "image/svg+xml")
    if isinstance(block, Caution):
        placed["advice"] = ADVICE[block.code]
    return placed
