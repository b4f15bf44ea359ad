"""The neutral recordings that ship with mien: three source voices, each saying every sentence.

data/SOURCE/CODE.flac holds the sound (16 bits, one channel), data/recordings.json the phones and a
SHA-256 of each, by which a changed file is told from the one that was measured. `make` writes them.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from protocols.errors import UserError
from stimuli.voices.sentences import text_of
from stimuli.voices.speech import Phone, Speech

DATA = Path(__file__).parent / "data"
TABLE = "recordings.json"
FULL_SCALE = 32768  # of 16-bit samples


def load_recording(source: str, sentence: str, folder: Path = DATA) -> Speech:
    """One source voice saying one sentence, in its own timbre.

    Raises UserError when there is no such recording or its file is not the one measured.
    """
    text = text_of(sentence)
    entry = table(folder)["sources"][source]["sentences"][sentence]
    path = folder / source / f"{sentence}.flac"
    try:
        pcm, rate = soundfile_library().read(path, dtype="int16")
    except (OSError, RuntimeError) as error:
        raise UserError(f"{path}: cannot be read as FLAC ({error}); install mien again") from error
    if hash_pcm(pcm) != entry["sha256"]:
        raise UserError(f"{path}: has changed since it was measured; install mien again")
    phones = tuple(Phone(symbol, start, end) for symbol, start, end in entry["phones"])
    samples = pcm.astype(np.float32) / FULL_SCALE
    return Speech(samples, rate, phones, sentence, text, source)


@lru_cache(maxsize=2)
def table(folder: Path = DATA) -> Mapping[str, Any]:
    """recordings.json: for each source its licence, median F0 (Hz) and sentences."""
    return json.loads((folder / TABLE).read_text(encoding="utf-8"))


def write_sound(path: Path, samples: np.ndarray, rate: int) -> np.ndarray:
    """Write samples (n,) in [-1, 1] with 16 bits, as the suffix says; returns those written."""
    pcm = np.clip(np.round(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile_library().write(path, pcm, rate, subtype="PCM_16")
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise UserError(
            f"{path}: cannot be written ({error}); name a .wav or .flac file"
        ) from error
    return pcm


def hash_pcm(pcm: np.ndarray) -> str:
    """SHA-256 of 16-bit samples (n,)."""
    return hashlib.sha256(pcm.astype("<i2").tobytes()).hexdigest()


def soundfile_library():
    """The package soundfile, or ModuleNotFoundError that names it."""
    try:
        import soundfile
    except ImportError as missing:
        raise ModuleNotFoundError("recorded speech needs soundfile", name="soundfile") from missing
    return soundfile
