"""The page of `run.py --check`: what deserves a look is marked, and nothing else."""

from __future__ import annotations

import copy

import pytest

from experiments.lab.player.report import report

BEEPS = [{"PredictedLatency": 0.008, "audio_after_flip_ms": ms} for ms in (4.0, 4.5, 5.0)]
GOOD = {
    "psychopy": "2026.2.5", "system": "Windows", "window": [1920, 1080], "full_screen": True,
    "refresh_hz": 59.94, "keys_timed_by": "keyboard", "audio": "ptb", "trigger": "serial:COM3",
    "frames": {"seconds": 5.0, "frames": 300, "long_frames": 0, "longest_ms": 17.1,
               "mean_ms": 16.68, "sd_ms": 0.05},
    "sound": {"beeps": BEEPS},
    "codes": {"sending_ms": [0.05, 0.06], "sent_after_flip_ms": [0.07, 0.08]},
}  # fmt: skip


def looks(measured):
    """The lines that are marked."""
    return [line.split()[0] for line in report(measured).splitlines() if " LOOK " in line]


def test_a_good_computer_has_nothing_to_look_at():
    page = report(GOOD)
    assert looks(GOOD) == []
    for words in ("59.94 Hz", "300 in 5 s, 0 too long", "latency as reported 8.0 ms",
                  "starts 4.5 ms after the flip", "2 codes sent within 0.08 ms"):  # fmt: skip
        assert words in page


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("refresh", {"refresh_hz": None}),
        ("refresh", {"full_screen": False}),
        ("frames", {"frames": {**GOOD["frames"], "long_frames": 1}}),
        ("sound", {"sound": {"trouble": "no loudspeaker"}}),
        ("sound", {"sound": {"beeps": [{"latency_s": 0.01}]}, "audio": "sounddevice"}),
        ("sound", {"sound": {"beeps": [{"audio_after_flip_ms": ms} for ms in (0.0, 12.0)]}}),
        ("sound", {"sound": {"beeps": [{"audio_after_flip_ms": 60.0}]}}),
        ("keys", {"keys_timed_by": "window"}),
        ("trigger", {"codes": {"sending_ms": [7.0], "sent_after_flip_ms": [7.0]}}),
    ],
)
def test_what_is_not_as_it_should_be_is_marked(part, change):
    assert looks({**copy.deepcopy(GOOD), **change}) == [part]


def test_no_trigger_is_nothing_to_look_at():
    assert looks({**GOOD, "trigger": None}) == []
