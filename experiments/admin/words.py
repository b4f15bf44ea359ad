"""Numbers of an overview in words, for the terminal and for the admin page alike."""

from __future__ import annotations

from datetime import UTC, datetime

from experiments.admin.overview import HOUR, Overview

NOTHING = "–"
NARROW = "\N{NO-BREAK SPACE}"


def facts(overview: Overview) -> list[tuple[str, str, str]]:
    """What to read first: name, value, and what stands below it."""
    total = overview.all
    over = f"{total.over_quota} of them over quota" if total.over_quota else ""
    finished = total.valid + total.excluded
    share = f"{of(total.excluded, finished)} of those who finished" if total.excluded else ""
    return [
        ("Valid", f"{total.valid} of {total.wanted}", over),
        ("Places left", str(total.left), f"{total.active} taking part now"),
        ("Finished in the last hour", str(overview.finished_last_hour),
         f"{overview.finished_last_day} in 24 hours"),
        ("Full in about", _to_go(overview), "at the pace of the last 3 hours"),
        ("Median duration", *_duration(overview)),
        ("Excluded", str(total.excluded), share),
        ("Last sign of life", _last_sign(overview), ""),
        ("Room on the disk", size(overview.free_bytes), f"{size(overview.data_bytes)} of data"),
    ]  # fmt: skip


def quality_rows(overview: Overview, fast_ms: float, slow_ms: float) -> list[tuple[str, int, int]]:
    """What is counted of the answers: name, how many, of how many."""
    q = overview.quality
    return [
        ("trials with the tab hidden", q.hidden, q.trials),
        ("trials with media that waited for the network", q.stalled, q.trials),
        ("trials with media that could not be shown", q.failed, q.trials),
        (f"answers faster than {fast_ms:g} ms", q.fast, q.timed),
        (f"answers slower than {slow_ms / 1000:g} s", q.slow, q.timed),
        ("attention checks missed", q.missed, q.checks),
    ]


def of(part: int, whole: int) -> str:
    """A share in percent; a dash where there is nothing to share."""
    return f"{100 * part / whole:.1f}{NARROW}%" if whole else NOTHING


def ago(seconds: float) -> str:
    """A time span: seconds, minutes, hours, or days."""
    for unit, length in (("days", 24 * HOUR), ("h", HOUR), ("min", 60.0)):
        if seconds >= (2 * length if unit == "days" else length):
            number = seconds / length
            return f"{number:.1f}{NARROW}{unit}" if unit == "h" else f"{number:.0f}{NARROW}{unit}"
    return f"{seconds:.0f}{NARROW}s"


def moment(seconds: float) -> str:
    """Date and time, UTC."""
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def stamp(seconds: float) -> str:
    """The same for the name of a file."""
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y%m%d-%H%M%S")


def size(count: int) -> str:
    """Bytes, as MB or GB."""
    if count >= 10**9:
        return f"{count / 10**9:.1f}{NARROW}GB"
    return f"{count / 10**6:.1f}{NARROW}MB"


def _to_go(overview: Overview) -> str:
    hours = overview.hours_to_go
    if hours is None:
        return NOTHING
    return "full" if not overview.all.left and not overview.all.active else ago(hours * HOUR)


def _duration(overview: Overview) -> tuple[str, str]:
    if overview.minutes is None:
        return NOTHING, ""
    low, middle, high = overview.minutes
    return f"{middle:.1f}{NARROW}min", f"half of the valid: {low:.1f} to {high:.1f}"


def _last_sign(overview: Overview) -> str:
    if overview.last_sign is None:
        return NOTHING
    return f"{ago(max(0.0, overview.now - overview.last_sign))} ago"
