"""How pictures look to the eye: oval mask, background, grey, matching over a set, controls.

Lengths are in *eye distances* (between the centres of both eyes), so that a mask covers the same
part of every face. Grey levels run from 0 (black) to 255 (white): the sRGB code of a pixel's
relative luminance (IEC 61966-2-1). A *look* is done in this order: grey, spatial frequencies,
scrambling, matching, mask, orientation.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from protocols.section import Section, fail

Grey = float  # 0…255


class _Shorthand(Section):
    """A part that one word may stand for: `mask: oval` is `mask: {shape: oval}`."""

    @model_validator(mode="before")
    @classmethod
    def _word(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {next(iter(cls.model_fields)): data}
        return data

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> dict[str, Any]:
        """The word too, so that editors accept it."""
        mapping = handler.resolve_ref_schema(handler(core))
        word = mapping["properties"][next(iter(cls.model_fields))]
        return {"anyOf": [word, mapping], "title": cls.__name__}


class Mask(_Shorthand):
    """What stays of the picture; outside it is the background.

    Attributes:
        shape: oval: an upright ellipse around the face, as far as the person fills it; person:
            everybody and their clothes, without the wall behind; none: the whole picture.
        width: of the ellipse, in eye distances.
        height: of the ellipse, in eye distances.
        drop: from midway between the eyes down to the ellipse's centre, in eye distances.
        edge: width of the soft edge around the ellipse, in eye distances; 0 is a hard
            edge.
    """

    shape: Literal["none", "oval", "person"] = "none"
    width: float = Field(default=2.0, ge=1, le=5)
    height: float = Field(default=3.0, ge=1, le=5)
    drop: float = Field(default=0.4, ge=-1, le=2)
    edge: float = Field(default=0.0, ge=0, le=1)


class Match(_Shorthand):
    """What is made equal over the pictures, inside the mask (the whole picture without one).

    Attributes:
        what: mean: mean grey level; mean-sd: its standard deviation (contrast) too; histogram:
            the whole distribution, exactly (grey pictures only).
        mean: the mean wanted, or `set`: the average of the main pictures' means.
        sd: the standard deviation wanted, or `set`: the average of theirs.
    """

    what: Literal["none", "mean", "mean-sd", "histogram"] = "none"
    mean: Literal["set"] | Grey = "set"
    sd: Literal["set"] | Grey = "set"

    @field_validator("mean", "sd", mode="before")
    @classmethod
    def _set_or_level(cls, value: Any) -> Any:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value != "set" and not (number and 1 <= value <= 254):
            raise fail(f"found {value!r}; accepted: set, or a number of grey levels from 1 to 254")
        return value

    @model_validator(mode="after")
    def _only_what_is_matched(self) -> Match:
        used = {"mean": ("mean",), "mean-sd": ("mean", "sd")}.get(self.what, ())
        for name in ("mean", "sd"):
            value = getattr(self, name)
            if value != "set" and name not in used:
                raise fail(
                    f"found {value:g}, but {self.what} does not use it; leave it out, or write "
                    f"what: mean{'-sd' if name == 'sd' else ''}", name
                )  # fmt: skip
        return self

    @property
    def of_set(self) -> bool:
        """Whether the pictures of the whole set must be known first."""
        if self.what in ("mean", "mean-sd"):
            return self.mean == "set" or (self.what == "mean-sd" and self.sd == "set")
        return self.what == "histogram"


class Frequencies(Section):
    """The band of spatial frequencies that stays, in cycles per face (as wide as the mask).

    Gains are Gaussian and one half at the limit; the mean grey level stays.

    Attributes:
        above: coarser detail is taken away (high-pass); None: no limit.
        below: finer detail is taken away (low-pass, blur); None: no limit.
    """

    above: float | None = Field(default=None, gt=0, le=200)
    below: float | None = Field(default=None, gt=0, le=200)

    @model_validator(mode="after")
    def _in_order(self) -> Frequencies:
        if self.above is not None and self.below is not None and self.above >= self.below:
            raise fail(
                f"found above {self.above:g} and below {self.below:g}, which leaves nothing; "
                "accepted: above smaller than below"
            )
        return self


class Look(Section):
    """How every picture of a study looks.

    Attributes:
        mask: what stays of the picture.
        background: grey level of what is outside the mask.
        colour: colour, or grey (of equal relative luminance).
        frequencies: spatial frequencies that stay.
        match: what is made equal over the pictures.
        block: side of the squares that `scramble: blocks` shuffles, in eye distances.
    """

    mask: Mask = Mask()
    background: int = Field(default=128, ge=0, le=255)
    colour: Literal["colour", "grey"] = "colour"
    frequencies: Frequencies = Frequencies()
    match: Match = Match()
    block: float = Field(default=0.25, ge=0.05, le=1)

    @model_validator(mode="after")
    def _background_of_a_mask(self) -> Look:
        if self.background != 128 and self.mask.shape == "none":
            raise fail(
                f"found {self.background}, but there is no mask whose outside it could fill; add "
                "mask: oval, or leave it out",
                "background",
            )
        return self

    @model_validator(mode="after")
    def _histograms_are_of_grey(self) -> Look:
        if self.match.what == "histogram" and self.colour != "grey":
            raise fail(
                "histograms are matched exactly for grey pictures only; write colour: grey, or "
                "match: mean-sd",
                "match",
            )
        return self
