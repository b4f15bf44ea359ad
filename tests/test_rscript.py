"""models.R runs in R as it is, and lme4 with lmerTest says the same to three digits."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from analysis.report import report
from analysis.results import run
from analysis.sample.exclude import read_sample
from protocols.ratings import read_ratings, write_ratings
from tests.report_study import TEXT, make

pytestmark = [
    pytest.mark.r,
    pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not installed"),
]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    made = make(
        tmp_path_factory.mktemp("r") / "everything", TEXT.replace("per_list: 24", "per_list: 12")
    )
    protocol = made.protocol()
    ratings = read_ratings(made.ratings_file)
    odd = ratings.participant == sorted(ratings.participant.unique())[3]
    ratings.loc[odd, ["valid", "exclusion_reason"]] = [
        False,
        "attention",
    ]  # the rules overrule this
    ratings["identity"] = "0" + ratings.identity.str.removeprefix("actor")  # names, not numbers
    write_ratings(ratings, made.ratings_file, protocol.factors)
    report(made)
    return made


@pytest.fixture(scope="module")
def in_r(study) -> pd.DataFrame:
    ran = subprocess.run(
        ["Rscript", str(study.report / "models.R")], cwd="/", capture_output=True, text=True
    )
    if "there is no package called" in ran.stderr:
        pytest.skip("R lacks lme4 or lmerTest")
    assert ran.returncode == 0, ran.stderr
    return pd.read_csv(study.report / "models-R.csv")


@pytest.mark.parametrize("name", ["nested", "crossed", "slope-of-m", "uncorrelated"])
def test_coefficients_agree_to_three_digits(study, in_r, name):
    found = in_r[(in_r.model == name) & (in_r.kind == "coefficient")]
    ours = pd.read_csv(study.report / "tables" / f"{name}-fixed.csv")
    assert found.term.tolist() == ours.term.tolist()
    assert ((found.estimate.to_numpy() - ours.estimate) / ours.se).abs().max() < 1e-3
    np.testing.assert_allclose(found.se, ours.se, rtol=1e-3)
    np.testing.assert_allclose(found.df, ours.df, rtol=1e-2)
    np.testing.assert_allclose(found.p, ours.p, rtol=1e-2, atol=1e-5)


@pytest.mark.parametrize("name", ["nested", "crossed", "slope-of-m"])
def test_comparisons_agree_with_emmeans(study, in_r, name):
    found = in_r[(in_r.model == name) & (in_r.kind == "comparison")]
    if found.empty:
        pytest.skip("R lacks emmeans")
    ours = pd.read_csv(study.report / "tables" / f"{name}-comparisons-1.csv")
    by_size = ours.sort_values("estimate"), found.sort_values("estimate")
    np.testing.assert_allclose(*(t.estimate for t in by_size), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(*(t.se for t in by_size), rtol=1e-3)
    np.testing.assert_allclose(*(t.df for t in by_size), rtol=1e-2)
    np.testing.assert_allclose(by_size[0].p_adjusted, by_size[1].p, rtol=1e-2, atol=1e-5)


def test_both_analyse_the_same_ratings(study, in_r):
    """The participant whom the table calls invalid against the rules is back in both."""
    protocol = study.protocol()
    sample = read_sample(study, protocol)
    assert list(sample.overruled.values()) == [True]
    assert run(protocol.analysis.models[0], protocol, sample).fit.n == 24 * 36
    assert len(in_r[in_r.kind == "coefficient"]) == 6 + 6 + 4 + 3
