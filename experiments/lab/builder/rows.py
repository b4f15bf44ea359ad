"""The rows of Builder's loops: one CSV for each place of the plan, and one for the examples.

PsychoPy makes a variable of every column. It reads words that could be a number as one, and fails
where a column holds both; so no cell is empty, and such words end in a space of no width.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from experiments.lab.player.records import Study
from experiments.lab.player.timeline import timeline
from protocols.tables import write_whole

FOLDER = "conditions"
NOTHING = f"{FOLDER}/nothing.png"  # what stays on the screen where a trial has no picture
COLUMNS = ("trial_number", "list_number", "trial_kind", "stimulus_id", "pages", "so_far",
           "instruction", "questions", "medium", "media_file", "media_width", "media_height",
           "seconds", "shown_file", "shown_width", "shown_height")  # fmt: skip
EMPTY = "-"
STAYS_A_WORD = "\u200b"
LONGEST_S = 600  # of a medium whose duration nobody knows
BETWEEN = ("practice", "ready", "pause")  # pages that stand between trials


def write_rows(study: Study) -> None:
    """Write the files of every slot and of the examples; those of earlier builds go."""
    from PIL import Image  # no part of a server, which imports this file too

    (study.folder / FOLDER).mkdir(exist_ok=True)
    Image.new("RGBA", (8, 8)).save(study.folder / NOTHING)
    for old in (study.folder / FOLDER).glob("*.csv"):
        old.unlink()
    for slot, trials in study.trials.items():
        _write(study.folder / FOLDER / f"slot-{slot:03d}.csv", list(_rows(study, trials)))
    examples = [
        {"example_label": group["label"], **media_row(study, medium)}
        for group in study.about["examples"]
        for medium in group["media"]
    ]
    if examples:
        _write(study.folder / FOLDER / "examples.csv", examples)


def _write(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    out = io.StringIO()
    table: csv.DictWriter[str] = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    table.writeheader()
    for row in rows:
        table.writerow({name: _cell(cell) for name, cell in row.items()})
    write_whole(file, out.getvalue().encode())


def _cell(cell: Any) -> Any:
    """Words that stay words: PsychoPy reads those that could be a number as one, or fails."""
    if cell in (None, ""):
        return EMPTY
    if isinstance(cell, str):
        try:
            float(cell.replace(",", "."))
        except ValueError:
            return cell
        return cell + STAYS_A_WORD
    return cell


def _rows(study: Study, trials: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The trials of one slot, with the pages that stand before each."""
    before: list[str] = []
    so_far = 0
    counted = sum(trial["kind"] != "practice" for trial in trials)
    for step in timeline(study.about, trials, set()):
        if step.kind == "page" and step.name in BETWEEN:
            before.append(step.name)
            so_far = step.so_far
        elif step.kind == "trial" and step.trial is not None:
            trial = step.trial
            yield dict(zip(COLUMNS[:8], (
                trial["trial"], trial["list"], trial["kind"], trial["stimulus_id"],
                "+".join(before), study.about["words"]["so_far"].format(done=so_far, all=counted),
                trial["instruction"], " ".join(f"{name};" for name in trial["questions"]),
            ), strict=True)) | media_row(study, medium_of(trial))  # fmt: skip
            before = []


def medium_of(trial: Mapping[str, Any]) -> dict[str, Any] | None:
    """The medium of a row of trials.csv."""
    if trial["medium"] is None:
        return None
    return {"kind": trial["medium"], "src": trial["file"], "width": trial["width"],
            "height": trial["height"], "duration_ms": trial["duration_ms"],
            "picture": trial["picture"] and {"src": trial["picture"]}}  # fmt: skip


def media_row(study: Study, medium: Mapping[str, Any] | None) -> dict[str, Any]:
    """The columns of a medium: what plays, and what stays on the screen."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS[8:]) | {
        "media_width": 0, "media_height": 0, "seconds": 0,
        "shown_file": NOTHING, "shown_width": 1, "shown_height": 1,
    }  # fmt: skip
    if medium is None:
        return row
    row["medium"] = medium["kind"]
    picture = medium if medium["kind"] == "image" else medium.get("picture")
    if picture:
        wide, high = picture.get("width"), picture.get("height")
        if not (wide and high):
            wide, high = _size(study.folder / picture["src"])
        row |= {"shown_file": picture["src"], "shown_width": wide, "shown_height": high}
    if medium["kind"] != "image":
        planned = medium.get("duration_ms")
        row |= {name: medium.get(name.removeprefix("media_")) or 0 for name in COLUMNS[10:12]}
        row |= {"media_file": medium["src"], "seconds": planned / 1000 if planned else LONGEST_S}
    return row


@cache
def _size(file: Path) -> tuple[int, int]:
    from PIL import Image

    with Image.open(file) as picture:
        return picture.size
