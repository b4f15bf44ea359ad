"""What emotional speech measures, beside the table it was made from.

    python -m stimuli.voices.prosody_check 01 02 --sentences IEO TIE kids

prints for each voice and emotion the measured change from the same sentence said neutrally (mean
over sentences), with the table's number beside it where the table has one. Below stands how well a
simple classifier tells six emotions apart: nearest class mean over seven measures, trained for
each voice on all sentences but the one it is tried on, which it sees without its neutral version.
It has no say in how speech is made, and says nothing of what listeners hear.
"""

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from stimuli.voices.acoustics import Acoustics, Change, change, mean_change, measure
from stimuli.voices.profiles import BASIC, PROFILES
from stimuli.voices.prosody import Delivery, with_emotion
from stimuli.voices.speech import Speech
from stimuli.voices.targets import off_target

SIX = ("happy", "sad", "angry", "fearful", "disgusted", "surprised")
SEEN = ("f0_st", "f0_range", "f0_end", "syllable_rate", "level", "alpha", "hnr")

Measured = Mapping[str, Mapping[str, Acoustics]]  # emotion -> sentence -> measures


def measured(
    sentences: Iterable[Speech],
    emotions: Iterable[str] = BASIC,
    m: float = 1.0,
    delivery: Delivery | None = None,
) -> dict[str, dict[str, Acoustics]]:
    """Measures of each sentence of one voice said in each emotion at strength m."""
    found: dict[str, dict[str, Acoustics]] = {emotion: {} for emotion in emotions}
    for speech in sentences:
        for emotion, by_sentence in found.items():
            by_sentence[speech.sentence] = measure(with_emotion(speech, emotion, m, delivery))
    return found


def changes(found: Measured) -> dict[str, Change]:
    """For each emotion the mean change of the sentences from themselves said neutrally."""
    neutral = found["neutral"]
    return {
        emotion: mean_change([change(now, neutral[s]) for s, now in by_sentence.items()])
        for emotion, by_sentence in found.items()
    }


def told_apart(found: Measured, emotions: Sequence[str] = SIX) -> np.ndarray:
    """Confusions (E, E) in counts: row said, column chosen by the classifier of this module."""
    sentences = list(found[emotions[0]])
    x = np.array(
        [[[getattr(found[e][s], name) for name in SEEN] for s in sentences] for e in emotions]
    )  # (E, S, 7)
    confusion = np.zeros((len(emotions), len(emotions)), int)
    for left_out in range(len(sentences)):
        kept = np.delete(x, left_out, axis=1)
        means = kept.mean(axis=1)  # (E, 7)
        within = np.sqrt(((kept - means[:, None]) ** 2).mean(axis=(0, 1))) + 1e-6
        away = ((x[:, left_out][:, None] - means[None]) / within) ** 2  # (E, E, 7)
        for said, chosen in enumerate(away.sum(axis=2).argmin(axis=1)):
            confusion[said, chosen] += 1
    return confusion


def report(voice: str, found: Measured) -> Table:
    """Measured / table for one voice; what is off target is marked with !."""
    columns = ["emotion", "F0 x", "range x", "rate x", "level dB", "tilt dB/oct", "HNR dB"]
    columns.append("end st")
    table = Table(*columns, title=f"voice {voice}: measured / table, against neutral")
    for emotion, mean in changes(found).items():
        profile = PROFILES[emotion]
        off = off_target(mean, emotion)
        cells = [
            f"{getattr(mean, name):.2f} / {getattr(profile, name):.2f}{' !' * (name in off)}"
            for name in ("f0", "f0_range", "rate")
        ]
        cells += [
            f"{getattr(mean, name):+.1f} / {getattr(profile, name):+.1f}{' !' * (name in off)}"
            for name in ("level", "tilt")
        ]
        cells += [f"{value:+.1f}" for value in (mean.hnr, mean.f0_end)]
        table.add_row(emotion, *cells)
    return table


def main(
    arguments: Sequence[str] | None = None, load: Callable[[str, str], Speech] | None = None
) -> None:
    """Print the tables of some voices of the cast."""
    if load is None:
        from stimuli.voices.library import load_speech as load
    parser = argparse.ArgumentParser(description="Measured prosody beside its table.")
    parser.add_argument("voices", nargs="+", help="actors, such as 01 02")
    parser.add_argument("--sentences", nargs="+", default=["IEO", "TIE", "IOM", "MTI", "kids"])
    chosen = parser.parse_args(arguments)
    console = Console(highlight=False)
    total = np.zeros((len(SIX), len(SIX)), int)
    for voice in chosen.voices:
        found = measured(load(voice, sentence) for sentence in chosen.sentences)
        console.print(report(voice, found))
        if len(chosen.sentences) > 1:
            total += told_apart(found)
    if total.any():
        console.print(confusions(total, "sentences not trained on"))


def confusions(counts: np.ndarray, title: str) -> Table:
    """A table of counts (6, 6): row said, column chosen."""
    right = np.trace(counts) / counts.sum()
    table = Table("said", *SIX, title=f"told apart, {title}: {right:.0%} (chance 17%)")
    for emotion, row in zip(SIX, counts, strict=True):
        table.add_row(emotion, *(str(count) for count in row))
    return table


if __name__ == "__main__":
    main()
