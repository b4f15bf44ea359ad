"""Where participants come from, how many, and what they are told at the end."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from protocols.section import Section, Words, fail

CODE = re.compile(r"^[A-Za-z0-9_-]{1,64}$")


class Codes(Section):
    """Completion codes of the platform; the server gives one only when every answer is stored."""

    completed: str | None = None
    no_consent: str | None = None
    screened_out: str | None = None

    @field_validator("completed", "no_consent", "screened_out")
    @classmethod
    def _plain(cls, code: str | None) -> str | None:
        if code is not None and not CODE.match(code):
            raise fail(f"found {code!r}; accepted: 1 to 64 letters, digits, _ and -")
        return code


class Recruitment(Section):
    """Platform and quotas, counted in *valid* participants: an excluded one makes room.

    Attributes:
        platform: prolific, mturk, link (any web link) or lab.
        per_list: valid participants wanted on each list.
        prescreening: what the platform filters on, for its form and for the method section.
        block: ids of studies whose participants may not take part.
        minutes: expected duration, shown on the consent page.
    """

    platform: Literal["prolific", "mturk", "link", "lab"] = "link"
    per_list: int = Field(default=10, ge=1, le=100_000)
    prescreening: dict[str, Words | int | float | bool | tuple[Words | int | float, ...]] = {}
    codes: Codes = Codes()
    block: tuple[Words, ...] = ()
    minutes: int | None = Field(default=None, ge=1, le=600)
