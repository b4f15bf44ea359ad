"""`mien generate`: from a protocol to a folder of stimuli with their manifest.

The story is plan → render → write. What is already there, made by the same recipe, is kept, so an
interrupted run goes on where it stopped and a finished one ends at once. Where the look of the
pictures is matched over the set, all are first drawn and measured (stimuli.looks.pictures).
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from protocols.congruence import CONGRUENCE
from protocols.generators import STRENGTHS
from protocols.manifest import NAME, write_manifest
from protocols.protocol import Protocol
from protocols.study import Study
from stimuli import contact_sheet, plane_sheet
from stimuli.corpora import Identity, identities_of
from stimuli.generators import Generator, origin_of
from stimuli.likeness import likeness_lines
from stimuli.looks.matched_set import of_set, reached_lines, set_target, small_set, write_set
from stimuli.looks.pictures import ORIGINALS, Stage, make_pictures
from stimuli.looks.recipe import look_words
from stimuli.media import file_name, find_made, kind_of
from stimuli.perceived import likeliest, perceived_lines
from stimuli.plan import write_plan
from stimuli.render import Clock, batches, peak_memory, render_all
from stimuli.stimulus import Stimulus, plan_stimuli

PREVIEW_IDENTITIES, PREVIEW_CELLS = 4, 10
SHEET = "contact-sheet.png"
MANY = 100_000  # stimuli of the outlook that a run ends with
MEASURES = ("width", "height", "duration_s", "frame_rate", "frames", "audio_rate",
            "loudness_lufs", "peak_dbtp", "av_offset_ms")  # fmt: skip
TABLE_KB = 2.5  # memory of plan and manifest for each stimulus, measured on 100,800
Progress = Callable[[int, int], None]  # (done, all) -> None


@dataclass(frozen=True)
class Outcome:
    """What a run made: counts, times and memory, and what many more would take."""

    manifest: Path
    made: int
    kept: int
    seconds: float
    clock: Clock
    remarks: tuple[str, ...] = ()  # what a matched set reached, and cautions

    @property
    def rate(self) -> float:
        """Stimuli per second, end to end; nan if none was made."""
        return self.made / self.seconds if self.made else math.nan

    def lines(self) -> list[str]:
        """The outcome in words."""
        said = [f"{self.made} stimuli made, {self.kept} already there: {self.manifest}"]
        if not self.made:
            return said
        work = self.clock.prepare + self.clock.render + self.clock.write
        shares = " · ".join(
            f"{name} {100 * value / work:.0f} %"
            for name, value in (
                ("prepare", self.clock.prepare),
                ("render", self.clock.render),
                ("encode and write", self.clock.write),
            )
        )
        peak = sum({**self.clock.peak_mb, os.getpid(): peak_memory()}.values())
        said.append(f"{self.rate:.1f} a second ({self.seconds:.1f} s); of the work: {shares}")
        more = MANY * TABLE_KB / 1000
        said.append(
            f"{MANY:,} such stimuli would take {_duration(MANY / self.rate)}; rendering takes the "
            f"same memory ({peak:.0f} MB in all processes), plan and manifest {more:.0f} MB more"
        )
        return [*said, *self.remarks]


def generate(
    protocol: Protocol,
    folder: Path,
    *,
    batch_size: int = 16,
    workers: int = 1,
    cache: Path | None = None,
    verify: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Make every stimulus of `protocol` in the study folder `folder`, and its manifest.

    Args:
        protocol: the study.
        folder: the study's folder, new or made by the same protocol.
        batch_size: stimuli handed to the generator at a time; does not change a byte.
        workers: processes; does not change a byte.
        cache: where generators keep what they prepare; None: the user's cache folder.
        verify: read files that are already there and compare their SHA-256.
        progress: called with (stimuli done, stimuli in all).

    Raises:
        ProtocolError: the folder belongs to another protocol.
        GeneratorError: the generator or corpus is not there.
        PlanError: the design is impossible.
    """
    start = time.perf_counter()
    generator = make_pictures(protocol, cache)  # refused before anything is written
    people = identities_of(protocol)
    stimuli = plan_stimuli(protocol, people)
    for first in {stimulus.identity: stimulus for stimulus in stimuli}.values():
        generator.recipe(first)  # refuses a damaged rig
    study = Study(folder)
    study.freeze(protocol, {stimulus.identity for stimulus in stimuli})
    write_plan(study, protocol, people)
    run = _Run(protocol, stimuli, batch_size, workers, cache, verify, progress)
    stage = Stage()
    if of_set(protocol.stimuli.dressed):
        stage = _measure_set(run, study.stimuli / ORIGINALS)
    missing = run.render(study.stimuli, stage)
    manifest, said = study.stimuli / NAME, ()
    if missing or not manifest.is_file():
        generator = make_pictures(protocol, cache, stage)
        _write_sheet(study.stimuli, protocol, generator, stimuli)
        # the manifest comes last: it says that all is there
        rows = _rows(protocol, generator, stimuli, people, study.stimuli)
        manifest = write_manifest(study.stimuli, rows, protocol.factors)
        cautions = getattr(generator, "cautions", ())
        said = [
            *cautions,
            *reached_lines(protocol.stimuli.dressed, stage, rows),
            *likeness_lines(rows),
            *perceived_lines(rows),
        ]
    seconds = time.perf_counter() - start
    return Outcome(manifest, missing, len(stimuli) - missing, seconds, run.clock, tuple(said))


@dataclass
class _Run:
    """One call of `generate`: what is to be made, and how."""

    protocol: Protocol
    stimuli: Sequence[Stimulus]
    batch_size: int
    workers: int
    cache: Path | None
    verify: bool
    progress: Progress | None
    clock: Clock = field(default_factory=Clock)

    def render(self, folder: Path, stage: Stage) -> int:
        """Make what is missing in `folder`; returns how many were."""
        generator = make_pictures(self.protocol, self.cache, stage)
        missing = [s for s in self.stimuli if not _there(folder, generator, s, self.verify)]
        jobs = batches(self.protocol, missing, folder, self.batch_size, self.cache, stage)
        done = len(self.stimuli) - len(missing)
        for count in render_all(jobs, self.workers, self.clock):
            done += count
            if self.progress:
                self.progress(done, len(self.stimuli))
        return len(missing)


def _measure_set(run: _Run, folder: Path) -> Stage:
    """The first pass of a set: draw and measure every picture; what all are brought to."""
    first, look = Stage(folder), run.protocol.stimuli.dressed
    assert look is not None
    run.render(folder, first)
    originals = make_pictures(run.protocol, run.cache, first)
    main = [s for s in run.stimuli if s.role == "main"]
    target = set_target(look, (_sidecar(folder, originals, s) for s in main))
    write_set(folder, look, target, len(main))
    return Stage(folder, target)


def preview(protocol: Protocol, path: Path, cache: Path | None = None) -> Path:
    """A contact sheet of a few identities and cells, before a long run; nothing else is kept.

    On the plane of valence and arousal: every point once.
    """
    stimuli = [s for s in plan_stimuli(protocol, identities_of(protocol)) if s.role == "main"]
    if plane_sheet.is_plane(protocol.stimuli.factors):
        grids = plane_sheet.grids(stimuli, most=1)
        shown = [one for grid in grids for one in grid.cells.values()]
        drawn = small_set(protocol, shown, cache)
        pixels = {one.id: made.pixels for one, made in zip(shown, drawn, strict=True)}
        return contact_sheet.write_sheet(plane_sheet.sheet(grids, pixels), path)
    who = list(dict.fromkeys(s.identity for s in stimuli))[:PREVIEW_IDENTITIES]
    cells = list(dict.fromkeys(contact_sheet.label(s.levels) for s in stimuli))[:PREVIEW_CELLS]
    shown = [s for s in stimuli if s.identity in who and contact_sheet.label(s.levels) in cells]
    pictures = {
        (s.identity, contact_sheet.label(s.levels)): rendered.pixels
        for s, rendered in zip(shown, small_set(protocol, shown, cache), strict=True)
    }
    return contact_sheet.write_sheet(contact_sheet.sheet(pictures, cells), path)


def _there(folder: Path, generator: Generator, stimulus: Stimulus, verify: bool) -> bool:
    recipe = generator.recipe(stimulus)
    return find_made(folder, stimulus.id, recipe, read_file=verify) is not None


def _sidecar(folder: Path, generator: Generator, stimulus: Stimulus) -> dict[str, Any]:
    sidecar = find_made(folder, stimulus.id, generator.recipe(stimulus))
    assert sidecar is not None, f"{stimulus.id} was not written"
    return sidecar


def _rows(
    protocol: Protocol,
    generator: Generator,
    stimuli: Sequence[Stimulus],
    people: Sequence[Identity],
    folder: Path,
) -> list[dict[str, Any]]:
    """The manifest's rows, from the recipes and sidecars."""
    who, look = {person.id: person for person in people}, protocol.stimuli.dressed
    rows = []
    for stimulus in stimuli:
        sidecar = _sidecar(folder, generator, stimulus)
        person, origin = who[stimulus.identity], origin_of(generator, stimulus)
        rows.append(
            {
                "stimulus_id": stimulus.id,
                "type": kind_of(sidecar["recipe"]),
                **{key: sidecar[key] for key in ("file", "sha256", "bytes")},
                **{key: sidecar.get(key) for key in MEASURES},
                "spoken": sidecar.get("speech", {}).get("text"),
                "heard": sidecar.get("speech", {}).get("speaker"),
                "model_input": sidecar.get("model_input"),
                "role": stimulus.role,
                "corpus": protocol.stimuli.corpus,
                "identity": stimulus.identity,
                "gender": person.gender,
                "age": person.age,
                "origin": person.origin,
                **stimulus.levels,
                "seed": stimulus.seed,
                "generator": protocol.stimuli.generator,
                "generator_version": origin.version,
                "checkpoint": origin.checkpoint,
                "licence": origin.licence,
                "digital_source_type": origin.digital_source_type,
                "wear": _worn(sidecar["recipe"]),
                **_cast(sidecar["recipe"]),
                "caricature": _caricature(protocol, stimulus),
                **_judged(sidecar.get("checks", {})),
                "reconstruction_psnr": sidecar.get("reconstruction", {}).get("psnr_db"),
                "perceived": likeliest(sidecar.get("perceived", {})),
                "look": None if look is None else look_words(look, stimulus),
                **{f"luminance_{name}": sidecar["luminance"][name]
                   for name in ("mean", "sd", "clipped") if "luminance" in sidecar},
            }
        )  # fmt: skip
    return rows


def _worn(recipe: dict[str, Any]) -> str | None:
    """What the manifest says of glasses and beard."""
    return "; ".join(f"{what} {word}" for what, word in recipe.get("wear", {}).items()) or None


def _caricature(protocol: Protocol, stimulus: Stimulus) -> bool | None:
    """Whether a strength m lies outside 0…1; nothing where there is no m."""
    named = [name for name in STRENGTHS if name in protocol.stimuli.factors]
    return any(not 0 <= float(stimulus.levels[m]) <= 1 for m in named) if named else None


def _judged(checks: dict[str, Any]) -> dict[str, Any]:
    """What the manifest says of manipulation checks; the rest stays in the sidecars."""
    words = {name[2:]: share for name, share in checks.items() if name.startswith("p_") and share}
    return {
        "judged_emotion": likeliest(words),
        "judged_valence": checks.get("valence"),
        "identity_distance": checks.get("identity_distance"),
    }


def _cast(recipe: dict[str, Any]) -> dict[str, str]:
    """What the manifest says of an own cast; nothing of mien's."""
    said = recipe.get("cast")
    columns = {"cast": "name", "cast_sha256": "sha256", "rig_sha256": "rig"}
    return {column: said[key] for column, key in columns.items()} if said else {}


def _write_sheet(
    folder: Path, protocol: Protocol, generator: Generator, stimuli: Sequence[Stimulus]
) -> None:
    def thumb(stimulus: Stimulus) -> np.ndarray:
        kind = kind_of(generator.recipe(stimulus))
        return contact_sheet.thumb_of(folder / file_name(stimulus.id, kind))

    main = [s for s in stimuli if s.role == "main"]
    if plane_sheet.is_plane(protocol.stimuli.factors):
        grids = plane_sheet.grids(main)
        thumbs = {s.id: thumb(s) for grid in grids for s in grid.cells.values()}
        contact_sheet.write_sheet(plane_sheet.sheet(grids, thumbs), folder / SHEET)
        return
    placed = _placed(protocol, main)
    rows, columns = contact_sheet.shown(list(placed))
    pictures = {
        place: thumb(stimulus)
        for place, stimulus in placed.items()
        if place[0] in rows and place[1] in columns
    }
    contact_sheet.write_sheet(contact_sheet.sheet(pictures, columns), folder / SHEET)


def _placed(protocol: Protocol, main: Sequence[Stimulus]) -> dict[contact_sheet.Cell, Stimulus]:
    """Row and column of the sheet -> stimulus: a row for each identity, a column for each cell.

    Where a cell shows a few identities only, most of these places would be empty: then a row for
    each level of the first factor, a column for each cell of the others, and one identity in each.
    """
    factors = [name for name, levels in protocol.stimuli.factors.items()
               if len(levels) > 1 and name != CONGRUENCE]  # fmt: skip
    if protocol.stimuli.identities.per_cell == "all" or len(factors) < 2:
        return {(s.identity, contact_sheet.label(s.levels)): s for s in main}
    first, *others = factors
    order = {tuple(cell.values()): i for i, cell in enumerate(protocol.stimuli.cells)}
    placed: dict[contact_sheet.Cell, Stimulus] = {}
    for one in sorted(main, key=lambda stimulus: order[tuple(stimulus.levels.values())]):
        cell = contact_sheet.label({name: one.levels[name] for name in others})
        placed.setdefault((f"{first}: {one.levels[first]}", cell), one)
    return placed


def _duration(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:.1f} hours" if hours >= 1 else f"{seconds / 60:.0f} minutes"
