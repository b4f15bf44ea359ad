"""Whose voice is whose: each actor says any shipped sentence, neutrally.

    load_speech("07", "IEO")

data/voices.json gives each actor a source recording and a timbre without age: `pitch` in semitones
from the mean of the gender and age (`norms`), and formants, rate, range and tilt as in Timbre. Age
comes from the casting sheet, so a voice fits the face.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from protocols.errors import UserError
from stimuli.actors.cast import actor
from stimuli.actors.cast_folder import find_actor
from stimuli.voices.norms import mean_f0
from stimuli.voices.recordings import DATA, load_recording, table
from stimuli.voices.speech import Speech
from stimuli.voices.timbre import Timbre, in_timbre

VOICES = "voices.json"
# Older people speak more slowly, at 80 to 89 years by a third of the rate (Shipp & Hollien, 1972,
# JASA 51, 111: readings last half as long again, mostly for pauses, of which our sentences have
# none; so the course is theirs and the size is ours).
AGES = (20, 30, 50, 65, 80)  # years
RATE_BY_AGE = (1.02, 1.0, 0.97, 0.92, 0.86)


@dataclass(frozen=True)
class Voice:
    """The voice of one actor: a source recording, heard in a timbre."""

    actor: str
    source: str
    timbre: Timbre


def load_speech(actor_id: str, sentence_code: str, cast: Path | None = None) -> Speech:
    """An actor says one of the shipped sentences, neutrally; the same bytes every time.

    `cast` is the folder of a cast made with `mien cast`; None: mien's own.
    Raises UserError naming the nearest actor or sentence when there is none.
    """
    voice = voice_of(actor_id, cast)
    recording = load_recording(voice.source, sentence_code)
    return in_timbre(recording, voice.timbre, actor_id)


def voice_of(actor_id: str, cast: Path | None = None) -> Voice:
    """The voice of an actor of the cast; raises UserError naming the nearest actor."""
    if cast is not None:
        person = find_actor(cast, actor_id, "--cast")
        return voice_for(actor_id, person.gender, person.age)
    try:
        person = actor(actor_id)
    except KeyError as error:
        raise UserError(str(error.args[0])) from error
    return voice_for(actor_id, person.gender, person.age)


def voice_for(actor_id: str, gender: str, age: float) -> Voice:
    """The voice of anybody with an id, a gender ("male", "female") and an age in years.

    Ids without a voice of their own share the timbre of a listed actor of the same gender.
    """
    entry = _entry(actor_id, gender)
    f0 = mean_f0(gender, age) * 2 ** (entry["pitch"] / 12)
    timbre = Timbre(
        f0=round(float(f0 / table()["sources"][entry["source"]]["f0"]), 4),
        formants=entry["formants"],
        rate=round(float(entry["rate"] * np.interp(age, AGES, RATE_BY_AGE)), 4),
        range=entry["range"],
        tilt=entry["tilt"],
    )
    return Voice(actor_id, entry["source"], timbre)


@lru_cache(maxsize=1)
def voice_table() -> Mapping[str, Any]:
    """voices.json: actor id -> gender, source and timbre without age."""
    return json.loads((DATA / VOICES).read_text(encoding="utf-8"))["actors"]


def _entry(actor_id: str, gender: str) -> Mapping[str, Any]:
    entry = voice_table().get(actor_id)
    if entry is not None and entry["gender"] == gender:
        return entry
    same = [other for other in voice_table().values() if other["gender"] == gender]
    number = int("".join(c for c in actor_id if c.isdigit()) or 0)
    return same[number // 2 % len(same)]  # a cast deals genders in turn
