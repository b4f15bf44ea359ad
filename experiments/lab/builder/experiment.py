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

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.lab.builder.pages import between, consent, instructions, page
from experiments.lab.builder.psyexp import Experiment, Loop
from experiments.lab.builder.questions import Layout, question, safe_names
from experiments.lab.builder.rows import FOLDER, media_row, medium_of, write_rows
from experiments.lab.builder.showing import examples, gap, playing, stays
from experiments.lab.player.records import BY_BUILDER, Study
from protocols.tables import write_whole

HIGH = ("shown_height", "media_height")
AROUND = {"-valence": ("left", "right"), "-arousal": ("bottom", "top")}  # of an affect grid
PLAN, SLOT = "mien_plan", "slot"  # fields of expInfo, and so columns of the data


def write_builder(study: Study) -> Path:
    """Write the experiment into the folder of the lab study; returns its path."""
    file = study.folder / f"{study.about['name']}.psyexp"
    write_rows(study)
    write_whole(file, _experiment(study).xml())
    return file


def _experiment(study: Study) -> Experiment:
    """Settings and flow."""
    every = [trial for trials in study.trials.values() for trial in trials]
    rows = [media_row(study, medium) for medium in _distinct(every)]
    height = max((row[name] for row in rows for name in HIGH), default=0)
    layout = Layout(height, any(trial["instruction"] for trial in every))
    asked, at_the_end = _asked(study, every), list(study.about["asked_at_the_end"])
    names = safe_names([*asked, *at_the_end])
    of_trials = [
        question(_task(study, name), names, study.about, layout,
                 stays(names[name], every, rows, layout), _skip(name, every))
        for name in asked
    ]  # fmt: skip
    flat = Layout(0, False)
    last = [question(_task(study, name), names, study.about, flat) for name in at_the_end]
    if last:
        last = [*page("questionnaire", study.about["words"]["questionnaire"], study), *last]
    file = f"${FOLDER!r} + '/slot-%03d.csv' % int(expInfo[{SLOT!r}])"
    steps = (*between(study, every), gap(), *playing("trial", every, rows, layout), *of_trials)
    return Experiment(_settings(study), [
        *consent(study), *instructions(study), *examples(study, layout),
        Loop("trials", steps, file), *last,
        *page("debrief", study.text("debrief"), study),
    ])  # fmt: skip


def _distinct(trials: Sequence[Mapping[str, Any]]) -> list[dict[str, Any] | None]:
    """Every medium once."""
    return list({trial["file"]: medium_of(trial) for trial in trials}.values())


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
