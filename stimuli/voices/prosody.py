"""Emotional prosody: neutral speech said again in an emotion, at a strength m of one's choice.

    angry = with_emotion(speech, "angry", 0.5)

The WORLD vocoder takes speech apart into F0, spectral envelope and aperiodicity; a profile says how
an emotion moves each, and WORLD puts them together again. Everything passes this path, also neutral
speech and m = 0, so that no level of an experiment is given away by the sound of the vocoder.

[WORLD] is Morise, Yokomori & Ozawa (2016), IEICE Trans. E99-D, 1877. The numbers and their sources
stand in `profiles`.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from stimuli.voices.loudness import at_loudness, limited
from stimuli.voices.pitch import FLOOR, spread, track
from stimuli.voices.profiles import Profile, profile_at
from stimuli.voices.speech import Speech, scaled

FRAME_MS = 5.0  # ms between analysis frames
LOWEST, HIGHEST = 55.0, 800.0  # Hz, what is ever synthesised
MOST_MOVEMENT = 12.0  # semitones from the mean
TILT_FROM = 500.0  # Hz; the envelope turns above
TERMINAL = 0.25  # the share of the speaking time, at its end, over which the terminal glides
MARGIN = 0.05  # s of silence that analysis adds on either side


@dataclass(frozen=True)
class Delivery:
    """How speech is delivered apart from its emotion; the only defaults there are."""

    loudness: Literal["natural", "equal"] = "natural"  # keep the profile's level, or even it out
    lufs: float = -26.0  # loudness of neutral speech (ITU-R BS.1770); leaves 6 dB for anger
    seed: int = 0  # of the jitter

    def __post_init__(self) -> None:
        """Refuse settings that no speech can be made with."""
        if self.loudness not in ("natural", "equal"):
            raise ValueError(f"delivery: loudness is '{self.loudness}'; give natural or equal")
        if not -60 <= self.lufs <= -14:
            raise ValueError(f"delivery: lufs is {self.lufs}; give -60 to -14 LUFS")


@dataclass(frozen=True, eq=False)
class Parts:
    """Speech taken apart by WORLD, with MARGIN of silence on both sides; B frequencies."""

    f0: np.ndarray  # (T,) Hz, 0 where there is no voice
    envelope: np.ndarray  # (T, B) power
    aperiodicity: np.ndarray  # (T, B) in [0, 1]


def with_emotion(
    speech: Speech,
    emotion: str,
    m: float = 1.0,
    delivery: Delivery | None = None,
    *,
    caricature: bool = False,
) -> Speech:
    """Neutral speech said in an emotion at strength m; its phones follow the new rate.

    The sound has round(n / rate ** m) samples, and every phone keeps its share of them. The same
    speech, emotion, m and delivery give the same bytes.
    Raises ValueError on an unknown emotion or an m outside 0 to 1 (to 1.5 with `caricature`).
    """
    delivery = delivery or Delivery()
    profile = profile_at(emotion, m, caricature=caricature)
    spoken_from, spoken_to = _spoken(speech)
    parts = take_apart(speech)
    rng = np.random.default_rng(delivery.seed)
    f0 = new_f0(parts.f0, profile, spoken_from, spoken_to, rng)
    envelope, aperiodicity = new_voice(parts, profile, speech.rate)
    n = round(len(speech.samples) / profile.rate)
    stretch = n / len(speech.samples)
    sound = _put_together(f0, envelope, aperiodicity, speech.rate, stretch, n)
    level = profile.level if delivery.loudness == "natural" else 0.0
    sound = limited(at_loudness(sound, speech.rate, delivery.lufs + level))
    return speech.with_sound(sound, scaled(speech.phones, stretch))


@lru_cache(maxsize=8)
def take_apart(speech: Speech) -> Parts:
    """F0 (see pitch), envelope (CheapTrick) and aperiodicity (D4C) of speech [WORLD].

    The last few are kept, because one sentence is said in many emotions.
    """
    pyworld = _world()
    margin = np.zeros(_margin_samples(speech.rate))
    x = np.concatenate([margin, speech.samples.astype(np.float64), margin])
    pitch = track(x, speech.rate, FRAME_MS / 1000)
    f0, t = pitch.f0, pitch.times
    size = pyworld.get_cheaptrick_fft_size(speech.rate, FLOOR)
    envelope = pyworld.cheaptrick(x, f0, t, speech.rate, fft_size=size)
    # D4C's own test of voicing needs a strong fundamental; threshold 0 trusts f0 instead.
    aperiodicity = pyworld.d4c(x, f0, t, speech.rate, threshold=0.0, fft_size=size)
    return Parts(f0, envelope, aperiodicity)


def new_f0(
    f0: np.ndarray,
    profile: Profile,
    spoken_from: float,
    spoken_to: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """F0 (T,) under a profile: the mean and the range are the profile's, exactly.

    Movement in semitones around the mean of neutral speech gets the terminal glide and the
    declination of the emotion, is scaled to f0_range times the neutral range, and then jitters.
    Times are of neutral speech, without margin.
    """
    voiced = f0 > 0
    noise = rng.standard_normal(len(f0))
    if not voiced.any():
        return f0
    log_f0 = np.log(f0[voiced])
    neutral = 12 / np.log(2) * (log_f0 - log_f0.mean())  # semitones
    t = np.flatnonzero(voiced) * FRAME_MS / 1000 - MARGIN
    share = np.clip((t - spoken_from) / max(spoken_to - spoken_from, 1e-6), 0, 1)
    glide = np.clip((share - (1 - TERMINAL)) / TERMINAL, 0, 1)
    movement = neutral + profile.terminal * glide + profile.declination * (t - spoken_from)
    movement -= movement.mean()
    if spread(movement) > 0:
        movement *= profile.f0_range * spread(neutral) / spread(movement)
    movement = np.clip(movement, -MOST_MOVEMENT, MOST_MOVEMENT)
    movement -= movement.mean()
    movement += 12 * np.log2(1 + profile.jitter) * noise[voiced]
    new = np.zeros_like(f0)
    new[voiced] = np.exp(log_f0.mean()) * profile.f0 * 2 ** (movement / 12)
    new[voiced] = np.clip(new[voiced], LOWEST, HIGHEST)
    return new


def new_voice(parts: Parts, profile: Profile, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Envelope and aperiodicity, each (T, B), under a profile: formants, tilt and breath."""
    frequency = np.linspace(0, rate / 2, parts.envelope.shape[1])
    octaves = np.log2(np.maximum(frequency, TILT_FROM) / TILT_FROM)
    envelope = parts.envelope
    if profile.formants != 1:
        envelope = _warped(envelope, frequency, profile.formants)
    envelope = envelope * 10 ** (profile.tilt * octaves / 10)
    return envelope, 1 - (1 - parts.aperiodicity) * (1 - profile.breath)


def _warped(envelope: np.ndarray, frequency: np.ndarray, factor: float) -> np.ndarray:
    """The envelope (T, B) with every peak moved to `factor` times its frequency."""
    at = np.interp(frequency / factor, frequency, np.arange(len(frequency)))
    low = np.minimum(at.astype(int), len(frequency) - 2)
    part = at - low
    log = np.log(envelope)
    return np.exp(log[:, low] * (1 - part) + log[:, low + 1] * part)


def _put_together(f0, envelope, aperiodicity, rate: int, stretch: float, n: int) -> np.ndarray:
    """Sound (n,) with frames `stretch` times as far apart as they were analysed."""
    sound = _world().synthesize(
        f0, np.ascontiguousarray(envelope), np.ascontiguousarray(aperiodicity), rate,
        FRAME_MS * stretch,
    )  # fmt: skip
    first = round(_margin_samples(rate) * stretch)
    return sound[first : first + n]


def _spoken(speech: Speech) -> tuple[float, float]:
    """Start and end (s) of what is not silence."""
    spoken = [phone for phone in speech.phones if phone.symbol != "sil"]
    return (spoken[0].start, spoken[-1].end) if spoken else (0.0, speech.duration)


def _margin_samples(rate: int) -> int:
    return round(MARGIN * rate)


def _world():
    try:
        import pyworld
    except ImportError as missing:
        raise ModuleNotFoundError(
            "emotional speech needs the vocoder WORLD, which is not installed; "
            "run: pip install pyworld-prebuilt"
        ) from missing
    return pyworld
