"""A voice made from a formula, so that its F0, timing and formants are known exactly."""

import numpy as np
from scipy.signal import lfilter

from stimuli.voices.speech import Phone, Speech

RATE = 22050
FORMANTS = {  # Hz; vowels after Peterson & Barney (1952), the others roughly
    "AA": (730, 1090, 2440), "IY": (270, 2290, 3010), "UW": (300, 870, 2240),
    "AE": (660, 1720, 2410),
    "M": (250, 1000, 2200), "B": (250, 900, 2200), "N": (250, 1500, 2400), "L": (360, 1300, 2700),
}  # fmt: skip
SENTENCE = (
    ("sil", 0.12), ("M", 0.08), ("AA", 0.16), ("B", 0.07), ("IY", 0.14), ("N", 0.08), ("UW", 0.15),
    ("S", 0.1), ("AE", 0.16), ("L", 0.08), ("AA", 0.15), ("M", 0.08), ("UW", 0.16), ("sil", 0.12),
)  # fmt: skip


def f0_at(t, base):
    """F0 (Hz) of a voice at times t (s): it falls, and two accents rise from it."""
    return base * 2 ** ((-2 * t + 3 * np.sin(2 * np.pi * 1.7 * t)) / 12)


def speech(base=120.0, sentence=SENTENCE, seed=0):
    """A sentence said by the voice at a base F0 (Hz)."""
    rng = np.random.default_rng(seed)
    ends = np.cumsum([seconds for _, seconds in sentence])
    n = round(ends[-1] * RATE)
    t = np.arange(n) / RATE
    f0 = f0_at(t, base)
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    source = sum(
        np.cos(k * phase) / k * (k * f0 < RATE / 2) for k in range(1, int(9000 / f0.min()))
    )
    noise = np.diff(rng.standard_normal(n + 1))
    sound = np.zeros(n)
    phones, start = [], 0.0
    for (symbol, _), end in zip(sentence, ends, strict=True):
        phones.append(Phone(symbol, start, float(end)))
        inside = np.clip(np.minimum(t - start, end - t) / 0.01 + 0.5, 0, 1)  # 10 ms cross-fades
        if symbol in FORMANTS:
            sound += inside * resonate(source, FORMANTS[symbol])
        elif symbol != "sil":
            sound += inside * 0.15 * noise
        start = float(end)
    sound *= 0.3 / np.abs(sound).max()
    sound += 1e-4 * rng.standard_normal(n)
    return Speech(sound.astype(np.float32), RATE, tuple(phones), "made", "", "made")


def resonate(x, formants, width=90.0):
    """The samples x through one resonator for each formant (Hz)."""
    y = x
    for formant in formants:
        r = np.exp(-np.pi * width / RATE)
        a = [1, -2 * r * np.cos(2 * np.pi * formant / RATE), r * r]
        y = lfilter([sum(a)], a, y)
    return y / np.sqrt(np.mean(y**2))
