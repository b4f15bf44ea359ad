"""What surrounds the ratings: consent, instructions, examples, questionnaire, debrief."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from protocols.section import Markdown, Section, Words
from protocols.tasks import Task, unique_ids

CONSENT = """# Consent

You are invited to a study on how people see emotion in faces. Taking part is voluntary; you may
stop at any time by closing the window. Your answers are stored under a random code."""
INSTRUCTIONS = """# What you will do

You will see faces, one at a time. For each one, answer the question below it.
There are no right or wrong answers: your first impression counts."""
DEBRIEF = """# Thank you

Thank you for taking part. The faces that you saw were made by a computer."""


class Consent(Section):
    """The page that comes first. The study starts once the box `agree` is ticked."""

    text: Markdown = CONSENT
    agree: Words = "I have read the information above and agree to take part."


class Familiarisation(Section):
    """Examples shown before the ratings: `examples` of each level of `factor`, alphabetically.

    `levels`: level of each other factor in the examples. Left out, a factor that has the level
    too takes it (voice as face), and any other its last level.
    """

    factor: str
    levels: dict[str, str | int | float] = {}
    examples: int = Field(default=2, ge=1, le=10)
    text: Markdown = "Here are examples of each emotion."


class Pages(Section):
    """The pages of a study, in the order in which they are shown."""

    language: Literal["en", "de"] = "en"
    consent: Consent = Consent()
    instructions: tuple[Markdown, ...] = Field(default=(INSTRUCTIONS,), min_length=1)
    familiarisation: Familiarisation | None = None
    questionnaire: tuple[Task, ...] = ()
    debrief: Markdown = DEBRIEF

    _unique = field_validator("questionnaire")(unique_ids)
