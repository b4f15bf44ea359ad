"""Studies of talking faces from several sources: the corpus itself, networks, in two widths."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")
av = pytest.importorskip("av", reason="PyAV is not installed: videos are not tested")
pytest.importorskip("soundfile", reason="soundfile is not installed: nobody speaks")

from models.talking_face.stored import save_model  # noqa: E402
from protocols.errors import UserError  # noqa: E402
from protocols.manifest import read_manifest  # noqa: E402
from protocols.prepared import PreparedCorpus  # noqa: E402
from protocols.reading import ProtocolError, load  # noqa: E402
from protocols.talking import Talking  # noqa: E402
from stimuli.context_faces.portraits import ActorPortraits  # noqa: E402
from stimuli.corpora import identities_of  # noqa: E402
from stimuli.corpora.arrays import ArraySettings, prepare_arrays  # noqa: E402
from stimuli.corpora.folder import folder_adapter, load_folder_mapping  # noqa: E402
from stimuli.corpora.prepare import add_corpus  # noqa: E402
from stimuli.generate import generate, preview  # noqa: E402
from stimuli.generators import make_generator  # noqa: E402
from stimuli.stimulus import plan_stimuli  # noqa: E402
from stimuli.talking_faces.makers import deal_widths  # noqa: E402
from stimuli.video import write_video  # noqa: E402
from tests.designs import published  # noqa: E402
from tests.dot_faces import dots, find_dots  # noqa: E402
from tests.small_talking import EYES, decoded, loaded, tiny, voice  # noqa: E402

STUDY = """
name: pooled
title: Pooled sources
seed: 7
stimuli:
  generator: talking-face
  corpus: films
  identities: [p1, p2]
  size: 64
  lossless: true
  factors:
    emotion: [angry, happy]
    method: [real, plain, proposed]
  clip: {kind: talking, pause: 0}
  talking:
    weights: tiny.safetensors
    methods:
      real: {route: corpus, width: [48, 64]}
      plain: {told: neutral, width: 48}
      proposed: {}
tasks:
  - {id: feeling, type: forced-choice, question: Which?, options: [Happy, Angry]}
"""
FRAMES, GONE = 16, (7, 8)  # of a film; those in which p1's eyes cannot be seen when angry


def film(person: int, emotion: str) -> list[np.ndarray]:
    """A face of dots whose mouth, a bar, grows from frame to frame."""
    frames = []
    for t in range(FRAMES):
        frame = dots((240, 200), EYES, 7.0, 60 + 50 * person)
        frame[140 : 144 + t, 100:140] = (40, 40, 40) if emotion == "angry" else (200, 200, 60)
        if emotion == "angry" and person == 0 and t in GONE:
            frame = np.full_like(frame, 90)
        frames.append(frame)
    return frames


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder with weights and a prepared corpus of filmed people whose eyes are dots."""
    home = tmp_path_factory.mktemp("pooled")
    save_model(home / "tiny.safetensors", tiny(), licence="CC0-1.0")
    source = home / "src"
    source.mkdir()
    for person, who in enumerate(("p1", "p2")):
        for i, emotion in enumerate(("neutral", "angry", "happy")):
            said = voice(FRAMES / 25, 150 + 60 * i + 20 * person, 44_100), 44_100
            write_video(source / f"{who}_{emotion}.mp4", film(person, emotion), sound=said)
    (home / "films.yaml").write_text(
        "name: films\nlicence: lab only\nmay_be_shown: false\n"
        "pattern: '(?P<actor>p\\d)_(?P<emotion>[a-z]+)'\n"
    )
    adapter = folder_adapter(load_folder_mapping(home / "films.yaml"))
    added = add_corpus(adapter, source, home / "corpora" / "films").folder
    prepare_arrays(added, find_dots, ArraySettings(size=64, gap_s=0.01), detector="dots")
    return home


def study(home: Path, **changed):
    return loaded(home, STUDY, changed)


@pytest.fixture(scope="module")
def made(home, tmp_path_factory) -> Path:
    """The stimuli of STUDY."""
    folder = tmp_path_factory.mktemp("made") / "study"
    assert generate(study(home), folder).made == 12
    return folder / "stimuli"


def exact(folder: Path, row) -> np.ndarray:
    """Every frame (T, H, W, 3) of a stimulus as it went to the encoder."""
    with av.open(str(folder / f"stim-{row.stimulus_id}_lossless.mkv")) as file:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])


def test_clips_of_the_corpus_are_shown_as_they_were_prepared(home, made):
    table = read_manifest(made, read_files=True)
    corpus = PreparedCorpus.open(home / "corpora" / "films")
    for row in table[table.method == "real"].itertuples():
        faces = corpus.faces_of(f"{row.identity}_{row.emotion}")
        shown, off = exact(made, row), (64 - row.width) // 2
        kept = [t for t in range(FRAMES) if len(faces) == FRAMES or t not in GONE]
        assert np.array_equal(shown[kept], faces[:, :, off : 64 - off])
        if len(kept) < FRAMES:  # the nearest that has a face stands for those that have none
            for t in GONE:
                assert any(np.array_equal(shown[t], shown[near]) for near in (6, 9))
        assert row.frames == len(shown)
        assert np.array_equal(shown[FRAMES:], shown[[FRAMES - 1] * (len(shown) - FRAMES)])
        assert len(shown) - FRAMES <= 1  # sound that the coder made longer
    assert len(corpus.faces_of("p1_angry")) == FRAMES - len(GONE)


def test_one_manifest_says_of_each_video_where_it_comes_from(made):
    table = read_manifest(made).set_index("method")
    assert table.loc["real"].checkpoint.isna().all()
    assert table.loc["real"].digital_source_type.str.endswith("/digitalCapture").all()
    assert set(table.loc["real"].licence) == {"lab only"}
    for method in ("plain", "proposed"):
        assert table.loc[method].checkpoint.nunique() == 1
        assert table.loc[method].digital_source_type.str.endswith("/trainedAlgorithmicMedia").all()
    assert set(table.height) == {64}
    assert sorted(table.loc["real"].width) == [48, 48, 64, 64]
    assert set(table.loc["plain"].width) == {48}
    assert set(table.loc["proposed"].width) == {64}
    assert set(table.frame_rate) == {25}
    row = table.loc["real"].iloc[0]
    sidecar = json.loads((made / row.file).with_suffix(".json").read_text())
    assert sidecar["recipe"]["route"] == "corpus"
    assert sidecar["recipe"]["filmed"]["clip"] == f"{row.identity}_{row.emotion}"


def test_every_method_has_the_sound_of_the_recording_at_one_loudness(made):
    table = read_manifest(made)
    for _, same in table.groupby(["identity", "emotion"]):
        sounds = [decoded(made / file) for file in same.file]
        assert len(sounds) == 3
        assert all(np.array_equal(sounds[0], other) for other in sounds[1:])
        assert same.loudness_lufs.nunique() == 1
        assert same.frames.nunique() == 1


def test_a_method_that_is_told_neutral_shows_no_emotion(home, made):
    """It is what the network makes of the same voice with the face's emotion neutral."""
    table = read_manifest(made)
    changed = {
        "    emotion: [angry, happy]": "    voice_emotion: [angry]\n    face_emotion: [neutral]",
        "[real, plain, proposed]": "[proposed]", "      plain: {told: neutral, width: 48}\n": "",
        "      real: {route: corpus, width: [48, 64]}\n": "", "[p1, p2]": "[p2]",
    }  # fmt: skip
    other = study(home, **changed)
    clips = make_generator(other)
    (stimulus,) = [s for s in plan_stimuli(other, identities_of(other)) if s.role == "main"]
    wanted = np.stack(list(clips._moved(stimulus, home)))  # type: ignore[attr-defined]
    mine = table[(table.method == "plain") & (table.identity == "p2") & (table.emotion == "angry")]
    shown = exact(made, mine.iloc[0])
    n = min(len(wanted), len(shown))
    assert np.abs(wanted[:n, :, 8:56].astype(int) - shown[:n]).max() <= 2  # gains differ a little
    proposed = table[(table.method == "proposed") & (table.identity == "p2")]
    assert not np.array_equal(exact(made, proposed.iloc[0])[:, :, 8:56], shown)


def test_bytes_do_not_depend_on_what_was_there_and_a_sheet_shows_all(home, made, tmp_path):
    generate(study(home), tmp_path / "study", batch_size=1)
    again = tmp_path / "study" / "stimuli"
    assert (again / "checksums.sha256").read_text() == (made / "checksums.sha256").read_text()
    assert (tmp_path / "study" / "tiny.safetensors").is_file()
    assert preview(study(home), tmp_path / "sheet.png").is_file()
    frozen = load(tmp_path / "study" / "protocol.yaml")
    assert frozen.stimuli.talking == study(home).stimuli.talking


def test_weights_of_a_method_travel_with_the_study(home, tmp_path):
    shutil.copy(home / "tiny.safetensors", home / "other.safetensors")
    changed = {"plain: {told: neutral, width: 48}": "plain: {weights: other.safetensors}",
               "[angry, happy]": "[angry]", "[p1, p2]": "[p2]"}  # fmt: skip
    generate(study(home, **changed), tmp_path / "study")
    for name in ("tiny.safetensors", "other.safetensors"):
        assert (tmp_path / "study" / name).is_file()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("      proposed: {}\n", "", r"nothing says how 'proposed' is made; add talking.methods"),
        ("proposed: {}", "propose: {}", "'propose' is no level of the factor method; .*'proposed'"),
        ("width: 48", "width: 47", "47; accepted: even numbers of pixels from 32"),
        ("width: 48", "width: 96", "found 96; accepted: up to 64, the size"),
        ("width: [48, 64]", "width: [48, 48]", "accepted: different widths"),
        ("route: corpus", "route: corpus, told: sad", "no network makes the clips of a corpus"),
        ("route: corpus", "route: filmed", "trained.*corpus"),
        ("told: neutral", "tell: neutral", "'tell'; accepted: route, told, weights, width"),
        ("    weights", "    voices: actors\n    weights", "have their own voices; leave out talk"),
        ("    emotion: [angry, happy]", "    voice_emotion: [angry]\n    face_emotion: [happy]",
         "one emotion of face and voice.* in place of voice_emotion"),
        ("    method: [real, plain, proposed]\n", "", "add the factor method"),
        ("    weights: tiny.safetensors\n", "", None),
    ],
)  # fmt: skip
def test_methods_that_nobody_can_make_are_refused_where_they_stand(home, old, new, said):
    if said is None:
        said, new = "not a known emotion of talking faces", new
        with pytest.raises(ProtocolError, match=said):
            study(home, **{old: new, "told: neutral": "told: calm"})
        return
    with pytest.raises(ProtocolError, match=said):
        study(home, **{old: new})


def test_recordings_have_pauses_of_their_own(home):
    with pytest.raises(UserError, match="found 0.2; recordings .* pause: 0"):
        make_generator(study(home, **{", pause: 0": ""}))


def test_a_network_that_does_not_know_what_it_is_told_is_refused(home):
    with pytest.raises(UserError, match="the weights do not know 'calm'"):
        make_generator(study(home, **{"told: neutral": "told: calm"}))


def test_widths_are_dealt_evenly_over_every_emotion_of_task_1():
    """Half of the originals in either size, of every emotion; two examples of each in each."""
    protocol = published("eskimez2021-task1")
    talking = protocol.stimuli.talking
    assert isinstance(talking, Talking)
    people = identities_of(protocol)
    widths = deal_widths(protocol, talking, people)
    stimuli = plan_stimuli(protocol, people)
    assert len([s for s in stimuli if s.role == "main"]) == 90
    count = Counter((s.role, s.levels["method"], widths[s.id]) for s in stimuli)
    assert count == {
        ("main", "ground-truth", 96): 15, ("main", "ground-truth", 128): 15,
        ("main", "baseline", 96): 30, ("main", "proposed", 128): 30,
        ("example", "ground-truth", 96): 12, ("example", "ground-truth", 128): 12,
    }  # fmt: skip
    of_emotion = Counter((s.levels["emotion"], widths[s.id]) for s in stimuli
                         if s.role == "main" and s.levels["method"] == "ground-truth")  # fmt: skip
    assert set(of_emotion.values()) == {2, 3}
    examples = Counter((s.levels["emotion"], widths[s.id]) for s in stimuli if s.role == "example")
    assert set(examples.values()) == {2}


def test_the_actors_own_clips_stand_beside_the_network_s(tmp_path):
    """Drawn at the network's crop: neutral at first, the expression of the eyes and brows later."""
    text = STUDY.replace("corpus: films", "corpus: actors").replace("[p1, p2]", '["29"]')
    text = text.replace("size: 64", "size: 128").replace("weights: tiny.safetensors", "voices: own")
    text = text.replace("[48, 64]", "[96]").replace("width: 48", "width: 96")
    text = text.replace("[angry, happy]", "[happy]").replace("pause: 0", "pause: 0.2")
    (tmp_path / "study.yaml").write_text(text)
    outcome = generate(load(tmp_path / "study.yaml"), tmp_path / "study")
    folder, table = outcome.manifest.parent, read_manifest(outcome.manifest).set_index("method")
    films = {row.method: exact(folder, row) for row in table.reset_index().itertuples()}
    assert len({len(film) for film in films.values()}) == 1
    neutral = ActorPortraits(128).face("29")[:, 16:112].astype(float)
    assert psnr(films["real"][0], neutral) > 28
    happy = ActorPortraits(128, expression="happy").face("29")[:, 16:112].astype(float)
    eyes = slice(30, 62)
    better = [psnr(f[eyes], happy[eyes]) > psnr(f[eyes], neutral[eyes]) for f in films["real"][12:]]
    assert np.mean(better) > 0.8
    told = [psnr(f[eyes], neutral[eyes]) for f in films["plain"][12:]]
    shown = [psnr(f[eyes], neutral[eyes]) for f in films["proposed"][12:, :, 16:112]]
    assert np.mean(told) > np.mean(shown) + 1  # without an emotion condition the face stays neutral
    assert table.digital_source_type["real"].endswith("/algorithmicMedia")
    assert abs(table.av_offset_ms["real"]) < 15


def psnr(picture: np.ndarray, other: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two pictures in dB."""
    return float(10 * np.log10(255**2 / ((picture - other.astype(float)) ** 2).mean()))
