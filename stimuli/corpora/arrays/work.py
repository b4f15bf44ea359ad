"""Units of work: the clips of each prepared into a part of its own, here or in other processes."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from pathlib import Path

from protocols.errors import UserError
from stimuli.corpora.arrays.clip import Source, prepare_clip
from stimuli.corpora.arrays.settings import ArraySettings
from stimuli.corpora.arrays.store import RESULTS, has_part, new_part
from stimuli.corpora.arrays.track import Detector
from stimuli.processes import in_processes


@dataclass(frozen=True)
class Job:
    """A unit of clips: where its part goes, where its files are, and how it is prepared."""

    unit: int
    sources: Sequence[Source]
    parts: Path
    root: Path
    settings: ArraySettings
    detect: Detector


def done_in_order(jobs: Sequence[Job], workers: int) -> Generator[int]:
    """Prepare the jobs that have no part yet; yields the number of each unit when it has one.

    Raises:
        UserError: a process ended in the middle of its work.
    """
    try:
        yield from in_processes(prepare_unit, jobs, workers)
    except BrokenProcessPool:
        raise UserError(
            "a process ended in the middle of its work: too little memory (take fewer --workers), "
            "or a file that breaks its decoder (with --workers 1 the command ends at it); the same "
            "command goes on where it stopped"
        ) from None


def prepare_unit(job: Job) -> int:
    """Prepare the clips of one unit into a part of its own, unless it is there; its number."""
    if not has_part(job.parts, job.unit):
        with new_part(job.parts, job.unit) as files:
            results = [
                prepare_clip(source, job.root, job.settings, job.detect, files)
                for source in job.sources
            ]
            files[RESULTS].write(json.dumps([asdict(result) for result in results]).encode())
    return job.unit
