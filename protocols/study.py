"""A study is a folder: where everything in it stands, and which protocol it belongs to.

protocol.yaml             the frozen protocol, with every default written out
dataset_description.json  Psych-DS: what this is, every column described
stimuli/                  media, stimuli.tsv (the manifest), sidecars, contact sheet
plan/                     who sees what in which order
web/  lab/                the study, ready to serve or to carry to the lab
static/                   the study for any web host, or for JATOS
data/                     raw sessions, never edited
ratings.csv               one row per response; participants.csv, one per person
rated/                    what models would answer, and by which rule (mien rate)
report/                   report.html, figures, tables, models.R
A cast of the protocol's own stands where the protocol names it (stimuli.cast).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protocols import manifest, ratings
from protocols.protocol import Protocol
from protocols.reading import ProtocolError, dump, load
from protocols.tables import Column, write_whole
from protocols.tasks import questions_in


@dataclass(frozen=True)
class Study:
    """The paths of one study."""

    folder: Path

    @property
    def protocol_file(self) -> Path:
        """The frozen protocol."""
        return self.folder / "protocol.yaml"

    @property
    def stimuli(self) -> Path:
        """Media, manifest and sidecars."""
        return self.folder / "stimuli"

    @property
    def plan(self) -> Path:
        """Who sees what in which order."""
        return self.folder / "plan"

    @property
    def web(self) -> Path:
        """The study, ready to serve."""
        return self.folder / "web"

    @property
    def lab(self) -> Path:
        """The study, ready to carry to the lab; its own data stay in its folder `data`."""
        return self.folder / "lab"

    @property
    def data(self) -> Path:
        """Raw sessions, never edited."""
        return self.folder / "data"

    @property
    def ratings_file(self) -> Path:
        """One row per response."""
        return self.folder / ratings.NAME

    @property
    def participants_file(self) -> Path:
        """One row per participant."""
        return self.folder / ratings.PEOPLE_NAME

    @property
    def report(self) -> Path:
        """Report, figures, tables, R script."""
        return self.folder / "report"

    def beside(self, name: str) -> Study:
        """The study in the folder called `name` beside this one's, whether it is there or not."""
        return Study(self.folder.resolve().parent / name)

    def protocol(self) -> Protocol:
        """The frozen protocol; raises ProtocolError if the folder holds none."""
        if not self.protocol_file.is_file():
            raise ProtocolError(
                f"{self.folder}: not a study: no protocol.yaml in it; make one with "
                f"mien generate PROTOCOL -o {self.folder}"
            )
        return load(self.protocol_file)

    def freeze(self, protocol: Protocol, actors: Iterable[str] | None = None) -> None:
        """Write the protocol into the folder; refuse to mix two protocols in one.

        Only what decides about stimuli and plan must be the same: pages, recruitment, exclusions,
        analysis and simulation may change between runs. A cast of the protocol's own is copied,
        with the rigs of `actors` (None: of all), and recordings and weights of its own, so that
        the study is whole.

        Raises:
            ProtocolError: the folder belongs to another study, or holds other files.
            CastError: the cast is missing, or is not the one that the study was made with.
            ContextError: likewise of recordings and weights.
        """
        if self.protocol_file.is_file():
            before = load(self.protocol_file)
            changed = [
                part
                for part in ("name", "seed", "stimuli", "tasks", "design")
                if getattr(before, part) != getattr(protocol, part)
            ]
            if changed:
                raise ProtocolError(
                    f"{self.folder}: holds the study '{before.name}', made from another protocol "
                    f"(different: {', '.join(changed)}); choose another folder"
                )
        elif self.folder.exists() and any(self.folder.iterdir()):
            raise ProtocolError(
                f"{self.folder}: is not empty and holds no study; choose a new folder"
            )
        own = protocol.stimuli.cast
        copies = {} if own is None else own.files_for(self.folder, actors)
        stimuli = protocol.stimuli
        for own_files in (stimuli.context, stimuli.talking, stimuli.editing, stimuli.reaction):
            if own_files is not None:
                copies |= own_files.files_for(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.protocol_file, dump(protocol).encode())
        manifest.write_json(self.folder / "dataset_description.json", description(protocol))
        for copy, path in copies.items():
            write_whole(copy, path.read_bytes())


def protocol_hash(protocol: Protocol) -> str:
    """SHA-256 of the protocol with every default written out."""
    return hashlib.sha256(dump(protocol).encode()).hexdigest()


def description(protocol: Protocol) -> dict[str, Any]:
    """The Psych-DS description of a study: what it is, and every column of its tables."""
    columns = {c.name: c for c in (*ratings.COLUMNS, *ratings.PEOPLE)}
    variables = [_variable(column) for column in columns.values()]
    for factor in protocol.factors:
        levels = ", ".join(map(str, protocol.stimuli.factors[factor]))
        variables.append(
            {"type": "PropertyValue", "name": factor, "description": f"factor; levels: {levels}"}
        )
    for task in questions_in(protocol.pages.questionnaire):
        variables += [
            {"type": "PropertyValue", "name": task.id, "description": task.question},
            {"type": "PropertyValue", "name": f"{task.id}_response",
             "description": f"{task.question} (as a number)"},
        ]  # fmt: skip
    return {
        "@context": "https://schema.org",
        "@type": "Dataset",
        "name": protocol.title,
        "description": protocol.description or f"Study '{protocol.name}' made with mien.",
        "schemaVersion": "Psych-DS 0.1.0",
        "citation": protocol.source or "",
        "variableMeasured": variables,
    }


def _variable(column: Column) -> dict[str, Any]:
    variable: dict[str, Any] = {
        "type": "PropertyValue",
        "name": column.name,
        "description": column.meaning,
    }
    if column.unit:
        variable["unitText"] = column.unit
    return variable
