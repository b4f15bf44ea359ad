"""What Prolific tells of participants stands beside their answers, without Prolific's ids."""

from __future__ import annotations

import csv

import pytest
from typer.testing import CliRunner

import mien
from experiments.datasets.write import write_dataset
from experiments.demographics import bring_demographics, is_demographics
from experiments.errors import StudyError
from experiments.export import export
from experiments.purge import purge
from experiments.slots import LEASE_S
from protocols.ratings import read_participants
from tests.small_study import make_study
from tests.test_server import Browser, Clock, built

HEAD = ("Submission id,Participant id,Status,Custom study tncs accepted at,Started at,Completed at,"
        "Reviewed at,Archived at,Time taken,Completion code,Total approvals,Age,Sex,"
        "Ethnicity simplified")  # fmt: skip


def pid(n):
    return f"{n:024x}"


def line(n, age, sex, more="White"):
    submission = f"{n + 100:024x},{pid(n)},APPROVED,Not Applicable,2026,2026,2026,,600,C0DE,9"
    return f"{submission},{age},{sex},{more}"


def written(folder, *lines):
    file = folder / "prolific_demographic_export_6a.csv"
    file.write_text("\n".join([HEAD, *lines]) + "\n")
    return file


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def study(tmp_path, clock):
    """Three people: finished, withdrew, in mid-study."""
    study = built(make_study(tmp_path / "s"))
    browser = Browser(study, clock)
    tokens = [browser.start(pid(n)).json()["token"] for n in (1, 2, 3)]
    browser.finish(tokens[0])
    browser.post("withdraw", {"token": tokens[1]})
    browser.close()
    return study


EVERYBODY = (line(1, 34, "Female", "=Mixed"), line(2, 20, "Male"), line(3, "DATA_EXPIRED", "Male"),
             line(9, 50, "Male"))  # fmt: skip


def told(study):
    export(study)
    with study.participants_file.open() as file:
        people = list(csv.DictReader(file))
    names = ["prolific_age", "prolific_sex", "prolific_ethnicity_simplified"]
    return {person["status"]: [person[name] for name in names] for person in people}


WANTED = {"completed": ["34", "Female", "'=Mixed"], "withdrawn": ["", "", ""],
          "incomplete": ["", "Male", "White"]}  # fmt: skip


def test_age_and_sex_stand_in_participants_csv_and_no_id_does(tmp_path, study):
    file = written(tmp_path, *EVERYBODY)
    done = CliRunner().invoke(mien.app, ["study", "import", str(study.folder), str(file)])
    assert done.exit_code == 0, done.output
    found = (
        "3 participants, prolific_age, prolific_sex, prolific_ethnicity_simplified; 1 submission"
    )
    assert found in " ".join(done.output.split())
    assert told(study) == WANTED
    texts = [p.read_text() for p in (study.participants_file, study.ratings_file,
                                     study.data / "prolific" / "demographics.csv")]  # fmt: skip
    for n in (1, 2, 3, 9):
        assert not any(pid(n) in text or f"{n + 100:024x}" in text for text in texts)
    people = read_participants(study.participants_file)
    assert "=Mixed" in set(people.prolific_ethnicity_simplified)


def test_a_later_export_replaces_and_adds(tmp_path, study):
    bring_demographics(study, written(tmp_path, line(1, 33, "Male"), line(3, "", "")))
    bring_demographics(study, written(tmp_path, *EVERYBODY[:2]))
    assert told(study) == WANTED | {"incomplete": ["", "", "White"]}


def test_people_are_known_after_a_purge_too(tmp_path, study, clock):
    purge(study, now=clock.now + LEASE_S + 1)
    bring_demographics(study, written(tmp_path, *EVERYBODY))
    assert told(study) == WANTED
    purge(study, now=clock.now + LEASE_S + 1, forget=True)
    with pytest.raises(StudyError, match="nobody in it took part"):
        bring_demographics(study, written(tmp_path, *EVERYBODY))
    assert told(study) == WANTED


def test_a_data_set_for_others_leaves_them_out(tmp_path, study):
    bring_demographics(study, written(tmp_path, *EVERYBODY))
    export(study)
    said = write_dataset(study, tmp_path / "out", "psych-ds", (), "CC0-1.0")
    assert any("prolific_age" in line for line in said)
    texts = [file.read_text(errors="ignore") for file in (tmp_path / "out").rglob("*.csv")]
    assert not any("prolific_age" in text for text in texts)


def test_it_is_told_from_other_tables_and_needs_sessions(tmp_path):
    file = written(tmp_path, *EVERYBODY)
    assert is_demographics(file)
    other = tmp_path / "other.csv"
    other.write_text("Participant id,Age\n1,2\n")
    assert not is_demographics(other)
    assert not is_demographics(tmp_path)
    with pytest.raises(StudyError, match="has none yet"):
        bring_demographics(make_study(tmp_path / "new", pictures=False), file)
