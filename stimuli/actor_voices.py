"""What an actor says in a clip: one sentence, in the actor's voice and an emotion.

Emotion and strength are those of stimuli.voices.profiles; at m = 0 every emotion is neutral, made
by the same vocoder.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.signal import resample_poly

from protocols.filming import SpokenClip
from stimuli.actors.cast import Actor
from stimuli.corpora import Identity
from stimuli.headroom import with_headroom
from stimuli.voices.library import voice_for
from stimuli.voices.profiles import profile_at
from stimuli.voices.prosody import Delivery, with_emotion
from stimuli.voices.recordings import load_recording
from stimuli.voices.speech import SILENCE, Phone, Speech
from stimuli.voices.timbre import in_timbre
from stimuli.voices.visemes import FPS

PLAYED_RATE = 48_000  # samples a second: of every player and most sound cards
FRAME = PLAYED_RATE // FPS  # samples of a video frame
DIGITS = 4  # of times and profiles in files


def deal_sentences(people: Sequence[Identity], sentences: Sequence[str]) -> dict[str, str]:
    """Identity -> sentence: in turn within each gender, so that nobody's depends on who follows."""
    place: dict[str | None, int] = {}
    dealt = {}
    for person in people:
        turn = place[person.gender] = place.get(person.gender, -1) + 1
        dealt[person.id] = sentences[turn % len(sentences)]
    return dealt


def say(clip: SpokenClip, actor: Actor, sentence: str, emotion: str, m: float, seed: int) -> Speech:
    """The sentence in the actor's voice, with the clip's pauses around it; `seed`: of jitter."""
    delivery = Delivery(loudness=clip.loudness, seed=seed)
    neutral = reading(actor, sentence)
    said = with_emotion(neutral, emotion, m, delivery, caricature=m > 1)
    return as_played(_with_pauses(said, clip.pause))


def reading(actor: Actor, sentence: str) -> Speech:
    """The sentence in the actor's voice as it was recorded: neutral, without the clip's pauses."""
    return _neutral(actor.id, actor.gender, actor.age, sentence)


def as_played(speech: Speech) -> Speech:
    """The same at PLAYED_RATE with headroom, silent at its end until a video frame is full."""
    up, down = np.array([PLAYED_RATE, speech.rate]) // math.gcd(PLAYED_RATE, speech.rate)
    samples = np.asarray(resample_poly(speech.samples.astype(float), up, down))
    frames = math.ceil(len(samples) / FRAME - 1e-9)
    samples = np.pad(samples, (0, frames * FRAME - len(samples))).astype(np.float32)
    *others, last = speech.phones
    end = len(samples) / PLAYED_RATE
    if last.symbol == SILENCE:
        phones = (*others, replace(last, end=end))
    elif end - last.end > 0:
        phones = (*others, last, Phone(SILENCE, last.end, end))
    else:
        phones = speech.phones
    return replace(
        speech, samples=with_headroom(samples, PLAYED_RATE), rate=PLAYED_RATE, phones=phones,
        made_of=None,
    )  # fmt: skip


def facts(actor: Actor, speech: Speech, emotion: str, m: float) -> dict[str, Any]:
    """What the sidecar says of the voice: source, timbre, profile, and the time of every phone."""
    voice = voice_for(actor.id, actor.gender, actor.age)
    profile = profile_at(emotion, m, caricature=m > 1)
    return {
        "text": speech.text,
        "voice": {"source": voice.source, "timbre": _rounded(asdict(voice.timbre))},
        "prosody": {"emotion": emotion, "m": m, "profile": _rounded(asdict(profile))},
        "phones": [[p.symbol, round(p.start, DIGITS), round(p.end, DIGITS)] for p in speech.phones],
    }


@lru_cache(maxsize=4)
def _neutral(actor_id: str, gender: str, age: float, sentence: str) -> Speech:
    voice = voice_for(actor_id, gender, age)
    return in_timbre(load_recording(voice.source, sentence), voice.timbre, actor_id)


def _with_pauses(speech: Speech, pause: float) -> Speech:
    """The speech with `pause` seconds of silence before and after it."""
    n = round(pause * speech.rate)
    if n == 0:
        return speech
    seconds = n / speech.rate
    still = np.zeros(n, np.float32)
    phones = [Phone(p.symbol, p.start + seconds, p.end + seconds) for p in speech.phones]
    if phones[0].symbol == SILENCE:
        phones[0] = replace(phones[0], start=0.0)
    else:
        phones.insert(0, Phone(SILENCE, 0.0, seconds))
    end = phones[-1].end + seconds
    if phones[-1].symbol == SILENCE:
        phones[-1] = replace(phones[-1], end=end)
    else:
        phones.append(Phone(SILENCE, phones[-1].end, end))
    return speech.with_sound(np.concatenate([still, speech.samples, still]), tuple(phones))


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(float(value), DIGITS) for name, value in values.items()}
