"""Sentences on request: a shipped one or a new one, in an actor's voice, neutral or in an emotion.

Beside a sound NAME.wav stands NAME.json with its phones, which visemes and analyses read.
"""

import json
from contextlib import suppress
from pathlib import Path

from protocols.errors import UserError
from protocols.tables import write_whole
from stimuli.voices.alignment import align, phones_in
from stimuli.voices.library import load_speech, voice_of
from stimuli.voices.prosody import with_emotion
from stimuli.voices.recordings import write_sound
from stimuli.voices.sentences import SENTENCES
from stimuli.voices.speech import Speech
from stimuli.voices.synthesis import say
from stimuli.voices.timbre import in_timbre


def speak(
    sentence: str,
    actor: str,
    out: Path,
    emotion: str | None = None,
    m: float = 1.0,
    cast: Path | None = None,
) -> list[str]:
    """Write a sentence (its code or text) as sound and phones; returns lines that say what.

    `cast` is the folder of a cast made with `mien cast`; None: mien's own. Shipped sentences need
    no synthesiser. Raises UserError.
    """
    code = code_of(sentence)
    speech = load_speech(actor, code, cast) if code else say_new(sentence, actor, cast)
    if emotion is not None:
        try:
            speech = with_emotion(speech, emotion, m)
        except ValueError as error:
            raise UserError(str(error)) from error
    write_sound(out, speech.samples, speech.rate)
    beside = write_phones(out, speech)
    manner = f", {emotion} at {m:g}" if emotion else ""
    return [
        f'{out}: actor {actor}{manner} says "{speech.text}" in {speech.duration:.2f} s',
        f"{beside}: {len(speech.phones)} phones (ARPAbet) with start and end in seconds",
    ]


def align_file(path: Path, sentence: str) -> list[str]:
    """Write the phones of an own recording beside it; returns lines that say what."""
    code = code_of(sentence)
    speech = align(path, SENTENCES.get(code, sentence), code)
    beside = write_phones(path, speech)
    return [f"{beside}: {len(speech.phones)} phones (ARPAbet) in {speech.duration:.2f} s"]


def code_of(sentence: str) -> str:
    """The code of a shipped sentence, given as code or text; "" for any other."""
    if sentence in SENTENCES:
        return sentence
    plain = _plain(sentence)
    return next((code for code, text in SENTENCES.items() if _plain(text) == plain), "")


def say_new(text: str, actor: str, cast: Path | None = None) -> Speech:
    """A new sentence in an actor's voice; needs the extra `voices`.

    The aligner times the phones; where it does not know a word, the synthesiser's times stay.
    """
    voice = voice_of(actor, cast)
    said = say(text, voice.source)
    with suppress(UserError):
        said = said.with_sound(said.samples, phones_in(said.samples, said.rate, text))
    return in_timbre(said, voice.timbre, actor)


def write_phones(sound: Path, speech: Speech) -> Path:
    """NAME.json beside a sound: text, voice, rate, duration and phones."""
    path = sound.with_suffix(".json")
    content = {
        "text": speech.text,
        "voice": speech.voice,
        "rate": speech.rate,
        "duration": round(speech.duration, 4),
        "symbols": "ARPAbet (CMU) without stress; sil is silence",
        "phones": [[p.symbol, round(p.start, 4), round(p.end, 4)] for p in speech.phones],
    }
    write_whole(path, json.dumps(content, ensure_ascii=False).encode() + b"\n")
    return path


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("\u2019", "'").strip(" .!?").split())
