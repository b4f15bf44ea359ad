"""Simulated participants in a real browser: they click through the built pages, from consent on.

Chromium, driven by Selenium, visits the study's own server at an address of this machine, and
reaches no other one.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from experiments.clicks import Visit
from experiments.errors import StudyError
from experiments.reception import Reception
from experiments.recruitment.platforms import parameters
from experiments.respondent import Respondent
from experiments.store import session_of_external

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--mute-audio",
         "--window-size=1400,1200")  # fmt: skip
LOOK_S = 0.03  # between two looks at the server


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The address at which `app` is served, in a thread of this process."""
    config = uvicorn.Config(app, port=0, access_log=False, log_level="warning", lifespan="off",
                            timeout_graceful_shutdown=1)  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(LOOK_S)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser with a profile of its own; it reaches no other machine.

    Raises:
        StudyError: Selenium, Chromium or its driver is not installed.
    """
    browser, driver = next(filter(None, map(shutil.which, BROWSERS)), None), "chromedriver"
    try:
        from selenium import webdriver
    except ImportError:
        raise StudyError("--browsers needs Selenium: pip install selenium") from None
    if browser is None or shutil.which(driver) is None:
        raise StudyError(f"--browsers needs Chromium and {driver}, on the PATH")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}",
                     "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"):  # fmt: skip
            options.add_argument(flag)
        service = webdriver.ChromeService(shutil.which(driver))
        running = webdriver.Chrome(options=options, service=service)
        try:
            yield running
        finally:
            running.quit()


def play_in_browser(
    app: FastAPI, people: Mapping[str, Respondent], begin: Callable[[str], object]
) -> None:
    """Let `people` (platform id -> who) take part in Chromium, one after the other.

    Args:
        app: the server of the simulation, with its pages.
        people: platform id -> participant.
        begin: called with the id of each before they open the page.

    Raises:
        StudyError: no browser, or a page that does not do what the plan says.
    """
    desk: Reception = app.state.reception
    name = parameters(desk.protocol.recruitment).participant
    with serving(app) as address, chromium() as browser:
        for external, one in people.items():
            begin(external)

            def slot(external: str = external) -> int:
                with desk.store.read() as db:
                    session = session_of_external(db, external)
                assert session is not None  # the page has begun
                return session.slot

            if not Visit(browser, desk, one).play(f"{address}?{name}={external}", slot):
                return
