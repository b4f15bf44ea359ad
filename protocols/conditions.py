"""Which stimuli a study needs: generator, corpus, identities, and the crossing of its factors.

A *cell* is one combination of factor levels; a *condition* is a cell of the whole design. With
`per_cell: all` every identity appears in every cell; with `per_cell: k` each cell gets k of the
identities, taken in turn so that each identity serves equally often.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import (
    Field,
    PrivateAttr,
    SerializeAsAny,
    ValidationInfo,
    field_validator,
    model_validator,
)

from protocols.added import Beside, check_corpus
from protocols.casts import CastFolder
from protocols.congruence import CONGRUENCE, LEVELS, check_congruence, is_possible
from protocols.context import Context, check_context
from protocols.editing import FAMILY, Editing, check_editing
from protocols.filming import Clip, DynamicClip, SpokenClip, TalkingClip
from protocols.generators import (
    COMPOUNDS,
    CORPORA,
    EMOTIONS,
    FACTORS,
    GENERATORS,
    LOOK_FACTORS,
    STRENGTHS,
    Generator,
    check_factor_name,
)
from protocols.identities import Identities
from protocols.looks import Look
from protocols.reacting import FAMILY as LISTENING
from protocols.reacting import Reacting, check_reacting
from protocols.section import Section, accepted, fail, one_of
from protocols.sentences import SENTENCES
from protocols.talking import Talking, check_talking
from protocols.wear import Wear

Level = str | int | float
MOST_STIMULI = 200_000  # more is a mistake: it would take days and fill a disk
SIZES = (64, 1024)  # pixels
DRAWN = ("actor", LISTENING)  # generators that draw actors of any cast, with what they wear


class Stimuli(Section):
    """The stimuli of a study, one for each identity and cell.

    Attributes:
        generator: family of stimuli.
        corpus: where faces and voices come from: a known one, or the name of one that was added.
        identities: who is shown.
        factors: factor -> levels, in the order that tables and figures use.
        caricature: allow m outside 0…1 (marked in the manifest).
        size: width and height of pictures and frames in pixels.
        look: mask, grey, matching over the set; None: pictures as the generator makes them.
        clip: the generator films instead of taking pictures; None: it takes pictures, or films
            somebody who talks where a factor asks for it (`filmed`).
        wear: glasses and beards of mien's actors; None: as cast.
        cast: folder of actors made with `mien cast`, in place of mien's own.
        context: voices, neutral faces and weights of context-face; None: its defaults.
        talking: likewise of talking-face.
        editing: route, input and weights of valence-arousal; None: its defaults.
        reaction: speakers, length and weights of reaction; None: its defaults.
        lossless: beside every film, the same pictures and sound without loss.
    """

    generator: str = Field(json_schema_extra={"enum": list(GENERATORS)})
    corpus: str = Field(
        default="actors", json_schema_extra={"anyOf": [{"enum": list(CORPORA)}, {"type": "string"}]}
    )
    identities: Identities = Identities()
    factors: dict[str, tuple[Level, ...]] = Field(
        min_length=1, json_schema_extra={"propertyNames": {"enum": list(FACTORS)}}
    )
    caricature: bool = False
    size: int = Field(default=256, ge=SIZES[0], le=SIZES[1])
    look: Look | None = None
    clip: SerializeAsAny[Clip | None] = None
    wear: Wear | None = None
    cast: CastFolder = None
    context: Context | None = None
    talking: Talking | None = None
    editing: Editing | None = None
    reaction: Reacting | None = None
    lossless: bool = False
    _beside: Beside = PrivateAttr(default=Beside())

    @field_validator("generator")
    @classmethod
    def _known_generator(cls, generator: str) -> str:
        return one_of(generator, GENERATORS, "generator")

    @field_validator("clip", mode="after")
    @classmethod
    def _what_a_network_leaves_open(cls, clip: Any, info: ValidationInfo) -> Any:
        talks = (
            info.data.get("generator") in GENERATORS and GENERATORS[info.data["generator"]].talks
        )
        return clip.spoken() if talks and isinstance(clip, TalkingClip) else clip

    @field_validator("factors", mode="before")
    @classmethod
    def _lists_of_levels(cls, factors: Any) -> Any:
        if not isinstance(factors, dict):
            raise fail(f"found {factors!r}; accepted: a mapping such as {{emotion: [happy]}}")
        for name, levels in factors.items():
            if not isinstance(levels, list | tuple) or not levels:
                raise fail(f"found {levels!r}; accepted: a list of levels, one or more", name)
            seen = []
            for level in levels:
                if isinstance(level, bool) or not isinstance(level, str | int | float):
                    raise fail(f"found {level!r}; a level is a word or a number", name)
                if level in seen:
                    raise fail(f"level {level!r} stands twice", name)
                seen.append(level)
        return factors

    @model_validator(mode="after")
    def _factors_of_the_generator(self, info: ValidationInfo) -> Stimuli:
        known = GENERATORS[self.generator]
        if known.talks and isinstance(self.clip, DynamicClip):
            raise fail(f"generator {self.generator} makes clips of kind: talking", "clip", "kind")
        if self.clip is not None and not (known.clips or known.talks):
            filming = [name for name, other in GENERATORS.items() if other.clips or other.talks]
            raise fail(
                f"generator {self.generator} has no clips to choose from; leave out clip, or use "
                f"generator: {', '.join(filming)}",
                "clip",
            )
        generator = self.family
        for name, levels in self.factors.items():
            check_factor_name(name, generator, self._called, "factors", name)
            for i, level in enumerate(levels):
                FACTORS[name].check(name, level, "factors", name, i, caricature=self.caricature)
                if level in COMPOUNDS and name not in generator.compounds:
                    raise fail(
                        f"generator {self._called} has no compound emotions for {name}; "
                        f"{accepted(EMOTIONS)}",
                        *("factors", name, i),
                    )
        _check_needed(self.factors, generator, self._called)
        _check_clip(self)
        if self.wear is not None and self.generator not in DRAWN:
            raise fail(
                f"only generators {' and '.join(DRAWN)} can put on glasses and beards, not "
                f"{self.generator}; leave out wear",
                "wear",
            )
        if self.cast is not None and self.generator not in DRAWN:
            raise fail(
                f"only generators {' and '.join(DRAWN)} show the actors of a cast, not "
                f"{self.generator}; leave out cast",
                "cast",
            )
        self._beside = Beside((info.context or {}).get("folder"))
        check_context(self.context, self.generator, self.factors, self.corpus, self._beside)
        check_talking(
            self.talking, self.generator, self.factors, self.corpus, self._beside, self.size
        )
        check_editing(self.editing, self.generator, self.factors, self.corpus)
        check_reacting(self.reaction, self.generator, self.factors)
        if self.lossless and not self.films:
            raise fail("pictures are without loss as they are; leave out lossless", "lossless")
        check_corpus(self.corpus, generator, self.generator, self._beside)
        if self.look is not None and generator.media != "image":
            pictures = [name for name, other in GENERATORS.items() if other.media == "image"]
            raise fail(
                f"generator {self._called} makes no plain pictures; leave out look, or use one "
                f"of {', '.join(pictures)}",
                "look",
            )
        if CONGRUENCE in self.factors or isinstance(self.identities.per_cell, dict):
            check_congruence(self.factors, self.identities.per_cell, self.cells)
        if self.count > MOST_STIMULI:
            raise fail(f"{self.count} stimuli; at most {MOST_STIMULI}: use fewer levels")
        return self

    @property
    def filmed(self) -> DynamicClip | SpokenClip | None:
        """The clip that is made; without `clip`, a talking one where a factor asks for it.

        Of actors a TalkingClip.
        """
        generator = GENERATORS[self.generator]
        if generator.talks:
            return self.clip or SpokenClip()
        talking = generator.clips.get("talking")
        if self.clip is not None or talking is None:
            return self.clip
        asked = set(talking.factors) - set(generator.factors)
        return TalkingClip() if asked & set(self.factors) else None

    @property
    def listening(self) -> Reacting | None:
        """How listeners are filmed; None: other generators film none."""
        return (self.reaction or Reacting()) if self.generator == LISTENING else None

    @property
    def films(self) -> bool:
        """Whether clips are made: of an expression, of somebody who talks, or who listens."""
        return self.filmed is not None or self.listening is not None

    @property
    def family(self) -> Generator:
        """The generator, as it makes these stimuli."""
        generator, clip = GENERATORS[self.generator], self.filmed
        if self.generator == FAMILY:
            made = (self.editing or Editing()).made(self.factors)
            return replace(generator, meaning=made)
        if self.talking is not None and generator.talks:
            return replace(generator, meaning=self.talking.made(generator.meaning))
        return generator if clip is None or generator.talks else generator.clips[clip.kind]

    @property
    def _called(self) -> str:
        clip = None if GENERATORS[self.generator].talks else self.filmed
        return self.generator if clip is None else f"{self.generator} with a {clip.kind} clip"

    @property
    def beside(self) -> Beside:
        """Where corpora are looked for."""
        return self._beside

    @property
    def corpus_folder(self) -> Path | None:
        """Where the added corpus lies; None if it is not at hand, or mien's actors are shown."""
        return None if self.corpus == "actors" else self._beside.find(self.corpus)

    @property
    def people_from(self) -> str:
        """Where the identities come from, for messages: "corpus actors", "cast casts/young"."""
        return f"corpus {self.corpus}" if self.cast is None else f"cast {self.cast.name}"

    @property
    def media(self) -> str:
        """Kind of media: image, imageAudio or video."""
        return self.family.media

    @property
    def dressed(self) -> Look | None:
        """The look of the pictures; None if they stay as the generator makes them."""
        if self.look is None and any(factor in self.factors for factor in LOOK_FACTORS):
            return Look()
        return self.look

    @property
    def cells(self) -> list[dict[str, Level]]:
        """Every possible combination of levels, the last factor varying fastest."""
        names = list(self.factors)
        combined = itertools.product(*self.factors.values())
        cells = (dict(zip(names, levels, strict=True)) for levels in combined)
        return [cell for cell in cells if is_possible(cell)]

    @property
    def count(self) -> int:
        """Number of stimuli (practice and examples not counted)."""
        crossed = math.prod(len(levels) for levels in self.factors.values())
        if CONGRUENCE in self.factors and crossed <= MOST_STIMULI:
            return sum(self.identities.shown_in(cell) for cell in self.cells)
        return crossed * self.identities.shown_in({CONGRUENCE: LEVELS[0]})

    def numeric(self, factor: str) -> bool:
        """Whether the levels of `factor` are numbers."""
        return all(not isinstance(level, str) for level in self.factors[factor])


def _check_clip(stimuli: Stimuli) -> None:
    """Refuse what clips cannot be: less than nothing, unknown sentences, sizes no video has."""
    for name in STRENGTHS:
        for i, m in enumerate(stimuli.factors.get(name, ())):
            drawn = stimuli.generator == "actor" or stimuli.family.talks
            if drawn and not isinstance(m, str) and m < 0:
                raise fail(
                    f"found {m}; accepted for {stimuli.generator}: numbers from 0",
                    *("factors", name, i),
                )
        if name != "m" and {"m", name} <= set(stimuli.factors):
            raise fail("m is the strength of voice and face; leave out m, or voice_m and face_m",
                       "factors", name)  # fmt: skip
    clip = stimuli.filmed
    if stimuli.films and stimuli.size % 2:
        raise fail(f"found {stimuli.size}; accepted for clips: even numbers of pixels", "size")
    if clip is None:
        return
    for i, code in enumerate(stimuli.factors.get("sentence", ())):
        if not stimuli.family.talks:  # a corpus may have other sentences
            one_of(code, SENTENCES, "sentence", "factors", "sentence", i)
    if "sentence" in stimuli.factors and "sentences" in (stimuli.clip or clip).model_fields_set:
        raise fail(
            "the factor sentence says what is said; leave out clip.sentences", "clip", "sentences"
        )


def _check_needed(factors: Iterable[str], generator: Generator, name: str) -> None:
    """Refuse factors that leave out one that the generator needs, or give it twice."""
    factors = list(factors)
    stand_in = generator.one_for_all
    there = [needed for needed in generator.needs if needed in factors]
    if stand_in in factors:
        if there:
            raise fail(
                f"'{stand_in}' stands for {' and '.join(generator.needs)}; leave out "
                f"'{stand_in}' or '{there[0]}'",
                "factors",
                stand_in,
            )
    elif any(other in factors for other in generator.instead):
        _check_instead(factors, generator, there)
    elif len(there) < len(generator.needs):
        missing = next(needed for needed in generator.needs if needed not in factors)
        instead = " and ".join(f"'{other}'" for other in generator.instead or (stand_in,) if other)
        hint = f" (or {instead} in place of {' and '.join(generator.needs)})" if instead else ""
        raise fail(f"generator {name} needs the factor '{missing}'{hint}", "factors")


def _check_instead(factors: list[str], generator: Generator, there: list[str]) -> None:
    """Refuse factors that stand in place of the needed ones beside them, or not all together."""
    together = " and ".join(generator.instead)
    first = next(other for other in generator.instead if other in factors)
    if there:
        raise fail(
            f"{together} stand in place of {' and '.join(generator.needs)}; leave out "
            f"'{first}' or '{there[0]}'",
            *("factors", first),
        )
    missing = [other for other in generator.instead if other not in factors]
    if missing:
        raise fail(f"{together} go together; add the factor '{missing[0]}'", "factors")
