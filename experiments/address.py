"""The address of a PostgreSQL database, whose password is never shown and never stored."""

from __future__ import annotations

import os
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from experiments.errors import StudyError

VARIABLE = "MIEN_DATABASE"  # the environment's: an address with its password
EXAMPLE = "postgresql://user@host/database"
NAMES = ("postgresql", "postgres", "postgresql+psycopg")
SECRETS = ("password", "sslpassword")  # of an address's query


@dataclass(frozen=True)
class Address:
    """One address; `str` of it has no secret."""

    url: URL

    @classmethod
    def read(cls, text: str) -> Address:
        """The address that `text` writes.

        Raises:
            StudyError: it is none of a PostgreSQL database.
        """
        try:
            url = make_url(text)
        except (sa.exc.ArgumentError, ValueError):
            raise StudyError(f"the database's address cannot be read; write {EXAMPLE}") from None
        if url.drivername not in NAMES or not url.database:
            shown = f"{url.drivername}://…"
            raise StudyError(f"{shown}: is no address of a PostgreSQL database; write {EXAMPLE}")
        return cls(url.set(drivername="postgresql+psycopg"))

    def __str__(self) -> str:
        """The address without its secrets, as PostgreSQL's own programs write it."""
        url = self.url
        kept = {key: value for key, value in url.query.items() if key not in SECRETS}
        open_to_all = URL.create(
            "postgresql", url.username, None, url.host, url.port, url.database, kept
        )
        return open_to_all.render_as_string()

    def same(self, other: Address) -> bool:
        """Whether both lead to one database, whoever opens it."""
        return self._place() == other._place()

    def with_secrets(self) -> Address:
        """The same database as the environment opens it, where its variable names this one."""
        text = os.environ.get(VARIABLE)
        known = Address.read(text) if text else self
        return known if known.same(self) else self

    def _place(self) -> tuple[object, ...]:
        url = self.url
        asked = {key: value for key, value in url.query.items() if key in ("host", "port")}
        return url.host, url.port or 5432, url.database, asked
