"""Figures that show whether a mixed model fits: residuals, random effects, influence.

Quantile plots: points on the line if normally distributed; the grey band holds 95 % of the points
of a normal sample of this size (order statistics follow beta distributions).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy import stats

from analysis.figures.charts import COLOURS, INK, PALE, SHAPES, STYLE, WIDTH, Picture, drawn
from analysis.mixed.influence import Influence

BAND = "#e3e3e3"
MOST_POINTS = 20_000  # dots of a scatter; more are thinned evenly
MOST_GROUPS, MOST_EFFECTS = 3, 3  # rows and columns of random effects
NAMED = 3  # levels whose names stand in the influence plot
LINE, LONGEST = 0.07, 28  # height of such a name, of the panel's; characters of it


def model_checks(fitted: np.ndarray, residuals: np.ndarray, modes: pd.DataFrame) -> Picture:
    """Residuals: quantiles, and against fitted ratings; below, quantiles of the random effects.

    Args:
        fitted: predicted ratings (n,).
        residuals: in residual standard deviations (n,).
        modes: rows with group, level, effect and deviation.
    """

    def top(left: Axes, right: Axes) -> None:
        _quantiles(left, residuals / residuals.std(ddof=1), 0)
        left.set(ylabel="Standardised residual", title="Residuals")
        _residuals_by_fitted(right, fitted, residuals)

    return _checks(modes, top)


def answer_checks(
    answers: np.ndarray, expected: np.ndarray, residuals: np.ndarray, modes: pd.DataFrame
) -> Picture:
    """The same for a binomial or ordinal model: above, residuals and answers by expected answers.

    Args:
        answers: 0 and 1, or ratings (n,).
        expected: the mean answer that the model expects (n,).
        residuals: randomised quantile residuals (n,).
        modes: rows with group, level, effect and deviation.
    """

    def top(left: Axes, right: Axes) -> None:
        _quantiles(left, residuals, 0)
        left.set(ylabel="Quantile residual", title="Residuals")
        _answers_by_expected(right, answers, expected)

    return _checks(modes, top)


def _checks(modes: pd.DataFrame, top: Callable[[Axes, Axes], None]) -> Picture:
    """Two panels that `top` draws; below, quantiles of the random effects."""
    groups = [group for _, group in modes.groupby("group", sort=False)][:MOST_GROUPS]
    rows = [[*group.groupby("effect", sort=False)][:MOST_EFFECTS] for group in groups]
    with mpl.rc_context(STYLE):
        height = 2.6 + 2.2 * len(rows)
        figure = Figure(figsize=(WIDTH, height))
        # placed by hand: a layout engine would round differently from run to run
        places = figure.add_gridspec(
            1 + len(rows), 6, left=0.085, right=0.99, top=1 - 0.3 / height, bottom=0.48 / height,
            wspace=1.6, hspace=0.62, height_ratios=[2.6, *[2.2] * len(rows)],
        )  # fmt: skip
        top(figure.add_subplot(places[0, :3]), figure.add_subplot(places[0, 3:]))
        for i, row in enumerate(rows, start=1):
            for j, (effect, found) in enumerate(row):
                panel = figure.add_subplot(places[i, 2 * j : 2 * j + 2])
                group = str(found.group.iloc[0])
                _random_effect(panel, (group, str(effect)), found.deviation.to_numpy(float))
        return drawn(figure)


def _random_effect(axes: Axes, key: tuple[str, str], deviations: np.ndarray) -> None:
    group, effect = key
    spread = deviations.std(ddof=1)
    axes.set_title(f"{group}:\n{effect}", fontsize=8)
    axes.set_ylabel("Deviation (SD)")
    if spread > 1e-9:
        _quantiles(axes, (deviations - deviations.mean()) / spread, 1)
    else:
        axes.text(0.5, 0.5, "no variance", ha="center", va="center", transform=axes.transAxes)
        axes.set(xticks=[], yticks=[])


def _quantiles(axes: Axes, values: np.ndarray, colour: int) -> None:
    """Ordered standardised values against normal quantiles."""
    n = len(values)
    shown = _thinned(n)
    ranks = shown + 1
    normal = stats.norm.ppf((ranks - 0.5) / n)
    low, high = (stats.norm.ppf(stats.beta.ppf(q, ranks, n + 1 - ranks)) for q in (0.025, 0.975))
    axes.fill_between(normal, low, high, color=BAND, lw=0)
    axes.axline((0, 0), slope=1, color=PALE, lw=0.8)
    size = 2.5 if n > 200 else 3.5
    axes.plot(normal, np.sort(values)[shown], SHAPES[colour], ms=size,
              mec="none", color=COLOURS[colour], rasterized=n > 200)  # fmt: skip
    axes.set_xlabel("Normal quantile")


def _residuals_by_fitted(axes: Axes, fitted: np.ndarray, residuals: np.ndarray) -> None:
    """Residuals against fitted ratings, with their mean in tenths of the ratings."""
    shown = _thinned(len(fitted))
    axes.axhline(0, color=PALE, lw=0.8)
    axes.plot(fitted[shown], residuals[shown], ".", ms=2.5, alpha=0.35, color=COLOURS[0],
              mec="none", rasterized=True)  # fmt: skip
    tenths = pd.qcut(fitted, 10, labels=False, duplicates="drop")
    middle = pd.DataFrame({"f": fitted, "r": residuals, "t": tenths}).groupby("t").mean()
    axes.plot(middle.f, middle.r, "-o", ms=3, lw=1.2, color=COLOURS[1], label="mean of each tenth")
    axes.legend(loc="best", fontsize=7)
    axes.set(xlabel="Fitted rating", ylabel="Standardised residual", title="Residuals by fitted")


def _answers_by_expected(axes: Axes, answers: np.ndarray, expected: np.ndarray) -> None:
    """Mean answers with 95 % intervals against expected ones, in tenths of the expected ones."""
    tenths = pd.qcut(expected, 10, labels=False, duplicates="drop")
    of = pd.DataFrame({"e": expected, "y": answers, "t": tenths}).groupby("t")
    mean = of.mean()
    error = 1.96 * (of.y.std() / np.sqrt(of.y.size())).fillna(0).to_numpy()
    axes.axline((float(mean.e.mean()), float(mean.e.mean())), slope=1, color=PALE, lw=0.8)
    axes.errorbar(mean.e, mean.y, error, fmt="o", ms=4, lw=1.2, capsize=2, color=COLOURS[1])
    axes.set(xlabel="Expected answer", ylabel="Mean answer", title="Answers by expected answers")


def influence_plot(found: Sequence[Influence]) -> Picture:
    """Cook's distance of every level, one panel per grouping factor, largest first."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.3))
        figure.subplots_adjust(left=0.1, right=0.99, top=0.89, bottom=0.2, wspace=0.28)
        panels = figure.subplots(1, len(found), squeeze=False)[0]
        panels[0].set_ylabel("Cook's distance")
        for axes, each in zip(panels, found, strict=True):
            ordered = each.table.sort_values("cook", ascending=False, kind="stable")
            height = ordered.cook.to_numpy(float)
            place = np.arange(1, len(height) + 1)
            axes.vlines(place, 0, height, color=PALE, lw=0.8)
            outside = height > each.cutoff
            axes.plot(place[~outside], height[~outside], "o", ms=3, color=COLOURS[0], mec="none")
            axes.plot(place[outside], height[outside], "s", ms=4, color=COLOURS[1], mec="none")
            axes.axhline(each.cutoff, color=INK, lw=0.8, ls="--")
            axes.annotate("4 / N", (1, each.cutoff), (1, 2), va="bottom", ha="right",
                          fontsize=7, xycoords=("axes fraction", "data"),
                          textcoords="offset points")  # fmt: skip
            top = max(np.nanmax(height), each.cutoff) * 1.12
            named = range(min(NAMED, int(outside.sum())))
            line = LINE * top
            for i, at in zip(named, _apart(height[: len(named)], line, top), strict=True):
                axes.annotate(_short(str(ordered.level.iloc[i])), (place[i], height[i]),
                              (0.12, at), textcoords=("axes fraction", "data"), fontsize=7,
                              va="center", arrowprops={"arrowstyle": "-", "lw": 0.4},
                              bbox={"fc": "white", "ec": "none", "pad": 0.5})  # fmt: skip
            axes.set(xlabel="Place, largest first", title=each.group)
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
            axes.set_ylim(0, top)
        return drawn(figure)


def _apart(height: np.ndarray, line: float, top: float) -> list[float]:
    """Heights of names, from the top down: at their own where they can be, a `line` apart."""
    found, above = [], top + line / 2
    for one in height:
        above = min(float(one), above - line)
        found.append(above)
    return found


def _short(name: str) -> str:
    """Both ends of a name that is too long for its panel; tables have it whole."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST // 2]}…{name[-LONGEST // 2 :]}"


def _thinned(n: int) -> np.ndarray:
    """Places of at most MOST_POINTS of n ordered points, both ends among them."""
    return np.unique(np.linspace(0, n - 1, min(n, MOST_POINTS)).astype(int))
