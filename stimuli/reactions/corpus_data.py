"""The data file of reactions from REACT 2024, as it is published or as `mien corpus add` wrote it.

Rules

- A clip counts if there are its sound, its table of 25 attributes, and its partner's table. Each of
  the two is the speaker once and the listener once, as the challenge doubles its lists.
- The partner's own face is an appropriate reaction. Where `neighbour_emotion_PART.npy` lies in the
  corpus (the challenge's matrix of pairs, in the order of PART.csv and then with roles swapped),
  so are the listeners' faces of the speaker's neighbours; of many, some are drawn (REACTIONS).
- What a speaker's voice expresses is not annotated; the speaker's face stands for it.
- A frame whose row has an empty cell or NaN is a face that is not seen, and stays so in the file. A
  listener's face must be there: gaps up to GAP_S are bridged by straight lines, a face with longer
  ones is nobody's reaction.
- Parts are the challenge's; its people are known within a conversation only, which is in one part.
- Clips last SECONDS: tables of 750 and 751 rows count alike.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from models.reaction.attributes import AFFECT, RATE, in_range
from models.reaction.data import PARTS, save_data
from models.reaction.voice import voice_features
from protocols.clips import RECORD, read_clips, read_record
from protocols.errors import UserError
from protocols.licences import licence_words
from stimuli.context_faces.shards import Progress, make_missing, write_shard
from stimuli.corpora.adapter import scan
from stimuli.corpora.arrays.film import Undecodable
from stimuli.corpora.arrays.sound import read_sound
from stimuli.corpora.info import find_corpus
from stimuli.corpora.material import NAME, CorpusData, is_there
from stimuli.corpora.problems import some
from stimuli.corpora.react2024 import PARTS as PUBLISHED
from stimuli.corpora.react2024 import PLACE, REACT2024
from stimuli.reactions.face_table import read_face
from stimuli.reactions.neighbours import Neighbours, read_neighbours
from stimuli.seeds import generator_of

VERSION = 1
SECONDS = 30
GAP_S = 1.0  # longest gap in a listener's face that is bridged
APART_S = 0.5  # by which sound and face may differ
RATE_OFF = 0.1  # frames a second by which a film may miss 25
REACTIONS = {"train": 4, "validation": 4, "test": 10}  # to a clip, at most
SEED = 11  # of which neighbours are drawn
NAMED = 3  # things that are wrong, named one by one


@dataclass(frozen=True)
class Job:
    """One clip to be read, and the file that it ends in."""

    annotation: Path
    audio: Path
    path: Path


@dataclass(frozen=True)
class Read:
    """The face (T, 25) of a clip, 0 where it is not seen (T,), and its voice (T, 78)."""

    face: np.ndarray
    seen: np.ndarray
    voice: np.ndarray

    def bridged(self) -> np.ndarray | None:
        """The face with short gaps bridged; None where one is longer than GAP_S."""
        edges = np.flatnonzero(np.diff([0, *~self.seen, 0]))
        if len(edges) and (edges[1::2] - edges[::2]).max() > GAP_S * RATE:
            return None
        at, known = np.arange(len(self.face)), np.flatnonzero(self.seen)
        between = [np.interp(at, known, column[known]) for column in self.face.T]
        return in_range(np.stack(between, 1))


def place_of(corpus: str) -> Path:
    """The folder of a name or path: as `mien corpus add` wrote it, or where the published one lies.

    Raises:
        UserError: no such corpus.
    """
    place = Path(corpus)
    return place if place.is_dir() and not (place / RECORD).is_file() else find_corpus(corpus)


def data_of_corpus(
    place: Path, folder: Path, workers: int = 1, progress: Progress | None = None
) -> CorpusData:
    """The data file in `folder` of REACT 2024; kept if it is there, and so are clips once read.

    place: of the corpus (`place_of`). The lines say which clips are left out, and why.

    Raises:
        UserError: another corpus, no usable clip to train from, a matrix that does not fit, or the
            folder holds the data of another corpus.
    """
    clips, root, wrong = _clips(place)
    path = folder / NAME
    digest = _digest(clips, root)
    made = f"react2024 {VERSION} {digest}"
    if is_there(path, made):
        return CorpusData(path)
    clips = _whole(clips, wrong)
    shards = folder / f"clips-{digest[:8]}"
    read = _read_all(clips, root, shards, wrong, workers, progress)
    clips = clips[clips["clip"].isin(list(read))]
    listeners = {name: face for name, one in read.items() if (face := one.bridged()) is not None}
    neighbours = _neighbours(clips, root)
    lines = [
        f"{name}: no neighbour_emotion_{name}.npy; the partner's reaction alone"
        for name, known in neighbours.items() if known is None
    ]  # fmt: skip
    replies = _replies(clips, neighbours, listeners)
    if wrong:
        lines.append(f"{len(wrong)} clips are left out: {some(wrong, NAMED)}")
    rows = [clip for clip in clips.itertuples() if replies[str(clip.clip)]]
    if not any(clip.partition == "train" for clip in rows):
        why = wrong[0] if wrong else "no two clips of one conversation are whole"
        raise UserError(f"{place}: holds no clip to train from; {why}")
    names = [str(clip.clip) for clip in rows]
    answers = [reply for name in names for reply in replies[name]]
    number = {name: i for i, name in enumerate(sorted(set(clips["actor"])))}
    person = {str(clip.clip): number[str(clip.actor)] for clip in clips.itertuples()}
    save_data(
        path,
        face=np.stack([read[name].face for name in names]),
        seen=np.stack([read[name].seen for name in names]),
        voice=np.stack([read[name].voice for name in names]),
        heard=np.stack([in_range(read[name].face)[:, AFFECT] for name in names]),
        part=np.array([PARTS.index(str(clip.partition)) for clip in rows], np.int8),
        speaker=np.array([person[name] for name in names], np.int32),
        reactions=np.stack([listeners[name] for name in answers]),
        of=np.repeat(np.arange(len(names)), [len(replies[name]) for name in names]).astype("i4"),
        listener=np.array([person[name] for name in answers], np.int32),
        licence=licence_words(REACT2024.name), made=made,
    )  # fmt: skip
    shutil.rmtree(shards)
    return CorpusData(path, tuple(lines))


def _clips(place: Path) -> tuple[pd.DataFrame, Path, list[str]]:
    """The table of clips, the folder that its paths start from, and what is wrong there."""
    if not (place / RECORD).is_file():
        clips, problems = scan(REACT2024, place)
        if clips.empty:
            raise UserError(
                f"{place}: neither a corpus that mien corpus add wrote nor REACT 2024 as it is "
                f"published ({REACT2024.example})"
            )
        tables = [one for one in problems.found if "/Emotion/" in one.path]
        return clips, place, [f"{place / one.path}: {one.message}" for one in tables]
    record = read_record(place)
    if record.name != REACT2024.name:
        raise UserError(
            f"{place}: is {record.name}, which has no listeners; accepted: react2024, or --data"
        )
    return read_clips(place), Path(record.root), []


def _digest(clips: pd.DataFrame, root: Path) -> str:
    """SHA-256 over the clips, the sizes of their files, and the matrices."""
    sha = hashlib.sha256()
    for clip in clips.itertuples():
        told = [clip.clip, clip.partner, clip.partition]
        for path in (clip.annotation, clip.audio):
            file = root / str(path)
            told += [path, file.stat().st_size if file.is_file() else None]
        sha.update(repr(told).encode())
    for part in PUBLISHED:
        for name in (f"{part}.csv", f"neighbour_emotion_{part}.npy"):
            file = _base(clips, root) / name
            sha.update(file.read_bytes() if file.is_file() else b"none")
    return sha.hexdigest()


def _base(clips: pd.DataFrame, root: Path) -> Path:
    """The folder in which train, val and test lie."""
    for path in [*clips["audio"].dropna(), *clips["video"].dropna()]:
        found = PLACE.fullmatch(str(path))
        if found:
            return root / str(path)[: found.start("part")]
    return root


def _whole(clips: pd.DataFrame, wrong: list[str]) -> pd.DataFrame:
    """The clips that have all that is needed; the others are noted."""
    kept = []
    for clip in clips.itertuples():
        lacks = [word for word, there in (("sound", clip.audio), ("attributes", clip.annotation),
                                          ("partner", clip.partner)) if pd.isna(there)]  # fmt: skip
        rate = RATE if pd.isna(clip.rate) else float(str(clip.rate))
        if lacks:
            wrong.append(f"{clip.clip}: no {', no '.join(lacks)}")
        elif abs(rate - RATE) > RATE_OFF:
            wrong.append(f"{clip.clip}: {rate:g} frames a second; accepted: {RATE}")
        else:
            kept.append(clip.Index)
    return clips.loc[kept]


def _read_all(
    clips: pd.DataFrame, root: Path, folder: Path, wrong: list[str], workers: int,
    progress: Progress | None,
) -> dict[str, Read]:  # fmt: skip
    """What the files of each clip hold; those that cannot be used are noted."""
    jobs = [
        Job(root / str(clip.annotation), root / str(clip.audio), folder / f"{clip.clip}.npz")
        for clip in clips.itertuples()
    ]
    read = {}
    for name, path in zip(clips["clip"], make_missing(_read, jobs, workers, progress), strict=True):
        with np.load(path, allow_pickle=False) as file:
            if "wrong" in file:
                wrong.append(str(file["wrong"]))
            else:
                read[str(name)] = Read(file["face"], file["seen"], file["voice"])
    return read


def _read(job: Job) -> None:
    """Write what the files of a clip hold, or what is wrong with them."""
    try:
        one = read_clip(job.annotation, job.audio)
    except UserError as error:
        write_shard(job.path, wrong=np.array(str(error)))
    else:
        write_shard(job.path, face=one.face, seen=one.seen, voice=one.voice)


def read_clip(annotation: Path, audio: Path) -> Read:
    """Face and voice of a clip.

    Raises:
        UserError: a table or a sound that cannot be used, or that do not fit each other.
    """
    face = read_face(annotation)
    try:
        samples, rate = read_sound(audio)
    except Undecodable as error:
        raise UserError(f"{audio}: {error}") from None
    seen, heard = len(face.values) / RATE, len(samples) / max(rate, 1)
    if abs(seen - heard) > APART_S:
        raise UserError(
            f"{audio}: {heard:.2f} s of sound, but {annotation.name} has {seen:.2f} s of face; "
            f"accepted: {APART_S:g} s apart at most"
        )
    frames = SECONDS * RATE
    if len(face.values) < frames:
        raise UserError(f"{annotation}: {seen:.2f} s of face; accepted: {SECONDS} s")
    try:
        voice = voice_features(torch.from_numpy(samples), rate, frames).numpy()
    except ValueError as error:
        raise UserError(f"{audio}: {error}") from None
    return Read(face.values[:frames], face.there[:frames], voice)


def _neighbours(clips: pd.DataFrame, root: Path) -> dict[str, Neighbours | None]:
    """The challenge's matrix of each of its parts that has clips; None where there is none."""
    base, there = _base(clips, root), set(clips["partition"])
    return {name: read_neighbours(base, name) for name, part in PUBLISHED.items() if part in there}


def _replies(
    clips: pd.DataFrame, neighbours: Mapping[str, Neighbours | None],
    listeners: Mapping[str, np.ndarray],
) -> dict[str, list[str]]:  # fmt: skip
    """Clip -> the clips whose faces are appropriate reactions, the partner's first."""
    partner = {str(clip.clip): str(clip.partner) for clip in clips.itertuples()}
    replies = {name: [own] if own in listeners else [] for name, own in partner.items()}
    for published, known in neighbours.items():
        if known is None:
            continue
        for row, name in enumerate(known.speakers):
            if name not in replies:
                continue
            never = {name, partner[name], *replies[name]}
            alike = dict.fromkeys(known.listeners[i] for i in np.flatnonzero(known.alike[row]))
            others = [one for one in alike if one in listeners and one not in never]
            order = generator_of(SEED, name).permutation(len(others))
            room = REACTIONS[PUBLISHED[published]] - len(replies[name])
            replies[name] += [others[i] for i in order[:room]]
    return replies
