"""`mien study status` and `mien study token`: the store of a study that may be running or not.

Sessions that were brought from the lab or from static exports are counted beside it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict

from rich.console import Console
from rich.live import Live

from experiments.admin.access import new_token
from experiments.admin.brought import Brought, brought
from experiments.admin.observer import Observer
from experiments.admin.overview import Overview
from experiments.admin.terminal import rendered
from experiments.database import SOURCES, holds_sessions, sources_of
from experiments.errors import StudyError
from experiments.plan import read_plan
from experiments.server import open_store
from protocols.study import Study

EVERY_S = 5.0  # seconds between two looks
PLACES = {"lab": "the lab", "static": "a static export"}


def looks(
    study: Study, source: str | None, console: Console, *, as_json: bool, watch: bool
) -> None:
    """Print how the study stands, once or again and again until Ctrl-C."""
    beside, lines = _brought(study)
    if lines and source is None and not sources_of(study):
        told = json.dumps(told_of(beside)) if as_json else "\n".join(lines)
        console.print(told, markup=False, soft_wrap=True)
        return
    observer = observer_of(study, source)
    try:
        if as_json:
            console.print(line_of(observer.look(), beside), markup=False, soft_wrap=True)
            while watch:
                time.sleep(EVERY_S)
                console.print(line_of(observer.look(), beside), markup=False, soft_wrap=True)
        elif watch:
            with Live(rendered(observer.look(), observer.protocol), console=console) as live:
                while True:
                    time.sleep(EVERY_S)
                    live.update(rendered(observer.look(), observer.protocol))
        else:
            overview = observer.look()
            console.print(rendered(overview, observer.protocol))
            for line in lines:
                apart = "" if beside is None else "; not among the places above"
                console.print(line + apart, markup=False, soft_wrap=True)
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


def line_of(overview: Overview, beside: Mapping[str, Brought] | None) -> str:
    """Every number on one line of JSON, for other programs."""
    return json.dumps(asdict(overview) | told_of(beside), ensure_ascii=False)


def told_of(beside: Mapping[str, Brought] | None) -> dict[str, object]:
    """The same of sessions that were brought; null: they cannot be read."""
    told = None if beside is None else {name: asdict(one) for name, one in beside.items()}
    return {"brought": told}


def _brought(study: Study) -> tuple[Mapping[str, Brought] | None, list[str]]:
    """Sessions that were brought, and a line for each place that they come from.

    One that cannot be read does not hide how the server's sessions stand.
    """
    try:
        found = brought(study)
    except StudyError as error:
        return None, [str(error)]
    return found, [f"brought from {PLACES[name]}: {one}" for name, one in found.items()]


def change_token(study: Study) -> str:
    """A new token for the admin page; who has signed in with an old one is signed out."""
    store = open_store(study, "web", read_plan(study, study.protocol()))
    try:
        return new_token(store)
    finally:
        store.close()
