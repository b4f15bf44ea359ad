"""Places in the lab: those of excluded people are free for the next, as on the web."""

from __future__ import annotations

import json
import shutil

import pytest

from experiments.lab.places import free_places
from experiments.lab.player.records import (
    LabError,
    held_by_builder,
    holders,
    read_excluded,
    read_study,
    sessions,
)
from experiments.lab.sessions import bring_sessions
from tests.test_lab import built, lab, play, sign_in, study  # noqa: F401  (fixtures)


def careless(session):
    """The same session, said at random."""
    text = session.path.read_text()
    assert text.count('"question": "random", "choice": 1') == 1
    session.path.write_text(
        text.replace('"question": "random", "choice": 1', '"question": "random", "choice": 2')
    )
    return session


def test_the_place_of_an_excluded_person_is_the_next_ones(study, lab):  # noqa: F811
    excluded = careless(play(study, lab, "careless", 1))
    play(study, lab, "fine", 2)
    play(study, lab, "broken", 3, trials=2, end="")
    play(study, lab, "gone", 4, trials=1, end="withdrawn")
    assert sign_in(study, "--participant new") == ["4 False"]  # nobody has looked at rules yet
    bring_sessions(study, study.lab / "data")
    said = free_places(study, study.lab / "data")
    assert said is not None
    assert "excluded: 1" in said
    assert read_excluded(study.lab) == {excluded.path.name: "said-random"}
    assert holders(sessions(study.lab / "data"), read_excluded(study.lab)) == [3, 2]
    who = [f"--participant {name}" for name in ("new", "broken", "careless")]
    assert sign_in(study, *who) == [
        "1 False", "3 True", "careless has taken part already; choose another code"
    ]  # fmt: skip


def test_a_lab_folder_elsewhere_learns_it_too(study, lab, tmp_path):  # noqa: F811
    stick = tmp_path / "stick" / "lab"
    shutil.copytree(study.lab, stick)
    excluded = careless(play(study, read_study(stick), "careless", 1, data=stick / "data"))
    bring_sessions(study, stick / "data")
    free_places(study, stick / "data")
    for folder in (stick, study.lab):
        assert read_excluded(folder) == {excluded.path.name: "said-random"}


def test_whoever_counts_after_all_holds_the_place_again(study, lab):  # noqa: F811
    file = study.lab / "excluded.json"
    file.write_text('{"somebody.jsonl": "attention"}')
    play(study, lab, "fine", 1)
    bring_sessions(study, study.lab / "data")
    assert free_places(study) is None
    assert json.loads(file.read_text()) == {}


def test_places_that_builder_filled_are_held(study, lab):  # noqa: F811
    data = study.lab / "data"
    data.mkdir()
    rated = "piloting,trial_number\nFalse,\n,1\n"
    for name, text in {
        "vp01_slot-001_builder_2026-11-21_20h36.59.100.csv": rated,
        "vp02_slot-003_builder_2026-11-21_20h40.59.100_1.csv": rated,
        "pilot_slot-002_builder_2026-11-21_20h50.59.100.csv": rated.replace("False", "True"),
        "vp04_slot-005_builder_2026-11-21_20h55.59.100.csv": "piloting,trial_number\nFalse,\n",
        "notes.csv": rated,
    }.items():
        (data / name).write_text(text)
    assert held_by_builder(data) == [1, 3]
    assert held_by_builder(data, ["vp01_slot-001_builder_2026-11-21_20h36.59.100.csv"]) == [3]
    assert sign_in(study, "--participant new") == ["2 False"]


def test_damage_is_one_clear_line(study):  # noqa: F811
    for words in ("{", "[1]"):
        (study.lab / "excluded.json").write_text(words)
        with pytest.raises(LabError, match="damaged"):
            read_excluded(study.lab)
