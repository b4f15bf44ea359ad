"""What generator `talking-face` makes its videos from: faces, voices, and a network's weights.

Voices are the shown person's own, somebody else's of the same gender, or recordings in a folder at
or below the protocol's own. What is said, and the pauses around it, stand in `stimuli.clip`. Where
a study pools videos from several sources, the factor `method` names them, and `methods` says of
each of its levels how it is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema, field_validator

from protocols.added import Beside
from protocols.context import OWN, Below, Sources, check_voices
from protocols.generators import TALKED
from protocols.section import Section, accepted, fail, nearest, one_of
from protocols.sentences import SENTENCES

SEEN = ("face_emotion", "emotion")  # factors that a network shows
STRENGTHS = ("m", "voice_m")  # factors that only mien's own voices have
METHOD = "method"  # the factor whose levels are sources
TRAINED, CORPUS = ROUTES = ("trained", "corpus")
NARROWEST = 32  # pixels
_PIXELS = {"type": "integer", "minimum": NARROWEST, "multipleOf": 2}
Widths = Annotated[
    tuple[int, ...], WithJsonSchema({"anyOf": [_PIXELS, {"type": "array", "items": _PIXELS}]})
]


class Method(Section):
    """How the videos of one level of the factor `method` are made.

    Attributes:
        route: trained: a network lets a neutral face talk; corpus: the clips of the corpus itself,
            people as they were filmed, actors as they are drawn.
        told: the emotion that the network is told of, whatever the cell says: neutral makes videos
            without an emotion condition. Left out: the cell's.
        weights: of this method's own network; left out: those of `talking`.
        width: of the middle of the picture that is shown, pixels; several are dealt evenly over
            the videos. Left out: all of it.
    """

    route: Literal["trained", "corpus"] = TRAINED
    told: str | None = None
    weights: Below = None
    width: Widths = ()

    @field_validator("width", mode="before")
    @classmethod
    def _one_or_several(cls, width: Any) -> Any:
        return (width,) if isinstance(width, int) else width

    @field_validator("width", mode="after")
    @classmethod
    def _that_videos_have(cls, width: tuple[int, ...]) -> tuple[int, ...]:
        for one in width:
            if one < NARROWEST or one % 2:
                raise fail(f"found {one}; accepted: even numbers of pixels from {NARROWEST}")
        if len(set(width)) < len(width):
            raise fail(f"found {list(width)}; accepted: different widths")
        return width

    @property
    def words(self) -> str:
        """How it is made, for a method section."""
        if self.route == CORPUS:
            text = "clips of the corpus itself"
        else:
            own = " of its own" if self.weights is not None else ""
            told = "" if self.told is None else f", told {self.told} in every cell"
            text = f"made by a network{own}{told}"
        if self.width:
            shown = " or ".join(str(one) for one in self.width)
            dealt = ", dealt evenly" if len(self.width) > 1 else ""
            text += f"; of the width the middle {shown} pixels{dealt}"
        return text


class Talking(Sources):
    """Whose faces talk, in whose voices, and which network moves them.

    Attributes:
        methods: level of the factor `method` -> how it is made.
    """

    PART = "stimuli.talking"

    methods: dict[str, Method] = Field(default_factory=dict)

    @property
    def routes(self) -> tuple[str, ...]:
        """Every route that is taken."""
        taken = {method.route for method in self.methods.values()} or {TRAINED}
        return tuple(route for route in ROUTES if route in taken)

    def of(self, method: Method) -> Talking:
        """The same sources with the weights of one method."""
        own = {} if method.weights is None else {"weights": method.weights}
        return self.model_copy(update=own)

    def made(self, usual: str) -> str:
        """What the stimuli are, in words; `usual`: where a network makes all of them."""
        if CORPUS not in self.routes:
            return usual
        if TRAINED not in self.routes:
            return "a talking clip of the corpus itself"
        return f"{usual}, or a talking clip of the corpus itself, by method"

    def _copies(self, home: Path) -> dict[Path, Path]:
        copies = super()._copies(home)
        for method in self.methods.values():
            if method.weights is not None:
                copies |= super(Talking, self.of(method))._copies(home)
        return copies


def check_talking(
    talking: Talking | None, generator: str, factors: Mapping[str, Iterable[Any]], corpus: str,
    beside: Beside, size: int,
) -> None:  # fmt: skip
    """Refuse such settings of another generator, and factors that faces or voices do not have."""
    if generator != "talking-face":
        if talking is not None:
            raise fail(
                f"only generator talking-face lets a network talk, not {generator}; leave out "
                "talking",
                "talking",
            )
        return
    talking = talking or Talking()
    if talking.weights is None:
        for name in SEEN:
            for i, emotion in enumerate(factors.get(name, ())):
                one_of(emotion, TALKED, "emotion of talking faces", "factors", name, i)
    check_voices(talking, "talking", factors, beside)
    _check_methods(talking, factors, corpus, size)
    drawn = (corpus if talking.voices == OWN else talking.voices) == "actors"
    if drawn and talking.recordings is None:
        for i, code in enumerate(factors.get("sentence", ())):
            one_of(code, SENTENCES, "sentence", "factors", "sentence", i)
        return
    for name in STRENGTHS:
        if name in factors:
            raise fail(
                "recorded voices are as strong as they were spoken; use face_m, or voices: actors",
                *("factors", name),
            )


def _check_methods(
    talking: Talking, factors: Mapping[str, Iterable[Any]], corpus: str, size: int
) -> None:
    """Refuse methods that the factor does not name, and levels of which nothing is said."""
    levels, methods = [str(level) for level in factors.get(METHOD, ())], talking.methods
    for name in methods:
        if name not in levels:
            hint = accepted(levels) if levels else f"add the factor {METHOD}: {list(methods)}"
            raise fail(
                f"'{name}' is no level of the factor {METHOD}; {hint}{nearest(name, levels)}",
                *("talking", "methods", name),
            )
    for i, level in enumerate(levels):
        if level not in methods and (methods or len(levels) > 1):
            raise fail(
                f"nothing says how '{level}' is made; add talking.methods.{level}: {{}} for videos "
                f"by mien's network, or {{route: corpus}} for the clips of the corpus itself",
                *("factors", METHOD, i),
            )
    for name, method in methods.items():
        at = ("talking", "methods", name)
        for width in method.width:
            if width > size:
                raise fail(f"found {width}; accepted: up to {size}, the size", *at, "width")
        if method.route == CORPUS:
            _check_clips(method, talking, factors, corpus, *at)
        elif method.told is not None and method.weights is None and talking.weights is None:
            one_of(method.told, TALKED, "emotion of talking faces", *at, "told")


def _check_clips(
    method: Method, talking: Talking, factors: Mapping[str, Any], corpus: str, *at: str
) -> None:
    """Refuse what clips of a corpus cannot be: told anything, in other voices, mismatched."""
    for name in ("told", "weights"):
        if getattr(method, name) is not None:
            raise fail(f"no network makes the clips of a corpus; leave out {name}", *at, name)
    if talking.voices != OWN or talking.recordings is not None:
        raise fail(
            "the clips of a corpus have their own voices; leave out talking.voices and "
            "talking.recordings, or this route",
            *(*at, "route"),
        )
    if corpus == "actors":
        return
    for name in ("voice_emotion", "face_emotion", "face_m"):
        if name in factors:
            raise fail(
                f"people were filmed with one emotion of face and voice, at one strength; use the "
                f"factor emotion, or corpus: actors, in place of {name}",
                *(*at, "route"),
            )
