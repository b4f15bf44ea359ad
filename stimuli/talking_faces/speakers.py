"""What talking faces say: mien's voices, clips of a prepared corpus, or own recordings.

Every utterance lasts whole video frames, has the clip's pause before and after, and is sampled at
PLAYED_RATE, whatever it was recorded with. Recordings keep their differences in loudness (natural),
or lose them (equal); on average, or each, they are as loud as neutral speech of mien's voices.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from protocols.context import ContextError
from protocols.filming import SpokenClip
from protocols.sentences import SENTENCES
from stimuli import actor_voices
from stimuli.actor_clips import VERSION as VOICES
from stimuli.actor_voices import FRAME, PLAYED_RATE
from stimuli.actors.cast import actor
from stimuli.context_faces.contexts import CorpusVoices, RecordedVoices, Sound
from stimuli.corpora.arrays.sound import level_db
from stimuli.headroom import with_headroom
from stimuli.pieces import highest, pieces, resampled
from stimuli.stimulus import Cell
from stimuli.voices.loudness import lufs
from stimuli.voices.prosody import Delivery

SHORTEST = 0.1  # s of sound, which is less than any word
SILENT_DB = -60.0  # dB of full scale: a sound that never exceeds this level is silent
FULL, IN_A_ROW = 0.999, 3  # samples at full scale that stand in a row: the peak was cut off
INTEGER = 32_768  # full scale of 16-bit numbers


@dataclass(frozen=True, eq=False)
class Utterance:
    """A spoken sentence: samples (n,) float32 at PLAYED_RATE in whole frames, and what it is."""

    samples: np.ndarray
    facts: Mapping[str, Any]

    @property
    def seconds(self) -> float:
        """Its duration."""
        return len(self.samples) / PLAYED_RATE


class Speakers(Protocol):
    """Who speaks."""

    cautions: tuple[str, ...]

    def recipe(self, identity: str, levels: Cell) -> dict[str, Any]:
        """Everything that decides about the sound, apart from the clip's settings."""
        ...

    def say(self, identity: str, levels: Cell, seed: int) -> Utterance:
        """What `identity` is heard to say; `seed`: of the jitter of mien's voices."""
        ...


class ActorSpeakers:
    """mien's voices, neutral or in an emotion at any strength."""

    cautions = ()

    def __init__(
        self, clip: SpokenClip, speakers: Mapping[str, str], sentences: Mapping[str, str]
    ) -> None:
        """speakers: person shown -> actor who speaks; sentences: person shown -> code."""
        self.clip, self.speakers, self.sentences = clip, speakers, sentences

    def recipe(self, identity: str, levels: Cell) -> dict[str, Any]:
        """Speaker, sentence, emotion, strength, and the version of the voices."""
        emotion, m = voice_of(levels)
        return {
            "corpus": "actors",
            "speaker": self.speakers[identity],
            "sentence": str(levels.get("sentence", self.sentences[identity])),
            "emotion": emotion,
            "m": m,
            "version": VOICES,
        }

    def say(self, identity: str, levels: Cell, seed: int) -> Utterance:
        """The sentence; facts: text, voice, acoustic profile and the time of every phone."""
        told, who = self.recipe(identity, levels), actor(self.speakers[identity])
        emotion, m = voice_of(levels)
        said = actor_voices.say(self.clip, who, told["sentence"], emotion, m, seed)
        return Utterance(said.samples, actor_voices.facts(who, said, emotion, m))


class RecordedSpeakers:
    """Recorded voices, as they were spoken."""

    def __init__(
        self, clip: SpokenClip, voices: CorpusVoices | RecordedVoices, emotions: Sequence[str],
        sentences: Mapping[str, str],
    ) -> None:  # fmt: skip
        """sentences: person shown -> code, where the protocol names one.

        Raises ContextError if one of the study's own recordings cannot be used.
        """
        self.clip, self.voices, self.emotions, self.sentences = clip, voices, emotions, sentences
        clipped = []
        if isinstance(voices, RecordedVoices):  # better now than after an hour
            for path, sound in voices.sounds():
                if is_clipped(speech_of(sound, str(path))):
                    clipped.append(path.name)
        self.cautions = _clipped_lines(list(dict.fromkeys(clipped)))
        self._gains: dict[tuple[object, ...], float] = {}

    def recipe(self, identity: str, levels: Cell) -> dict[str, Any]:
        """What the voices say: file or clip, and its SHA-256."""
        return self.voices.recipe(identity, self._asked(identity, levels))

    def say(self, identity: str, levels: Cell, seed: int) -> Utterance:
        """The recording; facts: text where the sentence is known, its file or clip, the gain."""
        asked = self._asked(identity, levels)
        told = self.voices.recipe(identity, asked)
        gain = self._gain(identity, asked)
        samples, rate = self._speech(identity, asked, str(told.get("file") or told.get("clip")))
        facts: dict[str, Any] = {"voice": told, "gain_db": round(gain, 2)}
        if is_clipped(samples):
            facts["clipped"] = True
        if told.get("sentence") in SENTENCES:
            facts = {"text": SENTENCES[told["sentence"]], **facts}
        samples *= np.float32(10 ** (gain / 20))
        samples = in_frames(samples, rate, self.clip.pause)
        return Utterance(with_headroom(samples, PLAYED_RATE), facts)

    def _speech(self, identity: str, asked: Cell, where: str) -> tuple[np.ndarray, int]:
        """Samples as they are there, and their rate."""
        sound = self.voices.sound(identity, asked)
        return speech_of(sound, where), sound.rate

    def _asked(self, identity: str, levels: Cell) -> dict[str, Any]:
        """The cell as voices know it."""
        asked: dict[str, Any] = {"emotion": voice_of(levels)[0]}
        sentence = levels.get("sentence", self.sentences.get(identity))
        return asked if sentence is None else {**asked, "sentence": sentence}

    def _gain(self, identity: str, asked: Cell) -> float:
        """How much louder a recording is made, dB; natural: as all emotions of its voice."""
        emotions = [asked["emotion"]] if self.clip.loudness == "equal" else self.emotions
        key = (identity, *emotions, asked.get("sentence"))
        if key not in self._gains:
            levels = []
            for emotion in emotions:
                other = {**asked, "emotion": emotion}
                levels.append(lufs(*self._speech(identity, other, f"{identity}, {emotion}")))
            self._gains[key] = Delivery().lufs - float(np.mean(levels))
        return self._gains[key]


def voice_of(levels: Cell) -> tuple[str, float]:
    """Emotion of the voice and its strength m."""
    emotion = levels.get("voice_emotion", levels.get("emotion"))
    return str(emotion), float(levels.get("voice_m", levels.get("m", 1.0)))


def speech_of(sound: Sound, where: str) -> np.ndarray:
    """Samples (N,) float32 in [-1, 1] without a constant part; the sound's own, if those can be.

    Raises ContextError, beginning with `where`, if there is too little or nothing to hear.
    """
    samples = np.require(sound.samples, np.float32, "W")  # a long one is not there twice
    if sound.samples.dtype.kind == "i":
        samples /= INTEGER
    seconds = len(samples) / max(sound.rate, 1)
    if seconds < SHORTEST:
        raise ContextError(
            f"{where}: found {1000 * seconds:.1f} ms of sound; a talking face needs at least "
            f"{1000 * SHORTEST:.0f} ms"
        )
    samples -= samples.mean(dtype=np.float64).astype(np.float32)
    if level_db(samples) < SILENT_DB:
        raise ContextError(
            f"{where}: is silent (its highest level is {level_db(samples):.0f} dB of full scale); "
            "record it again, or leave it out"
        )
    return samples


def is_clipped(samples: np.ndarray) -> bool:
    """Whether peaks of (N,) samples were cut off: several in a row that are the highest."""
    top, run = highest(samples), 0
    if top <= 0.5:
        return False
    for piece, wider in pieces(len(samples), IN_A_ROW - 1):
        most = np.abs(samples[piece.start : wider.stop]) >= FULL * top
        run += int((most[2:] & most[1:-1] & most[:-2]).sum())
    return run >= IN_A_ROW


def in_frames(samples: np.ndarray, rate: int, pause: float) -> np.ndarray:
    """Samples at PLAYED_RATE between two pauses, silent at the end until a video frame is full."""
    count, before = -(-len(samples) * PLAYED_RATE // rate), round(pause * PLAYED_RATE)
    frames = math.ceil((count + 2 * before) / FRAME)
    if rate == PLAYED_RATE and len(samples) == frames * FRAME:
        return samples
    framed = np.zeros(frames * FRAME, np.float32)
    spoken = framed[before : before + count]
    if rate == PLAYED_RATE:
        spoken[:] = samples
    else:
        resampled(samples, rate, PLAYED_RATE, spoken)
    return framed


def _clipped_lines(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    some = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    return (f"caution: peaks of {some} are cut off; people hear it: record more softly",)
