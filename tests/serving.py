"""A study served by a real uvicorn: in a process that can be killed, or fast in a thread."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI

from experiments.build import build_web
from experiments.export import export
from experiments.server import make_app
from protocols.study import Study
from tests.small_study import make_study

ROOT = Path(__file__).parents[1]
PROGRAM = """
import os, sys
from pathlib import Path
from experiments.serve import serve
from protocols.study import Study
address = os.environ.get("MIEN_DATABASE")
serve(Study(Path(sys.argv[1])), port=int(sys.argv[2]), database=address)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Serving:
    """`mien study serve` in a process of its own."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder, self.port = folder, port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder.parent / f"server-{self.port}.log"
        self.start()

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(self.folder), str(self.port)],
                cwd=ROOT, stdout=log, stderr=log, env=os.environ | {"PYTHONPATH": str(ROOT)},
            )  # fmt: skip
        deadline = time.monotonic() + 120
        while True:
            try:
                httpx.get(f"{self.url}/api/health", timeout=1).raise_for_status()
                return
            except httpx.TransportError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self.log.read_text()) from None
                time.sleep(0.1)

    def kill(self) -> None:
        """kill -9: no chance to tidy up."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ctrl-C: shuts down in order and exports."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=20)

    def __enter__(self) -> Serving:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class ServingHere:
    """The same server in a thread of this process; `stop` exports."""

    def __init__(self, study: Study) -> None:
        self.study, self.port = study, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def make(self) -> FastAPI:
        """What is served."""
        return make_app(self.study)

    def start(self) -> None:
        self.app = self.make()
        self.server = uvicorn.Server(
            uvicorn.Config(self.app, port=self.port, access_log=False, log_level="warning",
                           timeout_graceful_shutdown=1)
        )  # fmt: skip
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.02)

    def stop(self) -> None:
        if self.thread.is_alive():
            self.server.should_exit = True
            self.thread.join(timeout=20)
            export(self.study)


@contextmanager
def served(folder: Path, shortest: str) -> Iterator[Callable[..., tuple[Study, ServingHere]]]:
    """What makes a study of a text (or of `shortest`) in `folder`, changes, builds and serves it.

    Everything is stopped in the end.
    """
    running = []

    def start(
        text: str = shortest, change: Callable[[Study], object] = lambda study: None
    ) -> tuple[Study, ServingHere]:
        study = make_study(folder / "study", text)
        change(study)
        build_web(study)
        running.append(ServingHere(study))
        return study, running[-1]

    try:
        yield start
    finally:
        for serving in running:
            serving.stop()
