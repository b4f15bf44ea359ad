"""What a voice does, measured: the cues that studies of emotional speech report.

    measure(speech)                          how high, how varied, how fast, how loud, how bright
    change(measure(angry), measure(plain))   the same as differences from neutral

Measures follow the minimal set of eGeMAPS (Eyben et al., 2016, IEEE Trans. Affect. Comput. 7, 190)
where it has them: F0 on a semitone scale, alpha ratio, harmonics-to-noise ratio. Silences named by
the phones count for nothing but the duration of the sound.
"""

from dataclasses import dataclass, fields

import numpy as np

from stimuli.voices.loudness import lufs
from stimuli.voices.pitch import spread, track
from stimuli.voices.speech import SILENCE, VOWELS, Speech

LAST = 0.25  # the share of the speaking time that counts as its end
ALPHA = ((50.0, 1000.0), (1000.0, 5000.0))  # Hz, the bands of the alpha ratio
SLOPE = (500.0, 5000.0)  # Hz, over which the slope of the spectrum is fitted
FRAME_S = 0.032  # s, of the frames whose spectrum is fitted


@dataclass(frozen=True)
class Acoustics:
    """Measures of one sentence; F0 in semitones is a geometric matter, so is its mean in Hz."""

    f0_hz: float  # geometric mean, Hz
    f0_st: float  # the same in semitones above 100 Hz
    f0_range: float  # 20th to 80th percentile of F0, semitones
    f0_end: float  # F0 of the last quarter of speaking minus F0 before it, semitones
    level: float  # RMS while speaking, dB below full scale
    loudness: float  # LUFS
    phone_rate: float  # phones per second of speaking
    syllable_rate: float  # vowels per second of speaking
    alpha: float  # energy at 1 to 5 kHz over 50 Hz to 1 kHz, dB; > 0 is bright
    tilt: float  # slope of the spectrum of voiced sound from 500 to 5000 Hz, dB per octave
    hnr: float  # mean harmonics-to-noise ratio where there is voice, dB


@dataclass(frozen=True)
class Change:
    """One delivery against another of the same sentence, in the units of a prosody profile."""

    f0: float  # ratio of mean F0
    f0_range: float  # ratio of the ranges in semitones
    rate: float  # ratio of phones per second
    level: float  # dB
    alpha: float  # dB
    tilt: float  # dB per octave
    hnr: float  # dB
    f0_end: float  # semitones


def measure(speech: Speech) -> Acoustics:
    """Acoustics of one sentence.

    Raises ValueError when nothing is spoken or nothing is voiced.
    """
    spoken = [phone for phone in speech.phones if phone.symbol != SILENCE]
    if not spoken:
        raise ValueError(f"speech of '{speech.voice}': no phone but silence; nothing to measure")
    times = np.arange(len(speech.samples)) / speech.rate
    speaking = np.zeros(len(times), bool)
    for phone in spoken:
        speaking |= (times >= phone.start) & (times < phone.end)
    pitch = track(speech.samples, speech.rate)
    voiced = (pitch.f0 > 0) & np.interp(pitch.times, times, speaking).astype(bool)
    if not voiced.any():
        raise ValueError(f"speech of '{speech.voice}': no voiced sound found; is it whispered?")
    st = 12 * np.log2(pitch.f0[voiced] / 100)
    start, end = spoken[0].start, spoken[-1].end
    late = pitch.times[voiced] > end - LAST * (end - start)
    seconds = sum(phone.end - phone.start for phone in spoken)
    sound = speech.samples[speaking].astype(float)
    return Acoustics(
        f0_hz=float(100 * 2 ** (st.mean() / 12)),
        f0_st=float(st.mean()),
        f0_range=spread(st),
        f0_end=_end(st, late),
        level=float(10 * np.log10(np.mean(sound**2))),
        loudness=lufs(speech.samples, speech.rate),
        phone_rate=len(spoken) / seconds,
        syllable_rate=sum(phone.symbol in VOWELS for phone in spoken) / seconds,
        alpha=alpha_ratio(sound, speech.rate),
        tilt=spectral_slope(
            speech.samples.astype(float), speech.rate, np.interp(times, pitch.times, voiced) > 0.5
        ),
        hnr=float(np.nanmean(pitch.hnr[voiced])),
    )


def _end(st: np.ndarray, late: np.ndarray) -> float:
    """How far the late F0 lies above the F0 before it, semitones; 0 where either is unvoiced."""
    if not 0 < late.sum() < len(late):
        return 0.0
    return float(np.median(st[late]) - np.median(st[~late]))


def alpha_ratio(samples: np.ndarray, rate: int) -> float:
    """Energy of samples (n,) at 1 to 5 kHz over that at 50 Hz to 1 kHz, in dB."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    frequency = np.fft.rfftfreq(len(samples), 1 / rate)
    low, high = (power[(frequency >= f) & (frequency < g)].sum() for f, g in ALPHA)
    return float(10 * np.log10(high / low))


def spectral_slope(samples: np.ndarray, rate: int, counted: np.ndarray) -> float:
    """Slope (dB per octave) of the mean spectrum of samples (n,) from 500 to 5000 Hz.

    A straight line through the decibels of frames of FRAME_S that lie wholly where `counted` (n,)
    is true, every octave counting the same; nan without such a frame.
    """
    size = round(FRAME_S * rate)
    starts = np.arange(0, len(samples) - size, size // 4)
    passed = np.concatenate([[0], np.cumsum(counted)])
    starts = starts[passed[starts + size] - passed[starts] == size]
    if not len(starts):
        return float("nan")
    frames = samples[starts[:, None] + np.arange(size)] * np.hanning(size)
    power = (np.abs(np.fft.rfft(frames)) ** 2).mean(axis=0)
    frequency = np.fft.rfftfreq(size, 1 / rate)
    kept = (frequency >= SLOPE[0]) & (frequency <= SLOPE[1])
    db = 10 * np.log10(np.maximum(power[kept], 1e-20))
    return float(np.polyfit(np.log2(frequency[kept]), db, 1, w=frequency[kept] ** -0.5)[0])


def change(now: Acoustics, neutral: Acoustics) -> Change:
    """What differs between two deliveries of one sentence."""
    return Change(
        f0=now.f0_hz / neutral.f0_hz,
        f0_range=now.f0_range / neutral.f0_range,
        rate=now.phone_rate / neutral.phone_rate,
        level=now.level - neutral.level,
        alpha=now.alpha - neutral.alpha,
        tilt=now.tilt - neutral.tilt,
        hnr=now.hnr - neutral.hnr,
        f0_end=now.f0_end - neutral.f0_end,
    )


def mean_change(changes: list[Change]) -> Change:
    """The mean over sentences, of each measure."""
    return Change(
        **{f.name: float(np.mean([getattr(c, f.name) for c in changes])) for f in fields(Change)}
    )
