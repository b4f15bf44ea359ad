"""Who took part in a study that excludes them from this one (`recruitment.block`).

A blocked study is the folder of that name beside this study's folder. A study that stands
elsewhere must be blocked by the platform's own filter.
"""

from __future__ import annotations

from experiments.store import Store, session_of_external
from protocols.study import Study


class Elsewhere:
    """The studies beside this one whose participants may not take part."""

    def __init__(self, study: Study, names: tuple[str, ...]) -> None:
        """`names`: folders of studies, beside the folder of `study`."""
        files = [study.folder.resolve().parent / name / "data" / "web.sqlite" for name in names]
        self.files = [file for file in files if file.is_file()]

    def __call__(self, external: str) -> bool:
        """Whether `external` has started one of them."""
        for file in self.files:
            store = Store(file)
            with store.read() as db:
                found = session_of_external(db, external)
            store.close()
            if found is not None:
                return True
        return False
