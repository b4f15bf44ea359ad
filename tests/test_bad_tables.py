"""Tables that cannot be right, or carry no analysis: one sentence, in terminal and report."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis.problems import ADVICE
from analysis.report import report
from experiments.simulate import simulate
from protocols.errors import UserError
from protocols.study import Study
from tests.small_study import make_study

TEXT = """
name: bad
title: A study whose tables go bad
seed: 4
stimuli: {generator: actor, identities: 4, factors: {emotion: [angry, happy], m: [0, 1]}, size: 64}
tasks:
  - {id: valence, type: likert, question: How?, points: 9}
  - {id: feeling, type: forced-choice, question: Which?, options: [Angry, Happy]}
recruitment: {per_list: 6}
analysis:
  models:
    - id: linear
      formula: valence ~ emotion * m + (1 | participant) + (1 | identity)
      coding: {emotion: sliding-difference, m: sliding-difference}
      comparisons: [{factor: emotion, at: m}]
    - id: binomial
      formula: feeling ~ m + (1 | participant)
      family: binomial
      success: {matches: emotion}
simulation:
  careless: 0
  drop_out: 0
  tasks: {feeling: {follows: {emotion: 0.5}}}
"""
CASES: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str, str]] = {
    "one participant": (lambda d: d[d.participant == d.participant.iloc[0]],
                        "ONE_PARTICIPANT", "only one participant"),
    "one item": (lambda d: d[d.identity == "actor1"], "ONE_IDENTITY", "one identity"),
    "no variance": (lambda d: d.assign(response=d.response.where(d.question != "valence", "5"),
                                       label=d.label.where(d.question != "valence", "")),
                    "NO_VARIANCE", "answers to 'valence' are 5"),
    "one level": (lambda d: d[d.m.astype(float) == 1], "ONE_LEVEL", "'m' has one level only"),
    "missing cells": (lambda d: d[(d.emotion == "happy") | (d.m.astype(float) == 0)],
                      "EMPTY_CELLS", "1 of 4 cells hold no ratings, such as emotion angry, m 1"),
    "out of range": (lambda d: d.assign(response=["11", *d.response[1:]], label=["", *d.label[1:]]),
                     "OFF_SCALE", "the first is 11 for 'valence'"),
    "duplicated rows": (lambda d: pd.concat([d, d.iloc[:3]]), "COPIES", "3 rows stand twice"),
}  # fmt: skip


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Study:
    study = make_study(tmp_path_factory.mktemp("good") / "study", TEXT, pictures=False)
    simulate(study, 6)
    return study


@pytest.fixture
def study(original, tmp_path) -> Study:
    shutil.copytree(original.folder, tmp_path / "study")
    return Study(tmp_path / "study")


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_told_in_the_terminal_and_on_the_page(study, case):
    change, code, says = CASES[case]
    table = pd.read_csv(study.ratings_file, dtype=str, keep_default_na=False)
    change(table).to_csv(study.ratings_file, index=False)
    told: list[str] = []
    page = report(study, tell=told.append).read_text()
    (line,) = [line for line in told if line.startswith(f"{code}: ")]
    assert says in line
    assert "\n" not in line
    assert says.replace("'", "&#39;") in page or says in page
    assert ADVICE[code].split(".")[0] in page


def test_a_model_that_cannot_be_fitted_to_such_a_table_says_why(study):
    table = pd.read_csv(study.ratings_file, dtype=str, keep_default_na=False)
    table[table.participant == table.participant[0]].to_csv(study.ratings_file, index=False)
    page = report(study).read_text()
    assert page.count("This model was not fitted: all ratings belong to one participant") == 2


BAD: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "text in a column of numbers": (lambda b: b.replace(b",valence,5,", b",valence,five,", 1),
                                    "response: found 'five'"),
    "mixed encodings": (lambda b: b.replace(b"actor2", "acteur\xe9".encode("latin-1"), 1),
                        "not UTF-8"),
    "a byte of nothing": (lambda b: b.replace(b"actor2", b"act\0r2", 1), "ratings.csv"),
    "an endless field": (lambda b: b.replace(b"actor2", b'"' + b"x" * 200_000, 1), "ratings.csv"),
    "no rows": (lambda b: b.splitlines(keepends=True)[0], "ratings.csv"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_cannot_be_read_is_one_line_and_no_report(study, case):
    change, says = BAD[case]
    before = study.ratings_file.read_bytes()
    study.ratings_file.write_bytes(change(before))
    assert study.ratings_file.read_bytes() != before
    with pytest.raises(UserError) as error:
        report(study)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert not (study.report / "report.html").exists()


@pytest.mark.parametrize("name", ["ratings.csv", "participants.csv"])
def test_ten_gigabytes_are_refused_without_being_read(study, name):
    os.truncate(study.folder / name, 10_000_000_000)  # takes no room on the disk
    start = time.monotonic()
    with pytest.raises(UserError, match=rf"{name}: 10,000,000,000 bytes; a table has .* at most"):
        report(study)
    assert time.monotonic() - start < 5


def test_the_original_is_fine(original, tmp_path):
    told: list[str] = []
    assert Path(report(original, tell=told.append)).is_file()
    assert not [
        line for line in told if line.split(":")[0] in {code for _, code, _ in CASES.values()}
    ]
