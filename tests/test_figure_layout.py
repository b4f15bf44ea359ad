"""Figures hold words of any length: the layout is applied, and no text runs into the next panel."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from analysis.figures.bars import grouped_bars
from analysis.figures.charts import Picture
from analysis.figures.heatmaps import Panel, heatmaps
from analysis.figures.raters import correlations, disagreements, two_studies
from analysis.power.figure import power_curves

LONG = "audiovisual presentation of whispered speech with closed eyes"


def size(picture: Picture) -> tuple[int, int]:
    return Image.open(BytesIO(picture.png)).size


def test_titles_of_power_curves_are_broken_into_lines():
    table = pd.DataFrame({"participants": [20, 40], "items": 8, "power": [0.4, 0.8],
                          "low": [0.3, 0.7], "high": [0.5, 0.9]})  # fmt: skip
    short = power_curves([("happy − angry\nassumed: 0.5", table)] * 3)
    long = power_curves([(f"{LONG} − {LONG} at m = 0.5\nassumed: 0.5", table)] * 3)
    assert size(long)[0] == size(short)[0]
    assert size(long)[1] > size(short)[1]  # room for the lines, so that the curves keep theirs


def test_pictures_of_stimuli_keep_their_size_above_long_words():
    """The layout gave up where the words were wider than the picture above them."""
    face = Image.fromarray(np.full((64, 64, 3), 200, np.uint8))
    short = disagreements([(face, "stim-001\npeople 5.0, model 6.0")] * 4)
    long = disagreements([(face, f"{LONG}\npeople {LONG}, model {LONG} (40 %)")] * 4)
    greys = [np.asarray(Image.open(BytesIO(one.png)).convert("L")) for one in (short, long)]
    areas = [int((grey == 200).sum()) for grey in greys]
    assert areas[1] == pytest.approx(areas[0], rel=0.2)


@pytest.mark.parametrize("levels", [1, 3])
def test_two_studies_are_drawn_for_any_number_of_levels(levels):
    columns = {f"{name}{end}": 0.1 * i for name in ("here", "there", "difference")
               for i, end in enumerate(("_low", "", "_high"))}  # fmt: skip
    table = pd.DataFrame({"at": [f"{LONG} {i}"[:12] for i in range(levels)], **columns,
                          "low90": 0.02, "high90": 0.18})  # fmt: skip
    assert size(two_studies(table, (LONG, "there"), "happy minus angry", "m", 0.3))[0] > 1000


def test_matrices_bars_and_correlations_hold_long_words():
    named = [(f"{LONG} {i}", f"{LONG} {j}", 1 / 7) for i in range(2) for j in range(7)]
    cells = pd.DataFrame(named, columns=["level", "option", "share"])
    assert size(heatmaps([Panel(LONG, cells, {})] * 4, "emotion"))[1] > 500
    bars = cells.assign(low=0.1, high=0.2, count=3)
    assert size(grouped_bars(bars, legend="method", x="x", y="y", numbers="count"))[1] > 500
    assert size(correlations([(LONG, 0.5, 0.3, 0.7)], 0.9))[1] > 200
