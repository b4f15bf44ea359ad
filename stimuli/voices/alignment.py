"""When each phone of a recording is said, and which words an offline recogniser hears.

Both by PocketSphinx, with the American English acoustic model and dictionary in its package.
"""

import re
from functools import lru_cache
from pathlib import Path

import numpy as np

from protocols.errors import UserError
from stimuli.voices.recordings import soundfile_library
from stimuli.voices.speech import PHONES, SILENCE, Phone, Speech

RATE = 16000  # Hz, of the acoustic model
FRAME = 0.01  # s
PEAK = 26000  # of 16 bits, so that quiet recordings are heard too
QUIET = 0.25  # s of silence added around what is to be recognised
LONGEST = 60.0  # s
CONTRACTIONS = {
    r"\bwon't\b": "will not", r"\bcan't\b": "can not", r"n't\b": " not", r"'ll\b": " will",
    r"'ve\b": " have", r"'re\b": " are", r"\bi'm\b": "i am", r"\bi'd\b": "i would",
    r"\b(it|that|there|what|he|she)'s\b": r"\1 is",
}  # fmt: skip
# The words are known: lose no path, and let the second pass keep the words of the first.
WIDE = {"beam": 1e-80, "pbeam": 1e-80, "wbeam": 1e-60, "bestpath": False}


def align(path: Path, text: str, code: str = "") -> Speech:
    """A recording of `text` with the time of its phones (to 10 ms), mixed down to one channel.

    Raises UserError when the file is no sound, is empty or too long, when a word is not in the
    dictionary, or when the recording does not say the text.
    """
    samples, rate = _read(path)
    try:
        phones = phones_in(samples, rate, text)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    return Speech(samples, rate, phones, code, text, str(path))


def phones_in(samples: np.ndarray, rate: int, text: str) -> tuple[Phone, ...]:
    """The phones of samples (n,) that say `text`; raises UserError as `align` does."""
    words = _words(text)
    decoder = _decoder(lm=None, **WIDE)
    unknown = [word for word in words if decoder.lookup_word(word) is None]
    unknown += re.findall(r"\w*\d\w*", text)
    if unknown or not words:
        raise UserError(
            f"'{unknown[0] if unknown else text}' is not in the recogniser's dictionary; spell it "
            "as it sounds, in words of the dictionary (10 as 'ten')"
        )
    quiet = np.zeros(round(QUIET * rate), np.float32)
    pcm = _pcm(np.concatenate([quiet, samples, quiet]), rate)
    segments = _phones_of(decoder, pcm, " ".join(words))
    if segments is None:
        raise UserError(f"does not seem to say '{text}'; check the text, word for word")
    return _tiled(segments, len(samples) / rate)


def heard(speech: Speech) -> str:
    """The words that PocketSphinx hears, with its general model of English: no hint is given."""
    decoder = _listener()
    decoder.reinit_feat()  # or it keeps what it learned of the last speaker's channel
    pad = np.zeros(round(QUIET * speech.rate), np.float32)
    decoder.start_utt()
    sound = np.concatenate([pad, speech.samples, pad])
    decoder.process_raw(_pcm(sound, speech.rate), full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return "" if hypothesis is None else re.sub(r"\(\d+\)", "", hypothesis.hypstr)


def words_right(text: str, hypothesis: str) -> tuple[int, int]:
    """Words of `text` less the edits that `hypothesis` needs to become it, and words of `text`.

    The first number over the second is word accuracy, 1 less the word error rate. Contractions are
    written out on both sides ("it'll be" counts as "it will be"), as in NIST's scoring.
    """
    wanted, got = _written_out(_words(text)), _written_out(_words(hypothesis))
    cost = list(range(len(got) + 1))
    for i, word in enumerate(wanted, 1):
        diagonal, cost[0] = cost[0], i
        for k, other in enumerate(got, 1):
            best = min(cost[k] + 1, cost[k - 1] + 1, diagonal + (word != other))
            diagonal, cost[k] = cost[k], best
    return len(wanted) - cost[-1], len(wanted)


def _words(text: str) -> list[str]:
    return re.sub(r"[^a-z' ]", " ", text.lower().replace("’", "'")).split()


def _written_out(words: list[str]) -> list[str]:
    """Words without contractions, nor apostrophes ("doctor's" and "doctors" sound the same)."""
    text = " ".join(words)
    for pattern, full in CONTRACTIONS.items():
        text = re.sub(pattern, full, text)
    return text.replace("'", "").split()


def _phones_of(decoder, pcm: bytes, text: str) -> list[tuple[str, float, float]] | None:
    """(symbol, start, end) of each phone in seconds, or None when the words do not fit."""
    try:
        decoder.set_align_text(text)
        _decode(decoder, pcm)
        if decoder.hyp() is None:
            return None
        decoder.set_alignment()
        _decode(decoder, pcm)
        return [
            (phone.name, phone.start * FRAME, (phone.start + phone.duration) * FRAME)
            for word in decoder.get_alignment()
            for phone in word
        ]
    except RuntimeError:
        return None


def _decode(decoder, pcm: bytes) -> None:
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()


def _tiled(segments: list[tuple[str, float, float]], duration: float) -> tuple[Phone, ...]:
    """Phones from 0 to `duration`; segments, which count from QUIET before, and silence between."""
    phones: list[Phone] = []
    for name, start, end in segments:
        if name not in PHONES:
            continue
        at = phones[-1].end if phones else 0.0
        start, end = (min(max(time - QUIET, at), duration) for time in (start, end))
        if start > at + FRAME / 2:
            phones.append(Phone(SILENCE, at, start))
            at = start
        phones.append(Phone(name, at, end))
    at = phones[-1].end if phones else 0.0
    if at < duration:
        phones.append(Phone(SILENCE, at, duration))
    return tuple(phones)


def _read(path: Path) -> tuple[np.ndarray, int]:
    if not path.is_file():
        raise UserError(f"{path}: no such file; give a recording (WAV, FLAC, OGG)")
    try:
        samples, rate = soundfile_library().read(path, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise UserError(f"{path}: cannot be read as sound ({error})") from error
    mono = samples.mean(axis=1)
    if not 0.1 <= len(mono) / rate <= LONGEST or not mono.any():
        raise UserError(
            f"{path}: {len(mono) / rate:.1f} s of {'sound' if mono.any() else 'silence'}; give a "
            f"recording of 0.1 to {LONGEST:.0f} s"
        )
    return mono, rate


def _pcm(samples: np.ndarray, rate: int) -> bytes:
    from scipy.signal import resample_poly

    sound = np.asarray(resample_poly(samples.astype(np.float64), RATE, rate))
    return (sound / max(np.abs(sound).max(), 1e-9) * PEAK).astype("<i2").tobytes()


@lru_cache(maxsize=1)
def _listener():
    return _decoder()


def _decoder(**settings):
    try:
        from pocketsphinx import Decoder
    except ImportError as missing:
        raise UserError(
            "pocketsphinx is not installed; alignment needs the part 'voices' of mien: "
            'pip install ".[voices]" in the folder of mien'
        ) from missing
    return Decoder(loglevel="FATAL", samprate=RATE, **settings)
