"""`mien corpus prepare`: the table of clips of a corpus in, arrays that networks train from out.

The story is plan → prepare units of clips in parallel → append them in order → finish. Whatever
stops it, the same command goes on where it stopped, and the bytes are the same for any number of
processes. Nothing is written into the corpus itself.
"""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from protocols import prepared
from protocols.clips import CorpusRecord, read_clips, read_record
from protocols.errors import UserError
from protocols.prepared import FACES, LANDMARKS, ROWS, SOUND, PreparedCorpus, PreparedRecord
from stimuli.corpora.arrays.clip import Result
from stimuli.corpora.arrays.crops_sheet import crops_sheet
from stimuli.corpora.arrays.settings import VERSION, ArraySettings
from stimuli.corpora.arrays.store import Building, alone
from stimuli.corpora.arrays.told import Outcome, read_unusable
from stimuli.corpora.arrays.track import Detector
from stimuli.corpora.arrays.units import (
    Progress,
    fingerprint,
    need_of,
    sources_of,
    units_of,
)
from stimuli.corpora.arrays.work import Job, prepare_unit
from stimuli.corpora.problems import some
from stimuli.processes import in_processes

INSIDE = 0.9  # share of a crop; with less it is said
SPARE = 100_000_000  # bytes that are left free on the disk
OURS = (FACES, LANDMARKS, ROWS, SOUND, prepared.INDEX, prepared.UNUSABLE, prepared.RECORD,
        prepared.SHEET)  # fmt: skip


def prepare_arrays(
    folder: Path, detect: Detector, settings: ArraySettings | None = None, *,
    out: Path | None = None, detector: str = "", workers: int = 1, anew: bool = False,
    tell: Callable[[str], object] = str, looking: Progress | None = None,
    progress: Progress | None = None,
) -> Outcome:  # fmt: skip
    """Prepare the corpus in `folder` (made by `mien corpus add`).

    Args:
        folder: with clips.tsv and corpus.json.
        detect: finds the faces of a picture; a function that other processes can import.
        settings: of the preparation.
        out: new, or holding arrays of this corpus; default `folder`/arrays.
        detector: name and version of the detector, for the record.
        workers: processes; does not change a byte.
        anew: throw away arrays made from another state or with other settings.
        tell: is called with the room that is needed.
        looking: is called with the files looked at, and all.
        progress: is called with the clips done, and all.

    Raises:
        UserError: no such corpus, its root is gone, no room, or arrays of another state are there.
    """
    settings = settings or ArraySettings()
    record, clips = read_record(folder), read_clips(folder)
    root, out = Path(record.root), out or folder / prepared.FOLDER
    _check_places(folder, root, out)
    with alone(out):
        sources = sources_of(clips)
        state = fingerprint(record.clips_sha256, sources, root, settings, detector, looking)
        building = Building(out, settings.size)
        if anew:
            _forget(out, building)
        if (out / prepared.RECORD).is_file():
            return _kept(out, state, record, settings, detector)
        if building.begun_as() not in (None, state):
            raise UserError(_of_another(out, "begun there", {}))
        need = need_of(clips, settings)
        _check_room(out, need.bytes - building.written(), f"about {need.faces:,} faces", tell)
        jobs = [
            Job(number, [sources[i] for i in unit], building.parts, root, settings, detect)
            for number, unit in enumerate(units_of(clips, settings))
        ]
        task = _Task(jobs, building, settings, clips, record, state, detector, out)
        return _run(task, workers, progress)


@dataclass(frozen=True)
class _Task:
    """One preparation."""

    jobs: list[Job]
    building: Building
    settings: ArraySettings
    clips: pd.DataFrame
    record: CorpusRecord
    state: str
    detector: str
    out: Path


def _run(task: _Task, workers: int, progress: Progress | None) -> Outcome:
    """Prepare what is missing, append it in order, finish."""
    start, made = time.perf_counter(), 0
    building = task.building
    first = building.begin(task.state)
    try:
        with closing(in_processes(prepare_unit, task.jobs[first:], workers)) as done:
            for unit in done:
                results = building.read_part(unit)
                building.append(unit, results)
                made += sum(result.rows for result in results)
                if progress is not None:
                    progress(results[-1].number + 1, len(task.clips))
        corpus, results = _finish(task)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise UserError(
            f"{task.out}: the disk is full; make room and run the same command again, it goes on "
            "where it stopped"
        ) from None
    outside = sum(result.inside < INSIDE for result in results)
    unusable = read_unusable(task.out)
    return Outcome(corpus, unusable, outside, time.perf_counter() - start, made, True)


def _finish(task: _Task) -> tuple[PreparedCorpus, list[Result]]:
    """Headers, tables, contact sheet, and the record last; may be done again after a kill."""
    settings, out = task.settings, task.out
    results = list(task.building.results())
    faces, samples = sum(r.rows for r in results), sum(r.samples for r in results)
    task.building.finish({FACES: faces, LANDMARKS: faces, ROWS: faces, SOUND: samples}, out)
    index = task.clips.copy()
    index["rows"], index["samples"] = [r.rows for r in results], [r.samples for r in results]
    index["first_row"] = index["rows"].cumsum() - index["rows"]
    index["first_sample"] = index["samples"].cumsum() - index["samples"]
    names = task.clips["clip"].tolist()
    unusable = pd.DataFrame(
        [(names[r.number], *problem) for r in results for problem in r.problems],
        columns=pd.Index([column.name for column in prepared.UNUSABLE_COLUMNS]),
    )
    crops_sheet(out, faces, settings, out / prepared.SHEET)
    record = PreparedRecord(
        corpus=task.record.name,
        version=VERSION,
        fingerprint=task.state,
        clips_sha256=task.record.clips_sha256,
        detector=task.detector,
        settings=settings.words(),
        eyes=settings.eyes.tolist(),
        size=settings.size,
        rate=settings.rate,
        audio_rate=settings.audio_rate,
        faces=faces,
        samples=samples,
        clips=sum(r.rows > 0 or r.samples > 0 for r in results),
        unusable=len(unusable),
        sha256={},
    )
    prepared.write_prepared(out, index, unusable, record)
    task.building.forget()
    return PreparedCorpus.open(out), results


def _kept(
    out: Path, state: str, corpus: CorpusRecord, settings: ArraySettings, detector: str
) -> Outcome:
    """The arrays that are there, if they are those asked for."""
    there = prepared.read_prepared(out)
    if there.fingerprint != state:
        now = settings.words() | {"detector": detector, "version": VERSION}
        then = {**there.settings, "detector": there.detector, "version": there.version}
        changed = {name: (then.get(name), now[name]) for name in now if then.get(name) != now[name]}
        if there.corpus != corpus.name:
            changed = {"corpus": (there.corpus, corpus.name)}
        raise UserError(_of_another(out, "there", changed))
    arrays = PreparedCorpus.open(out)
    outside = len(np.unique(arrays.rows["clip"][arrays.rows["inside"] < INSIDE]))
    return Outcome(arrays, read_unusable(out), outside, 0.0, 0, False)


def _of_another(out: Path, what: str, changed: dict[str, tuple[Any, Any]]) -> str:
    why = ", ".join(f"{name} {old} then, {new} now" for name, (old, new) in changed.items())
    why = why or "the corpus or its files have changed since, or settings differ"
    return (
        f"{out}: arrays {what} were made otherwise ({why}); prepare into another folder with -o, "
        "or throw these away with --anew"
    )


def _forget(out: Path, building: Building) -> None:
    (out / prepared.RECORD).unlink(missing_ok=True)
    for name in OURS:
        (out / name).unlink(missing_ok=True)
    building.forget()


def _check_places(folder: Path, root: Path, out: Path) -> None:
    if not root.is_dir():
        raise UserError(f"{root}: the corpus is not there; if it was moved, run mien corpus add")
    own = root.resolve() == folder.resolve()  # mien's own corpora stand in one folder with all else
    if out.resolve().is_relative_to(root.resolve()) and not own:
        raise UserError(
            f"{out}: lies inside the corpus, into which nothing is written; choose another folder "
            "with -o"
        )
    known = {*OURS, "building", ".lock"}
    if out.is_dir() and (other := sorted(p.name for p in out.iterdir() if p.name not in known)):
        raise UserError(f"{out}: holds other files ({some(other)}); choose a new folder with -o")
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: is a file; choose a new folder with -o")


def _check_room(out: Path, need: int, what: str, tell: Callable[[str], object]) -> None:
    free = shutil.disk_usage(out).free
    said = f"{what}: {_size(max(need, 0))} to write, {_size(free)} free in {out}"
    if need > free - SPARE:
        raise UserError(
            f"{said}; make room, choose a folder on another disk with -o, or take fewer frames "
            "(--every) or smaller ones (--size)"
        )
    tell(said)


def _size(n: float) -> str:
    for unit in ("bytes", "KB", "MB"):
        if n < 1000:
            return f"{n:,.0f} {unit}"
        n /= 1000
    return f"{n:,.1f} GB"
