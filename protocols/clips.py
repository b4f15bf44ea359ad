"""The prepared corpus: `clips.tsv`, one row per clip, and `corpus.json`, what it was made from.

A *clip* is one recording or photograph. The corpus itself stays where its owner keeps it: paths in
the table are relative to its root, with `/`. Empty means that the corpus does not say, or that the
clip has no such file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from protocols.manifest import write_json
from protocols.section import nearest
from protocols.tables import Column, TableError, read_table, write_table

NAME, RECORD, PROBLEMS, SHEET = "clips.tsv", "corpus.json", "problems.tsv", "contact-sheet.png"
HOME = Path("corpora")  # where added corpora stand, beside the studies
MODALITIES = ("audio", "visual", "audio-visual", "picture")
SPLITS = ("train", "validation", "test")
COLUMNS = (
    Column("clip", "word", "name of the clip, unique in its corpus"),
    Column("corpus", "word", "name of the corpus"),
    Column("actor", "word", "who is seen or heard", required=False),
    Column("gender", "word", "gender of the actor, as the corpus says", required=False),
    Column("age", "number", "age of the actor", required=False, unit="year"),
    Column("origin", "word", "descent, as the corpus says", required=False),
    Column("emotion", "word", "emotion, as one of mien's words where there is one",
           required=False),
    Column("intensity", "word", "strength of the emotion, in the words of the corpus",
           required=False),
    Column("valence", "number", "unpleasant -1 … pleasant 1", required=False),
    Column("arousal", "number", "calm -1 … excited 1", required=False),
    Column("sentence", "word", "what is said: code of the sentence", required=False),
    Column("channel", "word", "way of speaking, such as speech or song", required=False),
    Column("take", "integer", "number of the take", required=False),
    Column("view", "word", "where the camera stands", required=False),
    Column("modality", "word", "what there is of the clip", MODALITIES),
    Column("video", "word", "video file, or folder of numbered frames", required=False),
    Column("audio", "word", "sound file", required=False),
    Column("image", "word", "picture file", required=False),
    Column("annotation", "word", "file with ratings of each frame", required=False),
    Column("partner", "word", "clip of the other person in a conversation", required=False),
    Column("width", "integer", "width of picture or video", required=False, unit="pixel"),
    Column("height", "integer", "height of picture or video", required=False, unit="pixel"),
    Column("frames", "integer", "frames of the video", required=False),
    Column("rate", "number", "frames per second", required=False, unit="hertz"),
    Column("audio_rate", "number", "samples of the sound per second", required=False,
           unit="hertz"),
    Column("duration_s", "number", "duration of video or sound", required=False, unit="second"),
    Column("bytes", "integer", "size of its files together", required=False, unit="byte"),
    Column("attributes", "word", "other things the corpus says, with spaces between",
           required=False),
    Column("partition", "word", "part of the data in which the corpus publishes it",
           required=False),
    Column("split", "word", "part that no actor of another part is in", SPLITS, required=False),
    Column("licence", "word", "what one may do with the clip"),
    Column("may_be_shown", "yes-no", "whether participants may see or hear it on the web"),
    Column("warnings", "word", "what is odd about the clip", required=False),
)  # fmt: skip
PROBLEM_COLUMNS = (
    Column("kind", "word", "kind of problem"),
    Column("path", "word", "file or folder below the root of the corpus", required=False),
    Column("clips", "integer", "how many clips or files it concerns"),
    Column("message", "word", "what was found, and what to do"),
)
FILES = ("video", "audio", "image", "annotation")  # columns that name files


@dataclass(frozen=True)
class CorpusRecord:
    """`corpus.json`: what a prepared corpus was made from.

    Attributes:
        name: of the corpus.
        adapter: how its layout was read, and `version` of that.
        root: folder in which its owner keeps it; in the file, it may be relative to the file's own.
        licence, may_be_shown, terms, cite: see `protocols.licences`.
        clips, actors, problems: how many.
        seed: of the split.
        clips_sha256: SHA-256 of `clips.tsv`.
        settings: those of the adapter `folder`.
        permission: by which the laboratory may show it although its licence does not say so, in
            the laboratory's own words; empty: none.
    """

    name: str
    adapter: str
    version: str
    root: str
    licence: str
    may_be_shown: bool
    terms: str
    cite: str
    clips: int
    actors: int
    problems: int
    seed: int
    clips_sha256: str
    settings: Mapping[str, Any]
    permission: str = ""


def write_clips(
    folder: Path, clips: pd.DataFrame, problems: pd.DataFrame, record: CorpusRecord
) -> None:
    """Write the prepared corpus; the record last, so that it stands only beside whole tables."""
    names = [column.name for column in COLUMNS]
    path = write_table(clips[names], folder / NAME, "\t")
    write_table(problems[[c.name for c in PROBLEM_COLUMNS]], folder / PROBLEMS, "\t")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    write_json(folder / RECORD, asdict(record) | {"clips_sha256": digest})


def read_record(folder: Path) -> CorpusRecord:
    """The record of the prepared corpus in `folder`.

    Raises:
        TableError: no prepared corpus, or its record is damaged.
    """
    path = folder / RECORD
    if not path.is_file():
        raise TableError(
            f"{folder}: no prepared corpus: no {RECORD} in it; make one with "
            "mien corpus add NAME PATH"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        content["root"] = str(folder / content["root"])
        content.setdefault("permission", "")
        return CorpusRecord(**{field.name: content[field.name] for field in fields(CorpusRecord)})
    except (ValueError, KeyError, TypeError) as error:
        raise TableError(
            f"{path}: damaged ({type(error).__name__}: {error}); run mien corpus add again"
        ) from None


def read_clips(folder: Path) -> pd.DataFrame:
    """The clips of the prepared corpus in `folder`, checked.

    Raises:
        TableError: no such table, it has changed since it was made, a clip stands twice, or a path
            leaves the root.
    """
    record, path = read_record(folder), folder / NAME
    table = read_table(path, COLUMNS, "\t")
    if hashlib.sha256(path.read_bytes()).hexdigest() != record.clips_sha256:
        raise TableError(f"{path}: has changed since it was made; run mien corpus add again")
    twice = table["clip"][table["clip"].duplicated()]
    if len(twice):
        raise TableError(f"{path}: the clip '{twice.iloc[0]}' stands twice")
    for column in FILES:
        for name in table[column].dropna().unique():
            if not is_below(str(name)):
                raise TableError(f"{path}: {column}: '{name}' leaves the folder of the corpus")
    return table


def is_below(path: str) -> bool:
    """Whether a relative path with `/` stays below the folder that it starts from."""
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts and "\\" not in path


def check_columns(names: Iterable[str]) -> str | None:
    """What is wrong with the columns of a table of clips, if anything: the first unknown one."""
    known = [column.name for column in COLUMNS]
    wrong = next((name for name in names if name not in known), None)
    return None if wrong is None else f"unknown column '{wrong}'{nearest(wrong, known)}"
