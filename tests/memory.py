"""Largest memory of this process, and of one that runs a module with a number as its argument."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def largest_mb() -> int:
    """Of this process so far; not ru_maxrss, which begins with what the process before it had."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) // 1024


def largest_mb_of(module: str, number: int) -> int:
    """Of a fresh process, which prints what `largest_mb` says at its end."""
    command = [sys.executable, "-m", module, str(number)]
    return int(subprocess.run(command, capture_output=True, check=True).stdout)
