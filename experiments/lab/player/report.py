"""What `run.py --check` measured, as one page: a line for each thing. Needs nothing but Python."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, pstdev
from typing import Any

LATE_MS = 20.0  # between flip and sound, from which a sound counts as late
JITTER_MS = 2.0  # standard deviation of a sound's start that is still good
SLOW_MS = 1.0  # that sending a code may take
OK, LOOK = "ok", "LOOK"


def report(measured: dict[str, Any]) -> str:
    """The page, from what `player.checking` wrote; LOOK marks what deserves one."""
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
    words = (f"{frames['frames']} in {frames['seconds']:.0f} s, {frames['long_frames']} too long, "
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
    words = (f"{measured['trigger']}: {len(after)} codes sent within {max(after):.2f} ms of the "
             f"flip, {max(sending):.2f} ms each")  # fmt: skip
    return "trigger", words, OK if max(sending) < SLOW_MS else LOOK


def _known(beeps: Sequence[dict[str, Any]], name: str) -> list[float]:
    return [beep[name] for beep in beeps if name in beep]
