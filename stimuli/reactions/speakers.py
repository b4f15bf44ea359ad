"""Speakers: somebody talks for half a minute, and the emotion changes as they go.

    speaking = speak(actor("03"), seconds=30, seed=7)
    speaking.face, speaking.heard, speaking.samples

The model
    Speech is a chain of episodes of one or two sentences, each in one emotion, drawn by EMOTIONS
    and never twice in a row; pauses between sentences are PAUSE long, between episodes BETWEEN.
    In most episodes face and voice show the emotion at strengths drawn apart from each other; in
    some only the voice does (HEARD_ONLY), in some only the face (SEEN_ONLY). So neither channel
    says all, as in real speakers, whose channels agree only in part [R].
    The face sets in LEADS seconds before the voice, rises within 0.4 s (0.25 s for surprise) and
    gives way when the next episode's face sets in. Mouths follow the phones (stimuli.voices);
    while they do, they show less of the expression. Brows go up on some stressed vowels [F].
    What the voice expresses (`heard`) sets in within 0.3 s of sound and fades within 0.5 s of
    silence. Persons differ in how much of each action unit they show, and in their resting face.

Sources
    [R]  Russell, Bachorowski & Fernández-Dols (2003), Annu. Rev. Psychol. 54, 329: coherence
         between face and voice is partial. The shares are ours.
    [F]  Flecha-García (2010), Speech Commun. 52, 542: raised brows go with accents, every few
         seconds.
    [S]  Schmidt, Cohn & Tian (2003), Biol. Psychol. 65, 49: onsets of about half a second.
    Pauses and other numbers without a letter are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter1d

from models.reaction.attributes import AFFECT, ATTRIBUTES, AUS, RATE
from protocols.sentences import SENTENCES
from stimuli.actor_voices import PLAYED_RATE
from stimuli.actors.cast import Actor
from stimuli.actors.dynamics import SUDDEN, s_curve
from stimuli.corpora.arrays.sound import to_rate
from stimuli.reactions.affect import attributes
from stimuli.seeds import generator_of
from stimuli.voices.library import voice_for
from stimuli.voices.prosody import Delivery, with_emotion
from stimuli.voices.recordings import load_recording
from stimuli.voices.speech import SILENCE, VOWELS, Phone, Speech
from stimuli.voices.talking import CORNER_SHARE, MOUTH_SHARE, speaking_share
from stimuli.voices.timbre import Timbre, in_timbre
from stimuli.voices.visemes import INDEX
from stimuli.voices.visemes import speaking as mouth_of
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
RISE, SUDDEN_RISE, FALL = 0.4, 0.25, 0.6  # s [S]
HEARS, FADES = 0.3, 0.5  # s until a voice's emotion is there, and gone
ACCENT_SHARE, ACCENT_S = 0.12, 0.25  # of vowels on which brows go up, and s that it takes [F]
ACCENT = (0.15, 0.4)  # range of its strength
WAVER, WAVER_S = 0.2, 0.8  # standard deviation of an expression around its m; s, how slowly
GAIN_SD = 0.2  # of the logarithm of what a person shows of an action unit
RESTING = 0.05  # most of an action unit in a resting face
MOUTH = ("AU10", "AU17", "AU23", "AU24", "AU25", "AU26")  # give way to speech
CORNERS = ("AU12", "AU14", "AU15")  # give way less
VARIETY = 8  # sentences, of 14, that a person knows: what is said again is not made again


@dataclass(frozen=True)
class Episode:
    """Some sentences in one emotion; onset and offset in s, strengths of face and voice 0 to 1."""

    onset_s: float  # when face or voice begins to show it
    offset_s: float  # when it ceases: with the next episode's face, or after the last word
    emotion: str
    face_m: float
    voice_m: float


@dataclass(frozen=True)
class Phrase:
    """One sentence: from its first sound to its last (s)."""

    onset_s: float
    offset_s: float
    sentence: str
    emotion: str


@dataclass(frozen=True, eq=False)
class Speaking:
    """What a speaker did. T = 25 frames a second.

    Attributes:
        samples: (n,) float32 in [-1, 1], one channel.
        rate: of the samples, hertz.
        face: (T, 25) float32, attributes of the face.
        heard: (T, 10) float32, columns AFFECT: what the voice expresses.
        episodes, phrases: in order of time.
    """

    samples: np.ndarray
    rate: int
    face: np.ndarray
    heard: np.ndarray
    episodes: tuple[Episode, ...]
    phrases: tuple[Phrase, ...]

    @property
    def frames(self) -> int:
        """T."""
        return len(self.face)


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
    face = _face(actor, whole, episodes, frames, seed)
    return Speaking(
        whole.samples, whole.rate, face, _heard(plan, phrases, frames), episodes, phrases
    )


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


def _face(
    actor: Actor, speech: Speech, episodes: Sequence[Episode], frames: int, seed: int
) -> np.ndarray:
    """Attributes (T, 25): expression and speech on one face."""
    rng, person = generator_of(seed, "face"), generator_of(actor.seed, "face")
    gains = np.exp(GAIN_SD * person.standard_normal(AUS.stop))
    resting = RESTING * person.random(AUS.stop) * (person.random(AUS.stop) < 0.4)
    times = (np.arange(frames) + 0.5) / RATE
    strengths: dict[str, np.ndarray] = {"interest": _accents(speech, times, rng)}
    for episode in episodes:
        waver = 1 + WAVER * slow_noise(frames, WAVER_S, rng)
        if episode.face_m:
            shown = episode.face_m * lasting(times, episode, RISE, FALL) * waver
            strengths[episode.emotion] = np.maximum(
                strengths.get(episode.emotion, 0.0), shown.clip(0, 1)
            )
    face = attributes(strengths, gains, resting)
    _give_way(face, speaking_share(speech, frames))
    mouth = mouth_units(mouth_of(speech.phones, frames))
    face[:, AUS] = 1 - (1 - face[:, AUS]) * (1 - mouth)
    return face


def lasting(times: np.ndarray, episode: Episode, rise: float, fall: float) -> np.ndarray:
    """(T,) from 0 to 1 and back: rises from the onset on, falls from the offset on."""
    rise = min(rise, SUDDEN_RISE) if episode.emotion in SUDDEN else rise
    up = s_curve((times - episode.onset_s) / rise, 2)
    return up * (1 - s_curve((times - episode.offset_s) / fall, 2))


def slow_noise(frames: int, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """(T,) Gaussian of unit variance that changes within some `seconds`: white noise, smoothed."""
    sigma = seconds * RATE
    margin = round(4 * sigma)
    smooth = gaussian_filter1d(rng.standard_normal(frames + 2 * margin), sigma, mode="wrap")
    return smooth[margin : margin + frames] * np.sqrt(2 * np.sqrt(np.pi) * sigma)


def mouth_units(weights: np.ndarray) -> np.ndarray:
    """(T, 15) action units of mouths that speak, from facial actions (T, 52).

    As a coder would see the visemes: lips that are apart (25) by whatever parts them, the jaw that
    drops (26, whose 38 % of jawOpen is the rig's), lips pressed on /m b p/ (24), the upper lip on
    /f v/ (10, weak), the corners on /i/ (12, weak).
    """
    of = {name: weights[:, INDEX[name]] for name in INDEX}
    units = np.zeros((len(weights), AUS.stop))
    parted = (2.5 * of["jawOpen"] + 0.8 * of["mouthLowerDownLeft"] + 0.5 * of["mouthUpperUpLeft"]
              + 0.6 * of["mouthFunnel"])  # fmt: skip
    for name, amount in (
        ("AU25", parted), ("AU26", of["jawOpen"] / 0.38),
        ("AU24", 0.8 * of["mouthPressLeft"]), ("AU10", 0.25 * of["mouthUpperUpLeft"]),
        ("AU12", 0.4 * of["mouthSmileLeft"]),
    ):  # fmt: skip
        units[:, ATTRIBUTES.index(name)] = amount
    return units.clip(0, 1)


def _give_way(face: np.ndarray, speaking: np.ndarray) -> None:
    """Let the mouth of an expression give way while the speaker speaks (T,)."""
    for names, share in ((MOUTH, MOUTH_SHARE), (CORNERS, CORNER_SHARE)):
        columns = [ATTRIBUTES.index(name) for name in names]
        face[:, columns] *= (1 - (1 - share) * speaking)[:, None]


def _accents(speech: Speech, times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(T,) how far brows go up on stressed vowels."""
    raised = np.zeros(len(times))
    for phone in speech.phones:
        if phone.symbol in VOWELS and rng.random() < ACCENT_SHARE:
            middle = (phone.start + phone.end) / 2
            bump = np.exp(-0.5 * ((times - middle) / (ACCENT_S / 2)) ** 2)
            raised = np.maximum(raised, rng.uniform(*ACCENT) * bump)
    return raised


def _heard(plan: Sequence[_Part], phrases: Sequence[Phrase], frames: int) -> np.ndarray:
    """(T, 10) what the voice expresses."""
    times = (np.arange(frames) + 0.5) / RATE
    strengths: dict[str, np.ndarray] = {"happy": np.zeros(frames)}
    for part, phrase in zip(plan, phrases, strict=True):
        if part.emotion != "neutral":
            up = s_curve((times - phrase.onset_s) / HEARS, 2)
            down = 1 - s_curve((times - phrase.offset_s) / FADES, 2)
            there = part.voice_m * up * down
            strengths[part.emotion] = np.maximum(strengths.get(part.emotion, 0.0), there)
    return attributes(strengths)[:, AFFECT]
