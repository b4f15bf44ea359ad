"""Corpora prepared into arrays: alignment, times of frames, sound, resuming, what is refused."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from protocols.errors import UserError
from protocols.prepared import FACES, LANDMARKS, ROWS, SOUND, PreparedCorpus
from protocols.tables import TableError
from stimuli.corpora.arrays import ArraySettings, prepare_arrays
from stimuli.corpora.arrays.crop import Similarity, cut, eyes_to
from stimuli.corpora.arrays.film import Frame, at_rate
from stimuli.corpora.arrays.sound import stored, to_rate
from stimuli.corpora.arrays.track import bridge, smooth
from stimuli.corpora.arrays.units import units_of
from stimuli.corpora.folder import folder_adapter, load_folder_mapping
from stimuli.corpora.info import describe
from stimuli.corpora.prepare import add_corpus
from stimuli.video import write_video
from tests.dot_faces import centres, dots, find_dots

pytest.importorskip("av", reason="PyAV (the extra video) is not installed")
ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
MAPPING = """name: dots
licence: CC0-1.0
may_be_shown: true
pattern: '(?P<actor>[a-z]\\d)-(?P<emotion>[a-z]+)'
"""
SMALL = ArraySettings(size=64)
EYES = np.array([[90.0, 80.0], [150.0, 84.0]])


def corpus(root: Path, out: Path) -> Path:
    """The table of clips of a folder of `a1-happy.png` and the like."""
    mapping = out.parent / "map.yaml"
    mapping.parent.mkdir(parents=True, exist_ok=True)
    mapping.write_text(MAPPING)
    return add_corpus(folder_adapter(load_folder_mapping(mapping)), root, out).folder


def moving(frames: int, size=(240, 200)):
    """Frames whose grey says their number, with eyes that wander a pixel a frame."""
    for number in range(frames):
        yield dots(size, EYES + [number / 2, 0.0], 6.0, background=40 + 4 * number)


def numbers(crops: np.ndarray) -> np.ndarray:
    """The numbers that the greys of crops say."""
    return np.rint((crops[:, -8:, -8:, 1].mean((1, 2)) - 40) / 4).astype(int)


def tone(hertz: float, seconds: float, rate: int) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def mixed_tree(root: Path) -> Path:
    """Pictures, films with and without their sound, voices, and much that cannot be used."""
    root.mkdir(parents=True)
    rng = np.random.default_rng(1)
    for who in ("a1", "b2", "c3", "d4", "e5"):
        for emotion in ("happy", "sad", "angry"):
            eyes = EYES + rng.uniform(-20, 20, (2, 2))
            Image.fromarray(dots((240, 200), eyes, 7.0)).save(root / f"{who}-{emotion}.png")
        soundfile.write(root / f"{who}-spoken.wav", tone(440, 0.5, 16_000), 16_000)
    write_video(root / "a1-film.mp4", moving(20), sound=(tone(300, 0.8, 44_100), 44_100))
    write_video(root / "b2-film.mp4", moving(15), rate=30)
    Image.new("RGB", (90, 90), "grey").save(root / "c3-nobody.png")
    two = dots((240, 200), EYES)
    two[:4, :4] = (0, 255, 0)
    Image.fromarray(two).save(root / "d4-pair.png")
    tiny = dots((60, 60), [[25, 30], [33, 30]], radius=3)
    Image.fromarray(tiny).save(root / "e5-tiny.png")
    soundfile.write(root / "a1-silent.wav", np.zeros(8000), 16_000)
    whole = (root / "a1-happy.png").read_bytes()
    damaged = bytearray(whole)
    middle = len(damaged) // 2
    damaged[middle : middle + 40] = bytes(40)  # its length and end are those of a whole file
    (root / "b2-broken.png").write_bytes(bytes(damaged))
    return root


@pytest.fixture(scope="module")
def mixed(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("mixed")
    return corpus(mixed_tree(place / "tree"), place / "corpora" / "dots")


@pytest.fixture(scope="module")
def made(mixed) -> PreparedCorpus:
    return prepare_arrays(mixed, find_dots, SMALL).corpus


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file() and p.name != ".lock"}


# --- alignment ----------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(span=st.floats(14, 200), turn=st.floats(-0.7, 0.7), x=st.floats(180, 320),
       y=st.floats(180, 320), size=st.sampled_from([48, 64, 128, 200]))  # fmt: skip
def test_a_face_moved_by_a_known_similarity_comes_back_on_the_fixed_points(span, turn, x, y, size):
    wanted = ArraySettings(size=size).eyes
    half = span / 2 * np.array([np.cos(turn), np.sin(turn)])
    eyes = np.stack([[x, y] - half, [x, y] + half])
    picture = dots((500, 500), eyes, radius=max(3.0, span / 12))
    crop, inside = cut(picture, eyes_to(eyes, wanted), size)
    assert crop.shape == (size, size, 3)
    assert np.abs(centres(crop) - wanted).max() < 0.15
    assert 0 < inside <= 1


@settings(max_examples=60, deadline=None)
@given(numbers=st.tuples(*[st.floats(-50, 50)] * 8))
def test_a_similarity_keeps_angles_and_takes_eyes_where_they_belong(numbers):
    eyes, targets = np.array(numbers).reshape(2, 2, 2)
    if min(np.linalg.norm(eyes[1] - eyes[0]), np.linalg.norm(targets[1] - targets[0])) < 0.5:
        return
    place = eyes_to(eyes, targets)
    np.testing.assert_allclose(place(eyes), targets, atol=1e-9)
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]])
    moved = place(square)
    sides = np.linalg.norm(np.roll(moved, -1, 0) - moved, axis=1)
    np.testing.assert_allclose(sides, abs(place.a), rtol=1e-9)
    edges = np.roll(moved, -1, 0) - moved
    assert np.cross(np.append(edges[0], 0), np.append(edges[1], 0))[2] > 0  # no mirror
    np.testing.assert_allclose(place.back(moved), square, atol=1e-6)


def test_a_large_picture_is_averaged_not_sampled():
    stripes = np.zeros((1200, 1200, 3), np.uint8)
    stripes[:, ::2] = 255  # finer than any pixel of the crop: only their mean is right
    place = eyes_to(np.array([[400.0, 500.0], [800.0, 500.0]]), ArraySettings(size=64).eyes)
    crop, _ = cut(stripes, place, 64)
    assert np.abs(crop[10:40, 10:-10].astype(int) - 127).max() <= 8


def test_beyond_the_border_the_picture_goes_on_and_its_share_is_told():
    picture = np.full((100, 100, 3), 200, np.uint8)
    crop, inside = cut(picture, Similarity(1 + 0j, 0j), 200)
    assert (crop == 200).all()
    assert inside == pytest.approx(0.25, abs=0.02)


# --- frames in time -----------------------------------------------------------------------------


def film(count: int, rate: float):
    return [Frame(n, n / rate, np.array([n])) for n in range(count)]


@settings(max_examples=150, deadline=None)
@given(count=st.integers(1, 200), rate=st.floats(5, 120), wanted=st.floats(5, 60))
def test_every_moment_shows_the_nearest_frame_and_the_length_stays(count, rate, wanted):
    shown = list(at_rate(film(count, rate), wanted))
    assert [m.at for m in shown] == list(range(len(shown)))
    times = np.arange(count) / rate
    for moment in shown:
        nearest = np.abs(times - moment.at / wanted).min()
        assert abs(moment.number / rate - moment.at / wanted) <= nearest + 1e-6
    assert abs(len(shown) / wanted - count / rate) <= 1 / rate + 1 / wanted


def test_the_same_rate_takes_each_frame_once_even_if_times_tremble():
    rng = np.random.default_rng(3)
    frames = [Frame(n, n / 25 + rng.uniform(-0.009, 0.009), np.array([n])) for n in range(300)]
    frames[0] = Frame(0, 0.0, np.array([0]))
    assert [m.number for m in at_rate(frames, 25.0)] == list(range(300))


def test_a_film_of_numbered_frames_comes_back_in_order_with_its_times(made):
    shown = made.frames().query("clip == 'a1-film'")
    assert list(shown["frame"]) == list(range(20))
    np.testing.assert_allclose(shown["time_s"], np.arange(20) / 25)
    assert list(numbers(made.faces_of("a1-film"))) == list(range(20))
    at_30 = made.frames().query("clip == 'b2-film'")
    nearest = [int(np.abs(np.arange(15) / 30 - t).argmin()) for t in at_30["time_s"]]
    assert list(numbers(made.faces_of("b2-film"))) == list(at_30["frame"])
    assert np.abs(at_30["frame"].to_numpy() / 30 - np.array(nearest) / 30).max() < 1e-9
    assert len(at_30) in (12, 13)  # half a second


def test_each_kth_frame_and_frames_as_filmed(mixed, tmp_path):
    third = prepare_arrays(mixed, find_dots, ArraySettings(size=64, every=3), out=tmp_path / "k")
    assert list(numbers(third.corpus.faces_of("a1-film"))) == list(range(0, 20, 3))
    filmed = prepare_arrays(mixed, find_dots, ArraySettings(size=64, rate=0), out=tmp_path / "f")
    assert list(numbers(filmed.corpus.faces_of("b2-film"))) == list(range(15))


def test_eyes_of_pictures_and_films_lie_on_the_fixed_points(made):
    assert len(made.faces) > 40
    eyes = np.stack([centres(np.asarray(crop)) for crop in made.faces])
    pictures = made.frames()["clip"].str.endswith("film").to_numpy()
    assert np.abs(eyes[~pictures] - SMALL.eyes).max() < 0.2
    assert np.abs(eyes[pictures] - SMALL.eyes).max() < 0.6  # compressed, and smoothed at the ends
    middle = eyes[pictures][4:16]
    assert np.abs(middle - SMALL.eyes).max() < 0.35


def test_landmarks_stand_in_the_crop_and_places_lead_back_to_the_picture(made):
    rows = made.frames().query("emotion == 'happy'")
    for number in rows["row"]:
        np.testing.assert_allclose(made.landmarks[number][0], SMALL.eyes[0], atol=0.05)
        np.testing.assert_allclose(made.landmarks[number][67], SMALL.eyes[1], atol=0.05)
    number = int(rows["row"].iloc[0])
    a, b, c, d = map(float, made.rows[number]["similarity"])
    back = Similarity(complex(a, b), complex(c, d)).back(SMALL.eyes)
    picture = np.asarray(Image.open(Path(read_root(made)) / f"{rows['clip'].iloc[0]}.png"))
    np.testing.assert_allclose(back, centres(picture), atol=0.05)


def read_root(made: PreparedCorpus) -> str:
    return json.loads((made.folder.parent / "corpus.json").read_text())["root"]


def test_short_gaps_are_bridged_in_straight_lines_and_long_ones_are_not():
    line = np.arange(20.0)[:, None, None] * np.ones((1, 2, 2))
    gaps = line.copy()
    gaps[5:8], gaps[12:18] = np.nan, np.nan
    filled = bridge(gaps, 4)
    np.testing.assert_allclose(filled[:12], line[:12])
    assert np.isnan(filled[12:18]).all()
    edges = line.copy()
    edges[:2], edges[-6:] = np.nan, np.nan
    filled = bridge(edges, 4)
    assert (filled[:2] == line[2]).all()
    assert (filled[14:17] == line[13]).all()
    assert np.isnan(filled[17:]).all()


def test_smoothing_keeps_straight_movement_and_halves_the_tremble():
    line = np.arange(60.0)[:, None, None] * np.ones((1, 2, 2))
    np.testing.assert_allclose(smooth(line, 1.0)[4:-4], line[4:-4], atol=1e-9)
    noise = np.random.default_rng(0).normal(size=(4000, 2, 2))
    theory = 1 / np.sqrt(2 * np.sqrt(np.pi))  # of a Gaussian of one frame, sampled finely enough
    assert smooth(noise, 1.0).std() == pytest.approx(theory, rel=0.03)
    broken = line.copy()
    broken[30] = np.nan
    assert np.isnan(smooth(broken, 1.0)[30]).all()
    assert np.isfinite(smooth(broken, 1.0)[29]).all()


def test_eyes_that_the_corpus_knows_are_used_and_the_detector_is_not_asked(tmp_path):
    root = tmp_path / "tree"
    root.mkdir()
    write_video(root / "a1-happy.mp4", moving(12))
    folder = corpus(root, tmp_path / "corpora" / "dots")
    exact = np.stack([EYES[::-1] + [n / 2, 0.0] for n in range(12)])  # whichever eye comes first
    np.savez(root / "a1-happy.npz", eyes=exact)
    name_annotation(folder, "a1-happy.npz")

    def never(pixels):
        raise AssertionError("asked")

    arrays = prepare_arrays(folder, never, SMALL).corpus
    eyes = np.stack([centres(np.asarray(crop)) for crop in arrays.faces])
    assert np.abs(eyes - SMALL.eyes).max() < 0.35
    assert np.isnan(arrays.landmarks).all()


def name_annotation(folder: Path, name: str) -> None:
    """Name the annotation of every clip in the table, as an adapter would."""
    import hashlib

    table = pd.read_csv(folder / "clips.tsv", sep="\t", dtype=str, keep_default_na=False)
    table["annotation"] = name
    table.to_csv(folder / "clips.tsv", sep="\t", index=False)
    record = json.loads((folder / "corpus.json").read_text())
    record["clips_sha256"] = hashlib.sha256((folder / "clips.tsv").read_bytes()).hexdigest()
    (folder / "corpus.json").write_text(json.dumps(record))


# --- sound --------------------------------------------------------------------------------------


def peak_hertz(samples: np.ndarray, rate: int) -> float:
    """Frequency of the highest point of the spectrum, from a parabola through three bins."""
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8 * len(samples)))
    top = int(power.argmax())
    a, b, c = np.log(power[top - 1 : top + 2])
    return (top + 0.5 * (a - c) / (a - 2 * b + c)) * rate / (8 * len(samples))


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("hertz", [220.0, 3_000.0])
def test_a_tone_keeps_its_frequency_length_and_strength(rate, hertz):
    wave = tone(hertz, 0.7, rate).astype(np.float32)
    out = to_rate(wave, rate, 22_050)
    assert abs(len(out) / 22_050 - 0.7) < 1 / 8_000
    assert peak_hertz(out, 22_050) == pytest.approx(hertz, abs=0.1)
    inner = out[2_000:-2_000]
    assert np.sqrt(2) * inner.std() == pytest.approx(0.5, rel=0.01)


def test_what_the_lower_rate_cannot_carry_is_gone_instead_of_folded_back():
    out = to_rate(tone(15_000, 0.5, 48_000).astype(np.float32), 48_000, 22_050)
    assert np.abs(out[500:-500]).max() < 0.5 * 10 ** (-45 / 20)


def test_sound_of_wav_and_of_film_has_its_tone_and_its_length(made):
    voice = made.sound_of("a1-spoken") / 32_767
    assert len(voice) == 11_025
    assert peak_hertz(voice, 22_050) == pytest.approx(440, abs=0.5)
    film = made.sound_of("a1-film") / 32_767
    assert len(film) / 22_050 == pytest.approx(0.8, abs=0.05)  # AAC comes in blocks of 23 ms
    assert peak_hertz(film[2_000:-3_000], 22_050) == pytest.approx(300, abs=0.5)


def test_both_channels_are_mixed_and_full_scale_does_not_wrap(tmp_path):
    root = tmp_path / "tree"
    root.mkdir()
    left, right = tone(500, 0.5, 22_050), np.zeros(11_025)
    soundfile.write(root / "a1-both.wav", np.stack([left, right], 1), 22_050, subtype="FLOAT")
    folder = corpus(root, tmp_path / "corpora" / "dots")
    heard = prepare_arrays(folder, find_dots, SMALL).corpus.sound_of("a1-both")
    np.testing.assert_allclose(heard / 32_767, left / 2, atol=1e-4)
    assert stored(np.array([1.5, -1.5, 1.0])).tolist() == [32_767, -32_767, 32_767]


# --- what cannot be used ------------------------------------------------------------------------


def test_every_clip_that_cannot_be_used_is_listed_and_the_rest_is_there(made):
    table = pd.read_csv(made.folder / "unusable.tsv", sep="\t")
    found = dict(zip(table["clip"], table["kind"], strict=True))
    assert found == {
        "a1-silent": "silent", "b2-broken": "undecodable", "c3-nobody": "no face",
        "d4-pair": "two faces", "e5-tiny": "small",
    }  # fmt: skip
    index = made.index.set_index("clip")
    assert (index.loc[list(found), ["rows", "samples"]] == 0).all(None)
    good = index.drop(list(found))
    assert ((good["rows"] > 0) | (good["samples"] > 0)).all()
    assert made.record.clips == len(good)


def test_frames_without_a_face_are_left_out_and_counted(tmp_path):
    root = tmp_path / "tree"
    root.mkdir()
    blank = np.full((200, 240, 3), 90, np.uint8)
    frames = list(moving(40))
    frames[10:13] = [blank] * 3  # bridged
    frames[20:36] = [blank] * 16  # too long: the first and last five keep the place beside them
    write_video(root / "a1-happy.mp4", frames)
    folder = corpus(root, tmp_path / "corpora" / "dots")
    outcome = prepare_arrays(folder, find_dots, SMALL)
    kept = outcome.corpus.frames()["frame"].tolist()
    assert kept == [*range(20), *range(36, 40)]
    assert outcome.unusable["message"].tolist() == ["16 of 40 frames left out: no face"]


def test_a_film_that_breaks_in_the_middle_leaves_nothing_behind(tmp_path):
    root = tmp_path / "tree"
    root.mkdir()
    Image.fromarray(dots((240, 200), EYES)).save(root / "a1-happy.png")
    for number in range(1, 6):
        put = root / f"frames-{number}.png"
        Image.fromarray(dots((240, 200), EYES)).save(put)
    from stimuli.corpora.arrays.clip import FILES, Source, prepare_clip

    film = root / "film"
    film.mkdir()
    for number in range(1, 6):
        (root / f"frames-{number}.png").replace(film / f"{number}.png")
    (film / "4.png").write_bytes((film / "4.png").read_bytes()[:200])
    parts = {name: (tmp_path / name).open("w+b") for name in FILES}
    result = prepare_clip(Source(0, "film", 25.0, video="film"), root, SMALL, find_dots, parts)
    assert [p[:2] for p in result.problems] == [("faces", "undecodable")]
    assert "4.png" in result.problems[0][3]
    assert result.rows == 0
    for file in parts.values():
        assert file.tell() == 0
        file.close()


# --- resuming, processes, changes ---------------------------------------------------------------


def test_any_number_of_processes_and_any_kill_give_the_same_bytes(mixed, made, tmp_path):
    """Kill -9 in the middle, then the same command again."""
    wanted = files_of(made.folder)
    script = (
        "import sys; from pathlib import Path\n"
        "from stimuli.corpora.arrays import make, ArraySettings, prepare_arrays, units\n"
        "from tests.dot_faces import find_dots\n"
        "units.UNIT_CLIPS = 3\n"
        "if __name__ == '__main__':\n"
        "    prepare_arrays(Path(sys.argv[1]), find_dots, ArraySettings(size=64),"
        " out=Path(sys.argv[2]), workers=2)\n"
    )
    (tmp_path / "go.py").write_text(script)
    command = [sys.executable, str(tmp_path / "go.py"), str(mixed), str(tmp_path / "out")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    journal = tmp_path / "out/building/journal.json"
    kills = 0
    for seen in (2, None):
        run = subprocess.Popen(command, env=environment, cwd=tmp_path)
        until = time.time() + 60
        while seen is not None and run.poll() is None and time.time() < until:
            if journal.is_file() and json.loads(journal.read_text())["units"] >= seen:
                run.send_signal(signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.002)
        code = run.wait(timeout=60)
        assert code in (0, -signal.SIGKILL)
    assert code == 0
    assert kills >= 1
    assert files_of(tmp_path / "out") == wanted
    assert not (tmp_path / "out/building").exists()


def test_rubbish_behind_the_last_whole_unit_is_cut_off(mixed, made, tmp_path, monkeypatch):
    """As a kill in the middle of appending leaves it."""
    monkeypatch.setattr("stimuli.corpora.arrays.units.UNIT_CLIPS", 4)
    from stimuli.corpora.arrays import store

    count = 0
    append = store.Building.append

    def stop_at_third(self, unit, results):
        nonlocal count
        count += 1
        if count == 3:
            for name in (FACES, LANDMARKS, ROWS, SOUND, "results.jsonl"):
                with (self.folder / name).open("ab") as file:
                    file.write(b"half of something")
            raise KeyboardInterrupt
        append(self, unit, results)

    monkeypatch.setattr(store.Building, "append", stop_at_third)
    with pytest.raises(KeyboardInterrupt):
        prepare_arrays(mixed, find_dots, SMALL, out=tmp_path / "out")
    monkeypatch.setattr(store.Building, "append", append)
    prepare_arrays(mixed, find_dots, SMALL, out=tmp_path / "out")
    assert files_of(tmp_path / "out") == files_of(made.folder)


def test_a_finished_preparation_is_kept_and_another_setting_is_refused(mixed, made):
    before = files_of(made.folder)
    again = prepare_arrays(mixed, find_dots, SMALL)
    assert not again.new
    assert files_of(made.folder) == before
    with pytest.raises(UserError, match="size 64 then, 128 now.*--anew"):
        prepare_arrays(mixed, find_dots, ArraySettings())
    with pytest.raises(UserError, match="detector .*then, other 2 now"):
        prepare_arrays(mixed, find_dots, SMALL, detector="other 2")


def test_a_changed_file_of_the_corpus_is_noticed(tmp_path):
    root = mixed_tree(tmp_path / "tree")
    folder = corpus(root, tmp_path / "corpora" / "dots")
    first = prepare_arrays(folder, find_dots, SMALL).corpus
    copied = tmp_path / "copy"
    shutil.copytree(root, copied)
    shutil.rmtree(root)
    copied.replace(root)  # other times, same content
    assert not prepare_arrays(folder, find_dots, SMALL).new
    content = bytearray((root / "a1-happy.png").read_bytes())
    content[60] ^= 1
    (root / "a1-happy.png").write_bytes(bytes(content))
    with pytest.raises(UserError, match="files have changed"):
        prepare_arrays(folder, find_dots, SMALL)
    anew = prepare_arrays(folder, find_dots, SMALL, anew=True)
    assert anew.new
    assert anew.corpus.record.fingerprint != first.record.fingerprint


def test_nothing_is_written_into_the_corpus_or_over_other_files(mixed, tmp_path):
    root = mixed_tree(tmp_path / "tree")
    folder = corpus(root, tmp_path / "corpora" / "dots")
    before = {p.name: p.read_bytes() for p in root.iterdir()}
    prepare_arrays(folder, find_dots, SMALL)
    assert {p.name: p.read_bytes() for p in root.iterdir()} == before
    with pytest.raises(UserError, match="lies inside the corpus"):
        prepare_arrays(folder, find_dots, SMALL, out=root / "arrays")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="holds other files"):
        prepare_arrays(folder, find_dots, SMALL, out=tmp_path / "mine")


def test_too_little_room_is_refused_before_anything_is_written(mixed, tmp_path, monkeypatch):
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 10, 50_000))
    with pytest.raises(UserError, match=r"to write, 50 KB free .*make room"):
        prepare_arrays(mixed, find_dots, SMALL, out=tmp_path / "out")
    assert not (tmp_path / "out/building").exists()


def test_two_runs_in_the_same_folder_are_refused(mixed, tmp_path):
    pytest.importorskip("fcntl", reason="Windows has no such lock")
    from stimuli.corpora.arrays.store import alone

    with alone(tmp_path / "out"), pytest.raises(UserError, match="another mien corpus prepare"):
        prepare_arrays(mixed, find_dots, SMALL, out=tmp_path / "out")


@settings(max_examples=50, deadline=None)
@given(seconds=st.lists(st.one_of(st.none(), st.floats(0.1, 30)), min_size=1, max_size=300))
def test_units_hold_every_clip_once_in_order(seconds):
    n = len(seconds)
    clips = pd.DataFrame({
        "duration_s": seconds, "frames": [None] * n, "rate": [None] * n,
        "video": ["v"] * n, "image": [None] * n,
    })  # fmt: skip
    units = units_of(clips, ArraySettings())
    assert [number for unit in units for number in unit] == list(range(n))
    assert all(len(unit) for unit in units)


# --- reading ------------------------------------------------------------------------------------


def test_parts_share_no_actor_and_tables_and_arrays_agree(made):
    frames = made.frames()
    assert len(frames) == len(made.faces) == len(made.landmarks) == made.record.faces
    parts = [set(made.frames(part)["actor"]) for part in ("train", "validation", "test")]
    assert all(parts)
    assert set.union(*parts) == set(made.index["actor"])
    assert sum(map(len, parts)) == made.index["actor"].nunique()
    with pytest.raises(TableError, match="accepted: train"):
        made.frames("dev")
    with pytest.raises(TableError, match="not among those"):
        made.faces_of("nobody")


def test_arrays_that_were_changed_or_cut_are_refused(made, tmp_path):
    for name, change in (("index.tsv", b"\n"), ("faces.npy", None), ("prepared.json", b"x")):
        copy = tmp_path / name
        shutil.copytree(made.folder, copy)
        if change is None:
            os.truncate(copy / name, 5_000)
        else:
            (copy / name).write_bytes((copy / name).read_bytes() + change)
        with pytest.raises(TableError, match="run mien corpus prepare again"):
            PreparedCorpus.open(copy)
    with pytest.raises(TableError, match="no prepared arrays"):
        PreparedCorpus.open(tmp_path)


def test_info_tells_what_is_prepared(mixed, made):
    told = "\n".join(describe(mixed).lines)
    assert f"{made.record.faces:,} faces of 64 px" in told
    assert "no face found: 1 clips: c3-nobody" in told


def test_the_contact_sheet_shows_the_mean_face_with_its_eyes_on_the_points(made):
    with Image.open(made.folder / "crops.png") as page:
        pixels = np.asarray(page.convert("RGB"))
    mean = pixels[96:480, :384]
    found = centres(np.asarray(Image.fromarray(mean).crop((0, 0, 384, 384))))
    np.testing.assert_allclose(found, SMALL.eyes * 6, atol=3)


# --- real photographs, films and voices ---------------------------------------------------------


def networks():
    """The detector, or a skip where its weights cannot be had."""
    from stimuli.faces.detector import find_faces

    try:
        find_faces(np.zeros((64, 64, 3), np.uint8))
    except UserError as error:
        pytest.skip(f"the weights of the face networks are not here: {error}")
    return find_faces


def real(place: Path, source: Path, mapping: str) -> Path:
    (place / "map.yaml").write_text(mapping)
    adapter = folder_adapter(load_folder_mapping(place / "map.yaml"))
    return add_corpus(adapter, source, place / "corpora" / "real").folder


def test_eyes_of_photographs_lie_where_people_marked_them(tmp_path):
    if not (DATA / "faces_london").is_dir():
        pytest.skip("needs ../shared/data/faces_london")
    detect = networks()
    folder = real(tmp_path, DATA / "faces_london",
                  "name: london\nlicence: CC-BY-4.0\nmay_be_shown: true\nfiles: ['*_03.jpg']\n"
                  "pattern: '(?P<actor>\\d{3})_(?P<view>\\d\\d)'\n")  # fmt: skip
    arrays = prepare_arrays(folder, detect).corpus
    misses = []
    for row, clip in enumerate(arrays.index["clip"]):
        lines = (DATA / "faces_london" / f"{clip}.tem").read_text().splitlines()
        marked = np.array([[float(x) for x in line.split()] for line in lines[1:3]])
        a, b, c, d = map(float, arrays.rows[row]["similarity"])
        misses.append(Similarity(complex(a, b), complex(c, d))(marked) - arrays.record.eyes)
    misses = np.array(misses)
    apart = 0.28 * 128
    assert len(misses) == 5
    assert np.linalg.norm(misses, axis=-1).max() < 0.05 * apart
    assert np.abs(misses.mean((0, 1))).max() < 0.02 * apart  # nor all to one side


def test_a_real_film_is_cut_frame_by_frame_and_one_without_a_face_is_told(tmp_path):
    films = DATA / "video_pyfeat"
    if not films.is_dir():
        pytest.skip("needs ../shared/data/video_pyfeat")
    detect = networks()
    mapping = (
        "name: films\nlicence: MIT\nmay_be_shown: true\n"
        "files: ['single_face.mp4', 'no_face.mp4']\npattern: '(?P<view>.+)'\n"
    )
    folder = real(tmp_path, films, mapping)
    outcome = prepare_arrays(folder, detect, ArraySettings(every=10))
    assert outcome.unusable["clip"].tolist() == ["no_face"]
    assert outcome.unusable["kind"].tolist() == ["no face"]
    crops = outcome.corpus.faces_of("single_face").astype(float)
    assert len(crops) == 6  # 2.4 s at 25 a second, each tenth
    step = np.abs(np.diff(crops, axis=0)).mean()
    assert step < 15, "neighbouring crops of one film show the same face in the same place"


def test_real_voices_keep_their_length_and_their_spectrum(tmp_path):
    voices = DATA / "speech_emodb"
    if not voices.is_dir():
        pytest.skip("needs ../shared/data/speech_emodb")
    mapping = (
        "name: emodb\nlicence: CC0-1.0\nmay_be_shown: true\nfiles: ['*.wav']\n"
        "pattern: '(?P<actor>\\d\\d)(?P<sentence>\\w\\d\\d).+'\n"
    )
    folder = real(tmp_path, voices, mapping)
    arrays = prepare_arrays(folder, find_dots).corpus
    assert len(arrays.index) == 7
    for clip in arrays.index["clip"]:
        wave, rate = soundfile.read(voices / f"{clip}.wav")
        heard = arrays.sound_of(clip) / 32_767
        assert abs(len(heard) / 22_050 - len(wave) / rate) < 1e-4
        for low, high in ((100, 1_000), (1_000, 4_000), (4_000, 7_500)):
            before, after = band_db(wave, rate, low, high), band_db(heard, 22_050, low, high)
            assert after == pytest.approx(before, abs=0.15)


def band_db(samples: np.ndarray, rate: int, low: float, high: float) -> float:
    """Mean power between two frequencies, dB."""
    power = np.abs(np.fft.rfft(samples)) ** 2 / len(samples) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / rate)
    return 10 * np.log10(power[(hertz >= low) & (hertz < high)].sum())


# --- the people of a corpus in a study ----------------------------------------------------------


def test_a_study_has_the_real_people_of_an_added_corpus(tmp_path, monkeypatch):
    from protocols.reading import load
    from stimuli.corpora import Identity, identities_of
    from stimuli.corpora.crema_d import CREMA_D
    from tests import corpus_trees as trees

    monkeypatch.chdir(tmp_path)
    protocol = load(ROOT / "protocols" / "crema-d-votes.yaml")
    assert identities_of(protocol)[0] == Identity("01")
    add_corpus(CREMA_D, trees.crema_d_tree(tmp_path / "src"))
    few = {"stimuli.identities": {"pick": ["1002", "1076"]}}
    people = identities_of(load(ROOT / "protocols" / "crema-d-votes.yaml", few))
    assert [(p.id, p.gender, p.age) for p in people] == [
        ("1002", "female", 21), ("1076", "female", 25), ("1001", "male", 51)
    ]  # fmt: skip
    with pytest.raises(UserError, match="91 wanted; the corpus crema-d has 3"):
        identities_of(protocol)


def test_a_name_of_a_corpus_that_is_not_there_is_one_clear_error(tmp_path, monkeypatch):
    from protocols.reading import load
    from stimuli.corpora import identities_of

    monkeypatch.chdir(tmp_path)
    named = load(
        ROOT / "protocols" / "crema-d-votes.yaml",
        {"stimuli.identities": {"pick": ["1002", "1076"]}},
    )
    with pytest.raises(UserError, match="has no '1002'.*mien corpus add crema-d PATH"):
        identities_of(named)


def test_people_without_a_face_are_left_out_and_unnamed_pictures_stand_for_themselves(tmp_path):
    from stimuli.corpora.affectnet import AFFECTNET
    from stimuli.corpora.identities import people_of
    from tests import corpus_trees as trees

    root = tmp_path / "tree"
    root.mkdir()
    for who in ("a1", "b2", "c3"):
        Image.fromarray(dots((240, 200), EYES, 7.0)).save(root / f"{who}-happy.png")
    Image.new("RGB", (90, 90), "grey").save(root / "d4-happy.png")
    folder = corpus(root, tmp_path / "corpora" / "dots")
    assert [p.id for p in people_of(folder)] == ["a1", "b2", "c3", "d4"]
    prepare_arrays(folder, find_dots, SMALL)
    assert [p.id for p in people_of(folder)] == ["a1", "b2", "c3"]
    unnamed = add_corpus(AFFECTNET, trees.affectnet_new_tree(tmp_path / "a"), tmp_path / "b")
    assert [p.id for p in people_of(unnamed.folder)] == sorted(unnamed.clips["clip"])


def test_a_recorded_permission_is_told_wherever_the_licence_is(tmp_path, monkeypatch):
    from protocols.checking import check_file
    from protocols.licences import licence_words
    from stimuli.corpora.celeba import CELEBA
    from tests import corpus_trees as trees

    monkeypatch.chdir(tmp_path)
    study = tmp_path / "study.yaml"
    lindt = (ROOT / "protocols" / "lindt2019-valence-arousal.yaml").read_text()
    study.write_text(lindt.replace("corpus: actors", "corpus: celeba"))
    root = trees.celeba_tree(tmp_path / "src")
    add_corpus(CELEBA, root)
    assert "caution: celeba may not be shown online" in check_file(study)
    assert "permission" not in licence_words("celeba")
    with pytest.raises(UserError, match="say who gave it and when"):
        add_corpus(CELEBA, root, permission="yes")
    letter = "letter of the authors of 2026-01-02"
    told = add_corpus(CELEBA, root, permission=letter).lines()[-1]
    assert told.startswith("licence non-commercial research only: may NOT be shown online by")
    assert letter in told
    assert letter in "\n".join(describe(tmp_path / "corpora" / "celeba").lines)
    said = check_file(study)
    assert letter in said
    assert "may not be shown online by its licence" in said
    assert licence_words("celeba").endswith(f"; shown by permission: {letter}")
