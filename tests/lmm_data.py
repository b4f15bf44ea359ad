"""Fits of lme4 and lmerTest where they are kept beside the repository, and made-up ratings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.mixed.coding import R_FUNCTIONS
from analysis.mixed.columns import Variable

REFERENCES = Path(__file__).parents[1].parent / "shared" / "data" / "lmm_reference"
NO_REFERENCES = f"no reference fits at {REFERENCES.name}/: they are kept beside the repository"


OF_OTHER_FAMILIES = {  # reference -> why it is not compared as a linear model
    "cbpp": "binomial: lme4's standard errors are those of its own Laplace approximation",
    "verbagg": "binomial, and its data are not shipped",
    "clmm_wine": "ordinal: fitted by ordinal::clmm",
    "clmm_wine_agq10": "ordinal, by quadrature; mien's ordinal models use Laplace",
}
KNOWN_DIFFERENCES = {  # kind of model on which mien and lme4 differ -> how, and how mien says so
    "predictor on a far larger scale": (
        "lme4 stops short (sleepstudy with Days x 10^4: 17 log-likelihood units); mien scales "
        "columns itself, finds the same fit in any unit, and says SCALE"
    ),
    "singular fit": (
        "small crossed-slope designs: lme4 stops short of the maximum in about 90 of 300, by up "
        "to 5 log-likelihood units (`tests.stress`); there estimates differ. Mien says SINGULAR "
        "and advises a simpler model beside"
    ),
    "|| with a factor": (
        "lme4 keeps the correlations between a factor's columns; mien does not. It says "
        "SLOPES_EXPANDED, and models.R spells the columns out"
    ),
    "columns that others make up": (
        "lme4 drops the last of them and fits the rest; mien refuses with RANK_DEFICIENT"
    ),
}


def reference_ids() -> list[str]:
    """Every reference of a linear mixed model."""
    found = sorted(file.stem for file in REFERENCES.glob("*.json"))
    return [name for name in found if name not in OF_OTHER_FAMILIES]


def insteval() -> pd.DataFrame:
    """73,421 ratings of lectures: student s, lecturer d, department, service, rating y."""
    mixedlm = pytest.importorskip("mixedlm", reason="mixedlm, which ships InstEval, is not here")
    return mixedlm.load_insteval()


def reference(name: str) -> tuple[dict, pd.DataFrame, dict[str, Variable]]:
    """The stored results, the data, and the variables of one reference fit."""
    found = json.loads((REFERENCES / f"{name}.json").read_text())
    levels = found.get("levels") or {}
    if name.startswith("insteval"):
        data = insteval()
    else:
        data = pd.read_csv(REFERENCES / found["data"], dtype=dict.fromkeys(levels, str))
    variables = {}
    for factor, names in levels.items():
        if names:
            coding = coding_of((found.get("contrasts") or {}).get(factor), names)
            variables[factor] = Variable(factor, tuple(names), coding)
    return found, data, variables


def coding_of(matrix: list | None, levels: list[str]) -> str:
    """The coding whose matrix the reference used; poly where it is none of ours."""
    if matrix is None:
        return "treatment"
    given = np.array(matrix, float).reshape(len(levels), -1)
    for coding in R_FUNCTIONS:
        if np.allclose(given, Variable("f", tuple(levels), coding).contrasts.matrix):
            return coding
    return "poly"


def crossed(
    rng: np.random.Generator,
    participants: int = 24,
    items: int = 12,
    *,
    effect: float = 1.0,
    levels: tuple[str, ...] = ("angry", "happy"),
) -> pd.DataFrame:
    """Ratings of every item at every level by everybody, with crossed random effects."""
    grid = pd.MultiIndex.from_product(
        [range(participants), range(items), range(len(levels))], names=["p", "i", "c"]
    ).to_frame(index=False)
    person, item = rng.normal(0, 0.7, participants), rng.normal(0, 0.5, items)
    slope = rng.normal(0, 0.4, participants)
    condition = grid.c.to_numpy() - (len(levels) - 1) / 2
    rating = (
        5
        + person[grid.p]
        + item[grid.i]
        + (effect + slope[grid.p]) * condition
        + rng.normal(0, 1, len(grid))
    )
    return pd.DataFrame(
        {
            "participant": "p" + grid.p.astype(str),
            "identity": "i" + grid.i.astype(str),
            "emotion": np.array(levels)[grid.c],
            "rating": rating,
        }
    )
