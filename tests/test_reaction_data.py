"""Synthetic speakers and listeners: what the generative model promises, and the file of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: its data are not tested")

from models.reaction.attributes import ATTRIBUTES, AUS, EXPRESSIONS, PLACE, RATE  # noqa: E402
from models.reaction.data import load_data  # noqa: E402
from models.reaction.voice import voice_features  # noqa: E402
from stimuli.actors.cast import actor  # noqa: E402
from stimuli.reactions import data as making  # noqa: E402
from stimuli.reactions.affect import DISPLAYS, attributes  # noqa: E402
from stimuli.reactions.data import DataSettings, build  # noqa: E402
from stimuli.reactions.listeners import RESPONSES, listen, nods, perceived, responses  # noqa: E402
from stimuli.reactions.speakers import EMOTIONS, speak  # noqa: E402
from stimuli.reactions.speaking import Episode, Phrase, Speaking  # noqa: E402
from stimuli.reactions.styles import style_of  # noqa: E402

FRAMES = 750
STYLES = [style_of(seed) for seed in range(40)]


def au(name: str) -> int:
    return ATTRIBUTES.index(name)


def speaker(*episodes: Episode) -> Speaking:
    """A speaker of whom only episodes and phrases matter."""
    phrases = tuple(Phrase(e.onset_s, e.offset_s - 0.5, "kids", e.emotion) for e in episodes)
    nothing = np.zeros((FRAMES, 25), np.float32)
    return Speaking(np.zeros(1, np.float32), 16_000, nothing, nothing[:, :10], episodes, phrases)


def mean_face(emotion: str, listeners: int = 24) -> np.ndarray:
    """What many listeners show on average, (750, 25)."""
    faces = [listen(one(emotion), style, n) for n, style in enumerate(STYLES[:listeners])]
    return np.mean(faces, 0)


@pytest.fixture(scope="module")
def calm():
    return mean_face("neutral")


def one(emotion: str, face_m: float = 0.9, voice_m: float = 0.9) -> Speaking:
    return speaker(Episode(5.0, 10.0, emotion, face_m, voice_m))


# --- attributes ---------------------------------------------------------------------------------


def test_a_display_alone_shows_its_units_place_and_name():
    happy = attributes({"happy": np.array([0.0, 0.5, 1.0])})
    wanted = {"AU6": 0.75, "AU12": 1.0, "AU25": 0.3}
    for name in ATTRIBUTES[AUS]:
        np.testing.assert_allclose(
            happy[:, au(name)], [0, wanted.get(name, 0) / 2, wanted.get(name, 0)], atol=1e-6
        )
    np.testing.assert_allclose(happy[:, PLACE], np.outer([0, 0.5, 1], [0.81, 0.51]), atol=1e-6)
    # 3 q to 1 - q
    np.testing.assert_allclose(happy[:, au("Happy")], [0, 1.5 / 2.0, 1], atol=1e-6)
    quarter = attributes({"happy": np.array([0.25])})
    assert quarter[0, au("Happy")] == pytest.approx(quarter[0, au("Neutral")], abs=1e-6)


def test_any_mixture_stays_in_range_and_expressions_share_out_one():
    rng = np.random.default_rng(0)
    mixture = {name: rng.random(500) ** 2 for name in DISPLAYS}
    face = attributes(mixture, np.exp(rng.standard_normal(15)), rng.random(15) * 0.1)
    assert face[:, AUS].min() >= 0
    assert face[:, AUS].max() <= 1
    assert np.abs(face[:, PLACE]).max() <= 1
    np.testing.assert_allclose(face[:, EXPRESSIONS].sum(1), 1, atol=1e-5)
    with pytest.raises(ValueError, match="display 'joy': not known"):
        attributes({"joy": np.zeros(3)})


# --- speakers -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def speaking():
    return speak(actor("03"), 30, seed=2)


def test_a_speaker_lasts_as_long_as_asked_and_comes_again_the_same(speaking):
    assert speaking.face.shape == (FRAMES, 25)
    assert speaking.heard.shape == (FRAMES, 10)
    assert len(speaking.samples) == 30 * speaking.rate
    again, other = speak(actor("03"), 30, seed=2), speak(actor("03"), 30, seed=3)
    assert np.array_equal(again.samples, speaking.samples)
    assert np.array_equal(again.face, speaking.face)
    assert again.episodes == speaking.episodes
    assert other.episodes != speaking.episodes
    with pytest.raises(ValueError, match="too short for a sentence"):
        speak(actor("03"), 1, seed=2)
    with pytest.raises(ValueError, match="emotion 'joy'"):
        speak(actor("03"), 30, seed=2, emotions=("joy",))


def test_sound_is_where_the_phrases_are_and_silence_between_them(speaking):
    power = np.square(speaking.samples).reshape(FRAMES, -1).mean(1)
    times = (np.arange(FRAMES) + 0.5) / RATE
    inside = np.zeros(FRAMES, bool)
    near = np.zeros(FRAMES, bool)
    for phrase in speaking.phrases:
        inside |= (times > phrase.onset_s) & (times < phrase.offset_s)
        near |= (times > phrase.onset_s - 0.15) & (times < phrase.offset_s + 0.15)
    assert power[~near].max() < 1e-3 * power[inside].mean()
    assert (power[inside] > 1e-3 * power[inside].mean()).mean() > 0.8
    lips = speaking.face[:, au("AU25")]
    assert lips[inside].mean() > 3 * lips[~near].mean()  # mouths move with the sound


def test_face_and_voice_show_an_episode_s_emotion_as_strongly_as_it_says(speaking):
    named = {"happy": "Happy", "sad": "Sad", "angry": "Anger", "fearful": "Fear",
             "surprised": "Surprise", "disgusted": "Disgust"}  # fmt: skip
    times = (np.arange(FRAMES) + 0.5) / RATE
    checked = set()
    for episode in speaking.episodes:
        if episode.emotion == "neutral":
            continue
        middle = (times > episode.onset_s + 0.6) & (times < episode.offset_s - 0.1)
        column = au(named[episode.emotion])
        seen = speaking.face[middle, column].mean()
        heard = speaking.heard[middle, column - 15].max()
        assert (seen > 0.3) == (episode.face_m > 0)
        assert (heard > 0.3) == (episode.voice_m > 0)
        checked.add((episode.face_m > 0, episode.voice_m > 0))
    assert len(checked) == 3  # heard alone, seen alone, both


def test_over_many_speakers_either_channel_alone_carries_some_episodes():
    from stimuli.reactions.speakers import _strengths

    rng = np.random.default_rng(5)
    drawn = np.array([_strengths("sad", rng, False) for _ in range(4000)])
    assert (drawn[:, 0] == 0).mean() == pytest.approx(0.2, abs=0.02)
    assert (drawn[:, 1] == 0).mean() == pytest.approx(0.2, abs=0.02)
    both = drawn[(drawn > 0).all(1)]
    assert abs(np.corrcoef(both.T)[0, 1]) < 0.05  # strengths are drawn apart
    assert sum(EMOTIONS.values()) == pytest.approx(1)


# --- listeners ----------------------------------------------------------------------------------


def test_a_reaction_begins_the_listeners_own_delay_after_the_change():
    found, wanted = [], []
    for number, style in enumerate(STYLES):
        acts = responses(one("happy"), style, number)
        if acts:
            found.append(acts[0].onset - 5.0)
            wanted.append(style.delay_s)
    assert len(found) > 30
    assert all(0.35 <= each <= 1.4 for each in found)
    assert np.corrcoef(found, wanted)[0, 1] > 0.7
    assert np.mean(np.array(found) - wanted) == pytest.approx(0, abs=0.06)


def test_what_can_be_seen_of_a_reaction_comes_about_a_second_after_the_change():
    """The mean face of many listeners leaves rest between 0.5 and 1.5 s after the change."""
    faces = mean_face("happy")
    smile = faces[:, au("AU12")] - faces[100:125, au("AU12")].mean()
    half = np.flatnonzero(smile > 0.5 * smile.max())[0] / RATE - 5.0
    assert 0.5 < half < 1.7
    assert np.abs(smile[: 5 * RATE]).max() < 0.05 * smile.max()  # nothing before it


@pytest.mark.parametrize(
    ("emotion", "more", "less"),
    [
        ("happy", ("AU12", "AU6", "valence", "Happy"), ("AU4", "Sad")),
        ("sad", ("AU1", "AU4", "Sad"), ("AU12", "AU6", "Happy")),
        ("angry", ("AU4", "AU24"), ("AU12", "AU6", "Happy")),
        ("fearful", ("AU1", "AU4"), ("AU12", "Happy")),
        ("surprised", ("AU1", "AU2", "Surprise"), ("AU4", "AU15")),
        ("disgusted", ("AU4", "AU7"), ("AU2",)),
    ],
)
def test_listeners_answer_an_emotion_as_the_table_says(emotion, more, less, calm):
    change = mean_face(emotion)[160:250].mean(0) - calm[160:250].mean(0)
    for name in more:
        assert change[au(name)] > 0.05, name
    for name in less:
        assert change[au(name)] < 0.06, name
    if emotion in ("sad", "angry", "fearful", "disgusted"):
        assert change[au("valence")] < -0.1


def test_one_channel_is_enough_and_both_say_more():
    def size(face_m, voice_m):
        spoken = one("sad", face_m, voice_m)
        acts = [responses(spoken, style, n)[:1] for n, style in enumerate(STYLES)]
        return np.mean([act.strength for found in acts for act in found])

    seen, heard, both, faint = size(0.8, 0), size(0, 0.8), size(0.8, 0.8), size(0.2, 0)
    assert seen == pytest.approx(heard)
    assert faint < 0.4 * seen
    assert 1.15 * seen < both
    assert perceived(Episode(0, 1, "sad", 0.5, 0.5)) == pytest.approx(1 - 0.6 * 0.6)


def test_samples_of_a_listener_differ_and_listeners_differ_more():
    emotions = ("happy", "sad", "surprised", "angry", "neutral")
    spoken = speaker(*(Episode(4.0 * i, 4.0 * i + 4, e, 0.8, 0.8) for i, e in enumerate(emotions)))
    faces = np.stack([[listen(spoken, style, 2 * who + n) for n in range(2)]
                      for who, style in enumerate(STYLES[:16])])  # fmt: skip
    assert np.array_equal(faces[0, 0], listen(spoken, STYLES[0], 0))
    apart = np.square(faces[:, None, 0] - faces[None, :, 1]).mean((2, 3))  # (16, 16)
    within = np.diag(apart).mean()
    between = (apart.sum() - np.trace(apart)) / (16 * 15)
    assert within > 0.003  # appropriate, but not the same
    assert between > 1.05 * within
    resting = style_of(3).resting
    assert np.array_equal(resting, style_of(3).resting)
    assert not np.array_equal(resting, style_of(4).resting)


def test_faces_move_smoothly_and_stay_in_range():
    for number, style in enumerate(STYLES[:10]):
        face = listen(one("surprised"), style, number)
        assert np.abs(np.diff(face[:, AUS], axis=0)).max() < 0.25  # of full strength in 40 ms
        jitter = np.abs(np.diff(face[:, AUS], 2, axis=0)).mean()
        assert jitter < 0.002
        np.testing.assert_allclose(face[:, EXPRESSIONS].sum(1), 1, atol=1e-5)
        assert face[:, AUS].min() >= 0
        assert np.abs(face[:, PLACE]).max() <= 1


def test_attributes_of_a_listener_agree_with_each_other():
    spoken = speaker(*(Episode(5.0 * i, 5.0 * i + 5, e, 0.8, 0.8)
                       for i, e in enumerate(("happy", "sad", "happy", "angry"))))  # fmt: skip
    faces = np.concatenate([listen(spoken, style, n) for n, style in enumerate(STYLES[:20])])
    valence = faces[:, PLACE.start]
    assert np.corrcoef(valence, faces[:, au("Happy")])[0, 1] > 0.7
    assert np.corrcoef(valence, faces[:, au("AU12")])[0, 1] > 0.6
    assert np.corrcoef(valence, faces[:, au("AU4")])[0, 1] < -0.4
    assert np.corrcoef(faces[:, au("Happy")], faces[:, au("AU12")])[0, 1] > 0.8


def test_listeners_nod_at_ends_of_phrases_as_often_as_their_style_says():
    ends = np.arange(2.0, 29.0, 2.5)
    spoken = replace(
        speaker(Episode(0.5, 29.0, "neutral", 0, 0)),
        phrases=tuple(Phrase(end - 1.5, end, "kids", "neutral") for end in ends),
    )
    often = [replace(style, nods_per_minute=14.0) for style in STYLES]
    counts = []
    for number, style in enumerate(often):
        head = nods(spoken, style, number)
        assert head.shape == (FRAMES, 3)
        assert np.abs(head).max() <= 15
        assert head[:, 1].max() <= 0  # nods go down and back
        moving = head[:, 1] < -0.3
        begins = np.flatnonzero(moving[1:] & ~moving[:-1]) / RATE
        first = [begin for begin in begins if ((begin - ends) > 0).any()]
        since = [min(begin - end for end in ends if end < begin) for begin in first]
        assert all(each < 2.4 for each in since)
        counts.append(len({int(np.searchsorted(ends, begin)) for begin in begins}))
    assert np.mean(counts) == pytest.approx(7, abs=1)  # 14 a minute in half a minute
    still = replace(STYLES[0], nods_per_minute=0.0, empathy=0.0)
    assert not nods(spoken, still, 1)[:, 1].any()


def test_every_emotion_of_speakers_has_responses_of_known_displays_and_traits():
    assert set(RESPONSES) == set(EMOTIONS)
    for responses_ in RESPONSES.values():
        for response in responses_:
            assert response.display in DISPLAYS
            assert hasattr(STYLES[0], response.trait)
            assert 0 < response.gain <= 1


# --- the file -----------------------------------------------------------------------------------

TINY = DataSettings(
    speakers=(1, 1, 1), listeners=(3, 2, 3), reactions=(4, 4, 6), clips=1, seconds=6.0
)


def test_the_file_holds_everybody_once_and_goes_on_where_it_stopped(tmp_path):
    path = build(tmp_path / "whole", TINY)
    data = load_data(path)
    assert data.face.shape == (3, 150, 25)
    assert data.voice.shape == (3, 150, 78)
    assert data.part.tolist() == [0, 1, 2]
    assert data.speaker.tolist() == [0, 1, 2]
    assert np.bincount(data.of).tolist() == [4, 4, 6]
    people = {part: set(data.listener[np.isin(data.of, data.where(part))])
              for part in ("train", "validation", "test")}  # fmt: skip
    assert people["train"] <= {3, 4, 5}
    assert people["validation"] == {6, 7}
    assert people["test"] == {8, 9, 10}
    assert data.facts["licence"] == "CC0-1.0"
    shards = sorted((tmp_path / "whole").glob("people-*/*.npz"))
    assert len(shards) == 3
    kept = {shard: shard.stat().st_mtime_ns for shard in shards}
    content = shards[1].read_bytes()
    shards[1].unlink()
    path.unlink()
    told = []
    build(tmp_path / "whole", TINY, progress=lambda done, total: told.append((done, total)))
    assert told == [(3, 3)]  # one was missing
    for shard in (shards[0], *shards[2:]):
        assert shard.stat().st_mtime_ns == kept[shard]
    assert shards[1].read_bytes() == content  # whoever was made before it, and where
    assert load_data(path).facts["sha256"] == data.facts["sha256"]


def test_a_test_clip_is_what_an_actor_says_and_a_style_answers(tmp_path):
    """The file's numbers against the functions that are its model, to a byte's step."""
    job = making.jobs_of(tmp_path, TINY)[2]
    assert job.person.id == "29"
    assert job.voice is None
    talked = making._clip(job, 0)
    key = "test test-000 clip 0"
    speaking = speak(actor("29"), 6.0, making.seed_of(TINY.seed, key))
    assert np.array_equal(talked.face, speaking.face)
    who = int(talked.listener[3])
    style = style_of(making.seed_of(TINY.seed, f"test listener {who}"))
    answer = listen(speaking, style, making.seed_of(TINY.seed, f"{key} reaction 3"))
    assert np.array_equal(talked.reactions[3], answer)
    quiet = voice_features(torch.from_numpy(speaking.samples), speaking.rate, 150).numpy()
    loud = speaking.heard[:, 1:].max(1) > 0  # noise at -55 dB changes little where there is speech
    assert np.abs(talked.voice - quiet)[loud][:, 0].mean() < 3
    with pytest.raises(ValueError, match="reactions of train: found 3"):
        DataSettings(reactions=(3, 4, 10))
