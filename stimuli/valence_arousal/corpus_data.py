"""The data file of faces with valence and arousal from a prepared corpus, such as AffectNet.

Rules, the same for every corpus:

- A clip counts if its corpus says both valence and arousal, each from -1 to 1. The others are left
  out and counted, as Lindt et al. left them out (AffectNet writes -2 where they are uncertain); so
  is what AffectNet let a network label (its partition `automatic`).
- `by_emotion`: an emotion counts as the place where people put its word (Russell & Mehrabian 1977),
  times m, in clips of which the corpus says no place. A few places are no plane, so this is only
  done where it is asked for.
- Of a film up to so many frames at regular intervals; seen from the front where there are sides.
- Of more faces than asked for those are taken that lie most evenly over the plane: neutral and
  pleasant faces would crowd out all others.
- Parts are the corpus' own, in which nobody is twice; of those who train one in four teaches the
  judges instead. Where nobody is named (AffectNet) single pictures are dealt out: those that the
  corpus publishes for validation test, of the others one in twenty validates, one in four teaches
  the judges. Then somebody may be in two parts.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from models.valence_arousal.data import NOBODY, PARTS, Labels, save_data
from protocols.emotions import meaning
from protocols.errors import UserError
from protocols.licences import licence_words
from protocols.prepared import PreparedCorpus
from stimuli.actors.plane import ANCHORS
from stimuli.corpora.material import (
    NAME,
    CorpusData,
    Progress,
    coded_faces,
    is_there,
    preferred,
    prepare_again,
    spread,
    strengths,
)
from stimuli.valence_arousal.data import DataSettings, part_of

FRAMES = 16  # of a clip, at most
PICTURES = 60_000  # of the corpus, at most: 3 GB of memory at 128 pixels
AXES = ("valence", "arousal")
ACROSS = 8  # squares along each axis over which faces are taken evenly
TESTS, MACHINE = ("validation", "test"), "automatic"  # partitions that corpora publish
TEST = 10  # where nobody is named and nothing is published, one picture in so many tests
SEED = 9  # of who teaches whom
# where people place emotions; calm counts as relaxed
PLACES = {"neutral": (0.0, 0.0), **{emotion: place for emotion, (place, _) in ANCHORS.items()}}
PLACES["calm"] = PLACES["relaxed"]


@dataclass(frozen=True)
class CorpusChoice:
    """What of a corpus is taken."""

    pictures: int = PICTURES
    frames: int = FRAMES
    by_emotion: bool = False


def data_of_corpus(
    corpus: Path, folder: Path, choice: CorpusChoice, size: int, progress: Progress | None = None
) -> CorpusData:
    """The data file in `folder` of the arrays of the corpus in `corpus`; kept if it is there.

    size: pixels a side that the networks take; larger faces do as well.

    Raises:
        UserError: not prepared, too small, without valence and arousal, or the folder holds the
            data of another corpus.
    """
    arrays = PreparedCorpus.open(corpus)
    record = arrays.record
    if record.size < size or record.size % 16:
        raise UserError(
            f"{arrays.folder}: faces of {record.size} pixels; the networks take {size}, or larger "
            f"ones whose size is a multiple of 16: run {prepare_again(arrays, size)}"
        )
    clips, lines = _usable(arrays, choice)
    clips = clips.assign(part=_parts(clips))
    every = _faces(clips, choice.frames)
    faces = _evenly(every, choice.pictures)
    path = folder / NAME
    made = json.dumps({"corpus": record.corpus, "prepared": record.fingerprint, **asdict(choice)})
    if not is_there(path, made):
        _write(path, arrays, faces, progress, made, licence_words(record.corpus, corpus))
    return CorpusData(path, (*lines, *_told(clips, faces, len(every), choice)))


def _usable(arrays: PreparedCorpus, choice: CorpusChoice) -> tuple[pd.DataFrame, list[str]]:
    """Clips with a face and a place in the plane, and in words what was left out."""
    clips = preferred(arrays.index)
    clips = clips.loc[clips["rows"] > 0]
    by_machine = clips["partition"].isin([MACHINE])
    partless = clips["actor"].notna() & clips["split"].isna() & ~by_machine
    clips = clips.loc[~by_machine & ~partless]
    places = clips[list(AXES)].astype(float).to_numpy()  # (n, 2)
    unknown = np.isnan(places).any(1)
    guessed = np.zeros(len(clips), bool)
    if choice.by_emotion:
        by_word = _places_of(clips)
        guessed = unknown & np.isfinite(by_word).all(1)
        places[guessed] = by_word[guessed]
    outside = (np.abs(places) > 1).any(1) & ~unknown
    kept = np.isfinite(places).all(1) & ~outside
    counts = {
        "labelled by a network": by_machine.sum(),
        "of people in no part": partless.sum(),
        "without valence and arousal": (unknown & ~guessed).sum(),
        "with valence or arousal outside -1 to 1": outside.sum(),
    }
    left_out = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    if not kept.any():
        raise UserError(_nothing(arrays, clips, left_out, choice))
    clips = clips.assign(valence=places[:, 0], arousal=places[:, 1]).loc[kept]
    lines = [f"clips left out: {left_out}"] if left_out else []
    if guessed.any():
        lines.append(
            f"{int(guessed.sum()):,} clips lie where people place the word of their emotion "
            "(Russell & Mehrabian, 1977), times m: a few places, no measured plane"
        )
    return clips, lines


def _nothing(
    arrays: PreparedCorpus, clips: pd.DataFrame, left_out: str, choice: CorpusChoice
) -> str:
    """What to do with a corpus of which no clip can be used."""
    where = f"{arrays.folder}: no face with valence and arousal ({left_out or 'no face at all'})"
    if not choice.by_emotion and np.isfinite(_places_of(clips)).any():
        return f"{where}; --by-emotion puts each emotion at its published place in the plane"
    return f"{where}; take a corpus that has them: AffectNet, or your own with a mapping"


def _places_of(clips: pd.DataFrame) -> np.ndarray:
    """Where people place the emotion of each clip, times m: (n, 2), NaN where nobody knows."""
    words = [meaning(word) if isinstance(word, str) else "" for word in clips["emotion"]]
    places = [PLACES.get(word, (np.nan, np.nan)) for word in words]
    return np.array(places, float).reshape(-1, 2) * strengths(clips)[:, None]


def _parts(clips: pd.DataFrame) -> list[str]:
    """Of PARTS, for each clip: by person where people are named, else by picture."""
    settings = DataSettings()
    learners = sorted(set(clips["actor"][clips["split"].eq("train").fillna(False)]))
    judges = set(learners[1 :: settings.judges])
    numbers = np.random.default_rng(SEED).permutation(len(clips))
    tests = clips["partition"].isin(TESTS).to_numpy(bool)
    if not tests.any():
        tests = numbers % TEST == TEST - 2  # neither those who validate nor the judges'
    parts = []
    for actor, split, number, is_test in zip(
        clips["actor"], clips["split"], numbers, tests, strict=True
    ):
        if isinstance(actor, str):
            parts.append("judge" if actor in judges else str(split))
        else:
            parts.append("test" if is_test else part_of(int(number), settings))
    return parts


def _faces(clips: pd.DataFrame, most: int) -> pd.DataFrame:
    """One row for each picture: row in the arrays, person, place in the plane and part."""
    people = {actor: number for number, actor in enumerate(sorted(set(clips["actor"].dropna())))}
    picked = [first + spread(rows, most) for first, rows in
              clips[["first_row", "rows"]].to_numpy(int)]  # fmt: skip
    faces = clips[[*AXES, "part"]].assign(
        person=[people.get(actor, NOBODY) for actor in clips["actor"]]
    )
    faces = faces.take(np.repeat(np.arange(len(clips)), [len(rows) for rows in picked]))
    return faces.assign(row=np.concatenate(picked)).reset_index(drop=True)


def _evenly(faces: pd.DataFrame, most: int) -> pd.DataFrame:
    """Up to `most` faces, from each square of the plane as many as it has, or as any other."""
    drawn = faces.take(np.random.default_rng(SEED).permutation(len(faces)))
    squares = ((drawn[list(AXES)] + 1) * ACROSS / 2).astype(int).clip(upper=ACROSS - 1)
    turn = drawn.groupby([squares[axis] for axis in AXES]).cumcount()  # whose turn it is
    return faces.loc[np.sort(turn.sort_values(kind="stable").index[:most])]


def _write(
    path: Path, arrays: PreparedCorpus, faces: pd.DataFrame, progress: Progress | None, made: str,
    licence: str,
) -> None:  # fmt: skip
    labels = Labels(
        person=faces["person"].to_numpy(), valence=faces["valence"].to_numpy(),
        arousal=faces["arousal"].to_numpy(), part=np.array([PARTS.index(p) for p in faces["part"]]),
    )  # fmt: skip
    coded = coded_faces(arrays, faces["row"].to_numpy(), progress)
    save_data(path, coded, labels, made=made, licence=licence)


def _told(clips: pd.DataFrame, faces: pd.DataFrame, every: int, choice: CorpusChoice) -> list[str]:
    """What the file holds, in words."""
    named = clips.loc[clips["actor"].notna()]
    counts = named.drop_duplicates("actor")["part"].value_counts()
    people = ", ".join(f"{counts.get(part, 0)} {part}" for part in PARTS)
    shares = faces["part"].value_counts()
    lines = [
        f"{len(faces):,} faces of {len(clips):,} clips: "
        + ", ".join(f"{shares.get(part, 0):,} {part}" for part in PARTS),
        f"people: {people}" if len(named) else "nobody is named: somebody may be in two parts",
    ]
    if every > choice.pictures:
        lines.append(
            f"{every:,} faces were there; {choice.pictures:,} are taken, evenly over the plane: "
            "more with --pictures"
        )
    return lines
