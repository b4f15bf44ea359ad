"""`mien study status` and `mien study token`: the store of a study that may be running or not."""

from __future__ import annotations

import json
import time
from dataclasses import asdict

from rich.console import Console
from rich.live import Live

from experiments.admin.access import new_token
from experiments.admin.observer import Observer
from experiments.admin.overview import Overview
from experiments.admin.terminal import rendered
from experiments.database import SOURCES, holds_sessions, sources_of
from experiments.errors import StudyError
from experiments.plan import read_plan
from experiments.server import open_store
from protocols.study import Study

EVERY_S = 5.0  # seconds between two looks


def looks(
    study: Study, source: str | None, console: Console, *, as_json: bool, watch: bool
) -> None:
    """Print how the study stands, once or again and again until Ctrl-C."""
    observer = observer_of(study, source)
    try:
        if as_json:
            console.print(line_of(observer.look()), markup=False, soft_wrap=True)
            while watch:
                time.sleep(EVERY_S)
                console.print(line_of(observer.look()), markup=False, soft_wrap=True)
        elif watch:
            with Live(rendered(observer.look(), observer.protocol), console=console) as live:
                while True:
                    time.sleep(EVERY_S)
                    live.update(rendered(observer.look(), observer.protocol))
        else:
            overview = observer.look()
            console.print(rendered(overview, observer.protocol))
            simulated = overview.source == "web" and holds_sessions(study, "simulation")
            if source is None and overview.last_sign is None and simulated:
                console.print("nobody has begun yet; simulated participants: --source simulation")
    except KeyboardInterrupt:
        pass
    finally:
        observer.store.close()


def observer_of(study: Study, source: str | None = None) -> Observer:
    """Who looks at the study's sessions: of the web, or where there are none, simulated ones.

    Raises:
        StudyError: nobody has begun, or the data belong to another plan.
    """
    protocol = study.protocol()
    plan = read_plan(study, protocol)
    if source not in (None, *SOURCES):
        raise StudyError(f"--source: found '{source}'; accepted: {', '.join(SOURCES)}")
    found = sources_of(study)
    if source not in (None, *found) or not found:
        raise StudyError(
            f"{study.data}: no sessions{f' of {source}' if source else ''} yet; run mien study "
            f"serve {study.folder}"
        )
    source = source or found[0]
    return Observer(protocol, plan, open_store(study, source, plan), study.data, source)


def line_of(overview: Overview) -> str:
    """Every number on one line of JSON, for other programs."""
    return json.dumps(asdict(overview), ensure_ascii=False)


def change_token(study: Study) -> str:
    """A new token for the admin page; who has signed in with an old one is signed out."""
    store = open_store(study, "web", read_plan(study, study.protocol()))
    try:
        return new_token(store)
    finally:
        store.close()
