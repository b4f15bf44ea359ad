"""The families of stimuli, the factors each understands, and the corpora they start from.

A *factor* is what an experiment varies; a *level* is one of its values. Emotions are words;
m (context weight), valence and arousal are numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from protocols.section import fail, nearest, one_of

EMOTIONS = (
    "neutral",
    "angry",
    "disgusted",
    "fearful",
    "happy",
    "sad",
    "surprised",
    "calm",
    "contempt",
)
COMPOUNDS = (  # Du, Tao & Martinez (2014), PNAS 111, E1454; of actors only
    "happily surprised",
    "happily disgusted",
    "sadly fearful",
    "sadly angry",
    "sadly surprised",
    "sadly disgusted",
    "fearfully angry",
    "fearfully surprised",
    "fearfully disgusted",
    "angrily surprised",
    "angrily disgusted",
    "disgustedly surprised",
    "appalled",
    "hatred",
    "awed",
)
SHOWN = EMOTIONS + COMPOUNDS
CONTEXTS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")  # Blume 2024
TALKED = ("angry", "disgusted", "fearful", "happy", "neutral", "sad")  # Eskimez 2021
CORPORA = {
    "actors": "mien's synthetic actors, which anyone may show",
    "ravdess": "RAVDESS, where you keep it",
    "crema-d": "CREMA-D, where you keep it",
    "mead": "MEAD, where you keep it",
    "celeba": "CelebA, where you keep it",
    "affectnet": "AffectNet, where you keep it",
    "react2024": "REACT 2024, where you keep it",
}


@dataclass(frozen=True)
class Factor:
    """One factor: `words` lists its levels, or `low`…`high` bounds its numbers; else any word."""

    meaning: str
    words: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None

    @property
    def numeric(self) -> bool:
        """Whether the levels are numbers."""
        return self.low is not None

    def check(self, name: str, level: Any, *at: str | int, caricature: bool = False) -> Any:
        """`level` of the factor `name`, or an error that says what is accepted."""
        if not self.numeric:
            if not isinstance(level, str):
                raise fail(f"found {level!r}; a level of {name} is a word", *at)
            return one_of(level, self.words, f"level of {name}", *at) if self.words else level
        if isinstance(level, bool) or not isinstance(level, int | float):
            raise fail(f"found {level!r}; accepted: numbers from {self.low} to {self.high}", *at)
        strength = name in STRENGTHS
        low, high = (-0.5, 1.5) if caricature and strength else (self.low or 0.0, self.high or 0.0)
        if not low <= level <= high:
            hint = "; caricature: true widens it to -0.5…1.5" if strength else ""
            raise fail(f"found {level}; accepted: numbers from {low} to {high}{hint}", *at)
        return level


FACTORS = {
    "emotion": Factor("emotion of the face, of its context, or of face and voice", SHOWN),
    "face_emotion": Factor("emotion that the face shows", SHOWN),
    "voice_emotion": Factor("emotion that the voice carries", SHOWN),
    "speaker_emotion": Factor("emotion of the speaker to whom a listener reacts", EMOTIONS),
    "speaker": Factor("clip of a speaker of one's own, by its name"),
    "m": Factor("context weight: 0 the face alone, 1 as perceived in context", low=0.0, high=1.0),
    "voice_m": Factor(
        "strength of the voice's emotion, where the face has its own", low=0.0, high=1.0
    ),
    "face_m": Factor(
        "strength of the face's emotion, where the voice has its own", low=0.0, high=1.0
    ),
    "valence": Factor("unpleasant -1 … pleasant 1", low=-1.0, high=1.0),
    "arousal": Factor("calm -1 … excited 1", low=-1.0, high=1.0),
    "congruence": Factor(
        "whether voice and face carry the same emotion; beside voice_emotion and face_emotion",
        ("congruent", "incongruent"),
    ),
    "intensity": Factor("strength of the emotion", ("normal", "strong")),
    "method": Factor("where the stimulus comes from: any word"),
    "missing": Factor(
        "what of the speaker is withheld from the model", ("none", "voice", "face", "both")
    ),
    "sentence": Factor("spoken sentence, by its code"),
    "modality": Factor(
        "what of a recording or talking clip is shown", ("audio", "visual", "audio-visual")
    ),
    "level": Factor("strength of an acted emotion", ("low", "medium", "high", "unspecified")),
    "take": Factor("number of the take", low=1, high=99),
    "movement": Factor(
        "control: as it is; the face a still picture, or its frames in random order",
        ("natural", "still", "scrambled"),
    ),
    "orientation": Factor("upright, or the picture turned by 180°", ("upright", "inverted")),
    "scramble": Factor(
        "control: phases of all spatial frequencies at random, or squares shuffled",
        ("none", "phase", "blocks"),
    ),
}
STRENGTHS = ("m", "voice_m", "face_m")
LOOK_FACTORS = ("orientation", "scramble")  # of finished pictures, whoever made them


@dataclass(frozen=True)
class Generator:
    """A family of stimuli: what it makes and which factors it needs and knows.

    `one_for_all`: a factor that may stand in place of all needed ones; they take its level.
    `instead`: factors that may stand, all together, in place of the needed ones.
    `compounds`: factors whose levels may be compound emotions.
    `clips`: kind of clip -> the same family when the protocol asks for such a clip.
    `talks`: all that it makes are talking clips, which `clip` describes.
    """

    meaning: str
    media: str  # image | imageAudio | video
    needs: tuple[str, ...]
    knows: tuple[str, ...] = ()
    corpora: tuple[str, ...] = field(default=("actors",))
    one_for_all: str | None = None
    instead: tuple[str, ...] = ()
    compounds: tuple[str, ...] = ()
    clips: Mapping[str, Generator] = field(default_factory=dict)
    talks: bool = False

    @property
    def factors(self) -> tuple[str, ...]:
        """Every factor that the family understands."""
        looks = LOOK_FACTORS if self.media == "image" else ()
        others = (*self.instead, *((self.one_for_all,) if self.one_for_all else ()))
        return self.needs + self.knows + looks + others


ACTOR_CLIPS = {
    "dynamic": Generator(
        "a synthetic actor filmed while an emotion, or a point of the valence-arousal plane, comes "
        "onto the face and goes again, without sound",
        "video",
        ("emotion",),
        ("m", "take", "movement"),
        instead=("valence", "arousal"),
        compounds=("emotion",),
    ),
    "talking": Generator(
        "a synthetic actor who says a sentence, heard, seen, or both; voice and face carry an "
        "emotion each",
        "video",
        ("voice_emotion", "face_emotion"),
        ("congruence", "m", "voice_m", "face_m", "modality", "sentence", "take", "movement"),
        one_for_all="emotion",
        compounds=("emotion", "voice_emotion", "face_emotion"),
    ),
}
GENERATORS = {
    "actor": Generator(
        "a synthetic actor drawn between neutral and an emotion, or at a point of the "
        "valence-arousal plane",
        "image",
        ("emotion",),
        ("m", "take"),
        instead=("valence", "arousal"),
        compounds=("emotion",),
        clips=ACTOR_CLIPS,
    ),
    "context-face": Generator(
        "a neutral face as perceived in an emotional context (Blume et al., 2024)",
        "image",
        ("emotion",),
        ("m", "intensity", "sentence"),
        ("actors", "ravdess", "mead", "crema-d"),
    ),
    "voiced-face": Generator(
        "a neutral face shown while an emotional voice is heard (Blume et al., 2024)",
        "imageAudio",
        ("emotion",),
        ("intensity", "sentence"),
        ("actors", "ravdess", "mead"),
    ),
    "talking-face": Generator(
        "a face that a network lets talk; voice and face carry an emotion each (Eskimez "
        "et al., 2021)",
        "video",
        ("voice_emotion", "face_emotion"),
        (
            "congruence",
            "m",
            "voice_m",
            "face_m",
            "modality",
            "sentence",
            "take",
            "movement",
            "method",
        ),
        ("actors", "crema-d", "ravdess", "mead"),
        one_for_all="emotion",
        compounds=("voice_emotion",),
        talks=True,
    ),
    "valence-arousal": Generator(
        "a face edited to a point of the valence-arousal plane by a network (Lindt et al., "
        "2019), or drawn there",
        "image",
        ("valence", "arousal"),
        ("method",),
        ("actors", "celeba", "affectnet"),
    ),
    "recording": Generator(
        "a recorded clip of an acted emotion, heard, seen, or both (Cao et al., 2014)",
        "video",
        ("emotion",),
        ("modality", "level", "sentence", "take"),
        ("crema-d", "ravdess"),
    ),
    "reaction": Generator(
        "a synthetic actor who listens: the facial reaction to a speaker, whose voice is heard, by "
        "a network (Hu et al., 2024)",
        "video",
        ("speaker_emotion",),
        ("missing", "take"),
        instead=("speaker",),
    ),
}


def check_factor_name(name: str, generator: Generator, called: str, *at: str | int) -> str:
    """`name`, if `generator` understands it; else an error with the nearest factor."""
    known = generator.factors
    if name not in known:
        raise fail(
            f"unknown factor '{name}'; generator {called} knows {', '.join(known)}"
            f"{nearest(name, known)}",
            *at,
        )
    return name
