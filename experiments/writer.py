"""One thread that writes for everybody: who waits at the same time is stored in one commit.

A commit that is safe on the disk costs about as much for one answer as for fifty. Whoever sends
an answer hears of it only after the commit that holds it.

So a commit waits for company, but only where there is some: until as many have come as shared the
one before, and never for longer than a hundredth of a second or two. Who is alone never waits.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
MOST_TOGETHER = 64  # works in one commit: those who wait for it wait some hundredths of a second
PATIENCE_S = 0.02  # how long a commit waits for company
GLANCE_S = 0.002  # between two looks whether it has come; being woken by each costs more

_Work = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Writer:
    """Gathers works for a store."""

    def __init__(self, write_together: Callable[[Sequence[Callable[[], Any]]], list[Any]]) -> None:
        """`write_together`: see `experiments.store`. No thread is started before the first work."""
        self._write_together = write_together
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def write(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What `work(*args, **named)` returns or raises, once it is on the disk.

        `work` writes through `store.write()`. It is done once more, on its own, if the database
        failed: it must do no harm when done twice.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
            self._thread.start()
        told: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.put((partial(work, *args, **named), told))
        return await told

    def close(self) -> None:
        """Finish what was asked for, and stop."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        company = 0  # how many more shared the last commit
        while (first := self._waiting.get()) is not None:
            self._wait_for(company)
            group, last = [first], False
            while len(group) < MOST_TOGETHER and not last and not self._waiting.empty():
                following = self._waiting.get()
                if following is None:
                    last = True
                else:
                    group.append(following)
            self._store(group)
            if last:
                return
            company = len(group) - 1

    def _wait_for(self, company: int) -> None:
        until = time.monotonic() + PATIENCE_S
        while self._waiting.qsize() < company and time.monotonic() < until:
            time.sleep(GLANCE_S)

    def _store(self, group: list[_Work]) -> None:
        works = [work for work, _ in group]
        try:
            outcomes = self._write_together(works)
        except Exception:  # nobody's work may suffer for another's
            outcomes = [_alone(work) for work in works]
        told: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
        for (_, one), outcome in zip(group, outcomes, strict=True):
            told.setdefault(one.get_loop(), []).append((one, outcome))
        for loop, pairs in told.items():
            with suppress(RuntimeError):  # the loop has ended, and all who asked with it
                loop.call_soon_threadsafe(_tell, pairs)


def _alone(work: Callable[[], Any]) -> Any:
    """What a work returns or raises in a transaction of its own."""
    try:
        return work()
    except Exception as error:
        return error


def _tell(pairs: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for told, outcome in pairs:
        if told.done():  # whoever asked has gone; what they sent is stored
            continue
        if isinstance(outcome, Exception):
            told.set_exception(outcome)
        else:
            told.set_result(outcome)
