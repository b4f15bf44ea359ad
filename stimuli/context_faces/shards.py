"""What is made person by person: one file each, made once, by several processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from protocols.tables import write_whole
from stimuli.npz import npz
from stimuli.processes import in_processes

Progress = Callable[[int, int], None]  # (people done, all)


class ShardJob(Protocol):
    """One person's work, and the file that it ends in."""

    @property
    def path(self) -> Path:
        """The file."""
        ...


Job = TypeVar("Job", bound=ShardJob)


def make_missing(
    work: Callable[[Job], None], jobs: Sequence[Job], workers: int, progress: Progress | None
) -> list[Path]:
    """The files of all jobs; those that are there stay."""
    missing = [job for job in jobs if not job.path.is_file()]
    for done, _ in enumerate(in_processes(work, missing, workers), 1):
        if progress:
            progress(len(jobs) - len(missing) + done, len(jobs))
    return [job.path for job in jobs]


def write_shard(path: Path, **arrays) -> None:
    """One person's arrays, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, npz(**arrays))
