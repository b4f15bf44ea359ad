"""Sessions of a static study back into the study.

data/static/3f2a90c1d4e5-results.txt    a file as DataPipe's storage or JATOS gave it, unchanged

Every export reads these files again. A session is known by its code: what stands in several files,
as when JATOS's results are downloaded every evening, is put together, and the first answer to a
question counts. Records are those of the lab (`experiments.lab.player.records`), one on a line; a
file may hold many sessions. Anybody on the internet can send to an open experiment at DataPipe, so
a session that does not fit the plan is left out and named, and does not stop the others.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from experiments.answers import asked, asked_at_the_end
from experiments.errors import StudyError
from experiments.lab.sessions import Answer, Kept, Person, checked_answers
from experiments.plan import Plan, read_plan
from protocols.protocol import Protocol
from protocols.study import Study
from protocols.tables import write_whole

FOLDER = "static"
MARK = re.compile(r'"trial_type"\s*:\s*"mien"')  # in the first record of every session
LATEST = 1e11  # seconds since 1970: no clock is that wrong
TEXTS = (".json", ".jsonl", ".txt")
ARCHIVES = (".zip", ".jrzip")  # of JATOS, or of a folder with DataPipe's files
Seconds = Annotated[float, Field(ge=0, le=LATEST, allow_inf_nan=False)]  # since 1970


class Header(BaseModel):
    """The first record of a session. Further fields, such as the device's, are not read."""

    model_config = ConfigDict(frozen=True, strict=True)

    format: Literal[1]
    plan: str
    session: str = Field(pattern=r"^[0-9a-f]{16}$")
    participant: str = Field(pattern=r"^p[0-9a-f]{10}$")
    slot: int
    started: Seconds


@dataclass
class Session:
    """What is known of one session; `where`: a file that it stands in."""

    where: str
    header: Header | None = None
    status: str = "active"  # active | completed | withdrawn
    answers: list[dict[str, Any]] = field(default_factory=list)


def holds_sessions(path: Path) -> bool:
    """Whether `path` is a file, archive or folder with sessions of a static study."""
    if path.is_file() and path.suffix.lower() not in (*TEXTS, *ARCHIVES):
        return False
    return path.exists() and any(MARK.search(text) for _, text in _texts(_files(path)))


def bring_sessions(study: Study, paths: Iterable[Path]) -> Iterator[str]:
    """Copy files into the study, unchanged; says what they hold and what is left out.

    Raises:
        StudyError: a file cannot be read, or holds no session that belongs to the study.
    """
    protocol = study.protocol()
    plan = read_plan(study, protocol)
    new = 0
    for file in (one for path in paths for one in _files(path)):
        found = _sessions([file])
        wrong = [problem for _, problem in _fitting(found, protocol, plan) if problem]
        yield from (f"left out: {problem}" for problem in wrong)
        if len(wrong) == len(found):
            continue
        content = file.read_bytes()
        copy = study.data / FOLDER / f"{hashlib.sha256(content).hexdigest()[:12]}-{file.name}"
        new += not copy.exists()
        write_whole(copy, content)
    kept = kept_sessions(study, protocol, plan)
    if not kept:
        raise StudyError("no session of this study in these files; nothing was brought")
    finished = sum(one.person.status == "completed" for one in kept)
    yield (f"{new} new file{'' if new == 1 else 's'}; the study now holds {len(kept)} sessions of "
           f"its static player, {finished} of them finished")  # fmt: skip


def brought(study: Study) -> list[Path]:
    """Every file that was brought."""
    return sorted((study.data / FOLDER).glob("*-*"))


def kept_sessions(study: Study, protocol: Protocol, plan: Plan) -> list[Kept]:
    """Every session that was brought and fits the plan, in the order in which they began."""
    fitting = _fitting(_sessions(brought(study)), protocol, plan)
    kept = [one for one, _ in fitting if one is not None]
    return sorted(kept, key=lambda one: (one.person.started, one.person.participant))


def _files(path: Path) -> list[Path]:
    """The files that may hold sessions."""
    if path.is_dir():
        return sorted(p for p in path.rglob("*") if p.suffix.lower() in (*TEXTS, *ARCHIVES))
    return [path]


def _texts(files: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Name and text of every file, those in archives too."""
    for file in files:
        try:
            if file.suffix.lower() not in ARCHIVES:
                yield str(file), file.read_text(encoding="utf-8-sig", errors="replace")
                continue
            with zipfile.ZipFile(file) as archive:
                for name in sorted(archive.namelist()):
                    if name.lower().endswith(TEXTS):
                        yield f"{file}/{name}", archive.read(name).decode("utf-8-sig", "replace")
        except (OSError, zipfile.BadZipFile) as error:
            raise StudyError(f"{file}: cannot be read: {error}") from None


def _sessions(files: Iterable[Path]) -> list[Session]:
    """What the files hold of each session, put together."""
    found: dict[str, Session] = {}
    for where, text in _texts(files):
        if not MARK.search(text):
            continue
        for record in _records(text):
            code = record.get("session")
            if isinstance(code, str):
                _learn(found.setdefault(code, Session(where)), record)
    return list(found.values())


def _records(text: str) -> Iterator[dict[str, Any]]:
    """Records: a list of JSON, or one on a line; JATOS joins what several runs have left."""
    try:
        whole = json.loads(text)
    except ValueError:
        whole = None
    if isinstance(whole, list):
        yield from (record for record in whole if isinstance(record, dict))
        return
    for line in text.splitlines():
        try:
            record = json.loads(line.strip().rstrip(","))
        except ValueError:
            continue  # a bracket, or half a line of a run that broke off
        if isinstance(record, dict):
            yield record


def _learn(session: Session, record: dict[str, Any]) -> None:
    kind = record.get("record")
    if kind == "session" and session.header is None:
        try:
            session.header = Header.model_validate(record)
        except ValidationError:
            return
    elif kind == "answer":
        session.answers.append(record)
    elif kind == "withdrawn" or (kind == "completed" and session.status == "active"):
        session.status = kind


def _fitting(
    found: Iterable[Session], protocol: Protocol, plan: Plan
) -> Iterator[tuple[Kept | None, str | None]]:
    """Each session as it is exported, or what is wrong with it."""
    for session in found:
        try:
            yield _kept(session, protocol, plan), None
        except StudyError as error:
            yield None, str(error)


def _kept(session: Session, protocol: Protocol, plan: Plan) -> Kept:
    where, header = session.where, session.header
    if header is None:
        raise StudyError(f"{where}: a session without a whole first record")
    where = f"{where}: session {header.session}"
    if header.plan not in plan.digests or header.slot not in plan.lists:
        raise StudyError(f"{where}: was played by another plan")
    for record in session.answers:
        _check_shape(where, record)
    in_order = sorted(session.answers, key=lambda record: record["time"])
    answers, at_the_end = checked_answers(where, in_order, protocol, plan, header.slot)
    status = session.status
    if status == "completed" and not _whole(answers, at_the_end, protocol, plan, header.slot):
        status = "active"
    person = Person(header.participant, header.slot, plan.lists[header.slot], status,
                    header.started)  # fmt: skip
    return Kept(person, answers, at_the_end)


def _check_shape(where: str, record: dict[str, Any]) -> None:
    """Refuse an answer whose place or time is none."""
    trial, when = record.get("trial"), record.get("time")
    placed = (trial is None or type(trial) is int) and isinstance(record.get("question"), str)
    timed = type(when) in (int, float) and 0 <= when <= LATEST  # type: ignore[operator]
    if not placed or not timed:
        raise StudyError(f"{where}: an answer without trial, question or time")


def _whole(
    answers: list[Answer], at_the_end: list[Answer], protocol: Protocol, plan: Plan, slot: int
) -> bool:
    """Whether every question has its answer."""
    given = {(answer.trial, answer.question) for answer in (*answers, *at_the_end)}
    planned = {(t.number, q.id) for t in plan.trials[slot] for q in asked(protocol, t)}
    return planned | {(None, q.id) for q in asked_at_the_end(protocol)} <= given
