"""The emotional context in which generator `context-face` shows a neutral face.

A context is a voice: the shown person's own, somebody else's of the same gender, or recordings in a
folder at or below the protocol's own. A study takes a copy of recordings and weights of its own
with it, at the same place below its folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, ValidationInfo, WithJsonSchema

from protocols.added import STUDY, Beside
from protocols.below import read_below, still_to_copy
from protocols.errors import UserError
from protocols.generators import CONTEXTS, CORPORA
from protocols.section import Section, accepted, fail, nearest, one_of
from protocols.sentences import SENTENCES

OWN = "own"  # voices: of the very person who is shown
SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".m4a")  # endings of recordings
WEIGHTS = ".safetensors"


class ContextError(UserError):
    """Recordings or weights that are missing or cannot be used; the message says what to do."""


@dataclass(frozen=True)
class OwnPath:
    """A file or folder as a protocol names it; the same name is the same setting."""

    name: str  # path below the protocol's folder, with /
    home: Path = field(compare=False)  # folder of the protocol

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.home / self.name

    def lies_in(self, home: Path) -> bool:
        """Whether the folder of the protocol is `home`."""
        return self.home.resolve() == home.resolve()


def _read(value: Any, info: ValidationInfo) -> Any:
    if value is None or isinstance(value, OwnPath):
        return value
    name, home = read_below(
        value, info, wanted="a path below the protocol's folder", what="path", sought="",
        example="voices/anna", instead="choose another place",
    )  # fmt: skip
    return OwnPath(name, home)


Below = Annotated[
    OwnPath | None,
    BeforeValidator(_read),
    PlainSerializer(lambda own: None if own is None else own.name, return_type=str | None),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}]}),
]


class Faces(Section):
    """Which faces a network starts from, and its weights.

    Attributes:
        neutral: which frame of a person's neutral clip is the face, in a film: the one whose mouth
            is closed most (the middle, where landmarks are not known), the middle, or the first.
        weights: of own networks (.safetensors), below the protocol's folder; left out: mien's.
    """

    PART: ClassVar[str]  # where a protocol has these settings

    neutral: Literal["closed-mouth", "middle", "first"] = "closed-mouth"
    weights: Below = None

    def files_for(self, home: Path) -> dict[Path, Path]:
        """Copy below `home` -> file, of everything that a study takes along.

        Raises:
            ContextError: files are missing, or `home` holds others of the same name.
        """
        return still_to_copy(self._copies(home), ContextError, "file")

    def _copies(self, home: Path) -> dict[Path, Path]:
        if self.weights is None or self.weights.lies_in(home):
            return {}
        return {home / self.weights.name: weights_file(self.weights, self.PART)}


class Sources(Faces):
    """Where the voices of a network's stimuli come from, beside its faces and weights.

    Attributes:
        voices: own: of the shown person; or the name of a corpus (actors, one that was added):
            somebody of the same gender, dealt by the seed, the same one in every emotion.
        recordings: folder below the protocol's own with sounds named by emotion, such as
            happy.wav or angry_02.flac, in place of voices. What stands behind the emotion (_02)
            names a set; sets that have every emotion are dealt to the people by the seed.
    """

    voices: str = Field(
        default=OWN,
        json_schema_extra={"anyOf": [{"enum": [OWN, *CORPORA]}, {"type": "string"}]},
    )
    recordings: Below = None

    def _copies(self, home: Path) -> dict[Path, Path]:
        copies, own = super()._copies(home), self.recordings
        if own is None or own.lies_in(home):
            return copies
        for sounds in recordings_in(own, self.PART).values():
            copies |= {home / own.name / path.name: path for path in sounds.values()}
        return copies


class Context(Sources):
    """Where the contexts of `context-face` come from, and what makes faces of them.

    Attributes:
        sentence: code of what is said; left out: kids for actors, any that a corpus has, the same
            in every emotion where it can be.
        checks: an independent judge looks at every picture (emotion, valence, facial actions,
            identity); false: it does not, which is faster and needs no networks from npm.
    """

    PART = "stimuli.context"

    sentence: str | None = Field(default=None, min_length=1)
    checks: bool = True


def weights_file(own: OwnPath, part: str = Context.PART) -> Path:
    """The file of weights; raises ContextError if there is none."""
    if own.path.suffix != WEIGHTS:
        raise ContextError(
            f"{part}.weights: found {own.name}; accepted: a file that ends in {WEIGHTS}"
        )
    if not own.path.is_file():
        raise ContextError(
            f"{part}.weights: no file {own.path}; restore it, or leave out weights for mien's own"
        )
    return own.path


def recordings_in(own: OwnPath, part: str = Context.PART) -> dict[str, dict[str, Path]]:
    """Emotion -> set (what stands behind the emotion in the file's name) -> file.

    Raises ContextError if there is no folder, no recording, or two for one emotion and set.
    """
    if not own.path.is_dir():
        raise ContextError(
            f"{part}.recordings: no folder {own.path}; put recordings such as happy.wav "
            "there, or leave out recordings"
        )
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(own.path.iterdir()):
        emotion = next((word for word in CONTEXTS if _begins(path.stem, word)), None)
        if path.suffix.lower() not in SOUNDS or emotion is None or not path.is_file():
            continue
        rest = path.stem[len(emotion) :].lower()
        before = found.setdefault(emotion, {}).setdefault(rest, path)
        if before != path:
            raise ContextError(
                f"{part}.recordings: {before.name} and {path.name} are both "
                f"{emotion}{rest}; keep one of them in {own.path}"
            )
    if not found:
        raise ContextError(
            f"{part}.recordings: no recording in {own.path}; names begin with an emotion "
            f"({', '.join(CONTEXTS)}) and end in {', '.join(SOUNDS)}"
        )
    return found


def check_context(
    context: Context | None, generator: str, factors: Mapping[str, Iterable[Any]], corpus: str,
    beside: Beside,
) -> None:  # fmt: skip
    """Refuse a context of another generator, settings that contradict, emotions nobody knows."""
    if generator != "context-face":
        if context is not None:
            raise fail(
                f"only generator context-face shows faces in a context, not {generator}; leave out "
                "context",
                "context",
            )
        return
    context = context or Context()
    if context.weights is None:
        for i, emotion in enumerate(factors.get("emotion", ())):
            one_of(emotion, CONTEXTS, "context", "factors", "emotion", i)
    check_voices(context, "context", factors, beside)
    if context.recordings is not None and context.sentence is not None:
        raise fail("recordings say their own sentences; leave out sentence", "context", "sentence")
    if context.sentence is not None and "sentence" in factors:
        raise fail(
            "the factor sentence says what is said; leave out context.sentence",
            *("context", "sentence"),
        )
    if (corpus if context.voices == OWN else context.voices) == "actors":
        if context.sentence is not None:
            one_of(context.sentence, SENTENCES, "sentence", "context", "sentence")
        for i, code in enumerate(factors.get("sentence", ())):
            one_of(code, SENTENCES, "sentence", "factors", "sentence", i)


def check_voices(
    sources: Sources, part: str, factors: Mapping[str, Any], beside: Beside
) -> None:  # fmt: skip
    """Refuse voices that nobody has, and what recordings of one's own do not say.

    part: key of the settings `sources` below stimuli.
    """
    if sources.recordings is None:
        known = (OWN, *CORPORA, *(folder.name for folder in beside.corpora()))
        frozen = beside.folder is not None and (beside.folder / STUDY).is_file()
        if sources.voices not in known and not frozen:  # a study was checked when it was made
            raise fail(
                f"found {sources.voices!r}; not a known corpus; {accepted(dict.fromkeys(known))}"
                f"{nearest(sources.voices, known)}",
                *(part, "voices"),
            )
        return
    if sources.voices != OWN:
        raise fail("recordings stand in place of voices; leave out one of them", part, "voices")
    for name in ("sentence", "intensity"):
        if name in factors:
            raise fail(
                f"recordings are named by emotion alone; leave out the factor '{name}', or add "
                f"them as a corpus (mien corpus add folder) and name it in {part}.voices",
                *("factors", name),
            )


def _begins(stem: str, emotion: str) -> bool:
    """Whether a name begins with the emotion as a word of its own: angry_02, not angrily."""
    rest = stem[len(emotion) : len(emotion) + 1]
    return stem.lower().startswith(emotion) and not rest.isalpha()
