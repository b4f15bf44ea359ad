"""Simulated studies over a grid of participants x items, on all cores, resumable.

Every simulation has random numbers of its own, from the seed, the size of the study and the number
of the simulation: neither the number of processes nor an interruption nor other cells of the grid
change a result. Only this process writes; the others simulate and fit.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.power.planned import analyse, models_of, rows_of, tests_of
from analysis.power.runs import FAILED, Key, Row, Runs
from analysis.power.source import Prepared, Source
from analysis.problems import AnalysisError
from protocols.mixed_models import MixedModel
from protocols.protocol import Protocol

AT_A_TIME = 4  # simulations in one task of a worker
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS",
           "NUMBA_NUM_THREADS")  # fmt: skip
Size = tuple[int, int]  # participants, items
Progress = Callable[[int, int], None]  # (simulations done, simulations in all)


@dataclass(frozen=True)
class Grid:
    """The sizes to try, and how many studies to simulate of each."""

    participants: tuple[int, ...]
    items: tuple[int, ...]
    simulations: int

    @property
    def sizes(self) -> list[Size]:
        """Every participants x items."""
        return list(itertools.product(self.participants, self.items))

    @property
    def keys(self) -> list[Key]:
        """Every simulation, all sizes in turn, so that an interruption leaves some of each."""
        numbers = range(1, self.simulations + 1)
        return [(*size, number) for number in numbers for size in self.sizes]


@dataclass(frozen=True)
class Work:
    """All that a simulation needs; travels to every worker once."""

    protocol: Protocol
    source: Source
    trials: Mapping[Size, pd.DataFrame]
    seed: int
    _prepared: dict[tuple[Size, str], tuple[pd.DataFrame, Prepared]] = field(
        default_factory=dict, compare=False
    )

    def prepared(self, size: Size, model: MixedModel) -> tuple[pd.DataFrame, Prepared]:
        """Trials of a model, and answers to them."""
        if (size, model.id) not in self._prepared:
            trials = rows_of(model, self.trials[size])
            self._prepared[size, model.id] = trials, self.source.prepare(trials, model)
        return self._prepared[size, model.id]

    def simulate(self, key: Key) -> list[Row]:
        """One study: every test of every planned model."""
        rows = [row for model in models_of(self.protocol) for row in self._one(key, model)]
        return [replace(row, rows=len(rows)) for row in rows]

    def _one(self, key: Key, model: MixedModel) -> list[Row]:
        trials, prepared = self.prepared(key[:2], model)
        # models of the same task analyse the same answers
        rng = np.random.default_rng([self.seed, *key, zlib.crc32(model.task.encode())])
        try:
            planned, used = analyse(self.protocol, model, trials, prepared.draw(rng))
            tests = tests_of(self.protocol, model, used)
        except (AnalysisError, np.linalg.LinAlgError) as error:
            reason = " ".join(str(error).split())
            return [Row(*key, model.id, FAILED, reason, np.nan, np.nan, 0, 0, 0)]
        singular = any(problem.code == "SINGULAR" for problem in planned.problems)
        converged = all(problem.code != "NOT_CONVERGED" for problem in used.problems)
        marks = int(singular), int(converged)
        return [Row(*key, t.model, t.kind, t.label, t.estimate, t.p, *marks, 0) for t in tests]


def simulate_all(
    work: Work, grid: Grid, runs: Runs, workers: int, progress: Progress | None = None
) -> None:
    """Simulate what is missing in `runs`; whatever is finished is kept if this is interrupted."""
    there = runs.done()
    missing = [key for key in grid.keys if key not in there]
    done = len(grid.keys) - len(missing)
    tasks = [missing[i : i + AT_A_TIME] for i in range(0, len(missing), AT_A_TIME)]
    for simulations in _results(work, tasks, workers):
        runs.add(simulations)
        done += len(simulations)
        if progress:
            progress(done, len(grid.keys))


def _results(work: Work, tasks: Sequence[Sequence[Key]], workers: int) -> Iterator[list[list[Row]]]:
    """The simulations of each task, as they come."""
    if workers == 0 or not tasks:
        for keys in tasks:
            yield [work.simulate(key) for key in keys]
        return
    context = multiprocessing.get_context("spawn")  # no locks or threads come along
    with (
        _one_thread_each(),
        ProcessPoolExecutor(
            min(workers, len(tasks)), mp_context=context, initializer=_begin, initargs=(work,)
        ) as pool,
    ):
        left = iter(tasks)
        try:
            waiting: set[Future[list[list[Row]]]] = {
                pool.submit(_run, keys) for keys in itertools.islice(left, 2 * workers)
            }
            while waiting:
                finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                waiting |= {pool.submit(_run, k) for k in itertools.islice(left, len(finished))}
                for one in finished:
                    yield one.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started inside have one thread each: as many processes as cores are enough."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_WORK: list[Work] = []  # of this worker


def _begin(work: Work) -> None:
    """In a worker: leave Ctrl-C to the parent, and end when the parent is gone (kill -9 too)."""
    _WORK[:] = [work]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _run(keys: Sequence[Key]) -> list[list[Row]]:
    return [_WORK[0].simulate(key) for key in keys]
