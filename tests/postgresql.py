"""A private PostgreSQL server for the tests: a folder of its own, a Unix socket, never as root."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

PASSWORD = "s3cret-of-the-tests"
PATIENCE = 60  # seconds until it answers


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`, or None."""
    found = shutil.which("initdb")
    here = [Path(found).resolve().parent] if found else []
    here += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((f for f in here if all((f / p).is_file() for p in ("initdb", "postgres"))), None)


def why_not() -> str | None:
    """Why there can be no server here, or None."""
    if not importlib.util.find_spec("psycopg"):
        return "PostgreSQL's driver is not installed (pip install psycopg[binary])"
    if programs() is None:
        return "PostgreSQL's server is not installed (apt-get install postgresql)"
    if _user() is None:
        return "PostgreSQL does not run as root, and there is no user postgres or nobody"
    return None


class Cluster:
    """One running server; `url` has the password in it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pg"))
        self.user = _user()
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if self.user:
            for path in (self.folder, password):
                shutil.chown(path, self.user)
        folder, bin_ = str(self.folder), programs()
        made = self._start(
            [f"{bin_}/initdb", "-D", f"{folder}/data", "-U", "mien", "-A", "scram-sha-256",
             f"--pwfile={password}", "-E", "UTF8", "--no-sync"],
        )  # fmt: skip
        assert made.wait() == 0, (self.folder / "log").read_text()
        self.url = f"postgresql://mien:{PASSWORD}@/postgres?host={folder}"
        self.server = self._start(
            [f"{bin_}/postgres", "-D", f"{folder}/data", "-k", folder, "-c", "listen_addresses=",
             "-c", "fsync=off"],
        )  # fmt: skip
        self.engine = sa.create_engine(self.url.replace("postgresql:", "postgresql+psycopg:"),
                                       isolation_level="AUTOCOMMIT")  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.run("SELECT 1")
                return
            except sa.exc.OperationalError:
                if self.server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.1)

    def run(self, statement: str) -> list[sa.Row]:
        with self.engine.connect() as db:
            done = db.exec_driver_sql(statement)
            return list(done) if done.returns_rows else []

    def empty(self) -> None:
        """Drop every study's schema, whoever still has it open."""
        self.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                 "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")  # fmt: skip
        for (name,) in self.run(r"SELECT nspname FROM pg_namespace WHERE nspname LIKE 'mien\_%%'"):
            self.run(f'DROP SCHEMA "{name}" CASCADE')

    def stop(self) -> None:
        self.engine.dispose()
        self.server.send_signal(signal.SIGQUIT)  # at once: nothing here is kept
        try:
            self.server.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, command: list[str]) -> subprocess.Popen:
        as_user: dict = {}
        if self.user:
            group = pwd.getpwnam(self.user).pw_gid
            as_user = {"user": self.user, "group": group, "extra_groups": []}
        with (self.folder / "log").open("a") as log:
            return subprocess.Popen(command, cwd="/", stdout=log, stderr=log, **as_user)


def _user() -> str | None:
    """Who runs the server: '' for ourselves."""
    if os.geteuid() != 0:
        return ""
    there = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in there), None)
