"""The generator `context-face`: a neutral face as perceived in an emotional context, at level m.

Faces and voices are encoded once per process, the shift is computed once for each face and context
(Blume 2024, eq. 8-14, from mean latents), and its levels are decoded together. m = 0 is exactly
the reconstruction of the neutral face, whatever the emotion; without the factor m, m = 1. Weights
with a composer make each picture of the neutral one's own pixels, as far as they serve: then the
reconstruction at m = 0 is the neutral picture itself. How well the networks know a face is told by
what the decoder alone gives back; the sidecar says it.

The same bytes come whatever the batches and processes: everything is computed on one thread, is
encoded alone, and decoded and composed in batches of DECODED pictures, because convolutions round
differently in batches of another size. Another kind of processor may still round otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from models.context_face.mel import fit, mel_spectrogram
from models.context_face.network import ContextFace
from models.context_face.stored import SHIPPED_FILE, load_model
from models.context_face.vae import Latent
from protocols.context import Context
from protocols.protocol import Protocol
from stimuli.context_faces.checks import Seen, checked
from stimuli.context_faces.contexts import RecordedVoices, Sound, Voices
from stimuli.context_faces.pixels import pixels
from stimuli.context_faces.portraits import Portraits, resampled
from stimuli.context_faces.sources import find_portraits, find_voices
from stimuli.corpora import identities_of
from stimuli.corpora.arrays.settings import ArraySettings
from stimuli.generators import GeneratorError
from stimuli.likeness import difference
from stimuli.media import Rendered
from stimuli.stimulus import Cell, Stimulus
from stimuli.trained import check_emotions, load_trained, one_thread, origin_of

VERSION = "3"  # changes whenever a picture changes though weights, faces and voices do not
DECODED = 5  # pictures decoded together: as many as the paper has levels
WINDOW = 20  # stimuli looked at together
KEPT = 64  # people whose face is kept
Thing = TypeVar("Thing")
MADE = "A face as a neural network draws it in an emotional context"


@dataclass(frozen=True)
class Neutral:
    """A person's neutral face: as found, as decoded, and at m = 0."""

    original: np.ndarray  # (size, size, 3) uint8
    latent: Latent  # (1, d) each
    decoded: torch.Tensor  # (3, size, size) in [0, 1]
    unshifted: np.ndarray  # (size, size, 3) uint8, m = 0
    seen: Seen | None = None  # what the judge sees at m = 0, where there is a face


class ContextFacePictures:
    """Neutral faces of the people of a protocol, shifted by its contexts."""

    def __init__(self, protocol: Protocol, cache: Path | None = None) -> None:
        """Pictures of `protocol`; prepared actors are kept in `cache` (None: the user's).

        Raises:
            GeneratorError: the weights cannot be used, or do not know an emotion.
            UserError: faces or voices are missing.
        """
        stimuli = protocol.stimuli
        self.context, self.size = stimuli.context or Context(), stimuli.size
        self.network: ContextFace
        self.network, weights = load_trained(self.context, SHIPPED_FILE, load_model)
        self.native = self.network.settings.face.size
        self._sha256 = weights.facts["sha256"]
        emotions = stimuli.factors.get("emotion", ())
        check_emotions("emotion", emotions, self.network.settings.emotions)
        people = identities_of(protocol)
        self.portraits: Portraits = find_portraits(stimuli, self.context, self.native, cache)
        self.voices: Voices = find_voices(protocol, self.context, people)
        if isinstance(self.voices, RecordedVoices):  # better now than after an hour
            for path, sound in self.voices.sounds():
                self._wave(sound, str(path))
        self.origin = origin_of(protocol, self.context, weights, VERSION, MADE)
        self._faces: dict[str, dict[str, Any]] = {}
        self._heard: dict[tuple[object, ...], dict[str, Any]] = {}
        self._neutral: dict[str, Neutral] = {}
        self._contexts: dict[tuple[object, ...], Latent] = {}
        self._offsets: dict[tuple[object, ...], torch.Tensor] = {}

    def recipe(self, stimulus: Stimulus) -> dict[str, Any]:
        """Identity, levels, size, weights, and where face and voice come from."""
        return {
            "generator": "context-face",
            "generator_version": VERSION,
            "identity": stimulus.identity,
            "levels": dict(stimulus.levels),
            "size": self.size,
            "weights": self._sha256,
            "face": self._face(stimulus.identity),
            "voice": self._voice(stimulus),
        }

    def render(self, stimuli: Sequence[Stimulus]) -> Iterator[Rendered]:
        """Pictures (size, size, 3) uint8 sRGB, in order."""
        for start in range(0, len(stimuli), WINDOW):
            some = stimuli[start : start + WINDOW]
            with one_thread():
                pictures = self._pictures(some)
            for stimulus in some:
                native = pictures[_picture_key(stimulus)]
                with one_thread():
                    facts = self._facts(stimulus, native)
                yield Rendered(resampled(native, self.size), facts)

    def _face(self, identity: str) -> dict[str, Any]:
        """What a recipe says of a face; files are hashed once."""
        if identity not in self._faces:
            self._faces[identity] = self.portraits.recipe(identity)
        return self._faces[identity]

    def _voice(self, stimulus: Stimulus) -> dict[str, Any]:
        """What a recipe says of a voice, likewise."""
        key = _context_key(stimulus)
        if key not in self._heard:
            self._heard[key] = self.voices.recipe(stimulus.identity, stimulus.levels)
        return self._heard[key]

    def _pictures(self, stimuli: Sequence[Stimulus]) -> dict[tuple[object, ...], np.ndarray]:
        """Every different picture once, at the network's own size."""
        latents: dict[tuple[object, ...], torch.Tensor] = {}
        new: dict[str, tuple[np.ndarray, Latent]] = {}
        for stimulus in stimuli:
            who = stimulus.identity
            if who in self._neutral:
                self._neutral[who] = self._neutral.pop(who)  # the last to be forgotten
            elif who not in new:
                new[who] = self._encoded_face(who)
                latents[who,] = new[who][1].mu
            if m_of(stimulus.levels) != 0:
                face = new[who][1] if who in new else self._neutral[who].latent
                latents[_picture_key(stimulus)] = self._shifted(stimulus, face)
        decoded = dict(zip(latents, self._decoded(list(latents.values())), strict=True))
        for who, (original, latent) in new.items():
            _forget(self._neutral, KEPT)
            at_0 = pixels(decoded[who,]) if self.network.composer is None else original
            seen = Seen.of(at_0) if self.context.checks else None
            self._neutral[who] = Neutral(original, latent, decoded[who,], at_0, seen)
        shifted = [key for key in latents if len(key) > 1]
        frames = self._composed(shifted, latents, decoded)
        made: dict[tuple[object, ...], np.ndarray] = {
            (s.identity,): self._neutral[s.identity].unshifted for s in stimuli
        }
        return made | {key: pixels(of) for key, of in zip(shifted, frames, strict=True)}

    def _encoded_face(self, identity: str) -> tuple[np.ndarray, Latent]:
        original = self.portraits.face(identity)
        return original, self.network.encode_faces(as_tensor(original)[None], 1)

    @torch.inference_mode()
    def _shifted(self, stimulus: Stimulus, face: Latent) -> torch.Tensor:
        """mu_S = mu + m o (1, d): eq. 14."""
        return face.mu + m_of(stimulus.levels) * self._offset(stimulus, face)

    @torch.inference_mode()
    def _offset(self, stimulus: Stimulus, face: Latent) -> torch.Tensor:
        """Eq. 11 and 12, o (1, d) of a face and a context, kept for the other levels of m."""
        key = _context_key(stimulus)
        if key not in self._offsets:
            _forget(self._offsets, 16 * KEPT)
            self._offsets[key] = self.network.shift(face, self._encoded_context(stimulus)).mu
        return self._offsets[key]

    def _encoded_context(self, stimulus: Stimulus) -> Latent:
        said = self._voice(stimulus)
        key = tuple(said.items())
        if key not in self._contexts:
            sound = self.voices.sound(stimulus.identity, stimulus.levels)
            where = said.get("file") or said.get("clip") or said.get("speaker")
            wave = self._wave(sound, f"{said['corpus']}, {where}")
            spectrogram = mel_spectrogram(wave, self.network.settings.mel)
            _forget(self._contexts, 16 * KEPT)
            self._contexts[key] = self.network.encode_contexts(spectrogram, 1)
        return self._contexts[key]

    def _wave(self, sound: Sound, where: str) -> torch.Tensor:
        """Sound of the length of a spectrogram (1, samples); GeneratorError names `where`."""
        try:
            fitted = fit(sound.samples, sound.rate, self.network.settings.mel)
        except ValueError as error:
            raise GeneratorError(f"{where}: {error}") from None
        return torch.from_numpy(fitted)[None]

    def _decoded(self, latents: Sequence[torch.Tensor]) -> Iterator[torch.Tensor]:
        """Pictures (3, size, size) of latents (1, d), always DECODED at a time."""
        for some, count in _filled(latents):
            yield from self.network.decode(torch.cat(some), DECODED)[:count]

    def _composed(
        self,
        keys: Sequence[tuple[object, ...]],
        latents: Mapping[tuple[object, ...], torch.Tensor],
        decoded: Mapping[tuple[object, ...], torch.Tensor],
    ) -> Iterator[torch.Tensor]:
        """Frames (3, size, size) of what was decoded, likewise; they are it without a composer."""
        for some, count in _filled(keys):
            people = [self._neutral[str(key[0])] for key in some]
            given = torch.stack([as_tensor(person.original) for person in people])
            rest = torch.stack([person.decoded for person in people])
            drawn = torch.stack([decoded[key] for key in some])
            shift = torch.cat([latents[k] - p.latent.mu for k, p in zip(some, people, strict=True)])
            yield from self.network.compose(given, rest, drawn, shift, DECODED)[:count]

    @torch.inference_mode()
    def _facts(self, stimulus: Stimulus, native: np.ndarray) -> dict[str, Any]:
        """What the sidecar says beside the recipe."""
        neutral, m = self._neutral[stimulus.identity], m_of(stimulus.levels)
        perceived = self.network.head(self._shifted(stimulus, neutral.latent)).softmax(1)[0]
        right, left = ArraySettings(size=self.size).eyes.round(2).tolist()  # right: left of picture
        return {
            "eye_left": left,
            "eye_right": right,
            "native_size": self.native,
            "resampling": "none" if self.native == self.size else "lanczos",
            "m": m,
            "caricature": not 0 <= m <= 1,
            "perceived": {
                word: round(float(p), 4)
                for word, p in zip(self.network.settings.emotions, perceived, strict=True)
            },
            "reconstruction": difference(neutral.original, pixels(neutral.decoded)),
            "composed": self.network.composer is not None,
            **({"checks": checked(native, neutral.seen)} if self.context.checks else {}),
        }


def m_of(levels: Cell) -> float:
    """The context weight of a cell: 1 where it is no factor."""
    return float(levels.get("m", 1.0))


def as_tensor(pixels: np.ndarray) -> torch.Tensor:
    """(S, S, 3) uint8 to (3, S, S) in [0, 1]."""
    return torch.from_numpy(pixels.transpose(2, 0, 1) / np.float32(255))


def _filled(things: Sequence[Thing]) -> Iterator[tuple[list[Thing], int]]:
    """DECODED of them at a time, the last filled up with the last; and how many are wanted."""
    for start in range(0, len(things), DECODED):
        some = list(things[start : start + DECODED])
        yield some + [some[-1]] * (DECODED - len(some)), len(some)


def _context_key(stimulus: Stimulus) -> tuple[object, ...]:
    return stimulus.identity, *((k, v) for k, v in stimulus.levels.items() if k != "m")


def _picture_key(stimulus: Stimulus) -> tuple[object, ...]:
    """At m = 0 there is one picture of a person, whatever the context."""
    m = m_of(stimulus.levels)
    return (stimulus.identity,) if m == 0 else (*_context_key(stimulus), m)


def _forget(kept: dict[Any, Any], most: int) -> None:
    """Make room for one more: the oldest goes."""
    while len(kept) >= most:
        kept.pop(next(iter(kept)))
