"""The generator talking-face: from a protocol to films and sounds, and what it refuses."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")
av = pytest.importorskip("av", reason="PyAV is not installed: videos are not tested")

from models.talking_face.network import drawn_by_frame  # noqa: E402
from models.talking_face.stored import load_model, save_model  # noqa: E402
from protocols.errors import UserError  # noqa: E402
from protocols.manifest import read_manifest  # noqa: E402
from protocols.prepared import PreparedCorpus  # noqa: E402
from protocols.reading import ProtocolError, load  # noqa: E402
from stimuli.contact_sheet import label  # noqa: E402
from stimuli.context_faces.portraits import (  # noqa: E402
    ActorPortraits,
    CorpusPortraits,
    PortraitError,
    turned,
)
from stimuli.corpora import identities_of  # noqa: E402
from stimuli.corpora.arrays import ArraySettings, prepare_arrays  # noqa: E402
from stimuli.corpora.folder import folder_adapter, load_folder_mapping  # noqa: E402
from stimuli.corpora.prepare import add_corpus  # noqa: E402
from stimuli.finished import LUMA  # noqa: E402
from stimuli.generate import generate  # noqa: E402
from stimuli.generators import GeneratorError, make_generator  # noqa: E402
from stimuli.stimulus import plan_stimuli  # noqa: E402
from stimuli.talking_face_clips import TalkingFaceClips  # noqa: E402
from stimuli.talking_faces.clips import for_networks  # noqa: E402
from stimuli.talking_faces.moved import MOST_TURNED, MovedFaces  # noqa: E402
from stimuli.video import read_video, video_facts  # noqa: E402
from stimuli.voices.loudness import lufs  # noqa: E402
from tests.dot_faces import dots, find_dots  # noqa: E402
from tests.small_talking import EYES, RATE, decoded, loaded, tiny, voice  # noqa: E402

STUDY = """
name: talking
title: Talking faces
seed: 7
stimuli:
  generator: talking-face
  corpus: faces
  identities: [p1, p2]
  size: 64
  talking: {weights: tiny.safetensors, recordings: heard}
  factors:
    voice_emotion: [angry, happy]
    face_emotion: [angry, sad]
    modality: [visual, audio-visual]
tasks:
  - {id: feeling, type: forced-choice, question: Which?, options: [Happy, Sad]}
"""
ONE = {"[p1, p2]": "[p1]", "[angry, happy]": "[angry]", "[angry, sad]": "[sad]",
       "    modality: [visual, audio-visual]\n": ""}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder with weights, recordings, and a prepared corpus of people whose eyes are dots."""
    home = tmp_path_factory.mktemp("home")
    save_model(home / "tiny.safetensors", tiny(), licence="CC0-1.0")
    (home / "heard").mkdir()
    soundfile.write(home / "heard" / "angry.wav", 2 * voice(0.5, 300), RATE)
    soundfile.write(home / "heard" / "happy.wav", voice(0.61, 200), RATE)
    source = home / "src"
    source.mkdir()
    for i, who in enumerate(("p1", "p2", "p3")):
        Image.fromarray(dots((240, 200), EYES, 7.0, 60 + 50 * i)).save(source / f"{who}.png")
    Image.fromarray(np.full((200, 240, 3), 90, np.uint8)).save(source / "p4.png")
    crowd = dots((240, 200), EYES, 7.0)
    crowd[:60, :60] = (20, 200, 20)  # two faces, says the corner
    Image.fromarray(crowd).save(source / "p5.png")
    (home / "faces.yaml").write_text(
        "name: faces\nlicence: lab only\nmay_be_shown: false\npattern: '(?P<actor>p\\d)'\n"
        "constants: {emotion: neutral}\n"
    )
    adapter = folder_adapter(load_folder_mapping(home / "faces.yaml"))
    added = add_corpus(adapter, source, home / "corpora" / "faces").folder
    prepare_arrays(added, find_dots, ArraySettings(size=64), detector="dots")
    return home


def protocol(home: Path, **changed):
    return loaded(home, STUDY, changed)


def planned(made) -> list:
    return [s for s in plan_stimuli(made, identities_of(made)) if s.role == "main"]


@pytest.fixture(scope="module")
def made(home, tmp_path_factory) -> Path:
    """The stimuli of STUDY."""
    folder = tmp_path_factory.mktemp("made") / "study"
    assert generate(protocol(home), folder).made == 16
    return folder / "stimuli"


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as file:
        return [bytes(packet) for packet in file.demux(file.streams.video[0]) if packet.size]


def test_the_contact_sheet_says_whose_emotion_stands_above_a_column():
    assert label({"voice_emotion": "happy", "face_emotion": "sad"}) == "voice happy\nface sad"
    assert label({"emotion": "happy", "m": 0.5}) == "happy\nm 0.5"


def test_films_have_the_frames_of_their_sound_which_no_face_changes(made):
    table = read_manifest(made, read_files=True)
    together = table[table.modality == "audio-visual"]
    for row in together.itertuples():
        facts = video_facts(made / row.file)
        assert row.frames == facts.frames == round(25 * row.duration_s)
        assert (facts.width, facts.rate, facts.audio_rate) == (64, 25, 48_000)
        assert len(list(read_video(made / row.file))) == row.frames
    assert set(table.duration_s) == {0.92, 1.04}  # 0.9 and 1.01 s with their pauses: whole frames
    for (_, _), same in together.groupby(["identity", "voice_emotion"]):
        first, second = (decoded(made / file) for file in same.file)
        assert np.array_equal(first, second)
    assert (together.loudness_lufs - -26).abs().max() < 5
    assert table[table.modality == "visual"].loudness_lufs.isna().all()


def test_the_face_alone_is_the_film_of_both_together_and_follows_face_and_voice(made):
    table = read_manifest(made).set_index(
        ["identity", "voice_emotion", "face_emotion", "modality"]
    )  # fmt: skip
    films = {cell: packets(made / row.file) for cell, row in table.iterrows()}
    for (who, heard, shown, _), film in films.items():
        assert film == films[who, heard, shown, "visual"]
    for who in ("p1", "p2"):
        different = {b"".join(films[who, v, f, "visual"]) for v in ("angry", "happy")
                     for f in ("angry", "sad")}  # fmt: skip
        assert len(different) == 4
    assert films["p1", "angry", "sad", "visual"] != films["p2", "angry", "sad", "visual"]


def test_bytes_depend_neither_on_batches_nor_on_what_was_there(home, made, tmp_path):
    generate(protocol(home), tmp_path / "study", batch_size=1)
    again = tmp_path / "study" / "stimuli"
    sums = (made / "checksums.sha256").read_text()
    assert (again / "checksums.sha256").read_text() == sums
    next(again.glob("*_video.mp4")).unlink()
    assert generate(protocol(home), tmp_path / "study").made == 1
    assert (again / "checksums.sha256").read_text() == sums
    assert (tmp_path / "study" / "heard" / "happy.wav").is_file()  # the study is whole
    assert (tmp_path / "study" / "tiny.safetensors").is_file()


def test_a_film_without_loss_is_what_the_network_makes_of_face_voice_and_emotion(home, tmp_path):
    study = protocol(home, **ONE, **{"size: 64": "size: 64\n  lossless: true"})
    outcome = generate(study, tmp_path / "study")
    row = read_manifest(outcome.manifest).iloc[0]
    folder = outcome.manifest.parent
    sidecar = json.loads((folder / row.file).with_suffix(".json").read_text())
    exact = folder / sidecar["lossless"]["file"]
    assert exact.name == f"stim-{row.stimulus_id}_lossless.mkv"
    with av.open(str(exact)) as file:
        shown = np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])
    network, weights = load_model(home / "tiny.safetensors")
    face = PreparedCorpus.open(home / "corpora" / "faces").faces_of("p1")[0]
    said = soundfile.read(home / "heard" / "angry.wav")[0]
    still = np.zeros(round(0.2 * RATE))
    heard = np.pad(for_networks(np.concatenate([still, said, still]), RATE), (0, 160))
    wanted = torch.cat(list(network.speak(
        torch.from_numpy(face.transpose(2, 0, 1) / np.float32(127.5)) - 1,
        torch.from_numpy(heard), torch.eye(6)[[5]],
        torch.Generator().manual_seed(sidecar["recipe"]["noise_seed"]),
    )), 1)[0]  # fmt: skip
    wanted = ((wanted + 1) * 127.5).permute(0, 2, 3, 1).numpy()
    assert len(shown) == len(wanted) == row.frames
    assert np.abs(shown - wanted).max() < 4  # the sound was brought to 48 kHz on its way
    assert np.abs(shown - wanted).mean() < 0.6
    assert np.ptp(shown.astype(int), axis=0).max() > 40  # it moves
    assert row.checkpoint == weights.facts["sha256"]
    assert row.licence == "lab only"
    assert row.digital_source_type.endswith("/trainedAlgorithmicMedia")
    near = np.stack(list(read_video(folder / row.file))).astype(int)
    assert 0 < np.abs((near - shown) @ LUMA).mean() < 4  # coded with loss
    exact.unlink()
    assert generate(study, tmp_path / "study").made == 1
    assert exact.is_file()


def test_sound_without_loss_is_sample_by_sample_that_of_the_voice_alone(home, tmp_path):
    both = {
        **ONE,
        "    modality: [visual, audio-visual]\n": "    modality: [audio, audio-visual]\n",
    }
    study = protocol(home, **both, **{"size: 64": "size: 64\n  lossless: true"})
    folder = generate(study, tmp_path / "study").manifest.parent
    (exact,) = folder.glob("*.mkv")
    alone = soundfile.read(next(folder.glob("*.wav")), dtype="int16")[0]
    assert np.array_equal(decoded(exact), alone)


def test_no_film_depends_on_which_others_are_made(home):
    study = protocol(home, **{"    modality: [visual, audio-visual]\n": ""})
    stimuli = planned(study)[:3]

    def films(some, clips):
        return {s.id: f.film.read_bytes() for s, f in zip(some, clips.render(some), strict=True)}

    together = films(stimuli, TalkingFaceClips(study))
    torch.set_num_threads(2)
    backwards = films(stimuli[::-1], TalkingFaceClips(study))
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    assert together == backwards
    assert together[stimuli[2].id] == films([stimuli[2]], TalkingFaceClips(study))[stimuli[2].id]


def frames_of(home, changed, folder) -> dict[tuple, np.ndarray]:
    """Levels -> every frame (T, 64, 64, 3) as it goes to the encoder."""
    study = protocol(home, **{**ONE, **changed})
    clips: Any = make_generator(study)
    return {tuple(s.levels.values()): np.stack(list(clips._moved(s, folder)))
            for s in planned(study)}  # fmt: skip


def test_strength_leads_from_neutral_to_the_emotion(home, tmp_path):
    found = frames_of(home, {"[angry, sad]": "[sad, neutral]\n    face_m: [0, 0.5, 1]"}, tmp_path)
    neutral = found["angry", "neutral", 1]
    assert np.array_equal(found["angry", "sad", 0], neutral)
    assert np.array_equal(found["angry", "neutral", 0.5], neutral)
    far = [np.abs(found["angry", "sad", m].astype(int) - neutral).mean() for m in (0.5, 1)]
    assert 0 < far[0] < far[1]


def test_controls_hold_the_face_still_or_scramble_its_frames(home, tmp_path):
    change = {"[angry, sad]": "[sad]\n    movement: [natural, still, scrambled]"}
    found = frames_of(home, change, tmp_path)
    natural, still, mixed = (found["angry", "sad", m] for m in ("natural", "still", "scrambled"))
    assert np.array_equal(still, np.repeat(natural[-1:], len(natural), 0))
    assert not np.array_equal(mixed, natural)
    assert sorted(f.tobytes() for f in mixed) == sorted(f.tobytes() for f in natural)


def test_a_short_pause_leaves_out_what_the_face_does_before_the_voice(home, tmp_path):
    whole = frames_of(home, {}, tmp_path)["angry", "sad"]
    clip = {"size: 64": "size: 64\n  clip: {kind: talking, pause: 0}"}
    begun = frames_of(home, clip, tmp_path)["angry", "sad"]
    assert (len(whole), len(begun)) == (23, 13)
    assert np.abs(whole[5:13].astype(int) - begun[:8]).max() <= 1  # later ones hear the other end


@pytest.mark.parametrize("loudness", ["natural", "equal"])
def test_recordings_keep_or_lose_their_differences_in_loudness(home, loudness):
    study = protocol(
        home, **{"size: 64": f"size: 64\n  clip: {{kind: talking, loudness: {loudness}}}"}
    )
    clips = TalkingFaceClips(study)
    said = {
        s.levels["voice_emotion"]: clips.speakers.say("p1", s.levels, 0) for s in planned(study)
    }
    level = {name: lufs(u.samples, 48_000) for name, u in said.items()}
    apart = level["angry"] - level["happy"]
    wanted = 20 * np.log10(2) if loudness == "natural" else 0
    assert apart == pytest.approx(wanted, abs=1.5)  # K-weighting hears 300 Hz and 200 Hz apart
    assert np.mean(list(level.values())) == pytest.approx(-26, abs=1.5)  # pauses are soft


def sound_file(folder: Path, kind: str) -> None:
    """The recording angry.* of a kind."""
    tone, path = voice(0.5, 300), folder / "angry.wav"
    path.unlink(missing_ok=True)
    stereo = np.stack([tone, 0.5 * tone], 1)
    match kind:
        case "silent":
            soundfile.write(path, 0 * tone, RATE)
        case "one sample":
            soundfile.write(path, tone[:1], RATE)
        case "corrupt":
            path.write_bytes(b"RIFF" + bytes(99))
        case "clipped":
            soundfile.write(path, np.clip(9 * tone, -1, 1), RATE)
        case "stereo 44.1 kHz flac":
            stereo = np.stack([voice(0.5, 300, 44_100)] * 2, 1)
            soundfile.write(path.with_suffix(".flac"), stereo, 44_100)
        case "8 bit":
            soundfile.write(path, tone, RATE, "PCM_U8")
        case "mp3":
            soundfile.write(path.with_suffix(".mp3"), tone, RATE)
        case "m4a":
            with av.open(str(path.with_suffix(".m4a")), "w", format="mp4") as file:
                stream = file.add_stream("aac", rate=RATE, layout="mono")
                frame = av.AudioFrame.from_ndarray(tone[None].astype(np.float32), "fltp", "mono")
                frame.sample_rate = RATE
                file.mux(stream.encode(frame))
                file.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("silent", r"angry.wav: is silent \(its highest level is -inf dB .*record it again"),
        ("one sample", r"angry.wav: found 0.0 ms of sound; .* at least 100 ms"),
        ("corrupt", r"angry.wav: cannot be decoded: .*; export it again as WAV"),
        ("clipped", None),
        ("stereo 44.1 kHz flac", ""),
        ("8 bit", ""),
        ("mp3", ""),
        ("m4a", ""),
    ],
)
def test_a_recording_is_taken_as_it_is_or_refused_in_one_line(home, tmp_path, kind, said):
    shutil.copy(home / "tiny.safetensors", tmp_path)
    shutil.copytree(home / "corpora", tmp_path / "corpora")
    (tmp_path / "heard").mkdir()
    sound_file(tmp_path / "heard", kind)
    study = protocol(tmp_path, **ONE)
    if said:
        with pytest.raises(UserError, match=said) as refused:
            make_generator(study)
        assert "\n" not in str(refused.value)
        return
    clips: Any = make_generator(study)
    if said is None:
        assert clips.cautions == (
            "caution: peaks of angry.wav are cut off; people hear it: record more softly",
        )
        return
    assert clips.cautions == ()
    (stimulus,) = planned(study)
    here = clips.speakers.say("p1", stimulus.levels, 0).samples
    plain = TalkingFaceClips(protocol(home, **ONE)).speakers.say("p1", stimulus.levels, 0).samples
    n = min(len(here), len(plain))
    most = max(np.corrcoef(here[lag:n], plain[: n - lag])[0, 1] for lag in range(0, 2600, 5))
    assert most > 0.98  # coders begin a little later
    assert abs(len(here) - len(plain)) <= 3 * 1920


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("p4", "no face"),
        ("p5", "two faces|others are nearly as large"),
        ("p9", "has no 'p9'"),
    ],
)
def test_a_picture_without_one_face_is_refused_in_one_line(home, tmp_path, who, said):
    study = protocol(home, **{**ONE, "[p1, p2]": f"[{who}]"})
    with pytest.raises(UserError, match=said) as refused:
        generate(study, tmp_path / "study")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "study").exists()


def head(degrees: float) -> np.ndarray:
    """Landmarks (68, 2) of a round head that is turned: nose in front, eyes to its sides."""
    across = {30: 0.0, 36: -0.62, 45: 0.62}  # of the head's radius
    depth = {30: 1.15, 36: 0.6, 45: 0.6}
    points = np.full((68, 2), np.nan)
    turn = np.radians(degrees)
    for i, x in across.items():
        points[i] = 50 + 30 * (x * np.cos(turn) + depth[i] * np.sin(turn)), 50
    return points


def test_a_face_from_the_side_is_refused(home, monkeypatch):
    assert turned(head(0)) == pytest.approx(0, abs=1e-9)
    assert turned(head(8)) < MOST_TURNED < turned(head(30))
    assert turned(head(-30)) == pytest.approx(turned(head(30)))
    study = protocol(home, **ONE)
    clips = TalkingFaceClips(study)
    (maker,) = clips.makers.values()
    assert isinstance(maker, MovedFaces)
    assert isinstance(maker.portraits, CorpusPortraits)
    aside = replace(maker.portraits.corpus, landmarks=np.stack([head(30)] * 9))
    monkeypatch.setattr(maker.portraits, "corpus", aside)
    with pytest.raises(PortraitError, match="the neutral face of 'p1' looks to the side; give a"):
        clips.recipe(planned(study)[0])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[angry, sad]", "[angry, surprise]", "found 'surprise'; not a known level"),
        ("{weights: tiny.safetensors, recordings: heard}", "{voices: actors}\n  clip: "
         "{kind: talking, head: 1}", "networks move a face as they learned it, .*leave out head"),
        ("{weights: tiny.safetensors, recordings: heard}", "{recordings: heard}",
         None),
        ("talking-face", "actor", "only generator talking-face lets a network talk"),
        ("recordings: heard", "recordings: heard, voices: actors", "in place of voices"),
        ("    modality", "    voice_m: [0.5]\n    modality", "recorded voices are as strong as"),
        ("size: 64", "size: 65", "65; accepted for clips: even numbers"),
        ("size: 64", "size: 64\n  clip: {kind: dynamic}", "makes clips of kind: talking"),
    ],
)  # fmt: skip
def test_a_protocol_that_contradicts_itself_is_refused_where_it_stands(home, old, new, said):
    if said is None:  # mien's own weights know six emotions
        said, new = "not a known emotion of talking faces", new
        with pytest.raises(ProtocolError, match=said):
            protocol(home, **{old: new, "[angry, sad]": "[angry, surprised]"})
        return
    corpus = {"corpus: faces": "corpus: actors", "[p1, p2]": '["01"]'} if new == "actor" else {}
    with pytest.raises(ProtocolError, match=said):
        protocol(home, **{old: new, **corpus})


def test_weights_say_which_emotions_they_know(home):
    with pytest.raises(GeneratorError, match="do not know 'contempt'; accepted: angry, disgusted"):
        make_generator(protocol(home, **{"[angry, sad]": "[contempt]"}))


def test_voices_of_actors_are_those_of_the_generator_actor(home):
    """One word makes a study of the one generator a study of the other."""
    changed = {**ONE, "corpus: faces": "corpus: actors", "[p1, p2]": '["03"]',
               "    modality: [visual, audio-visual]\n": "    modality: [audio]\n",
               "size: 64": "size: 64\n  clip: {kind: talking, sentences: [DFA]}",
               "tiny.safetensors, recordings: heard": "tiny.safetensors"}  # fmt: skip
    network = protocol(home, **changed)
    text = (home / "study.yaml").read_text().replace("talking-face", "actor")
    (home / "drawn.yaml").write_text(
        "\n".join(line for line in text.splitlines() if "talking:" not in line)
    )
    drawn = load(home / "drawn.yaml")
    sounds = [next(make_generator(p).render(planned(p))).sound for p in (network, drawn)]
    assert sounds[0][1] == sounds[1][1]
    assert np.array_equal(sounds[0][0], sounds[1][0])


def test_the_shipped_weights_let_an_actor_talk_from_the_neutral_face_on(tmp_path):
    text = STUDY.replace("faces", "actors").replace("[p1, p2]", '["29"]').replace("64", "128")
    text = text.replace("{weights: tiny.safetensors, recordings: heard}", "{voices: own}")
    text = text.replace("[angry, happy]", "[sad]").replace("[angry, sad]", "[happy]")
    (tmp_path / "study.yaml").write_text(text)
    outcome = generate(load(tmp_path / "study.yaml"), tmp_path / "study")
    table = read_manifest(outcome.manifest, read_files=True)
    row = table[table.modality == "audio-visual"].iloc[0]
    frames = np.stack(list(read_video(outcome.manifest.parent / row.file))).astype(float)
    neutral = ActorPortraits(128).face("29").astype(float)
    psnr = 10 * np.log10(255**2 / ((frames - neutral) ** 2).mean((1, 2, 3)))
    assert psnr[0] > 28
    assert psnr[10:].max() < psnr[0]  # then it smiles and talks
    assert abs(row.av_offset_ms) < 10
    assert pd.notna(row.loudness_lufs)


def test_frames_are_made_as_they_are_asked_for(home, monkeypatch):
    """A long sound begins at once: nothing waits for its end."""
    study = protocol(home, **ONE)
    clips = TalkingFaceClips(study)
    (stimulus,) = planned(study)
    asked = []

    def counted(frames, width, generator):
        asked.append(frames)
        return drawn_by_frame(frames, width, generator)

    monkeypatch.setattr("models.talking_face.network.drawn_by_frame", counted)
    said = clips._utterance(stimulus)
    long = replace(said, samples=np.tile(said.samples, 40))
    monkeypatch.setattr(clips, "_utterance", lambda stimulus: long)
    assert len(list(islice(clips._talking(stimulus), 3))) == 3
    assert asked == [25]  # of 920
