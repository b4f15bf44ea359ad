"""What surrounds the ratings: consent, instructions, examples, questionnaire, debrief."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from protocols.section import Markdown, Section, Words
from protocols.tasks import Task, unique_ids

CONSENT = {
    "en": """# Consent

You are invited to a study on how people see emotion in faces. Taking part is voluntary; you may
stop at any time by closing the window. Your answers are stored under a random code.""",
    "de": """# Einwilligung

Sie sind zu einer Studie darüber eingeladen, wie Menschen Gefühle in Gesichtern sehen. Die
Teilnahme ist freiwillig; Sie können jederzeit aufhören, indem Sie das Fenster schließen. Ihre
Antworten werden unter einem zufälligen Code gespeichert.""",
}
AGREE = {
    "en": "I have read the information above and agree to take part.",
    "de": "Ich habe die Informationen gelesen und bin mit der Teilnahme einverstanden.",
}
INSTRUCTIONS = {
    "en": """# What you will do

You will see faces, one at a time. For each one, answer the question below it.
There are no right or wrong answers: your first impression counts.""",
    "de": """# Ihre Aufgabe

Sie sehen nacheinander Gesichter. Beantworten Sie zu jedem die Frage darunter.
Es gibt keine richtigen oder falschen Antworten: Ihr erster Eindruck zählt.""",
}
DEBRIEF = {
    "en": """# Thank you

Thank you for taking part. The faces that you saw were made by a computer.""",
    "de": """# Vielen Dank

Vielen Dank für Ihre Teilnahme. Die Gesichter, die Sie gesehen haben, wurden von einem Computer
erzeugt.""",
}


class Consent(Section):
    """The page that comes first. The study starts once the box `agree` is ticked."""

    text: Markdown = CONSENT["en"]
    agree: Words = AGREE["en"]


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
    """The pages of a study, in the order in which they are shown.

    Attributes:
        language: of buttons, messages and texts that the protocol leaves out.
        devices: who may take part: at a computer, or with any device, telephones too.
        sound_check: whether a study with sound begins with tones that must be counted.
    """

    devices: Literal["computer", "any"] = "computer"
    sound_check: bool = True
    language: Literal["en", "de"] = "en"
    consent: Consent = Consent()
    instructions: tuple[Markdown, ...] = Field(default=(INSTRUCTIONS["en"],), min_length=1)
    familiarisation: Familiarisation | None = None
    questionnaire: tuple[Task, ...] = ()
    debrief: Markdown = DEBRIEF["en"]

    _unique = field_validator("questionnaire")(unique_ids)

    @model_validator(mode="before")
    @classmethod
    def _in_its_language(cls, data: Any) -> Any:
        """Texts that the protocol leaves out are those of its language."""
        language = data.get("language") if isinstance(data, dict) else None
        if not isinstance(language, str) or language not in CONSENT:
            return data
        consent = {"text": CONSENT[language], "agree": AGREE[language]}
        given = data.get("consent", {})
        return {
            "instructions": [INSTRUCTIONS[language]],
            "debrief": DEBRIEF[language],
            **data,
            "consent": {**consent, **given} if isinstance(given, dict) else given,
        }
