"""A film of flashes and beeps, to measure when pictures and sounds of a machine really come.

    mien sync-test -o sync-test.mp4

Once a second a white square fills the picture for one frame, and a tone of 1 kHz begins with that
very frame. Play it as the study will be played; a photodiode and a microphone (or a phone that
films in slow motion) then show how much later the sound comes. The file's own offset is 0: flash k
stands in the frame at k s, the tone begins with the sample at k s.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from protocols.errors import UserError
from stimuli.video import RATE, write_video

SOUND_RATE = 48_000
TONE_HZ, TONE_S, TONE_PEAK = 1000, 0.04, 0.5  # whole periods of the tone; amplitude
BLACK, WHITE = 0, 255
WIDTH, HEIGHT = 640, 360
SECONDS = (2, 600)  # accepted lengths
NOTE = "Flashes and beeps at whole seconds, made by mien. CC0-1.0."


def write_sync_test(path: Path, seconds: int = 20) -> str:
    """Write the film; returns the line for the researcher.

    Raises:
        UserError: Another length, not a .mp4, or a file that is there already.
    """
    if not SECONDS[0] <= seconds <= SECONDS[1]:
        raise UserError(f"seconds: found {seconds}; accepted: {SECONDS[0]} to {SECONDS[1]}")
    if path.suffix != ".mp4":
        raise UserError(f"{path}: the film is an MP4; give a name that ends with .mp4")
    if path.exists():
        raise UserError(f"{path}: is there already; give another name, or delete it")
    write_video(path, frames(seconds), sound=(tones(seconds), SOUND_RATE), note=NOTE)
    return f"{path}: {seconds - 1} flashes and beeps, at 1 s, 2 s, … of the film"


def frames(seconds: int) -> Iterator[np.ndarray]:
    """Pictures (HEIGHT, WIDTH, 3): white at each whole second but the first, otherwise black."""
    for t in range(seconds * RATE):
        flash = t > 0 and t % RATE == 0
        yield np.full((HEIGHT, WIDTH, 3), WHITE if flash else BLACK, np.uint8)


def tones(seconds: int) -> np.ndarray:
    """Samples (seconds * SOUND_RATE,) with a tone from each whole second but the first."""
    sound = np.zeros(seconds * SOUND_RATE, np.float32)
    t = np.arange(round(TONE_S * SOUND_RATE)) / SOUND_RATE
    tone = TONE_PEAK * np.sin(2 * np.pi * TONE_HZ * t)
    for second in range(1, seconds):
        start = second * SOUND_RATE
        sound[start : start + len(tone)] = tone
    return sound
