"""How many words an offline recogniser hears, actor by actor and emotion by emotion.

    python -m stimuli.voices.intelligibility [ACTOR ...] [--each 2] [--neutral 14] [--csv FILE]

Word accuracy (1 less the word error rate) of PocketSphinx with its general model of English and no
hints: all 14 sentences said neutrally, and `each` of them in every emotion at m = 1 and m = .5,
taken in turn so that every sentence is said equally often. It compares voices and deliveries; it
is not what people understand, and no listener has rated them. An actor's words stand beside those
that others of the same source have in the same sentences, which differ more than actors do.
"""

import argparse
import csv
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from rich.console import Console
from rich.table import Table

from stimuli.actors.cast import load_cast
from stimuli.voices.alignment import heard, words_right
from stimuli.voices.library import load_speech, voice_of
from stimuli.voices.profiles import BASIC
from stimuli.voices.prosody import with_emotion
from stimuli.voices.sentences import SENTENCES

# Ours: what the unchanged recordings of human-made voices reach here (.92 to .97), less the tenth
# that another timbre costs and the tenth that an emotion at full strength may cost more.
TARGETS = {"neutral": 0.80, 0.5: 0.80, 1.0: 0.72}
LESS = 0.1  # of the words: an actor this far below others with the same sentences is marked


@dataclass(frozen=True)
class Heard:
    """Words right of the words said, by one actor in one delivery."""

    actor: str
    source: str
    gender: str
    emotion: str
    m: float  # 0 for neutral
    sentence: str
    right: int
    words: int
    heard: str


def listen_to(
    actors: Sequence[str],
    emotions: Iterable[str],
    each: int,
    strengths: Sequence[float],
    neutral: int = len(SENTENCES),
) -> Iterable[Heard]:
    """Every delivery of the table, heard once; actors take turns, so a part is a fair sample."""
    genders = {person.id: person.gender for person in load_cast()}
    cells = [(e, m) for e in emotions if e != "neutral" for m in strengths]
    plans = []
    for actor in actors:
        first = [person.id for person in load_cast()].index(actor)
        codes = _from(list(SENTENCES), 3 * first)
        plain = [(actor, "neutral", 0.0, code) for code in codes[:neutral]]
        moved = [
            (actor, *cell, codes[n % len(codes)])
            for n, cell in enumerate(cell for cell in _from(cells, first) for _ in range(each))
        ]
        turns = zip_longest(plain, moved)
        plans.append([said for turn in turns for said in turn if said is not None])
    for turn in zip_longest(*plans):
        for actor, emotion, m, code in (said for said in turn if said is not None):
            speech = load_speech(actor, code)
            if m:
                speech = with_emotion(speech, emotion, m)
            words = heard(speech)
            score = words_right(speech.text, words)
            source = voice_of(actor).source
            yield Heard(actor, source, genders[actor], emotion, m, code, *score, words)


def _from(values: list, start: int) -> list:
    """The values from place `start` on, and then those before it."""
    start %= max(len(values), 1)
    return values[start:] + values[:start]


def accuracy(rows: Iterable[Heard]) -> float:
    """Words right over words said; nan for no rows."""
    rows = list(rows)
    words = sum(row.words for row in rows)
    return sum(row.right for row in rows) / words if words else float("nan")


def expected(rows: Sequence[Heard], actor: str) -> float:
    """Words right that others of the actor's source have in the sentences that the actor said.

    Sentences differ far more than actors: one who said three hard ones is not hard to understand.
    Sentences that no other actor of the source said are left out; nan if that leaves none.
    """
    said = [row for row in rows if row.actor == actor]
    shares, words = [], []
    for row in said:
        share = accuracy(
            other
            for other in rows
            if (other.source, other.sentence) == (row.source, row.sentence) and other.actor != actor
        )
        if share == share:
            shares.append(share * row.words)
            words.append(row.words)
    return sum(shares) / sum(words) if words else float("nan")


def by_actor(rows: Sequence[Heard]) -> Table:
    """Words right of each actor: neutral, at each strength, and all beside what is expected."""
    heads = ["actor", "source", "neutral", "m .5", "m 1", "words", "all", "expected"]
    table = Table(*heads, title=f"words right, with ! where {LESS:g} below what is expected")
    for actor in sorted({row.actor for row in rows}):
        own = [row for row in rows if row.actor == actor]
        shares = [accuracy(r for r in own if r.m == m) for m in (0.0, 0.5, 1.0)]
        usual = expected(rows, actor)
        table.add_row(
            f"{actor} {own[0].gender}",
            own[0].source,
            *(f"{share:.2f}" for share in shares),
            str(sum(row.words for row in own)),
            marked(accuracy(own), usual - LESS),
            f"{usual:.2f}",
        )
    return table


def by_emotion(rows: Sequence[Heard]) -> Table:
    """Words right of each emotion at each strength, and of each source."""
    sources = sorted({row.source for row in rows})
    table = Table(
        "emotion", "m", "all", *sources, "target", title="words right, with ! below target"
    )
    for emotion, m in sorted({(row.emotion, row.m) for row in rows}):
        own = [row for row in rows if (row.emotion, row.m) == (emotion, m)]
        target = TARGETS[m or "neutral"]
        shares = [accuracy(own)]
        shares += [accuracy(r for r in own if r.source == source) for source in sources]
        table.add_row(emotion, f"{m:g}", *(marked(x, target) for x in shares), f"{target:.2f}")
    return table


def marked(share: float, target: float) -> str:
    """A share with two digits, and ! where it lies below its target."""
    return f"{share:.2f}{' !' * (share < target)}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="Words that an offline recogniser hears.")
    parser.add_argument("actors", nargs="*", help="such as 01 02; all without")
    parser.add_argument("--each", type=int, default=2, help="sentences per emotion and strength")
    parser.add_argument("--neutral", type=int, default=len(SENTENCES), help="neutral sentences")
    parser.add_argument("--m", type=float, nargs="+", default=[0.5, 1.0], help="strengths")
    parser.add_argument("--emotions", nargs="+", default=BASIC)
    parser.add_argument("--csv", type=Path, help="every delivery, a row each")
    chosen = parser.parse_args(arguments)
    actors = chosen.actors or [person.id for person in load_cast()]
    rows = []
    with (chosen.csv or Path(os.devnull)).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(Heard.__dataclass_fields__)
        for row in listen_to(actors, chosen.emotions, chosen.each, chosen.m, chosen.neutral):
            rows.append(row)
            writer.writerow(vars(row).values())
            file.flush()  # it runs for an hour: what is done can be read
    console = Console(highlight=False)
    console.print(by_emotion(rows))
    console.print(by_actor(rows))


if __name__ == "__main__":
    main()
