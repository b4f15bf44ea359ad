"""What is said: the sentences of `protocols.sentences`, found by their code."""

from difflib import get_close_matches

from protocols.errors import UserError
from protocols.sentences import CREMA_D, RAVDESS, SENTENCES

__all__ = ["CREMA_D", "RAVDESS", "SENTENCES", "text_of", "two_sentences"]


def text_of(code: str) -> str:
    """What is said under this code.

    Raises UserError naming the nearest code.
    """
    if code not in SENTENCES:
        near = get_close_matches(code.upper(), SENTENCES, n=1, cutoff=0.5)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise UserError(f"sentence '{code}': accepted are {', '.join(SENTENCES)}{hint}")
    return SENTENCES[code]


def two_sentences(number: int) -> tuple[str, str]:
    """The sentences of an actor by number: one of the first seven, one of the last."""
    codes = list(SENTENCES)
    return codes[number % 7], codes[7 + number % 7]
