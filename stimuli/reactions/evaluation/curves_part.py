"""Curves of one clip: the speaker, true listeners, and what models make of it."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np

from models.reaction.attributes import ATTRIBUTES, RATE
from stimuli.context_faces.evaluation.part import Figure, Part
from stimuli.reactions.evaluation.held_out import Dyads
from stimuli.reactions.evaluation.measuring import SHOWN
from stimuli.reactions.evaluation.trained import BASES, Tried, Way

ROWS = ("valence", "arousal", "AU12", "AU4", "Happy")
METHODS = (("emc", "nothing"), ("none", "nothing"), ("emc", "everything"))
SPEAKER, TRUE = "#222222", "#999999"
COLOURS = ("#D55E00", "#0072B2", "#009E73")  # Okabe & Ito (2008)
WIDTH, HEIGHT, DPI = 3.6, 1.35, 150


def curves_part(tried: Tried, dyads: Dyads) -> Part:
    """A figure for each base."""
    figures = [_figure(base, tried, dyads) for base in BASES
               if any(Way(base, *method) in tried for method in METHODS)]  # fmt: skip
    return Part(
        "Reactions to one clip",
        [
            f"The clip whose speaker changes most in valence (number {dyads.shown}). Black: the "
            f"speaker; first column: {SHOWN} true listeners; then {SHOWN} reactions of the first "
            "training.",
            *figures,
        ],
    )


def _figure(base: str, tried: Tried, dyads: Dyads) -> Figure:
    columns = {"true listeners": dyads.truths[dyads.shown][:SHOWN]}
    for framework, missing in METHODS:
        way = Way(base, framework, missing)
        if way in tried:
            columns[way.method] = next(iter(tried[way].values())).shown
    seconds = np.arange(dyads.face.shape[1]) / RATE
    drawing, panels = _panels(len(ROWS), len(columns))
    for across, (title, reactions) in enumerate(columns.items()):
        panels[0][across].set_title(title, fontsize=9)
        for down, name in enumerate(ROWS):
            axes, at = panels[down][across], ATTRIBUTES.index(name)
            axes.plot(seconds, dyads.face[dyads.shown, :, at], color=SPEAKER, lw=0.7)
            for curve, colour in zip(reactions[..., at], COLOURS, strict=False):
                axes.plot(seconds, curve, color=colour, lw=1)
            axes.set_ylim((-1, 1) if name in ("valence", "arousal") else (0, 1))
            axes.tick_params(labelsize=7)
            if not across:
                axes.set_ylabel(name, fontsize=8)
        panels[-1][across].set_xlabel("seconds", fontsize=8)
    file = BytesIO()
    drawing.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return Figure(
        f"curves_{base}",
        f"{BASES[base]}: {', '.join(columns)}. Black: the speaker.",
        file.getvalue(),
        f"Curves of {', '.join(ROWS)} over {seconds[-1]:.0f} seconds.",
    )


def _panels(down: int, across: int) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Drawing

    drawing: Any = Drawing(figsize=(across * WIDTH, down * HEIGHT), layout="constrained")
    FigureCanvasAgg(drawing)
    panels = drawing.subplots(down, across, squeeze=False, sharex=True, sharey="row")
    for axes in panels.ravel():
        axes.spines[["top", "right"]].set_visible(False)
    return drawing, panels
