"""Deal timbres that are told apart: half from a network, half from a statistical voice.

Both genders get the same share of either technology, so that the sound of the synthesiser does not
tell the gender. Within a gender, of many draws the one least like all voices so far is taken.
"""

from typing import Any

import numpy as np

ACTORS = 52  # odd numbers male, even numbers female, as in the cast
CANDIDATES = 200
SEED = 20
# What differs between the people of one gender: least and most.
SPREAD = {
    "pitch": (-2.0, 2.0),  # semitones
    "formants": (-0.04, 0.04),  # around the source's middle, as a share
    "rate": (0.88, 1.04),
    "range": (0.85, 1.25),
    "tilt": (-1.5, 1.5),  # dB per octave
}
# How much a difference of the whole spread counts for telling voices apart: pitch and vocal tract
# most (Baumann & Belin, 2010, Psychol. Res. 74, 110).
WEIGHT = {"pitch": 1.0, "formants": 1.0, "rate": 0.5, "range": 0.3, "tilt": 0.5}
# Gender -> its two sources, with the formants that make them adults of that gender.
SOURCES = {
    "male": (("joe", 1.0), ("rms", 1.0)),
    "female": (("slt", 0.92), ("heart", 1.0)),
}


def deal_timbres(seed: int = SEED) -> dict[str, dict[str, Any]]:
    """Actor id ("01" to "52") -> gender, source and timbre without age."""
    rng = np.random.default_rng(seed)
    taken: dict[str, list[np.ndarray]] = {"male": [], "female": []}
    actors = {}
    for number in range(1, ACTORS + 1):
        gender = "male" if number % 2 else "female"
        source, formants = SOURCES[gender][(number - 1) // 2 % 2]
        draw = _furthest(rng.random((CANDIDATES, len(SPREAD))), taken[gender])
        taken[gender].append(draw)
        value = {
            name: float(low + share * (high - low))
            for share, (name, (low, high)) in zip(draw, SPREAD.items(), strict=True)
        }
        value["formants"] = formants * (1 + value["formants"])
        actors[f"{number:02d}"] = {"gender": gender, "source": source} | {
            name: round(number, 3) for name, number in value.items()
        }
    return actors


def _furthest(draws: np.ndarray, taken: list[np.ndarray]) -> np.ndarray:
    """The draw (D,) of draws (K, D) whose nearest neighbour among `taken` is furthest."""
    if not taken:
        return draws[0]
    weight = np.array(list(WEIGHT.values()))
    gaps = np.abs(draws[:, None, :] - np.stack(taken)[None]) * weight  # (K, N, D)
    return draws[np.sqrt((gaps**2).sum(axis=2)).min(axis=1).argmax()]
