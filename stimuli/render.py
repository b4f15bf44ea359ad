"""Rendering in batches, on one or several processes, with the same bytes in every case.

Stimuli of one identity are rendered together, because a generator keeps what it has prepared for
the identity; each picture depends on its own recipe alone, so neither batches nor processes can
be seen in the bytes.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from protocols.protocol import Protocol
from stimuli.looks.pictures import Stage, make_pictures
from stimuli.media import write_picture
from stimuli.stimulus import Stimulus


@dataclass
class Clock:
    """Where the time goes (seconds, summed over processes) and the most memory one process had."""

    prepare: float = 0.0
    render: float = 0.0
    write: float = 0.0
    peak_mb: dict[int, float] = field(default_factory=dict)  # process id -> MB

    def add(self, other: Clock) -> None:
        """Add another process's times; keep the larger memory of each."""
        self.prepare += other.prepare
        self.render += other.render
        self.write += other.write
        for process, peak in other.peak_mb.items():
            self.peak_mb[process] = max(peak, self.peak_mb.get(process, 0.0))


@dataclass(frozen=True)
class Job:
    """A batch of stimuli of one identity, and where they go."""

    protocol: Protocol
    stimuli: tuple[Stimulus, ...]
    folder: Path
    cache: Path | None
    stage: Stage = Stage()


def batches(
    protocol: Protocol,
    stimuli: Sequence[Stimulus],
    folder: Path,
    batch_size: int,
    cache: Path | None,
    stage: Stage | None = None,
) -> list[Job]:
    """Stimuli in batches of at most `batch_size`, identity by identity."""
    groups: dict[str, list[Stimulus]] = {}
    for stimulus in stimuli:
        groups.setdefault(stimulus.identity, []).append(stimulus)
    return [
        Job(protocol, tuple(group[i : i + batch_size]), folder, cache, stage or Stage())
        for group in groups.values()
        for i in range(0, len(group), batch_size)
    ]


def render_all(jobs: Sequence[Job], workers: int, clock: Clock) -> Iterator[int]:
    """Render and write every job; yields the number of stimuli written, as they are written."""
    if workers <= 1 or len(jobs) <= 1:
        for job in jobs:
            yield _count(run(job), clock)
        return
    context = multiprocessing.get_context("spawn")  # fork is unsafe beside numba's threads
    with ProcessPoolExecutor(
        min(workers, len(jobs)), mp_context=context, initializer=_follow_the_parent
    ) as pool:
        waiting: deque[Future[tuple[int, Clock]]] = deque()
        try:
            for job in jobs:
                waiting.append(pool.submit(run, job))
                if len(waiting) > 2 * workers:  # a bounded queue: constant memory for any number
                    yield _count(waiting.popleft().result(), clock)
            while waiting:
                yield _count(waiting.popleft().result(), clock)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _follow_the_parent() -> None:
    """In a worker: leave Ctrl-C to the parent, and end when the parent is gone (kill -9 too)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def run(job: Job) -> tuple[int, Clock]:
    """Render and write one batch; returns how many, and the times."""
    clock = Clock()
    start = time.perf_counter()
    generator = _generator(job)
    clock.prepare += time.perf_counter() - start
    pictures = generator.render(job.stimuli)
    for stimulus in job.stimuli:
        start = time.perf_counter()
        rendered = next(pictures)
        middle = time.perf_counter()
        write_picture(
            job.folder, stimulus.id, rendered, generator.recipe(stimulus), generator.origin.note
        )
        clock.render += middle - start
        clock.write += time.perf_counter() - middle
    clock.peak_mb[multiprocessing.current_process().pid or 0] = peak_memory()
    return len(job.stimuli), clock


def peak_memory() -> float:
    """The most memory this process has had, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


_KEPT: dict[str, Any] = {}  # the generator of this process, with what it has prepared


def _generator(job: Job) -> Any:
    key = (job.protocol.stimuli, job.cache, job.stage)
    if _KEPT.get("key") != key:
        _KEPT.update(key=key, generator=make_pictures(job.protocol, job.cache, job.stage))
    return _KEPT["generator"]


def _count(done: tuple[int, Clock], clock: Clock) -> int:
    clock.add(done[1])
    return done[0]
