"""The film of flashes and beeps: decoded, both come at whole seconds, to the frame and sample."""

import subprocess
import sys

import numpy as np
import pytest

from protocols.errors import UserError
from stimuli.finished import decoded_sound
from stimuli.sync_test import write_sync_test
from stimuli.video import read_video, video_facts

pytest.importorskip("av", reason="PyAV is not installed: videos are not tested")


def test_flashes_and_beeps_come_at_whole_seconds_of_the_file(tmp_path):
    path = tmp_path / "test.mp4"
    subprocess.run(
        [sys.executable, "mien.py", "sync-test", "-o", str(path), "--seconds", "4"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert video_facts(path).frames == 100
    bright = np.array([frame.mean() for frame in read_video(path)])
    assert np.flatnonzero(bright > 128).tolist() == [25, 50, 75]
    assert bright[bright <= 128].max() < 3
    heard = decoded_sound(path)
    rate, start = heard.rate, heard.start
    loud = np.abs(heard.samples) > 0.1
    onsets = [int(np.flatnonzero(loud[k * rate - rate // 2 :])[0]) + k * rate - rate // 2
              for k in (1, 2, 3)]  # fmt: skip
    for second, onset in zip((1, 2, 3), onsets, strict=True):
        assert onset / rate + start == pytest.approx(second, abs=0.001)
    assert not loud[: rate - 500].any()


def test_nothing_is_overwritten_and_wrong_wishes_are_named(tmp_path):
    there = tmp_path / "there.mp4"
    there.write_bytes(b"precious")
    for path, seconds, words in (
        (there, 4, "is there already"), (tmp_path / "a.avi", 4, "ends with .mp4"),
        (tmp_path / "a.mp4", 1, "seconds: found 1; accepted: 2 to 600"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=words):
            write_sync_test(path, seconds)
    assert there.read_bytes() == b"precious"
