"""`NAME.psyexp`: the lab study as an experiment that opens in PsychoPy's Builder.

It is made from the lab folder itself (study.json, trials.csv, texts/), so that both play the same
trials in the same order:

    <study>.psyexp                  routines and flow
    conditions/slot-001.csv, …      one file for each place of the plan, rows in order
    conditions/examples.csv         the familiarisation, where there is one
    conditions/nothing.png          what stays on the screen where a trial has no picture

What it lacks beside run.py stands in docs/lab.md.
"""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from experiments.lab.builder_questions import (
    FONT,
    INK,
    Layout,
    code,
    keyboard,
    question,
    safe_names,
    text,
)
from experiments.lab.player.records import BY_BUILDER, Study
from experiments.lab.player.timeline import timeline
from experiments.lab.psyexp import Component, EachTrial, Experiment, Loop, Routine, words
from protocols.tables import write_whole

FOLDER = "conditions"
NOTHING = f"{FOLDER}/nothing.png"
COLUMNS = ("trial_number", "list_number", "trial_kind", "stimulus_id", "pages", "so_far",
           "instruction", "questions", "medium", "media_file", "media_width", "media_height",
           "seconds", "shown_file", "shown_width", "shown_height")  # fmt: skip
EMPTY = "-"  # an empty cell would come back from PsychoPy as a number that is none
STAYS_A_WORD = "\u200b"  # a space of no width, behind words such as 01
LONGEST_S = 600  # of a medium whose duration nobody knows
GRACE_S = 0.5  # beyond its duration, after which a medium counts as over
GAP_S = 0.3  # of empty ground between trials
LETTERS, LINES = 78, 20  # of a page
HIGH = ("shown_height", "media_height")
AROUND = {"-valence": ("left", "right"), "-arousal": ("bottom", "top")}  # of an affect grid
BETWEEN = ("practice", "ready", "pause")  # pages that stand between trials
PLAN, SLOT = "mien_plan", "slot"  # fields of expInfo, and so columns of the data


def write_builder(study: Study) -> Path:
    """Write the experiment into the folder of the lab study; returns its path."""
    file = study.folder / f"{study.about['name']}.psyexp"
    _write_rows(study)
    Image.new("RGBA", (8, 8)).save(study.folder / NOTHING)
    write_whole(file, _experiment(study).xml())
    return file


# rows


def _write_rows(study: Study) -> None:
    (study.folder / FOLDER).mkdir(exist_ok=True)
    for old in (study.folder / FOLDER).glob("*.csv"):
        old.unlink()
    for slot, trials in study.trials.items():
        _write(study.folder / FOLDER / f"slot-{slot:03d}.csv", list(_rows(study, trials)))
    examples = [
        {"example_label": group["label"], **_media(study, medium)}
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
            ), strict=True)) | _media(study, _medium(trial))  # fmt: skip
            before = []


def _medium(trial: Mapping[str, Any]) -> dict[str, Any] | None:
    if trial["medium"] is None:
        return None
    return {"kind": trial["medium"], "src": trial["file"], "width": trial["width"],
            "height": trial["height"], "duration_ms": trial["duration_ms"],
            "picture": trial["picture"] and {"src": trial["picture"]}}  # fmt: skip


def _media(study: Study, medium: Mapping[str, Any] | None) -> dict[str, Any]:
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
    with Image.open(file) as picture:
        return picture.size


# routines and flow


def _experiment(study: Study) -> Experiment:
    """Settings and flow."""
    every = [trial for trials in study.trials.values() for trial in trials]
    rows = [_media(study, medium) for medium in _distinct(every)]
    height = max((row[name] for row in rows for name in HIGH), default=0)
    layout = Layout(height, any(trial["instruction"] for trial in every))
    asked, at_the_end = _asked(study, every), list(study.about["asked_at_the_end"])
    names = safe_names([*asked, *at_the_end])
    of_trials = [
        question(_task(study, name), names, study.about, layout,
                 _stays(names[name], every, rows, layout), _skip(name, every))
        for name in asked
    ]  # fmt: skip
    flat = Layout(0, False)
    last = [question(_task(study, name), names, study.about, flat) for name in at_the_end]
    if last:
        last = [*_page("questionnaire", study.about["words"]["questionnaire"], study), *last]
    file = f"${FOLDER!r} + '/slot-%03d.csv' % int(expInfo[{SLOT!r}])"
    steps = (*_between(study, every), _gap(), *_playing("trial", every, rows, layout), *of_trials)
    return Experiment(_settings(study), [
        *_consent(study), *_instructions(study), *_examples(study, layout),
        Loop("trials", steps, file), *last,
        *_page("debrief", study.text("debrief"), study),
    ])  # fmt: skip


def _distinct(trials: Sequence[Mapping[str, Any]]) -> list[dict[str, Any] | None]:
    """Every medium once."""
    return list({trial["file"]: _medium(trial) for trial in trials}.values())


def _task(study: Study, name: str) -> dict[str, Any]:
    """The task of a question; each of the two of an affect grid is a scale of its own."""
    task = study.question(name)
    if task["type"] != "affect-grid":
        return task
    ends = AROUND[name.removeprefix(task["id"])]
    anchors = {"1": task["around"][ends[0]], str(task["points"]): task["around"][ends[1]]}
    return {**task, "id": name, "type": "likert", "anchors": anchors}


def _asked(study: Study, trials: Sequence[Mapping[str, Any]]) -> list[str]:
    """The questions of the trials, in order: a trial that has all of them comes first."""
    in_order = sorted((trial["questions"] for trial in trials), key=len, reverse=True)
    return list(dict.fromkeys(name for questions in in_order for name in questions))


def _skip(name: str, trials: Sequence[Mapping[str, Any]]) -> str:
    if all(name in trial["questions"] for trial in trials):
        return ""
    return f"'{name};' not in questions.split()"


def _settings(study: Study) -> dict[str, Any]:
    info = {"participant": "", SLOT: "1", f"{PLAN}|hid": study.about["plan"]}
    return {
        "expName": study.about["name"],
        "Experiment info": repr(info),
        "Full-screen window": True, "Window size (pixels)": "(1280, 960)", "Show mouse": True,
        "Units": "pix", "color": "$[0,0,0]", "colorSpace": "rgb", "Audio lib": "ptb",
        "Save psydat file": False, "Save csv file": False, "Save wide csv file": True,
        "End Message": "",
        "Data filename": "'data/' + expInfo['participant'] + '_slot-' + "
        f"str(expInfo[{SLOT!r}]).zfill(3) + {BY_BUILDER!r} + expInfo['date']",
    }  # fmt: skip


def _page(name: str, lines: str, study: Study, skip: str = "") -> list[Routine]:
    """A page of text, or several where it is long; the space bar goes on."""
    go_on = words(study.about["words"]["go_on"])
    return [
        Routine(own, (_block(own, page), text(f"{own}_hint", go_on, -360, 18),
                      keyboard(f"{own}_key", "['space', 'return']")), skip)
        for own, page in _numbered(name, lines)
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


def _block(name: str, page: str) -> Component:
    return Component("Textbox", f"{name}_text", {
        "text": words(page), "formattingSyntax": "raw", "pos": "(0, 40)", "size": "(940, 700)",
        "letterHeight": 20, "font": FONT, "color": INK, "alignment": "center-left",
        "editable": False, "stopVal": "",
    })  # fmt: skip


def _consent(study: Study) -> list[Routine]:
    """Consent: 1 goes on, 2 ends the experiment."""
    said = study.about["words"]
    lines = study.text("consent")
    if study.about["minutes"]:
        lines += "\n" + said["duration"].format(minutes=study.about["minutes"])
    *before, _ = _page("consent", lines, study)
    name, page = _numbered("consent", lines)[-1]
    choice = f"1   {study.about['agree']}\n\n2   {said['decline']}"
    stop = f"if {name}_key.keys == '2':\n    thisExp.status = FINISHED"
    return [*before, Routine(name, (
        _block(name, page), text(f"{name}_choice", words(choice), -330, 20),
        keyboard(f"{name}_key", "['1', '2']"), code(f"{name}_code", end_routine=stop),
    ))]  # fmt: skip


def _instructions(study: Study) -> list[Routine]:
    return [
        page
        for number in range(1, study.about["instructions"] + 1)
        for page in _page(f"instructions_{number}", study.text(f"instructions-{number}"), study)
    ]


def _examples(study: Study, layout: Layout) -> list[Any]:
    groups = study.about["examples"]
    if not groups:
        return []
    media = [medium for group in groups for medium in group["media"]]
    rows = [_media(study, medium) for medium in media]
    go_on = words(study.about["words"]["go_on"])
    example = Routine("example", (
        _picture("example", layout),
        text("example_name", EachTrial("$example_label.capitalize()"), layout.question, 26),
        text("example_hint", go_on, layout.answers, 18),
        keyboard("example_key", "['space', 'return']"),
    ))  # fmt: skip
    trials = [{"medium": medium["kind"]} for medium in media]
    steps = (_gap(), *_playing("example", trials, rows, layout), example)
    return [*_page("examples", study.text("examples"), study),
            Loop("examples", steps, f"{FOLDER}/examples.csv")]  # fmt: skip


def _between(study: Study, trials: Sequence[Mapping[str, Any]]) -> list[Routine]:
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
        routines += _page(name, lines, study, f"{name!r} not in pages")
    if "pause" in texts:
        last = routines.pop()
        so_far = text("pause_so_far", EachTrial("$so_far"), -310, 18)
        routines.append(Routine(last.name, (*last.components, so_far), last.skip))
    return routines


def _gap() -> Routine:
    ground = text("gap_ground", " ", 0)
    return Routine("gap", (Component("Text", ground.name, {**ground.params, "stopVal": GAP_S}),))


def _picture(name: str, layout: Layout) -> Component:
    """What stays on the screen."""
    return Component("Image", f"{name}_picture", {
        "image": EachTrial("$shown_file"), "size": EachTrial("$(shown_width, shown_height)"),
        "pos": f"(0, {layout.stimulus:.0f})", "stopVal": "",
    })  # fmt: skip


def _stays(
    name: str, trials: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]],
    layout: Layout,
) -> list[Component]:  # fmt: skip
    """What stands above a question: the picture, and an instruction."""
    own = []
    if any(row["shown_file"] != NOTHING for row in rows):
        own.append(_picture(name, layout))
    if any(trial["instruction"] for trial in trials):
        given = EachTrial(f"$'' if instruction == {EMPTY!r} else instruction")
        own.append(text(f"{name}_instruction", given, layout.instruction, 24))
    return own


def _playing(
    where: str, trials: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]],
    layout: Layout,
) -> list[Any]:  # fmt: skip
    """What plays before the questions; in a loop of no or one time where some trials have none."""
    kinds = {trial["medium"] for trial in trials}
    steps: list[Any] = []
    for kind, routine in (("audio", _listen(rows, layout)), ("video", _watch(rows, layout))):
        if kinds == {kind}:
            steps.append(routine)
        elif kind in kinds:
            times = f"int(medium == {kind!r})"
            steps.append(Loop(f"{where}_if_{kind}", (routine,), times=times, rows=False))
    return steps


def _listen(rows: Sequence[Mapping[str, Any]], layout: Layout) -> Routine:
    sound = Component("Sound", "listen_sound", {
        "sound": EachTrial("$media_file"), "stopVal": "$seconds", "hamming": False,
        "syncScreenRefresh": True, "forceEndRoutine": True,
    })  # fmt: skip
    return Routine("listen", (_picture("listen", layout), sound))


def _watch(rows: Sequence[Mapping[str, Any]], layout: Layout) -> Routine:
    known = all(row["media_width"] for row in rows if row["medium"] == "video")
    size = "$(media_width, media_height)" if known else "$None"  # its own size
    video = Component("Movie", "watch_video", {
        "movie": EachTrial("$media_file"), "backend": "ffpyplayer", "forceEndRoutine": True,
        "size": EachTrial(size), "pos": f"(0, {layout.stimulus:.0f})",
        "stopVal": f"$seconds + {GRACE_S}",
    })  # fmt: skip
    return Routine("watch", (video,))
