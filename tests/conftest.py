"""What tests of the study's server share: each runs with SQLite and with PostgreSQL."""

from __future__ import annotations

import pytest

from tests import postgresql


@pytest.fixture(scope="session")
def cluster():
    """A PostgreSQL server of this run."""
    if reason := postgresql.why_not():
        pytest.skip(reason)
    running = postgresql.Cluster()
    yield running
    running.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, monkeypatch):
    """Address for new sessions: None for a file; PostgreSQL is emptied after each test."""
    if request.param == "sqlite":
        yield None
        return
    cluster = request.getfixturevalue("cluster")
    monkeypatch.setenv("MIEN_DATABASE", cluster.url)
    yield cluster.url
    cluster.empty()
