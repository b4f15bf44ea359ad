"""A prepared corpus: what networks train from, in arrays that are read from disk piece by piece.

    corpus = PreparedCorpus.open(Path("corpora/ravdess"))
    corpus.faces[corpus.frames("train").row]    # crops (n, size, size, 3) uint8
    corpus.sound_of("01-06-01-02-01-12")        # samples (m,) int16 at corpus.record.audio_rate

Files of the folder: `faces.npy` (N, S, S, 3) uint8 sRGB, the eyes of every face on the same two
points; `landmarks.npy` (N, 68, 2) float32, x and y in pixels of the crop, NaN where not known;
`rows.npy` (N,) of ROW; `sound.npy` (M,) int16, full scale 32,767; `index.tsv`, one row per clip;
`unusable.tsv`, what could not be prepared; `prepared.json`, the record, written last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from protocols.clips import COLUMNS, SPLITS
from protocols.manifest import hash_file, write_json
from protocols.tables import Column, TableError, read_table, write_table

FOLDER = "arrays"  # below the folder of the corpus
FACES, LANDMARKS, ROWS, SOUND = "faces.npy", "landmarks.npy", "rows.npy", "sound.npy"
INDEX, UNUSABLE, RECORD, SHEET = "index.tsv", "unusable.tsv", "prepared.json", "crops.png"
ROW = np.dtype([
    ("clip", "<i4"),  # row of the index
    ("frame", "<i4"),  # number of the frame in its film, from 0
    ("at", "<i4"),  # number of the moment at the rate asked for; time is at / rate
    ("inside", "<f4"),  # share of the crop that lies inside its picture
    ("similarity", "<f4", (4,)),  # from picture to crop: w = a z + b, as Re a, Im a, Re b, Im b
])  # fmt: skip
_FROM_CLIPS = ("clip", "actor", "gender", "age", "origin", "emotion", "intensity", "valence",
               "arousal", "sentence", "channel", "take", "view", "partner", "partition",
               "split", "may_be_shown")  # fmt: skip
INDEX_COLUMNS = (
    *(column for column in COLUMNS if column.name in _FROM_CLIPS),
    Column("first_row", "integer", "row of its first face in faces, landmarks and rows"),
    Column("rows", "integer", "how many faces, one after the other"),
    Column("first_sample", "integer", "its first sample in the sound"),
    Column("samples", "integer", "how many samples"),
)
KINDS = {
    "gone": "files that are not there",
    "undecodable": "files that cannot be decoded",
    "no face": "no face found",
    "two faces": "more than one face",
    "small": "faces too small",
    "frames": "some frames without a face, left out",
    "no sound": "no sound in the file",
    "silent": "silent sound",
}
PARTS = ("faces", "sound")
UNUSABLE_COLUMNS = (
    Column("clip", "word", "name of the clip"),
    Column("part", "word", "what of the clip it concerns", PARTS),
    Column("kind", "word", "kind of problem", tuple(KINDS)),
    Column("path", "word", "file below the root of the corpus"),
    Column("message", "word", "what was found"),
)


@dataclass(frozen=True)
class PreparedRecord:
    """`prepared.json`: what the arrays were made from and what they hold.

    Attributes:
        corpus: name.
        version: of the preparation.
        fingerprint: SHA-256 over settings, version, detector, table of clips and its files.
        clips_sha256: of the table of clips.
        detector: what found the faces, and its version.
        settings: of the preparation.
        eyes: the fixed points (2, 2) in a crop: left of the picture, then right; x, y in pixels.
        size: of a crop, pixels.
        rate: moments a second, of `at`; 0: `at` is the number of the frame.
        audio_rate: samples a second.
        faces, samples, clips, unusable: how many; clips are those of the index.
        sha256: of `index.tsv` and `rows.npy`.
    """

    corpus: str
    version: str
    fingerprint: str
    clips_sha256: str
    detector: str
    settings: Mapping[str, Any]
    eyes: list[list[float]]
    size: int
    rate: float
    audio_rate: int
    faces: int
    samples: int
    clips: int
    unusable: int
    sha256: Mapping[str, str]


@dataclass(frozen=True)
class PreparedCorpus:
    """The arrays of a corpus; `faces`, `landmarks`, `rows` and `sound` are read as they are used.

    Attributes:
        folder: in which they stand.
        record: what they are.
        index: one row per clip, see INDEX_COLUMNS.
        faces: crops (N, size, size, 3) uint8 sRGB.
        landmarks: (N, 68, 2) float32, x and y in the crop; NaN where not known.
        rows: (N,) of ROW: clip, frame, moment and place of each face.
        sound: (M,) int16.
    """

    folder: Path
    record: PreparedRecord
    index: pd.DataFrame
    faces: np.ndarray
    landmarks: np.ndarray
    rows: np.ndarray
    sound: np.ndarray

    @staticmethod
    def open(folder: Path) -> PreparedCorpus:
        """The arrays in `folder`, or in its folder `arrays`.

        Raises:
            TableError: there are none, they are not whole, or an actor is in two parts.
        """
        folder = folder if (folder / RECORD).is_file() else folder / FOLDER
        record = read_prepared(folder)
        for name, wanted in record.sha256.items():
            if not (folder / name).is_file() or hash_file(folder / name) != wanted:
                raise TableError(f"{folder / name}: has changed since it was made; {_AGAIN}")
        n, size = record.faces, record.size
        index = read_table(folder / INDEX, INDEX_COLUMNS, "\t")
        _check_parts(index, folder)
        return PreparedCorpus(
            folder, record, index,
            _mapped(folder / FACES, (n, size, size, 3), np.dtype(np.uint8)),
            _mapped(folder / LANDMARKS, (n, 68, 2), np.dtype("<f4")),
            _mapped(folder / ROWS, (n,), ROW),
            _mapped(folder / SOUND, (record.samples,), np.dtype("<i2")),
        )  # fmt: skip

    def clips(self, split: str | None = None) -> pd.DataFrame:
        """The rows of the index, of one part only if it is named."""
        return self.index if split is None else self.index.loc[self.index["split"] == _part(split)]

    def frames(self, split: str | None = None) -> pd.DataFrame:
        """One row per face: `row`, `frame`, `time_s`, `inside`, and the columns of its clip."""
        rows = np.asarray(self.rows)
        table = pd.DataFrame({
            "row": np.arange(len(rows)),
            "frame": rows["frame"],
            "time_s": rows["at"] / self.record.rate if self.record.rate else np.nan,
            "inside": rows["inside"],
        })  # fmt: skip
        said = self.index.drop(columns=["first_row", "rows", "first_sample", "samples"])
        table = pd.concat([table, said.take(rows["clip"]).reset_index(drop=True)], axis=1)
        return table if split is None else table.loc[table["split"] == _part(split)]

    def faces_of(self, clip: str) -> np.ndarray:
        """The crops (n, size, size, 3) of a clip, in time."""
        row = self._clip(clip)
        return self.faces[row.first_row : row.first_row + row.rows]

    def sound_of(self, clip: str) -> np.ndarray:
        """The samples (m,) int16 of a clip, mono, from its first frame on."""
        row = self._clip(clip)
        return self.sound[row.first_sample : row.first_sample + row.samples]

    def _clip(self, clip: str) -> Any:
        found = np.flatnonzero(self.index["clip"] == clip)
        if not len(found):
            raise TableError(f"{self.folder}: the clip '{clip}' is not among those prepared")
        return self.index.iloc[int(found[0])]


_AGAIN = "run mien corpus prepare again, with --anew"


def read_prepared(folder: Path) -> PreparedRecord:
    """The record of the arrays in `folder`.

    Raises:
        TableError: there is none, or it is damaged.
    """
    path = folder / RECORD
    if not path.is_file():
        raise TableError(f"{folder}: no prepared arrays; make them with mien corpus prepare NAME")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return PreparedRecord(**{f.name: content[f.name] for f in fields(PreparedRecord)})
    except (ValueError, KeyError, TypeError) as error:
        raise TableError(f"{path}: damaged ({type(error).__name__}: {error}); {_AGAIN}") from None


def write_prepared(
    folder: Path, index: pd.DataFrame, unusable: pd.DataFrame, record: PreparedRecord
) -> None:
    """Write both tables beside the arrays, and the record last."""
    write_table(index.loc[:, [c.name for c in INDEX_COLUMNS]], folder / INDEX, "\t")
    write_table(unusable.loc[:, [c.name for c in UNUSABLE_COLUMNS]], folder / UNUSABLE, "\t")
    digests = {name: hash_file(folder / name) for name in (INDEX, ROWS)}
    write_json(folder / RECORD, asdict(record) | {"sha256": digests})


def _mapped(path: Path, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    try:
        array = np.load(path, mmap_mode="r" if 0 not in shape else None, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise TableError(f"{path}: not whole ({error}); {_AGAIN}") from None
    if array.shape != shape or array.dtype != dtype:
        raise TableError(
            f"{path}: found {array.dtype} {array.shape}; the record says {dtype} {shape}; {_AGAIN}"
        )
    return array


def _check_parts(index: pd.DataFrame, folder: Path) -> None:
    part_of: dict[str, str] = {}
    for actor, part in index[["actor", "split"]].dropna().drop_duplicates().to_numpy():
        if part_of.setdefault(actor, part) != part:
            raise TableError(f"{folder / INDEX}: the actor '{actor}' is in two parts; {_AGAIN}")


def _part(split: str) -> str:
    if split not in SPLITS:
        raise TableError(f"found the part '{split}'; accepted: {', '.join(SPLITS)}")
    return split
