"""`mien study serve`: run the study's server until it is stopped, then export the tables."""

from __future__ import annotations

import gc
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn

from experiments.admin.access import new_token, token_hash
from experiments.admin.office import Office
from experiments.blocking import not_beside
from experiments.errors import StudyError
from experiments.export import export
from experiments.recruitment.platforms import needs_id, parameters
from experiments.server import make_app, warn_of_codes
from protocols.study import Study

IDLE_S = 75  # an idle connection is kept for longer than proxies keep it (nginx: 60 s)
MOST_FILES = 65_536  # open at once: each participant keeps a connection or two
GRACE_S = 20  # seconds that open requests have to end when the server is stopped


def serve(
    study: Study, host: str = "127.0.0.1", port: int = 8000, tell: Callable[[str], object] = str,
    database: str | None = None, behind_proxy: bool = False,
) -> None:  # fmt: skip
    """Serve `study`; `tell` gets the address. Blocks until stopped (SIGINT, SIGTERM), then exports.

    When stopped it takes no new connections, and lets open requests end.

    Args:
        study: a study that has been built.
        host: address to listen on.
        port: port; 0 takes a free one.
        tell: called with each line for the researcher.
        database: address of a PostgreSQL database, for a new study; else sessions are in a file.
        behind_proxy: whether a proxy stands in front and says who asks (X-Forwarded-For).

    Raises:
        StudyError: the study is not built, or the port is taken.
    """
    app = make_app(study, database=database, behind_proxy=behind_proxy)
    desk = app.state.reception
    Office(study, desk, app.state.visitors).open(app)
    _allow_connections()
    listening = _listen(host, port)
    port = listening.getsockname()[1]
    protocol = study.protocol()
    warn_of_codes(protocol, tell)
    recruitment = protocol.recruitment
    for line in not_beside(study, recruitment.block):
        tell(f"warning: {line}")
    name = parameters(recruitment).participant
    tell(f"http://{host}:{port}/" + (f"?{name}=try-out" if needs_id(recruitment) else ""))
    tell(f"admin page: http://{host}:{port}/admin")
    tell_token(study, desk.store, tell)
    config = uvicorn.Config(
        app, access_log=False, log_level="warning", server_header=False, proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S, timeout_keep_alive=IDLE_S,
    )  # fmt: skip
    server = uvicorn.Server(config)
    try:
        with _what_stays_left_alone(), _ended_by_terminating(server):
            tell("Ctrl-C stops the server; every answer is stored as it comes")
            server.run(sockets=[listening])
    except KeyboardInterrupt:
        pass  # uvicorn has shut down in order, and passes the signal on
    finally:
        listening.close()
        for path in export(study):
            tell(str(path))


def tell_token(study: Study, store: Any, tell: Callable[[str], object]) -> None:
    """Make the admin page's token and show it, once, to a person; a log is no place for it."""
    if token_hash(store) is not None:
        tell(f"its token was shown when it was made; a new one: mien study token {study.folder}")
    elif sys.stdout.isatty():
        tell(f"its token, shown this once: {new_token(store)}")
    else:
        tell(f"it has no token yet; make one with: mien study token {study.folder}")


def _allow_connections() -> None:
    """Have as many open files as the system grants: 1,000 people need more than the usual 1,024."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # some systems grant less than they say
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextmanager
def _ended_by_terminating(server: uvicorn.Server) -> Iterator[None]:
    """SIGTERM ends the server as Ctrl-C does, also while it starts; what comes after it is done.

    An error that the handler raised might be lost: Python drops those of finalisers.
    """

    def end(_signal: int, _frame: object) -> None:
        server.should_exit = True

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _what_stays_left_alone() -> Iterator[None]:
    """Python does not look again and again for waste in the plan: a tenth of a second each time."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise StudyError(
            f"{host}:{port}: {error.strerror}; choose another port with --port"
        ) from None
    listening.listen()  # from now on visitors wait for the server rather than being turned away
    return listening
