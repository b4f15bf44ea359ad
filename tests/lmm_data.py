"""Fits of lme4 and lmerTest where they are kept beside the repository, and made-up ratings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.mixed.coding import R_FUNCTIONS
from analysis.mixed.columns import Variable

REFERENCES = Path(__file__).parents[1].parent / "shared" / "data" / "lmm_reference"
NO_REFERENCES = f"no reference fits at {REFERENCES.name}/: they are kept beside the repository"


def reference_ids() -> list[str]:
    """Linear mixed models whose data and codings this package can use as they are."""
    ids = []
    for file in sorted(REFERENCES.glob("*.json")):
        reference = json.loads(file.read_text())
        linear = not reference.get("family") and not reference.get("engine")
        if linear and (REFERENCES / str(reference["data"])).is_file():
            ids.append(file.stem)
    return ids


def reference(name: str) -> tuple[dict, pd.DataFrame, dict[str, Variable]]:
    """The stored results, the data, and the variables of one reference fit."""
    found = json.loads((REFERENCES / f"{name}.json").read_text())
    levels = found.get("levels") or {}
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
