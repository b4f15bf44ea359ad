"""A prepared corpus for tests: every clip has grey faces that say which it is, and a tone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from protocols import prepared
from protocols.prepared import ROW, PreparedRecord

EMOTIONS = ("calm", "happy", "neutral")
PARTS = {"a1": "train", "b2": "train", "c3": "validation", "d4": "test"}


def speech(seed: int, seconds: float = 1.0, rate: int = 22_050) -> np.ndarray:
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    wave = np.sin(2 * np.pi * (150 + 60 * seed) * time) + 0.05 * rng.standard_normal(len(time))
    return (8_000 * wave).astype(np.int16)


def clips(**changes) -> pd.DataFrame:
    rows = [
        {"clip": f"{actor}-{emotion}-{level}", "actor": actor, "emotion": emotion, "split": part,
         "gender": "female" if actor in ("a1", "c3") else "male", "intensity": level,
         "may_be_shown": True}
        for actor, part in PARTS.items() for emotion in EMOTIONS for level in ("low", "high")
    ]  # fmt: skip
    table = pd.DataFrame(rows).reindex(columns=[c.name for c in prepared.INDEX_COLUMNS])
    return table.assign(**changes)


def made(
    folder: Path, index: pd.DataFrame, size: int = 32, frames: int = 5, sound: bool = True,
    mouths: np.ndarray | None = None,
):  # fmt: skip
    """A prepared corpus: each clip has frames whose grey says clip and frame, and a tone.

    mouths: (n, 2), where the landmarks of each clip's lips are; None: nobody knows.
    """
    folder.mkdir(parents=True)
    n = len(index)
    heard = [speech(i % 7) if sound else np.empty(0, np.int16) for i in range(n)]
    lengths = np.array([len(wave) for wave in heard])
    index = index.assign(
        rows=frames, first_row=frames * np.arange(n), samples=lengths,
        first_sample=np.cumsum(lengths) - lengths,
    )  # fmt: skip
    grey = 40 + 8 * np.arange(n)[:, None] % 160 + np.arange(frames)
    faces = np.broadcast_to(grey.reshape(-1, 1, 1, 1), (n * frames, size, size, 3))
    np.save(folder / prepared.FACES, faces.astype(np.uint8))
    places = np.full((n * frames, 68, 2), np.nan, "<f4")
    if mouths is not None:
        places[:, 48:68] = np.repeat(mouths, frames, 0)[:, None]
    np.save(folder / prepared.LANDMARKS, places)
    rows = np.zeros(n * frames, ROW)
    rows["at"] = np.tile(np.arange(frames), n)
    rows["clip"], rows["inside"] = np.repeat(np.arange(n), frames), 1
    np.save(folder / prepared.ROWS, rows)
    np.save(folder / prepared.SOUND, np.concatenate(heard))
    problems = pd.DataFrame(columns=pd.Index([c.name for c in prepared.UNUSABLE_COLUMNS]))
    record = PreparedRecord(
        "tones", "1", f"print-{n}", "", "", {}, [[9, 12], [23, 12]], size, 25.0, 22_050,
        n * frames, int(lengths.sum()), n, 0, {},
    )  # fmt: skip
    prepared.write_prepared(folder, index, problems, record)
    return folder
