"""Pages of text as routines of Builder: consent, instructions, what stands between trials."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.lab.builder.psyexp import Component, EachTrial, Routine, words
from experiments.lab.builder.questions import FONT, INK, code, keyboard, text
from experiments.lab.player.records import Study

LETTERS, LINES = 78, 20  # of a page


def page(name: str, lines: str, study: Study, skip: str = "") -> list[Routine]:
    """A page of text, or several where it is long; the space bar goes on."""
    go_on = words(study.about["words"]["go_on"])
    return [
        Routine(own, (_block(own, lines), text(f"{own}_hint", go_on, -360, 18),
                      keyboard(f"{own}_key", "['space', 'return']")), skip)
        for own, lines in _numbered(name, lines)
    ]  # fmt: skip


def _numbered(name: str, lines: str) -> list[tuple[str, str]]:
    """The pages that a text needs, each with the name of its routine."""
    pages: list[list[str]] = [[]]
    for line in filter(None, (line.strip() for line in lines.split("\n"))):
        wrapped = textwrap.wrap(line.removeprefix("# "), LETTERS)
        if pages[-1] and len(pages[-1]) + len(wrapped) > LINES:
            pages.append([])
        pages[-1] += [" ".join(wrapped), *[""] * len(wrapped)]
    return [
        (f"{name}_page" if number == 1 else f"{name}_page_{number}",
         "\n\n".join(line for line in page if line))
        for number, page in enumerate(pages, start=1)
    ]  # fmt: skip


def _block(name: str, lines: str) -> Component:
    return Component("Textbox", f"{name}_text", {
        "text": words(lines), "formattingSyntax": "raw", "pos": "(0, 40)", "size": "(940, 700)",
        "letterHeight": 20, "font": FONT, "color": INK, "alignment": "center-left",
        "editable": False, "stopVal": "",
    })  # fmt: skip


def consent(study: Study) -> list[Routine]:
    """Consent: 1 goes on, 2 ends the experiment."""
    said = study.about["words"]
    lines = study.text("consent")
    if study.about["minutes"]:
        lines += "\n" + said["duration"].format(minutes=study.about["minutes"])
    *before, _ = page("consent", lines, study)
    name, last = _numbered("consent", lines)[-1]
    choice = f"1   {study.about['agree']}\n\n2   {said['decline']}"
    stop = f"if {name}_key.keys == '2':\n    thisExp.status = FINISHED"
    return [*before, Routine(name, (
        _block(name, last), text(f"{name}_choice", words(choice), -330, 20),
        keyboard(f"{name}_key", "['1', '2']"), code(f"{name}_code", end_routine=stop),
    ))]  # fmt: skip


def instructions(study: Study) -> list[Routine]:
    """The pages before the first trial."""
    return [
        routine
        for number in range(1, study.about["instructions"] + 1)
        for routine in page(f"instructions_{number}", study.text(f"instructions-{number}"), study)
    ]


def between(study: Study, trials: Sequence[Mapping[str, Any]]) -> list[Routine]:
    """The pages that stand before some trials."""
    said = study.about["words"]
    keys = said["keys_explained"]
    texts = {
        "practice": f"{said['practice']}\n{said['practice_explained']}\n{keys}",
        "ready": f"{said['ready']}\n{said['ready_explained']}\n{keys}",
    }
    if not any(trial["kind"] == "practice" for trial in trials):
        del texts["practice"]
    if any(trial["pause"] for trial in trials):
        texts["pause"] = f"{said['pause']}\n{study.text('pause')}"
    routines = []
    for name, lines in texts.items():
        routines += page(name, lines, study, f"{name!r} not in pages")
    if "pause" in texts:
        last = routines.pop()
        so_far = text("pause_so_far", EachTrial("$so_far"), -310, 18)
        routines.append(Routine(last.name, (*last.components, so_far), last.skip))
    return routines
