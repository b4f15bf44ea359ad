"""Voices near full scale: what a player decodes from the finished film stays below -1 dBTP."""

import numpy as np
import pytest

pytest.importorskip("av", reason="PyAV is not installed: videos are not tested")

from protocols.filming import TalkingClip  # noqa: E402
from stimuli import actor_voices  # noqa: E402
from stimuli.actors.cast import actor  # noqa: E402
from stimuli.finished import decoded_sound, loudness  # noqa: E402
from stimuli.headroom import HIGHEST, with_headroom  # noqa: E402
from stimuli.pieces import joined  # noqa: E402
from stimuli.video import as_decoded, write_video  # noqa: E402
from stimuli.voices.loudness import limited, lufs, true_peak, true_peak_of  # noqa: E402
from stimuli.voices.profiles import profile_at  # noqa: E402
from stimuli.voices.prosody import Delivery  # noqa: E402

RATE = 48_000


def db(peak):
    return 20 * np.log10(peak)


def rectangle(amplitude):
    return (amplitude * np.sign(np.sin(2 * np.pi * 220.5 * np.arange(RATE) / RATE))).astype("f4")


def noise():
    return np.random.default_rng(1).standard_normal(RATE).astype("f4")


@pytest.mark.parametrize("sound", [rectangle(1.0), noise()], ids=["rectangle", "noise"])
def test_a_film_of_a_sound_that_the_codec_makes_louder_stays_below_the_limit(tmp_path, sound):
    assert db(true_peak_of(as_decoded(limited(sound, RATE).astype("f4"), RATE))) > HIGHEST  # alone
    safe = with_headroom(sound, RATE)
    path = tmp_path / "film.mp4"
    write_video(path, [np.full((16, 16, 3), 90, np.uint8)] * 25, sound=(safe, RATE))
    heard = decoded_sound(path)
    assert loudness(heard)["peak_dbtp"] <= HIGHEST
    assert db(true_peak(heard.samples)) > HIGHEST - 4  # and is not lowered for nothing
    np.testing.assert_array_equal(heard.samples[:RATE], joined(as_decoded(safe, RATE))[:RATE])


def test_a_soft_sound_stays_sample_for_sample_as_it_is():
    soft = 0.1 * rectangle(1.0)
    np.testing.assert_array_equal(with_headroom(soft, RATE), soft)


def test_the_angriest_voice_keeps_its_loudness_and_stays_below_the_limit():
    """Of all that were tried the one whose peaks AAC raises most, by 1.7 dB."""
    said = actor_voices.say(TalkingClip(), actor("51"), "kids", "angry", 1.0, 1)
    assert db(true_peak(said.samples)) > -4
    assert db(true_peak_of(as_decoded(said.samples, RATE))) <= HIGHEST
    wanted = Delivery().lufs + profile_at("angry", 1.0).level
    assert lufs(said.samples, RATE) == pytest.approx(wanted, abs=0.9)
