"""The data file of talking faces from a prepared corpus of films, such as CREMA-D.

Rules: classes are the six emotions of the paper that the corpus has; each clip is made from its own
first picture (section IV-A); m is what the corpus says (0 to 1, or low, medium and high: 1/3, 2/3
and 1), else 1. Of each clip FRAMES pictures are kept, evenly spread, and the whole sound. Parts are
the corpus' own.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from models import coding
from models.talking_face.data import PARTS, Clips, coded, save_data
from models.talking_face.settings import EMOTIONS, TalkingFaceSettings
from protocols.emotions import meaning
from protocols.errors import UserError
from protocols.licences import licence_words
from protocols.prepared import PreparedCorpus
from stimuli.corpora.material import (
    NAME,
    CorpusData,
    Progress,
    check_size,
    is_there,
    preferred,
    prepare_again,
    strengths,
)
from stimuli.talking_faces.clips import FRAMES, for_networks, spread

LIPS = slice(48, 68)  # of the 68 landmarks


def data_of_corpus(
    corpus: Path, folder: Path, network: TalkingFaceSettings, progress: Progress | None = None
) -> CorpusData:
    """The data file in `folder` of the arrays of the corpus in `corpus`; kept if it is there.

    Raises:
        UserError: not prepared, prepared otherwise, without films with sound, landmarks or
            emotions, or the folder holds the data of another corpus.
    """
    arrays = PreparedCorpus.open(corpus)
    path, made = folder / NAME, json.dumps([arrays.record.corpus, arrays.record.fingerprint])
    if is_there(path, made):
        return CorpusData(path)
    _check(arrays, network)
    clips = _usable(arrays)
    emotions = tuple(e for e in EMOTIONS if e in set(clips["emotion"]))
    pictures, columns, sounds = [], [], []
    rng = np.random.default_rng(0)
    for done, clip in enumerate(clips.itertuples(), 1):
        number = spread(int(clip.rows), FRAMES, rng)
        rows = int(clip.first_row) + np.concatenate([[0], number])
        pictures.append(np.asarray(arrays.faces[rows]))
        sound = for_networks(arrays.sound_of(str(clip.clip)) / 32768, arrays.record.audio_rate)
        sounds.append(coded(sound))
        columns.append({
            "part": PARTS.index(str(clip.split)), "emotion": emotions.index(str(clip.emotion)),
            "m": clip.m, "number": arrays.rows["at"][rows[1:]], "ends": len(sounds[-1]),
            "mouth": np.asarray(arrays.landmarks[rows[1:], LIPS]).mean(1),
        })  # fmt: skip
        if progress:
            progress(done, len(clips))
    table = {name: np.array([one[name] for one in columns]) for name in columns[0]}
    table["ends"] = np.cumsum(table["ends"])
    every = np.stack(pictures)  # (C, 1 + FRAMES, S, S, 3)
    joined = np.concatenate([every[:, 0], every[:, 1:].reshape(-1, *every.shape[2:])])
    known = Clips(first=np.arange(len(every)), voice=table["emotion"], **table)
    save_data(
        path, coding.encode(joined), np.concatenate(sounds), known, emotions, made=made,
        licence=licence_words(arrays.record.corpus, corpus),
    )  # fmt: skip
    return CorpusData(path)


def _check(arrays: PreparedCorpus, network: TalkingFaceSettings) -> None:
    check_size(arrays, network.size)
    record = arrays.record
    if record.rate != network.speech.fps:
        raise UserError(
            f"{arrays.folder}: {record.rate:g} pictures a second; talking faces have "
            f"{network.speech.fps}: run {prepare_again(arrays, network.size)}"
        )


def _usable(arrays: PreparedCorpus) -> pd.DataFrame:
    """Clips with picture, sound, landmarks, part and one of the six emotions."""
    clips = arrays.index
    clips = clips.loc[clips["emotion"].notna() & clips["split"].notna()]
    clips = preferred(clips)
    clips = clips.assign(emotion=clips["emotion"].map(meaning), m=strengths(clips))
    clips = clips.loc[
        clips["emotion"].isin(EMOTIONS) & (clips["rows"] > FRAMES) & (clips["samples"] > 0)
    ]
    seen = [bool(np.isfinite(arrays.landmarks[int(first):int(first + rows), LIPS]).all())
            for first, rows in zip(clips["first_row"], clips["rows"], strict=True)]  # fmt: skip
    clips = clips.loc[seen]
    if "neutral" not in set(clips["emotion"]) or clips["emotion"].nunique() < 2:
        raise UserError(
            f"{arrays.folder}: no films with sound, landmarks and emotions, neutral among them; "
            "take a corpus of talking people (CREMA-D, RAVDESS, MEAD, your own)"
        )
    if not (clips["split"] == "train").any():
        raise UserError(f"{arrays.folder}: holds no clip to train from")
    return clips
