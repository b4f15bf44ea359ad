"""The voices in whose context faces are shown: of actors, of a prepared corpus, own recordings.

Who speaks is the same in every emotion, so that emotions differ by the emotion alone; somebody
else's voice is dealt in turn to the women and to the men, in an order drawn by the seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from protocols.context import Context, ContextError
from protocols.manifest import hash_file
from protocols.prepared import PreparedCorpus
from protocols.sentences import SENTENCES
from stimuli.actor_clips import VERSION as VOICES
from stimuli.corpora import Identity
from stimuli.corpora.arrays.film import Undecodable
from stimuli.corpora.arrays.sound import read_sound
from stimuli.seeds import generator_of
from stimuli.stimulus import Cell
from stimuli.voices.library import load_speech
from stimuli.voices.prosody import with_emotion
from stimuli.voices.speech import Speech

USUAL = "kids"  # what actors say unless the protocol names a sentence: the first of RAVDESS
STRENGTH = {"normal": 0.6, "strong": 1.0}  # m of an actor's prosody, by the factor intensity
ROOM_DB = -65.0  # noise below actors' voices: in the middle of what the networks were trained with


@dataclass(frozen=True)
class Sound:
    """Mono samples (N,) and their rate in hertz; floats in [-1, 1] or 16-bit numbers."""

    samples: np.ndarray
    rate: int


class Voices(Protocol):
    """Where contexts come from."""

    def recipe(self, identity: str, levels: Cell) -> dict[str, Any]:
        """Everything that decides about the sound: who, what, which recording."""
        ...

    def sound(self, identity: str, levels: Cell) -> Sound:
        """The voice that `identity` is shown with; raises ContextError if it cannot be read."""
        ...


class ActorVoices:
    """Actors say one sentence in the emotion; neutral as it was spoken, as in training."""

    def __init__(self, speakers: Mapping[str, str], sentence: str | None) -> None:
        """speakers: person shown -> actor who speaks; sentence: its code, or None for USUAL."""
        self.speakers, self.sentence = speakers, sentence or USUAL

    def recipe(self, identity: str, levels: Cell) -> dict[str, Any]:
        """Speaker, sentence, emotion, strength, and the version of the voices."""
        sentence = str(levels.get("sentence", self.sentence))
        return {
            "corpus": "actors",
            "speaker": self.speakers[identity],
            "sentence": sentence,
            "text": SENTENCES[sentence],
            "emotion": str(levels["emotion"]),
            "strength": STRENGTH[str(levels.get("intensity", "strong"))],
            "version": VOICES,
        }

    def sound(self, identity: str, levels: Cell) -> Sound:
        """The sentence, above faint noise that is the same below every voice.

        Recordings have such noise; networks trained with it would take its lack for something that
        a voice says.
        """
        said = self.recipe(identity, levels)
        speech = _spoken(said["speaker"], said["sentence"])
        if said["emotion"] != "neutral":
            try:
                speech = with_emotion(speech, said["emotion"], said["strength"])
            except ValueError as error:
                raise ContextError(f"stimuli.factors.emotion: {error}") from None
        noise = np.random.default_rng(0).standard_normal(len(speech.samples))
        return Sound(speech.samples + 10 ** (ROOM_DB / 20) * noise, speech.rate)


class CorpusVoices:
    """Clips of a prepared corpus."""

    def __init__(
        self, name: str, corpus: PreparedCorpus, speakers: Mapping[str, str], sentence: str | None,
        emotions: Sequence[str], part: str = Context.PART,
    ) -> None:  # fmt: skip
        """speakers: person shown -> who speaks; emotions: those of the study; part: for messages.

        Raises ContextError if nothing of the corpus can be heard.
        """
        self.name, self.corpus, self.speakers = name, corpus, speakers
        self.sentence, self.emotions, self.part = sentence, emotions, part
        self._heard = heard(name, corpus, part)

    def recipe(self, identity: str, levels: Cell) -> dict[str, Any]:
        """Speaker, sentence, clip and SHA-256 of its samples."""
        clip = self._clip(identity, levels)
        samples = self.corpus.sound_of(str(clip.clip))
        return {
            "corpus": self.name,
            "speaker": self.speakers[identity],
            "sentence": None if pd.isna(clip.sentence) else str(clip.sentence),
            "emotion": str(levels["emotion"]),
            "clip": str(clip.clip),
            "sha256": hashlib.sha256(np.ascontiguousarray(samples).tobytes()).hexdigest(),
        }

    def sound(self, identity: str, levels: Cell) -> Sound:
        """The clip's samples."""
        clip = str(self._clip(identity, levels).clip)
        return Sound(np.asarray(self.corpus.sound_of(clip)), self.corpus.record.audio_rate)

    def _clip(self, identity: str, levels: Cell) -> Any:
        """The clip: of the sentence and intensity asked for, spoken, the first take."""
        who, emotion = self.speakers[identity], str(levels["emotion"])
        clips = self._of(who)
        asked = levels.get("sentence", self.sentence)
        if asked is not None:
            clips = clips.loc[clips["sentence"].astype("string") == str(asked)]
        intensity = str(levels.get("intensity", "normal"))
        if emotion != "neutral" and (
            "intensity" in levels or (clips["intensity"] == intensity).any()
        ):
            clips = clips.loc[(clips["intensity"] == intensity) | (clips["emotion"] == "neutral")]
        if asked is None:
            clips = self._same_sentence(clips, who)
        found = clips.loc[clips["emotion"] == emotion]
        if not len(found):
            more = "" if asked is None else f" with the sentence {asked}"
            more += f" of intensity {intensity}" if "intensity" in levels else ""
            raise ContextError(
                f"{self.part}.voices: {self.name} has no {emotion} voice of '{who}'{more}; "
                "leave that emotion or person out, or write voices: actors"
            )
        return min(found.itertuples(), key=lambda c: (_number(c.take), str(c.clip)))

    def _of(self, who: str) -> pd.DataFrame:
        mine = self._heard.loc[(self._heard["actor"] == who) | (self._heard["clip"] == who)]
        spoken = mine.loc[(mine["channel"] != "song").fillna(True)]
        return spoken if len(spoken) else mine

    def _same_sentence(self, clips: pd.DataFrame, who: str) -> pd.DataFrame:
        """Clips of one sentence that the speaker says in every emotion; all if there is none."""
        said = [
            set(clips.loc[clips["emotion"] == emotion, "sentence"].dropna().astype(str))
            for emotion in self.emotions
        ]
        common = sorted(set.intersection(*said)) if said else []
        if not common:
            return clips
        number = int(generator_of(0, f"sentence of {who}").integers(len(common)))
        return clips.loc[clips["sentence"].astype("string") == common[number]]


class RecordedVoices:
    """Own recordings: file by emotion, of the set that was dealt to a person."""

    def __init__(
        self, recordings: Mapping[str, Mapping[str, Path]], people: Sequence[Identity],
        emotions: Sequence[str], seed: int, part: str = Context.PART,
    ) -> None:  # fmt: skip
        """recordings: emotion -> set -> file; emotions: those of the study; part: for messages.

        Raises ContextError if no set has all of them.
        """
        sets = [set(recordings.get(emotion, {})) for emotion in emotions]
        whole = sorted(set.intersection(*sets)) if sets else []
        if not whole:
            raise ContextError(f"{part}.recordings: {_lacking(recordings, emotions)}")
        order = [whole[i] for i in generator_of(seed, "recordings").permutation(len(whole))]
        self.files, self.emotions, self.sets = recordings, emotions, whole
        self.set_of = {person.id: order[i % len(order)] for i, person in enumerate(people)}

    def recipe(self, identity: str, levels: Cell) -> dict[str, Any]:
        """Name and SHA-256 of the recording."""
        path = self._file(identity, levels)
        return {
            "corpus": "own recordings", "emotion": str(levels["emotion"]), "file": path.name,
            "sha256": hash_file(path),
        }  # fmt: skip

    def sound(self, identity: str, levels: Cell) -> Sound:
        """The recording, mixed down to one channel."""
        return _read(self._file(identity, levels))

    def sounds(self) -> Iterator[tuple[Path, Sound]]:
        """Every recording that the study may use."""
        for emotion in self.emotions:
            for name in self.sets:
                path = self.files[emotion][name]
                yield path, _read(path)

    def _file(self, identity: str, levels: Cell) -> Path:
        return self.files[str(levels["emotion"])][self.set_of[identity]]


def heard(name: str, corpus: PreparedCorpus, part: str = Context.PART) -> pd.DataFrame:
    """The clips of a prepared corpus that have sound; raises ContextError if there is none."""
    clips = corpus.index.loc[corpus.index["samples"] > 0]
    if not len(clips) or not corpus.record.audio_rate:
        raise ContextError(
            f"{part}.voices: {name} has no sound; write voices: actors, the name of a "
            "corpus with voices, or recordings: FOLDER"
        )
    return clips


def deal_speakers(
    people: Sequence[Identity], speakers: Sequence[Identity], seed: int
) -> dict[str, str]:
    """Person shown -> somebody else of the same gender who speaks, dealt in turn.

    Nobody's depends on who follows. Where a gender is not known, or nobody has it, all speakers
    are dealt.
    """
    shuffled = [speakers[i] for i in generator_of(seed, "voices").permutation(len(speakers))]
    turns: dict[str | None, int] = {}
    dealt = {}
    for person in people:
        same = [s.id for s in shuffled if s.gender == person.gender and person.gender is not None]
        pool = same or [s.id for s in shuffled]
        turn = turns[person.gender] = turns.get(person.gender, -1) + 1
        choice = pool[turn % len(pool)]
        if choice == person.id and len(pool) > 1:
            choice = pool[(turn + 1) % len(pool)]
        dealt[person.id] = choice
    return dealt


@lru_cache(maxsize=4)
def _spoken(speaker: str, sentence: str) -> Speech:
    """An actor's neutral speech, once for all emotions."""
    return load_speech(speaker, sentence)


def _read(path: Path) -> Sound:
    try:
        return Sound(*read_sound(path))
    except Undecodable as error:
        raise ContextError(f"{path}: {error}; export it again as WAV") from None


def _lacking(recordings: Mapping[str, Mapping[str, Path]], emotions: Sequence[str]) -> str:
    """Why no set of recordings has every emotion."""
    found = ", ".join(path.name for some in recordings.values() for path in some.values())
    missing = [emotion for emotion in emotions if emotion not in recordings]
    if missing:
        return (
            f"no recording of {', '.join(missing)} (found {found}); add it, or leave that emotion "
            "out"
        )
    return (
        f"no set has every emotion of the study (found {found}); name them alike, such as "
        f"{emotions[0]}_01.wav and {emotions[-1]}_01.wav"
    )


def _number(value: Any) -> int:
    return 0 if pd.isna(value) else int(value)
