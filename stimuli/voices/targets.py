"""Where a voice in an emotion should be measured: as the table of `profiles` says, at any m.

    off_target(mean, "angry", 0.5)      measures further from the table than TOLERANCE
    wrong_way(mean, "angry", 0.5)       measures that moved the other way than the table says
    quality(speech, "fearful")          what jitter and breath of a profile do to HNR and jitter

Voice quality has no numbers in the table that a measure could meet: HNR and jitter also follow F0,
its movement and loudness. So a delivery is compared with itself made without jitter and breath, and
what differs is theirs.
"""

from dataclasses import dataclass, replace

import numpy as np

from stimuli.voices.acoustics import Change
from stimuli.voices.ear import jitter
from stimuli.voices.pitch import track
from stimuli.voices.profiles import FACTORS, profile_at
from stimuli.voices.prosody import with_profile
from stimuli.voices.speech import Speech

# How far from the table a voice's mean over sentences may lie: shares of the factors, dB, and dB
# per octave. Level is set as loudness and checked as RMS, which counts low frequencies more: 2 dB
# apart in anger. Slopes are set for the envelope and measured in harmonics: F0 at other places of
# it changes them by up to 0.8 dB per octave (F0 times 1.4 alone).
TOLERANCE = {"f0": 0.08, "f0_range": 0.30, "rate": 0.02, "level": 2.5, "tilt": 0.8}
# What the table must ask for at least before a direction counts, in the same units; for slopes more
# than F0 at other places of the envelope mostly does (so it leaves out disgust, +0.3).
NOTICED = {"f0": 0.02, "f0_range": 0.04, "rate": 0.02, "level": 0.4, "tilt": 0.6}


@dataclass(frozen=True)
class Quality:
    """What jitter and breath of a profile change in one delivery."""

    hnr: float  # dB, below 0 for a rougher voice
    jitter: float  # % of local jitter, above 0 for a rougher voice


def off_target(mean: Change, emotion: str, m: float = 1.0) -> list[str]:
    """The measures of a mean change at strength m that lie further from the table than allowed."""
    profile = profile_at(emotion, m)
    return [
        name
        for name, tolerance in TOLERANCE.items()
        if abs(_away(name, getattr(mean, name), getattr(profile, name))) > tolerance
    ]


def wrong_way(mean: Change, emotion: str, m: float = 1.0) -> list[str]:
    """The measures that the table moves noticeably, and that moved the other way or not at all."""
    profile = profile_at(emotion, m)
    wrong = []
    for name, least in NOTICED.items():
        still = 1.0 if name in FACTORS else 0.0
        wanted = _away(name, getattr(profile, name), still)
        if abs(wanted) >= least and wanted * _away(name, getattr(mean, name), still) <= 0:
            wrong.append(name)
    return wrong


def has_quality(emotion: str) -> bool:
    """Whether the table gives an emotion jitter or breath."""
    profile = profile_at(emotion, 1.0)
    return profile.jitter > 0 or profile.breath > 0


def quality(speech: Speech, emotion: str, m: float = 1.0) -> Quality:
    """What jitter and breath of an emotion change in one sentence of neutral speech."""
    profile = profile_at(emotion, m)
    rough = with_profile(speech, profile)
    clean = with_profile(speech, replace(profile, jitter=0.0, breath=0.0))
    (hnr, shake), (clean_hnr, clean_shake) = _quality(rough), _quality(clean)
    return Quality(hnr - clean_hnr, shake - clean_shake)


def _quality(speech: Speech) -> tuple[float, float]:
    pitch = track(speech.samples, speech.rate)
    hnr = float(np.nanmean(pitch.hnr[pitch.f0 > 0]))
    return hnr, jitter(speech.samples.astype(float), speech.rate, pitch)


def _away(name: str, found: float, wanted: float) -> float:
    return found / wanted - 1 if name in FACTORS else found - wanted
