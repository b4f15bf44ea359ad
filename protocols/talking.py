"""What generator `talking-face` makes its videos from: faces, voices, and a network's weights.

Voices are the shown person's own, somebody else's of the same gender, or recordings in a folder at
or below the protocol's own. What is said, and the pauses around it, stand in `stimuli.clip`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from protocols.added import Beside
from protocols.context import OWN, Sources, check_voices
from protocols.generators import TALKED
from protocols.section import fail, one_of
from protocols.sentences import SENTENCES

SEEN = ("face_emotion", "emotion")  # factors that a network shows
STRENGTHS = ("m", "voice_m")  # factors that only mien's own voices have


class Talking(Sources):
    """Whose faces talk, in whose voices, and which network moves them."""

    PART = "stimuli.talking"


def check_talking(
    talking: Talking | None, generator: str, factors: Mapping[str, Iterable[Any]], corpus: str,
    beside: Beside,
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
