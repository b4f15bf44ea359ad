"""The generator `talking-face`: a face and a voice become a video, in any emotion.

As a rule a network moves a neutral face (stimuli.talking_faces.moved). Where a study pools videos
of several methods, some may be the clips of the corpus itself, drawn or recorded, and some may show
a narrower part of the picture (stimuli.talking_faces.makers); everything else is the same for all.
Frames go to the encoder as they are made, so that a long sound takes the memory of a short one.

The same bytes come whatever the batches and processes: one thread, each video by itself, in pieces
of the same length; the noise is drawn from a seed of identity and take, so that no condition
differs from another by it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from protocols.filming import MODALITIES, SpokenClip
from protocols.protocol import Protocol
from protocols.talking import Talking
from stimuli.actor_clips import HEARD, SEEN
from stimuli.actor_voices import PLAYED_RATE
from stimuli.contact_sheet import strip_places, wave_picture
from stimuli.context_faces.portraits import resampled
from stimuli.corpora import identities_of
from stimuli.corpora.arrays.settings import ArraySettings
from stimuli.finished import Mouth, cells_of
from stimuli.generators import Origin
from stimuli.media import Filmed, Rendered
from stimuli.seeds import generator_of
from stimuli.stimulus import Cell, Stimulus, without_modality
from stimuli.talking_faces.makers import Maker, deal_widths, find_makers, method_of
from stimuli.talking_faces.moved import VERSION, moves_seed
from stimuli.talking_faces.sources import find_speakers
from stimuli.talking_faces.speakers import Utterance
from stimuli.video import LOSSLESS, RATE, pyav, without_loss, write_video

MOUTH = (0.36, 0.58, 0.64, 0.84)  # left, top, right, bottom of a crop in which the mouth moves


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
    """Faces of the people of a protocol, talking."""

    def __init__(self, protocol: Protocol, cache: Path | None = None) -> None:
        """Clips of `protocol`; prepared actors are kept in `cache` (None: the user's).

        Raises:
            GeneratorError: the weights cannot be used, or do not know an emotion.
            UserError: faces, voices or a package are missing.
        """
        stimuli = protocol.stimuli
        assert isinstance(stimuli.filmed, SpokenClip)
        self.clip, talking = stimuli.filmed, stimuli.talking or Talking()
        self.size, self.seed, self.lossless = stimuli.size, protocol.seed, stimuli.lossless
        if set(stimuli.factors.get("modality", ("audio-visual",))) != {"audio"}:
            pyav()  # better now than after an hour
        people = identities_of(protocol)
        self.speakers = find_speakers(protocol, talking, self.clip, people)
        self.cautions = self.speakers.cautions
        self.makers = find_makers(protocol, talking, self.speakers, cache)
        self.width_of = deal_widths(protocol, talking, people)
        self.origin = next(iter(self.makers.values())).origin
        self._said: tuple[tuple[object, ...], Utterance] | None = None

    def origin_of(self, stimulus: Stimulus) -> Origin:
        """What the manifest says of one video, by its method."""
        return self._maker(stimulus).origin

    def recipe(self, stimulus: Stimulus) -> dict[str, Any]:
        """Identity, levels, size, seed of chance, and where pictures and voice come from.

        Raises PortraitError if the face cannot be used.
        """
        width = self._width(stimulus)
        return {
            "generator": "talking-face",
            "generator_version": VERSION,
            "type": _type(stimulus.levels),
            "identity": stimulus.identity,
            "levels": dict(stimulus.levels),
            "size": self.size,
            "clip": self.clip.model_dump(mode="json", exclude={"sentences"}),
            "noise_seed": moves_seed(self.seed, stimulus),
            **self._maker(stimulus).recipe(stimulus),
            "voice": self.speakers.recipe(stimulus.identity, stimulus.levels),
            **({} if width == self.size else {"width": width}),
            **({"lossless": True} if self.lossless else {}),
        }

    def render(self, stimuli: Sequence[Stimulus]) -> Iterator[Filmed]:
        """Clips, in order; stimuli that differ in modality alone share what is drawn and said.

        A clip's film is a file that is gone when the next clip is asked for, or with the iterator.
        """
        with TemporaryDirectory(prefix="mien-film-") as folder:
            shots: dict[str, Shot] = {}
            try:
                for stimulus in stimuli:
                    key = str(without_modality(stimulus))
                    if key not in shots and _type(stimulus.levels) in SEEN:
                        for old in shots.values():
                            old.clear()
                        shots = {key: self._shoot(stimulus, Path(folder) / f"{stimulus.id}.mp4")}
                    yield self._filmed(stimulus, shots.get(key))
            finally:
                self._said = None  # long sounds are not kept for nobody

    def strips(self, stimuli: Sequence[Stimulus]) -> Iterator[Rendered]:
        """Three pictures of each clip side by side (size, 3 width, 3); sounds as their waves."""
        for stimulus in stimuli:
            said = self._utterance(stimulus)
            if _type(stimulus.levels) == "audio":
                yield Rendered(wave_picture(said.samples, self.size))
                continue
            places = strip_places(round(said.seconds * RATE))
            with TemporaryDirectory(prefix="mien-film-") as folder:
                moved = self._moved(stimulus, Path(folder))
                frames = [self._shown(frame, stimulus) for frame in islice(moved, max(places) + 1)]
            yield Rendered(np.concatenate([frames[t] for t in places], 1))

    def _filmed(self, stimulus: Stimulus, shot: Shot | None) -> Filmed:
        kind, said = _type(stimulus.levels), self._utterance(stimulus)
        facts: dict[str, Any] = {"duration_s": round(said.seconds, 4)}
        if kind in HEARD:
            facts["audio_rate"] = PLAYED_RATE
        facts["speech"] = dict(said.facts)
        sound = (said.samples, PLAYED_RATE) if kind in HEARD else None
        if shot is None or kind not in SEEN:
            return Filmed(None, sound, facts)
        maker, width = self._maker(stimulus), self._width(stimulus)
        eyes = ArraySettings(size=self.size).eyes - [self._cut_off(stimulus), 0]
        right, left = eyes.round(2).tolist()  # right: left of picture
        facts |= {
            "width": width, "height": self.size, "frame_rate": RATE, "frames": shot.frames,
            "eye_left": left, "eye_right": right, "native_size": maker.native,
            "resampling": "none" if maker.native == self.size else "lanczos",
            **maker.facts(stimulus),
        }  # fmt: skip
        mouth = shot.mouth if sound is not None else None
        return Filmed(shot.film, sound, facts, None, mouth, shot.exact)

    def _shoot(self, stimulus: Stimulus, film: Path) -> Shot:
        """Every frame, from its maker straight into the film."""
        off = self._cut_off(stimulus)
        box = (round(MOUTH[0] * self.size) - off, round(MOUTH[1] * self.size),
               round(MOUTH[2] * self.size) - off, round(MOUTH[3] * self.size))  # fmt: skip
        cells: list[np.ndarray] = []
        exact = film.with_suffix(LOSSLESS) if self.lossless else None
        note = self.origin_of(stimulus).note

        def watched() -> Iterator[np.ndarray]:
            for frame in self._moved(stimulus, film.parent):
                shown = self._shown(frame, stimulus)
                cells.append(cells_of(shown, box))
                yield shown

        frames = watched()
        if exact is not None:
            frames = without_loss(frames, exact, note=note)
        count = write_video(film, frames, note=note)
        return Shot(film, exact, Mouth.drawn(np.array(cells), box), count)

    def _moved(self, stimulus: Stimulus, folder: Path) -> Iterator[np.ndarray]:
        """Frames as they are shown: as they are made, or as a control."""
        frames, movement = self._talking(stimulus), stimulus.levels.get("movement", "natural")
        if movement == "still":  # as the face is at the end, when all is said
            count = round(self._utterance(stimulus).seconds * RATE)
            last = deque(frames, maxlen=1).pop()
            return iter([last] * count)
        if movement == "scrambled":
            return _scrambled(frames, folder / "frames", moves_seed(self.seed, stimulus))
        return frames

    def _talking(self, stimulus: Stimulus) -> Iterator[np.ndarray]:
        """Frames (native, native, 3) uint8 of the whole utterance."""
        return self._maker(stimulus).frames(stimulus, self._utterance(stimulus))

    def _shown(self, frame: np.ndarray, stimulus: Stimulus) -> np.ndarray:
        """A frame (size, width, 3) of the study, of a maker's (native, native, 3)."""
        off = self._cut_off(stimulus)
        shown = resampled(frame, self.size)
        return shown[:, off : self.size - off] if off else shown

    def _utterance(self, stimulus: Stimulus) -> Utterance:
        """What is said; the last one is kept, for the other faces that say it."""
        heard = self.speakers.recipe(stimulus.identity, stimulus.levels)
        seed = moves_seed(self.seed, stimulus)
        key = (stimulus.identity, seed, str(heard))
        if self._said is None or self._said[0] != key:
            self._said = key, self.speakers.say(stimulus.identity, stimulus.levels, seed)
        return self._said[1]

    def _maker(self, stimulus: Stimulus) -> Maker:
        return self.makers[method_of(stimulus.levels, self.makers)]

    def _width(self, stimulus: Stimulus) -> int:
        return self.width_of.get(stimulus.id, self.size)

    def _cut_off(self, stimulus: Stimulus) -> int:
        """Pixels that are cut off at either side."""
        return (self.size - self._width(stimulus)) // 2


def _type(levels: Cell) -> str:
    return MODALITIES[str(levels.get("modality", "audio-visual"))]


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
