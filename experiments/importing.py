"""`mien study import`: foreign ratings into a study, unchanged, with a record of how they are read.

data/imports/01-votes.csv    the file as it came, never edited
data/imports/01-votes.json   its hash, source and mapping

What a verb of mien makes itself (`maker`, such as mien rate) stands there once: made again, it
takes its own place, and no other file's.

The tables of the study are written from these files each time, as they are from the sessions of
the web; nothing that was imported is ever lost in an export.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.database import sources_of
from experiments.errors import StudyError
from experiments.foreign import Foreign, read_foreign, refuse
from experiments.lab.sessions import brought
from experiments.mapping import Mapping
from experiments.sheets import check_sheet, read_sheet
from protocols import manifest
from protocols.manifest import hash_file, write_json
from protocols.persons import verdicts
from protocols.protocol import Protocol
from protocols.ratings import PEOPLE
from protocols.study import Study
from protocols.tables import read_table

SOURCES = ("import", "model")
NO_PEOPLE = {  # in the column `source` of a table -> what to do
    "simulation": "take these rows out, or write import there if they are people after all",
    "model": "take these rows out, or import a table of models alone with --source model",
}
FOLDER = "imports"
PART = ".part"  # a copy that is not whole yet


@dataclass(frozen=True)
class Imported:
    """A file that was imported before: the copy, and how it is read."""

    copy: Path
    name: str
    sha256: str
    source: str
    mapping: Mapping
    maker: str = ""  # the verb of mien that made it; empty: it came from elsewhere

    def read(self, study: Study, protocol: Protocol) -> pd.DataFrame:
        """Its answers as rows of the ratings table; raises StudyError if the copy has changed."""
        if not self.copy.is_file() or hash_file(self.copy) != self.sha256:
            raise StudyError(
                f"{self.copy}: is missing or has changed since it was imported; restore it, or "
                f"delete it and {self.copy.with_suffix('.json').name} and import the file again"
            )
        shown = _manifest(study)
        rows = read_foreign(
            Foreign(self.copy, self.name, self.source, self.mapping, shown), protocol
        )
        if "rt_ms" in rows:  # jsPsych writes such times where a browser's sound clock starts anew
            rows["rt_ms"] = rows.rt_ms.mask(rows.rt_ms < 0)
        return rows


def import_ratings(study: Study, path: Path, source: str, mapping: Mapping, maker: str = "") -> str:
    """Copy `path` into the study, and say in one line what it holds.

    The file is understood whole before anything is written. The same file with the same mapping
    is imported once. A file with a `maker` replaces the one that the same maker made before.

    Raises:
        UserError: the file cannot be understood, or stands in the study already, read otherwise.
    """
    if source not in SOURCES:
        raise StudyError(f"--source: found '{source}'; accepted: {', '.join(SOURCES)}")
    check_sheet(path, mapping.encoding)
    protocol, sha256 = study.protocol(), hash_file(path)
    earlier = imports(study)
    own = next((other for other in earlier if maker and other.maker == maker), None)
    for other in earlier:
        if other.sha256 == sha256 and other is not own:
            return _imported_before(other, source, mapping)
    _refuse_foreign_tables(study, earlier)
    file = Foreign(path, path.name, source, mapping, _manifest(study))
    rows = read_foreign(file, protocol)
    if source == "import":
        _refuse_no_people(file)
    stem = f"{_next_number(earlier):02d}-{path.stem}"
    ending = ".txt" if path.suffix.lower() == ".json" else path.suffix or ".csv"  # not the record's
    copy = own.copy if own else study.data / FOLDER / f"{stem}{ending}"
    copy.parent.mkdir(parents=True, exist_ok=True)
    part = copy.with_name(copy.name + PART)
    shutil.copyfile(path, part)
    part.replace(copy)
    people = int(rows.participant.nunique())
    write_json(copy.with_suffix(".json"), {
        "file": path.name, "copy": copy.name, "sha256": sha256, "source": source,
        "mapping": mapping.model_dump(mode="json"),
        "answers": len(rows), "participants": people, **({"maker": maker} if maker else {}),
        "imported": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    })  # fmt: skip
    who = "models" if source == "model" else "participants"
    return (
        f"{path.name}: {len(rows):,} answers about {rows.stimulus_id.nunique():,} stimuli, "
        f"{who}: {_names(rows.participant)}{_beside(rows, mapping)}"
    )


def _beside(rows: pd.DataFrame, mapping: Mapping) -> str:
    """What was looked for and not found, or cannot be right."""
    said = [f"no answers to {task}" for task in mapping.tasks if task not in set(rows.question)]
    below = int((rows.rt_ms < 0).sum()) if "rt_ms" in rows else 0
    if below:
        said.append(f"{below:,} response times below 0, left out")
    return "".join(f"; {one}" for one in said)


def imports(study: Study) -> list[Imported]:
    """Every file that was imported, in that order; raises StudyError where a record is damaged."""
    found = []
    for record in sorted((study.data / FOLDER).glob("*.json")):
        try:
            said = json.loads(record.read_text(encoding="utf-8"))
            copy = record.parent / Path(said["copy"]).name
            mapping = Mapping.model_validate(said["mapping"])
            found.append(Imported(copy, said["file"], said["sha256"], said["source"], mapping,
                                  str(said.get("maker", ""))))  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError):
            raise StudyError(
                f"{record}: not the record of an import; restore it, or delete it and the table "
                "beside it and import the file again"
            ) from None
    return found


def imported_tables(study: Study, protocol: Protocol) -> tuple[list[Any], list[Any]]:
    """Ratings and participants of every import, as tables; empty lists without imports.

    Somebody who stands in several files is one participant, whose trials go on counting.
    """
    ratings, last = [], {}
    for file in imports(study):
        rows = file.read(study, protocol)
        key = pd.MultiIndex.from_frame(rows[["source", "participant"]])
        shift = key.map(last).to_numpy(float, na_value=0) if last else 0
        rows["trial"] = (rows.trial + shift).astype(int)
        last |= rows.groupby(["source", "participant"]).trial.max().to_dict()
        ratings.append(rows)
    if not ratings:
        return [], []
    together = pd.concat([rows.astype(object) for rows in ratings], ignore_index=True)
    people = _people(together, protocol)
    judged = people.set_index(["source", "participant"])[["valid", "exclusion_reason"]]
    together = together.drop(columns=["valid", "exclusion_reason"], errors="ignore")
    return [together.join(judged, on=["source", "participant"])], [people]


def _people(ratings: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """One row per participant; people are judged by the protocol's rules, models are not."""
    slots = [name for name in ("slot", "list") if name in ratings]
    people = ratings.groupby(["source", "participant"], sort=False)[slots].first().reset_index()
    people = people.reindex(columns=[column.name for column in PEOPLE])
    people = people.astype(object).assign(status="completed", exclusion_reason=None)
    of_people = people.source != "model"
    failed = verdicts(ratings[ratings.source != "model"], people[of_people], protocol)
    people.loc[of_people, "exclusion_reason"] = pd.array(failed, dtype=object)
    return people.assign(valid=people.exclusion_reason.isna())


def _imported_before(other: Imported, source: str, mapping: Mapping) -> str:
    if (other.source, other.mapping) == (source, mapping):
        return f"{other.name}: imported already ({other.copy.name}); nothing to do"
    record = other.copy.with_suffix(".json").name
    raise StudyError(
        f"{other.name}: imported already, with another source or mapping; to read it anew, delete "
        f"{other.copy} and {record} first"
    )


def _refuse_no_people(file: Foreign) -> None:
    """A table that says itself that its answers are no people's does not become people's."""
    raw = read_sheet(file.path, file.name, file.mapping.separator, file.mapping.encoding)
    if "source" not in raw or "source" in file.mapping.ignore:
        return
    for source, do in NO_PEOPLE.items():
        found = raw["source"] == source
        if found.any():
            line, rows = raw.index[found.argmax()], f"{int(found.sum()):,} rows"
            raise refuse(file, line, f"source: found '{source}' ({rows}), which is no people; {do}")


def _refuse_foreign_tables(study: Study, earlier: list[Imported]) -> None:
    """Tables that mien did not make would be overwritten by the export."""
    ours = earlier or sources_of(study) or brought(study)
    if study.ratings_file.exists() and not ours:
        raise StudyError(
            f"{study.ratings_file}: is there, but not made from data/; move it out of the study, "
            "and import it too"
        )


def _next_number(earlier: list[Imported]) -> int:
    numbers = [int(file.copy.name.split("-")[0]) for file in earlier]
    return max(numbers, default=0) + 1


def _manifest(study: Study) -> pd.DataFrame | None:
    path = study.stimuli / manifest.NAME
    if not path.is_file():
        return None
    return read_table(path, manifest.COLUMNS, manifest.SEPARATOR)


def _names(participants: pd.Series) -> str:
    names = participants.drop_duplicates().tolist()
    return ", ".join(names) if len(names) <= 3 else f"{len(names):,}"
