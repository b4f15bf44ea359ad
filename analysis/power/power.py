"""The story of `mien power`: grid, simulated studies, power, and what to write down before a study.

The folder holds runs.csv (every test of every simulated study, written as they come) with
settings.json, and power.csv, power.svg, power.png, preregistration.txt and power.html.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.mixed import engine
from analysis.power import power_page
from analysis.power.pilot import Pilot
from analysis.power.planned import Tested, assumed_values, fit_planned, models_of, tests_of
from analysis.power.power_part import FIGURE, power_part
from analysis.power.runs import Runs
from analysis.power.sentences import find_test, preregistration, shown_tests
from analysis.power.simulate import Grid, Progress, Size, Work, simulate_all
from analysis.power.source import Source
from analysis.power.summary import power_table
from analysis.problems import AnalysisError
from protocols.mixed_models import MixedModel
from protocols.protocol import Protocol
from protocols.record import fingerprint
from protocols.tables import write_table, write_whole

PAGE, SENTENCE, TABLE = "power.html", "preregistration.txt", "power.csv"


@dataclass(frozen=True)
class Outcome:
    """The power of every test, and where it is written."""

    page: Path
    table: pd.DataFrame
    paragraphs: tuple[str, ...]


def power(
    protocol: Protocol,
    source: Source,
    trials: Mapping[Size, pd.DataFrame],
    grid: Grid,
    folder: Path,
    *,
    seed: int,
    scale: float = 1.0,
    effect: str | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Outcome:
    """Simulate the studies that are missing in `folder`, and write what they say.

    Args:
        protocol: its models are tested.
        source: how people answer; `scale` is in it already and stands here for the record.
        trials: participants, items -> who rates what (columns participant, identity, factors …).
        grid: the sizes, and the number of simulated studies of each.
        folder: new, or with simulations of the same settings, which are kept.
        seed: of all random numbers.
        scale: what the assumed effects were multiplied by.
        effect: the test that figure and sentences show; None: all declared comparisons.
        workers: processes, with one thread each; 0: this process, as it is.
        progress: called with (simulations done, simulations in all).

    Raises:
        AnalysisError: a model cannot be fitted, no test is called `effect`, or the folder holds
            simulations of other settings.
    """
    if not (math.isfinite(scale) and scale >= 0):
        raise AnalysisError(f"--scale: found {scale:g}; accepted: 0 or more, such as 0.5")
    work = Work(protocol, source, trials, seed)
    tests, assumed = _first_look(work, grid)
    shown = [find_test(tests, effect)] if effect else shown_tests(tests, assumed)
    runs = Runs(folder)
    runs.claim(settings(protocol, source, seed, scale))
    simulate_all(work, grid, runs, workers, progress)
    table = power_table(runs.read(), grid, tests, assumed)
    return _write(folder, protocol, source, grid, table, shown, scale)


def settings(protocol: Protocol, source: Source, seed: int, scale: float) -> dict[str, Any]:
    """What decides about a simulated study of a given size; named, to say what has changed."""
    stimuli = protocol.stimuli.model_dump_json(exclude={"identities": {"pick"}})
    models = "\n".join(model.model_dump_json() for model in models_of(protocol))
    tasks = "\n".join(task.model_dump_json() for task in protocol.tasks)
    assumed = "\n".join(line for m in models_of(protocol) for line in source.assumptions(m))
    parts = {
        "protocol": protocol.name,
        "stimuli": stimuli,
        "tasks": tasks,
        "design": protocol.design.model_dump_json(),
        "models": models,
        "assumed effects and variances": assumed + _numbers(source),
    }
    hashed = {name: fingerprint([], text) for name, text in parts.items() if name != "protocol"}
    return {
        "protocol": protocol.name,
        **hashed,
        "seed": seed,
        "scale": scale,
        "engine": engine.name(),
    }


def _numbers(source: Source) -> str:
    """A pilot's estimates to the last digit."""
    if not isinstance(source, Pilot):
        return ""
    return repr([(e.beta.tolist(), e.sigma, [t.tolist() for t in e.triangles], e.cuts, e.counted)
                 for e in source.estimated.values()])  # fmt: skip


def _first_look(work: Work, grid: Grid) -> tuple[list[Tested], dict[tuple[str, str, str], float]]:
    """Every test and its true value, from one simulated study of the smallest size."""
    size = min(grid.sizes)
    tests: list[Tested] = []
    assumed: dict[tuple[str, str, str], float] = {}
    for model in models_of(work.protocol):
        trials, prepared = work.prepared(size, model)
        answers = prepared.draw(np.random.default_rng([work.seed, *size]))
        fitted = fit_planned(work.protocol, model, trials, answers)
        tests += tests_of(work.protocol, model, fitted)
        assumed |= assumed_values(work.protocol, model, fitted, prepared, trials)
    return tests, assumed


def _alike(protocol: Protocol, models: Sequence[MixedModel]) -> list[str]:
    """Choices in which, as the protocol assumes, nobody and no item differs from others."""
    assumed = protocol.simulation.tasks
    tasks = dict.fromkeys(model.task for model in models if model.family == "binomial")
    return [
        task
        for task in tasks
        if task not in assumed
        or assumed[task].participant_follow_sd == assumed[task].identity_follow_sd == 0
    ]


def _write(
    folder: Path, protocol: Protocol, source: Source, grid: Grid, table: pd.DataFrame,
    shown: Sequence[Tested], scale: float,
) -> Outcome:  # fmt: skip
    models = [m for m in models_of(protocol) if m.id in {test.model for test in shown}]
    assumptions = list(dict.fromkeys(line for m in models for line in source.assumptions(m)))
    if scale != 1 and not isinstance(source, Pilot):
        assumptions.append(f"These effects are {scale:g} times those of the protocol.")
    paragraphs = preregistration(table, grid, shown, models, assumptions)
    pilot = source if isinstance(source, Pilot) else None
    part = power_part(table, grid, shown, paragraphs, pilot=pilot is not None,
                      singular_pilot=pilot.singular() if pilot else (),
                      alike=[] if pilot else _alike(protocol, models))  # fmt: skip
    write_table(table, folder / TABLE, ",")
    write_whole(folder / f"{FIGURE}.svg", part.pictures[FIGURE].svg)
    write_whole(folder / f"{FIGURE}.png", part.pictures[FIGURE].png)
    write_whole(folder / SENTENCE, ("\n\n".join(paragraphs) + "\n").encode())
    write_whole(folder / PAGE, power_page.html(protocol, part).encode())
    return Outcome(folder / PAGE, table, tuple(paragraphs))
