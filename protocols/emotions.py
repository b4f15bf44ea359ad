"""Words for emotions: which option of a choice means which level of a factor.

Levels are mostly adjectives (angry), options often nouns (Anger), and a German study asks in German
(Wut, wütend). Capitals do not matter. A word that stands in no row means only itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

EMOTIONS: dict[str, tuple[str, ...]] = {
    "angry": ("anger", "wütend", "wut", "ärgerlich", "verärgert", "ärger", "zornig", "zorn"),
    "bored": ("boredom", "gelangweilt", "langeweile"),
    "calm": ("calmness", "ruhig", "ruhe", "gelassen", "gelassenheit"),
    "contemptuous": ("contempt", "verächtlich", "verachtung"),
    "disgusted": ("disgust", "angeekelt", "angewidert", "ekel"),
    "fearful": ("fear", "afraid", "scared", "ängstlich", "verängstigt", "angst", "furcht"),
    "happy": ("happiness", "joy", "joyful", "fröhlich", "glücklich", "freudig", "freude", "glück"),
    "neutral": ("no emotion", "neutrality", "keine emotion", "neutralität"),
    "sad": ("sadness", "traurig", "trauer", "traurigkeit"),
    "surprised": ("surprise", "überrascht", "überraschung"),
}  # emotion -> other words for it, the most usual first


def _plain(word: object) -> str:
    return unicodedata.normalize("NFC", str(word)).strip().casefold()


MEANINGS = {
    _plain(word): emotion for emotion, others in EMOTIONS.items() for word in (emotion, *others)
}


def meaning(word: object) -> str:
    """The emotion (a key of EMOTIONS) that a word stands for, else the word in small letters."""
    return MEANINGS.get(_plain(word), _plain(word))


def option_for(level: object, options: Sequence[str]) -> str | None:
    """The option that means `level`: the same word, else the first one of the same meaning."""
    same = [option for option in options if _plain(option) == _plain(level)]
    alike = [option for option in options if meaning(option) == meaning(level)]
    return next(iter(same + alike), None)


def matching_options(levels: Sequence[object], options: Sequence[str]) -> dict[str, str]:
    """Level (as a word) -> its option, if at least two levels have one each; else nothing."""
    match = {str(level): option_for(level, options) for level in levels}
    found = {level: option for level, option in match.items() if option is not None}
    return found if len(set(found.values())) == len(match) > 1 else {}
