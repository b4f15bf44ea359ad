"""The lab study without PsychoPy: the web's trials in the web's order; no session is ever lost."""

from __future__ import annotations

import ast
import hashlib
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from experiments.answers import asked, asked_at_the_end
from experiments.errors import StudyError
from experiments.export import export
from experiments.lab.build import build_lab
from experiments.lab.player.records import (
    LabError,
    begin,
    read_records,
    read_session,
    read_study,
    resume,
    session_of,
    sessions,
    shortened,
)
from experiments.lab.player.timeline import timeline
from experiments.lab.sessions import bring_sessions
from experiments.lab.texts import to_lines
from experiments.plan import read_plan
from mien import app
from protocols.ratings import read_participants, read_ratings
from protocols.study import Study
from tests.small_study import TINY, look_built, make_study
from tests.test_server import QUESTIONNAIRE, Browser

EXAMPLES = TINY.replace(
    "pages:\n", "pages:\n  familiarisation: {factor: emotion, examples: 1, text: See these.}\n"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    study = make_study(tmp_path_factory.mktemp("lab") / "study", EXAMPLES)
    build_lab(study)
    return study


@pytest.fixture
def study(built, tmp_path):
    """A study of its own, with its lab folder."""
    shutil.copytree(built.folder, tmp_path / "study")
    return Study(tmp_path / "study")


@pytest.fixture
def lab(study):
    return read_study(study.lab)


def fitting(question, trial=None):
    """An answer to `question`, such as `play` gives everywhere."""
    kind = question.task.type
    if kind == "checkboxes":
        return {"boxes": [1, 2]}
    if kind == "free-text":
        return {"text": "none, thank you"}
    return {"choice": 2 if trial is not None and trial.kind == "attention" else 1}


def play(study, lab, participant, slot, *, trials=None, data=None, end="completed"):
    """A whole session, or its first `trials`, as the player writes it."""
    protocol, plan = study.protocol(), read_plan(study, study.protocol())
    session = begin(lab, data or study.lab / "data", participant, slot, False)
    for trial in plan.trials[slot][:trials]:
        for question in asked(protocol, trial):
            session.write("answer", trial=trial.number, stimulus=trial.stimulus,
                          question=question.id, **fitting(question, trial), rt_ms=900.5,
                          onset_ms=10.0, hidden_ms=0.0, details={"by": "key"})  # fmt: skip
    if trials is None:
        for question in asked_at_the_end(protocol):
            session.write("answer", trial=None, question=question.id, **fitting(question))
    if end:
        session.write(end)
    return session


def test_every_slot_plays_what_the_web_page_is_told_in_the_same_order(study, lab):
    browser = Browser(look_built(study))
    for _ in lab.lists:
        told = browser.start().json()
        slot = browser.slot(told["token"])
        mine = lab.trials[slot]
        assert len(mine) == len(told["trials"])
        for row, trial in zip(mine, told["trials"], strict=True):
            assert (row["trial"], row["questions"], row["instruction"], row["pause"]) == (
                trial["trial"], trial["questions"], trial["instruction"], trial["pause"]
            )  # fmt: skip
            assert (row["kind"] == "practice") == trial["practice"]
            assert (row["width"], row["height"]) == (128, 128)
            # the web's name of a file is the start of the hash of what is in it
            content = (study.lab / row["file"]).read_bytes()
            assert hashlib.sha256(content).hexdigest()[:20] == Path(trial["medium"]["src"]).stem
    assert {row["slot"] for rows in lab.trials.values() for row in rows} == set(lab.lists)


def test_the_steps_are_those_of_the_web_page(lab):
    steps = list(timeline(lab.about, lab.trials[1], set()))
    pages = [step.name if step.kind == "page" else step.kind for step in steps]
    pages = [name for name, before in zip(pages, ["", *pages], strict=False) if name != before]
    assert pages == ["instructions-1", "examples", "practice", "trial", "ready", "trial", "pause",
                     "trial", "pause", "trial", "questionnaire", "question"]  # fmt: skip
    assert [step.so_far for step in steps if step.name == "pause"] == [4, 8]
    played = [step.trial["trial"] for step in steps if step.kind == "trial"]
    assert played == [row["trial"] for row in lab.trials[1]]


def test_who_comes_back_is_asked_only_what_is_missing(lab):
    done = {(1, name) for name in lab.trials[1][0]["questions"]} | {(2, "valence")}
    steps = list(timeline(lab.about, lab.trials[1], done | {(None, "random")}))
    assert steps[0].name == "2"  # no page stands before the trial that broke off
    assert steps[0].open == ("feeling", "feeling-second")
    assert [s.name for s in steps if s.kind == "question"] == ["aids", "sure", "remarks"]


def test_the_folder_needs_nothing_but_psychopy(study):
    brought = {"psychopy", "PIL", "serial", "pylsl"}  # the last by who has that amplifier
    for file in [study.lab / "run.py", *(study.lab / "player").glob("*.py")]:
        compile(file.read_text(encoding="utf-8"), str(file), "exec")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                top = name.split(".")[0]
                assert top in sys.stdlib_module_names | brought | {"player"}, f"{file}: {name}"


def test_order_and_records_run_in_a_python_without_any_package(study):
    program = (
        "from pathlib import Path; from player.records import *; from player.slots import *\n"
        "from player.timeline import timeline\n"
        "study = read_study(Path('.')); s = begin(study, Path('data'), 'vp01', 1, False)\n"
        "print(next_slot(study.lists, holders(sessions(Path('data'))), study.about['per_list']),"
        " sum(step.kind == 'trial' for step in timeline(study.about, study.trials[1], s.done)))"
    )
    done = subprocess.run([sys.executable, "-S", "-E", "-c", program], cwd=study.lab, check=True,
                          capture_output=True, text=True, timeout=60)  # fmt: skip
    assert done.stdout.split() == ["2", str(len(read_study(study.lab).trials[1]))]


def test_a_python_without_psychopy_is_told_in_one_line(study):
    start = [sys.executable, "-S", "-E", "run.py", "--participant", "vp01"]
    done = subprocess.run(start, cwd=study.lab, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "run.py: this Python has no PsychoPy; start run.py with PsychoPy's own Python "
        "(see README.md)"
    )


SIGN_IN = """
import json, runpy, sys
from pathlib import Path
run = runpy.run_path('run.py')
study = run['read_study'](Path('.'))
for arguments in json.loads(sys.argv[1]):
    sys.argv = ['run.py', *arguments]
    options = run['read_options']()
    try:
        place, resumed = run['sign_in'](study, options)
        print(place.header['slot'] if resumed else place[2], resumed)
    except run['LabError'] as error:
        print(error)
"""


def sign_in(study, *starts):
    """What `run.py` says to these command lines, one after the other."""
    arguments = json.dumps([start.split() for start in starts])
    done = subprocess.run([sys.executable, "-S", "-E", "-c", SIGN_IN, arguments], cwd=study.lab,
                          check=True, capture_output=True, text=True, timeout=60)  # fmt: skip
    return done.stdout.splitlines()


def test_the_script_finds_the_next_place_and_the_session_that_broke_off(study, lab):
    play(study, lab, "done", 1)
    play(study, lab, "broken", 2, trials=3, end="")
    play(study, lab, "gone", 3, trials=1, end="withdrawn")
    said = sign_in(
        study, "--participant new", "--participant new --slots 5-6", "--participant new --slot 6",
        "--participant BROKEN", "--participant broken --slot 1", "--participant done",
        "--pilot", "--participant new --slots 90-99", "--participant Jane.Doe",
        "--participant new --slots 2-2",
    )  # fmt: skip
    # lists 1 and 2 alternate over slots 1 to 6; slot 3 is free again
    assert said[:4] == ["3 False", "5 False", "6 False", "2 True"]
    assert "leave out --slot" in said[4]
    assert "done has taken part already" in said[5]
    assert said[6] == "1 False"
    assert "the plan has places 1 to 6" in said[7]
    assert "a code, not a name" in said[8]
    assert "every list is full" in said[9]


WRITER = """
import sys
from pathlib import Path
from player.records import begin, read_study
study = read_study(Path('.'))
session = begin(study, Path('data'), 'vp01', 1, False)
n = 0
while True:
    n += 1
    session.write('answer', trial=n, question='valence', choice=1, details={'x': 'y' * 5000})
    print(n, flush=True)
"""


def test_kill_9_loses_no_answer_that_was_written(study):
    writer = subprocess.Popen([sys.executable, "-S", "-E", "-c", WRITER], cwd=study.lab,
                              stdout=subprocess.PIPE, text=True)  # fmt: skip
    with writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if int(line) >= 20:
                writer.send_signal(signal.SIGKILL)
                break
        said = 20 + len(writer.stdout.read().split())
    file = next((study.lab / "data").glob("*.jsonl"))
    kept = [record["trial"] for record in read_records(file) if record["record"] == "answer"]
    assert kept[:said] == list(range(1, said + 1))


def test_a_line_that_a_crash_cut_stays_and_the_session_goes_on(study, lab):
    session = play(study, lab, "vp01", 1, trials=3, end="")
    whole = session.path.read_bytes()
    half = b'{"record": "answer", "trial": 4, "question": "val'
    session.path.write_bytes(whole + half)
    again = session_of(sessions(session.path.parent), "VP01")
    assert again.resumable
    assert again.done == session.done
    resume(again)
    again.write("answer", trial=4, stimulus=lab.trials[1][3]["stimulus_id"], question="valence",
                choice=7)  # fmt: skip
    assert session.path.read_bytes().startswith(whole + half + b"\n")
    assert (4, "valence") in read_session(session.path).done
    bring_sessions(study, session.path)
    export(study)
    table = read_ratings(study.ratings_file)
    assert table[(table.trial == 4)].response.tolist() == [7]
    assert len(table) == len(session.done) + 1


def test_numbers_of_numpy_are_written_as_numbers(study, lab):
    session = begin(lab, study.lab / "data", "vp01", 1, False)
    session.write("machine", refresh_hz=np.float64(59.5), frames=np.int64(3))
    assert read_records(session.path)[-1] | {"time": 0} == {
        "record": "machine", "refresh_hz": 59.5, "frames": 3, "time": 0
    }  # fmt: skip


def test_damage_that_no_crash_explains_is_refused(study, lab):
    session = play(study, lab, "vp01", 1)
    lines = session.path.read_bytes().split(b"\n")
    lines[4] = lines[4][:20]
    session.path.write_bytes(b"\n".join(lines))
    with pytest.raises(StudyError, match=r":5: this line is damaged"):
        bring_sessions(study, session.path)


def rows(table, source):
    own = table[table.source == source].drop(columns=["source", "participant"])
    own = own.drop(columns=[name for name in ("time", "started", "finished") if name in own])
    return own.reset_index(drop=True)


def test_the_same_answers_give_the_same_tables_in_lab_and_web(study, lab):
    browser = Browser(study, source="simulation")
    for slot in (1, 2):
        token = browser.start().json()["token"]
        assert browser.slot(token) == slot
        play(study, lab, f"vp{slot}", slot)
        protocol = study.protocol()
        answers = [
            {"trial": trial.number, "question": question.id, "rt_ms": 900.5, "onset_ms": 10,
             "hidden_ms": 0, **fitting(question, trial)}
            for trial in read_plan(study, protocol).trials[slot]
            for question in asked(protocol, trial)
        ]  # fmt: skip
        at_the_end = [
            {"question": question.id, **fitting(question)}
            for question in asked_at_the_end(protocol)
        ]
        assert [a["question"] for a in at_the_end] == [a["question"] for a in QUESTIONNAIRE]
        browser.post("answers", {"token": token, "answers": answers[:25]})
        browser.post("answers", {"token": token, "answers": [*answers[25:], *at_the_end]})
        assert browser.post("complete", {"token": token}).status_code == 200
    browser.app.state.reception.store.close()
    assert "2 new" in bring_sessions(study, study.lab / "data")
    export(study)
    table, people = read_ratings(study.ratings_file), read_participants(study.participants_file)
    pd.testing.assert_frame_equal(rows(table, "lab"), rows(table, "simulation"))
    pd.testing.assert_frame_equal(rows(people, "lab"), rows(people, "simulation"))
    assert set(people[people.source == "lab"].participant) == {"vp1", "vp2"}
    assert people.valid.all()


def test_exclusions_and_withdrawal_count_as_on_the_web(study, lab):
    protocol = study.protocol()
    play(study, lab, "gone", 1, trials=4, end="withdrawn")
    play(study, lab, "broke-off", 2, trials=4, end="")
    session = play(study, lab, "careless", 3)
    text = session.path.read_text()
    assert text.count('"question": "random", "choice": 1') == 1
    session.path.write_text(text.replace('"question": "random", "choice": 1',
                                         '"question": "random", "choice": 2'))  # fmt: skip
    bring_sessions(study, study.lab / "data")
    export(study)
    people = read_participants(study.participants_file).set_index("participant")
    assert people.status.to_dict() == {
        "gone": "withdrawn", "broke-off": "incomplete", "careless": "completed"
    }  # fmt: skip
    assert people.loc["careless", "exclusion_reason"] == protocol.exclusions[0].id
    assert not people.valid.any()
    assert "gone" not in set(read_ratings(study.ratings_file).participant)


def test_status_counts_the_lab_alone_and_beside_the_server(study, lab):
    play(study, lab, "fine", 4)
    play(study, lab, "gone", 1, trials=4, end="withdrawn")
    play(study, lab, "broke-off", 2, trials=4, end="")
    careless = play(study, lab, "careless", 3).path
    said = '"question": "random", "choice": '
    careless.write_text(careless.read_text().replace(f"{said}1", f"{said}2"))
    bring_sessions(study, study.lab / "data")
    verb = ["study", "status", str(study.folder)]
    counted = {"lab": {"valid": 1, "excluded": 1, "unfinished": 1, "withdrawn": 1}}
    line = "brought from the lab: 1 valid, 1 excluded, 1 unfinished, 1 withdrawn"
    assert CliRunner().invoke(app, verb).stdout == f"{line}\n"
    assert json.loads(CliRunner().invoke(app, [*verb, "--json"]).stdout) == {"brought": counted}
    browser = Browser(look_built(study))
    browser.start()
    browser.close()
    assert f"{line}; not among the places above\n" in CliRunner().invoke(app, verb).stdout
    told = json.loads(CliRunner().invoke(app, [*verb, "--json"]).stdout)
    assert (told["brought"], told["all"]["valid"], told["all"]["active"]) == (counted, 0, 1)
    (study.data / "lab" / "vp09.jsonl").write_text("damaged")
    done = CliRunner().invoke(app, verb)  # the server's numbers are told all the same
    assert done.exit_code == 0
    assert "vp09.jsonl" in done.stdout
    assert "Last sign of life" in done.stdout


def test_a_session_that_grew_replaces_its_copy_and_nothing_else_does(study, lab):
    session = play(study, lab, "vp01", 1, trials=3, end="")
    short = session.path.read_bytes()
    assert "1 new or longer, 0 known" in bring_sessions(study, study.lab / "data")
    assert "0 new or longer, 1 known" in bring_sessions(study, study.lab / "data")
    session.write("withdrawn")
    assert "1 new or longer" in bring_sessions(study, study.lab / "data")
    copy = study.data / "lab" / session.path.name
    longer = session.path.read_bytes()
    session.path.write_bytes(short)  # an old copy from a stick takes nothing back
    assert "0 new or longer" in bring_sessions(study, study.lab / "data")
    assert copy.read_bytes() == longer
    session.path.write_bytes(short.replace(b'"choice": 1', b'"choice": 9', 1))
    with pytest.raises(StudyError, match="differs from"):
        bring_sessions(study, study.lab / "data")
    assert copy.read_bytes() == longer


def test_two_people_with_one_code_stay_two(study, lab, tmp_path):
    play(study, lab, "vp01", 1)
    play(study, lab, "vp01", 2, data=tmp_path / "other-computer")
    for folder in (study.lab / "data", tmp_path / "other-computer"):
        bring_sessions(study, folder)
    export(study)
    people = read_participants(study.participants_file)
    assert people.participant.nunique() == 2
    assert people.participant.str.startswith("vp01-").all()
    assert sorted(people.slot) == [1, 2]


def test_pilots_are_never_data(study, lab):
    pilot = begin(lab, study.lab / "data" / "pilot", "pilot", 1, True)
    assert pilot.path.name.startswith("PILOT-")
    assert sessions(study.lab / "data") == []  # a pilot holds no place
    said = bring_sessions(study, pilot.path.parent)
    assert "0 new or longer, 0 known already, 1 of pilots, left out" in said
    with pytest.raises(StudyError, match="no data yet"):
        export(study)
    short = shortened(lab.trials[1], 2)
    assert [row["block"] for row in short] == [0, 1, 1]


def test_sessions_of_another_plan_are_refused(study, lab, tmp_path):
    session = play(study, lab, "vp01", 1)
    other = make_study(tmp_path / "other", EXAMPLES.replace("seed: 3", "seed: 4"))
    table = pd.read_csv(other.plan / "trials.csv")
    table.loc[table.trial == 2, "stimulus_id"] = table.stimulus_id[3]
    table.to_csv(other.plan / "trials.csv", index=False)
    with pytest.raises(StudyError, match="was played by another plan"):
        bring_sessions(other, session.path)
    (other.lab / "data").mkdir(parents=True)
    (other.lab / "data" / session.path.name).write_bytes(session.path.read_bytes())
    with pytest.raises(StudyError, match="was played by another plan; move"):
        build_lab(other)
    assert session.path.is_file()


def test_an_edited_order_is_noticed(study, lab):
    session = play(study, lab, "vp01", 1)
    shown = lab.trials[1][1]["stimulus_id"]
    session.path.write_text(session.path.read_text().replace(shown, "somebody-else"))
    with pytest.raises(StudyError, match="trial 2 showed 'somebody-else'"):
        bring_sessions(study, session.path)


def test_writing_the_folder_again_keeps_its_sessions(study, lab):
    session = play(study, lab, "vp01", 1)
    before = session.path.read_bytes()
    build_lab(study)
    assert session.path.read_bytes() == before


def test_the_verbs_write_the_folder_and_bring_the_sessions(study):
    run = CliRunner()
    done = run.invoke(app, ["study", "lab", str(study.folder)])
    assert done.exit_code == 0, done.output
    assert "run.py --pilot" in done.output
    done = run.invoke(app, ["study", "import", str(study.folder), str(study.lab / "data")])
    assert "no session was recorded yet" in str(done.exception)
    play(study, read_study(study.lab), "vp01", 1)
    done = run.invoke(app, ["study", "import", str(study.folder), str(study.lab / "data")])
    assert done.exit_code == 0, done.output
    assert set(read_ratings(study.ratings_file).source) == {"lab"}


def test_a_code_must_be_a_code(lab):
    from experiments.lab.player.records import check_code

    for wrong in ("", "Jane Doe", "../x", "-x", "ä"):
        with pytest.raises(LabError, match="accepted: 1 to 40 letters"):
            check_code(wrong)


def test_markdown_becomes_plain_lines():
    text = """# Title

Some **bold** words
and [a link](https://x.y).

1. one
2. two

- a

|x|y|
|-|-|
|1|2|
"""
    assert to_lines(text).split("\n\n") == [
        "# Title", "Some bold words and a link.", "1. one", "2. two", "- a", "x   y", "1   2\n"
    ]  # fmt: skip


def test_a_template_of_the_study_takes_the_place_of_ours(study):
    own = study.folder / "templates" / "lab" / "run.py.j2"
    own.parent.mkdir(parents=True)
    own.write_text('print("{{ name }}: {{ slots }}")\n')
    assert (build_lab(study) / "run.py").read_text() == 'print("tiny: 6")\n'
    own.write_text("{{ nonsense }}")
    with pytest.raises(StudyError, match="nonsense"):
        build_lab(study)
    assert json.loads((study.lab / "study.json").read_text())["name"] == "tiny"
