"""What is still to do, step by step: the same steps as on the web. Needs nothing but Python."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .records import together

Done = Collection[tuple[int | None, str]]


@dataclass(frozen=True)
class Step:
    """One step. `kind`: page, examples, trial or question.

    `name`: of the page or question. `trial`: its row of trials.csv, for a trial the row to play;
    `open`: its questions that are not answered yet. `so_far`: rating trials behind.
    """

    kind: str
    name: str = ""
    trial: dict[str, Any] | None = None
    open: tuple[str, ...] = ()
    so_far: int = 0


def timeline(about: dict[str, Any], trials: Sequence[dict[str, Any]], done: Done) -> Iterator[Step]:
    """The steps between consent and debrief, without what is done already.

    Args:
        about: the contents of study.json.
        trials: the trials of the participant's slot.
        done: (trial, question) answered; the trial is None for the questionnaire.
    """
    left = [(trial, _open(trial, done)) for trial in trials]
    left = [(trial, questions) for trial, questions in left if questions]
    afresh = not any(number is not None for number, _ in done)
    if afresh:
        for number in range(1, about["instructions"] + 1):
            yield Step("page", f"instructions-{number}")
        if about["examples"]:
            yield Step("examples")
    rating = [trial["trial"] for trial in trials if trial["kind"] != "practice"]
    practising = counted = False
    for place, (trial, questions) in enumerate(left):
        practice = trial["kind"] == "practice"
        if practice and not practising:
            yield Step("page", "practice")
        if not practice and not counted and (afresh or practising):
            yield Step("page", "ready")
        if trial["pause"] and place:
            yield Step("page", "pause", so_far=rating.index(trial["trial"]))
        practising, counted = practising or practice, counted or not practice
        yield Step("trial", str(trial["trial"]), trial, questions)
    asked = [name for name in about["asked_at_the_end"] if (None, name) not in done]
    if asked:
        yield Step("page", "questionnaire")
    for names in together(about, asked):
        yield Step("question", names[0], open=names)


def _open(trial: dict[str, Any], done: Done) -> tuple[str, ...]:
    return tuple(name for name in trial["questions"] if (trial["trial"], name) not in done)
