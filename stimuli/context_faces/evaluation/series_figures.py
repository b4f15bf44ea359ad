"""Figures of faces that pass the networks: reconstructions, m series, valence over m."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO

import numpy as np
import pandas as pd
from PIL import Image

from stimuli.contact_sheet import sheet
from stimuli.context_faces.evaluation.series import LEVELS
from stimuli.context_faces.poses import EMOTIONS
from stimuli.media import encode_png

# Okabe & Ito (2008), which colour-blind readers can tell apart; neutral is black
COLOURS = dict(zip(EMOTIONS, ("#000000", "#E69F00", "#0072B2", "#D55E00", "#CC79A7", "#009E73",
                              "#56B4E9"), strict=True))  # fmt: skip
SHAPES = dict(zip(EMOTIONS, "os^DvPX", strict=True))
SHOWN = 8  # actors of the figure of reconstructions
WIDTH, HEIGHT, DPI = 3.4, 3.4, 160  # of one panel, inches
CREDIT = "synthetic faces made with mien"


def reconstructions(
    names: Sequence[str], faces: np.ndarray, made: np.ndarray, changed: np.ndarray
) -> bytes:
    """Originals (A, E, S, S, 3), below each actor's what a decoder makes, and changes, as PNG."""
    rows = np.linspace(0, len(names) - 1, min(SHOWN, len(names))).round().astype(int)
    pictures = {}
    for a in rows:
        for e, emotion in enumerate(EMOTIONS):
            pictures[names[a], emotion] = faces[a, e]
            pictures[f"{names[a]} decoded", emotion] = made[a, e]
            pictures[f"{names[a]} changed", emotion] = changed[a, e]
    return _png(sheet(pictures, EMOTIONS))


def series_sheet(names: Sequence[str], pictures: np.ndarray, contexts: Sequence[str]) -> bytes:
    """One row for each actor, for each of two or three contexts its levels of m, as PNG.

    pictures: (A, S, E, L, S, S, 3); the first sentence is shown, and m = 0 once.
    """
    shown, columns = {}, ["m 0"]
    for context in contexts:
        columns += [f"{context}\n{m:g}" for m in LEVELS[1:]]
    for a, name in enumerate(names):
        shown[name, "m 0"] = pictures[a, 0, 0, 0]
        for context in contexts:
            for i, m in enumerate(LEVELS[1:], 1):
                shown[name, f"{context}\n{m:g}"] = pictures[a, 0, EMOTIONS.index(context), i]
    return _png(sheet(shown, columns))


def valence_over_m(tables: Mapping[str, pd.DataFrame], true: np.ndarray) -> bytes:
    """Mean valence over m for each context, one panel for each way, as PNG.

    tables: name -> `series.by_level`; true: mean valence (E,) of true pictures, drawn as dashes at
    the right edge. Bands are 95 % over actors.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH * len(tables) + 1.1, HEIGHT), layout="constrained")
    panels = figure.subplots(1, len(tables), sharey=True, squeeze=False)[0]
    for axes, (name, table) in zip(panels, tables.items(), strict=True):
        for e, context in enumerate(EMOTIONS):
            of = table[table["context"] == context]
            axes.fill_between(of["m"], of["valence_low"], of["valence_high"], lw=0, alpha=0.15,
                              color=COLOURS[context])  # fmt: skip
            axes.plot(of["m"], of["valence"], color=COLOURS[context], marker=SHAPES[context],
                      ms=4, lw=1.4, label=context)  # fmt: skip
            axes.plot([1.04, 1.12], 2 * [true[e]], color=COLOURS[context], lw=2)
        axes.set(title=name, xlabel="m", xticks=LEVELS, xlim=(-0.05, 1.14))
        axes.spines[["top", "right"]].set_visible(False)
        axes.axhline(0, color="#cccccc", lw=0.8, zorder=0)
    panels[0].set_ylabel("Judge's valence (-1 to 1)")
    panels[-1].legend(
        title="Voice", frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.02, 0.5)
    )
    FigureCanvasAgg(figure)
    file = BytesIO()
    figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return file.getvalue()


def _png(page: Image.Image) -> bytes:
    return encode_png(np.asarray(page), CREDIT)
