"""Are emotions told apart by their acoustics, also in sentences and voices never heard before?

    python -m stimuli.voices.separation [ACTOR ...] [--m 1] [--equal-loudness]

Linear discriminant analysis (Fisher, 1936) on seven functionals of each sentence, as they are: no
speaker's neutral voice is known to it. Every actor says two sentences in six emotions, one of the
first and one of the last seven. Two schemes are printed as confusion matrices:
    new sentences           trained on all actors' first sentences, tried on their last ones
    new sentences, actors   trained on half of the actors (first sentences), tried on the others
It says nothing of what listeners hear.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console

from stimuli.actors.cast import load_cast
from stimuli.voices.acoustics import Acoustics
from stimuli.voices.library import load_speech
from stimuli.voices.prosody import Delivery
from stimuli.voices.prosody_check import SEEN, SIX, confusions, measured
from stimuli.voices.sentences import two_sentences

SHRINK = 0.05  # of the covariance's mean variance, added to its diagonal

Voices = Mapping[str, Mapping[str, Mapping[str, Acoustics]]]  # actor -> emotion -> sentence


@dataclass(frozen=True, eq=False)
class Discriminant:
    """Class means (K, D) and the whitener (D, D) of their common covariance."""

    means: np.ndarray
    whiten: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The class (N,) of each row of x (N, D): the nearest mean, all equally likely."""
        away = (x[:, None, :] - self.means[None]) @ self.whiten  # (N, K, D)
        return (away**2).sum(axis=2).argmin(axis=1)


def train(x: np.ndarray, y: np.ndarray) -> Discriminant:
    """Linear discriminant analysis of rows x (N, D) of classes y (N,) in 0 to K - 1."""
    means = np.stack([x[y == k].mean(axis=0) for k in range(int(y.max()) + 1)])
    scale = (x - means[y]).std(axis=0) + 1e-9
    rest = (x - means[y]) / scale
    covariance = rest.T @ rest / len(x) + SHRINK * np.eye(x.shape[1])
    values, vectors = np.linalg.eigh(covariance)
    return Discriminant(means, (vectors / np.sqrt(values)) / scale[:, None])


def confusion(voices: Voices, *, new_actors: bool) -> np.ndarray:
    """Confusions (6, 6) in counts of either scheme."""
    actors = list(voices)
    # Neighbours in the cast differ in gender, and four in a row have all sources.
    half = [actor for place, actor in enumerate(actors) if place // 4 % 2 == 0]
    others = [actor for actor in actors if actor not in half]
    pairs = [(half, others), (others, half)] if new_actors else [(actors, actors)]
    counts = np.zeros((len(SIX), len(SIX)), int)
    for teachers, speakers in pairs:
        x, y = _rows(voices, teachers, 0)
        tried, said = _rows(voices, speakers, 1)
        np.add.at(counts, (said, train(x, y)(tried)), 1)
    return counts


def _rows(voices: Voices, actors: Sequence[str], which: int) -> tuple[np.ndarray, np.ndarray]:
    rows, classes = [], []
    for actor in actors:
        for k, emotion in enumerate(SIX):
            sentence = list(voices[actor][emotion])[which]
            rows.append([getattr(voices[actor][emotion][sentence], name) for name in SEEN])
            classes.append(k)
    return np.array(rows), np.array(classes)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both matrices."""
    parser = argparse.ArgumentParser(description="Six emotions told apart by their acoustics.")
    parser.add_argument("actors", nargs="*", help="such as 01 02; all without")
    parser.add_argument("--m", type=float, default=1.0)
    parser.add_argument("--equal-loudness", action="store_true")
    chosen = parser.parse_args(arguments)
    ids = [person.id for person in load_cast()]
    delivery = Delivery(loudness="equal" if chosen.equal_loudness else "natural")
    voices = {
        actor: measured(
            [load_speech(actor, code) for code in two_sentences(ids.index(actor))],
            SIX,
            chosen.m,
            delivery,
        )
        for actor in chosen.actors or ids
    }
    console = Console(highlight=False)
    for title, new in (("new sentences", False), ("new sentences, new actors", True)):
        console.print(confusions(confusion(voices, new_actors=new), title))


if __name__ == "__main__":
    main()
