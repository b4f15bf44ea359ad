"""Talking faces that a network moves, from a neutral face and a voice (Eskimez et al. 2021).

The network learned faces that are neutral in LEAD_IN seconds of silence and then rise to their
expression. A voice with a shorter pause is therefore given to it with more silence, and the frames
of that silence are left out. At strength m the network is told of a mixture of the emotion and
neutral.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.talking_face.network import TalkingFace
from models.talking_face.stored import SHIPPED_FILE, load_model
from protocols.protocol import Protocol
from protocols.talking import SEEN, Talking
from stimuli.actor_voices import PLAYED_RATE
from stimuli.context_faces.portraits import CorpusPortraits, PortraitError
from stimuli.context_faces.sources import find_portraits
from stimuli.corpora.synthetic.acting import LEAD_IN
from stimuli.seeds import seed_of
from stimuli.stimulus import Cell, Stimulus
from stimuli.talking_faces.clips import RATE as HEARD_RATE
from stimuli.talking_faces.clips import for_networks
from stimuli.talking_faces.speakers import Utterance
from stimuli.trained import check_emotions, load_trained, one_thread, origin_of
from stimuli.video import RATE

VERSION = "2"  # changes whenever a clip changes though weights, faces and voices do not
MADE = "A face that a neural network lets talk"
MOST_TURNED = 0.35  # of CorpusPortraits.turned: about 20 degrees to a side


class MovedFaces:
    """Neutral faces of the people of a protocol, moved by one network."""

    def __init__(
        self, protocol: Protocol, talking: Talking, told: str | None, cache: Path | None
    ) -> None:
        """told: the emotion that the network hears of in every cell; None: the cell's.

        Raises:
            GeneratorError: the weights cannot be used, or do not know an emotion.
            UserError: faces are missing.
        """
        stimuli = protocol.stimuli
        self.seed, self.pause, self.told = protocol.seed, stimuli.filmed.pause, told  # type: ignore[union-attr]
        self.network: TalkingFace
        self.network, weights = load_trained(talking, SHIPPED_FILE, load_model)
        self.native = self.network.settings.size
        self._sha256 = weights.facts["sha256"]
        known = self.network.settings.emotions
        for factor in SEEN:
            check_emotions(factor, stimuli.factors.get(factor, ()) if told is None else (), known)
        if told is not None:
            check_emotions("method", [told], known)
        self.portraits = find_portraits(stimuli, talking, self.native, cache)
        self.origin = origin_of(protocol, talking, weights, VERSION, MADE)
        self._faces: dict[str, dict[str, Any]] = {}
        self._picture: tuple[str, np.ndarray] | None = None

    def recipe(self, stimulus: Stimulus) -> dict[str, Any]:
        """Weights, what they are told in place of the cell's emotion, and the face.

        Raises PortraitError if the face cannot be used.
        """
        told = {} if self.told is None else {"told": self.told}
        return {"weights": self._sha256, "face": self._face(stimulus.identity), **told}

    def facts(self, stimulus: Stimulus) -> dict[str, Any]:
        """What the network is told of each emotion."""
        shown = self._shown(stimulus.levels).tolist()
        return {"shown": dict(zip(self.network.settings.emotions, shown, strict=True))}

    def frames(self, stimulus: Stimulus, said: Utterance) -> Iterator[np.ndarray]:
        """Frames (native, native, 3) uint8 of the whole utterance, as they are made."""
        left_out = max(0, math.ceil((LEAD_IN - self.pause) * RATE - 1e-9))
        silence = np.zeros(left_out * HEARD_RATE // RATE, np.float32)
        sound = np.concatenate([silence, for_networks(said.samples, PLAYED_RATE)])
        emotion = torch.from_numpy(self._shown(stimulus.levels)[None])
        noise = torch.Generator().manual_seed(moves_seed(self.seed, stimulus))
        pieces = self.network.speak(
            self._portrait(stimulus.identity), torch.from_numpy(sound), emotion, noise
        )
        frames = (frame for piece in _on_one_thread(pieces) for frame in _pixels(piece[0]))
        return islice(frames, left_out, None)

    def _portrait(self, identity: str) -> torch.Tensor:
        """The neutral face (3, native, native) in [-1, 1]; the last one is kept."""
        if self._picture is None or self._picture[0] != identity:
            self._picture = identity, self.portraits.face(identity)
        pixels = self._picture[1].transpose(2, 0, 1)
        return torch.from_numpy(pixels / np.float32(127.5) - np.float32(1))

    def _shown(self, levels: Cell) -> np.ndarray:
        """What the network is told of the face (emotions,) float32: m of the emotion, else neutral.

        m may be above 1 (a caricature), which the network has never learned.
        """
        known, (emotion, m) = self.network.settings.emotions, face_of(levels)
        if self.told is not None:
            emotion, m = self.told, 1.0
        shown = np.zeros(len(known), np.float32)
        shown[known.index(emotion)] += m
        if m != 1:
            shown[known.index("neutral")] += 1 - m
        return shown

    def _face(self, identity: str) -> dict[str, Any]:
        """What a recipe says of a face; files are hashed once."""
        if identity not in self._faces:
            self._faces[identity] = self.portraits.recipe(identity)
            if isinstance(self.portraits, CorpusPortraits):
                turned = self.portraits.turned(identity)
                if turned is not None and turned > MOST_TURNED:
                    raise PortraitError(
                        f"stimuli.identities: the neutral face of '{identity}' looks to the side; "
                        "give a picture from in front, or leave that person out"
                    )
        return self._faces[identity]


def face_of(levels: Cell) -> tuple[str, float]:
    """Emotion of the face and its strength m."""
    emotion = levels.get("face_emotion", levels.get("emotion"))
    return str(emotion), float(levels.get("face_m", levels.get("m", 1.0)))


def moves_seed(seed: int, stimulus: Stimulus) -> int:
    """Seed of all that happens by chance: the same in every cell of an identity and take."""
    take = stimulus.levels.get("take", 1)
    return seed_of(seed, f"{stimulus.identity} take {take} moves")


def _on_one_thread(pieces: Iterator[torch.Tensor]) -> Iterator[torch.Tensor]:
    """The same pieces, each computed on one thread."""
    while True:
        with one_thread():
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece


def _pixels(frames: torch.Tensor) -> np.ndarray:
    """(n, S, S, 3) uint8 of frames (n, 3, S, S) in [-1, 1]."""
    levels = ((frames + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous().numpy()
