"""The generator `actor` where a protocol asks for clips: the same actors, filmed.

A *film* is the pictures of a clip without sound. The three modalities of a talking clip share one
film and one sound: seen alone is the film itself, heard alone the sound, and both together the
film's own packets beside that sound. A face moves by chance in the same way in every cell of an
identity, sentence and take (actor_curves.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from protocols.filming import MODALITIES, DynamicClip, TalkingClip
from protocols.protocol import Protocol
from stimuli import actor_pictures, actor_voices
from stimuli.actor_curves import Curves, speaking, unfolding
from stimuli.actor_pictures import action_weights, moved
from stimuli.actors import facs
from stimuli.actors.clip import clip
from stimuli.actors.portrait import Studio, portrait
from stimuli.company import Company
from stimuli.contact_sheet import strip_places, wave_picture
from stimuli.corpora import identities_of
from stimuli.finished import Mouth
from stimuli.media import Filmed, Rendered
from stimuli.processes import free_threads
from stimuli.seeds import seed_of
from stimuli.stimulus import Stimulus, without_modality
from stimuli.video import LOSSLESS, RATE, pyav, without_loss, write_video
from stimuli.voices.speech import Speech
from stimuli.voices.talking import lip_gap, mouth_box

VERSION = "8"  # changes whenever a clip changes though pictures do not: voices, curves, coding
SEEN = ("video", "audioVideo")
HEARD = ("audio", "audioVideo")


class ActorClips:
    """Clips of the actors of a protocol."""

    def __init__(self, protocol: Protocol, cache: Path | None = None) -> None:
        """Clips as `protocol` asks for; prepared actors are kept in `cache` (None: the user's).

        Raises UserError when a package that films need is missing.
        """
        settings = protocol.stimuli.filmed
        assert isinstance(settings, DynamicClip | TalkingClip)
        self.settings, self.seed = settings, protocol.seed
        self.lossless = protocol.stimuli.lossless
        self.company = Company.of(protocol.stimuli)
        self.studio = Studio(size=protocol.stimuli.size, cache_dir=cache)
        version = f"{actor_pictures.VERSION}.{VERSION}"
        self.origin = replace(
            actor_pictures.ORIGIN,
            version=version,
            note="A synthetic actor, filmed by mien (actor). CC0-1.0. No person is shown.",
        )
        self.sentence_of: dict[str, str] = {}
        if isinstance(settings, TalkingClip):
            people = identities_of(protocol)
            self.sentence_of = actor_voices.deal_sentences(people, settings.sentences)
        modalities = protocol.stimuli.factors.get("modality", ("visual",))
        if set(modalities) != {"audio"}:
            pyav()  # better now than after an hour

    def recipe(self, stimulus: Stimulus) -> dict[str, Any]:
        """Identity, levels, sentence, settings, cast, wear and the seed of chance movements."""
        settings = self.settings.model_dump(mode="json", exclude={"sentences"})
        return {
            "generator": "actor",
            "generator_version": self.origin.version,
            "type": self._type(stimulus),
            "identity": stimulus.identity,
            "levels": dict(stimulus.levels),
            "size": self.studio.size,
            "clip": settings,
            "sentence": self._sentence(stimulus),
            "movement_seed": self._movement_seed(stimulus),
            **({"lossless": True} if self.lossless else {}),
            **self.company.recipe(stimulus.identity),
        }

    def render(self, stimuli: Sequence[Stimulus]) -> Iterator[Filmed]:
        """Clips, in order; stimuli that differ in modality alone share what is drawn and said.

        A clip's film is a file that is gone when the next clip is asked for, or with the iterator.
        """
        with TemporaryDirectory(prefix="mien-film-") as folder:
            films: dict[str, Path] = {}
            for stimulus in stimuli:
                key = str(without_modality(stimulus))
                if key not in films:
                    for old in films.values():
                        old.unlink(missing_ok=True)
                        old.with_suffix(LOSSLESS).unlink(missing_ok=True)
                    films = {key: Path(folder) / f"{stimulus.id}.mp4"}
                yield self._filmed(stimulus, films[key])

    def strips(self, stimuli: Sequence[Stimulus]) -> Iterator[Rendered]:
        """Three pictures of each clip side by side (size, 3 size, 3); sounds as their waves."""
        for stimulus in stimuli:
            speech = self._speech(stimulus)
            if self._type(stimulus) == "audio" and speech is not None:
                yield Rendered(wave_picture(speech.samples, self.studio.size))
                continue
            curves = self._curves(stimulus, speech)
            actor = self.company.actor(stimulus.identity)
            places = strip_places(len(curves.times))
            yield Rendered(
                np.concatenate(
                    [portrait(actor, curves.weights[t], self.studio) for t in places], axis=1
                )
            )

    def curves(self, stimulus: Stimulus) -> Curves:
        """What the actor of a clip does, frame by frame."""
        return self._curves(stimulus, self._speech(stimulus))

    def _filmed(self, stimulus: Stimulus, film: Path) -> Filmed:
        kind, speech = self._type(stimulus), self._speech(stimulus)
        actor = self.company.actor(stimulus.identity)
        facts: dict[str, Any] = {}
        curves = None
        if kind in SEEN:
            curves = self._curves(stimulus, speech)
            if not film.is_file():
                self._shoot(stimulus, curves, film)
            frames = len(curves.times)
            facts |= {
                "width": self.studio.size, "height": self.studio.size,
                "duration_s": frames / RATE, "frame_rate": RATE, "frames": frames,
                "apex": self._apex_facts(stimulus),
            }  # fmt: skip
        if kind in HEARD:
            assert speech is not None
            facts.setdefault("duration_s", round(speech.duration, 4))
            facts["audio_rate"] = speech.rate
        if speech is not None:
            emotion, m = _voice(stimulus)
            facts["speech"] = actor_voices.facts(actor, speech, emotion, m)
        sound = (speech.samples, speech.rate) if speech is not None and kind in HEARD else None
        mouth = None
        if curves is not None and sound is not None:
            mouth = Mouth(curves.weights @ lip_gap(actor), mouth_box(actor, self.studio.size))
        return Filmed(
            film if kind in SEEN else None,
            sound,
            facts,
            None if curves is None else curves.table(),
            mouth,
            film.with_suffix(LOSSLESS) if kind in SEEN and self.lossless else None,
        )

    def _shoot(self, stimulus: Stimulus, curves: Curves, film: Path) -> None:
        """Draw every frame; one after the other where other processes work beside this one."""
        head = curves.head if curves.head.any() else None
        actor = self.company.actor(stimulus.identity)
        frames = clip(actor, curves.weights, self.studio, head=head, workers=free_threads())
        if self.lossless:
            frames = without_loss(frames, film.with_suffix(LOSSLESS), note=self.origin.note)
        write_video(film, frames, note=self.origin.note)

    def _curves(self, stimulus: Stimulus, speech: Speech | None) -> Curves:
        seed, apex = self._movement_seed(stimulus), action_weights(_face(stimulus))
        if isinstance(self.settings, DynamicClip):
            curves = unfolding(self.settings, apex, seed)
        else:
            assert speech is not None
            actor, sentence = self.company.actor(stimulus.identity), self._sentence(stimulus)
            reading = actor_voices.reading(actor, str(sentence))
            lively = seed_of(seed, f"says {sentence}")
            curves = speaking(self.settings, actor, speech, reading, apex, lively)
        movement = stimulus.levels.get("movement", "natural")
        if movement == "still":
            return curves.still(apex)
        return curves.scrambled(seed) if movement == "scrambled" else curves

    def _speech(self, stimulus: Stimulus) -> Speech | None:
        if isinstance(self.settings, DynamicClip):
            return None
        actor, seed = self.company.actor(stimulus.identity), self._movement_seed(stimulus)
        emotion, m = _voice(stimulus)
        sentence = self._sentence(stimulus)
        return actor_voices.say(self.settings, actor, str(sentence), emotion, m, seed)

    def _sentence(self, stimulus: Stimulus) -> str | None:
        if isinstance(self.settings, DynamicClip):
            return None
        return str(stimulus.levels.get("sentence", self.sentence_of[stimulus.identity]))

    def _type(self, stimulus: Stimulus) -> str:
        usual = "visual" if isinstance(self.settings, DynamicClip) else "audio-visual"
        return MODALITIES[str(stimulus.levels.get("modality", usual))]

    def _movement_seed(self, stimulus: Stimulus) -> int:
        take = stimulus.levels.get("take", 1)
        return seed_of(self.seed, f"{stimulus.identity} take {take} moves")

    def _apex_facts(self, stimulus: Stimulus) -> dict[str, Any]:
        face = _face(stimulus)
        told: dict[str, Any] = {"facial_actions": moved(action_weights(face))}
        if "emotion" in face.levels:
            emotion = str(face.levels["emotion"])
            told |= {"emotion": emotion, "code": facs.PROTOTYPES[emotion]}
        return told


def _face(stimulus: Stimulus) -> Stimulus:
    """The stimulus whose picture is the clip's apex."""
    levels = dict(stimulus.levels)
    for own, name in (("face_emotion", "emotion"), ("face_m", "m")):
        if own in levels:
            levels[name] = levels[own]
    return replace(stimulus, levels=levels)


def _voice(stimulus: Stimulus) -> tuple[str, float]:
    """Emotion of the voice and its strength m."""
    levels = stimulus.levels
    emotion = levels.get("voice_emotion", levels.get("emotion"))
    return str(emotion), float(levels.get("voice_m", levels.get("m", 1.0)))
