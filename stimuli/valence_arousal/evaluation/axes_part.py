"""Moving along one axis: the judged value of that axis should rise, that of the other stay.

Curves are means over actors, each counted once, of judged values (…, 7, 2) along a line of the
grid: one axis goes through its seven levels, the other is fixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stimuli.context_faces.evaluation.part import Figure, Part, Table
from stimuli.context_faces.evaluation.resampling import interval
from stimuli.talking_faces.evaluation.averages import Mean
from stimuli.valence_arousal.evaluation.means import by_actor, estimate
from stimuli.valence_arousal.evaluation.measuring import Record
from stimuli.valence_arousal.evaluation.places import AXES, GRID, LEVELS, line

MOST_OTHER = 1 / 3  # of the change of the axis that is moved along
WIDTH, DPI = 3.5, 160  # inches of a panel
COLOURS = {"valence": "#D55E00", "arousal": "#0072B2"}  # Okabe & Ito (2008)


class Line(NamedTuple):
    """What happens along a line.

    Attributes:
        own, other: (7,) mean judged value of the axis that is moved along, and of the other one.
    """

    own: np.ndarray
    other: np.ndarray

    @property
    def steps(self) -> np.ndarray:
        """What each step of .25 adds to the own value (6,)."""
        return np.diff(self.own)

    @property
    def rises(self) -> bool:
        """Whether every step goes up."""
        return bool((self.steps > 0).all())

    @property
    def ratio(self) -> float:
        """Range of the other value over the change of the own one from end to end."""
        return float(_ratio(np.stack([self.own, self.other], -1)[None])[0])


def axes_part(edited: Sequence[Record], true: Sequence[Record]) -> Part:
    """Lines of the plane, of edited and true pictures."""
    kinds = {"edited": edited, "true": true}
    return Part(
        "Moving along one axis",
        [
            "Means over actors of what the judges say along the lines of the grid. The other "
            "axis: its range (largest minus least of seven) over what the own value changes from "
            "end to end. The face of an actor is drawn at the label itself, so what true pictures "
            "do to the other axis is the judges' doing.",
            _table(kinds),
            _lines(kinds),
            _figure(kinds),
            _grids(kinds),
        ],
        headline(edited, true),
    )


def along(records: Sequence[Record], axis: int, other: float = 0.0) -> Line:
    """The line of an axis (0 valence, 1 arousal) with the other at a level."""
    curve = by_actor(records, lambda r: r.judged[line(axis, other)]).mean(0)
    return Line(curve[:, axis], curve[:, 1 - axis])


def other_over_own(records: Sequence[Record], axis: int, other: float = 0.0) -> Mean:
    """The ratio of a line, with its interval."""
    curves = by_actor(records, lambda r: r.judged[line(axis, other)][:, [axis, 1 - axis]])
    return estimate(curves, lambda drawn: _ratio(drawn.mean(1)))


def headline(edited: Sequence[Record], true: Sequence[Record]) -> list[str]:
    """The results in single sentences."""
    said = []
    for axis, name in enumerate(AXES):
        of, beside = along(edited, axis), along(true, axis)
        said.append(
            f"along {name}, the other at 0: judged {name} "
            f"{'rises at every step' if of.rises else 'does not rise at every step'} (least "
            f"{of.steps.min():+.3f}), from {of.own[0]:+.2f} to {of.own[-1]:+.2f} (true pictures "
            f"{beside.own[0]:+.2f} to {beside.own[-1]:+.2f}); {AXES[1 - axis]} changes "
            f"{other_over_own(edited, axis).words(2)} times as much (true "
            f"{other_over_own(true, axis).words(2)}), wanted less than {MOST_OTHER:.2f}"
        )
    return said


def _ratio(curves: np.ndarray) -> np.ndarray:
    """Ratios (draws,) of curves (draws, 7, 2): own, other."""
    change = np.abs(curves[:, -1, 0] - curves[:, 0, 0])
    span = np.ptp(curves[:, :, 1], axis=1)
    return np.divide(span, change, out=np.full(len(span), np.inf), where=change > 1e-12)


def _table(kinds: dict[str, Sequence[Record]]) -> Table:
    rows = []
    for kind, records in kinds.items():
        for axis, name in enumerate(AXES):
            of, ratio = along(records, axis), other_over_own(records, axis)
            every = [along(records, axis, level) for level in LEVELS]
            ratios = [one.ratio for one in every]
            rows.append({
                "pictures": kind, "moved along": name, "rises": of.rises,
                "least step": of.steps.min(), "change": of.own[-1] - of.own[0],
                "range of the other": np.ptp(of.other), "other / own": ratio.mean,
                "low": ratio.low, "high": ratio.high,
                "lines that rise": f"{sum(one.rises for one in every)} of {len(every)}",
                "other / own, median of lines": float(np.median(ratios)),
                "largest": max(ratios),
            })  # fmt: skip
    return Table(
        "axes", "The two lines through neutral, and all fourteen lines", pd.DataFrame(rows), 3,
        f"Wanted: rises, and other / own below {MOST_OTHER:.2f}. Largest: of seven lines.",
    )  # fmt: skip


def _lines(kinds: dict[str, Sequence[Record]]) -> Table:
    rows = []
    for kind, records in kinds.items():
        for axis, name in enumerate(AXES):
            for level in LEVELS:
                of = along(records, axis, level)
                rows.append({
                    "pictures": kind, "moved along": name, "the other at": f"{level:g}",
                    **{f"at {x:g}": y for x, y in zip(LEVELS, of.own, strict=True)},
                    "rises": of.rises, "other / own": of.ratio,
                })  # fmt: skip
    return Table("lines", "Mean judged value of the axis that is moved along", pd.DataFrame(rows))


def _figure(kinds: dict[str, Sequence[Record]]) -> Figure:
    drawing, panels = _panels(len(AXES), len(kinds), sharey=True)
    for row, name in zip(range(len(AXES)), AXES, strict=True):
        for axes, (kind, records) in zip(panels[row], kinds.items(), strict=True):
            for level in LEVELS:
                own = along(records, row, level).own
                axes.plot(LEVELS, own, color=COLOURS[name], lw=0.8, alpha=0.35)
            values = by_actor(records, lambda r, row=row: r.judged[line(row, 0.0)])
            for axis, judged in enumerate(AXES):
                low, high = interval(values[..., axis])
                axes.fill_between(LEVELS, low, high, color=COLOURS[judged], alpha=0.2, lw=0)
                axes.plot(LEVELS, values[..., axis].mean(0), color=COLOURS[judged], marker="o",
                          ms=3, lw=1.6, label=f"judged {judged}")  # fmt: skip
            axes.plot(LEVELS, LEVELS, color="#999999", lw=0.8, ls=":")
            axes.set_title(f"{kind.capitalize()} pictures along {name}", fontsize=9)
            axes.set_xlabel(f"{name} of the label", fontsize=8)
            axes.set(xticks=LEVELS, ylim=(-1, 1))
            axes.tick_params(labelsize=7)
        panels[row][0].set_ylabel("judged value", fontsize=8)
    handles, words = panels[0][0].get_legend_handles_labels()
    drawing.legend(handles, words, loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return Figure(
        "along_the_axes",
        "Judged values over the label. Thick: the other axis at 0, with 95 % over actors; thin: "
        "the same axis with the other at each of seven levels; dotted: the label itself.",
        _png(drawing),
        "Four panels of lines: valence and arousal moved, edited and true pictures.",
    )


def _grids(kinds: dict[str, Sequence[Record]]) -> Figure:
    drawing, panels = _panels(1, len(kinds), sharey=True)
    n = len(LEVELS)
    for axes, (kind, records) in zip(panels[0], kinds.items(), strict=True):
        of = by_actor(records, lambda r: r.judged[: len(GRID)]).mean(0).reshape(n, n, 2)
        for i in range(n):
            axes.plot(*of[i].T, color=COLOURS["arousal"], lw=1)  # valence fixed
            axes.plot(*of[:, i].T, color=COLOURS["valence"], lw=1)
            axes.plot(2 * [LEVELS[i]], [LEVELS[0], LEVELS[-1]], color="#cccccc", lw=0.6, zorder=0)
            axes.plot([LEVELS[0], LEVELS[-1]], 2 * [LEVELS[i]], color="#cccccc", lw=0.6, zorder=0)
        axes.scatter(*of.reshape(-1, 2).T, s=8, color="#222222", zorder=3)
        axes.set_title(f"{kind.capitalize()} pictures", fontsize=9)
        axes.set_xlabel("valence", fontsize=8)
        axes.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal")
        axes.tick_params(labelsize=7)
    panels[0][0].set_ylabel("arousal", fontsize=8)
    return Figure(
        "judged_grid",
        "The 49 labels (grey) and where the judges see them on average: orange lines have one "
        "arousal, blue lines one valence.",
        _png(drawing),
        "Two bent grids of seven by seven points over a regular one.",
    )


def _panels(down: int, across: int, *, sharey: bool) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Drawing

    drawing: Any = Drawing(figsize=(across * WIDTH, down * WIDTH), layout="constrained")
    FigureCanvasAgg(drawing)
    panels = drawing.subplots(down, across, squeeze=False, sharey=sharey)
    for axes in panels.ravel():
        axes.spines[["top", "right"]].set_visible(False)
    return drawing, panels


def _png(drawing: Any) -> bytes:
    file = BytesIO()
    drawing.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return file.getvalue()
