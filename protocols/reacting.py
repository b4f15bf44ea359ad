"""What generator `reaction` makes its listeners from: speakers, how long they speak, a network.

Speakers are mien's own, who speak in the emotion that the factor `speaker_emotion` names, or clips
in a folder below the protocol's own, which the factor `speaker` names: NAME.wav (the voice) and
NAME.csv (the face: 25 attributes a frame, see stimuli/reactions/given.py), or one of them. A study
takes a copy of both with it.

The factor `missing` withholds the voice, the face or both from the network. What people hear is
the same at all of its levels, and so is all that happens by chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from protocols.below import read_below, still_to_copy
from protocols.context import SOUNDS, Below, ContextError, OwnPath, weights_file
from protocols.section import Section, fail, one_of

FAMILY = "reaction"  # the generator
ACTORS = "actors"  # speakers: mien's own
EMOTIONS = ("neutral", "happy", "sad", "surprised", "fearful", "disgusted", "angry")
BY_EMOTION, BY_NAME = "speaker_emotion", "speaker"  # factors that say who speaks
MISSING = "missing"
WITHHELD = {"none": (), "voice": ("voice",), "face": ("face",), "both": ("voice", "face")}
FACE = ".csv"  # ending of a face's attributes
SECONDS = (1, 60)
SENTENCE = 5.0  # s in which every one of mien's speakers has said a sentence


def _read_speakers(value: Any, info: ValidationInfo) -> Any:
    if value == ACTORS or isinstance(value, OwnPath):
        return value
    name, home = read_below(
        value, info, wanted="actors, or a folder below the protocol's own", what="folder",
        sought="", example="speakers", instead="choose another place",
    )  # fmt: skip
    return OwnPath(name, home)


def _named(speakers: OwnPath | str) -> str:
    return speakers if isinstance(speakers, str) else speakers.name


class Reacting(Section):
    """Whom listeners listen to, how they move, and which network lets them react.

    Attributes:
        speakers: actors: mien's own, dealt to the listeners; or a folder below the protocol's own
            with NAME.wav and NAME.csv, or one of them, for each level of the factor `speaker`.
        seconds: of the clip; of a speaker's clip that is longer, the first so many.
        gap: begin and end (s) of the stretch in which what the factor `missing` names is withheld;
            left out: the whole clip.
        gain: by how much action units are drawn stronger than the network says, up to their most;
            a network that learned from many listeners is weaker than each of them.
        nods: the listener nods where the speaker's phrases end. Nods come from the sound and not
            from the network: they are the same at all levels of `missing`.
        blinks: a minute, on average.
        head: how much the head moves otherwise: 0 not at all, 1 as of somebody who sits still.
        weights: of an own network (.safetensors), below the protocol's folder; left out: mien's.
    """

    PART: ClassVar[str] = "stimuli.reaction"

    speakers: Annotated[
        OwnPath | str,
        BeforeValidator(_read_speakers),
        PlainSerializer(_named, return_type=str),
        WithJsonSchema({"type": "string", "minLength": 1}),
    ] = ACTORS
    seconds: float = Field(default=12, ge=SECONDS[0], le=SECONDS[1])
    gap: tuple[float, float] | None = None
    gain: float = Field(default=1, ge=0.5, le=3)
    nods: bool = True
    blinks: float = Field(default=17, ge=0, le=60)
    head: float = Field(default=1, ge=0, le=3)
    weights: Below = None

    @field_validator("gap", mode="after")
    @classmethod
    def _a_stretch_of_the_clip(
        cls, gap: tuple[float, float] | None, info: ValidationInfo
    ) -> tuple[float, float] | None:
        seconds = info.data.get("seconds", SECONDS[1])
        if gap is not None and not 0 <= gap[0] < gap[1] <= seconds:
            raise fail(
                f"found {list(gap)}; accepted: begin and end within the {seconds:g} s of the clip, "
                "such as [4, 6]"
            )
        return gap

    def files_for(self, home: Path) -> dict[Path, Path]:
        """Copy below `home` -> file, of everything that a study takes along.

        Raises:
            ContextError: files are missing, or `home` holds others of the same name.
        """
        copies: dict[Path, Path] = {}
        if self.weights is not None and not self.weights.lies_in(home):
            copies[home / self.weights.name] = weights_file(self.weights, self.PART)
        if isinstance(self.speakers, OwnPath) and not self.speakers.lies_in(home):
            for clip in clips_in(self.speakers).values():
                copies |= {home / self.speakers.name / path.name: path for path in clip.files}
        return still_to_copy(copies, ContextError, "file")


@dataclass(frozen=True)
class SpeakerFiles:
    """A speaker of one's own: recording of the voice and table of the face, or one of them."""

    name: str
    voice: Path | None = None
    face: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Those that are there."""
        return tuple(path for path in (self.voice, self.face) if path is not None)


def clips_in(own: OwnPath) -> dict[str, SpeakerFiles]:
    """Name -> files of every speaker in the folder.

    Raises ContextError if there is no folder, no speaker, or two recordings of one name.
    """
    part = f"{Reacting.PART}.speakers"
    if not own.path.is_dir():
        raise ContextError(
            f"{part}: no folder {own.path}; put NAME.wav and NAME.csv of each speaker there, or "
            f"use {ACTORS}"
        )
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(own.path.iterdir()):
        ending = path.suffix.lower()
        kind = "voice" if ending in SOUNDS else "face" if ending == FACE else None
        if kind is None or not path.is_file() or path.name.startswith("."):
            continue
        before = found.setdefault(path.stem, {}).setdefault(kind, path)
        if before != path:
            raise ContextError(
                f"{part}: {before.name} and {path.name} are both the {kind} of {path.stem}; keep "
                f"one of them in {own.path}"
            )
    if not found:
        raise ContextError(
            f"{part}: no speaker in {own.path}; a speaker is NAME.csv (25 attributes a frame) and "
            f"NAME with {', '.join(SOUNDS)}, or one of them"
        )
    return {name: SpeakerFiles(name, **files) for name, files in found.items()}


def check_reacting(
    reaction: Reacting | None, generator: str, factors: Mapping[str, Iterable[Any]]
) -> None:
    """Refuse such settings of another generator, and factors that the speakers do not have."""
    if generator != FAMILY:
        if reaction is not None:
            raise fail(
                f"only generator {FAMILY} shows listeners, not {generator}; leave out reaction",
                "reaction",
            )
        return
    reaction = reaction or Reacting()
    if isinstance(reaction.speakers, str):
        if BY_NAME in factors:
            raise fail(
                f"names clips of your own; add reaction: {{speakers: FOLDER}}, or use {BY_EMOTION} "
                f"for mien's {ACTORS}",
                *("factors", BY_NAME),
            )
        for i, emotion in enumerate(factors.get(BY_EMOTION, ())):
            one_of(emotion, EMOTIONS, "emotion of speakers", "factors", BY_EMOTION, i)
        if reaction.seconds < SENTENCE:
            raise fail(
                f"found {reaction.seconds:g}; mien's speakers need {SENTENCE:g} s for a sentence",
                *("reaction", "seconds"),
            )
    elif BY_EMOTION in factors:
        raise fail(
            f"speakers of your own are as they were recorded; name them in the factor {BY_NAME} "
            f"in place of {BY_EMOTION}",
            *("factors", BY_EMOTION),
        )
    if reaction.gap is not None and not set(factors.get(MISSING, ())) - {"none"}:
        raise fail(
            f"nothing is withheld; add the factor {MISSING} with levels other than none, or leave "
            "out gap",
            *("reaction", "gap"),
        )
