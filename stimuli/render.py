"""Rendering in batches, on one or several processes, with the same bytes in every case.

Stimuli of one identity are rendered together, because a generator keeps what it has prepared for
the identity; those that differ in modality alone go together whatever the batch size, because they
share one film. Each file depends on its own recipe alone, so neither batches nor processes can be
seen in the bytes.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from protocols.filming import MODALITIES
from protocols.protocol import Protocol
from stimuli.generators import origin_of
from stimuli.looks.pictures import Stage, make_pictures
from stimuli.media import write_stimulus
from stimuli.processes import in_processes
from stimuli.stimulus import Stimulus, without_modality


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
    """Stimuli in batches of at most `batch_size`, identity by identity; clips one by one."""
    filmed = protocol.stimuli.films
    groups: dict[tuple[object, ...], list[Stimulus]] = {}
    for stimulus in stimuli:
        key = without_modality(stimulus) if filmed else (stimulus.identity,)
        groups.setdefault(key, []).append(stimulus)
    batch_size = max(batch_size, len(MODALITIES)) if filmed else batch_size
    return [
        Job(protocol, tuple(group[i : i + batch_size]), folder, cache, stage or Stage())
        for group in groups.values()
        for i in range(0, len(group), batch_size)
    ]


def render_all(jobs: Sequence[Job], workers: int, clock: Clock) -> Iterator[int]:
    """Render and write every job; yields the number of stimuli written, as they are written."""
    for done in in_processes(run, jobs, workers):
        yield _count(done, clock)


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
        write_stimulus(
            job.folder, stimulus.id, rendered, generator.recipe(stimulus),
            origin_of(generator, stimulus).note,
        )  # fmt: skip
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
    key = (job.protocol.stimuli, job.protocol.seed, job.cache, job.stage)
    if _KEPT.get("key") != key:
        _KEPT.update(key=key, generator=make_pictures(job.protocol, job.cache, job.stage))
    return _KEPT["generator"]


def _count(done: tuple[int, Clock], clock: Clock) -> int:
    clock.add(done[1])
    return done[0]
