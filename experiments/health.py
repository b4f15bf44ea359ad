"""Whether the server can do its work: its store is there and answers in time."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from pathlib import Path

import sqlalchemy as sa

from experiments.store import ABOUT, Store

WITHIN_S = 2.0  # seconds that a read may take


class Pulse:
    """Reads from the store when asked; a read that hangs is waited for once, by one thread."""

    def __init__(self, store: Store, within_s: float = WITHIN_S) -> None:
        """Of `store`."""
        self.store, self.within_s = store, within_s
        self.reading: Future[None] | None = None

    async def beats(self) -> bool:
        """Whether the store answered within the time."""
        if self.reading is None or self.reading.done():
            self.reading = Future()
            threading.Thread(target=self._read, args=(self.reading,), daemon=True).start()
        try:
            await asyncio.wait_for(asyncio.wrap_future(self.reading), self.within_s)
        except (TimeoutError, OSError, sa.exc.SQLAlchemyError):
            return False
        return True

    def _read(self, reading: Future[None]) -> None:
        reading.set_running_or_notify_cancel()  # from now on nobody can cancel it
        try:
            where = self.store.engine.url
            if where.get_backend_name() == "sqlite" and not Path(where.database or "").is_file():
                raise FileNotFoundError  # an open file that was deleted still lets itself be read
            with self.store.read() as db:
                db.execute(sa.select(ABOUT).limit(1)).all()
        except Exception as error:
            reading.set_exception(error)
        else:
            reading.set_result(None)
