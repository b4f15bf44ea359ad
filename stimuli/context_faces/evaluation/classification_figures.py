"""Figures 4 and 5 of the paper: confusion matrices, and latents on a plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np

# Okabe & Ito (2008), which colour-blind readers can tell apart; classes differ in shape too
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8a8a8a")
SHAPES = "os^DvPXh"
PANEL, DPI = 3.4, 160  # inches of a panel; dots per inch
DARK = 0.6  # share of a row above which its number is white


def confusion_panels(shares: Mapping[str, np.ndarray], emotions: Sequence[str]) -> bytes:
    """Title -> shares (K, K) of each true class (row) that were given each class, as PNG."""
    figure = _figure(len(shares), 0.6)
    panels = figure.subplots(1, len(shares), squeeze=False)[0]
    for axes, (title, matrix) in zip(panels, shares.items(), strict=True):
        axes.imshow(matrix, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(*matrix.shape):
            value = matrix[row, column]
            axes.text(column, row, f"{100 * value:.0f}", ha="center", va="center", fontsize=8,
                      color="white" if value > DARK else "black")  # fmt: skip
        axes.set_xticks(range(len(emotions)), emotions, rotation=45, ha="right")
        axes.set_yticks(range(len(emotions)), emotions)
        axes.set_title(title, fontsize=9)
        axes.set(xlabel="Predicted", ylabel="True")
    return _png(figure)


def planes(points: Mapping[str, np.ndarray], emotion: np.ndarray, emotions: Sequence[str]) -> bytes:
    """Title -> points (N, 2), coloured and shaped by their class (N,), as PNG."""
    figure = _figure(len(points), 0.4)
    panels = figure.subplots(1, len(points), squeeze=False)[0]
    for axes, (title, y) in zip(panels, points.items(), strict=True):
        for number, word in enumerate(emotions):
            own = y[emotion == number]
            look = {"color": COLOURS[number % len(COLOURS)], "marker": SHAPES[number % len(SHAPES)]}
            axes.scatter(own[:, 0], own[:, 1], s=9, lw=0, alpha=0.8, label=word, **look)
        axes.set_title(title, fontsize=9)
        axes.set(xticks=[], yticks=[])
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False,
                  markerscale=2, fontsize=8)  # fmt: skip
    return _png(figure)


def _figure(panels: int, more: float) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(PANEL * panels, PANEL + more), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Any) -> bytes:
    file = BytesIO()
    figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return file.getvalue()
