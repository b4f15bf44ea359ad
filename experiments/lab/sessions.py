"""Sessions of the lab back into the study: copied unchanged, checked answer by answer.

data/lab/vp01_slot-001_5f0a1b2c.jsonl    the file as the lab computer wrote it, never edited
data/lab/vp02_slot-002_builder_….csv     the same, of a session that Builder played

Every export reads these copies again. Answers are places and typed words, as a browser sends
them; response and label are made by the same code (`experiments.answers`). A file that has only
grown takes the place of its shorter copy, so a whole data folder can be brought every evening.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from experiments.answers import (
    Given,
    Question,
    Reply,
    WrongAnswer,
    asked_at_the_end,
    questions_of,
)
from experiments.errors import StudyError
from experiments.lab.builder.data import DECLINED, is_builders, read_builder
from experiments.lab.player.records import LabError, Session, read_session
from experiments.plan import Plan, read_plan
from protocols.asked import known_questions
from protocols.protocol import Protocol
from protocols.study import Study
from protocols.tables import write_whole

FOLDER = "lab"
ENDING = ".jsonl"
GIVEN = ("trial", "question", "choice", "boxes", "text", "rt_ms", "onset_ms", "hidden_ms")


@dataclass(frozen=True)
class Person:
    """Who took part, with the names that sessions of the web have (`experiments.store`)."""

    participant: str
    slot: int
    list: int
    status: str
    started: float


@dataclass(frozen=True)
class Answer:
    """One answer, with the names that answers of the web have (`experiments.store`)."""

    trial: int | None
    question: str
    response: float | None
    label: str
    boxes: str | None
    rt_ms: float | None
    onset_ms: float | None
    hidden_ms: float | None
    details: str | None
    time: float


@dataclass(frozen=True)
class Kept:
    """One session as it is exported."""

    person: Person
    answers: list[Answer]
    at_the_end: list[Answer]
    files: tuple[Path, ...] = ()  # every copy of it


def holds_sessions(path: Path) -> bool:
    """Whether `path` is a session of the lab, or a folder (of sessions, or where they will be)."""
    return path.is_dir() or path.suffix == ENDING or is_builders(path) or _awaited(path)


def _awaited(path: Path) -> bool:
    """Whether `path` is the data folder that the first session makes beside run.py."""
    return not path.exists() and path.name == "data" and (path.parent / "run.py").is_file()


def bring_sessions(study: Study, path: Path) -> str:
    """Copy a session, or every session of a folder, into the study; says what was brought.

    Everything is understood before anything is written.

    Raises:
        StudyError: a file is damaged, belongs to another study or plan, or contradicts its copy.
    """
    if _awaited(path):
        raise StudyError(f"{path}: no session was recorded yet; run.py makes this folder")
    protocol = study.protocol()
    plan = read_plan(study, protocol)
    files = _files(path) if path.is_dir() else [path]
    if not files:
        raise StudyError(f"{path}: no sessions in it (files *{ENDING}); is it the data folder?")
    pilots, declined, new, known = 0, 0, [], 0
    for file in files:
        session = _session(file, protocol)
        if session.header["pilot"] or session.status == DECLINED:
            pilots += session.header["pilot"]
            declined += not session.header["pilot"]
            continue
        _kept(session, protocol, plan)
        content, copy = file.read_bytes(), study.data / FOLDER / file.name
        before = copy.read_bytes() if copy.is_file() else b""
        if not (content.startswith(before) or before.startswith(content)):
            raise StudyError(
                f"{file}: differs from {copy}, which was brought before; lab sessions only grow: "
                "which of the two was changed? Keep the right one in both places"
            )
        if len(content) > len(before):
            new.append((copy, content))
        else:
            known += 1
    for copy, content in new:
        write_whole(copy, content)
    said = [f"{len(new)} new or longer", f"{known} known already"]
    if pilots:
        said.append(f"{pilots} of pilots, left out")
    if declined:
        said.append(f"{declined} without consent, left out")
    return f"{path}: sessions: {', '.join(said)}"


def brought(study: Study) -> list[Path]:
    """The copies of every session that was brought."""
    return _files(study.data / FOLDER)


def _files(folder: Path) -> list[Path]:
    """The sessions in a folder, run.py's and Builder's."""
    builders = (file for file in folder.glob("*.csv") if is_builders(file))
    return sorted([*folder.glob(f"*{ENDING}"), *builders])


def kept_sessions(study: Study, protocol: Protocol, plan: Plan) -> list[Kept]:
    """Every session that was brought; two people of one code get their session's code too.

    Raises:
        StudyError: a copy is damaged or does not belong to the plan.
    """
    found = _once([_session(file, protocol) for file in brought(study)])
    codes = Counter(session.header["participant"] for session, _ in found)
    return [
        replace(
            _kept(session, protocol, plan, twice=codes[session.header["participant"]] > 1),
            files=files,
        )
        for session, files in found
    ]


def _once(found: list[Session]) -> list[tuple[Session, tuple[Path, ...]]]:
    """Each session once, in its longest copy, and all copies' files.

    PsychoPy may save a session twice under two names.
    """
    copies: dict[tuple[str, str], list[Session]] = {}
    for session in found:
        own = session.header["participant"], session.header["session"]
        copies.setdefault(own, []).append(session)
    return [
        (max(same, key=lambda session: len(session.answers)), tuple(one.path for one in same))
        for same in copies.values()
    ]


def _session(file: Path, protocol: Protocol) -> Session:
    if is_builders(file):
        return read_builder(file, protocol)
    try:
        return read_session(file)
    except (LabError, KeyError) as error:
        raise StudyError(
            str(error) if isinstance(error, LabError) else f"{file}: not a session of a lab study"
        ) from None


def _kept(session: Session, protocol: Protocol, plan: Plan, twice: bool = False) -> Kept:
    """The session, every answer checked; `twice`: somebody else has the same code."""
    file, header = session.path, session.header
    if header["study"] != protocol.name:
        raise StudyError(f"{file}: belongs to the study '{header['study']}', not to this one")
    slot = header["slot"]
    if header["plan"] not in plan.digests or plan.lists.get(slot) != header["list"]:
        raise StudyError(
            f"{file}: was played by another plan; bring it into the study that wrote its lab folder"
        )
    for record in session.answers:
        _check_stimulus(file, record, plan, slot)
    answers, at_the_end = checked_answers(file, session.answers, protocol, plan, slot)
    code = header["participant"] + (f"-{header['session']}" if twice else "")
    person = Person(code, slot, header["list"], session.status, header["started"])
    return Kept(person, answers, at_the_end)


def checked_answers(
    where: object, records: Iterable[dict[str, Any]], protocol: Protocol, plan: Plan, slot: int
) -> tuple[list[Answer], list[Answer]]:
    """Answers to the trials of `slot`, in the order of the plan, and to the questionnaire.

    Args:
        where: what an error names.
        records: answers as the players write them; the first to a question counts, as on the web.
        protocol: the study.
        plan: its plan.
        slot: the place that was played.

    Raises:
        StudyError: an answer that its question does not have.
    """
    answers, at_the_end, seen = [], [], set()
    for record in records:
        if (record["trial"], record["question"]) in seen:
            continue
        seen.add((record["trial"], record["question"]))
        answer = _answer(where, record, _questions(protocol, plan, slot, record["trial"]))
        (at_the_end if answer.trial is None else answers).append(answer)
    order = {name: place for place, name in enumerate(known_questions(protocol))}
    answers.sort(key=lambda row: (row.trial, order[row.question]))
    return answers, at_the_end


def _questions(
    protocol: Protocol, plan: Plan, slot: int, number: int | None
) -> Mapping[str, Question]:
    if number is None:
        return {question.id: question for question in asked_at_the_end(protocol)}
    trial = plan.trial(slot, number)
    return questions_of(protocol, trial) if trial is not None else {}


def _answer(place: object, record: dict[str, Any], questions: Mapping[str, Question]) -> Answer:
    where = f"{place}: trial {record['trial']}, {record['question']}"
    question = questions.get(record["question"])
    if question is None:
        raise StudyError(f"{where}: the study does not ask this")
    try:
        given = Given.model_validate({name: record[name] for name in GIVEN if name in record})
        reply: Reply = question.reply(given)
    except WrongAnswer as error:
        raise StudyError(f"{where}: {error}") from None
    except ValidationError as error:
        raise StudyError(f"{where}: {error.errors()[0]['msg']}") from None
    boxes = None if reply.boxes is None else json.dumps(reply.boxes, ensure_ascii=False)
    return Answer(given.trial, question.id, reply.response, reply.label, boxes, given.rt_ms,
                  given.onset_ms, given.hidden_ms, json.dumps(record.get("details")),
                  record["time"])  # fmt: skip


def _check_stimulus(file: Path, record: dict[str, Any], plan: Plan, slot: int) -> None:
    trial = plan.trial(slot, record["trial"]) if record["trial"] else None
    if trial is not None and trial.stimulus != record.get("stimulus"):
        raise StudyError(
            f"{file}: trial {trial.number} showed '{record.get('stimulus')}', but the plan says "
            f"'{trial.stimulus}'; was trials.csv of the lab folder edited?"
        )
