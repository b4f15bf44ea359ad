"""The generator `talking-face`: a neutral face and a voice become a video, in any emotion.

The network (Eskimez et al. 2021) learned faces that are neutral in LEAD_IN seconds of silence and
then rise to their expression. A voice with a shorter pause is therefore given to it with more
silence, and the frames of that silence are left out. At strength m the network is told of a mixture
of the emotion and neutral. Frames go to the encoder as they are made, so that a long sound takes
the memory of a short one.

The same bytes come whatever the batches and processes: one thread, each video by itself, in pieces
of the same length; the noise is drawn from a seed of identity and take, so that no condition
differs from another by it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from models.talking_face.network import TalkingFace
from models.talking_face.stored import SHIPPED_FILE, load_model
from protocols.filming import MODALITIES, SpokenClip
from protocols.protocol import Protocol
from protocols.talking import SEEN as FACES
from protocols.talking import Talking
from stimuli.actor_clips import HEARD, SEEN
from stimuli.actor_voices import PLAYED_RATE
from stimuli.contact_sheet import strip_places, wave_picture
from stimuli.context_faces.portraits import CorpusPortraits, PortraitError, resampled
from stimuli.context_faces.sources import find_portraits
from stimuli.corpora import identities_of
from stimuli.corpora.arrays.settings import ArraySettings
from stimuli.corpora.synthetic.acting import LEAD_IN
from stimuli.finished import Mouth, cells_of
from stimuli.generators import GeneratorError
from stimuli.media import Filmed, Rendered
from stimuli.seeds import generator_of, seed_of
from stimuli.stimulus import Cell, Stimulus, without_modality
from stimuli.talking_faces.clips import RATE as HEARD_RATE
from stimuli.talking_faces.clips import for_networks
from stimuli.talking_faces.sources import find_speakers
from stimuli.talking_faces.speakers import Utterance
from stimuli.trained import check_emotions, load_trained, one_thread, origin_of
from stimuli.video import LOSSLESS, RATE, pyav, without_loss, write_video

VERSION = "1"  # changes whenever a clip changes though weights, faces and voices do not
MADE = "A face that a neural network lets talk"
MOUTH = (0.36, 0.58, 0.64, 0.84)  # left, top, right, bottom of a crop in which the mouth moves
MOST_TURNED = 0.35  # of CorpusPortraits.turned: about 20 degrees to a side


@dataclass(frozen=True)
class Shot:
    """A clip's pictures: its film, the same without loss if wanted, and how the mouth moves."""

    film: Path
    exact: Path | None
    mouth: Mouth
    frames: int

    def clear(self) -> None:
        """Delete its files."""
        for path in (self.film, self.exact):
            if path is not None:
                path.unlink(missing_ok=True)


class TalkingFaceClips:
    """Neutral faces of the people of a protocol, talking."""

    def __init__(self, protocol: Protocol, cache: Path | None = None) -> None:
        """Clips of `protocol`; prepared actors are kept in `cache` (None: the user's).

        Raises:
            GeneratorError: the weights cannot be used, or do not know an emotion.
            UserError: faces, voices or a package are missing.
        """
        stimuli = protocol.stimuli
        assert isinstance(stimuli.filmed, SpokenClip)
        self.clip, self.talking = stimuli.filmed, stimuli.talking or Talking()
        self.size, self.seed, self.lossless = stimuli.size, protocol.seed, stimuli.lossless
        if set(stimuli.factors.get("modality", ("audio-visual",))) != {"audio"}:
            pyav()  # better now than after an hour
        self.network: TalkingFace
        self.network, weights = load_trained(self.talking, SHIPPED_FILE, load_model)
        self.native = self.network.settings.size
        self._sha256 = weights.facts["sha256"]
        for factor in FACES:
            levels = stimuli.factors.get(factor, ())
            check_emotions(factor, levels, self.network.settings.emotions)
        if len(stimuli.factors.get("method", ())) > 1:
            raise GeneratorError(
                "stimuli.factors.method: the network makes every video of talking-face, so that "
                "its levels would look alike; this version pools no recordings or other models' "
                "videos with them: the protocol can be checked and planned, or leave out method"
            )
        people = identities_of(protocol)
        self.portraits = find_portraits(stimuli, self.talking, self.native, cache)
        self.speakers = find_speakers(protocol, self.talking, self.clip, people)
        self.cautions = self.speakers.cautions
        self.origin = origin_of(protocol, self.talking, weights, VERSION, MADE)
        self._faces: dict[str, dict[str, Any]] = {}
        self._picture: tuple[str, np.ndarray] | None = None
        self._said: tuple[tuple[object, ...], Utterance] | None = None

    def recipe(self, stimulus: Stimulus) -> dict[str, Any]:
        """Identity, levels, size, weights, seed of the noise, and where face and voice come from.

        Raises PortraitError if the face cannot be used.
        """
        return {
            "generator": "talking-face",
            "generator_version": VERSION,
            "type": _type(stimulus.levels),
            "identity": stimulus.identity,
            "levels": dict(stimulus.levels),
            "size": self.size,
            "clip": self.clip.model_dump(mode="json", exclude={"sentences"}),
            "noise_seed": self._noise_seed(stimulus),
            "weights": self._sha256,
            "face": self._face(stimulus.identity),
            "voice": self.speakers.recipe(stimulus.identity, stimulus.levels),
            **({"lossless": True} if self.lossless else {}),
        }

    def render(self, stimuli: Sequence[Stimulus]) -> Iterator[Filmed]:
        """Clips, in order; stimuli that differ in modality alone share what is drawn and said.

        A clip's film is a file that is gone when the next clip is asked for, or with the iterator.
        """
        with TemporaryDirectory(prefix="mien-film-") as folder:
            shots: dict[str, Shot] = {}
            for stimulus in stimuli:
                key = str(without_modality(stimulus))
                if key not in shots and _type(stimulus.levels) in SEEN:
                    for old in shots.values():
                        old.clear()
                    shots = {key: self._shoot(stimulus, Path(folder) / f"{stimulus.id}.mp4")}
                yield self._filmed(stimulus, shots.get(key))

    def strips(self, stimuli: Sequence[Stimulus]) -> Iterator[Rendered]:
        """Three pictures of each clip side by side (size, 3 size, 3); sounds as their waves."""
        for stimulus in stimuli:
            said = self._utterance(stimulus)
            if _type(stimulus.levels) == "audio":
                yield Rendered(wave_picture(said.samples, self.size))
                continue
            places = strip_places(round(said.seconds * RATE))
            with one_thread(), TemporaryDirectory(prefix="mien-film-") as folder:
                frames = list(islice(self._moved(stimulus, Path(folder)), max(places) + 1))
            yield Rendered(np.concatenate([resampled(frames[t], self.size) for t in places], 1))

    def _filmed(self, stimulus: Stimulus, shot: Shot | None) -> Filmed:
        kind, said = _type(stimulus.levels), self._utterance(stimulus)
        facts: dict[str, Any] = {"duration_s": round(said.seconds, 4)}
        if kind in HEARD:
            facts["audio_rate"] = PLAYED_RATE
        facts["speech"] = dict(said.facts)
        sound = (said.samples, PLAYED_RATE) if kind in HEARD else None
        if shot is None or kind not in SEEN:
            return Filmed(None, sound, facts)
        right, left = ArraySettings(size=self.size).eyes.round(2).tolist()  # right: left of picture
        facts |= {
            "width": self.size, "height": self.size, "frame_rate": RATE, "frames": shot.frames,
            "eye_left": left, "eye_right": right, "native_size": self.native,
            "resampling": "none" if self.native == self.size else "lanczos",
            "shown": dict(zip(self.network.settings.emotions, self._shown(stimulus.levels).tolist(),
                              strict=True)),
        }  # fmt: skip
        mouth = shot.mouth if sound is not None else None
        return Filmed(shot.film, sound, facts, None, mouth, shot.exact)

    def _shoot(self, stimulus: Stimulus, film: Path) -> Shot:
        """Every frame, from the network straight into the film."""
        box = (round(MOUTH[0] * self.size), round(MOUTH[1] * self.size),
               round(MOUTH[2] * self.size), round(MOUTH[3] * self.size))  # fmt: skip
        cells: list[np.ndarray] = []
        exact = film.with_suffix(LOSSLESS) if self.lossless else None

        def watched() -> Iterator[np.ndarray]:
            for frame in self._moved(stimulus, film.parent):
                shown = resampled(frame, self.size)
                cells.append(cells_of(shown, box))
                yield shown

        frames = watched()
        if exact is not None:
            frames = without_loss(frames, exact, note=self.origin.note)
        with one_thread():
            count = write_video(film, frames, note=self.origin.note)
        return Shot(film, exact, Mouth.drawn(np.array(cells), box), count)

    def _moved(self, stimulus: Stimulus, folder: Path) -> Iterator[np.ndarray]:
        """Frames as they are shown: as the network makes them, or as a control."""
        frames, movement = self._talking(stimulus), stimulus.levels.get("movement", "natural")
        if movement == "still":  # as the face is at the end, when all is said
            count = round(self._utterance(stimulus).seconds * RATE)
            last = deque(frames, maxlen=1).pop()
            return iter([last] * count)
        if movement == "scrambled":
            return _scrambled(frames, folder / "frames", self._noise_seed(stimulus))
        return frames

    def _talking(self, stimulus: Stimulus) -> Iterator[np.ndarray]:
        """Frames (native, native, 3) uint8 of the whole utterance."""
        left_out = max(0, math.ceil((LEAD_IN - self.clip.pause) * RATE - 1e-9))
        said = for_networks(self._utterance(stimulus).samples, PLAYED_RATE)
        silence = np.zeros(left_out * HEARD_RATE // RATE, np.float32)
        sound = torch.from_numpy(np.concatenate([silence, said]))
        emotion = torch.from_numpy(self._shown(stimulus.levels)[None])
        noise = torch.Generator().manual_seed(self._noise_seed(stimulus))
        pieces = self.network.speak(self._portrait(stimulus.identity), sound, emotion, noise)
        return islice((frame for piece in pieces for frame in _pixels(piece[0])), left_out, None)

    def _portrait(self, identity: str) -> torch.Tensor:
        """The neutral face (3, native, native) in [-1, 1]; the last one is kept."""
        if self._picture is None or self._picture[0] != identity:
            self._picture = identity, self.portraits.face(identity)
        pixels = self._picture[1].transpose(2, 0, 1)
        return torch.from_numpy(pixels / np.float32(127.5) - np.float32(1))

    def _utterance(self, stimulus: Stimulus) -> Utterance:
        """What is said; the last one is kept, for the other faces that say it."""
        heard = self.speakers.recipe(stimulus.identity, stimulus.levels)
        key = (stimulus.identity, self._noise_seed(stimulus), str(heard))
        if self._said is None or self._said[0] != key:
            seed = self._noise_seed(stimulus)
            self._said = key, self.speakers.say(stimulus.identity, stimulus.levels, seed)
        return self._said[1]

    def _shown(self, levels: Cell) -> np.ndarray:
        """What the network is told of the face (emotions,) float32: m of the emotion, else neutral.

        m may be above 1 (a caricature), which the network has never learned.
        """
        known, (emotion, m) = self.network.settings.emotions, _face_of(levels)
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

    def _noise_seed(self, stimulus: Stimulus) -> int:
        take = stimulus.levels.get("take", 1)
        return seed_of(self.seed, f"{stimulus.identity} take {take} moves")


def _type(levels: Cell) -> str:
    return MODALITIES[str(levels.get("modality", "audio-visual"))]


def _face_of(levels: Cell) -> tuple[str, float]:
    """Emotion of the face and its strength m."""
    emotion = levels.get("face_emotion", levels.get("emotion"))
    return str(emotion), float(levels.get("face_m", levels.get("m", 1.0)))


def _pixels(frames: torch.Tensor) -> np.ndarray:
    """(n, S, S, 3) uint8 of frames (n, 3, S, S) in [-1, 1]."""
    levels = ((frames + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous().numpy()


def _scrambled(frames: Iterator[np.ndarray], kept: Path, seed: int) -> Iterator[np.ndarray]:
    """The same frames in an order drawn from `seed`; they wait in the file `kept`."""
    count, shape = 0, ()
    with kept.open("wb") as file:
        for frame in frames:
            file.write(frame.tobytes())
            count, shape = count + 1, frame.shape
    waiting = np.memmap(kept, np.uint8, "r", shape=(count, *shape))
    for t in generator_of(seed, "scrambled").permutation(count):
        yield np.array(waiting[t])
    del waiting
    kept.unlink()
