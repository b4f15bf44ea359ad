"""Work spread over processes: results in order, a bounded queue, and nobody left behind.

Workers are started afresh (fork is unsafe beside numba's threads), so what is sent to them and
back is pickled. Ctrl-C is the parent's business: whatever ends its work ends theirs at once, as
does its own end by kill -9. So what they write, they write whole or not at all.

They learn of it by a pipe through which nothing is ever said: it ends when the parent closes it, or
ends itself. (To set an event of multiprocessing waits for all who listen, also for one that has
been killed for want of memory: for ever.)
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TypeVar

from protocols.errors import UserError

Job = TypeVar("Job")
Result = TypeVar("Result")


def in_processes(
    work: Callable[[Job], Result], jobs: Sequence[Job], workers: int
) -> Generator[Result]:
    """What `work` makes of each job, in order; in this process if there is one worker or job.

    work: a function of a module, for it is named to the workers. Memory does not grow with the
    number of jobs.

    Raises:
        UserError: a process ended in the middle of its work.
    """
    if workers <= 1 or len(jobs) <= 1:
        yield from map(work, jobs)
        return
    context = multiprocessing.get_context("spawn")
    listening, held = context.Pipe(duplex=False)
    settings = (min(workers, len(jobs)), context, _follow_the_parent, (listening,))
    with listening, held, ProcessPoolExecutor(*settings) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for job in jobs:
                waiting.append(pool.submit(work, job))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise UserError(
                "a process ended in the middle of its work: too little memory (take fewer "
                "--workers), or something that breaks what reads it (with --workers 1 the command "
                "ends at it); the same command goes on where it stopped"
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            held.close()  # ends the workers: a job may take a minute
            raise


def free_threads() -> int | None:
    """1 in a worker, beside which others work; None, all that there are, anywhere else."""
    return None if multiprocessing.parent_process() is None else 1


def _follow_the_parent(listening: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(listening,), daemon=True).start()


def _end_with(listening: Connection) -> None:
    with suppress(EOFError, OSError):
        listening.recv_bytes()
    os._exit(1)
