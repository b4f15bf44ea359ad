"""The six numbers, and which way they point."""

from __future__ import annotations

from typing import NamedTuple


class Scores(NamedTuple):
    """The six measures of Hu et al. (2024), table 1; `react2024` and `corrected` say what of.

    Attributes:
        frcorr: appropriateness, higher is better.
        frdist: appropriateness, lower is better.
        frdiv: diversity of the samples of a clip, higher is more.
        frvar: movement within a sample, higher is more.
        frdvs: diversity between clips, higher is more.
        frsyn: lag in frames, lower is more synchronous.
    """

    frcorr: float
    frdist: float
    frdiv: float
    frvar: float
    frdvs: float
    frsyn: float


NAMES = {"frcorr": "FRCorr", "frdist": "FRDist", "frdiv": "FRDiv", "frvar": "FRVar",
         "frdvs": "FRDvs", "frsyn": "FRSyn"}  # fmt: skip
LOWER = ("frdist", "frsyn")  # lower is better; of the others higher
