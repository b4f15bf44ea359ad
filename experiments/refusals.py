"""What the server refused, in its log: how often, and at which address of its own.

One line for each kind of refusal, and no more than one a minute, so that nobody can fill the disk.
Nothing of the request itself is written: no address, no name of a browser, no id, no text.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

LOG = logging.getLogger("mien")
SEEN = (400, 403, 404, 405, 413, 422, 429, 500)  # 409 is no fault: full, or not complete yet
EVERY_S = 60.0
FOLDERS = ("api", "media", "static", "jspsych", "admin")
API = ("start", "resume", "answers", "complete", "withdraw", "health")


class Refusals:
    """Counts what is refused; `tell` gets a line, `clock` gives seconds."""

    def __init__(
        self,
        tell: Callable[[str], object] = LOG.warning,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nothing refused."""
        self.tell, self.clock = tell, clock
        self.counted: dict[tuple[int, str], tuple[int, float]] = {}  # kind -> untold, told when

    def note(self, status: int, path: str) -> None:
        """Count an answer of the server, if it is a refusal."""
        if status not in SEEN:
            return
        kind = status, _place(path)
        untold, told = self.counted.get(kind, (0, float("-inf")))
        untold, now = untold + 1, self.clock()
        if now - told >= EVERY_S:
            times = "once" if untold == 1 else f"{untold} times"
            self.tell(f"refused {times}: {status} at {kind[1]}")
            untold, told = 0, now
        self.counted[kind] = untold, told


def _place(path: str) -> str:
    """An address of ours, never what was asked for word by word."""
    first, _, rest = path.strip("/").partition("/")
    if first not in FOLDERS:
        return "another address"
    return f"/api/{rest}" if first == "api" and rest in API else f"/{first}/…"
