"""The cast as speakers, beside people: F0, formants and loudness of every neutral sentence.

    python -m stimuli.voices.speakers [ACTOR ...] [--sentences 14]

Prints, by gender, the formants of each vowel (mean over actors, least and most) beside Hillenbrand
et al. (1995), and F0 by gender and decade beside Hollien & Shipp (1972) and Stoicheff (1981), as
`norms` has them; then the spread of loudness and RMS over actors. Formants follow `formants`: the
median of each vowel over an actor's sentences.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from stimuli.actors.cast import load_cast
from stimuli.voices.acoustics import measure
from stimuli.voices.formants import formants, tract_scale
from stimuli.voices.library import load_speech, voice_of
from stimuli.voices.norms import F0_SD, FORMANTS, mean_f0
from stimuli.voices.sentences import SENTENCES

DECADE = 10  # years


@dataclass(frozen=True)
class Speaker:
    """One actor's neutral voice: means over sentences."""

    actor: str
    source: str
    gender: str
    age: float
    f0: float  # Hz, geometric mean
    found: dict[str, list[tuple[float, float, float]]]  # F1 to F3 (Hz) of each vowel, each time
    loudness: list[float]  # LUFS of each sentence
    level: list[float]  # dB, RMS of each sentence while speaking

    @property
    def off(self) -> float:
        """Semitones of F0 above the mean of people of this gender and age."""
        return float(12 * np.log2(self.f0 / mean_f0(self.gender, self.age)))


def speaker(actor: str, gender: str, age: float, codes: Iterable[str]) -> Speaker:
    """An actor's sentences, measured."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    measures = []
    for code in codes:
        said = load_speech(actor, code)
        measures.append(measure(said))
        for vowel, each in formants(said, gender).items():
            found.setdefault(vowel, []).extend(each)
    f0 = float(100 * 2 ** (np.mean([one.f0_st for one in measures]) / 12))
    loudness, level = ([getattr(m, name) for m in measures] for name in ("loudness", "level"))
    return Speaker(actor, voice_of(actor).source, gender, age, f0, found, loudness, level)


def by_vowel(speakers: Sequence[Speaker], gender: str) -> Table:
    """F1 to F3 of each vowel: mean of the actors' medians (least to most), and the norm."""
    own = [one for one in speakers if one.gender == gender]
    table = Table("vowel", "F1", "norm", "F2", "norm", "F3", "norm", title=f"{gender}, Hz")
    for vowel, norm in FORMANTS[gender].items():
        medians = [np.median(one.found[vowel], axis=0) for one in own if vowel in one.found]
        if not medians:
            table.add_row(vowel, *["-"] * 6)
            continue
        cells = []
        for formant, wanted in zip(np.array(medians).T, norm, strict=True):
            cells += [
                f"{formant.mean():.0f} ({formant.min():.0f}-{formant.max():.0f})",
                str(wanted),
            ]
        table.add_row(vowel, *cells)
    return table


def by_decade(speakers: Sequence[Speaker]) -> Table:
    """F0 by gender and decade: actors, their mean, least and most, and what people have."""
    table = Table("gender", "ages", "actors", "F0 Hz", "least", "most", "norm", "off by st")
    cells: dict[tuple[str, int], list[Speaker]] = {}
    for one in speakers:
        cells.setdefault((one.gender, int(one.age // DECADE)), []).append(one)
    for (gender, decade), own in sorted(cells.items()):
        f0 = np.array([one.f0 for one in own])
        norm = np.exp(np.mean([np.log(mean_f0(gender, one.age)) for one in own]))
        off = np.array([one.off for one in own])
        table.add_row(
            gender, f"{decade * DECADE}-{decade * DECADE + 9}", str(len(own)),
            f"{np.exp(np.log(f0).mean()):.0f}", f"{f0.min():.0f}", f"{f0.max():.0f}",
            f"{norm:.0f}", f"{off.mean():+.1f} (SD {off.std():.1f})",
        )  # fmt: skip
    return table


def by_source(speakers: Sequence[Speaker]) -> Table:
    """Length of the vocal tract (as formants against the norm), F0 and level by source."""
    table = Table("source", "formants x norm", "F0 off st", "LUFS (SD)", "RMS dB (SD)")
    for source in sorted({one.source for one in speakers}):
        own = [one for one in speakers if one.source == source]
        scale = np.array([tract_scale(one.found, one.gender) for one in own])
        off = np.array([one.off for one in own])
        loud, level = (np.array([getattr(one, n) for one in own]) for n in ("loudness", "level"))
        table.add_row(
            source,
            f"{scale.mean():.3f} ({scale.min():.3f}-{scale.max():.3f})",
            f"{off.mean():+.1f} ({off.min():+.1f} to {off.max():+.1f})",
            f"{loud.mean():.2f} ({loud.std():.2f})",
            f"{level.mean():.1f} ({level.std():.1f})",
        )
    return table


def spread(speakers: Sequence[Speaker]) -> list[str]:
    """Lines on F0 and on level between actors and between sentences."""
    lines = []
    within = np.mean([abs(one.off) < 2 * F0_SD for one in speakers])
    lines.append(
        f"F0 within 2 SD ({2 * F0_SD:g} st) of people of that gender and age: {within:.0%}"
    )
    for name, unit in (("loudness", "LUFS"), ("level", "dB RMS")):
        x = np.array([getattr(one, name) for one in speakers])
        actors = x.mean(axis=1)
        lines.append(
            f"{name}: {x.mean():.2f} {unit}; all sentences SD {x.std():.2f}, "
            f"{x.min():.2f} to {x.max():.2f}; means of actors SD {actors.std():.2f}, "
            f"{actors.min():.2f} to {actors.max():.2f}"
        )
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="The voices of the cast beside people's.")
    parser.add_argument("actors", nargs="*", help="such as 01 02; all without")
    parser.add_argument("--sentences", type=int, default=len(SENTENCES), help="of each actor")
    chosen = parser.parse_args(arguments)
    codes = list(SENTENCES)[: chosen.sentences]
    people = [p for p in load_cast() if not chosen.actors or p.id in chosen.actors]
    speakers = [speaker(p.id, p.gender, p.age, codes) for p in people]
    console = Console(highlight=False, width=120)
    for gender in sorted({one.gender for one in speakers}):
        console.print(by_vowel(speakers, gender))
    console.print(by_decade(speakers))
    console.print(by_source(speakers))
    for line in spread(speakers):
        console.print(line)


if __name__ == "__main__":
    main()
