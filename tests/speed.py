"""Mixed models beside R's lmer + summary (lmerTest) in the same run; part of `make bench`.

python -m tests.speed
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from analysis.mixed.columns import Variable
from analysis.mixed.fit import Fit, fit

INSTEVAL = "y ~ service + (1 | s) + (1 | d)"
EXPERIMENT_2 = "rating ~ m/emotion + (emotion | participant) + (emotion | identity)"
LARGE = (
    "rating ~ condition + (1 | participant) + (1 | item)",
    "rating ~ condition + (condition | participant) + (1 | item)",
)
REPEATS = 3  # the median counts, for mien; R runs once
SCRIPT = """
suppressMessages({library(lme4); library(lmerTest)})
asked <- commandArgs(TRUE)
d <- read.csv(asked[1], colClasses = c(%s))
cat(system.time(print(coef(summary(lmerTest::lmer(%s, d)))))[["elapsed"]])
"""
console = Console(highlight=False, soft_wrap=True)


def main() -> None:
    """Print seconds, ratios and the largest model's memory."""
    data = experiment_2(77)
    words = {"m": Variable("m", tuple(sorted(data.m.unique())))}
    beside_r("experiment 2, 77 participants", EXPERIMENT_2, data, words)
    if find_spec("mixedlm") is None:
        console.print("InstEval: not here (it comes with mixedlm)")
    else:
        import mixedlm

        insteval = mixedlm.load_insteval()[["s", "d", "service", "y"]]
        beside_r("InstEval", INSTEVAL, insteval, {})
    data = large(participants=2000, items=500)
    for formula in LARGE:
        seconds, _ = timed(formula, data, {}, 1)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        console.print(f"{len(data):,} ratings, {formula}: {seconds:.1f} s (peak {peak:.0f} MB)")


def beside_r(name: str, formula: str, data: pd.DataFrame, variables: dict[str, Variable]) -> None:
    """Fit with mien and with R; print both times."""
    seconds, fitted = timed(formula, data, variables, REPEATS)
    line = f"{name} ({len(data):,} ratings): mien {seconds:.2f} s"
    r = r_seconds(formula, data)
    if isinstance(r, str):
        console.print(f"{line}; {r}")
    else:
        console.print(f"{line}, lmer + summary {r:.2f} s: {r / seconds:.1f} times as long")
    for problem in fitted.problems:
        console.print(f"    {problem.code}: {problem.found}")


def timed(
    formula: str, data: pd.DataFrame, variables: dict[str, Variable], repeats: int
) -> tuple[float, Fit]:
    """Median seconds of the fit with its table of tests, from the table of ratings."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        fitted = fit(formula, data, variables)
        assert np.isfinite(fitted.fixed.df).all()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)), fitted


def r_seconds(formula: str, data: pd.DataFrame) -> float | str:
    """Seconds of lmer and summary within R (starting R not counted), or why there are none."""
    if shutil.which("Rscript") is None:
        return "no comparison: Rscript is not here"
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "ratings.csv"
        data.to_csv(table, index=False)
        response = formula.split("~")[0].strip()
        classes = [
            f"{name} = '{'numeric' if name == response else 'factor'}'" for name in data.columns
        ]
        script = SCRIPT % (", ".join(classes), formula)
        done = subprocess.run(
            ["Rscript", "-e", script, str(table)], capture_output=True, text=True, check=False
        )
    if done.returncode:
        return f"no comparison: {(done.stderr.strip() or 'R failed').splitlines()[-1]}"
    return float(done.stdout.strip().splitlines()[-1])


def experiment_2(participants: int) -> pd.DataFrame:
    """Half of 24 identities x 2 emotions x 5 levels of m for each, as Blume et al. (2024)."""
    rng = np.random.default_rng(2)
    cells = pd.MultiIndex.from_product([range(24), range(2), range(5)]).to_frame(index=False)
    person, item = rng.normal(0, [0.8, 0.4], (participants, 2)), rng.normal(0, [0.5, 0.2], (24, 2))
    rows = []
    for p in range(participants):
        seen = cells.sample(frac=0.5, random_state=p).to_numpy()
        i, e, m = seen.T
        effect = 0.2 * m + person[p, 1] + item[i, 1]
        rating = 5 + person[p, 0] + item[i, 0] + effect * (e - 0.5)
        rows.append(pd.DataFrame({
            "participant": f"p{p}", "identity": np.char.add("i", i.astype(str)),
            "emotion": np.array(["angry", "happy"])[e], "m": np.array(list("abcde"))[m],
            "rating": rating + rng.normal(0, 1.2, len(i)),
        }))  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def large(participants: int, items: int) -> pd.DataFrame:
    """Every item rated by everybody, in one of two conditions."""
    rng = np.random.default_rng(1)
    p, i = np.repeat(np.arange(participants), items), np.tile(np.arange(items), participants)
    c = (p + i) % 2
    rating = 5 + rng.normal(0, 0.8, participants)[p] + rng.normal(0, 0.5, items)[i]
    rating += (0.3 + rng.normal(0, 0.4, participants)[p]) * c + rng.normal(0, 1.2, len(p))
    return pd.DataFrame({
        "participant": np.char.add("p", p.astype(str)), "item": np.char.add("i", i.astype(str)),
        "condition": np.array(["angry", "happy"])[c], "rating": rating,
    })  # fmt: skip


if __name__ == "__main__":
    main()
