"""Formants of vowels by linear prediction, and the length of the vocal tract that they suggest.

    found = formants(speech, "female")    {"AA": [(F1, F2, F3), ...], ...} in Hz, in mid-vowel
    tract_scale(found, "female")          > 1 where they lie above the mean of that gender

Linear prediction by Burg's method on sound resampled to twice CEILING, pre-emphasised by 6 dB per
octave above 50 Hz, in Gaussian windows: the settings that are customary in phonetics (Praat's
"Formant (burg)"), five formants below 5000 Hz for men and 5500 Hz for women. Deep-voiced /u/ and
nasal neighbours mislead any such method, hence medians.
"""

from collections.abc import Mapping

import numpy as np
from scipy.signal import resample_poly

from stimuli.voices.norms import FORMANTS
from stimuli.voices.speech import Speech

CEILING = {"male": 5000.0, "female": 5500.0}  # Hz
ORDER = 10  # two coefficients per formant
WINDOW = 0.025  # s
WIDEST = 1000.0  # Hz, of a resonance that counts
LOWEST = 150.0  # Hz

Found = Mapping[str, tuple[float, float, float]]


def formants(speech: Speech, gender: str) -> dict[str, list[tuple[float, float, float]]]:
    """F1 to F3 (Hz) at the middle of each vowel of `speech` that the norms list."""
    rate = round(2 * CEILING[gender])
    sound = np.asarray(resample_poly(speech.samples.astype(float), rate, speech.rate))
    alpha = np.exp(-2 * np.pi * 50 / rate)
    sound = np.append(sound[0], sound[1:] - alpha * sound[:-1])
    found: dict[str, list[tuple[float, float, float]]] = {}
    for phone in speech.phones:
        if phone.symbol in FORMANTS[gender]:
            length = phone.end - phone.start
            at = [phone.start + share * length for share in (0.4, 0.5, 0.6)]
            each = [f for f in (_at(sound, rate, time) for time in at) if f is not None]
            if each:
                f1, f2, f3 = np.median(each, axis=0)
                found.setdefault(phone.symbol, []).append((float(f1), float(f2), float(f3)))
    return found


def tract_scale(found: Mapping[str, list[tuple[float, float, float]]], gender: str) -> float:
    """Mean ratio of formants to the norm of the gender's, over F2 and F3 of all vowels.

    F1 is left out: it follows loudness and F0 as much as the tract. Raises ValueError without
    vowels.
    """
    ratios = [
        np.log(np.median([vowel[n] for vowel in vowels]) / FORMANTS[gender][symbol][n])
        for symbol, vowels in found.items()
        for n in (1, 2)
    ]
    if not ratios:
        raise ValueError("formants: no vowel found in the speech; give a sentence with vowels")
    return float(np.exp(np.mean(ratios)))


def _at(sound: np.ndarray, rate: int, time: float) -> np.ndarray | None:
    """F1 to F3 (3,) around a time, or None where fewer resonances are found."""
    half = round(WINDOW * rate)
    middle = round(time * rate)
    frame = sound[max(middle - half, 0) : middle + half]
    if len(frame) < 2 * half:
        return None
    t = np.linspace(-1, 1, len(frame))
    a = burg(frame * np.exp(-12 * (t / 2) ** 2 * 4), ORDER)
    roots = np.roots(a)
    roots = roots[roots.imag > 0]
    frequency = np.angle(roots) * rate / (2 * np.pi)
    width = -np.log(np.abs(roots)) * rate / np.pi
    kept = np.sort(frequency[(frequency > LOWEST) & (width < WIDEST)])
    return kept[:3] if len(kept) >= 3 else None


def burg(x: np.ndarray, order: int) -> np.ndarray:
    """Coefficients (order + 1,) of the linear predictor of x (n,); the first is 1.

    Burg (1967), as in Marple (1980): forward and backward errors f, b, reflection k.
    """
    f, b = x[1:].copy(), x[:-1].copy()
    a = np.array([1.0])
    for _ in range(order):
        k = -2 * np.dot(f, b) / max(float(np.dot(f, f) + np.dot(b, b)), 1e-30)
        a = np.append(a, 0.0) + k * np.append(a, 0.0)[::-1]
        f, b = (f + k * b)[1:], (b + k * f)[:-1]
    return a
