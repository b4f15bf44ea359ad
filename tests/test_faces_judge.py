"""What the face networks see in the cast: tables against hand counts, two actors under test."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from scipy.stats import binomtest

from protocols.errors import UserError
from stimuli.actors import facs, film
from stimuli.actors.cast import actor
from stimuli.actors.facs import weights
from stimuli.actors.portrait import Studio, portrait
from stimuli.faces import exchange, groups, verdicts
from stimuli.faces import judge as bench
from stimuli.faces.expression import MODEL, WORDS
from stimuli.faces.judge import Sight, judge, look, photographed, read_sights, shown
from stimuli.faces.landmarks import eyes
from stimuli.faces.quality import measure
from stimuli.faces.weights import load

ACTORS = tuple(map(actor, ("01", "02", "03", "04")))
QUALITY = {"lightness": 50.0, "contrast": 0.4, "texture": 0.5, "furrows": 0.2, "clipped": 0.0}


def sight(who: str, emotion: str, word: str, m: float = 1.0, at: float = 0.0) -> Sight:
    """A made-up sight whose descriptor is `at` in its first place."""
    said = {w: 0.9 if w == word else 0.1 / 6 for w in WORDS}
    return Sight(who, emotion, m, 1, 0.9, 0.05, said, [at] + [0.0] * 127, quality=QUALITY)


SIGHTS = [
    sight("01", "neutral", "neutral"),
    sight("02", "neutral", "sad", at=0.3),
    sight("03", "neutral", "neutral", at=1.0),
    sight("04", "neutral", "neutral", at=3.0),
    *(sight(a.id, "happy", "happy", at=0.5) for a in ACTORS),
    *(sight(a.id, "happy", "neutral", 0.5, at=9.0) for a in ACTORS[:3]),
    replace(sight("04", "happy", "happy", 0.5), faces=0, said={}, descriptor=[]),
    sight("01", "contempt", "angry"),
]


def test_confusion_counts_words_and_leaves_wordless_emotions_unjudged():
    table = verdicts.confusion(SIGHTS).set_index(["emotion", "m"])
    assert table.loc[("neutral", 1.0), ["neutral", "sad", "right"]].tolist() == [3, 1, 0.75]
    assert table.loc[("happy", 1.0), "right"] == 1
    assert table.loc[("happy", 0.5), ["neutral", "no face", "right"]].tolist() == [3, 1, 0]
    assert table.loc[("contempt", 1.0), "angry"] == 1
    assert np.isnan(table.loc[("contempt", 1.0), "right"])


def test_pictures_without_exactly_one_face_are_listed():
    assert verdicts.not_one_face(SIGHTS).values.tolist() == [["04", "happy", 0.5, 0]]


def test_groups_count_actors_and_name_the_worst():
    table = groups.named(SIGHTS, ACTORS)
    gender = table[table.factor == "gender"].set_index("group")
    assert gender.loc["female", ["actors", "pictures", "right"]].tolist() == [2, 4, 0.75]
    assert gender.loc["male", "right"] == 1
    assert gender.loc["female", "neutral"] == 0.5
    assert any(line.startswith("gender: least often named right are female (0.75,")
               for line in groups.worst(table))  # fmt: skip


@pytest.mark.parametrize(("right", "n"), [(0, 7), (3, 4), (44, 52), (52, 52)])
def test_intervals_are_those_of_scipy(right, n):
    reference = binomtest(right, n).proportion_ci(method="wilson")
    assert groups.wilson(right, n) == pytest.approx((reference.low, reference.high), abs=1e-6)


def test_identity_takes_each_emotion_against_the_same_actors_neutral_face():
    table = verdicts.identity(SIGHTS).set_index("distances")
    within = table.loc["emotion against neutral, one actor"]
    assert within.n == 5  # four happy faces and contempt; half strength stays out
    assert (within.least, within.largest) == pytest.approx((0.0, 2.5))
    assert table.loc["two neutral actors", ["n", "least"]].tolist() == pytest.approx([6, 0.3])
    assert verdicts.near_pairs(SIGHTS).values.tolist() == [["01", "02", 0.3]]


def test_an_exchanged_skin_is_counted_by_shape_and_is_all_that_changes():
    worn = {
        "II": [sight(a.id, "disgusted", "disgusted") for a in ACTORS],
        "VI": [sight(a.id, "disgusted", "angry" if a.id == "02" else "disgusted") for a in ACTORS],
    }
    table = groups.exchanged(worn, ACTORS).set_index(["skin", "shape"]).disgusted
    assert (table["II", "all"], table["VI", "all"]) == (4, 3)
    assert ACTORS[1].origin.word == "african"
    assert (table["II", "african"], table["VI", "african"]) == (1, 0)
    assert [a.gender for a in ACTORS] == ["male", "female"] * 2
    assert (table["VI", "female"], table["VI", "male"]) == (1, 2)
    dark = exchange.in_skin(ACTORS[3], exchange.WEARS[exchange.DARK])
    assert dark.skin == "VI"
    kept = replace(dark, skin=ACTORS[3].skin, skin_rgb=ACTORS[3].skin_rgb,
                   lip_rgb=ACTORS[3].lip_rgb)  # fmt: skip
    assert kept == ACTORS[3]


def test_darkened_skin_keeps_the_share_of_light_that_wrinkles_take():
    skin = np.array([0.5, 0.35, 0.25]) * np.linspace(0.5, 1.0, 40)[:, None]  # a furrow, linear
    factor = np.array([0.20, 0.15, 0.15])
    wall = np.full((8, 40, 3), 0.2)
    pale, dark = (np.rint(film.encode(np.concatenate([wall, np.tile(lit, (8, 1, 1))])) * 255)
                  .astype(np.uint8) for lit in (skin, skin * factor))  # fmt: skip
    made = exchange.darkened(pale, dark)
    assert np.abs(made.astype(int) - dark).max() <= 2
    assert (made[:8] == pale[:8]).all()
    assert (exchange.darkened(pale, pale) == pale).all()


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, monkeypatch):
    asked = []

    def take(actor, emotion, m):
        asked.append((actor.id, emotion, m))
        if len(asked) == 5:
            raise KeyboardInterrupt
        return np.zeros((64, 64, 3), np.uint8)

    monkeypatch.setattr(bench, "look", lambda picture, key, studio: replace(SIGHTS[0], actor=key[0],
                        emotion=key[1], m=key[2]))  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        judge(ACTORS[:1], tmp_path, take, Studio())
    file = tmp_path / bench.SIGHTS
    file.write_text(file.read_text() + '{"actor": "01", "emo')  # cut short
    assert len(read_sights(file)) == 4
    sights = judge(ACTORS[:1], tmp_path, take, Studio())
    assert [s.key[1:] for s in sights] == list(shown())
    assert len(asked) == len(set(asked)) + 1  # only the interrupted picture was taken twice
    assert read_sights(Path(file)) == sights


def test_a_picture_drawn_differently_by_now_is_looked_at_again(tmp_path, monkeypatch):
    asked = []

    def take(actor, emotion, m):
        asked.append((emotion, m))
        return np.zeros((64, 64, 3), np.uint8)

    def see(picture, key, studio):
        return replace(SIGHTS[0], actor=key[0], emotion=key[1], m=key[2], faces=len(asked))

    monkeypatch.setattr(bench, "look", see)
    judge(ACTORS[:1], tmp_path, take, Studio())
    first, asked[:] = list(asked), []
    monkeypatch.setitem(facs.PROTOTYPES, "fearful", "1E 2C 5E 20E 25E")
    sights = judge(ACTORS[:1], tmp_path, take, Studio())
    assert first == list(shown())
    assert asked == [("fearful", 1.0), ("fearful", 0.5)]
    assert [s.faces for s in sights if s.emotion == "fearful"] == [1, 2]
    asked.clear()
    judge(ACTORS[:1], tmp_path, take, Studio(size=100))
    assert asked == list(shown())


def test_actors_have_one_face_each_and_show_joy_and_surprise():
    try:
        load(MODEL)
    except UserError as error:
        pytest.skip(f"no weights of the face networks: {error}")
    studio = Studio(size=256)
    drawn = np.array([studio.eye_right, studio.eye_left])
    for who in ACTORS[:2]:
        for emotion in ("neutral", "happy", "surprised"):
            picture = portrait(who, weights(emotion, 1.0), studio)
            seen = look(picture, (who.id, emotion, 1.0), studio)
            assert seen.faces == 1, seen.key
            assert seen.eye_error < 0.15, seen.key
            found = np.linalg.norm(eyes(np.array(seen.points)) - drawn, axis=1).mean() / np.ptp(
                drawn[:, 0]
            )
            assert found == pytest.approx(seen.eye_error, abs=1e-3)
            assert seen.quality == asdict(measure(picture, studio))
            if emotion != "neutral":
                assert seen.word == emotion, seen.key


def test_photographs_stand_in_a_table_of_their_own(tmp_path, capsys):
    people = [sight("101", "neutral", "neutral"), sight("101", "happy", "neutral"),
              sight("102", "happy", "happy")]  # fmt: skip
    verdicts.report(SIGHTS, ACTORS, tmp_path, Console(width=200), people)
    assert "photographs (2 rows)" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "photographs.tsv", sep="\t").set_index("emotion")
    assert table.loc["happy", ["neutral", "happy", "right"]].tolist() == [1, 1, 0.5]
    cast = pd.read_csv(tmp_path / "confusion.tsv", sep="\t").set_index(["emotion", "m"])
    assert cast.loc[("happy", 1.0), "happy"] == len(ACTORS)  # people do not count as actors


def test_smiling_photographs_look_happier_than_neutral_ones():
    if not bench.LONDON.is_dir():
        pytest.skip("needs ../shared/data/faces_london")
    try:
        load(MODEL)
    except UserError as error:
        pytest.skip(f"no weights of the face networks: {error}")
    people = photographed(bench.LONDON)
    assert [s.emotion for s in people].count("happy") == len(people) / 2 == 5
    assert all(s.faces == 1 and np.isnan(s.eye_error) for s in people)
    smile = {s.actor: s.said["happy"] for s in people if s.emotion == "happy"}
    for s in people:
        if s.emotion == "neutral":
            assert s.word == "neutral"
            assert smile[s.actor] > s.said["happy"]


def test_a_folder_without_photographs_has_none(tmp_path):
    assert photographed(tmp_path) == []
