"""`mien study dataset`: a finished study in; a folder that others can be given out."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from experiments.datasets import bids, psych_ds
from experiments.datasets.about import told
from experiments.datasets.contents import Contents, read_contents
from experiments.errors import StudyError
from protocols.section import accepted, nearest
from protocols.study import Study
from protocols.tables import write_whole

FORMATS = {"psych-ds": psych_ds.files, "bids": bids.files}


def write_dataset(
    study: Study,
    folder: Path,
    kind: str = "psych-ds",
    authors: tuple[str, ...] = (),
    licence: str | None = None,
) -> list[str]:
    """Write the data set into a new folder, whole or not at all; lines for the researcher.

    Args:
        study: a study with ratings.
        folder: is made; nothing is ever overwritten.
        kind: psych-ds or bids.
        authors: names, in order.
        licence: of the answers, such as CC-BY-4.0; the stimuli have their own.

    Raises:
        UserError: an option is wrong, or the study has no ratings yet, or is not as it should be.
    """
    if kind not in FORMATS:
        raise StudyError(
            f"--format: found '{kind}'; {accepted(FORMATS)}{nearest(kind, list(FORMATS))}"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StudyError(f"{folder}: is there already; choose a new folder, or delete it first")
    contents = read_contents(study)
    about = told(contents.protocol, authors, licence)
    files = FORMATS[kind](contents, about)
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        for name, content in files.items():
            _lay(part / name, content)
        part.chmod(0o755)
        if folder.is_dir():
            folder.rmdir()  # it is empty
        part.replace(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return list(_said(contents, folder, licence))


def _lay(path: Path, content: bytes | Path) -> None:
    if isinstance(content, bytes):
        write_whole(path, content)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(content, path)


def _said(contents: Contents, folder: Path, licence: str | None) -> Iterator[str]:
    rows = contents.responses.rows
    yield f"{folder}: {contents.known_people} participants, {len(rows):,} responses"
    if contents.simulated:
        yield "caution: these participants are simulated; the README says so"
    if contents.others:
        yield f"{contents.others} simulated participants are left out"
    if contents.unknown:
        yield f"columns that mien does not know are left out: {', '.join(contents.unknown)}"
    if contents.stimuli is not None:
        shared = contents.stimuli.rows.shared == "true"
        yield f"stimuli: {int(shared.sum())} of {len(shared)} may be passed on, and are in it"
        for licence_, count in contents.stimuli.rows[~shared].licence.value_counts().items():
            yield f"left out: {count} stimuli, licence {licence_}"
    if contents.typed:
        yield (
            f"caution: {contents.typed} answers are in participants' own words; read them before "
            "you give the data set to anybody"
        )
    if not licence:
        yield "no licence: others do not know what they may do with it; see --licence"
