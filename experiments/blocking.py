"""Who took part in a study that excludes them from this one (`recruitment.block`).

A blocked study is the folder of that name beside this study's folder. A study that stands
elsewhere must be blocked by the platform's own filter.
"""

from __future__ import annotations

from experiments.database import database_of, holds_sessions
from experiments.store import Store, session_of_external
from protocols.study import Study


class Elsewhere:
    """The studies beside this one whose participants may not take part."""

    def __init__(self, study: Study, names: tuple[str, ...]) -> None:
        """`names`: folders of studies, beside the folder of `study`; they stay open."""
        beside = [Study(study.folder.resolve().parent / name) for name in names]
        self.stores = [
            Store(database_of(one, "web")) for one in beside if holds_sessions(one, "web")
        ]

    def __call__(self, external: str) -> bool:
        """Whether `external` has started one of them."""
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
