"""Lines and grids in the lab: what hands do there gives the rows that the web gives.

PsychoPy itself is not needed: its drawing is replaced by boxes that know where they are. The same
questions are played with PsychoPy in `test_lab_psychopy`.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType, SimpleNamespace

import pytest

from experiments.export import export
from experiments.lab.build import build_lab
from experiments.lab.player.records import begin, read_study, together
from experiments.lab.player.timeline import timeline
from experiments.lab.sessions import bring_sessions
from protocols.ratings import read_participants, read_ratings
from tests.placed_study import PLACED
from tests.small_study import make_study, resize

PLAYER = "experiments.lab.player"
LENGTH = 600  # pixels of a line in the lab


class Thing:
    """What is drawn: a rectangle around `pos`."""

    def __init__(self, x, y, width=100, height=24):
        self.pos, self.size, self.boundingBox = (x, y), (width, height), (width, height)
        self.text = ""

    def contains(self, at):
        return all(abs(a - b) <= s / 2 for a, b, s in zip(at, self.pos, self.size, strict=True))

    def draw(self):
        pass


class Hands:
    """A screen of 1600 x 1000 pixels, and a mouse that stays where it was last."""

    width, height = 1600, 1000

    def __init__(self, words):
        self.words, self.down, self.at = words, False, (0.0, 0.0)
        self.mouse = SimpleNamespace(getPressed=lambda: [self.down, 0, 0], getPos=lambda: self.at)

    def text(self, words, x, y, letter=22, **more):
        return Thing(x, y)

    def box(self, x, y, width, height, fill=None, line=None):
        return Thing(x, y, width, height)


@pytest.fixture
def player(monkeypatch):
    """The player's modules `placing` and `trial`, without PsychoPy."""
    psychopy, hardware = ModuleType("psychopy"), ModuleType("psychopy.hardware")
    psychopy.core = SimpleNamespace(getTime=lambda: 12.5)
    for name in ("event", "logging", "visual", "prefs"):
        setattr(psychopy, name, SimpleNamespace())
    hardware.keyboard = SimpleNamespace()
    monkeypatch.setitem(sys.modules, "psychopy", psychopy)
    monkeypatch.setitem(sys.modules, "psychopy.hardware", hardware)
    drawn = [
        f"{PLAYER}.{name}" for name in ("keys", "screen", "asking", "placing", "media", "trial")
    ]
    yield SimpleNamespace(**{
        name.rpartition(".")[2]: importlib.import_module(name) for name in drawn
    })  # fmt: skip
    for name in drawn:
        sys.modules.pop(name, None)


@pytest.fixture
def study(tmp_path):
    study = make_study(tmp_path / "study", PLACED)
    build_lab(study)
    return study


@pytest.fixture
def ask(player, study):
    """Asks a question of the lab folder of somebody with these hands."""
    lab = read_study(study.lab)
    hands = Hands(lab.about["words"])

    def begin_question(name):
        return player.asking.question_of(hands, lab.question(name), 300.0, None), hands

    return begin_question


def press(player, *keys):
    return [player.keys.Press(key, 3.0, "keyboard") for key in keys]


def test_a_line_has_no_handle_until_a_click_and_takes_the_place_under_it(player, ask):
    line, hands = ask("valence")
    assert line.take(press(player, "return"), None) is None  # nothing to continue with
    assert line.take([], line.button.pos) is None
    assert line.place is None
    hands.down, hands.at = True, (LENGTH / 4, line.y)
    assert line.take([], hands.at) is None
    assert line.place == 76  # three quarters of 0…100, from 1
    hands.at = (5000, line.y + 300)  # dragged beyond the end, and let go there
    assert line.take([], None) is None
    hands.down = False
    line.take([], None)
    hands.at = (0, 0)
    line.take([], None)
    assert line.handle.pos[0] == LENGTH / 2
    given = line.take([], line.button.pos)
    assert (given.said, given.by, given.at) == ({"choice": 101}, "pointer", 12.5)


def test_keys_bring_the_handle_to_the_middle_and_move_it(player, ask):
    line, _ = ask("valence")
    line.take(press(player, "left"), None)
    assert line.place == 51
    line.take(press(player, "left", "pageup", "up"), None)
    assert line.place == 51 - 1 + 10 + 1
    line.take(press(player, "home", "left"), None)
    assert line.place == 1
    given = line.take(press(player, "end", "pagedown", "return"), None)
    assert (given.said, given.by, given.at) == ({"choice": 91}, "key", 3.0)


def test_a_number_is_shown_only_where_the_study_wants_it(ask):
    line, _ = ask("calm")
    line.take([], (LENGTH / 8, line.y))
    assert line.number.text == "0.25"
    assert ask("valence")[0].number is None


def test_every_place_of_the_grid_is_where_it_is_seen(player, ask):
    for x in range(1, 10):
        for y in range(1, 10):
            grid, _ = ask("affect-valence")
            at = (30 * (x - 5) + 14, grid.middle + 30 * (y - 5) - 14)
            assert grid.take([], at).said == {"place": (x, y)}
    grid, _ = ask("affect-arousal")
    assert grid.take([], (0, grid.middle + 136)) is None  # above it
    assert grid.take(press(player, "return", "0"), None) is None
    given = grid.take(press(player, "right", "right", "up", "up", "left", "return"), None)
    assert (given.said, given.by) == ({"place": (5, 7)}, "key")


def test_a_grid_that_may_be_left_out_is_skipped_with_the_key_0(player, ask):
    grid, _ = ask("mood-valence")
    assert grid.take(press(player, "0"), None).said == {}


def test_a_session_of_the_lab_gives_the_rows_that_were_meant(player, study):
    lab = read_study(study.lab)
    hands, answers = Hands(lab.about["words"]), player.trial.answers_to
    session = begin(lab, study.lab / "data", "vp01", 1, False)
    meant = {}
    for step in timeline(lab.about, lab.trials[1], set()):
        number = step.trial["trial"] if step.trial else None
        for names in together(lab.about, step.open):
            question = player.asking.question_of(hands, lab.question(names[0]), 300.0, None)
            if len(names) == 2:
                x, y = 9, 1 + (number or 3)
                given = question.take([], (30 * (x - 5), question.middle + 30 * (y - 5)))
                meant |= {(number, names[0]): x, (number, names[1]): y}
            else:
                given = question.take(press(player, "end", "return"), None)
                meant[number, names[0]] = 100
            for name, said in answers(lab.question(names[0]), given.said):
                session.write("answer", trial=number, question=name, **said,
                              stimulus=step.trial and step.trial["stimulus_id"])  # fmt: skip
    session.write("completed")
    bring_sessions(study, study.lab / "data")
    export(study)
    table = read_ratings(study.ratings_file)
    told = {(r.trial, r.question): r.response for r in table.itertuples()}
    assert told == {place: value for place, value in meant.items() if place[0] is not None}
    assert set(table[table.question == "valence"].label) == {"very positive"}
    person = read_participants(study.participants_file).iloc[0]
    assert (person.status, bool(person.valid), person.calm_response) == ("completed", True, 1)
    assert (person["mood-valence_response"], person["mood-arousal_response"]) == (9, 4)


def test_the_window_must_have_room_for_a_grid_below_the_stimulus(player, study):
    lab = read_study(study.lab)
    trials = [trial for trials in lab.trials.values() for trial in trials]
    block = player.trial.block_of(lab.about)
    assert block > 9 * player.placing.CELL
    assert player.trial.room_for(trials, study.lab, block)[1] == 256 + 28 + block + 80


def test_every_stimulus_has_its_own_size_and_the_window_room_for_the_largest(player, study):
    shown = read_study(study.lab).trials[1][0]["stimulus_id"]
    resize(study, shown, (300, 420))
    build_lab(study)
    lab = read_study(study.lab)
    sizes = {trial["stimulus_id"]: (trial["width"], trial["height"]) for trial in lab.trials[1]}
    assert sizes.pop(shown) == (300, 420)
    assert set(sizes.values()) == {(256, 256)}
    assert player.trial.room_for(lab.trials[1], study.lab)[1] == 420 + 28 + 210 + 80
