"""Video files: as many frames as were given, at the rate asked for, close to the source."""

import json
import shutil
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from scipy import ndimage

from protocols.errors import UserError
from stimuli import video

FRAMES, SIZE, VOICE_RATE = 38, 96, 22_050


@pytest.fixture(scope="module")
def pyav():
    return pytest.importorskip("av", reason="PyAV is not installed: videos are not tested")


@pytest.fixture(scope="module")
def frames():
    """A smooth coloured picture that slides to the right."""
    noise = np.random.default_rng(1).uniform(0, 1, (SIZE, SIZE, 3))
    smooth = ndimage.gaussian_filter(noise, (5, 5, 0), mode="wrap")
    smooth = (smooth - smooth.min()) / np.ptp(smooth) * 255
    return [np.roll(smooth, t, axis=1).astype(np.uint8) for t in range(FRAMES)]


def tone(seconds=FRAMES / 25, rate=VOICE_RATE):
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate), rate


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


def test_a_decoded_video_has_every_frame_close_to_its_source(pyav, frames, tmp_path):
    path = tmp_path / "clip.mp4"
    assert video.write_video(path, iter(frames)) == FRAMES
    facts = video.video_facts(path)
    assert (facts.frames, facts.width, facts.height) == (FRAMES, SIZE, SIZE)
    assert facts.rate == 25
    assert facts.audio_rate is None
    back = list(video.read_video(path))
    assert len(back) == FRAMES
    assert min(psnr(a, b) for a, b in zip(back, frames, strict=True)) > 35
    # frames are not one off: each is nearer to its own source than to its neighbours
    for t in range(1, FRAMES - 1):
        near = [psnr(back[t], frames[s]) for s in (t - 1, t, t + 1)]
        assert np.argmax(near) == 1


def test_colours_and_mean_luminance_come_back(pyav, tmp_path):
    path = tmp_path / "plain.mp4"
    for colour in ((128, 128, 128), (90, 120, 150), (200, 160, 140), (20, 20, 20)):
        video.write_video(path, [np.full((64, 64, 3), colour, np.uint8)] * 3)
        for frame in video.read_video(path):
            assert np.abs(frame.reshape(-1, 3).mean(axis=0) - colour).max() <= 1.2


@pytest.mark.skipif(not shutil.which("ffprobe"), reason="no ffprobe on PATH")
def test_another_reader_finds_h264_yuv420p_at_a_constant_rate_with_the_index_first(
    pyav, frames, tmp_path
):
    path = tmp_path / "clip.mp4"
    video.write_video(path, frames, sound=tone(), note="A synthetic face")
    asked = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_packets",
             "-show_format", str(path)]  # fmt: skip
    found = json.loads(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
    picture = next(s for s in found["streams"] if s["codec_type"] == "video")
    assert (picture["codec_name"], picture["pix_fmt"]) == ("h264", "yuv420p")
    assert picture["color_space"] == picture["color_transfer"] == "bt709"
    assert (picture["avg_frame_rate"], picture["r_frame_rate"]) == ("25/1", "25/1")
    assert int(picture["nb_frames"]) == FRAMES
    times = [float(p["pts_time"]) for p in found["packets"] if p["codec_type"] == "video"]
    np.testing.assert_allclose(times, np.arange(FRAMES) / 25, atol=1e-6)
    assert found["format"]["tags"]["comment"] == "A synthetic face"
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_the_sound_starts_with_the_first_frame_and_keeps_its_pitch(pyav, frames, tmp_path):
    path = tmp_path / "clip.mp4"
    samples, rate = tone()
    samples[: rate // 2] = 0  # the tone begins after half a second
    video.write_video(path, frames, sound=(samples, rate))
    facts = video.video_facts(path)
    assert facts.audio_rate == rate
    assert abs(facts.audio_s - FRAMES / 25) < 0.05
    with pyav.open(str(path)) as file:
        parts = [frame.to_ndarray()[0] for frame in file.decode(audio=0) if frame.pts >= 0]
    heard = np.concatenate(parts)
    loud = np.abs(heard) > 0.25
    assert abs(np.argmax(loud) / rate - 0.5) < 0.01
    spectrum = np.abs(np.fft.rfft(heard[rate // 2 : rate]))
    assert abs(np.argmax(spectrum) * rate / len(heard[rate // 2 : rate]) - 440) < 3


def test_the_same_frames_give_the_same_bytes(pyav, frames, tmp_path):
    for name in ("a.mp4", "b.mp4"):
        video.write_video(tmp_path / name, iter(frames), sound=tone())
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_other_rates_are_kept(pyav, frames, tmp_path):
    video.write_video(tmp_path / "slow.mp4", frames[:12], rate=12)
    assert video.video_facts(tmp_path / "slow.mp4").rate == Fraction(12)


def test_an_interrupted_video_leaves_nothing_behind(pyav, frames, tmp_path):
    def stops():
        yield from frames[:5]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        video.write_video(tmp_path / "clip.mp4", stops())
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_video_is_refused(pyav, frames, tmp_path):
    path = tmp_path / "clip.mp4"
    for wrong in ([], [frames[0][:95]], [frames[0], frames[0][:94]], [frames[0] / 255]):
        with pytest.raises(ValueError, match="give"):
            video.write_video(path, wrong)
    for sound in (np.zeros((2, 100)), np.array([]), np.array([np.nan])):
        with pytest.raises(ValueError, match="give"):
            video.write_video(path, frames[:2], sound=(sound, VOICE_RATE))
    assert list(tmp_path.iterdir()) == []


def test_without_pyav_the_message_says_what_to_install(frames, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UserError, match="pip install av"):
        video.write_video(tmp_path / "clip.mp4", frames)
