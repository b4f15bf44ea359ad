"""`make validate`: do the report's 95 % intervals hold the truth 95 times in 100?

Many studies are simulated from Blume's experiment 2 (24 identities x 2 emotions x 5 levels of m,
80 participants), without a server, and analysed as the report does. The truth of each coefficient
is computed, not drawn: the expected answer of every cell, through the inverse of the coding.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track
from rich.table import Table

from analysis.mixed.design import columns
from analysis.mixed.fit import fit
from analysis.mixed.formula import parse
from analysis.results import variable
from experiments.crowd import Identities, cell_mean, draw_effects, on_the_scale, settings_of
from experiments.truth import true_means
from protocols.protocol import Protocol
from protocols.reading import load
from stimuli.corpora import identities_of
from stimuli.plan import make_plan

STUDIES = 200
PARTICIPANTS = 80
PROTOCOL = "protocols/blume2024-experiment2.yaml"
console = Console(highlight=False)


def main() -> None:
    """Print the coverage of every coefficient; fail if one lies outside chance (p < .001)."""
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else STUDIES
    protocol = load(PROTOCOL)
    trials = make_plan(protocol, identities_of(protocol)).trials
    trials = trials[(trials["kind"] == "rating") & (trials["slot"] <= PARTICIPANTS)]
    model = protocol.analysis.models[0]
    truth = coefficients(protocol)
    rows = []
    for seed in track(range(studies), "simulate and fit"):
        ratings = simulate(protocol, trials, seed)
        variables = {
            name: variable(name, model, protocol, ratings)
            for name in parse(model.formula).variables
        }
        fitted = fit(model.formula, ratings, variables)
        rows.append(
            {
                name: low <= truth[name] <= high
                for name, contrast in zip(fitted.design.names, np.eye(len(truth)), strict=True)
                for low, high in [fitted.contrast(contrast).interval()]
            }
        )
    covered = pd.DataFrame(rows)
    shown = Table(title=f"95 % intervals that hold the truth, of {studies} simulated studies")
    for name in ("coefficient", "truth", "coverage"):
        shown.add_column(name, justify="left" if name == "coefficient" else "right")
    for name, share in covered.mean().items():
        shown.add_row(str(name), f"{truth[name]:.3f}", f"{100 * share:.1f} %")
    console.print(shown)
    chance = 3.29 * np.sqrt(0.95 * 0.05 / studies)
    if (abs(covered.mean() - 0.95) > chance).any():
        console.print(f"outside 95 ± {100 * chance:.1f} %")
        sys.exit(1)


def simulate(protocol: Protocol, trials: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Ratings of attentive participants by the model of `protocols.simulation`."""
    (task,) = protocol.tasks
    settings = settings_of(protocol, task.id)
    identities = Identities(protocol, seed)
    answers = []
    for slot, session in trials.groupby("slot"):
        rng = np.random.default_rng([seed, 2, int(slot)])  # type: ignore[call-overload]
        person = draw_effects(protocol, settings.participant_sd, settings.participant_slope_sd, rng)
        for trial in session.itertuples():
            levels = {"emotion": str(trial.emotion), "m": float(trial.m)}  # type: ignore[arg-type]
            latent = cell_mean(settings, 9, levels) + person.at(levels)
            latent += identities.effects(str(trial.identity), task.id).at(levels)
            latent += settings.residual_sd * rng.standard_normal()
            answers.append(on_the_scale(latent, 9))
    ratings = trials[["identity", "emotion", "m"]].copy()
    ratings["participant"] = trials["slot"].astype(str)
    return ratings.assign(**{task.id: np.array(answers, float)})


def coefficients(protocol: Protocol) -> pd.Series:
    """The true coefficients: those that give the expected answer of every cell."""
    model = protocol.analysis.models[0]
    means = true_means(protocol)
    cells = means.assign(participant="1", identity="1")
    formula = parse(model.formula)
    names = [name for name in formula.variables if name in protocol.factors]
    variables = {name: variable(name, model, protocol, cells) for name in names}
    made = columns(formula.fixed, variables, cells)
    solved = np.linalg.lstsq(made.values, cells["mean"].to_numpy(), rcond=None)[0]
    return pd.Series(solved, made.names)


if __name__ == "__main__":
    main()
