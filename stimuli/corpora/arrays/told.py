"""What a preparation made, in words: after `mien corpus prepare`, and later in `info`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from protocols import prepared
from protocols.clips import CorpusRecord
from protocols.prepared import PreparedCorpus, PreparedRecord, read_prepared
from protocols.tables import read_table
from stimuli.corpora.arrays.store import BUILDING
from stimuli.corpora.problems import some


@dataclass(frozen=True)
class Outcome:
    """What was prepared: the arrays, what could not be, and how long it took."""

    corpus: PreparedCorpus
    unusable: pd.DataFrame
    partly_outside: int  # clips with a crop of which more than a tenth lies outside its picture
    seconds: float
    made: int  # faces of this run
    new: bool

    def lines(self) -> list[str]:
        """The outcome in words."""
        folder, record = self.corpus.folder, self.corpus.record
        state = "" if self.new else " (nothing has changed; kept as they are)"
        lines = [f"{folder}: {_holds(record)}{state}"]
        if self.new and self.made:
            lines.append(f"{self.made / self.seconds:,.1f} faces a second ({self.seconds:,.0f} s)")
        lines += _unusable_lines(self.unusable)
        if len(self.unusable):
            lines.append(f"every one of them: {folder / prepared.UNUSABLE}")
        if self.partly_outside:
            lines.append(
                f"{self.partly_outside:,} clips have crops that reach over the border of their "
                "picture by more than a tenth (inside, in rows.npy)"
            )
        if record.faces:
            lines.append(f"contact sheet and mean face: {folder / prepared.SHEET}")
        return lines


def prepared_lines(folder: Path, corpus: CorpusRecord) -> list[str]:
    """What is prepared of the corpus in `folder`, in its own folder `arrays`."""
    arrays = folder / prepared.FOLDER
    if not (arrays / prepared.RECORD).is_file():
        begun = (arrays / BUILDING).is_dir()
        return [
            f"arrays: begun and not finished; mien corpus prepare {folder} goes on" if begun
            else f"arrays: none yet; mien corpus prepare {folder} makes them"
        ]  # fmt: skip
    record = read_prepared(arrays)
    lines = [f"{arrays}: {_holds(record)}", *_unusable_lines(read_unusable(arrays))]
    if record.clips_sha256 != corpus.clips_sha256:
        lines.append(f"the table of clips has changed since: mien corpus prepare {folder} --anew")
    return lines


def read_unusable(arrays: Path) -> pd.DataFrame:
    """The table of what could not be prepared."""
    return read_table(arrays / prepared.UNUSABLE, prepared.UNUSABLE_COLUMNS, "\t")


def _holds(record: PreparedRecord) -> str:
    minutes = record.samples / record.audio_rate / 60 if record.audio_rate else 0.0
    return (
        f"{record.faces:,} faces of {record.size} px and {minutes:,.1f} minutes of sound, "
        f"of {record.clips:,} clips"
    )


def _unusable_lines(table: pd.DataFrame) -> list[str]:
    """For each kind of problem how many clips it concerns, with the first ones."""
    lines = []
    for kind, title in prepared.KINDS.items():
        these = table["clip"][table["kind"] == kind].tolist()
        if these:
            lines.append(f"{title}: {len(these):,} clips: {some(these)}")
    return lines
