"""One trial: empty ground, the stimulus, its questions one after the other; each answer is kept.

A picture and its question appear with one flip; the question about a sound or a video comes when
it is over. Every response time counts from the onset, the flip that showed the stimulus.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from .asking import BLOCK, question_of
from .media import Showing
from .placing import grid_room
from .records import Session, Study, together
from .screen import MARGIN, Screen
from .timeline import Step
from .triggers import ANSWER, EXAMPLE, code_of

GAP_S = 0.3  # seconds of empty ground between trials
SPACE = 28  # pixels between stimulus and question


def medium_of(trial: dict[str, Any]) -> dict[str, Any] | None:
    """The medium of a row of trials.csv."""
    if trial["medium"] is None:
        return None
    picture = None
    if trial["picture"]:
        picture = {"kind": "image", "src": trial["picture"], "width": trial["picture_width"],
                   "height": trial["picture_height"]}  # fmt: skip
    return {"kind": trial["medium"], "src": trial["file"], "width": trial["width"],
            "height": trial["height"], "duration_ms": trial["duration_ms"],
            "picture": picture}  # fmt: skip


def room_for(
    trials: list[dict[str, Any]], folder: Path, block: float = BLOCK
) -> tuple[float, float]:
    """Width and height of the smallest window in which every trial is seen whole.

    `block`: pixels that a question needs, see `block_of`.
    """
    seen = {}
    for trial in trials:
        medium = medium_of(trial) or {}
        seen |= {one["src"]: one for one in (medium, medium.get("picture")) if one}
    sizes = [_size(one, folder) for one in seen.values()]
    wide, high = (max((size[side] for size in sizes), default=0) for side in (0, 1))
    return max(760.0, wide + 2 * MARGIN), high + SPACE + block + 2 * MARGIN


def block_of(about: dict[str, Any]) -> int:
    """Pixels that a question needs below a stimulus; `about`: the contents of study.json."""
    grids = [task["points"] for task in about["tasks"] if task["type"] == "affect-grid"]
    return max([BLOCK, *map(grid_room, grids)])


def _size(medium: dict[str, Any], folder: Path) -> tuple[int, int]:
    if medium.get("width") and medium.get("height"):
        return medium["width"], medium["height"]
    return Image.open(folder / medium["src"]).size if medium["kind"] == "image" else (0, 0)


def play_trial(screen: Screen, study: Study, session: Session, step: Step) -> None:
    """Show the trial of `step` and keep an answer to each of its open questions."""
    trial: dict[str, Any] = step.trial or {}
    shown = Showing(screen)
    screen.blank(GAP_S, partial(shown.load, medium_of(trial), study.folder))
    top = min(screen.height / 2 - MARGIN, (shown.height + SPACE + block_of(study.about)) / 2)
    shown.place(top - shown.height / 2)
    below = top - shown.height - SPACE
    seen: list[Any] = [shown]
    if trial["instruction"]:
        seen.append(screen.text(trial["instruction"], 0, below, 24, bold=True, anchor="top"))
        below -= seen[-1].boundingBox[1] + 16
    screen.hidden_s = 0.0
    # a picture and its question appear in one frame; a video's question comes when it is over
    asked = together(study.about, step.open)
    first = None if shown.plays else _question(screen, study, session, trial, asked[0][0], below)
    onset = _begin(screen, shown, [*seen, *([first] if first else [])], code_of(trial["trial"]))
    since_first_page = time.time() - session.header["started"]
    while shown.plays and not shown.over(_frame(screen, seen), onset):
        pass
    if shown.plays:
        screen.clear()
    for names in asked:
        question = first or _question(screen, study, session, trial, names[0], below)
        first = None
        given = _wait(screen, question, [*seen, question])
        screen.trigger.send(ANSWER)
        details = {"by": given.by, "timed_by": given.timed_by, **screen.counted(), **shown.ended}
        for name, said in answers_to(study.question(names[0]), given.said):
            if name in names:
                session.write(
                    "answer", trial=trial["trial"], stimulus=trial["stimulus_id"], question=name,
                    **said, rt_ms=_ms(given.at - onset), onset_ms=_ms(since_first_page),
                    hidden_ms=_ms(screen.hidden_s), details=details,
                )  # fmt: skip
    shown.close()


def _begin(screen: Screen, shown: Showing, seen: list[Any], code: int) -> float:
    """The flip that shows the stimulus; returns its moment."""
    screen.clear()
    for stim in seen:
        stim.draw()
    screen.win.callOnFlip(screen.trigger.send, code)
    shown.start()
    onset = screen.flip(lit=True)
    screen.clear(onset)
    screen.count()
    return onset


def _frame(screen: Screen, seen: list[Any]) -> float:
    for stim in seen:
        stim.draw()
    return screen.flip(lit=True)


def _question(
    screen: Screen, study: Study, session: Session, trial: dict[str, Any], name: str, below: float
) -> Any:
    """What asks the question; a second choice leaves the first one out."""
    first = name.removesuffix(study.about["second"])
    taken = session.choices.get((trial["trial"], first))
    return question_of(screen, study.question(name), below, taken)


def answers_to(task: dict[str, Any], said: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Question -> what was said to it; of a grid, the place (x, y) is two answers."""
    if "place" not in said:
        return [(name, said) for name in task["ids"]]
    return [(name, {"choice": at}) for name, at in zip(task["ids"], said["place"], strict=True)]


def play_question(screen: Screen, study: Study, session: Session, name: str) -> None:
    """One question of the questionnaire, on a page of its own."""
    task = study.question(name)
    question = question_of(screen, task, BLOCK, None)
    screen.clear()
    question.draw()
    onset = screen.flip()
    screen.clear(onset)
    given = _wait(screen, question, [question])
    for one, said in answers_to(task, given.said):
        if (None, one) not in session.done:
            session.write("answer", trial=None, question=one, **said,
                          rt_ms=_ms(given.at - onset), details={"by": given.by})  # fmt: skip


def show_examples(screen: Screen, study: Study) -> None:
    """The familiarisation: the examples of each level, level by level."""
    screen.read(study.text("examples"))
    for group in study.about["examples"]:
        for medium in group["media"]:
            shown = Showing(screen)
            screen.blank(GAP_S, partial(shown.load, medium, study.folder))
            title = screen.text(group["label"].capitalize(), 0, shown.height / 2 + 40, 26,
                                bold=True)  # fmt: skip
            if shown.plays:
                onset = _begin(screen, shown, [shown, title], EXAMPLE)
                while not shown.over(_frame(screen, [shown, title]), onset):
                    pass
            screen.wait([shown, title])
            shown.close()


def _wait(screen: Screen, question: Any, seen: list[Any]) -> Any:
    """Draw until the question is answered, and once more, so that the answer is seen."""

    def draw() -> None:
        for stim in seen:
            stim.draw()

    try:
        while True:
            _frame(screen, seen)
            given = question.take(screen.presses(draw), screen.click())
            if given is not None:
                screen.clear(given.at)
                _frame(screen, seen)
                return given
    finally:
        question.close()


def _ms(seconds: float) -> float:
    return max(0.0, round(1000 * seconds, 1))
