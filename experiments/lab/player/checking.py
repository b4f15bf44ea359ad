"""`run.py --check`: what this computer does with frames, sounds, keys and triggers, on one page.

Five seconds of frames, then flashes with beeps: the middle of the screen and the photodiode's
square are white from the flip at which the beep should start. These are the computer's own words;
a photodiode and a microphone know when light and sound are really there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, pstdev
from typing import Any

from psychopy import core

from .media import told_of
from .screen import WHITE, Screen

FRAMES_S = 5.0  # for which frames are counted
FLASHES, FLASH_S, PAUSE_S = 5, 0.1, 0.7
TONE_HZ = 1000
SIDE = 300  # pixels of the flash
LATE_MS = 20.0  # after the flip, from which a sound counts as late
JITTER_MS = 2.0  # standard deviation of a sound's start that is still good
SLOW_MS = 1.0  # that sending a code may take
OK, LOOK = "ok", "LOOK"


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
    return {**screen.counted(), "mean_ms": round(mean(intervals), 3),
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


def report(measured: dict[str, Any]) -> str:
    """The page: one line for each thing, and whether it deserves a look."""
    rows = [_refresh(measured), _counted(measured["frames"]), _sound(measured), _keys(measured),
            _codes(measured)]  # fmt: skip
    wide = max(len(name) for name, _, _ in rows)
    lines = [f"{name:<{wide}}  {verdict:<4}  {words}" for name, words, verdict in rows]
    head = (f"PsychoPy {measured['psychopy']}, {measured['system']}, "
            f"{' x '.join(map(str, measured['window']))} pixels, "
            f"{'whole screen' if measured['full_screen'] else 'a window'}")  # fmt: skip
    end = "These are the computer's own words: measure light and sound where it matters."
    return "\n".join([head, *lines, end])


def _refresh(measured: dict[str, Any]) -> tuple[str, str, str]:
    hz = measured["refresh_hz"]
    if hz is None:
        return "refresh", "not measurable: close other programs, switch on vertical sync", LOOK
    words = f"{hz:.2f} Hz"
    if not measured["full_screen"]:
        return "refresh", words + "; check again without --window", LOOK
    return "refresh", words, OK


def _counted(frames: dict[str, Any]) -> tuple[str, str, str]:
    words = (f"{frames['frames']} in {FRAMES_S:.0f} s, {frames['long_frames']} too long, "
             f"{frames['mean_ms']:.2f} ms each (sd {frames['sd_ms']:.2f}, "
             f"longest {frames['longest_ms']:.1f})")  # fmt: skip
    return "frames", words, LOOK if frames["long_frames"] else OK


def _sound(measured: dict[str, Any]) -> tuple[str, str, str]:
    sound, library = measured["sound"], measured["audio"]
    if "beeps" not in sound:
        return "sound", f"{library}: none ({sound['trouble']})", LOOK
    starts = _known(sound["beeps"], "audio_after_flip_ms")
    latency = [*_known(sound["beeps"], "PredictedLatency"), *_known(sound["beeps"], "latency_s")]
    words = library + (f", latency as reported {1000 * mean(latency):.1f} ms" if latency else "")
    if not starts:
        return "sound", f"{words}; it does not say when a sound starts: prefer --audio ptb", LOOK
    words += f", starts {mean(starts):.1f} ms after the flip (sd {pstdev(starts):.1f})"
    good = abs(mean(starts)) < LATE_MS and pstdev(starts) < JITTER_MS
    return "sound", words, OK if good else LOOK


def _keys(measured: dict[str, Any]) -> tuple[str, str, str]:
    by = measured["keys_timed_by"]
    return "keys", f"timed by the {by}", OK if by == "keyboard" else LOOK


def _codes(measured: dict[str, Any]) -> tuple[str, str, str]:
    if not measured["trigger"]:
        return "trigger", "none asked for (--trigger)", OK
    sending, after = (measured["codes"][name] for name in ("sending_ms", "sent_after_flip_ms"))
    words = (f"{measured['trigger']}: codes 1 to {FLASHES} sent within {max(after):.2f} ms of the "
             f"flip, {max(sending):.2f} ms each")  # fmt: skip
    return "trigger", words, OK if max(sending) < SLOW_MS else LOOK


def _known(beeps: Sequence[dict[str, Any]], name: str) -> list[float]:
    return [beep[name] for beep in beeps if name in beep]
