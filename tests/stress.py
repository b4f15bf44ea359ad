"""Small crossed-slope designs by the hundred: does the search find the best fit, and R's?

    python -m tests.stress [designs]

Participants rate items in two or three conditions, with random slopes of both and ratings missing;
most variances are small or zero, so most fits are singular. Each fit is held against searches from
random starts and, where R is, against lmer with lmerTest.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track

from analysis.mixed import search
from analysis.mixed.fit import Fit, fit

DESIGNS = 300
FORMULA = "rating ~ emotion + (emotion | participant) + (emotion | item)"
WORSE = 1e-3  # log-likelihood units that no other search may gain
SAME = 1e-5  # log-likelihood units within which two fits are at the same optimum
SCRIPT = """
suppressMessages({library(lme4); library(lmerTest)})
folder <- commandArgs(TRUE)[1]
out <- lapply(list.files(folder, "[.]csv$"), function(file) {
  d <- read.csv(file.path(folder, file))
  said <- character(0)
  m <- withCallingHandlers(
    lmerTest::lmer(rating ~ emotion + (emotion | participant) + (emotion | item), d),
    warning = function(w) { said <<- c(said, conditionMessage(w)); invokeRestart("muffleWarning") },
    message = function(w) { said <<- c(said, conditionMessage(w)); invokeRestart("muffleMessage") })
  b <- suppressWarnings(coef(summary(m)))
  list(name = sub("[.]csv$", "", file), logLik = as.numeric(logLik(m)), said = I(said),
       se = b[, 2], df = b[, 3], p = b[, 5])
})
cat(jsonlite::toJSON(out, digits = 12, auto_unbox = TRUE))
"""
console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Tried:
    """One design: its fit, and by how much random starts came further (log-likelihood units)."""

    name: str
    data: pd.DataFrame
    fitted: Fit
    gained: float


def design_of(seed: int) -> pd.DataFrame:
    """The ratings of one small study."""
    rng = np.random.default_rng([seed, 300])
    counts = int(rng.integers(6, 16)), int(rng.integers(4, 11)), int(rng.integers(2, 4))
    grid = pd.MultiIndex.from_product([range(c) for c in counts], names=["p", "i", "c"])
    p, i, c = (grid.get_level_values(name).to_numpy() for name in "pic")
    levels = counts[2]
    z = np.column_stack([np.ones(len(c)), np.eye(levels)[c][:, 1:]])

    def effects(count: int) -> np.ndarray:
        return rng.normal(size=(count, levels)) * rng.choice([0, 0.2, 0.5, 1.0], levels)

    rating = 5 + 0.4 * c + np.sum((effects(counts[0])[p] + effects(counts[1])[i]) * z, axis=1)
    rating += rng.normal(size=len(c)) * rng.choice([0.3, 1, 2])
    data = pd.DataFrame({
        "participant": [f"p{n}" for n in p], "item": [f"i{n}" for n in i],
        "emotion": [f"e{n}" for n in c], "rating": rating,
    })  # fmt: skip
    return data[rng.random(len(data)) > rng.choice([0, 0.1, 0.3])]


def tried(seed: int, starts: int) -> Tried:
    """Fit one design, and search from `starts` random places."""
    data = design_of(seed)
    fitted = fit(FORMULA, data)
    deviance, theta = fitted.conditional.deviance, fitted.conditional.theta
    rng = np.random.default_rng([seed, 301])
    best = min(
        search.descend(deviance, rng.normal(0, rng.choice([0.2, 1, 3]), len(theta)))[1]
        for _ in range(starts)
    )
    return Tried(f"d{seed:03d}", data, fitted, (deviance(theta) - best) / 2)


def main() -> None:
    """Try many designs; fail if a search elsewhere, or R, ever comes further."""
    designs = int(sys.argv[1]) if len(sys.argv) > 1 else DESIGNS
    all_tried = [tried(seed, 6) for seed in track(range(designs), "fit small designs")]
    codes = [{p.code for p in one.fitted.problems} for one in all_tried]
    further = [one.name for one in all_tried if one.gained > WORSE]
    console.print(
        f"{designs} small crossed-slope designs: {sum('SINGULAR' in c for c in codes)} singular, "
        f"{sum('NOT_CONVERGED' in c for c in codes)} called not converged; six random starts "
        f"came further in {len(further)} {further or ''}"
    )
    failed = bool(further)
    if shutil.which("Rscript") is None:
        console.print("no comparison with lmer: Rscript is not here")
    else:
        failed |= beside_r(all_tried)
    if failed:
        sys.exit(1)


def beside_r(all_tried: list[Tried]) -> bool:
    """Print how lmer did on the same ratings; whether it ever did better."""
    with tempfile.TemporaryDirectory() as folder:
        for one in all_tried:
            one.data.to_csv(Path(folder) / f"{one.name}.csv", index=False)
        done = subprocess.run(
            ["Rscript", "-e", SCRIPT, folder], capture_output=True, text=True, check=False
        )
    if done.returncode:
        console.print(f"no comparison with lmer: {done.stderr.strip().splitlines()[-1]}")
        return False
    r = {found["name"]: found for found in json.loads(done.stdout)}
    gained = {one.name: one.fitted.log_likelihood - r[one.name]["logLik"] for one in all_tried}
    worse = [name for name, gain in gained.items() if gain < -WORSE]
    better = [name for name, gain in gained.items() if gain > WORSE]
    told = sum(bool(r[name]["said"]) for name in better)
    console.print(
        f"beside lmer: log likelihood worse by more than {WORSE} in {len(worse)} {worse or ''}, "
        f"better in {len(better)} (by up to {max(gained.values()):.2f}; lmer warned in {told})"
    )
    same = [one for one in all_tried if abs(gained[one.name]) < SAME]
    largest = {
        what: max(
            float(np.max(np.abs(one.fitted.fixed[what] - r[one.name][what])
                         / (1 if what == "p" else np.abs(r[one.name][what]))))
            for one in same
        )
        for what in ("se", "df", "p")
    }  # fmt: skip
    console.print(
        f"at the same optimum ({len(same)} designs) the largest difference is {largest['se']:.1e} "
        f"of a standard error, {largest['df']:.1e} of the degrees of freedom, {largest['p']:.1e} "
        "of p"
    )
    return bool(worse)


if __name__ == "__main__":
    main()
