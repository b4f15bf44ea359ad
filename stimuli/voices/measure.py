"""What a recogniser hears, voice by voice: `python -m stimuli.voices.measure [ACTOR ...]`.

Prints a line per source and actor: word accuracy over all sentences (PocketSphinx with its general
model of English, no hints; 1 less the word error rate), median F0, mean duration and loudness, HNR,
and the sentences with a word wrong. A comparison of voices, not what people understand.
"""

import sys

import numpy as np

from stimuli.actors.cast import load_cast
from stimuli.voices.alignment import heard, words_right
from stimuli.voices.library import load_speech, voice_of
from stimuli.voices.loudness import lufs
from stimuli.voices.pitch import track
from stimuli.voices.recordings import load_recording, table
from stimuli.voices.sentences import SENTENCES
from stimuli.voices.speech import Speech


def main(actors: list[str] | None = None) -> None:
    """Print the table of the sources, then of these actors (the whole cast)."""
    for source in table()["sources"]:
        say_line(source, [load_recording(source, code) for code in SENTENCES])
    for actor in actors or [person.id for person in load_cast()]:
        name = f"actor {actor} ({voice_of(actor).source})"
        say_line(name, [load_speech(actor, code) for code in SENTENCES])


def median_f0(speech: Speech) -> float:
    """Median F0 of voiced frames, in Hz."""
    f0 = track(speech.samples, speech.rate).f0
    return float(np.median(f0[f0 > 0]))


def say_line(name: str, spoken: list[Speech]) -> None:
    """One line of the table."""
    counts = [words_right(s.text, heard(s)) for s in spoken]
    right, words = map(sum, zip(*counts, strict=True))
    wrong = {s.sentence: f"{r}/{n}" for s, (r, n) in zip(spoken, counts, strict=True) if r < n}
    f0 = np.median([median_f0(s) for s in spoken])
    seconds = np.mean([s.duration for s in spoken])
    level = np.mean([lufs(s.samples, s.rate) for s in spoken])
    hnr = np.mean([np.nanmean(track(s.samples, s.rate).hnr) for s in spoken])
    missed = " ".join(f"{code} {score}" for code, score in wrong.items())
    sys.stdout.write(
        f"{name:14} words {right / words:.2f}  F0 {f0:5.1f} Hz  {seconds:.2f} s  "
        f"{level:.1f} LUFS  HNR {hnr:.0f} dB  {missed}\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
