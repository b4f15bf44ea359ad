"""`mien study serve`: run the study's server until it is stopped, then export the tables."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from experiments.errors import StudyError
from experiments.export import export
from experiments.recruitment.platforms import needs_id, parameters
from experiments.server import make_app, warn_of_codes
from protocols.study import Study


def serve(
    study: Study, host: str = "127.0.0.1", port: int = 8000, tell: Callable[[str], object] = str,
    database: str | None = None,
) -> None:  # fmt: skip
    """Serve `study`; `tell` gets the address. Blocks until interrupted, then exports.

    Args:
        study: a study that has been built.
        host: address to listen on.
        port: port; 0 takes a free one.
        tell: called with each line for the researcher.
        database: address of a PostgreSQL database, for a new study; else sessions are in a file.

    Raises:
        StudyError: the study is not built, or the port is taken.
    """
    app = make_app(study, database=database)
    listening = _listen(host, port)
    port = listening.getsockname()[1]
    protocol = study.protocol()
    warn_of_codes(protocol, tell)
    recruitment = protocol.recruitment
    name = parameters(recruitment).participant
    tell(f"http://{host}:{port}/" + (f"?{name}=try-out" if needs_id(recruitment) else ""))
    tell("Ctrl-C stops the server; every answer is stored as it comes")
    config = uvicorn.Config(
        app, access_log=False, log_level="warning", server_header=False, proxy_headers=False
    )
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        pass  # uvicorn has shut down in order, and passes the signal on
    finally:
        listening.close()
        for path in export(study):
            tell(str(path))


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
