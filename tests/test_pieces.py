"""Long sounds: worked on piece by piece they are as in one pass, and take no more memory."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from scipy.signal import resample_poly

from stimuli.pieces import gathered, highest, joined, pieces, resampled, windows
from stimuli.voices.loudness import limited, lufs, lufs_of, true_peak, true_peak_of

PLAYED = 48_000


def noise(count, kind=np.float32):
    return np.random.default_rng(count).uniform(-1, 1, count).astype(kind)


def speechlike(seconds, peak, rate=PLAYED):
    """Noise that comes and goes, as words do."""
    rng, count = np.random.default_rng(round(10 * seconds)), round(seconds * rate)
    words = rng.random(round(8 * seconds) + 2) ** 3
    swell = np.interp(np.arange(count) * 8 / rate, np.arange(len(words)), words)
    sound = swell * rng.uniform(-1, 1, count)
    return (peak * sound / np.abs(sound).max()).astype(np.float32)


def cut(sound, *places):
    """A sound in blocks that end at places."""
    return [sound[first:last] for first, last in pairwise([0, *places, len(sound)])]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("rate", "wanted"),
    [(44_100, PLAYED), (PLAYED, 8_000), (22_050, PLAYED), (8_000, PLAYED), (96_000, PLAYED)],
)
def test_a_sound_resampled_in_pieces_is_bit_for_bit_that_of_one_pass(
    monkeypatch, rate, wanted, kind
):
    monkeypatch.setattr("stimuli.pieces.PIECE", 1_000)
    sound = noise(7_777, kind)
    common = np.gcd(rate, wanted)
    once = resample_poly(sound, wanted // common, rate // common)
    found = resampled(sound, rate, wanted)
    assert found.dtype == once.dtype == kind
    np.testing.assert_array_equal(found, once)
    assert not len(resampled(sound[:0], rate, wanted))


def test_blocks_give_every_sample_once(monkeypatch):
    monkeypatch.setattr("stimuli.pieces.PIECE", 100)
    monkeypatch.setattr("stimuli.pieces.ROOM", 64)
    sound = noise(1_234)
    blocks = cut(sound, 3, 3, 90, 700, 1_200)
    np.testing.assert_array_equal(joined(iter(blocks)), sound)
    fewer = list(gathered(iter(blocks)))
    np.testing.assert_array_equal(np.concatenate(fewer), sound)
    assert all(len(block) >= 100 for block in fewer[:-1])
    assert len(joined([])) == len(list(gathered([]))) == 0
    assert highest(sound) == np.abs(sound).max()
    assert highest(-np.abs(sound)) == np.abs(sound).max()
    assert highest(sound[:0]) == 0
    inner = [piece for piece, _ in pieces(len(sound), 7)]
    np.testing.assert_array_equal(np.concatenate([sound[piece] for piece in inner]), sound)
    assert all(
        (wider.start, wider.stop) == (max(0, piece.start - 7), min(1_234, piece.stop + 7))
        for piece, wider in pieces(len(sound), 7)
    )


def test_windows_over_blocks_are_those_over_the_whole_sound(monkeypatch):
    monkeypatch.setattr("stimuli.pieces.PIECE", 100)
    sound = noise(1_000)
    places = [(-50, -20), (-30, 120), (90, 400), (350, 700), (690, 1_080), (1_010, 1_040)]
    padded = np.pad(sound, 100)
    for (first, last), found in zip(places, windows(cut(sound, 10, 333, 640), places), strict=True):
        np.testing.assert_array_equal(found, padded[first + 100 : last + 100])


@pytest.mark.parametrize("rate", [PLAYED, 22_050, 11_025])
def test_loudness_and_peak_of_blocks_are_those_of_the_whole_sound(monkeypatch, rate):
    sound = speechlike(4.3, 0.9, rate)
    once = lufs(sound, rate), true_peak(sound)
    assert once[1] == np.abs(resample_poly(sound.astype(float), 4, 1)).max()
    monkeypatch.setattr("stimuli.pieces.PIECE", 999)
    assert lufs(sound, rate) == once[0]
    assert lufs_of(cut(sound, 1, 480, 5_000, 30_000), rate) == once[0]
    assert true_peak_of(cut(sound, 1, 480, 5_000, 30_000)) == true_peak(sound) == once[1]


def test_a_steady_sound_has_no_peak_where_it_is_cut_in_pieces(monkeypatch):
    """Oversampled alone, the edge of a piece would overshoot by 9 %."""
    monkeypatch.setattr("stimuli.pieces.PIECE", 1_000)
    steady = 0.5 * np.minimum(1, np.minimum(np.arange(10_000), np.arange(10_000)[::-1]) / 300)
    assert true_peak(steady) == pytest.approx(0.5, abs=1e-3)


def test_a_sound_limited_in_pieces_is_bit_for_bit_that_of_one_pass(monkeypatch):
    sound = speechlike(3.0, 1.6)
    once = limited(sound, PLAYED)
    assert not np.array_equal(once, sound)
    monkeypatch.setattr("stimuli.pieces.PIECE", 2_000)
    np.testing.assert_array_equal(limited(sound, PLAYED), once)


def test_a_long_recording_takes_no_more_than_two_copies_of_its_sound(monkeypatch, tmp_path):
    """From the file to samples with headroom, to the networks, and to what is measured."""
    pytest.importorskip("av", reason="PyAV is not installed: videos are not tested")
    from stimuli.context_faces.contexts import Sound
    from stimuli.corpora.arrays.sound import read_sound
    from stimuli.finished import decoded_sound, loudness, sound_lag_s
    from stimuli.headroom import with_headroom
    from stimuli.talking_faces.clips import for_networks
    from stimuli.talking_faces.speakers import in_frames, is_clipped, speech_of
    from stimuli.video import add_sound, write_video
    from stimuli.voices.recordings import soundfile_library

    monkeypatch.setattr("stimuli.pieces.PIECE", 1 << 14)
    monkeypatch.setattr("stimuli.pieces.ROOM", 1 << 14)
    monkeypatch.setattr("stimuli.finished.PIECE", 1 << 16)
    film = tmp_path / "film.mp4"
    write_video(film, [np.full((16, 16, 3), 90, np.uint8)] * 25)

    def most(seconds):
        """Bytes, at the worst moment, of what is made of a loud recording."""
        path = tmp_path / f"{seconds}.wav"
        soundfile_library().write(path, speechlike(seconds, 1.0, 44_100), 44_100, "FLOAT")
        tracemalloc.start()
        samples = speech_of(Sound(*read_sound(path)), "")
        assert not is_clipped(samples)
        spoken = in_frames(samples, 44_100, 0.1)
        del samples
        said = with_headroom(spoken, PLAYED)
        assert not np.array_equal(said, spoken)
        del spoken
        assert len(for_networks(said, PLAYED)) == len(said) // 6
        add_sound(film, tmp_path / "talking.mp4", (said, PLAYED))
        heard = decoded_sound(tmp_path / "talking.mp4")
        assert loudness(heard)["peak_dbtp"] <= -1
        assert sound_lag_s(heard, said) == pytest.approx(0, abs=1e-4)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    most(1)  # what is imported and kept
    more = (most(12) - most(4)) / (8 * PLAYED * 4)
    assert 1 < more < 2.2
