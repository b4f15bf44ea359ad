"""The talking clips of a prepared corpus, as the frozen networks see them: made once, and kept.

Kept are clips that have frames and a sound, frontal and spoken where the corpus has other views and
songs (section 4.1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from models.context_face.clips import (
    FRAMES,
    ClipLatents,
    Clips,
    at_regular_intervals,
    encode_clip,
    together,
)
from models.context_face.network import ContextFace
from models.context_face.vae import Latent
from protocols.clips import RECORD, read_record
from protocols.errors import UserError
from protocols.prepared import PreparedCorpus

WITHOUT_NEUTRAL = ("ravdess", "mead")  # the paper leaves neutral out "to reduce noise"
KEPT = {"view": "front", "channel": "speech"}
PARTS = ("face", "mirrored", "voice")
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Talking:
    """Clips to evaluate.

    Attributes:
        corpus: as it calls itself.
        adapter: kind of the corpus, such as ravdess.
        table: one row per clip: clip, actor, gender, emotion.
        emotions: classes, in the order of their numbers.
        clips: latents, in the order of the table.
        left_out: why clips of the corpus are not among them -> how many.
        key: says of which weights and which corpus the latents are.
        baseline: the same clips as VGG-16 sees them, or None without it.
    """

    corpus: str
    adapter: str
    table: pd.DataFrame
    emotions: tuple[str, ...]
    clips: Clips
    left_out: dict[str, int]
    key: str
    baseline: Clips | None = None

    @property
    def people(self) -> list[str]:
        """Names, by the numbers that they have in `clips`."""
        return sorted(self.table["actor"].unique())


def read_talking(
    folder: Path, network: ContextFace, sha256: str, cache: Path, progress: Progress
) -> Talking:
    """Encode the corpus in `folder`; latents are kept in `cache` for these weights.

    Raises:
        UserError: Nothing prepared, other sizes than the network's, or too few clips.
    """
    corpus = PreparedCorpus.open(folder)
    size = network.settings.face.size
    if corpus.record.size != size:
        raise UserError(
            f"{corpus.folder}: faces of {corpus.record.size} pixels; these weights see {size}; "
            f"run mien corpus prepare {folder} --size {size} --anew"
        )
    home = corpus.folder if (corpus.folder / RECORD).is_file() else corpus.folder.parent
    adapter = read_record(home).adapter if (home / RECORD).is_file() else ""
    table, left_out = _wanted(corpus.index, adapter)
    key = f"{sha256} {corpus.record.fingerprint} {FRAMES}"
    kept = _Kept(cache, key)
    found, silent = [], []
    for i, clip in enumerate(table["clip"]):
        latents = kept.get(clip)
        if latents is None:
            try:
                latents = _encoded(network, corpus, clip)
            except ValueError as error:
                if isinstance(error, UserError):
                    raise
                silent.append(clip)
            else:
                kept.add(clip, latents)
        if latents is not None:
            found.append(latents)
        progress(i + 1, len(table))
    kept.write()
    table = table[~table["clip"].isin(silent)].reset_index(drop=True)
    if silent:
        left_out["sound that is silent or too short"] = len(silent)
    _check(table, folder)
    emotions = tuple(sorted(table["emotion"].unique()))
    people = sorted(table["actor"].unique())
    clips = together(
        found, [people.index(a) for a in table["actor"]],
        [emotions.index(e) for e in table["emotion"]], len(emotions),
    )  # fmt: skip
    return Talking(corpus.record.corpus, adapter, table, emotions, clips, left_out, key)


def _wanted(index: pd.DataFrame, adapter: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """Clips to evaluate, sorted by name, and why others are not."""
    rules = [
        ("no face or no sound", (index["rows"] > 0) & (index["samples"] > 0)),
        ("no actor, gender or emotion", index[["actor", "gender", "emotion"]].notna().all(axis=1)),
    ]
    for column, word in KEPT.items():
        if (index[column] == word).any():
            rules.append((f"{column} is not {word}", index[column] == word))
    if adapter in WITHOUT_NEUTRAL:
        rules.append(("neutral, as in the paper", index["emotion"] != "neutral"))
    left, left_out = pd.Series(data=True, index=index.index), {}
    for why, fits in rules:
        gone = int((left & ~fits).sum())
        left &= fits
        if gone:
            left_out[why] = gone
    names = ["clip", "actor", "gender", "emotion"]
    return index.loc[left, names].astype(str).sort_values("clip").reset_index(drop=True), left_out


def _check(table: pd.DataFrame, folder: Path) -> None:
    people, emotions = table["actor"].nunique(), table["emotion"].nunique()
    if people < 3 or emotions < 2:
        raise UserError(
            f"{folder}: {len(table)} talking clips of {people} people in {emotions} emotions; "
            "accepted: at least 3 people and 2 emotions, each clip with frames and sound; "
            "see mien corpus info"
        )


def _encoded(network: ContextFace, corpus: PreparedCorpus, clip: str) -> ClipLatents:
    faces = corpus.faces_of(clip)
    chosen = np.asarray(faces[at_regular_intervals(len(faces))])
    return encode_clip(network, chosen, corpus.sound_of(clip), corpus.record.audio_rate)


class _Kept:
    """Latents of clips in one file; of another key, they are forgotten."""

    def __init__(self, path: Path, key: str) -> None:
        self.path, self.key = path, torch.tensor(list(key.encode()), dtype=torch.uint8)
        self.tensors: dict[str, torch.Tensor] = {}
        self.fresh = False
        try:
            stored = load_file(path)
        except (OSError, SafetensorError):
            return
        known = stored.pop("key", None)
        if known is not None and torch.equal(known, self.key):
            self.tensors = stored

    def get(self, clip: str) -> ClipLatents | None:
        try:
            return ClipLatents(*(
                Latent(self.tensors[f"{clip}/{part}/mu"], self.tensors[f"{clip}/{part}/log_var"])
                for part in PARTS
            ))  # fmt: skip
        except KeyError:
            return None

    def add(self, clip: str, latents: ClipLatents) -> None:
        for part in PARTS:
            for name, tensor in getattr(latents, part)._asdict().items():
                self.tensors[f"{clip}/{part}/{name}"] = tensor.detach().clone().contiguous()
        self.fresh = True

    def write(self) -> None:
        if not self.fresh:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_name(f".{self.path.name}.new")
        save_file(self.tensors | {"key": self.key}, new)
        new.replace(self.path)
