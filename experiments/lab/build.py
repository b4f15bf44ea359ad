"""`mien study lab`: protocol, plan and stimuli in; a folder `lab/` that PsychoPy plays out.

The trials are those that the web page would be told (`experiments.view`), slot by slot, in the
same order; nothing is drawn again. Sessions in `lab/data` are never touched.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.answers import asked_at_the_end
from experiments.errors import StudyError
from experiments.lab.builder.experiment import write_builder
from experiments.lab.player.records import BETWEEN, FORMAT, LabError, read_study, sessions
from experiments.lab.player.triggers import EVENTS, code_of
from experiments.lab.texts import to_lines
from experiments.lab.words import lab_words
from experiments.media import Medium, lay_out, read_shown
from experiments.plan import Plan, Trial
from experiments.reception import Place
from experiments.templates import fill
from experiments.view import examples, study_of
from experiments.words import WORDS, how_to_answer, task_told
from protocols.licences import caution
from protocols.manifest import write_json
from protocols.protocol import Protocol
from protocols.scales import AXES
from protocols.study import Study
from protocols.tables import write_whole
from protocols.tasks import SECOND

HERE = Path(__file__).parent
SLOTS = HERE.parent / "slots.py"  # which place comes next: the rule of the web server
COLUMNS = ("slot", "list", "trial", "block", "kind", "pause", "stimulus_id", "condition",
           "medium", "file", "width", "height", "duration_ms", "picture", "picture_width",
           "picture_height", "instruction", "questions")  # fmt: skip


def build_lab(study: Study, tell: Callable[[str], object] = str) -> Path:
    """Write the lab study; returns its folder. `tell` takes a line for the researcher.

    Raises:
        StudyError: plan or stimuli are missing or do not fit, a template is wrong, or the folder
            holds sessions of another plan.
    """
    protocol = study.protocol()
    plan, media, manifest = read_shown(study, protocol)
    media = _named(media)
    _check_sessions(study, plan)
    if (warning := caution(protocol)) is not None:
        tell(warning)
    lab = study.lab
    lab.mkdir(parents=True, exist_ok=True)
    lay_out(media, lab / "media")
    write_whole(lab / "trials.csv", _trials(protocol, plan, media).encode())
    write_whole(lab / "codes.csv", _codes(plan).encode())
    _write_texts(protocol, lab / "texts")
    about = _about(protocol, plan, media, manifest)
    write_json(lab / "study.json", about)
    _copy_player(lab / "player")
    for name in ("run.py", "README.md"):
        write_whole(lab / name, _render(study, f"{name}.j2", protocol, about, plan).encode())
    write_builder(read_study(lab))
    return lab


def _named(media: Mapping[str, Medium]) -> dict[str, Medium]:
    """Media under the names of their files; under their hash where two files share a name."""
    every = [m for medium in media.values() for m in (medium, medium.picture) if m is not None]
    files = {(medium.source.name, medium.name) for medium in every}
    twice = {name for name, count in Counter(name for name, _ in files).items() if count > 1}

    def named(medium: Medium) -> Medium:
        own = medium.name if medium.source.name in twice else medium.source.name
        picture = named(medium.picture) if medium.picture else None
        return replace(medium, name=own, picture=picture)

    return {stimulus: named(medium) for stimulus, medium in media.items()}


def _check_sessions(study: Study, plan: Plan) -> None:
    """Refuse a folder that holds sessions of another plan."""
    try:
        known = sessions(study.lab / "data")
    except LabError as error:
        raise StudyError(str(error)) from None
    for one in known:
        if one.header["plan"] not in plan.digests:
            raise StudyError(
                f"{one.path}: was played by another plan; move {one.path.parent} out of the "
                "folder, and keep it with the study that it belongs to"
            )


def _trials(protocol: Protocol, plan: Plan, media: Mapping[str, Medium]) -> str:
    """`trials.csv`: every slot's trials, as the web page would be told them."""
    out = io.StringIO()
    table: csv.DictWriter[str] = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    table.writeheader()
    for slot, planned in sorted(plan.trials.items()):
        told = study_of(protocol, plan, media, Place("", "", "active", slot))["trials"]
        for trial, shown in zip(planned, told, strict=True):
            table.writerow(_row(slot, plan.lists[slot], trial, shown))
    return out.getvalue()


def _codes(plan: Plan) -> str:
    """`codes.csv`: what each code of the trigger means, in every slot."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(("code", "event", "slot", "trial", "stimulus_id", "condition"))
    table.writerows((code, event, None, None, None, None) for event, code in EVENTS.items())
    for slot, trials in sorted(plan.trials.items()):
        for trial in trials:
            table.writerow((code_of(trial.number), "onset", slot, trial.number, trial.stimulus,
                            _condition(trial)))  # fmt: skip
    return out.getvalue()


def _condition(trial: Trial) -> str:
    return ", ".join(f"{name}={level}" for name, level in trial.levels.items() if level is not None)


def _row(slot: int, number: int, trial: Trial, shown: Mapping[str, Any]) -> dict[str, Any]:
    medium = shown["medium"] or {}
    picture = medium.get("picture") or {}
    return {
        "slot": slot, "list": number, "trial": shown["trial"], "block": trial.block,
        "kind": trial.kind, "pause": "true" if shown["pause"] else "false",
        "stimulus_id": trial.stimulus, "condition": _condition(trial),
        "medium": medium.get("kind"), "file": medium.get("src"), "width": medium.get("width"),
        "height": medium.get("height"), "duration_ms": medium.get("duration_ms"),
        "picture": picture.get("src"), "picture_width": picture.get("width"),
        "picture_height": picture.get("height"), "instruction": shown["instruction"],
        "questions": BETWEEN.join(shown["questions"]),
    }  # fmt: skip


def _about(
    protocol: Protocol, plan: Plan, media: Mapping[str, Medium], manifest: pd.DataFrame
) -> dict[str, Any]:
    """`study.json`: what the player knows beside trials and texts."""
    pages, words = protocol.pages, lab_words(protocol.pages.language)
    return {
        "format": FORMAT,
        "name": protocol.name,
        "plan": plan.digest,
        "per_list": protocol.recruitment.per_list,
        "second": SECOND,
        "axes": AXES,
        "tasks": [task_told(WORDS[pages.language], task) for task in protocol.tasks],
        "questionnaire": [task_told(WORDS[pages.language], task) for task in pages.questionnaire],
        "asked_at_the_end": [question.id for question in asked_at_the_end(protocol)],
        "instructions": len(pages.instructions),
        "examples": examples(protocol, media, manifest),
        "agree": pages.consent.agree,
        "minutes": protocol.recruitment.minutes,
        "words": words | {"keys_explained": how_to_answer(words, protocol.tasks)},
    }


def _write_texts(protocol: Protocol, folder: Path) -> None:
    pages, breaks = protocol.pages, protocol.design.breaks
    texts = {"consent": pages.consent.text, "debrief": pages.debrief}
    texts |= {f"instructions-{n}": text for n, text in enumerate(pages.instructions, start=1)}
    if pages.familiarisation is not None:
        texts["examples"] = pages.familiarisation.text
    if breaks is not None:
        texts["pause"] = breaks.text
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in texts.items():
        write_whole(folder / f"{name}.txt", to_lines(text).encode())


def _copy_player(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for source in [*_own_files(HERE / "player"), SLOTS]:
        shutil.copyfile(source, folder / source.name)


def _own_files(folder: Path) -> Iterable[Path]:
    return sorted(folder.glob("*.py"))


def _render(
    study: Study, name: str, protocol: Protocol, about: Mapping[str, Any], plan: Plan
) -> str:
    """A template of the study's own folder `templates/lab`, or else mien's."""
    places = [study.folder / "templates" / "lab", HERE / "templates"]
    kinds = sorted({task["type"] for task in [*about["tasks"], *about["questionnaire"]]})
    return fill(
        name, places, html=False,
        name=protocol.name, title=protocol.title, about=about, kinds=kinds, plan=plan,
        has_examples=bool(about["examples"]),
        has_practice=protocol.design.practice is not None,
        has_breaks=protocol.design.breaks is not None,
        trials=len(plan.trials[min(plan.trials)]), slots=len(plan.trials),
        per_list=protocol.recruitment.per_list, lists=len(set(plan.lists.values())),
    )  # fmt: skip
