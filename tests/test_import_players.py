"""Data of jsPsych, PsychoPy and JATOS into the ratings table, by a small mapping."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path

import pytest

from experiments import sheets
from experiments.errors import StudyError
from experiments.export import export
from experiments.importing import import_ratings
from experiments.mapping import Mapping
from protocols.errors import UserError
from protocols.ratings import read_participants, read_ratings
from protocols.reading import load
from protocols.study import Study

SHARED = Path(__file__).parents[1].parent / "shared" / "data"
JSPSYCH, PSYCHOPY = SHARED / "jspsych_exports", SHARED / "psychopy_exports"
real = pytest.mark.skipif(
    not (JSPSYCH.is_dir() and PSYCHOPY.is_dir()), reason="the real exports are not here"
)
FACES = """
name: faces
title: Faces
seed: 1
stimuli:
  generator: recording
  corpus: crema-d
  identities: 4
  factors: {emotion: [happy, neutral, sad], sentence: [HG, PD, SG, SH]}
tasks:
"""
LIKERT = "  - {{id: {id}, type: likert, question: How {id}?, points: {points}}}\n"
SEEN = "  - {id: seen, type: forced-choice, question: Seen?, options: ['Yes', 'No']}\n"


def study_of(folder: Path, tasks: str) -> Study:
    path = folder / "faces.yaml"
    path.write_text(FACES + tasks)
    study = Study(folder / "faces")
    study.freeze(load(path))
    return study


def bring(study: Study, files: list[Path], mapping: dict) -> tuple[list[str], list[dict]]:
    """What is said of each file, and the rows of ratings.csv with empty cells as None."""
    read_as = Mapping.model_validate(mapping)
    said = [import_ratings(study, file, "import", read_as) for file in files]
    export(study)
    ratings = read_ratings(study.ratings_file).astype(object)
    return said, ratings.where(ratings.notna(), None).to_dict("records")


# --- PsychoPy

SLIDERS = ("valence", "arousal", "emotional_intensity", "familiarity", "emotion_express")
BUILDER = {
    "layout": "wide",
    "rows": {"face_images": "filled"},
    "times": "s",
    "columns": {"stimulus_id": "face_images"},
    "patterns": {"face_images": r"images/(?P<identity>\d+)(?P<emotion>[hn]?)\.tiff"},
    "values": {"emotion": {"h": "happy", "n": "neutral", "": "sad"}},  # what "" is, nobody says
    "constants": {"sentence": "HG"},
    "tasks": {name: {"answer": f"{name}_slider.response", "rt": f"{name}_slider.rt"}
              for name in SLIDERS},
}  # fmt: skip


def builder_study(folder: Path) -> Study:
    return study_of(folder, "".join(LIKERT.format(id=name, points=7) for name in SLIDERS))


@real
def test_sliders_of_builder_come_with_their_times_and_without_rows_that_show_nothing(tmp_path):
    files = sorted(PSYCHOPY.glob("*_shortexp.csv"))
    said, rows = bring(builder_study(tmp_path), files, BUILDER)
    assert said == [
        f"{file.name}: 60 answers about 12 stimuli, participants: {code}"
        for file, code in zip(files, ("487257", "546131"), strict=True)
    ]
    told = []
    for file in files:
        with file.open(encoding="utf-8-sig") as opened:
            shown = [row for row in csv.DictReader(opened) if row["face_images"]]
        told += [
            (row["participant"], trial, row["face_images"], name,
             float(row[f"{name}_slider.response"]), 1000 * float(row[f"{name}_slider.rt"]))
            for trial, row in enumerate(shown, start=1) for name in SLIDERS
        ]  # fmt: skip
    names = ("participant", "trial", "stimulus_id", "question", "response")
    assert [tuple(row[name] for name in names) for row in rows] == [one[:-1] for one in told]
    assert [row["rt_ms"] for row in rows] == pytest.approx([one[-1] for one in told])
    assert {(row["stimulus_id"], row["identity"], row["emotion"]) for row in rows} >= {
        ("images/18h.tiff", "18", "happy"), ("images/4n.tiff", "4", "neutral"),
        ("images/10.tiff", "10", "sad"),
    }  # fmt: skip


@real
def test_who_broke_off_before_a_part_lacks_its_columns_and_that_is_said(tmp_path):
    with (PSYCHOPY / "01_M_shortexp.csv").open(encoding="utf-8-sig") as opened:
        table = list(csv.reader(opened))
    keep = [i for i, name in enumerate(table[0]) if not name.startswith("familiarity")]
    short = tmp_path / "short.csv"
    with short.open("w", newline="") as opened:
        csv.writer(opened).writerows([[row[i] for i in keep] for row in table[:7]])
    said, rows = bring(builder_study(tmp_path), [short], BUILDER)
    assert said == [
        "short.csv: 20 answers about 5 stimuli, participants: 487257; no answers to familiarity"
    ]
    assert {row["question"] for row in rows} == set(SLIDERS) - {"familiarity"}


def test_a_script_of_a_coder_with_tabs_and_a_code_in_the_file_s_name(tmp_path):
    """`TrialHandler.saveAsWideText` writes tabs; its times are seconds, too."""
    file = tmp_path / "vp07_session1.tsv"
    file.write_text("TrialNumber\tface\tresp.raw\trt.raw\n0\t18h\t1\t0.512\n1\t4n\t2\t\n")
    study = study_of(tmp_path, SEEN)
    _, rows = bring(study, [file], {
        "separator": "\t", "times": "s", "constants": {"sentence": "HG"},
        "columns": {"stimulus_id": "face", "response": "resp.raw", "rt_ms": "rt.raw"},
        "patterns": {"(file)": "(?P<participant>vp[0-9]+)_.*",
                     "face": "(?P<identity>[0-9]+)(?P<emotion>[hn])"},
        "values": {"emotion": {"h": "happy", "n": "neutral"}},
    })  # fmt: skip
    assert [(row["participant"], row["label"], row["rt_ms"]) for row in rows] == [
        ("vp07", "Yes", 512), ("vp07", "No", None)]  # fmt: skip


# --- jsPsych

KEYS = {
    "rows": {"trial_type": ["image-keyboard-response"]},
    "columns": {"participant": "(file)", "stimulus_id": "stimulus", "label": "response",
                "rt_ms": "rt", "trial": "trial_index"},
    "patterns": {"stimulus": r"img/(?P<emotion>\w+)_face_(?P<identity>\d)\.jpg"},
    "values": {"label": {"y": "Yes", "n": "No"}},
    "constants": {"sentence": "HG"},
}  # fmt: skip


@real
@pytest.mark.parametrize(
    ("name", "first", "answers"),
    [
        ("v7_Timeline_Variables.json", ("img/happy_face_1.jpg", 2, "Yes", 10540), 6),
        ("v8_Timeline_Variables.csv", ("img/happy_face_2.jpg", 2, "Yes", 1398), 6),
        ("v7_image-keyboard-response.csv", ("img/happy_face_1.jpg", 1, None, None), 16),
        ("v8_Keyboard_Response.csv", ("img/happy_face_1.jpg", 1, None, None), 16),
    ],
)
def test_keys_of_jspsych_7_and_8_come_from_csv_and_from_json(tmp_path, name, first, answers):
    _, rows = bring(study_of(tmp_path, SEEN), [JSPSYCH / name], KEYS)
    one = rows[0]
    assert (one["stimulus_id"], one["trial"], one["label"], one["rt_ms"]) == first
    assert (one["participant"], one["identity"]) == (Path(name).stem, first[0][-5])
    assert len(rows) == answers
    assert {row["label"] for row in rows} <= {"Yes", "No", None}


@real
def test_times_below_zero_are_left_out_and_counted(tmp_path):
    """jsPsych 8.0 saved such response times for sounds; the ratings beside them are right."""
    task = "  - {id: how, type: slider, question: How?, left: not, right: very, high: 100}\n"
    said, rows = bring(study_of(tmp_path, task), [JSPSYCH / "v8_Audio_Slider_Response.csv"], {
        "rows": {"trial_type": ["audio-slider-response"]},
        "columns": {"participant": "(file)", "stimulus_id": "stimulus", "identity": "stimulus",
                    "rt_ms": "rt"},
        "constants": {"emotion": "happy", "sentence": "HG"},
    })  # fmt: skip
    assert said[0].endswith("v8_Audio_Slider_Response; 3 response times below 0, left out")
    assert [(row["response"], row["rt_ms"]) for row in rows] == [(6, None), (93, None), (100, None)]


@real
def test_a_real_study_on_jspsych_8_with_json_in_its_cells(tmp_path):
    """Two people, 64 rounds each; `Matrix` holds a round's stakes as an object."""
    files = sorted(JSPSYCH.glob("*_trials-anon.csv"))
    tasks = LIKERT.format(id="confidence", points=10) + (
        "  - {id: move, type: forced-choice, question: What next?, options: [Together, Alone]}\n"
    )
    _, rows = bring(study_of(tmp_path, tasks), files, {
        "layout": "wide",
        "rows": {"task": ["socialPredictionGame"]},
        "columns": {"participant": "subjectID", "identity": "Player", "sentence": "GameType",
                    "stimulus_id": ["Player", "Matrix.S", "Matrix.T"]},
        "tasks": {"confidence": {"answer": "confidence", "rt": "time_on_trial"},
                  "move": "GivenAns"},
        "values": {"label": {"coop": "Together", "def": "Alone"}},
        "constants": {"emotion": "neutral"},
    })  # fmt: skip
    told = []
    for file in files:
        with file.open() as opened:
            rounds = [r for r in csv.DictReader(opened) if r["task"] == "socialPredictionGame"]
        for row in rounds:
            stakes = json.loads(row["Matrix"])
            stimulus = f"{row['Player']}-{stakes['S']}-{stakes['T']}"
            who, game = row["subjectID"], row["GameType"]
            move = {"coop": 1, "def": 2}[row["GivenAns"]]
            told += [(who, stimulus, game, "confidence", float(row["confidence"])),
                     (who, stimulus, game, "move", move)]  # fmt: skip
    assert len(told) == 2 * 64 * 2
    names = ("participant", "stimulus_id", "sentence", "question", "response")
    assert [tuple(row[name] for name in names) for row in rows] == told


SIX = """"rt","stimulus","button_pressed","responses","trial_type","trial_index","subject"
"1310.5","img/happy_face_1.jpg","0","","image-button-response","0","s1"
"","","","{""how"":4,""sure"":0}","survey-likert","1","s1"
"902","img/sad_face_2.jpg","1","","image-button-response","2","s1"
"","","","{""how"":6}","survey-likert","3","s1"
"""


def test_jspsych_6_has_buttons_from_0_and_answers_in_an_object(tmp_path):
    file = tmp_path / "s1.csv"
    file.write_text(SIX)
    faces = KEYS["patterns"]
    study = study_of(tmp_path, SEEN + LIKERT.format(id="how", points=7)
                     + LIKERT.format(id="sure", points=7))  # fmt: skip
    _, rows = bring(study, [file], {
        "rows": {"stimulus": "filled"}, "patterns": faces, "rescale": {"seen": [0, 1]},
        "columns": {"participant": "subject", "stimulus_id": "stimulus", "rt_ms": "rt",
                    "response": "button_pressed"},
        "constants": {"question": "seen", "sentence": "HG"},
    })  # fmt: skip
    assert [(row["identity"], row["label"], row["rt_ms"]) for row in rows] == [
        ("1", "Yes", 1310.5), ("2", "No", 902)]  # fmt: skip
    again = tmp_path / "s1b.csv"
    again.write_text(SIX.replace("s1", "s2"))
    _, rows = bring(study, [again], {
        "layout": "wide", "rows": {"trial_type": ["survey-likert"]},
        "columns": {"participant": "subject", "stimulus_id": "trial_index"},
        "constants": {"identity": "1", "emotion": "sad", "sentence": "HG"},
        "rescale": {"how": [0, 6], "sure": [0, 6]},
        "tasks": {"how": "responses.how", "sure": "responses.sure"},
    })  # fmt: skip
    mine = [(r["question"], r["response"]) for r in rows if r["participant"] == "s2"]
    assert mine == [("how", 5), ("sure", 1), ("how", 7)]  # `sure` was not asked the second time


@real
def test_what_is_nested_is_reached_by_its_place():
    table = sheets.read_sheet(JSPSYCH / "v8_subject-nested.json", "n.json", ",", "utf-8")
    rows = json.loads((JSPSYCH / "v8_subject-nested.json").read_text())
    deep = sheets.within(table, "deep_object.l1.l2.l3.l4_arr.1")
    assert deep is not None
    assert deep.iloc[0] == str(rows[0]["deep_object"]["l1"]["l2"]["l3"]["l4_arr"][1])
    inner = sheets.within(table, "object_with_array_of_objects.trials.1.y")
    assert inner is not None
    assert inner.iloc[0] == "4"
    assert table.unicode_col.iloc[0] == rows[0]["unicode_col"]
    assert table.bool_string.iloc[0] == "TRUE"
    assert table.correct.tolist()[:2] == ["true", "false"]
    assert table.always_null.tolist() == ["", "", "null", ""]  # one of them is a word
    assert sheets.within(table, "deep_object.l1.nothing") is None
    assert sheets.within(table, "trial_type.x") is None


# --- JATOS

RUNS = [
    [{"trial_type": "preload", "success": True},
     {"trial_type": "image-button-response", "worker": who, "stimulus": "img/sad_face_1.jpg",
      "response": place, "rt": 700 + place, "view_history": [{"page": 0}]}]
    for place, who in enumerate(("w1", "w2"))
]  # fmt: skip
BUTTONS = {
    "rows": {"trial_type": ["image-button-response"]},
    "columns": {"participant": "worker", "stimulus_id": "stimulus", "rt_ms": "rt"},
    "patterns": KEYS["patterns"], "rescale": {"seen": [0, 1]}, "constants": {"sentence": "HG"},
}  # fmt: skip
WANTED = [("w1", "Yes", 700), ("w2", "No", 701)]


def _texts(folder: Path) -> list[Path]:
    """One text, as JATOS joins runs; each run saved trial by trial; an archive."""
    joined, pieces = folder / "jatos_results.txt", folder / "pieces.txt"
    joined.write_text("\n".join(json.dumps(run) for run in RUNS))
    pieces.write_text("".join(json.dumps(trial) for run in RUNS for trial in run))
    packed = folder / "jatos_results.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("metadata.txt", "[]")
        for number, run in enumerate(RUNS, start=1):
            place = f"study_result_{number}/comp-result_{number}/data.txt"
            archive.writestr(place, json.dumps(run))
    return [joined, pieces, packed]


@pytest.mark.parametrize("which", [0, 1, 2], ids=["joined", "trial by trial", "archive"])
def test_results_of_jatos_are_the_same_however_they_are_saved(tmp_path, which):
    _, rows = bring(study_of(tmp_path, SEEN), [_texts(tmp_path)[which]], BUTTONS)
    assert [(row["participant"], row["label"], row["rt_ms"]) for row in rows] == WANTED


def test_runs_without_a_code_of_their_own_are_told_apart_by_their_place(tmp_path):
    mapping = BUTTONS | {"columns": BUTTONS["columns"] | {"participant": "(file)"}}
    _, rows = bring(study_of(tmp_path, SEEN), [_texts(tmp_path)[0]], mapping)
    assert [row["participant"] for row in rows] == ["jatos_results", "jatos_results#2"]
    other = tmp_path / "zip"
    other.mkdir()
    study = study_of(other, SEEN)
    _, rows = bring(study, [_texts(tmp_path)[2]], mapping)
    assert [row["participant"] for row in rows] == [
        f"study_result_{n}/comp-result_{n}/data" for n in (1, 2)
    ]
    (copy,) = (study.data / "imports").glob("01-*.zip")
    assert copy.read_bytes() == (tmp_path / "jatos_results.zip").read_bytes()
    assert len(read_participants(study.participants_file)) == 2


# --- what is wrong

ONE = [dict(RUNS[0][1])]
BAD = {
    "cut off": (json.dumps(RUNS[0])[:-30], {}, "data.json:1: found '[{\"trial_type\""),
    "numbers": ("[1, 2]", {}, "found '1' among the trials"),
    "no such rows": (json.dumps(ONE), {"rows": {"trial_type": ["video"]}},
                     "no row whose 'trial_type' is video (mapping: rows); it holds: image-button"),
    "no such place": (json.dumps(ONE), {"columns": {"participant": "view_history.0.who"}},
                      "the column 'view_history.0.who' of the mapping is missing"),
    "too deep": ("[" * 100_000, {}, "no whole JSON"),
    "off the scale": (json.dumps([RUNS[0][1] | {"response": 4}]), {}, "data.json:1: seen: found 5"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_understood_is_one_line_and_leaves_nothing(tmp_path, case):
    text, changed, says = BAD[case]
    file = tmp_path / "data.json"
    file.write_text(text)
    study = study_of(tmp_path, SEEN)
    with pytest.raises(UserError) as error:
        bring(study, [file], BUTTONS | changed)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert not study.data.exists()


def test_an_archive_that_is_none_or_too_large_is_refused(tmp_path, monkeypatch):
    packed = _texts(tmp_path)[2]
    study = study_of(tmp_path, SEEN)
    content = bytearray(packed.read_bytes())
    content[60:75] = bytes(15)
    packed.write_bytes(content)
    with pytest.raises(UserError, match=r"jatos_results\.zip.*(unpacked|JSON|table)"):
        bring(study, [packed], BUTTONS)
    packed = _texts(tmp_path)[2]
    monkeypatch.setattr(sheets, "LARGEST_ARCHIVE", 100)
    with pytest.raises(UserError, match="unpacked, more than 100 bytes"):
        bring(study, [packed], BUTTONS)
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("picture.png", "x")
    with pytest.raises(UserError, match="no table in it"):
        bring(study, [packed], BUTTONS)
    assert not study.data.exists()


def test_a_cell_may_hold_all_that_a_mouse_did(tmp_path):
    file = tmp_path / "data.csv"
    moves = json.dumps([{"x": 1, "t": t} for t in range(20_000)])
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([
            ["trial_type", "worker", "stimulus", "response", "rt", "moves"],
            ["image-button-response", "w1", "img/sad_face_1.jpg", "0", "700", moves],
        ])  # fmt: skip
    mapping = BUTTONS | {"columns": BUTTONS["columns"] | {"onset_ms": "moves.19999.t"}}
    _, rows = bring(study_of(tmp_path, SEEN), [file], mapping)
    assert [(row["label"], row["onset_ms"]) for row in rows] == [("Yes", 19999)]


def test_columns_that_only_look_like_ours_can_be_left_alone(tmp_path):
    file = tmp_path / "data.json"
    file.write_text(json.dumps([RUNS[0][1] | {"block": "main", "source": "model"}]))
    study = study_of(tmp_path, SEEN)
    with pytest.raises(StudyError, match="block: found 'main'"):
        bring(study, [file], BUTTONS)
    _, rows = bring(study, [file], BUTTONS | {"ignore": ["block", "source"]})
    assert (rows[0]["block"], rows[0]["source"]) == (1, "import")
