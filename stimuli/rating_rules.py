"""From what a model thinks to an answer on the scale of a task: a rule that is stated and fitted.

    v         predicted valence (or arousal) of a stimulus, -1 to 1
    l, h      lowest and highest answer of the scale (1 and k on k points)
    y         people's mean rating of a stimulus

scale        y' = l + (h - l) (v + 1) / 2; turned round where the scale runs from good to bad
linear       y' = a + b v, least squares over stimuli
isotonic     y' = f(v), the monotone step function of least squares, straight between its steps

Both fitted rules are fitted for every identity anew, on the stimuli of all *other* identities: how
people rated a person has no part in how the model tells pictures of that person apart. Only the
level, the mean of all answers, is that of everybody: the mean of the others alone is low where a
person is rated high, so that a model that knows nothing would seem to say the opposite of people.
Answers are cut to l…h and may lie between points.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from protocols.scales import NUMERIC

SCALE, LINEAR, ISOTONIC = RULES = ("scale", "linear", "isotonic")
FEWEST_IDENTITIES, FEWEST_STIMULI = 5, 10  # rated by people, for a rule that is fitted
# Words at the lower and at the upper end of a scale
ENDS = {
    "valence": ("negative unpleasant bad sad negativ unangenehm schlecht",
                "positive pleasant good happy positiv angenehm gut"),
    "arousal": ("calm relaxed sleepy inactive ruhig entspannt schläfrig inaktiv",
                "aroused excited agitated active erregt aufgeregt aktiv"),
}  # fmt: skip


@dataclass(frozen=True)
class Scale:
    """What a task asks for: valence or arousal, rising or falling over its answers."""

    dimension: str
    sign: int
    lowest: float
    highest: float

    @staticmethod
    def of(task: Any) -> Scale | None:
        """The scale of a task, from the words at its ends or in its question; None: another."""
        if task.type not in NUMERIC:
            return None
        if task.type == "affect-grid":
            return Scale(task.dimension, 1, task.low, task.high)
        low, high = task.ends
        if not (low and high):
            low, high = _halves(task.question)
        for dimension, ends in ENDS.items():
            below, above = (set(words.split()) for words in ends)
            first, last = _words(low), _words(high)
            if first & below and last & above:
                return Scale(dimension, 1, task.low, task.high)
            if first & above and last & below:
                return Scale(dimension, -1, task.low, task.high)
        return None

    def spread(self, v: np.ndarray) -> np.ndarray:
        """The rule `scale`."""
        return self.lowest + (self.highest - self.lowest) * (self.sign * v + 1) / 2


@dataclass(frozen=True)
class Fit:
    """A rule as it was applied.

    Attributes:
        rule: one of RULES.
        why: why it was this one, in words.
        stimuli, identities: rated by people, that it was fitted on.
        r2: share of the variance of people's mean ratings that the rule explains when fitted on
            all identities; None if it was not fitted.
        r2_left_out: the same for answers about identities left out (can be negative).
        parameters: of the fit on all identities: intercept and slope, or steps [[v, y'], …].
        left_out: identity -> the parameters that its own answers were made with.
    """

    rule: str
    why: str
    stimuli: int = 0
    identities: int = 0
    r2: float | None = None
    r2_left_out: float | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    left_out: dict[str, dict[str, Any]] = field(default_factory=dict)

    def words(self) -> dict[str, Any]:
        """Everything, as JSON."""
        return asdict(self)


def answers(table: pd.DataFrame, scale: Scale, rule: str | None = None) -> tuple[pd.Series, Fit]:
    """The model's answers, on the scale, and the rule that made them.

    Args:
        table: identity, v, and people (mean rating, missing where nobody rated), by stimulus.
        scale: of the task.
        rule: one of RULES; None: linear where enough people's ratings are there, else scale.
    """
    rated = table.dropna(subset=["people"])
    identities = rated.identity.nunique()
    enough = len(rated) >= FEWEST_STIMULI and identities >= FEWEST_IDENTITIES
    if rule == SCALE or not enough:
        why = "as asked for" if rule == SCALE else (
            f"people rated {len(rated)} of the stimuli, of {identities} identities; a fitted rule "
            f"needs {FEWEST_STIMULI} of {FEWEST_IDENTITIES}"
        )  # fmt: skip
        spread = pd.Series(scale.spread(table.v.to_numpy(float)), index=table.index)
        low, high = scale.spread(np.array([-1.0, 1.0]))
        return spread, Fit(SCALE, why, parameters={"at -1": float(low), "at 1": float(high)})
    rule = rule or LINEAR
    made = pd.Series(np.nan, index=table.index)
    left_out: dict[str, dict[str, Any]] = {}
    for identity, rows in table.groupby("identity", sort=False):
        others = rated[rated.identity != identity]
        left_out[str(identity)] = _levelled(_fitted(rule, others, scale.sign), rated)
        made[rows.index] = _applied(left_out[str(identity)], rows.v.to_numpy(float))
    whole = _fitted(rule, rated, scale.sign)
    fit = Fit(
        rule, "fitted on people's mean ratings of the other identities, levelled to all",
        len(rated), identities,
        _r2(rated.people, _applied(whole, rated.v.to_numpy(float))),
        _r2(rated.people, made[rated.index].to_numpy(float)), whole, left_out,
    )  # fmt: skip
    return made.clip(scale.lowest, scale.highest), fit


def _fitted(rule: str, rows: pd.DataFrame, sign: int) -> dict[str, Any]:
    v, y = rows.v.to_numpy(float), rows.people.to_numpy(float)
    if rule == LINEAR:
        middle = v.mean()
        spread = float(((v - middle) ** 2).sum())
        slope = float(((v - middle) * y).sum()) / spread if spread > 0 else 0.0
        return {"intercept": float(y.mean() - slope * middle), "slope": slope}
    means = pd.DataFrame({"v": v, "y": y}).groupby("v").y.agg(["mean", "size"])  # ties count as one
    steps = isotonic_regression(
        means["mean"].to_numpy(), weights=means["size"].to_numpy(float), increasing=sign > 0
    ).x
    return {"steps": np.column_stack([means.index.to_numpy(float), steps]).tolist()}


def _levelled(parameters: dict[str, Any], rated: pd.DataFrame) -> dict[str, Any]:
    """A fitted rule whose answers to all that people rated have the mean of people's."""
    off = float(rated.people.mean() - _applied(parameters, rated.v.to_numpy(float)).mean())
    if "slope" in parameters:
        return parameters | {"intercept": parameters["intercept"] + off}
    return {"steps": [[v, y + off] for v, y in parameters["steps"]]}


def _applied(parameters: dict[str, Any], v: np.ndarray) -> np.ndarray:
    if "slope" in parameters:
        return parameters["intercept"] + parameters["slope"] * v
    at, steps = np.array(parameters["steps"]).T
    return np.interp(v, at, steps)


def _r2(y: pd.Series, fitted: np.ndarray) -> float | None:
    spread = float(((y - y.mean()) ** 2).sum())
    return 1 - float(((y - fitted) ** 2).sum()) / spread if spread > 0 else None


def _halves(question: str) -> tuple[str, str]:
    """What stands before and after `or`, in the question of a scale without words at its ends."""
    before, _, after = re.sub(r"\b(oder|bis|to)\b", "or", question).partition(" or ")
    return before, after


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))
