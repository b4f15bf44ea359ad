"""The data file of context faces from a prepared corpus, such as RAVDESS or MEAD.

Rules, the same for every corpus:

- Classes are the emotions of its clips, but for those left out; neutral comes first. RAVDESS's
  calm is a class of its own (Blume 2024 leaves neutral out instead: `leave_out=("neutral",)`).
- Of each clip up to FRAMES frames at regular intervals (section 4.2: 16); where a corpus films from
  several sides only the front, where it sings as well only speech.
- m is what the corpus says (0 to 1, or low, medium and high: 1/3, 2/3 and 1), else 1.
- Train, validation and test are the corpus' own parts, in which nobody is twice. A face and a voice
  of one clip know of each other.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from models.context_face.data import GENDERS, LEVELS, PARTS, Labels, save_data
from models.context_face.mel import fit, mel_spectrogram
from models.context_face.settings import EMOTIONS, ContextFaceSettings, MelSettings
from protocols.emotions import meaning
from protocols.errors import UserError
from protocols.licences import licence_words
from protocols.prepared import PreparedCorpus
from stimuli.corpora.material import (
    NAME,
    CorpusData,
    Progress,
    check_size,
    coded_faces,
    is_there,
    preferred,
    prepare_again,
    spread,
    strengths,
)

FRAMES = 16
MANY = 60_000  # pictures of 128 pixels: 3 GB of memory to train


@dataclass(frozen=True)
class CorpusChoice:
    """What of a corpus is taken."""

    frames: int = FRAMES  # of a clip, at most
    leave_out: tuple[str, ...] = ()  # emotions


def data_of_corpus(
    corpus: Path,
    folder: Path,
    choice: CorpusChoice,
    network: ContextFaceSettings,
    progress: Progress | None = None,
) -> CorpusData:
    """The data file in `folder` of the arrays of the corpus in `corpus`; kept if it is there.

    network: whose faces and spectrograms are wanted.

    Raises:
        UserError: not prepared, prepared otherwise, without faces, sound or emotions, or the folder
            holds the data of another corpus.
    """
    arrays = PreparedCorpus.open(corpus)
    made = json.dumps({"corpus": arrays.record.corpus, "prepared": arrays.record.fingerprint,
                       **asdict(choice)})  # fmt: skip
    path = folder / NAME
    _check_arrays(arrays, network.face.size)
    clips = _chosen(arrays, choice)
    emotions = _classes(clips)
    _check_clips(arrays, clips)
    if not is_there(path, made):
        facts = {"made": made, "licence": licence_words(arrays.record.corpus, corpus)}
        _write(path, arrays, clips, emotions, choice, network.mel, facts, progress)
    return CorpusData(path, tuple(_lines(clips, emotions, choice)))


def _check_arrays(arrays: PreparedCorpus, size: int) -> None:
    check_size(arrays, size)
    if not arrays.record.samples:
        raise UserError(
            f"{arrays.folder}: holds no sound, and contexts are voices; prepare it from films with "
            f"sound, or from voices, by {prepare_again(arrays, size)}"
        )


def _chosen(arrays: PreparedCorpus, choice: CorpusChoice) -> pd.DataFrame:
    """The clips that are taken, with class and m."""
    clips = arrays.index
    clips = clips.loc[clips["emotion"].notna() & clips["split"].notna() & clips["actor"].notna()]
    if clips.empty:
        raise UserError(
            f"{arrays.folder}: no clip with emotion, actor and part; faces are shifted towards the "
            "emotions of a corpus, so take one that names them (RAVDESS, MEAD, CREMA-D, your own)"
        )
    clips = preferred(clips)
    words = clips["emotion"].map(meaning)
    unknown = sorted(set(choice.leave_out) - set(words))
    if unknown:
        raise UserError(
            f"--leave-out: {arrays.record.corpus} has no '{unknown[0]}'; it has "
            f"{', '.join(sorted(set(words)))}"
        )
    clips = clips.assign(emotion=words, m=strengths(clips))
    return clips.loc[~words.isin(choice.leave_out)]


def _classes(clips: pd.DataFrame) -> tuple[str, ...]:
    found = set(clips["emotion"])
    return (*(e for e in EMOTIONS if e in found), *sorted(found.difference(EMOTIONS)))


def _check_clips(arrays: PreparedCorpus, clips: pd.DataFrame) -> None:
    """Refuse what a training would stumble over after hours."""
    training = clips.loc[clips["split"] == "train"]
    faces, voices = training.loc[training["rows"] > 0], training.loc[training["samples"] > 0]
    where = f"{arrays.folder}: among those that train"
    if faces.empty or voices.empty:
        raise UserError(f"{where} there is no {'face' if faces.empty else 'voice'}")
    if training["emotion"].nunique() < 2:
        raise UserError(f"{where} there is one emotion only; two at least are told apart")
    heard = set(zip(voices["gender"].map(_gender), voices["emotion"], strict=True))
    for gender in sorted(set(faces["gender"].map(_gender))):
        for emotion in sorted(set(training["emotion"])):
            if (gender, emotion) not in heard:
                who = GENDERS[gender] if gender >= 0 else "no stated gender"
                raise UserError(
                    f"{where} there is no voice of {who} that is {emotion}, for faces of {who}; "
                    f"leave the emotion out with --leave-out {emotion}"
                )


def _write(path, arrays, clips, emotions, choice, mel, facts, progress) -> None:
    number = {clip: i for i, clip in enumerate(clips["clip"])}
    people = {actor: i for i, actor in enumerate(sorted(set(clips["actor"])))}
    rows, faces, spoken, voices = [], [], [], []
    for clip in clips.itertuples():
        label = (
            people[clip.actor], _gender(clip.gender), emotions.index(clip.emotion), clip.m,
            PARTS.index(clip.split), -1, number[clip.clip],
        )  # fmt: skip
        if clip.rows:
            picked = clip.first_row + spread(clip.rows, choice.frames)
            rows.append(picked)
            faces += [label] * len(picked)
        if clip.samples and (heard := _heard(arrays, clip.clip, mel)) is not None:
            spoken.append(heard)
            voices.append(label)
    save_data(
        path, coded_faces(arrays, np.concatenate(rows), progress), _labels(faces),
        np.stack(spoken), _labels(voices), emotions, **facts,
    )  # fmt: skip


def _heard(arrays: PreparedCorpus, clip: str, settings: MelSettings) -> np.ndarray | None:
    """Its spectrogram (bins, frames) uint8; None where the sound says nothing."""
    try:
        wave = fit(np.asarray(arrays.sound_of(clip)), arrays.record.audio_rate, settings)
    except ValueError:
        return None  # silence, or a fraction of a second: told when the corpus was prepared
    spectrogram = mel_spectrogram(torch.from_numpy(wave)[None], settings)[0, 0]
    return np.rint(spectrogram.numpy() * LEVELS).astype(np.uint8)


def _labels(rows: Sequence[tuple]) -> Labels:
    return Labels(*(np.array(column) for column in zip(*rows, strict=True)))


def _gender(word: object) -> int:
    return GENDERS.index(str(word)) if word in GENDERS else -1


def _lines(clips: pd.DataFrame, emotions: Sequence[str], choice: CorpusChoice) -> list[str]:
    people = clips.drop_duplicates("actor")["split"].value_counts()
    faces = int(clips["rows"].clip(upper=choice.frames).sum())
    said = [
        f"{faces:,} faces and {int((clips['samples'] > 0).sum()):,} voices of {len(clips):,} clips",
        f"classes: {', '.join(emotions)}",
        "people: " + ", ".join(f"{people.get(part, 0)} {part}" for part in PARTS),
    ]
    if faces > MANY:
        said.append(f"that many faces take {faces * 49_152 / 1e9:.0f} GB of memory; see --frames")
    return said
