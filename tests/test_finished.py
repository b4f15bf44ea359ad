"""Finished clips: the loudness, peak and offset of sound that were put in are found in the file."""

import numpy as np
import pytest

from stimuli.finished import (
    Heard,
    Mouth,
    cells_of,
    decoded_sound,
    loudness,
    offset_ms,
    picture_lag_s,
    sound_lag_s,
)
from stimuli.media import encode_wav
from stimuli.video import RATE, write_video
from stimuli.voices.recordings import soundfile_library

pytest.importorskip("av", reason="PyAV is not installed: videos are not tested")

AUDIO = 48_000
FRAMES = 60
BOX = (20, 36, 44, 56)


def gap():
    """A mouth that opens and closes at no fixed pace (mm)."""
    t = np.arange(FRAMES) / RATE
    return 6 * np.abs(np.sin(2 * np.pi * (1.1 * t + 0.6 * t**2))) ** 2


def pictures(opening):
    """Faces of 64 pixels whose mouth is a dark ellipse as high as it is open."""
    y, x = np.mgrid[:64, :64] + 0.5
    rng = np.random.default_rng(1)
    skin = 150 + rng.normal(0, 6, (64, 64))
    for wide in opening:
        inside = ((x - 32) / 9) ** 2 + ((y - 45) / max(wide, 0.3)) ** 2 < 1
        yield np.repeat(np.where(inside, 40, skin)[..., None], 3, 2).clip(0, 255).astype(np.uint8)


def speech(seed=3):
    """Noise whose loudness changes, so that it is like itself at no other time."""
    rng = np.random.default_rng(seed)
    n = FRAMES * AUDIO // RATE
    envelope = np.interp(np.arange(n), np.linspace(0, n, 40), rng.random(40))
    return (0.2 * envelope * rng.standard_normal(n)).clip(-1, 1).astype(np.float32)


def filmed(tmp_path, frames_later=0, samples_later=0):
    path = tmp_path / "clip.mp4"
    sound = np.roll(speech(), samples_later)
    write_video(path, pictures(np.roll(gap(), frames_later)), sound=(sound, AUDIO))
    return path


@pytest.mark.parametrize("frames", [0, 1, -3])
@pytest.mark.parametrize("samples", [0, 1234, -2400])
def test_an_offset_that_was_put_in_is_found_in_the_file(tmp_path, frames, samples):
    path, meant, mouth = filmed(tmp_path, frames, samples), speech(), Mouth(gap(), BOX)
    heard = decoded_sound(path)
    assert heard.rate == AUDIO
    assert sound_lag_s(heard, meant) == pytest.approx(samples / AUDIO, abs=0.0002)
    assert picture_lag_s(path, mouth) == pytest.approx(frames / RATE, abs=0.008)
    wanted = 1000 * (samples / AUDIO - frames / RATE)
    assert offset_ms(path, heard, meant, mouth) == pytest.approx(wanted, abs=8)


def test_a_mouth_that_does_not_move_tells_nothing(tmp_path):
    path = filmed(tmp_path)
    assert offset_ms(path, decoded_sound(path), speech(), Mouth(np.zeros(FRAMES), BOX)) is None
    assert picture_lag_s(path, Mouth(gap()[:10], BOX)) is None


@pytest.mark.parametrize("late", [0, 2, -3])
def test_a_mouth_that_nobody_measured_is_found_by_its_grey_levels(tmp_path, late):
    frames = list(pictures(gap()))
    mouth = Mouth.drawn(np.array([cells_of(frame, BOX) for frame in frames]), BOX)
    write_video(tmp_path / "film.mp4", np.array(frames)[np.clip(np.arange(FRAMES) - late, 0, 59)])
    assert 1000 * (picture_lag_s(tmp_path / "film.mp4", mouth) or 0) == pytest.approx(
        1000 * late / RATE, abs=4
    )
    still = Mouth.drawn(np.ones((FRAMES, 24)), BOX)
    assert picture_lag_s(tmp_path / "film.mp4", still) is None


def test_long_sounds_are_measured_piece_by_piece_as_in_one(monkeypatch, tmp_path):
    """The same loudness, peak and lag whatever is looked at together."""
    sound = speech()
    with_silence = np.concatenate([np.zeros(480, np.float32), sound])
    soundfile_library().write(tmp_path / "later.wav", with_silence, AUDIO, "FLOAT")
    later = Heard(tmp_path / "later.wav", AUDIO, -0.003)
    whole = loudness(later), sound_lag_s(later, sound)
    assert whole[1] == pytest.approx(0.007, abs=1e-6)
    monkeypatch.setattr("stimuli.finished.PIECE", 5_000)
    monkeypatch.setattr("stimuli.pieces.PIECE", 5_000)
    assert loudness(later) == whole[0]
    assert sound_lag_s(later, sound) == pytest.approx(whole[1], abs=1e-9)


def test_a_tone_has_the_loudness_of_the_standard_in_wav_and_in_a_film(tmp_path):
    """BS.1770-4: 997 Hz at 0 dBFS in one channel measures -3.01 LUFS."""
    t = np.arange(2 * AUDIO) / AUDIO
    edges = np.minimum(1, np.minimum(t, 2 - t) / 0.02)  # AAC overshoots where a tone cuts in
    tone = (10 ** (-20 / 20) * edges * np.sin(2 * np.pi * 997 * t)).astype(np.float32)
    wav, film = tmp_path / "tone.wav", tmp_path / "tone.mp4"
    wav.write_bytes(encode_wav(tone, AUDIO, "a tone"))
    write_video(film, pictures(np.zeros(50)), sound=(tone, AUDIO))
    for path, within in ((wav, 0.05), (film, 0.2)):
        found = loudness(decoded_sound(path))
        assert found["loudness_lufs"] == pytest.approx(-23.01, abs=within)
        assert found["peak_dbtp"] == pytest.approx(-20.0, abs=0.3)


def test_the_true_peak_lies_between_samples(tmp_path):
    """A tone of a quarter of the rate is 3.01 dB higher than its samples at 45 degrees."""
    n = np.arange(AUDIO)
    tone = 0.5 * np.sin(np.pi / 2 * n + np.pi / 4) * np.hanning(AUDIO)
    path = tmp_path / "tone.wav"
    path.write_bytes(encode_wav(tone.astype(np.float32), AUDIO, "a tone"))
    heard = decoded_sound(path)
    assert (heard.rate, heard.start) == (AUDIO, 0)
    assert 20 * np.log10(np.abs(heard.samples).max()) == pytest.approx(-9.03, abs=0.05)
    assert loudness(heard)["peak_dbtp"] == pytest.approx(-6.02, abs=0.1)
