"""The `.psyexp` beside run.py: the web's trials in the web's order, and its data back again.

`data/builder_vp01.csv` is what PsychoPy 2026.2.5 wrote when its Builder's script of the study
below was played with key presses.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from typer.testing import CliRunner

from experiments.errors import StudyError
from experiments.export import export
from experiments.lab.build import build_lab
from experiments.lab.builder.psyexp import words
from experiments.lab.builder.questions import rows_of_buttons, safe_names
from experiments.lab.builder.rows import EMPTY, NOTHING, STAYS_A_WORD
from experiments.lab.places import free_places
from experiments.lab.player.records import held_by_builder, read_excluded, read_study
from experiments.lab.sessions import bring_sessions, holds_sessions
from experiments.media import read_media
from experiments.plan import read_plan
from experiments.reception import Place
from experiments.view import study_of
from mien import app
from protocols.ratings import read_participants, read_ratings
from protocols.study import Study
from tests.small_study import TINY, add_sound, make_study

RECORDED = Path(__file__).parent / "data" / "builder_vp01.csv"
STUDY = TINY.replace("identities: 4", "identities: 2").replace(
    "pages:\n", "pages:\n  familiarisation: {factor: emotion, examples: 1}\n"
)
SCALES = """  - {id: warmth, type: slider, question: How warm?, left: cold, right: warm,
     required: false}
  - {id: mood, type: affect-grid, question: What mood?}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Pictures, a film, a sound; as they were when the data were recorded."""
    folder = tmp_path_factory.mktemp("builder")
    study = make_study(folder / "study", STUDY)
    for name in ("film.mp4", "sound.wav"):
        (folder / name).write_bytes(name.encode())
    add_sound(study, str(folder / "film.mp4"), str(folder / "sound.wav"))
    build_lab(study)
    return study


@pytest.fixture
def study(built, tmp_path):
    shutil.copytree(built.folder, tmp_path / "study")
    return Study(tmp_path / "study")


def xml(study):
    return ET.parse(study.lab / f"{study.protocol().name}.psyexp").getroot()


def params(root, name):
    """The parameters of a component."""
    [component] = root.findall(f".//Routine/*[@name='{name}']")
    return {param.get("name"): param.get("val") for param in component}


def rows_of(study, slot):
    text = (study.lab / "conditions" / f"slot-{slot:03d}.csv").read_text()
    return list(csv.DictReader(io.StringIO(text)))


def record(study, tmp_path, *, name="vp01_slot-001_builder_x.csv", change=lambda row: row):
    """The recorded data, of this study's plan, with every row changed."""
    with RECORDED.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    plan = json.loads((study.lab / "study.json").read_text())["plan"]
    rows = [change({**row, "mien_plan": plan}) for row in rows]
    rows = [row for row in rows if row is not None]
    path = tmp_path / name
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path


def test_the_flow_is_that_of_the_study(built):
    flow = [(step.tag, step.get("name")) for step in xml(built).find("Flow")]
    assert [name for tag, name in flow if tag == "Routine"] == [
        "consent_page", "instructions_1_page", "examples_page", "gap", "example",
        "practice_page", "ready_page", "pause_page", "gap", "listen", "watch",
        "ask_valence", "ask_feeling", "ask_feeling_second",
        "questionnaire_page", "ask_random", "ask_aids", "ask_sure", "ask_remarks", "debrief_page",
    ]  # fmt: skip
    inside = flow[
        flow.index(("LoopInitiator", "trials")) : flow.index(("LoopTerminator", "trials"))
    ]
    assert ("Routine", "ask_feeling_second") in inside
    assert ("Routine", "ask_random") not in inside
    opened = [name for tag, name in flow if tag == "LoopInitiator"]
    assert sorted(opened) == sorted(name for tag, name in flow if tag == "LoopTerminator")


def test_every_slot_has_the_webs_trials_in_the_webs_order(built):
    protocol = built.protocol()
    plan, media = read_plan(built, protocol), read_media(built)[0]
    for slot in plan.trials:
        rows = rows_of(built, slot)
        told = study_of(protocol, plan, media, Place("", "", "active", slot))["trials"]
        assert len(rows) == len(told)
        for row, trial in zip(rows, told, strict=True):
            assert int(row["trial_number"]) == trial["trial"]
            assert row["medium"] == trial["medium"]["kind"]
            assert row["questions"].replace(";", "").split() == trial["questions"]
            assert row["instruction"] == (trial["instruction"] or EMPTY)
            assert ("pause" in row["pages"]) == trial["pause"]
            assert (row["media_file"] == EMPTY) == (row["medium"] == "image")
            assert (built.lab / row["shown_file"]).is_file()
            assert (row["shown_file"] == NOTHING) == (row["medium"] == "video")
    for slot, trials in read_study(built.lab).trials.items():
        shown = [row["stimulus_id"] for row in rows_of(built, slot)]
        assert shown == [trial["stimulus_id"] for trial in trials]


def test_no_column_mixes_words_and_numbers(tmp_path):
    # PsychoPy turns 01 into 1, and fails at a column that holds both
    study = make_study(tmp_path / "study", TINY.replace("Please press 2.", "'2'"))
    build_lab(study)
    instructions = {row["instruction"] for row in rows_of(study, 1)}
    assert instructions == {EMPTY, "2" + STAYS_A_WORD}
    with pytest.raises(ValueError, match="could not convert"):
        float("2" + STAYS_A_WORD)


def test_words_stay_words(tmp_path):
    said = "It costs $5 & you \"may\" say 'no' <now>"
    text = TINY.replace("How negative or positive does this face look?", json.dumps(said))
    study = make_study(tmp_path / "study", text.replace("Angry, Happy, Sad", '"$1", "$2", Sad'))
    build_lab(study)
    root = xml(study)
    assert params(root, "valence_words")["text"] == said.replace("$", "\\$") == words(said)
    assert params(root, "feeling_button_1")["text"] == "1  \\$1"
    assert params(root, "feeling_second_button_2")["startVal"] == "feeling_said != 2"


def test_sliders_and_affect_grids_are_scales(tmp_path):
    study = make_study(tmp_path / "study", TINY.replace("design:\n", SCALES + "design:\n"))
    build_lab(study)
    root = xml(study)
    line = params(root, "warmth_slider")
    assert (line["ticks"], line["granularity"]) == ("(0.0, 100.0)", "1.0")
    assert line["labels"] == "$['cold', 'warm']"
    assert params(root, "warmth_key")["allowedKeys"] == "['0']"
    for name, low, high in (("mood_valence", "unpleasant feelings", "pleasant feelings"),
                            ("mood_arousal", "sleepiness", "high arousal")):  # fmt: skip
        scale = params(root, f"{name}_slider")
        assert scale["ticks"] == "(1, 2, 3, 4, 5, 6, 7, 8, 9)"
        labels = ast.literal_eval(scale["labels"].removeprefix("$"))
        assert len(labels) == 9
        assert all(len(line) <= 13 for label in labels for line in label.split("\n"))
        assert labels[0].lower().split() == ["1", *low.split()]
        assert labels[-1].lower().split() == ["9", *high.split()]


def test_names_are_pythons_and_each_its_own():
    names = safe_names(["a-b", "a_b", "class"])
    assert names == {"a-b": "a_b", "a_b": "a_b_2", "class": "class"}


def test_buttons_lie_apart_and_on_the_screen():
    for count in range(1, 31):
        places = rows_of_buttons(count, 6, 0)
        for n, (x, y, wide) in enumerate(places):
            assert abs(x) + wide / 2 <= 640
            for other_x, other_y, _ in places[:n]:
                assert abs(x - other_x) >= wide or abs(y - other_y) >= 46


def test_data_of_builder_come_back(study, tmp_path):
    path = record(study, tmp_path)
    assert holds_sessions(path)
    assert "1 new or longer" in bring_sessions(study, path)
    export(study)
    table = read_ratings(study.ratings_file)
    planned = [
        (trial["trial"], trial["stimulus_id"], name)
        for trial in read_study(study.lab).trials[1]
        for name in trial["questions"]
    ]
    assert list(zip(table.trial, table.stimulus_id, table.question, strict=True)) == planned
    assert set(table.source) == {"lab"}
    assert (table.rt_ms > 0).all()
    assert table.onset_ms.groupby(table.trial).nunique().eq(1).all()
    assert table.onset_ms.is_monotonic_increasing
    first = {name: rows.rt_ms.tolist() for name, rows in table.groupby("question")}
    assert all(  # from the onset of the stimulus: a later question is answered later
        a < b for a, b in zip(first["feeling"], first["feeling-second"], strict=True)
    )
    with RECORDED.open(encoding="utf-8-sig", newline="") as file:
        keys = {row["trial_number"]: row for row in csv.DictReader(file) if row["trial_number"]}
    for row in table[table.question == "valence"].itertuples():
        assert row.response == int(keys[str(row.trial)]["valence_key.keys"])
    for row in table[table.question == "feeling-second"].itertuples():
        said = keys[str(row.trial)]["feeling_second_said"]
        assert row.label == ["None", "Angry", "Happy", "Sad"][int(said)]
    people = read_participants(study.participants_file)
    assert people.participant.tolist() == ["vp01"]
    assert people.status.tolist() == ["completed"]
    assert people.remarks.notna().all()


def test_copies_that_psychopy_numbers_are_one_session(study, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("vp01_builder.csv", "vp01_builder_1.csv"):
        record(study, folder, name=name)
    (folder / "notes.csv").write_text("a,b\n1,2\n")
    assert "2 new or longer" in bring_sessions(study, folder)
    export(study)
    assert read_participants(study.participants_file).participant.tolist() == ["vp01"]


def test_who_broke_off_is_incomplete_and_who_declined_is_nowhere(study, tmp_path):
    def until_the_fourth(row):
        later = row["debrief_page.started"] or row["ask_random.started"]
        return None if later or row["trial_number"] not in ("", "1", "2", "3") else row

    def declined(row):
        other = {"participant": "vp02", "expStart": "2026-01-01 10h00.00.0 +0000"}
        if not row["consent_page_key.keys"]:
            return None
        return {**row, **other, "consent_page_key.keys": "2"}

    bring_sessions(study, record(study, tmp_path, change=until_the_fourth))
    said = bring_sessions(study, record(study, tmp_path, name="vp02.csv", change=declined))
    assert "1 without consent, left out" in said
    export(study)
    people = read_participants(study.participants_file)
    assert people.participant.tolist() == ["vp01"]
    assert people.status.tolist() == ["incomplete"]
    assert read_ratings(study.ratings_file).trial.max() == 3


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"participant": ""}, "participant: found ''"),
        ({"mien_plan": "another"}, "was played by another plan"),
        ({"expName": "other"}, "belongs to the study 'other'"),
        ({"expStart": "yesterday"}, "not whole data of Builder"),
        ({"slot": "two"}, "not whole data of Builder"),
    ],
)
def test_data_of_something_else_are_refused(study, tmp_path, cells, message):
    path = record(study, tmp_path, change=lambda row: {**row, **cells})
    with pytest.raises(StudyError, match=message):
        bring_sessions(study, path)
    assert not (study.data / "lab").exists()


def test_an_edited_order_is_noticed(study, tmp_path):
    path = record(study, tmp_path, change=lambda row: {
        **row, "stimulus_id": "somebody" if row["trial_number"] == "3" else row["stimulus_id"]
    })  # fmt: skip
    with pytest.raises(StudyError, match="trial 3 showed 'somebody'"):
        bring_sessions(study, path)


def test_import_needs_no_mapping_and_frees_the_places_of_the_excluded(study):
    data = study.lab / "data"
    data.mkdir()
    path = record(study, data)
    done = CliRunner().invoke(app, ["study", "import", str(study.folder), str(data)])
    assert done.exit_code == 0, done.output
    people = read_participants(study.participants_file)
    excluded = json.loads((study.lab / "excluded.json").read_text())
    assert excluded == {path.name: people.exclusion_reason[0]}


def test_every_copy_of_an_excluded_session_frees_its_place(study):
    data = study.lab / "data"
    data.mkdir()
    names = {record(study, data, name=f"vp01_slot-001_builder_{n}.csv").name for n in (1, 2)}
    bring_sessions(study, data)
    assert str(free_places(study, data)).startswith("excluded: 1,")
    excluded = read_excluded(study.lab)
    assert set(excluded) == names
    assert held_by_builder(data) == [1]
    assert held_by_builder(data, excluded) == []
