"""Simulated participants in a real Chromium: what they say arrives, as without a browser."""

from __future__ import annotations

import sqlite3

import pytest

from experiments.build import build_web
from experiments.simulate import simulate
from protocols.ratings import read_ratings
from tests.chromium import CHROMIUM, DRIVER
from tests.small_study import add_sound, make_study
from tests.test_browser import EVERY_TASK, SHORT
from tests.test_player import beep

pytest.importorskip("selenium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium and chromedriver on PATH"),
]
LINES = """  - {id: pleasure, type: slider, question: How pleasant?, left: not, right: very}
  - {id: mood, type: affect-grid, question: How does this person feel?}
"""
NOBODY_LEAVES = "simulation: {careless: 0, drop_out: 0}\n"


def test_a_participant_in_chromium_gives_the_answers_of_the_same_one_without(tmp_path):
    text = SHORT.replace("  - id: feeling", EVERY_TASK).replace("design:", f"{LINES}design:")
    studies = [make_study(tmp_path / name, text + NOBODY_LEAVES) for name in "ab"]
    beep(tmp_path / "beep.wav")
    add_sound(studies[0], None, str(tmp_path / "beep.wav"))
    build_web(studies[0])
    simulate(studies[0], 1, browsers=1)
    simulate(studies[1], 1)
    clicked, sent = (read_ratings(study.ratings_file) for study in studies)
    said = ["participant", "trial", "question", "response", "label"]
    assert clicked[said].values.tolist() == sent[said].values.tolist()
    at_the_end = "SELECT question, response, label, boxes FROM questionnaire ORDER BY question"
    both = []
    for study in studies:
        with sqlite3.connect(study.data / "simulation.sqlite") as db:
            both.append(db.execute(at_the_end).fetchall())
    assert both[0] == both[1] != []
    assert (clicked.onset_ms.diff().dropna() >= 0).all()
    assert clicked.onset_ms.iloc[-1] > 1000  # real time went by
    again = simulate(studies[0], 1, browsers=1)
    assert again.new == 0
