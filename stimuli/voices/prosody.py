"""Emotional prosody: neutral speech said again in an emotion, at a strength m of one's choice.

    angry = with_emotion(speech, "angry", 0.5)

The WORLD vocoder takes speech apart into F0, spectral envelope and aperiodicity; a profile says how
an emotion moves each, and WORLD puts them together again. Everything passes this path, also neutral
speech and m = 0, so that no level of an experiment is given away by the sound of the vocoder.

The numbers and their sources stand in `profiles`, how phones share a change of rate in `tempo`.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from stimuli.voices.loudness import at_loudness, limited
from stimuli.voices.pitch import spread
from stimuli.voices.profiles import Profile, profile_at
from stimuli.voices.speech import SILENCE, Phone, Speech
from stimuli.voices.tempo import at_rate
from stimuli.voices.vocoder import (
    FRAME_MS,
    MARGIN,
    along,
    put_together,
    reshaped,
    take_apart,
)

LOWEST, HIGHEST = 55.0, 800.0  # Hz, what is ever synthesised
MOST_MOVEMENT = 12.0  # semitones from the mean
TERMINAL = 0.25  # the share of the speaking time, at its end, over which the terminal glides


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


def with_emotion(
    speech: Speech,
    emotion: str,
    m: float = 1.0,
    delivery: Delivery | None = None,
    *,
    caricature: bool = False,
) -> Speech:
    """Neutral speech said in an emotion at strength m, with phones at their new times.

    Phones per second of speaking are rate ** m times those of `speech`; the silences at both ends
    stay (see tempo). The same speech, emotion, m and delivery give the same bytes.
    Raises ValueError on an unknown emotion or an m outside 0 to 1 (to 1.5 with `caricature`).
    """
    return with_profile(speech, profile_at(emotion, m, caricature=caricature), delivery)


def with_profile(speech: Speech, profile: Profile, delivery: Delivery | None = None) -> Speech:
    """Neutral speech said under a profile, whatever emotion it stands for."""
    delivery = delivery or Delivery()
    phones = at_rate(speech.phones, profile.rate, speech.rate)
    neutral = take_apart(speech)
    parts = along(neutral, speech.phones, phones)
    rng = np.random.default_rng(delivery.seed)
    parts = replace(
        parts,
        f0=new_f0(parts.f0, neutral.f0, profile, *_spoken(phones), rng),
        envelope=reshaped(parts.envelope, speech.rate, profile.formants, profile.tilt),
        aperiodicity=1 - (1 - parts.aperiodicity) * (1 - profile.breath),
    )
    sound = put_together(parts, speech.rate, round(phones[-1].end * speech.rate))
    level = profile.level if delivery.loudness == "natural" else 0.0
    sound = limited(at_loudness(sound, speech.rate, delivery.lufs + level), speech.rate)
    return speech.with_sound(sound, phones)


def new_f0(
    f0: np.ndarray,
    neutral_f0: np.ndarray,
    profile: Profile,
    spoken_from: float,
    spoken_to: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """F0 (T,) under a profile: the mean and the range are the profile's, exactly.

    `f0` is that of neutral speech at its new rate, `neutral_f0` (S,) that of neutral speech itself.
    Movement in semitones around the mean gets the terminal glide and the declination of the
    emotion, is scaled to f0_range times the neutral range, and then jitters. Times of speaking are
    s without margin, at the new rate.
    """
    voiced = f0 > 0
    noise = rng.standard_normal(len(f0))
    if not voiced.any():
        return f0
    neutral = np.log(neutral_f0[neutral_f0 > 0])
    movement = 12 / np.log(2) * (np.log(f0[voiced]) - neutral.mean())  # semitones
    t = np.flatnonzero(voiced) * FRAME_MS / 1000 - MARGIN
    share = np.clip((t - spoken_from) / max(spoken_to - spoken_from, 1e-6), 0, 1)
    glide = np.clip((share - (1 - TERMINAL)) / TERMINAL, 0, 1)
    movement += profile.terminal * glide + profile.declination * (t - spoken_from)
    movement -= movement.mean()
    if spread(movement) > 0:
        movement *= profile.f0_range * spread(12 / np.log(2) * neutral) / spread(movement)
    movement = np.clip(movement, -MOST_MOVEMENT, MOST_MOVEMENT)
    movement -= movement.mean()
    movement += 12 * np.log2(1 + profile.jitter) * noise[voiced]
    new = np.zeros_like(f0)
    new[voiced] = np.exp(neutral.mean()) * profile.f0 * 2 ** (movement / 12)
    new[voiced] = np.clip(new[voiced], LOWEST, HIGHEST)
    return new


def _spoken(phones: tuple[Phone, ...]) -> tuple[float, float]:
    """Start and end (s) of what is not silence."""
    spoken = [phone for phone in phones if phone.symbol != SILENCE]
    return (spoken[0].start, spoken[-1].end) if spoken else (0.0, phones[-1].end)
