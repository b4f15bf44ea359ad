"""Speech: sound with the time of every phone, whoever spoke it.

Samples run from -1 to 1; times are seconds from the first sample. Phones are the 39 ARPAbet symbols
of the CMU dictionary, without stress marks ("AA", "B", "DH", ...; a schwa is "AH"), and "sil" for
silence. They tile the sound: each begins where the last one ended.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

SILENCE = "sil"
VOWELS = frozenset(
    ["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"]
)
CONSONANTS = frozenset(
    ["B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N", "NG"]
    + ["P", "R", "S", "SH", "T", "TH", "V", "W", "Y", "Z", "ZH"]
)
PHONES = VOWELS | CONSONANTS | {SILENCE}


@dataclass(frozen=True)
class Phone:
    """One speech sound; `end` is where the next one starts."""

    symbol: str  # one of PHONES
    start: float  # s
    end: float  # s


@dataclass(frozen=True, eq=False)
class Speech:
    """One spoken sentence.

    Raises ValueError when phones are unknown or do not tile the samples (to half a millisecond).
    """

    samples: np.ndarray  # (n,) float32 in [-1, 1]
    rate: int  # Hz
    phones: tuple[Phone, ...]
    sentence: str  # code, "IEO" or "kids"; "" for a sentence of one's own
    text: str
    voice: str  # whose voice: an actor id, the name of a source voice, or a file
    made_of: Callable[[], Any] | None = None  # what the vocoder made the sound of, if it did

    def __post_init__(self) -> None:
        """Check that sound and phones belong together."""
        if self.samples.ndim != 1 or self.samples.dtype != np.float32:
            raise ValueError(
                f"speech of '{self.voice}': samples are {self.samples.dtype} of shape "
                f"{self.samples.shape}; give one channel as float32"
            )
        check_tiling(self.phones, self.duration)

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / self.rate

    def with_sound(self, samples: np.ndarray, phones: tuple[Phone, ...]) -> "Speech":
        """The same sentence and voice with another sound, as prosody makes it."""
        return replace(
            self, samples=samples.astype(np.float32, copy=False), phones=phones, made_of=None
        )


def check_tiling(phones: tuple[Phone, ...], duration: float) -> None:
    """Phones follow each other without gap or overlap from 0 to `duration` (s)."""
    at = 0.0
    for phone in phones:
        if phone.symbol not in PHONES:
            raise ValueError(f"phone '{phone.symbol}': not an ARPAbet symbol without stress mark")
        if abs(phone.start - at) > 5e-4 or phone.end < phone.start:
            raise ValueError(
                f"phone '{phone.symbol}' from {phone.start:.4f} to {phone.end:.4f} s: the phone "
                f"before it ends at {at:.4f} s; phones must follow each other without gaps"
            )
        at = phone.end
    if abs(at - duration) > 5e-4:
        raise ValueError(f"phones end at {at:.4f} s, the sound at {duration:.4f} s")


def scaled(phones: tuple[Phone, ...], factor: float) -> tuple[Phone, ...]:
    """Phones of speech whose duration is multiplied by `factor`."""
    return tuple(Phone(p.symbol, p.start * factor, p.end * factor) for p in phones)
