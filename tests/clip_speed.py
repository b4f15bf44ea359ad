"""Frames a second of clips, and where the time goes; part of `make bench`.

python -m tests.clip_speed
"""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import ExitStack
from unittest.mock import patch

import numpy as np
from rich.console import Console

from stimuli.actors import (
    facs,
    film,
    idling,
    portrait,
    raster,
    shading,
    shadow,
    surfaces,
    wrinkles,
)
from stimuli.actors.cast import actor
from stimuli.actors.clip import clip
from stimuli.actors.portrait import Studio
from stimuli.actors.sitter import Sitter

SIZES = (128, 256, 512)
WHO = ("04", "05")  # long hair, short hair
FRAMES, TURNING = 50, 10
STEPS = {  # what is timed -> its name
    (portrait, "stage"): "mesh",
    (Sitter, "rig_points"): "mesh",
    (Sitter, "openness"): "openness to the room",
    (raster, "draw"): "rasteriser",
    (wrinkles, "wrinkled"): "wrinkles",
    (surfaces, "paint"): "surfaces",
    (shadow, "reach"): "shadows",
    (shading, "illuminate"): "light",
    (shading, "diffuse_under_skin"): "light under the skin",
    (shading, "leaving"): "light",
    (portrait, "_add_facial_hair"): "brows and lashes",
    (film, "develop"): "film",
}
console = Console(highlight=False, soft_wrap=True)


def main() -> None:
    """Print frames a second for each size, and the share of each step."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    console.print(f"clips on {os.cpu_count()} threads (machine load {load:.1f} at the start):")
    smile = np.sin(np.linspace(0.1, np.pi - 0.1, FRAMES))  # no two frames alike
    curve = np.stack([facs.weights("happy", m * (1 - 0.001 * t)) for t, m in enumerate(smile)])
    sway = np.linspace(0, 3, TURNING)
    head = np.stack([8 * np.sin(sway + 0.1), 3 * np.cos(2 * sway), 0 * sway], axis=1)
    idle = idling.sway(FRAMES / 25, np.random.default_rng(5))
    for size in SIZES:
        studio = Studio(size=size)
        for who in WHO:
            still = rate(who, curve, studio, None)
            swaying = rate(who, curve, studio, idle)
            turning = rate(who, curve[:TURNING], studio, head)
            console.print(
                f"  {size} px, actor {who} ({actor(who).hair} hair): {still} with the head still, "
                f"{swaying} while it sways as in talk, {turning} while it turns by up to 8 degrees"
            )
        console.print(f"    {shares(curve[:10], studio)}")


def rate(who: str, curve: np.ndarray, studio: Studio, head: np.ndarray | None) -> str:
    """Frames a second, on the clock and per two processors' worth of computing.

    The actor is ready: compiled, prepared, and with turning heads, hair drawn in the key poses.
    """
    begun = time.process_time()
    list(clip(actor(who), curve[:2] if head is None else curve, studio, head=head))
    begun = time.process_time() - begun
    clock, busy = time.perf_counter(), time.process_time()
    count = sum(1 for _ in clip(actor(who), curve, studio, head=head))
    clock, busy = time.perf_counter() - clock, time.process_time() - busy
    cores = f"2 idle cores: {2 * count / busy:.1f}; the first time in {begun:.1f} s of computing"
    return f"{count / clock:.1f} frames/s ({cores})"


def shares(curve: np.ndarray, studio: Studio) -> str:
    """Share of each step in the time of a frame, largest first."""
    spent: Counter[str] = Counter()
    with ExitStack() as timed:
        for (owner, name), step in STEPS.items():
            timed.enter_context(patch.object(owner, name, _clocked(owner, name, step, spent)))
        start = time.thread_time()
        for row in curve:
            portrait.portrait(actor(WHO[0]), row, studio)
        total = time.thread_time() - start
    spent["the rest"] = total - spent.total()
    parts = (f"{step} {100 * seconds / total:.0f} %" for step, seconds in spent.most_common())
    return f"{1000 * total / len(curve):.0f} ms of computing a frame: " + ", ".join(parts)


def _clocked(owner, name: str, step: str, spent: Counter[str]):
    function = getattr(owner, name)

    def run(*args, **options):
        start = time.thread_time()
        try:
            return function(*args, **options)
        finally:
            spent[step] += time.thread_time() - start

    return run


if __name__ == "__main__":
    main()
