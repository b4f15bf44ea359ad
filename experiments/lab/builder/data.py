"""What Builder wrote when it played `NAME.psyexp`: its wide CSV as a session of the lab.

One file is one session. Columns beginning with a question's name hold its answer (see
`experiments.lab.builder.questions`); times are seconds since the experiment began. A response time
counts from the onset of the stimulus, as everywhere: of the picture and its first question, of the
sound or of the video.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from experiments.answers import Question, asked_at_the_end
from experiments.errors import StudyError
from experiments.lab.builder.experiment import PLAN, SLOT
from experiments.lab.builder.questions import SAID, safe_names
from experiments.lab.builder.rows import EMPTY, STAYS_A_WORD
from experiments.lab.player.records import LabError, Session, check_code
from protocols.asked import known_questions
from protocols.protocol import Protocol
from protocols.scales import place_near

ENDING = ".csv"
BEGAN = "%Y-%m-%d %Hh%M.%S.%f %z"  # PsychoPy's words for a moment
DECLINED = "declined"
NONE = ("", "None", EMPTY)
Row = Mapping[str, str]


def is_builders(file: Path) -> bool:
    """Whether a file holds what Builder wrote about a study of mien."""
    if file.suffix != ENDING or not file.is_file():
        return False
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        return PLAN in next(csv.reader(lines), [])


def read_builder(file: Path, protocol: Protocol) -> Session:
    """The session in `file`; raises StudyError where the file is damaged or lacks its parts.

    Its status is `declined` where there was no consent.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
        last = rows[-1]
        began = datetime.strptime(last["expStart"], BEGAN).timestamp()
        listed = (row["list_number"] for row in rows if row.get("list_number", "") not in NONE)
        header = {
            "study": last["expName"], "plan": last[PLAN], "slot": int(last[SLOT]),
            "list": int(float(next(listed, "0"))), "participant": check_code(last["participant"]),
            "pilot": any(row.get("piloting") == "True" for row in rows), "started": began,
            "session": hashlib.sha256(last["expStart"].encode()).hexdigest()[:8],
        }  # fmt: skip
        session = Session(file, header, _status(rows))
        for record in _answers(rows, protocol, began):
            session.learn(record)
    except LabError as error:
        raise StudyError(f"{file}: {error}") from None
    except (IndexError, KeyError, ValueError, csv.Error) as error:
        raise StudyError(
            f"{file}: not whole data of Builder ({type(error).__name__}: {error}); bring the file "
            "as PsychoPy wrote it"
        ) from None
    return session


def _status(rows: list[dict[str, str]]) -> str:
    asked = [name for name in rows[0] if name.startswith("consent_page") and "_key.keys" in name]
    if any(row[name] == "2" for row in rows for name in asked):
        return DECLINED
    return "completed" if any(_known(row, "debrief_page.started") for row in rows) else "active"


def _answers(
    rows: list[dict[str, str]], protocol: Protocol, began: float
) -> Iterator[dict[str, Any]]:
    """A record for each answer, as run.py writes them."""
    at_the_end = {question.id: question for question in asked_at_the_end(protocol)}
    of_trials = {
        name: Question(name, asked.task, asked.second)
        for name, asked in known_questions(protocol).items()
    }
    names = safe_names([*of_trials, *at_the_end])
    for row in rows:
        if trial := _known(row, "trial_number"):
            first = None
            for name in row["questions"].replace(";", "").split():
                shown = _seconds(row, f"{names[name]}_words.started")
                if shown is None or not _known(row, f"ask_{names[name]}.stopped"):
                    continue  # it broke off here
                first = _onset(row, shown) if first is None else first
                yield {
                    "record": "answer", "trial": int(float(trial)),
                    "stimulus": _stimulus(row),
                    "question": name, "onset_ms": _ms(first),
                    **_answer(row, names[name], of_trials[name], shown, first, began),
                }  # fmt: skip
        for name, question in at_the_end.items():
            shown = _seconds(row, f"{names[name]}_words.started")
            if shown is not None and _known(row, f"ask_{names[name]}.stopped"):
                yield {"record": "answer", "trial": None, "question": name,
                       **_answer(row, names[name], question, shown, shown, began)}  # fmt: skip


def _stimulus(row: Row) -> str | None:
    known = _known(row, "stimulus_id")
    return known and known.removesuffix(STAYS_A_WORD)


def _onset(row: Row, shown: float) -> float:
    """When the stimulus began: with the first question, or with the sound or video before it."""
    for name in ("watch_video", "listen_picture", "listen_sound"):
        at = _seconds(row, f"{name}.started")
        if at is not None:
            return at
    return shown


def _answer(
    row: Row, name: str, question: Question, shown: float, onset: float, began: float
) -> dict[str, Any]:
    """What was answered, and when; `shown`, `onset`: of the question, of the stimulus."""
    at = _seconds(row, f"ask_{name}.stopped") or shown
    key, slider = _known(row, f"{name}_key.keys"), _known(row, f"{name}_slider.response")
    said = _known(row, f"{name}{SAID}")
    kind = question.task.type
    if kind in ("checkboxes", "free-text"):
        given = _several(kind, row.get(f"{name}{SAID}") or "")
    else:
        if key is not None:
            at = shown + (_seconds(row, f"{name}_key.rt") or 0.0)
        elif slider is not None:
            asked = _seconds(row, f"ask_{name}.started")
            at = max(shown, (asked or shown) + (_seconds(row, f"{name}_slider.rt") or 0.0))
        given = _one(question, key, slider, said)
    return {**given, "rt_ms": _ms(at - onset), "hidden_ms": None, "time": began + at}


def _several(kind: str, said: str) -> dict[str, Any]:
    if kind == "checkboxes":
        return {"boxes": [int(float(place)) for place in said.split(";") if place]}
    return {"text": said} if said else {}


def _one(
    question: Question, key: str | None, slider: str | None, said: str | None
) -> dict[str, Any]:
    if slider is not None:
        return {"choice": place_near(question.task, float(slider))}
    chosen = said if question.task.type == "forced-choice" else key
    if chosen is None or (chosen == "0" and not question.second):
        return {}
    return {"choice": int(float(chosen))}


def _known(row: Row, name: str) -> str | None:
    cell = row.get(name)
    return None if cell is None or cell.strip() in NONE else cell


def _seconds(row: Row, name: str) -> float | None:
    cell = _known(row, name)
    return None if cell is None else float(cell)


def _ms(seconds: float) -> float:
    return max(0.0, round(1000 * seconds, 1))
