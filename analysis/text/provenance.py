"""What a report was made from: hashes of every input, seeds, and versions of every program."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis.text.method import versions
from analysis.text.part import TEXT, Paragraph, Part, Table
from protocols.protocol import Protocol
from protocols.study import Study, protocol_hash


def provenance_part(study: Study, protocol: Protocol, others: Sequence[Path] = ()) -> Part:
    """Inputs with their hashes, the seed, versions; `others`: further files that were read."""
    files = [study.protocol_file, study.ratings_file, study.participants_file,
             study.stimuli / "stimuli.tsv", study.plan / "trials.csv", *others]  # fmt: skip
    rows = [["protocol, as mien reads it", protocol_hash(protocol)]]
    rows += [[_name(file, study), _sha256(file)] for file in files if file.is_file()]
    table = pd.DataFrame(rows, columns=["input", "sha256"])
    made = ", ".join(f"{name} {number}" for name, number in versions().items())
    words = (
        f"Seed of the protocol: {protocol.seed}; everything random here (bootstrap intervals, "
        f"the sideways spread of dots) follows from it. Made with {made}."
    )
    shown = Table(["Input", "SHA-256"], [TEXT, TEXT], rows, "What this report was made from")
    return Part("Where the numbers come from", [Paragraph(words), shown], {"inputs": table})


def _name(file: Path, study: Study) -> str:
    if file.is_relative_to(study.folder):
        return file.relative_to(study.folder).as_posix()
    return f"{file.parent.name}/{file.name}"


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
