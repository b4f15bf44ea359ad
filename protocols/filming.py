"""Clips: an expression that comes and goes, or a sentence that is said.

Lengths are seconds. Clips have 25 frames a second. Everything that happens by chance, blinks and
movements of the head, is the same in every clip of one identity, sentence and take, at the same
sounds of the sentence, so that no condition differs from another by it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from protocols.section import Section, fail, one_of
from protocols.sentences import SENTENCES

SHORTEST = 0.4  # seconds
MODALITIES = {"audio": "audio", "visual": "video", "audio-visual": "audioVideo"}  # -> media


class DynamicClip(Section):
    """An expression that comes, stays and goes, without sound.

    Attributes:
        seconds: of the whole clip.
        onset: from neutral to the apex; 0: the apex is there from the first frame.
        offset: from the apex back to neutral, at the end; 0: the apex stays.
        blinks: a minute, on average, none at the first and the last frames; 0: none.
        head: how much the head moves: 0 not at all, 1 as of somebody who sits still.
    """

    kind: Literal["dynamic"] = "dynamic"
    seconds: float = Field(default=2.5, ge=SHORTEST, le=60)
    onset: float = Field(default=0.5, ge=0)
    offset: float = Field(default=0.7, ge=0)
    blinks: float = Field(default=17, ge=0, le=60)
    head: float = Field(default=1, ge=0, le=3)

    @model_validator(mode="after")
    def _room_for_the_apex(self) -> DynamicClip:
        if self.onset + self.offset > self.seconds:
            raise fail(
                f"onset {self.onset:g} and offset {self.offset:g} take longer than the clip of "
                f"{self.seconds:g} s; accepted: {self.seconds:g} together at most",
                "onset",
            )
        return self


class SpokenClip(Section):
    """A sentence; the clip lasts as long as the sentence and its pauses.

    Attributes:
        sentences: codes of what is said; several are dealt to the identities in turn, as evenly
            to women as to men, and each identity says its own in every cell. A factor `sentence`
            takes their place.
        pause: silence before and after the sentence.
        loudness: natural (angry is loud, sad is soft), or equal in every clip.
    """

    kind: Literal["talking"] = "talking"
    sentences: tuple[str, ...] = Field(default=("IEO",), min_length=1)
    pause: float = Field(default=0.2, ge=0, le=2)
    loudness: Literal["natural", "equal"] = "natural"

    @field_validator("sentences", mode="after")
    @classmethod
    def _known_and_different(cls, sentences: tuple[str, ...]) -> tuple[str, ...]:
        for i, code in enumerate(sentences):
            one_of(code, SENTENCES, "sentence", i)
            if code in sentences[:i]:
                raise fail(f"the sentence {code} stands twice", i)
        return sentences


class TalkingClip(SpokenClip):
    """A sentence, said by an actor who is drawn.

    Attributes:
        onset: from neutral to the expression of the face; 0: it is there from the first frame.
        offset: back to neutral, at the end; 0: it stays. Both shrink in a clip that is shorter.
        blinks: a minute, on average, none at the first and the last frames; 0: none.
        head: how much the head moves: 0 not at all, 1 as of somebody who sits still.
        nods: the head dips at stressed syllables, by 1 to 2.5 degrees times `head`.
    """

    onset: float = Field(default=0, ge=0, le=5)
    offset: float = Field(default=0, ge=0, le=5)
    blinks: float = Field(default=26, ge=0, le=60)
    head: float = Field(default=1, ge=0, le=3)
    nods: bool = True

    def spoken(self) -> SpokenClip:
        """What of it a network that films decides nothing about; raises what it does decide."""
        drawn = [name for name in self.model_fields_set if name not in SpokenClip.model_fields]
        if drawn:
            raise fail(
                "networks move a face as they learned it, from neutral to its expression and "
                f"without blinks; leave out {drawn[0]}",
                drawn[0],
            )
        return SpokenClip(**self.model_dump(include=set(SpokenClip.model_fields)))


Clip = Annotated[DynamicClip | TalkingClip, Field(discriminator="kind")]
