"""Small protocols for tests of the planner, and what is read off a plan by other means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from protocols.protocol import Protocol
from protocols.reading import Document, load, validate
from stimuli.corpora import Identity, identities_of
from stimuli.plan import Plan, make_plan

PROTOCOLS = Path(__file__).parents[1] / "protocols"
EMOTIONS = ("angry", "happy", "sad", "fearful", "disgusted", "surprised")


def protocol(
    identities: Any = 4,
    factors: dict[str, Sequence[Any]] | None = None,
    per_list: int = 3,
    generator: str = "actor",
    **design: Any,
) -> Protocol:
    """A protocol with the parts that a plan depends on; `design` holds pages and corpus too."""
    pages, corpus = design.pop("pages", {}), design.pop("corpus", "actors")
    factors = factors or {"emotion": ["angry", "happy"], "m": [0, 1]}
    data = {
        "name": "small",
        "title": "A small design",
        "seed": design.pop("seed", 7),
        "stimuli": {
            "generator": generator,
            "corpus": corpus,
            "identities": identities,
            "factors": {name: list(levels) for name, levels in factors.items()},
        },
        "tasks": [{"id": "valence", "type": "likert", "question": "How?"}],
        "design": design,
        "pages": pages,
        "recruitment": {"per_list": per_list},
    }
    return validate(Document(Path("small.yaml"), data, {}))


def published(name: str, overrides: dict[str, Any] | None = None) -> Protocol:
    """A protocol that mien ships, with `overrides` put in place of its settings."""
    return load(PROTOCOLS / f"{name}.yaml", overrides)


def planned(study: Protocol) -> Plan:
    """The plan of a protocol with the identities of its corpus."""
    return make_plan(study, identities_of(study))


def people(genders: Sequence[str | None]) -> list[Identity]:
    """Identities 01, 02, … of these genders."""
    return [Identity(f"{i:02d}", gender) for i, gender in enumerate(genders, 1)]


def sessions(plan: Plan) -> list[pd.DataFrame]:
    """The trials of each slot."""
    return [rows.reset_index(drop=True) for _, rows in plan.trials.groupby("slot")]


def rated(session: pd.DataFrame) -> pd.DataFrame:
    """Ratings and repeats of one slot, in order."""
    return session[session["kind"].isin(["rating", "repeat"])].reset_index(drop=True)


def longest_run(values: Sequence[object]) -> int:
    """Most equal values in a row."""
    longest = run = 0
    before: object = object()
    for value in values:
        run = run + 1 if value == before else 1
        longest, before = max(longest, run), value
    return longest


def shortest_distance(values: Sequence[object]) -> int:
    """Least number of places from one value to the next equal one; very large if there is none."""
    last: dict[object, int] = {}
    shortest = 10**6  # nothing comes twice
    for at, value in enumerate(values):
        if value in last:
            shortest = min(shortest, at - last[value])
        last[value] = at
    return shortest
