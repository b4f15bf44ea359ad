"""Who took part in a study that excludes them from this one (`recruitment.block`).

A blocked study is the folder of that name beside this study's folder. A study that stands
elsewhere must be blocked by the platform's own filter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from experiments.database import database_of, holds_sessions
from experiments.store import Store, session_of_external
from protocols.study import Study


class Elsewhere:
    """The studies beside this one whose participants may not take part."""

    def __init__(self, study: Study, names: tuple[str, ...]) -> None:
        """`names`: folders of studies, beside the folder of `study`; once opened they stay open."""
        self.waiting = [study.beside(name) for name in names]  # nobody has started them yet
        self.stores: list[Store] = []
        self._open()

    def __call__(self, external: str) -> bool:
        """Whether `external` has started one of them."""
        self._open()
        for store in self.stores:
            with store.read() as db:
                found = session_of_external(db, external)
            if found is not None:
                return True
        return False

    def close(self) -> None:
        """Close every store."""
        for store in self.stores:
            store.close()

    def _open(self) -> None:
        """Open those that have got their first sessions since."""
        for one in list(self.waiting):
            if holds_sessions(one, "web"):
                self.stores.append(Store(database_of(one, "web")))
                self.waiting.remove(one)


def not_beside(study: Study, names: Iterable[str]) -> Iterator[str]:
    """A line for each of `names` that is no study beside `study`, so that it blocks nobody."""
    for name in names:
        if not study.beside(name).protocol_file.is_file():
            yield f"block {name}: no such study beside this one"
