"""Units of work, prepared one after the other or on several processes; each into its own part."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from protocols.errors import UserError
from stimuli.corpora.arrays.clip import Source, prepare_clip
from stimuli.corpora.arrays.settings import ArraySettings
from stimuli.corpora.arrays.store import RESULTS, has_part, new_part
from stimuli.corpora.arrays.track import Detector

AHEAD = 3  # units per process that may wait for their turn


@dataclass(frozen=True)
class Job:
    """What every unit of work has in common."""

    parts: Path
    root: Path
    settings: ArraySettings
    detect: Detector


def done_in_order(
    job: Job, units: Sequence[tuple[int, Sequence[Source]]], workers: int
) -> Generator[int]:
    """Prepare units (number, clips) that have no part yet; yields each number when it has one.

    Raises:
        UserError: a process ended in the middle of its work.
    """
    if workers <= 1 or len(units) <= 1:
        for unit, sources in units:
            if not has_part(job.parts, unit):
                prepare_unit(job, unit, sources)
            yield unit
        return
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_follow_the_parent) as pool:
        waiting: deque[tuple[int, Future[None] | None]] = deque()
        try:
            for unit, sources in units:
                there = has_part(job.parts, unit)
                waiting.append((unit, None if there else pool.submit(prepare_unit, job, unit,
                                                                     sources)))  # fmt: skip
                if len(waiting) > AHEAD * workers:
                    yield _when_done(*waiting.popleft())
            while waiting:
                yield _when_done(*waiting.popleft())
        except BrokenProcessPool:
            raise UserError(
                "a process ended in the middle of its work: too little memory (take fewer "
                "--workers), or a file that breaks its decoder (with --workers 1 it is the clip "
                "at which the command ends); the same command goes on where it stopped"
            ) from None
        except BaseException:  # Ctrl-C too: what runs now is done again, so nobody waits for it
            pool.shutdown(wait=False, cancel_futures=True)
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            raise


def _when_done(unit: int, future: Future[None] | None) -> int:
    if future is not None:
        future.result()
    return unit


def prepare_unit(job: Job, unit: int, sources: Sequence[Source]) -> None:
    """Prepare the clips of one unit into a part of its own."""
    with new_part(job.parts, unit) as files:
        results = [
            prepare_clip(source, job.root, job.settings, job.detect, files) for source in sources
        ]
        files[RESULTS].write(json.dumps([asdict(result) for result in results]).encode())


def _follow_the_parent() -> None:
    """In a worker: leave Ctrl-C to the parent, and end when the parent is gone (kill -9 too)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)
