"""What the pages of the lab say beside the words of the web study, in English and German."""

from __future__ import annotations

from experiments.words import WORDS

SHARED = ("practice", "practice_explained", "ready", "ready_explained", "pause", "so_far",
          "questionnaire", "optional", "skip", "none", "duration", "decline", "welcome_back",
          "welcome_back_explained", "goodbye", "stop_question", "stop_no", "stop_yes",
          "withdrawn", "withdrawn_explained", "declined", "examples", "slider_explained",
          "grid_explained")  # fmt: skip
OWN = {
    "en": {
        "go_on": "Continue (space bar)",
        "done": "Continue (Enter)",
        "keys_explained": "Answer with the number keys, or with the mouse.",
        "stop_later": "Interrupt now, go on later (for the experimenter)",
        "call": "Please tell the experimenter.",
        "pilot": "PILOT: these answers do not count",
    },
    "de": {
        "go_on": "Weiter (Leertaste)",
        "done": "Weiter (Eingabetaste)",
        "keys_explained": "Antworten Sie mit den Zifferntasten oder mit der Maus.",
        "stop_later": "Jetzt unterbrechen, später fortsetzen (für die Versuchsleitung)",
        "call": "Bitte sagen Sie der Versuchsleitung Bescheid.",
        "pilot": "PILOT: diese Antworten zählen nicht",
    },
}


def lab_words(language: str) -> dict[str, str]:
    """Name -> words of one language."""
    return {name: WORDS[language][name] for name in SHARED} | OWN[language]
