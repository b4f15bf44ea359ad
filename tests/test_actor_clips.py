"""Clips of actors in studies: one recording in three modalities, whose every part is on file."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from protocols.conditions import Stimuli
from protocols.errors import UserError
from protocols.filming import DynamicClip
from protocols.generators import FACTORS, SHOWN
from protocols.manifest import read_manifest
from protocols.reading import load
from stimuli.actor_curves import strength, unfolding
from stimuli.actor_voices import deal_sentences
from stimuli.actors import cast, facs
from stimuli.actors.dynamics import Course, frame_times, usual_course
from stimuli.actors.portrait import Studio, portrait
from stimuli.corpora import Identity
from stimuli.generate import generate, preview
from stimuli.video import read_video, video_facts
from stimuli.voices.library import load_speech
from stimuli.voices.profiles import profile_at
from stimuli.voices.prosody import Delivery, with_emotion
from tests.designs import published

TALKING = """\
name: talking
title: Voice and face
seed: 5
stimuli:
  generator: actor
  identities: ["03"]
  factors:
    voice_emotion: [sad]
    face_emotion: [happy]
    modality: [audio, visual, audio-visual]
  clip: {kind: talking, sentences: [DFA], head: 0}
  size: 64
tasks:
  - {id: feeling, type: forced-choice, question: Which?, options: [Happy, Sad]}
"""
UNFOLDING = """\
name: unfolding
title: An expression
seed: 5
stimuli:
  generator: actor
  identities: ["03", "05"]
  factors: {emotion: [happy], m: [1]}
  clip: {kind: dynamic, seconds: 0.4, onset: 0.16, offset: 0.16, blinks: 0, head: 0}
  size: 64
tasks:
  - {id: feeling, type: forced-choice, question: Which?, options: [Happy, Sad]}
"""


@pytest.fixture(scope="module")
def pyav():
    return pytest.importorskip("av", reason="PyAV is not installed: videos are not tested")


def written(tmp_path, text):
    path = tmp_path / "protocol.yaml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def talking(pyav, tmp_path_factory):
    """Folder of the stimuli of TALKING."""
    folder = tmp_path_factory.mktemp("talking")
    outcome = generate(load(written(folder, TALKING)), folder / "study")
    assert outcome.made == 3
    return folder / "study" / "stimuli"


@pytest.fixture(scope="module")
def moving(pyav, tmp_path_factory):
    """Folder of the stimuli of UNFOLDING."""
    folder = tmp_path_factory.mktemp("unfolding")
    generate(load(written(folder, UNFOLDING)), folder / "study")
    return folder / "study" / "stimuli"


def of_kind(folder, kind):
    """Path and sidecar of the one stimulus of this kind."""
    table = read_manifest(folder, read_files=True)
    row = table[table.type == kind].iloc[0]
    path = folder / row.file
    return path, json.loads(path.with_suffix(".json").read_text())


def packets(pyav, path):
    with pyav.open(str(path)) as file:
        return [bytes(packet) for packet in file.demux(file.streams.video[0]) if packet.size]


def test_face_alone_and_both_together_hold_the_same_pictures_bit_for_bit(pyav, talking):
    alone, both = of_kind(talking, "video")[0], of_kind(talking, "audioVideo")[0]
    assert packets(pyav, alone) == packets(pyav, both)
    assert video_facts(alone).audio_rate is None
    assert video_facts(both).audio_rate is not None


def test_voice_alone_is_the_sound_of_both_together(pyav, talking):
    soundfile = pytest.importorskip("soundfile")
    samples, rate = soundfile.read(of_kind(talking, "audio")[0])
    both = of_kind(talking, "audioVideo")[0]
    assert video_facts(both).audio_rate == rate
    with pyav.open(str(both)) as file:
        parts = [frame.to_ndarray()[0] for frame in file.decode(audio=0) if frame.pts >= 0]
    heard = np.concatenate(parts)[: len(samples)]
    assert np.corrcoef(heard, samples[: len(heard)])[0, 1] > 0.99  # AAC is not lossless


def test_the_voice_has_its_emotion_and_the_face_another(talking):
    soundfile = pytest.importorskip("soundfile")
    path, sidecar = of_kind(talking, "audio")
    samples, rate = soundfile.read(path)
    assert rate == 48_000
    seed = sidecar["recipe"]["movement_seed"]
    sad = with_emotion(load_speech("03", "DFA"), "sad", 1.0, Delivery(seed=seed))
    step, pause = rate // sad.rate, round(0.2 * rate)
    said = samples[pause : pause + step * len(sad.samples)]
    np.testing.assert_allclose(said[::step], sad.samples, atol=0.004)  # what a finer rate rounds
    assert np.abs(samples[: pause - 500]).max() < 0.001
    rest = samples[pause + len(said) :]
    assert np.abs(rest[500:]).max() < 0.001
    assert pause <= len(rest) < pause + rate / 25
    assert len(samples) % (rate // 25) == 0  # whole frames
    curves = pd.read_csv(talking / of_kind(talking, "video")[1]["curves"]["file"], sep="\t")
    assert curves.cheekSquintLeft.median() > 1  # of happiness only; sadness raises inner brows
    assert "browInnerUp" not in curves
    assert "mouthFrownLeft" not in curves


def test_the_manifest_and_sidecars_say_how_each_clip_was_made(talking):
    table = read_manifest(talking, read_files=True).set_index("type")
    assert set(table.index) == {"audio", "video", "audioVideo"}
    assert set(table.spoken) == {"Don't forget a jacket."}
    assert table.loc["audio", ["width", "frame_rate", "frames"]].isna().all()
    for kind in ("video", "audioVideo"):
        path, sidecar = of_kind(talking, kind)
        facts, row = video_facts(path), table.loc[kind]
        assert (row.frames, row.width, row.height) == (facts.frames, 64, 64)
        assert row.duration_s == pytest.approx(facts.frames / 25)
        assert row.frame_rate == facts.rate == 25
        curves = pd.read_csv(talking / sidecar["curves"]["file"], sep="\t")
        assert len(curves) == facts.frames
        assert sidecar["apex"]["emotion"] == "happy"
        assert sidecar["speech"]["prosody"]["emotion"] == "sad"
        assert sidecar["speech"]["phones"][-1][2] <= row.duration_s
        assert sidecar["recipe"]["sentence"] == "DFA"
    sound, seen = table.loc["audio"].duration_s, table.loc["video"].duration_s
    assert seen == sound


def test_the_manifest_says_how_loud_each_sound_is_and_when_it_comes(talking):
    table = read_manifest(talking).set_index("type")
    assert set(table.loc[["audio", "audioVideo"]].audio_rate) == {48_000}
    neutral, level = Delivery().lufs, profile_at("sad", 1.0).level
    for kind in ("audio", "audioVideo"):
        # blocks half in a pause count as soft
        assert table.loc[kind].loudness_lufs == pytest.approx(neutral + level, abs=0.9)
        assert table.loc[kind].peak_dbtp < -1
    assert abs(table.loc["audioVideo"].av_offset_ms) < 10
    assert table.loc["video", ["loudness_lufs", "peak_dbtp", "av_offset_ms"]].isna().all()
    assert pd.isna(table.loc["audio"].av_offset_ms)


def test_voice_and_face_may_differ_in_strength(pyav, tmp_path):
    text = TALKING.replace(
        "modality: [audio, visual, audio-visual]", "voice_m: [0.5]\n    face_m: [0]"
    )
    generate(load(written(tmp_path, text)), tmp_path / "study")
    _, sidecar = of_kind(tmp_path / "study" / "stimuli", "audioVideo")
    assert sidecar["speech"]["prosody"]["m"] == 0.5
    assert sidecar["apex"]["facial_actions"] == {}
    wrong = text.replace("voice_m: [0.5]", "m: [0.5]")
    with pytest.raises(UserError, match="leave out m, or voice_m and face_m"):
        load(written(tmp_path, wrong))


def test_controls_hold_a_face_still_or_scramble_its_frames():
    """The same frames, or one; as long as the clip that they are a control of."""
    curves = unfolding(DynamicClip(seconds=2), facs.weights("happy", 1.0), 4)
    mixed, still = curves.scrambled(4), curves.still(facs.weights("happy", 1.0))
    assert sorted(map(tuple, mixed.weights)) == sorted(map(tuple, curves.weights))
    assert (mixed.weights != curves.weights).any()
    assert (mixed.weights == curves.scrambled(4).weights).all()
    assert (mixed.weights != curves.scrambled(5).weights).any()
    assert len(still.weights) == len(curves.weights)
    assert (still.weights == facs.weights("happy", 1.0)).all()
    assert not still.head.any()


def test_a_still_control_shows_one_picture_from_first_to_last(pyav, tmp_path):
    text = UNFOLDING.replace("m: [1]", "movement: [still]").replace('"03", "05"', '"03"')
    generate(load(written(tmp_path, text)), tmp_path / "study")
    path, _ = of_kind(tmp_path / "study" / "stimuli", "video")
    frames = np.stack(list(read_video(path))).astype(int)
    assert np.abs(frames - frames[:1]).mean() < 0.5  # of 255; coding is not exact
    apex = portrait(cast.actor("03"), facs.weights("happy", 1.0), Studio(size=64)).astype(int)
    assert np.abs(frames[5] - apex).mean() < 3


def test_a_clip_goes_from_neutral_to_the_picture_of_its_apex_and_back(moving):
    table = read_manifest(moving)
    row = table[table.identity == "03"].iloc[0]
    frames = [frame.astype(float) for frame in read_video(moving / row.file)]
    actor, studio = cast.actor("03"), Studio(size=64)
    apex = portrait(actor, facs.weights("happy", 1.0), studio).astype(float)
    neutral = portrait(actor, np.zeros(52), studio).astype(float)
    way = apex - neutral
    gone = [((frame - neutral) * way).sum() / (way**2).sum() for frame in frames]
    risen = strength(np.arange(10) / 25, 0.4, 0.16, 0.16)
    assert len(frames) == 10
    assert risen[4:6].min() == 1
    np.testing.assert_allclose(gone, risen, atol=0.2)  # what the coding of 64 pixels leaves


def test_bytes_depend_neither_on_processes_nor_on_what_was_there(moving, tmp_path):
    path = written(tmp_path, UNFOLDING)
    generate(load(path), tmp_path / "study", workers=2)
    made = tmp_path / "study" / "stimuli"
    sums = (made / "checksums.sha256").read_text()
    assert sums == (moving / "checksums.sha256").read_text()
    assert len(sums.splitlines()) == 2
    next(made.glob("*_video.mp4")).unlink()
    outcome = generate(load(path), tmp_path / "study")
    assert (outcome.made, outcome.kept) == (1, 1)
    assert (made / "checksums.sha256").read_text() == sums
    assert len(read_manifest(made, read_files=True)) == 2


def test_a_voice_alone_needs_no_film(talking, tmp_path, monkeypatch):
    monkeypatch.setattr("stimuli.actor_clips.clip", None)  # nothing can be drawn
    text = TALKING.replace("[audio, visual, audio-visual]", "[audio]")
    monkeypatch.setitem(sys.modules, "av", None)  # or encoded
    generate(load(written(tmp_path, text)), tmp_path / "study")
    heard = of_kind(tmp_path / "study" / "stimuli", "audio")[0]
    assert heard.read_bytes() == of_kind(talking, "audio")[0].read_bytes()


def test_without_pyav_films_are_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UserError, match="pip install av"):
        generate(load(written(tmp_path, TALKING)), tmp_path / "study")
    assert not (tmp_path / "study").exists()


def test_the_contact_sheet_has_strips_of_three_frames_and_waves(talking, tmp_path):
    with Image.open(talking / "contact-sheet.png") as sheet:
        assert sheet.width > 3 * 3 * 64  # three cells of three frames
        wave = np.asarray(sheet.convert("L"))
    assert (wave == 40).any()
    assert (wave == 225).any()
    shown = preview(load(written(tmp_path, TALKING)), tmp_path / "preview.png")
    with Image.open(shown) as sheet:
        assert sheet.width > 3 * 3 * 64


def test_strength_is_the_course_of_the_house():
    times = frame_times(2.5)
    usual = usual_course("happy", 2.5)
    np.testing.assert_allclose(strength(times, 2.5, 0.5, 0.7), usual.at(times), atol=1e-12)
    held = Course(peak=0.3, hold=100, offset=200)
    np.testing.assert_allclose(strength(times, 2.5, 0.3, 0), held.at(times), atol=1e-12)
    assert (strength(times, 2.5, 0, 0) == 1).all()
    assert strength(frame_times(0.6), 0.6, 0.5, 0.7).max() > 0.8  # flanks shrink, the apex stays


def test_chance_moves_a_face_alike_in_every_cell_and_take_by_take():
    clip, happy = DynamicClip(seconds=4), facs.weights("happy", 1.0)
    one, same, other = (unfolding(clip, apex, seed) for apex, seed in
                        ((happy, 1), (0 * happy, 1), (happy, 2)))  # fmt: skip
    assert (one.head == same.head).all()
    assert one.head.any()
    assert not np.allclose(one.head, other.head)
    still = unfolding(DynamicClip(seconds=4, head=0, blinks=0), happy, 1)
    assert not still.head.any()
    np.testing.assert_allclose(still.weights, still.strength[:, None] * happy)


def test_sentences_are_dealt_evenly_to_women_and_men_and_stay_when_people_are_added():
    people = [Identity(f"{i:02d}", "male" if i % 2 else "female") for i in range(1, 13)]
    dealt = deal_sentences(people, ["IEO", "DFA", "TIE"])
    for gender in ("male", "female"):
        said = [dealt[p.id] for p in people if p.gender == gender]
        assert sorted(said) == sorted(["IEO", "DFA", "TIE"] * 2)
    fewer = deal_sentences(people[:7], ["IEO", "DFA", "TIE"])
    assert all(dealt[who] == sentence for who, sentence in fewer.items())


def test_factors_of_talking_ask_for_a_talking_clip():
    assert Stimuli.model_validate(
        {"generator": "actor", "factors": {"emotion": ["happy"], "modality": ["audio"]}}
    ).media == "video"  # fmt: skip
    assert Stimuli.model_validate(
        {"generator": "actor", "factors": {"emotion": ["happy"]}}
    ).media == "image"  # fmt: skip


def test_faces_and_voices_have_every_emotion_that_a_protocol_may_name():
    for emotion in SHOWN:
        assert profile_at(emotion, 1.0) != profile_at(emotion, 0.0) or emotion == "neutral"
        assert facs.weights(emotion, 1.0).any() or emotion == "neutral"
    assert set(FACTORS["voice_emotion"].words) == set(FACTORS["face_emotion"].words) == set(SHOWN)


def test_actors_stand_in_for_the_36_pairs_of_eskimez():
    pairs = published(
        "eskimez2021-task2", {"stimuli.generator": "actor", "stimuli.corpus": "actors"}
    )
    assert pairs.stimuli.count == 72
    done = subprocess.run(
        [sys.executable, "mien.py", "plan", "protocols/eskimez2021-task2.yaml", "--generator",
         "actor"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "72 stimuli on 6 lists" in done.stdout
