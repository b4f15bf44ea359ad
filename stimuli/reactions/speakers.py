"""Speakers: somebody talks for half a minute, and the emotion changes as they go.

    speaking = speak(actor("03"), seconds=30, seed=7)
    speaking.face, speaking.heard, speaking.samples

The model
    Speech is a chain of episodes of one or two sentences, each in one emotion, drawn by EMOTIONS
    and never twice in a row; pauses between sentences are PAUSE long, between episodes BETWEEN.
    In most episodes face and voice show the emotion at strengths drawn apart from each other; in
    some only the voice does (HEARD_ONLY), in some only the face (SEEN_ONLY). So neither channel
    says all, as in real speakers, whose channels agree only in part [R].
    The face sets in LEADS seconds before the voice and gives way when the next episode's face sets
    in; what it does meanwhile, and what the voice expresses, says `speaking_face`.

Sources
    [R]  Russell, Bachorowski & Fernández-Dols (2003), Annu. Rev. Psychol. 54, 329: coherence
         between face and voice is partial.
    All numbers are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from models.reaction.attributes import RATE
from protocols.sentences import SENTENCES
from stimuli.actor_voices import PLAYED_RATE
from stimuli.actors.cast import Actor
from stimuli.corpora.arrays.sound import to_rate
from stimuli.reactions.speaking import Episode, Phrase, Speaking
from stimuli.reactions.speaking_face import FADES, face_of, heard_of
from stimuli.seeds import generator_of
from stimuli.voices.library import voice_for
from stimuli.voices.prosody import Delivery, with_emotion
from stimuli.voices.recordings import load_recording
from stimuli.voices.speech import SILENCE, Phone, Speech
from stimuli.voices.timbre import Timbre, in_timbre
from stimuli.voices.vocoder import take_apart

# Emotion -> how often an episode has it; happiness and neutral talk are the most frequent in
# conversation, the sizes are ours.
EMOTIONS = {"neutral": 0.18, "happy": 0.22, "sad": 0.15, "angry": 0.15, "fearful": 0.10,
            "surprised": 0.10, "disgusted": 0.10}  # fmt: skip
SENTENCES_EACH = (1, 2)  # of an episode, equally often
HEARD_ONLY, SEEN_ONLY = 0.2, 0.2  # shares of the episodes
FACE_M, VOICE_M = (0.45, 1.0), (0.7, 1.0)  # ranges of the strengths
BEGIN, PAUSE, BETWEEN = (0.3, 0.9), (0.35, 0.8), (0.7, 1.5)  # s, ranges
LEADS = 0.2  # s that the face is ahead of the voice
VARIETY = 8  # sentences, of 14, that a person knows: what is said again is not made again


@dataclass(frozen=True)
class VoiceOf:
    """The recording that a voice is made of, and how."""

    source: str
    timbre: Timbre


def speak(
    actor: Actor, seconds: float, seed: int, emotions: Sequence[str] | None = None,
    voice: VoiceOf | None = None, both: bool = False,
) -> Speaking:  # fmt: skip
    """An actor talks for `seconds`; the same for the same arguments.

    emotions: which ones the episodes have (one of them: no other), by default those of EMOTIONS;
    voice: another one than the actor's own; both: no episode is only heard or only seen.

    Raises ValueError on an emotion that is not known or a clip too short for a sentence.
    """
    if voice is None:
        own = voice_for(actor.id, actor.gender, actor.age)
        voice = VoiceOf(own.source, own.timbre)
    frames = round(seconds * RATE)
    plan = list(_said(actor, voice, seconds, seed, _dealt(emotions), both))
    if not plan:
        raise ValueError(f"a speaker of {seconds:g} s: too short for a sentence; at least 4 s")
    episodes = _episodes(plan, seconds)
    phrases = tuple(
        Phrase(*_spoken(part.speech, part.at), part.speech.sentence, part.emotion) for part in plan
    )
    whole = _joined(plan, seconds, actor.id)
    face = face_of(actor, whole, episodes, frames, seed)
    heard = heard_of(phrases, [part.voice_m for part in plan], frames)
    return Speaking(whole.samples, whole.rate, face, heard, episodes, phrases)


@dataclass(frozen=True)
class _Part:
    """A sentence as it is said from `at` on, in the episode of this number."""

    at: float
    episode: int
    emotion: str
    face_m: float
    voice_m: float
    speech: Speech


def _dealt(emotions: Sequence[str] | None) -> dict[str, float]:
    chosen = tuple(EMOTIONS) if emotions is None else tuple(emotions)
    for emotion in chosen:
        if emotion not in EMOTIONS:
            raise ValueError(f"emotion '{emotion}': accepted are {', '.join(EMOTIONS)}")
    if not chosen:
        raise ValueError(f"emotions: none given; accepted are {', '.join(EMOTIONS)}")
    return {emotion: EMOTIONS[emotion] for emotion in chosen}


def _said(
    actor: Actor, voice: VoiceOf, seconds: float, seed: int, shares: dict[str, float], both: bool
) -> Iterator[_Part]:
    """Sentence after sentence until there is no room for the next."""
    rng = generator_of(seed, "speech")
    known = _known(actor, voice)
    at, before, episode = float(rng.uniform(*BEGIN)), "", 0
    while True:
        emotion = _next(shares, before, rng)
        face_m, voice_m = _strengths(emotion, rng, both)
        for number in range(int(rng.integers(SENTENCES_EACH[0], SENTENCES_EACH[1] + 1))):
            neutral = _neutrally(voice, known[int(rng.integers(len(known)))], actor.id)
            delivery = Delivery(seed=int(rng.integers(2**31)))
            silent = emotion == "neutral" or voice_m == 0
            speech = neutral if silent else with_emotion(neutral, emotion, voice_m, delivery)
            if number:
                at += float(rng.uniform(*PAUSE))
            if at + speech.duration > seconds:
                return
            yield _Part(at, episode, emotion, face_m, voice_m, speech)
            at += speech.duration
        at += float(rng.uniform(*BETWEEN))
        before, episode = emotion, episode + 1


def _known(actor: Actor, voice: VoiceOf) -> list[str]:
    """The sentences that this person says."""
    rng = generator_of(actor.seed, f"sentences of {voice}")
    codes = sorted(SENTENCES)
    return [codes[i] for i in sorted(rng.permutation(len(codes))[:VARIETY])]


def _next(shares: dict[str, float], before: str, rng: np.random.Generator) -> str:
    """An emotion, another than the last where there is another."""
    others = {name: share for name, share in shares.items() if name != before} or shares
    weight = np.array(list(others.values()))
    return list(others)[int(rng.choice(len(weight), p=weight / weight.sum()))]


def _strengths(emotion: str, rng: np.random.Generator, both: bool) -> tuple[float, float]:
    """Strength of face and of voice."""
    kind, face_m, voice_m = rng.random(), rng.uniform(*FACE_M), rng.uniform(*VOICE_M)
    if emotion == "neutral":
        return 0.0, 0.0
    if both:
        return float(face_m), float(voice_m)
    if kind < HEARD_ONLY:
        return 0.0, float(voice_m)
    if kind < HEARD_ONLY + SEEN_ONLY:
        return float(face_m), 0.0
    return float(face_m), float(voice_m)


@lru_cache(maxsize=60)
def _recorded(source: str, sentence: str) -> Speech:
    """A recording that the vocoder has taken apart once and for all."""
    recording = load_recording(source, sentence)
    parts = take_apart(recording)
    return replace(recording, made_of=lambda: parts)


@lru_cache(maxsize=2 * VARIETY)
def _neutrally(voice: VoiceOf, sentence: str, name: str) -> Speech:
    return in_timbre(_recorded(voice.source, sentence), voice.timbre, name)


def _spoken(speech: Speech, at: float) -> tuple[float, float]:
    """Times (s) of the first sound and of the end of the last, of speech that begins at `at`."""
    sounds = [phone for phone in speech.phones if phone.symbol != SILENCE]
    return at + sounds[0].start, at + sounds[-1].end


def _episodes(plan: Sequence[_Part], seconds: float) -> tuple[Episode, ...]:
    groups: dict[int, list[_Part]] = {}
    for part in plan:
        groups.setdefault(part.episode, []).append(part)
    begins = []
    for parts in groups.values():
        first = _spoken(parts[0].speech, parts[0].at)[0]
        begins.append(max(0.0, first - LEADS) if parts[0].face_m else first)
    ends = [*begins[1:], min(seconds, _spoken(plan[-1].speech, plan[-1].at)[1] + FADES)]
    return tuple(
        Episode(begin, end, parts[0].emotion, parts[0].face_m, parts[0].voice_m)
        for begin, end, parts in zip(begins, ends, groups.values(), strict=True)
    )


def _joined(plan: Sequence[_Part], seconds: float, name: str) -> Speech:
    """The whole clip as one speech at PLAYED_RATE: its phones tile `seconds`."""
    samples = np.zeros(round(seconds * PLAYED_RATE), np.float32)
    phones, at = [], 0.0
    for part in plan:
        first = round(part.at * PLAYED_RATE)
        sound = to_rate(part.speech.samples, part.speech.rate, PLAYED_RATE)
        samples[first : first + len(sound)] += sound[: len(samples) - first]
        phones.append(Phone(SILENCE, at, part.at))
        phones += [Phone(p.symbol, p.start + part.at, p.end + part.at) for p in part.speech.phones]
        at = phones[-1].end
    phones.append(Phone(SILENCE, at, max(at, seconds)))
    return Speech(samples, PLAYED_RATE, tuple(phones), "", "", name)
