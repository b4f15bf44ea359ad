"""What one file of weights does with one thing missing: a record, kept as a file of its own.

Symbols: C clips, S samples, T frames, L lags; 25 attributes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.reaction.inference import seeds_of
from models.reaction.metrics.tables import Tables, measure
from models.reaction.network import Model
from models.reaction.stored import load_model
from stimuli.context_faces.shards import Progress, make_missing, write_shard
from stimuli.reactions.evaluation.held_out import Dyads, read_dyads
from stimuli.reactions.evaluation.missing import react_without
from stimuli.reactions.evaluation.timing import following, jitter

VERSION = 1  # of a record
TOGETHER = 4  # clips reacted to at once
SHOWN = 3  # samples of one clip that are kept for pictures


@dataclass(frozen=True)
class Record:
    """Reactions to all clips.

    Attributes:
        tables: what the metrics are computed from.
        jitter: (C, S) mean absolute change from frame to frame.
        following: (C, L) correlation with the speaker's valence at each lag.
        had_input: (C,) whether the model says that it was given anything.
        shown: (3, T, 25) reactions to the clip that pictures show.
    """

    tables: Tables
    jitter: np.ndarray
    following: np.ndarray
    had_input: np.ndarray
    shown: np.ndarray


@dataclass(frozen=True)
class Job:
    """Weights to be tried with something missing, and the file of the record."""

    weights: Path
    missing: str
    data: Path
    each: int | None
    samples: int
    threads: int
    path: Path


def measure_all(jobs: Sequence[Job], workers: int, progress: Progress | None) -> list[Record]:
    """The records of all jobs; those whose file is there are not made again."""
    return [read_record(path) for path in make_missing(_measure, jobs, workers, progress)]


def record_of(
    generated: np.ndarray, dyads: Dyads, had_input: np.ndarray | None = None,
    allowed: Sequence[np.ndarray] | None = None,
) -> Record:  # fmt: skip
    """Measure reactions (C, S, T, 25) to all clips."""
    given = np.ones(len(dyads), bool) if had_input is None else had_input
    return Record(
        measure(generated, dyads.truths, dyads.face, allowed),
        np.stack([jitter(of) for of in generated]),
        np.stack([following(*of) for of in zip(generated, dyads.face, dyads.heard, strict=True)]),
        given,
        generated[dyads.shown, :SHOWN].astype(np.float32),
    )


def reactions(
    model: Model, missing: str, dyads: Dyads, samples: int
) -> tuple[np.ndarray, np.ndarray]:
    """Reactions (C, S, T, 25) of a model, and whether it says that it was given anything (C,)."""
    seeds = seeds_of(1, len(dyads), samples)
    made, had = [], []
    for start in range(0, len(dyads), TOGETHER):
        rows = slice(start, start + TOGETHER)
        face, voice = (torch.from_numpy(of[rows]).float() for of in (dyads.face, dyads.voice))
        found = react_without(model, missing, face, voice, seeds[rows])
        made.append(found.attributes.numpy())
        had += found.had_input
    return np.concatenate(made), np.array(had)


def save_record(path: Path, record: Record) -> None:
    """Write a record, whole or not at all."""
    of = record.tables
    tables = {f"tables.{f.name}": np.asarray(getattr(of, f.name)) for f in fields(Tables)}
    rest = {f.name: getattr(record, f.name) for f in fields(Record) if f.name != "tables"}
    write_shard(path, **tables, **rest)


def read_record(path: Path) -> Record:
    """What a file holds."""
    with np.load(path, allow_pickle=False) as file:
        whole = {f.name: file[f"tables.{f.name}"] for f in fields(Tables)}
        rest = {f.name: file[f.name] for f in fields(Record) if f.name != "tables"}
    counts = {name: int(value) for name, value in whole.items() if value.ndim == 0}
    tables: dict[str, Any] = whole | counts
    return Record(Tables(**tables), **rest)


def _measure(job: Job) -> None:
    torch.set_num_threads(job.threads)
    dyads = read_dyads(job.data, job.each)
    generated, had = reactions(_model(job.weights), job.missing, dyads, job.samples)
    save_record(job.path, record_of(generated, dyads, had))


@lru_cache(maxsize=1)
def _model(weights: Path) -> Model:
    return load_model(weights)[0]
