"""Work spread over processes: results in order, a bounded queue, and nobody left behind.

Workers are started afresh (fork is unsafe beside numba's threads), so what is sent to them and
back is pickled. Ctrl-C is the parent's business: whatever ends its work ends theirs at once, as
does its own end by kill -9. So what they write, they write whole or not at all.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


def in_processes(
    work: Callable[[Job], Result], jobs: Sequence[Job], workers: int
) -> Iterator[Result]:
    """What `work` makes of each job, in order; in this process if there is one worker or job.

    work: a function of a module, for it is named to the workers. Memory does not grow with the
    number of jobs.
    """
    if workers <= 1 or len(jobs) <= 1:
        yield from map(work, jobs)
        return
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    with ProcessPoolExecutor(min(workers, len(jobs)), context, _follow_the_parent, (stop,)) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for job in jobs:
                waiting.append(pool.submit(work, job))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            stop.set()  # a job may take a minute
            raise


def free_threads() -> int | None:
    """1 in a worker, beside which others work; None, all that there are, anywhere else."""
    return None if multiprocessing.parent_process() is None else 1


def _follow_the_parent(stop: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None
    for wait in (parent.join, stop.wait):
        threading.Thread(target=_end_after, args=(wait,), daemon=True).start()


def _end_after(wait: Callable[[], object]) -> None:
    wait()
    os._exit(1)
