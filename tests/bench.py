"""`make bench`: speed and memory of every step, on the machine at hand.

Generates Blume's experiment 2 with the actors (240 pictures) three ways and compares the bytes,
then plans, builds, simulates and reports; last, clips of actors, mixed models beside R, the study
server beside oTree, and, where PyTorch is, the networks beside straightforward ways.
"""

from __future__ import annotations

import hashlib
import importlib.util
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tests import clip_speed, load, speed

ROOT = Path(__file__).parents[1]
PROTOCOL = "protocols/blume2024-experiment2.yaml"
console = Console(highlight=False, soft_wrap=True)


def main() -> None:
    """Run every step, print what it took."""
    folder = Path(tempfile.mkdtemp(prefix="mien-bench-"))
    try:
        digests = {
            name: generate(folder / name, options)
            for name, options in {
                "first run (caches cold), 2 processes": ["--workers", "2"],
                "caches warm, 2 processes": ["--workers", "2"],
                "batch size 1, 1 process": ["--workers", "1", "--batch-size", "1"],
                "batch size 16, 1 process": ["--workers", "1", "--batch-size", "16"],
            }.items()
        }
        same = len(set(digests.values())) == 1
        console.print(f"bytes equal in all runs: {'yes' if same else 'NO'}")
        study = str(folder / "caches warm, 2 processes")
        timed("study build", ["study", "build", study])
        timed("simulate 80 participants x 120 trials", ["simulate", study, "-n", "80"])
        timed("report", ["report", study])
        clip_speed.main()
        speed.main()
        load.main()
        if importlib.util.find_spec("torch"):
            from tests import (
                bench_context_face,
                bench_reaction,
                bench_talking_face,
                bench_valence_arousal,
            )

            bench_context_face.main()
            bench_talking_face.main()
            bench_valence_arousal.main()
            bench_reaction.main()
        else:
            console.print("PyTorch is not installed: context-shifted faces were not measured")
        if not same:
            sys.exit(1)
    finally:
        shutil.rmtree(folder)


def generate(out: Path, options: Sequence[str]) -> str:
    """Make the stimuli, print speed and shares of time; returns one digest of all media."""
    command = ["generate", PROTOCOL, "-o", str(out), "--generator", "actor",
               "--cache", str(out.parent / "cache"), *options]  # fmt: skip
    printed = timed(out.name, command)
    for line in printed.splitlines()[1:]:
        console.print(f"    {line}")
    digest = hashlib.sha256()
    for file in sorted((out / "stimuli").glob("stim-*.png")):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def timed(what: str, command: Sequence[str]) -> str:
    """Run a verb as a process of its own; print its seconds; returns what it printed."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "mien.py", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        console.print(done.stderr, markup=False)
        sys.exit(1)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    console.print(f"{what}: {seconds:.1f} s (largest process so far {peak:.0f} MB)")
    return done.stdout


if __name__ == "__main__":
    main()
