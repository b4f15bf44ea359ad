"""`run.py --check`: what this computer does with frames, sounds, keys and triggers, on one page.

Five seconds of frames, then flashes with beeps: the middle of the screen and the photodiode's
square are white from the flip at which the beep should start. These are the computer's own words;
a photodiode and a microphone know when light and sound are really there.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from statistics import mean, pstdev
from typing import Any

from psychopy import core

from .media import told_of
from .report import report
from .screen import WHITE, Screen

FRAMES_S = 5.0  # for which frames are counted
FLASHES, FLASH_S, PAUSE_S = 5, 0.1, 0.7
TONE_HZ = 1000
SIDE = 300  # pixels of the flash


def check(screen: Screen, data: Path, about: dict[str, Any]) -> str:
    """Measure, write `check-<time>.json` into `data`, and return the page to print.

    Args:
        screen: the open window.
        data: the folder of the sessions.
        about: what the record `machine` of a session holds.
    """
    measured = {"when": time.strftime("%Y-%m-%dT%H:%M:%S"), **about,
                "frames": _frames(screen), **_flashes(screen)}  # fmt: skip
    data.mkdir(parents=True, exist_ok=True)
    file = data / f"check-{measured['when'].replace(':', '')}.json"
    file.write_text(json.dumps(measured, indent=2, default=float) + "\n", encoding="utf-8")
    return f"{report(measured)}\n\n{file}"


def _frames(screen: Screen) -> dict[str, Any]:
    words = screen.text("Counting frames. Please wait.", 0, 0)
    end = screen.flip() + FRAMES_S
    screen.count()
    intervals, last = [], screen.flip()
    while last < end:
        words.draw()
        now = screen.flip()
        intervals.append(1000 * (now - last))
        last = now
    return {"seconds": FRAMES_S, **screen.counted(), "mean_ms": round(mean(intervals), 3),
            "sd_ms": round(pstdev(intervals), 3)}  # fmt: skip


def _flashes(screen: Screen) -> dict[str, Any]:
    """Flashes, beeps and codes together: what was told of the sound and of the trigger."""
    tone, trouble = _tone()
    square = screen.box(0, 0, SIDE, SIDE, WHITE, None)
    said, sending, after = [], [], []

    def send(code: int) -> None:
        began = core.getTime()
        screen.trigger.send(code)
        after.append(core.getTime())
        sending.append(round(1000 * (after[-1] - began), 3))

    for number in range(1, FLASHES + 1):
        screen.blank(PAUSE_S)
        square.draw()
        if tone is not None:
            tone.play(when=screen.win)
        screen.win.callOnFlip(send, number)
        onset = screen.flip(lit=True)
        after[-1] = round(1000 * (after[-1] - onset), 3)
        while core.getTime() - onset < FLASH_S:
            square.draw()
            screen.flip(lit=True)
        screen.blank(PAUSE_S)
        if tone is not None:
            said.append(told_of(tone, onset))
            tone.stop()
    sound = {"trouble": trouble} if tone is None else {"beeps": said}
    return {"sound": sound, "codes": {"sending_ms": sending, "sent_after_flip_ms": after}}


def _tone() -> tuple[Any, str | None]:
    """A beep, or why there is none."""
    try:
        from psychopy import sound

        return sound.Sound(TONE_HZ, secs=FLASH_S), None
    except Exception as error:  # drivers fail in many ways
        return None, str(error).strip().splitlines()[0]
