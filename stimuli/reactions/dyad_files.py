"""Mien's synthetic speakers and listeners as files, laid out as REACT 2024 is published.

    write_dyads(folder)     train/Audio_files/NoXI/train-000/Expert_video/1.wav, … train.csv

What reads REACT 2024 reads them as well, mien's own adapter first. Each speaker is the expert of a
conversation; each reaction is the novice of one, whose sound is silent. PART.csv names every
reaction beside its speaker, and neighbour_emotion_PART.npy says, as the challenge's matrix_split.py
does, that all reactions to a clip are appropriate to it. There are no pictures.

Site and people have the names that the layout asks for; nobody of NoXI is in it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from models.reaction.attributes import ATTRIBUTES, RATE
from protocols.errors import UserError
from protocols.tables import write_table, write_whole
from stimuli.context_faces.shards import Progress, make_missing
from stimuli.corpora.react2024 import PARTS as PUBLISHED
from stimuli.media import encode_wav
from stimuli.reactions.data import DataSettings, Job, dyad, jobs_of

SITE = "NoXI"
SPEAKER, LISTENER = ("Expert_video", "P1"), ("Novice_video", "P2")  # of sounds, of faces
SILENT_HZ = 2_000  # samples a second of a listener's sound, which is silence
DIGITS = 4  # of attributes
NOTE = "Synthetic, made by mien; nobody is recorded. CC0-1.0"
TOLD = "about.txt"
NAMES = {part: name for name, part in PUBLISHED.items()}  # of the parts, in the layout


@dataclass(frozen=True)
class FilesJob:
    """One speaker's clips and their listeners; `path` is written when all the others are there."""

    job: Job
    root: Path

    @property
    def path(self) -> Path:
        """The last face of the last clip."""
        last = self.job.settings.clips
        return _face(self.root, self.job.part, f"{self._chat(self.job.reactions - 1)}/P2/{last}")

    def pairs(self, clip: int) -> list[tuple[str, str]]:
        """Speaker and listener of every reaction to a clip, as PART.csv names them."""
        speaker = f"{SITE}/{self._chat(0)}/{SPEAKER[0]}/{clip + 1}"
        return [
            (speaker, f"{SITE}/{self._chat(k)}/{LISTENER[0]}/{clip + 1}")
            for k in range(self.job.reactions)
        ]

    def _chat(self, reaction: int) -> str:
        """The conversation of a reaction; the speaker's own is that of the first."""
        return self.job.path.stem + (f"-{reaction}" if reaction else "")

    def write(self) -> None:
        """Sounds and faces of all clips."""
        part, root = self.job.part, self.root
        for clip in range(self.job.settings.clips):
            made = dyad(self.job, clip)
            frames = len(made.speaking.face)
            silence = encode_wav(np.zeros(frames * SILENT_HZ // RATE), SILENT_HZ, NOTE)
            place = f"{self._chat(0)}/{{}}/{clip + 1}"
            spoken = encode_wav(made.sound.numpy(), made.speaking.rate, NOTE)
            write_whole(_sound(root, part, place.format(SPEAKER[0])), spoken)
            _write_face(_face(root, part, place.format(SPEAKER[1])), made.speaking.face)
            for k, reaction in enumerate(made.reactions):
                place = f"{self._chat(k)}/{{}}/{clip + 1}"
                write_whole(_sound(root, part, place.format(LISTENER[0])), silence)
                _write_face(_face(root, part, place.format(LISTENER[1])), reaction)


def write_dyads(
    folder: Path, settings: DataSettings | None = None, workers: int = 1,
    progress: Progress | None = None,
) -> Path:  # fmt: skip
    """The files in `folder`; speakers who are there already stay.

    Raises:
        UserError: the folder holds other files.
    """
    settings = settings or DataSettings()
    told, made = folder / TOLD, f"{NOTE}\n{settings.key} {settings}\n"
    found = told.read_text(encoding="utf-8") if told.is_file() else None
    if (found is None and folder.is_dir() and any(folder.iterdir())) or found not in (None, made):
        raise UserError(f"{folder}: holds other files; give a new folder")
    write_whole(told, made.encode())
    jobs = [FilesJob(job, folder) for job in jobs_of(folder, settings)]
    make_missing(FilesJob.write, jobs, workers, progress)
    for part, name in NAMES.items():
        each = [job.pairs(clip) for job in jobs if job.job.part == part
                for clip in range(settings.clips)]  # fmt: skip
        if each:
            _write_pairs(folder, name, [pair for pairs in each for pair in pairs])
    return folder


def _write_pairs(folder: Path, name: str, pairs: list[tuple[str, str]]) -> None:
    """PART.csv, and which of its listeners suit which speaker: rows and columns also swapped."""
    table = pd.DataFrame(pairs, columns=["speaker", "listener"])
    table.insert(0, "", range(len(table)))
    write_table(table, folder / f"{name}.csv", ",")
    speaker = np.array([who for who, _ in pairs] + [who for _, who in pairs])
    alike = (speaker[:, None] == speaker).astype(np.uint8)
    file = io.BytesIO()
    np.save(file, alike, allow_pickle=False)
    write_whole(folder / f"neighbour_emotion_{name}.npy", file.getvalue())


def _sound(root: Path, part: str, place: str) -> Path:
    return root / NAMES[part] / "Audio_files" / SITE / f"{place}.wav"


def _face(root: Path, part: str, place: str) -> Path:
    return root / NAMES[part] / "Emotion" / SITE / f"{place}.csv"


def _write_face(path: Path, face: np.ndarray) -> None:
    """Attributes (T, 25) in the columns of REACT 2024."""
    table = pd.DataFrame(face.astype(float).round(DIGITS) + 0.0, columns=list(ATTRIBUTES))
    write_table(table, path, ",")
