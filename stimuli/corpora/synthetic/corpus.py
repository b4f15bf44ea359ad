"""`mien corpus make synthetic`: the story, from a request to a corpus that is whole.

corpora/synthetic/
  request.json                what was asked for: stands first, decides what may be added
  clips/07/07_kids_angry_m100_t1.mp4, .flac, .npz        (or pictures/07/….png, pictures/eyes.npz)
  DATASHEET.md, contact-sheet.png
  clips.tsv, problems.tsv, corpus.json                    as of every corpus; the record last
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from protocols.clips import NAME, PROBLEMS, RECORD, SHEET, CorpusRecord, write_clips
from protocols.errors import UserError
from protocols.licences import LICENCES
from protocols.manifest import write_json
from protocols.tables import write_whole
from stimuli.corpora.problems import Problems
from stimuli.corpora.sheet import corpus_sheet
from stimuli.corpora.synthetic.datasheet import datasheet
from stimuli.corpora.synthetic.recordings import CLIPS, PICTURES, Recording, recordings
from stimuli.corpora.synthetic.request import Request
from stimuli.corpora.synthetic.table import EYES, clips_table, parts_line
from stimuli.corpora.synthetic.taking import Taken, facts_of, jobs, take_all
from stimuli.corpora.tree import Progress
from stimuli.npz import npz
from stimuli.processes import in_processes

REQUEST, DATASHEET = "request.json", "DATASHEET.md"
# bytes of a recording at 128 pixels, as measured, and how they grow with the width
CLIP_BYTES, SOUND_BYTES, PICTURE_BYTES, GROWTH = 45_000, 42_000, 15_000, 1.6
Tell = Callable[[str], object]


@dataclass(frozen=True)
class Outcome:
    """What was made: the folder, its clips, and how long it took."""

    folder: Path
    clips: pd.DataFrame
    request: Request
    made: Taken  # in this run
    seconds: float
    sheet: str

    def lines(self) -> list[str]:
        """The outcome for the researcher."""
        made, all_ = self.made.recordings, len(self.clips)
        what = "pictures" if self.request.still else "clips"
        lines = [
            f"{self.folder}: {all_:,} {what} of {self.clips.actor.nunique()} actors; {made:,} "
            f"made, {all_ - made:,} already there"
        ]
        if made:
            lines.append(
                f"{self.seconds / 60:.1f} minutes: {60 * made / self.seconds:.1f} {what} a minute, "
                f"{self.made.frames / self.seconds:.1f} frames a second; most memory of one "
                f"process {self.made.peak_mb:.0f} MB"
            )
        licence = LICENCES["actors"]
        return [
            *lines,
            parts_line(self.clips),
            f"{self.sheet}; datasheet: {self.folder / DATASHEET}",
            f"licence {licence.name}; may be shown online: {licence.terms}",
        ]


def make_synthetic(
    request: Request,
    folder: Path,
    *,
    workers: int = 1,
    cache: Path | None = None,
    progress: Progress | None = None,
    tell: Tell | None = None,
) -> Outcome:
    """Make what `folder` lacks of the corpus, then its table; the same bytes however often.

    Args:
        request: what is wanted; it may ask for more than what is there, not for less or else.
        folder: new, or of the same corpus.
        workers: processes; does not change a byte.
        cache: where prepared actors are kept; None: the user's cache folder.
        progress: called with recordings done and all.
        tell: is told the disk need at the start, and recordings a minute as they come.

    Raises:
        UserError: the folder holds something else, is in use by another run, or the disk is full.
    """
    start = time.perf_counter()
    wanted = recordings(request)
    _check(folder, request)
    _import_what_is_needed(request)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone_in(folder):
        _clear(folder)
        missing = [one for one in wanted if facts_of(one, folder, request) is None]
        _check_space(folder, request, len(missing), tell)
        write_json(folder / REQUEST, request.content())
        made = _take(missing, len(wanted), folder, request, workers, cache, progress, tell)
        seconds = time.perf_counter() - start
        clips, sheet = _finish(folder, request, wanted)
    return Outcome(folder, clips, request, made, seconds, sheet)


def _take(
    missing: Sequence[Recording], total: int, folder: Path, request: Request, workers: int,
    cache: Path | None, progress: Progress | None, tell: Tell | None,
) -> Taken:  # fmt: skip
    start = time.perf_counter()
    made, frames, peak, said = 0, 0, 0.0, 0
    what = "pictures" if request.still else "clips"
    for taken in in_processes(take_all, jobs(missing, folder, request, cache), workers):
        made, frames = made + taken.recordings, frames + taken.frames
        peak = max(peak, taken.peak_mb)
        if progress:
            progress(total - len(missing) + made, total)
        if tell and made * 10 // len(missing) > said and made < len(missing):
            said = made * 10 // len(missing)
            seconds = time.perf_counter() - start
            left = (len(missing) - made) * seconds / made / 60
            tell(f"{made:,} of {len(missing):,} {what}: {60 * made / seconds:.1f} a minute, "
                 f"{left:.0f} minutes to go")  # fmt: skip
    return Taken(made, frames, time.perf_counter() - start, peak)


def _finish(
    folder: Path, request: Request, wanted: Sequence[Recording]
) -> tuple[pd.DataFrame, str]:
    """Table, datasheet, contact sheet, and last the record."""
    if request.still:
        write_whole(folder / EYES, _eyes_of_pictures(request))
    rows = []
    for recording in wanted:
        facts = facts_of(recording, folder, request)
        if facts is None:
            raise UserError(
                f"{folder / recording.stem}: was made and is gone or changed; run the same again"
            )
        rows.append((recording, facts))
    clips = clips_table(rows, request)
    path, why = corpus_sheet(clips, folder, folder / SHEET)
    write_whole(folder / DATASHEET, datasheet(clips, request).encode())
    licence = LICENCES["actors"]
    record = CorpusRecord(
        name="synthetic",
        adapter="synthetic",
        version=request.version,
        root=".",
        licence=licence.name,
        may_be_shown=licence.may_be_shown,
        terms=licence.terms,
        cite=licence.cite,
        clips=len(clips),
        actors=int(clips.actor.nunique()),
        problems=0,
        seed=request.seed,
        clips_sha256="",
        settings=json.loads(json.dumps(request.content())),
    )
    write_clips(folder, clips, Problems().table(), record)
    return clips, f"contact sheet: {path}" if path else f"no contact sheet: {why}"


def _eyes_of_pictures(request: Request) -> bytes:
    """Both eyes of every picture lie on the same two points: one annotation for all."""
    from stimuli.corpora.synthetic.acting import eye_pixels

    return npz(eyes=eye_pixels(np.zeros((1, 3)), request.size))


def _check(folder: Path, request: Request) -> None:
    """Refuse a folder of something else, or of a corpus that this request does not continue."""
    file = folder / REQUEST
    if not file.is_file():
        if folder.exists() and (not folder.is_dir() or any(_visible(folder))):
            raise UserError(
                f"{folder}: is not empty and holds no synthetic corpus; choose a new folder with -o"
            )
        return
    try:
        before = Request.of(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise UserError(f"{file}: damaged ({error}); choose a new folder with -o") from None
    differs = request.differs(before)
    if differs:
        raise UserError(
            f"{folder}: holds a corpus of other settings ({'; '.join(differs)}); ask for the same "
            "or for more, or choose a new folder with -o"
        )


def _import_what_is_needed(request: Request) -> None:
    """Say at once what is not installed, not after an hour."""
    if not request.still and find_spec("av") is None:
        raise UserError(
            "clips need PyAV, which is not installed; install it with: pip install av (pictures, "
            "--still, do without)"
        )


def _check_space(folder: Path, request: Request, missing: int, tell: Tell | None) -> None:
    """Say how much disk the recordings need; refuse to begin where there is less."""
    growth = (request.size / 128) ** GROWTH
    each = PICTURE_BYTES * growth if request.still else CLIP_BYTES * growth + SOUND_BYTES
    need, free = missing * each, shutil.disk_usage(folder).free
    what = f"{missing:,} {'pictures' if request.still else 'clips'}"
    if need > free:
        raise UserError(
            f"{folder}: {what} need about {_size(need)}; {_size(free)} are free; make room, or "
            "choose another disk with -o"
        )
    if tell and missing:
        tell(f"{what} to make: about {_size(need)} on disk, {_size(free)} are free")


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(count / 1e6, 0.1):.1f} MB"


def _visible(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if not path.name.startswith("."))


def _clear(folder: Path) -> None:
    """Remove what a run that was killed left half written (hidden, beside its place)."""
    for below in (CLIPS, PICTURES):
        for path in (folder / below).glob("**/.*.*"):
            path.unlink()
    for name in (REQUEST, DATASHEET, NAME, RECORD, PROBLEMS, SHEET):
        for path in folder.glob(f".{name}.*"):
            path.unlink()


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Refuse a second run in the same folder; where the system has no such lock, hope."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise UserError(f"{folder}: another run is at work here; wait until it is done") from None
    try:
        yield
    finally:
        os.close(handle)
