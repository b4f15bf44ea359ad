"""The study and its sessions as files: what is planned, what was answered, what comes next.

A session is one file of JSON lines. Each record is on the disk before the study goes on, and no
line is ever changed. A line that a crash cut off stays as it is; the record `resumed` follows it.
This module needs nothing but Python.
"""

from __future__ import annotations

import csv
import json
import os
import re
import secrets
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FORMAT = 1  # of the session files
CODE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")
EXCLUDED = "excluded.json"  # whose places are free again
BY_BUILDER = "_builder_"  # in the names of files that Builder wrote
OF_SLOT = re.compile(r"_slot-(\d+)_builder_")
BETWEEN = "; "  # between the questions of a trial in trials.csv
WHOLE = ("slot", "list", "trial", "block", "width", "height", "picture_width", "picture_height")


class LabError(Exception):
    """What is wrong and what to do, in one line."""


@dataclass(frozen=True)
class Study:
    """A lab folder. `about`: study.json; `trials`: slot -> its trials, in order."""

    folder: Path
    about: dict[str, Any]
    trials: dict[int, list[dict[str, Any]]]

    @property
    def lists(self) -> dict[int, int]:
        """Slot -> counterbalanced list."""
        return {slot: trials[0]["list"] for slot, trials in self.trials.items()}

    def text(self, name: str) -> str:
        """The words of a page, such as `consent`."""
        return (self.folder / "texts" / f"{name}.txt").read_text(encoding="utf-8")

    def question(self, name: str) -> dict[str, Any]:
        """The task of a question, with `words`, `ids` asked with it, whether a `second` choice."""
        second = name.endswith(self.about["second"])
        own = name.removesuffix(self.about["second"])
        for task in [*self.about["tasks"], *self.about["questionnaire"]]:
            if name in (ids := axes_of(self.about, task)):
                return {**task, "ids": ids, "words": task["question"], "second": False}
            if task["id"] == own:
                words = task["second_question"] if second else task["question"]
                return {**task, "id": name, "ids": [name], "words": words, "second": second}
        raise LabError(f"study.json has no question '{name}'; write the lab folder again")


def axes_of(about: dict[str, Any], task: dict[str, Any]) -> list[str]:
    """The two questions of an affect grid; none of any other task."""
    return [task["id"] + axis for axis in about["axes"]] if task["type"] == "affect-grid" else []


def together(about: dict[str, Any], names: Iterable[str]) -> list[tuple[str, ...]]:
    """Questions in order; the two axes of an affect grid, which one answer gives, stand together.

    Args:
        about: the contents of study.json.
        names: ids of questions.
    """
    grids = [axes_of(about, task) for task in [*about["tasks"], *about["questionnaire"]]]
    axes = {name: tuple(grid) for grid in grids for name in grid}
    names = list(names)
    groups = [tuple(one for one in axes.get(name, (name,)) if one in names) for name in names]
    return list(dict.fromkeys(groups))


def read_study(folder: Path) -> Study:
    """The study in `folder`; raises LabError if a file is missing or damaged."""
    try:
        about = json.loads((folder / "study.json").read_text(encoding="utf-8"))
        with (folder / "trials.csv").open(encoding="utf-8", newline="") as file:
            rows = [_typed(row) for row in csv.DictReader(file)]
    except (OSError, ValueError) as error:
        raise LabError(f"{folder}: not a whole lab folder: {error}; write it again") from None
    trials: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        trials.setdefault(row["slot"], []).append(row)
    return Study(folder, about, trials)


def _typed(row: dict[str, str]) -> dict[str, Any]:
    trial: dict[str, Any] = {name: cell or None for name, cell in row.items()}
    for name in WHOLE:
        trial[name] = int(row[name]) if row[name] else None
    trial["duration_ms"] = float(row["duration_ms"]) if row["duration_ms"] else None
    trial["pause"] = row["pause"] == "true"
    trial["questions"] = row["questions"].split(BETWEEN)
    return trial


@dataclass
class Session:
    """One person's file. `header` is its first record; `done`: (trial, question) answered.

    `choices`: (trial, question) -> the option that was chosen; `answers`: their records, in order.
    """

    path: Path
    header: dict[str, Any]
    status: str = "active"  # active | completed | withdrawn
    done: set[tuple[int | None, str]] = field(default_factory=set)
    choices: dict[tuple[int | None, str], int] = field(default_factory=dict)
    answers: list[dict[str, Any]] = field(default_factory=list)
    last: float = 0.0  # seconds since 1970 of the last record

    def write(self, record: str, **what: Any) -> None:
        """Append a record; it is on the disk when this returns."""
        line = {"record": record, **what, "time": time.time()}
        text = json.dumps(line, ensure_ascii=False, default=float)  # NumPy's numbers too
        with self.path.open("a", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.learn(line)

    def learn(self, line: dict[str, Any]) -> None:
        """Take in one record of the file."""
        if line["record"] == "answer":
            self.answers.append(line)
            self.done.add((line["trial"], line["question"]))
            if "choice" in line:
                self.choices[line["trial"], line["question"]] = line["choice"]
        elif line["record"] in ("completed", "withdrawn"):
            self.status = line["record"]
        self.last = line["time"]

    @property
    def resumable(self) -> bool:
        """Whether something is left to do."""
        return self.status == "active"


def read_records(path: Path) -> list[dict[str, Any]]:
    """The whole records of a session file.

    Raises:
        LabError: it is no session file, or a line is damaged that no crash explains.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}") from None
    records, damaged = [], 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        record = _parse(line)
        if record is None:
            if damaged:
                raise LabError(f"{path}:{damaged}: this line is damaged; restore the file")
            damaged = number
            continue
        if damaged and record["record"] != "resumed":
            raise LabError(f"{path}:{damaged}: this line is damaged; restore the file")
        damaged = 0
        records.append(record)
    if not records or records[0]["record"] != "session" or records[0].get("format") != FORMAT:
        raise LabError(f"{path}: not a session of a lab study (format {FORMAT})")
    return records


def _parse(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "record" in record else None


def read_session(path: Path) -> Session:
    """The session in `path`, as far as it has come; raises LabError if it is none."""
    records = read_records(path)
    session = Session(path, records[0])
    for record in records:
        session.learn(record)
    return session


def sessions(data: Path) -> list[Session]:
    """Every session in a data folder, in the order of their files; pilots are kept elsewhere."""
    found = []
    for path in sorted(data.glob("*.jsonl")):
        if path.stat().st_size:
            found.append(read_session(path))
    return found


def holders(known: Iterable[Session], excluded: Collection[str] = ()) -> list[int]:
    """Slots that are taken: everybody's but those of people who withdrew or were excluded."""
    return [
        one.header["slot"]
        for one in known
        if one.status != "withdrawn" and one.path.name not in excluded
    ]


def held_by_builder(data: Path, excluded: Collection[str] = ()) -> list[int]:
    """Slots of sessions that Builder played, pilots and people without consent left out."""
    files = [path for path in data.glob(f"*{BY_BUILDER}*.csv") if path.name not in excluded]
    found = [(OF_SLOT.search(path.name), path) for path in files]
    return sorted({int(slot[1]) for slot, path in found if slot and _has_trials(path)})


def _has_trials(file: Path) -> bool:
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        rows = list(csv.DictReader(lines))
    pilot = any(row.get("piloting") == "True" for row in rows)
    return not pilot and any(row.get("trial_number") for row in rows)


def read_excluded(folder: Path) -> dict[str, str]:
    """File of a session -> the rule that excludes it, as `mien study import` last wrote it."""
    file = folder / EXCLUDED
    if not file.is_file():
        return {}
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise LabError(f"{file}: damaged ({error}); delete it, or import again") from None


def session_of(known: Iterable[Session], participant: str) -> Session | None:
    """The session of a participant; capitals do not tell two people apart."""
    same = (one for one in known if one.header["participant"].lower() == participant.lower())
    return next(same, None)


def check_code(participant: str) -> str:
    """The participant's code, if it can be one."""
    if not CODE.match(participant):
        raise LabError(
            f"participant: found '{participant}'; accepted: 1 to 40 letters, digits, - and _, "
            "such as vp01 (a code, not a name)"
        )
    return participant


def begin(study: Study, data: Path, participant: str, slot: int, pilot: bool) -> Session:
    """A new session; its file is there, with its header, when this returns."""
    if slot not in study.trials:
        raise LabError(f"slot: found {slot}; accepted: 1 to {max(study.trials)}")
    data.mkdir(parents=True, exist_ok=True)
    code = secrets.token_hex(4)
    mark = "PILOT-" if pilot else ""
    session = Session(data / f"{mark}{participant}_slot-{slot:03d}_{code}.jsonl", {})
    session.header = {
        "format": FORMAT, "study": study.about["name"], "plan": study.about["plan"],
        "session": code, "participant": participant, "slot": slot,
        "list": study.lists[slot], "pilot": pilot, "started": time.time(),
    }  # fmt: skip
    session.write("session", **session.header)
    return session


def resume(session: Session) -> None:
    """Go on with a session that broke off; half a line at its end is closed, not removed."""
    with session.path.open("rb+") as file:
        file.seek(0, os.SEEK_END)
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
    session.write("resumed")


def shortened(trials: Sequence[dict[str, Any]], each: int) -> list[dict[str, Any]]:
    """The first `each` trials of every block, for a pilot."""
    seen: dict[int, int] = {}
    kept = []
    for trial in trials:
        seen[trial["block"]] = seen.get(trial["block"], 0) + 1
        if seen[trial["block"]] <= each:
            kept.append(trial)
    return kept
