"""A simulated study in which a model answers beside people: same stimuli, rows of source model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from protocols.ratings import NAME, read_ratings, write_ratings
from protocols.study import Study
from tests.report_study import TEXT, make

STEPS = """  human_model:
    - {task: valence, equivalence: 0.5}
    - {task: feeling, by: [emotion]}
"""


def make_with_model(folder: Path, *, declared: bool = True, seed: int = 3) -> Study:
    """The study of `tests.report_study` with a model that sees effects half as large again."""
    steps = TEXT.replace("simulation:\n  careless", f"{STEPS}simulation:\n  careless")
    study = make(folder, steps if declared else TEXT)
    add_model(study, seed)
    return study


def add_model(study: Study, seed: int) -> None:
    """Add the model's rows to ratings.csv: one answer to each task and stimulus."""
    rng = np.random.default_rng(seed)
    ratings = read_ratings(study.ratings_file)
    rated = ratings[(ratings.kind == "rating") & ratings.question.isin(["valence", "feeling"])]
    one_each = rated.drop_duplicates(["stimulus_id", "question"]).copy()
    valence = ratings[ratings.question == "valence"].groupby("stimulus_id").response.mean()
    number = one_each.question == "valence"
    seen = 5.3 + 1.5 * (one_each.stimulus_id.map(valence).astype(float) - 5)
    noisy = (seen + rng.normal(0, 0.3, len(one_each))).round(2)
    one_each["response"] = one_each.response.astype(float).where(~number, noisy)
    names = one_each.emotion.str.capitalize()
    one_each["label"] = one_each.label.where(number, names)
    one_each.loc[~number, "response"] = 1.0 + (names[~number] == "Happy")
    one_each = one_each.assign(
        source="model", participant="face-net", slot=0, list=0, block=1, valid=True,
        exclusion_reason=one_each.exclusion_reason.mask(one_each.trial > 0),
        trial=one_each.stimulus_id.factorize()[0] + 1,
    )  # fmt: skip
    factors = study.protocol().factors
    write_ratings(pd.concat([ratings, one_each]), study.folder / NAME, factors)
