"""A small study made by hand: pictures drawn with Pillow, a plan that rotates emotions."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pandas as pd
from PIL import Image, ImageDraw

from protocols.manifest import hash_file, read_manifest, write_manifest
from protocols.protocol import Protocol
from protocols.reading import load
from protocols.study import Study
from protocols.trials import write_trials

TINY = """
name: tiny
title: A tiny study
seed: 3
stimuli:
  generator: actor
  identities: 4
  factors: {emotion: [angry, happy], m: [0, 1]}
  size: 128
tasks:
  - id: valence
    type: likert
    question: How negative or positive does this face look?
    anchors: {1: very negative, 5: neutral, 9: very positive}
  - id: feeling
    type: forced-choice
    question: Which emotion does this face show?
    options: [Angry, Happy, Sad]
    second_choice: true
design:
  rotate: [emotion]
  practice: {trials: 1}
  attention: [{id: press-two, text: Please press 2., task: valence, answer: 2}]
  breaks: {every: 4}
  repeats: {count: 1}
pages:
  questionnaire:
    - {id: random, type: forced-choice, question: At random?, options: ["no", "yes"]}
    - {id: aids, type: checkboxes, question: What helped you?, options: [Eyes, Mouth, Nothing],
       exclusive: Nothing}
    - {id: sure, type: labelled-rating, question: How sure were you?,
       labels: [unsure, middling, sure]}
    - {id: remarks, type: free-text, question: Any remarks?, required: false}
recruitment: {per_list: 3}
exclusions:
  - {id: said-random, rule: answer, question: random, of: ["yes"]}
  - {id: attention, rule: attention}
"""


def make_study(
    folder: Path, text: str = TINY, *, pictures: bool = True, slots_per_list: int | None = None
) -> Study:
    """A study in `folder`: frozen protocol, plan and, if asked, stimuli."""
    source = folder.parent / f"{folder.name}.yaml"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(text)
    protocol = load(source)
    study = Study(folder)
    study.freeze(protocol)
    write_trials(pd.DataFrame(_plan(protocol, slots_per_list)), study.plan, protocol.factors)
    if pictures:
        _draw(study, protocol)
    return study


def look_built(study: Study) -> Study:
    """Give the study an empty page and empty folders, for tests in which no browser looks at it."""
    for name in ("static", "jspsych", "media"):
        (study.web / name).mkdir(parents=True)
    (study.web / "index.html").write_text("<!doctype html><title>x</title>")
    return study


def stimulus_id(identity: str, levels: dict) -> str:
    return "x".join([identity, *(str(level).replace(".", "p") for level in levels.values())])


def _plan(protocol: Protocol, slots_per_list: int | None):
    design, names = protocol.design, [f"actor{i}" for i in range(protocol.stimuli.identities.count)]
    lists = len(protocol.stimuli.factors["emotion"]) if "emotion" in design.rotate else 1
    each = slots_per_list or protocol.recruitment.per_list
    for slot in range(1, lists * each + 1):
        number = (slot - 1) % lists + 1
        rows = []
        practice = design.practice.trials if design.practice else 0
        rows += [("practice", "practice0", protocol.stimuli.cells[0], None, None)] * practice
        for cell, (i, name) in itertools.product(protocol.stimuli.cells, enumerate(names)):
            mine = protocol.stimuli.factors["emotion"][(i + number) % lists]
            if lists == 1 or cell["emotion"] == mine:
                rows.append(("rating", name, cell, None, None))
        first = 1 + practice
        for k in range(design.repeats.count if design.repeats else 0):
            rows.append(("repeat", *rows[first - 1 + k][1:3], first + k, None))
        for check in design.attention:
            rows.append(("attention", names[0], protocol.stimuli.cells[0], None, check.id))
        every = design.breaks.every if design.breaks else 10**6
        for trial, (kind, name, cell, repeat_of, check) in enumerate(rows, start=1):
            yield {
                "slot": slot, "list": number, "block": int(kind != "practice"), "trial": trial,
                "kind": kind, "stimulus_id": stimulus_id(name, cell), "identity": name, **cell,
                "repeat_of": repeat_of, "check": check,
                "pause": trial > first and (trial - first) % every == 0,
            }  # fmt: skip


def _draw(study: Study, protocol: Protocol) -> None:
    study.stimuli.mkdir(parents=True, exist_ok=True)
    rows, size = [], protocol.stimuli.size
    people = [(f"actor{i}", "main") for i in range(protocol.stimuli.identities.count)]
    people += [("practice0", "practice"), ("example0", "example"), ("example1", "example")]
    for (name, role), cell in itertools.product(people, protocol.stimuli.cells):
        stimulus = stimulus_id(name, cell)
        file = study.stimuli / f"stim-{stimulus}_image.png"
        _face(name, cell, size).save(file)
        rows.append({
            "stimulus_id": stimulus, "type": "image", "file": file.name,
            "sha256": hash_file(file), "bytes": file.stat().st_size, "role": role,
            "corpus": "actors", "identity": name, **cell, "seed": 1, "generator": "actor",
            "generator_version": "test", "licence": "CC0", "digital_source_type": "test",
            "width": size, "height": size,
        })  # fmt: skip
    write_manifest(study.stimuli, rows, protocol.factors)


def _face(name: str, cell: dict, size: int) -> Image.Image:
    """A plain round face whose mouth says the emotion; the name sets its colour."""
    shade = 120 + 13 * (sum(map(ord, name)) % 9)
    picture = Image.new("RGB", (size, size), (128, 128, 128))
    draw = ImageDraw.Draw(picture)
    s = size / 128
    draw.ellipse([14 * s, 8 * s, 114 * s, 120 * s], fill=(shade, shade - 30, shade - 50))
    for x in (44, 84):
        draw.ellipse([(x - 5) * s, 50 * s, (x + 5) * s, 60 * s], fill=(30, 30, 30))
    happy = str(cell.get("emotion", cell.get("face_emotion"))) == "happy"
    bend = 4 + 10 * float(cell.get("m", 1))
    box = [40 * s, (88 - bend) * s, 88 * s, (88 + bend) * s]
    draw.arc(
        box, 20 if happy else 200, 160 if happy else 340, fill=(90, 20, 20), width=round(4 * s)
    )
    return picture


def add_sound(study: Study, film: str, sound: str, *, examples: bool = False) -> None:
    """Turn two stimuli into a film and a sound; paths of half a second each.

    examples: turn every example of the study into the film as well.
    """
    table = read_manifest(study.stimuli)
    protocol = study.protocol()
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    for row in rows:
        source = {"actor1xangryx0": film, "actor1xangryx1": sound}.get(row["stimulus_id"])
        if examples and row["role"] == "example":
            source = film
        if source is None:
            continue
        kind = "audioVideo" if source == film else "audio"
        name = f"stim-{row['stimulus_id']}_{kind}{Path(source).suffix}"
        shutil.copy(source, study.stimuli / name)
        file = study.stimuli / name
        row |= {"type": kind, "file": name, "sha256": hash_file(file), "duration_s": 0.5,
                "bytes": file.stat().st_size}  # fmt: skip
    write_manifest(study.stimuli, rows, protocol.factors)


def resize(study: Study, stimulus: str, size: tuple[int, int]) -> None:
    """Draw one picture anew, with so many pixels; the manifest says so."""
    table, protocol = read_manifest(study.stimuli), study.protocol()
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    row = next(row for row in rows if row["stimulus_id"] == stimulus)
    file = study.stimuli / row["file"]
    with Image.open(file) as picture:
        picture.resize(size).save(file)
    row |= {"sha256": hash_file(file), "bytes": file.stat().st_size, "width": size[0],
            "height": size[1]}  # fmt: skip
    write_manifest(study.stimuli, rows, protocol.factors)
