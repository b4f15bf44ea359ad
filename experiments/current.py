"""The tables as the sessions stand now: what the verbs that read them call first.

A server exports only when it stops. Tables without sessions, those of imports alone among them,
are left as they are.
"""

from __future__ import annotations

import sqlalchemy as sa

from experiments.database import SOURCES, database_of, sources_of
from experiments.errors import StudyError
from experiments.export import export
from experiments.importing import imports
from experiments.static.sessions import brought
from experiments.store import SESSIONS, Store
from protocols.study import Study
from protocols.tables import read_words


def bring_up_to_date(study: Study) -> list[str]:
    """Export if anybody has taken part; lines for the researcher where tables stay as they are.

    Raises:
        StudyError: the sessions cannot be read, and there is no earlier table.
    """
    try:
        if any(_anybody(study, source) for source in sources_of(study)):
            export(study)
            return []
    except StudyError as error:
        if not study.ratings_file.is_file():
            raise
        return [f"{error}", f"{study.ratings_file}: stays as it was last written"]
    return _without_sessions(study)


def _anybody(study: Study, source: str) -> bool:
    store = Store(database_of(study, source))
    try:
        with store.read() as db:
            return bool(db.scalar(sa.select(sa.func.count()).select_from(SESSIONS)))
    finally:
        store.close()


def _without_sessions(study: Study) -> list[str]:
    """A line where ratings of served sessions stand in a study that holds no session."""
    if not study.ratings_file.is_file():
        return []
    known = {one.source for one in imports(study)} | ({"web"} if brought(study) else set())
    there = set(read_words(study.ratings_file, ",")["source"])
    gone = [source for source in SOURCES if source in there - known]
    if not gone:
        return []
    return [
        f"{study.ratings_file}: has answers from {' and '.join(gone)}, but {study.data} holds no "
        f"such session; if they are left from a try-out, move {study.ratings_file.name} and "
        f"{study.participants_file.name} away"
    ]
