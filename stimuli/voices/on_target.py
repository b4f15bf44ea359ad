"""How many voices do in every emotion what the table of `profiles` says.

    python -m stimuli.voices.on_target [ACTOR ...] [--sentences 2] [--m 1 .5]

For each strength m and emotion: voices whose F0, range, rate, level and spectral slope lie within
TOLERANCE of the table (mean over an actor's sentences, against the same sentences said neutrally),
voices in which none of them moved the wrong way, and, where the table has jitter or breath, voices
in which these lower HNR and raise jitter. It says nothing of what listeners hear.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from stimuli.actors.cast import load_cast
from stimuli.voices.acoustics import Change
from stimuli.voices.library import load_speech
from stimuli.voices.profiles import BASIC
from stimuli.voices.prosody_check import changes, measured
from stimuli.voices.sentences import two_sentences
from stimuli.voices.speech import Speech
from stimuli.voices.targets import TOLERANCE, Quality, has_quality, off_target, quality, wrong_way

HEADS = ("F0 x", "range x", "rate x", "level dB", "tilt dB/oct")  # of what TOLERANCE lists
EMOTIONS = tuple(emotion for emotion in BASIC if emotion != "neutral")


@dataclass(frozen=True)
class Found:
    """One voice in one emotion: means over its sentences."""

    change: Change
    quality: Quality | None  # None where the table has neither jitter nor breath


def found_in(spoken: Sequence[Speech], m: float) -> dict[str, Found]:
    """What one voice does in each emotion at strength m."""
    moved = changes(measured(spoken, ("neutral", *EMOTIONS), m))
    found = {}
    for emotion in EMOTIONS:
        heard = [quality(speech, emotion, m) for speech in spoken if has_quality(emotion)]
        means = [float(np.nanmean([getattr(q, n) for q in heard])) for n in ("hnr", "jitter")
                 ] if heard else None  # fmt: skip
        found[emotion] = Found(moved[emotion], Quality(*means) if means else None)
    return found


def counts(voices: Mapping[str, Mapping[str, Found]], m: float) -> Table:
    """Voices of all that pass, emotion by emotion and measure by measure."""
    columns = ["emotion", *HEADS, "way", "HNR falls", "jitter rises"]
    table = Table(*columns, title=f"voices on target at m = {m:g}, of {len(voices)}")
    for emotion in EMOTIONS:
        own = [found[emotion] for found in voices.values()]
        off = [name for one in own for name in off_target(one.change, emotion, m)]
        right = sum(not wrong_way(one.change, emotion, m) for one in own)
        rough = [one.quality for one in own if one.quality is not None]
        table.add_row(
            emotion,
            *(str(len(own) - off.count(name)) for name in TOLERANCE),
            str(right),
            str(sum(q.hnr < 0 for q in rough)) if rough else "-",
            str(sum(q.jitter > 0 for q in rough)) if rough else "-",
        )
    return table


def means(voices: Mapping[str, Mapping[str, Found]], m: float) -> Table:
    """The mean change over voices, with its SD."""
    table = Table("emotion", *HEADS, "HNR dB", "jitter %", title=f"mean (SD) at m = {m:g}")
    for emotion in EMOTIONS:
        own = [found[emotion] for found in voices.values()]
        columns = [[getattr(one.change, name) for one in own] for name in TOLERANCE]
        rough = [one.quality for one in own if one.quality is not None]
        columns += [[getattr(q, name) for q in rough] for name in ("hnr", "jitter")]
        cells = [f"{np.mean(x):.2f} ({np.std(x):.2f})" if x else "-" for x in columns]
        table.add_row(emotion, *cells)
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Print counts and means at each strength."""
    parser = argparse.ArgumentParser(description="Voices that do what the table says.")
    parser.add_argument("actors", nargs="*", help="such as 01 02; all without")
    parser.add_argument("--sentences", type=int, choices=(1, 2), default=2)
    parser.add_argument("--m", type=float, nargs="+", default=[1.0, 0.5])
    chosen = parser.parse_args(arguments)
    ids = [person.id for person in load_cast()]
    actors = chosen.actors or ids
    voices: dict[float, dict[str, dict[str, Found]]] = {m: {} for m in chosen.m}
    for actor in actors:
        codes = two_sentences(ids.index(actor))[: chosen.sentences]
        spoken = [load_speech(actor, code) for code in codes]
        for m, found in voices.items():
            found[actor] = found_in(spoken, m)
    console = Console(highlight=False, width=120)
    for m, found in voices.items():
        console.print(counts(found, m))
        console.print(means(found, m))


if __name__ == "__main__":
    main()
