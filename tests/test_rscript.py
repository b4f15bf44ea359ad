"""models.R runs in R as it is, and R says the same to three digits."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from analysis.reference.rscript import missing_packages
from analysis.results import run
from analysis.sample.exclude import read_sample
from analysis.text.rscript import script
from protocols.ratings import read_ratings, write_ratings
from tests.choice_studies import played, sample_of
from tests.report_study import TEXT, make

pytestmark = [
    pytest.mark.r,
    pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not installed"),
]
MORE_MODELS = """\
    - id: choice
      formula: feeling ~ emotion + (1 | participant) + (1 | identity)
      family: binomial
      success: {labels: [Happy, Neither]}
      where: {m: [0.5, 1]}
      comparisons: [{factor: emotion}]
    - id: match
      formula: feeling ~ emotion * m + (emotion || participant)
      family: binomial
      success: {matches: emotion}
      coding: {emotion: sum}
      likelihood_ratio: [feeling ~ emotion + m + (emotion || participant)]
    - id: points
      formula: valence ~ emotion + (emotion || participant) + (1 | identity)
      family: ordinal
      where: {m: [1]}
      comparisons: [{factor: emotion}]
    - id: named
      formula: valence ~ m + (1 | participant) + (1 | identity)
      hypotheses: {m: {whole: {0: -1, 1: 1}}}
      df: kenward-roger
      comparisons: [{factor: m, adjust: tukey, equivalence: 0.5}]
    - id: trend
      formula: valence ~ emotion * m + (1 | participant) + (1 | identity)
      coding: {m: polynomial, emotion: sum}
      reml: false
      where: {m: [0, 0.5, 1]}
      likelihood_ratio:
        - valence ~ emotion + m + (1 | participant) + (1 | identity)
        - valence ~ emotion * m + (1 | participant)
"""
TEXT = TEXT.replace("    - id: aliased\n", MORE_MODELS + "    - id: aliased\n")
LINEAR = ["nested", "crossed", "slope-of-m", "uncorrelated", "named", "trend"]
LOGITS = ["choice", "match", "points"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    made = make(
        tmp_path_factory.mktemp("r") / "everything", TEXT.replace("per_list: 24", "per_list: 12")
    )
    protocol = made.protocol()
    ratings = read_ratings(made.ratings_file)
    odd = ratings.participant == sorted(ratings.participant.unique())[3]
    # the rules overrule this
    ratings.loc[odd, ["valid", "exclusion_reason"]] = [False, "attention"]
    ratings["identity"] = "0" + ratings.identity.str.removeprefix("actor")  # names, not numbers
    write_ratings(ratings, made.ratings_file, protocol.factors)
    (made.stimuli / "stimuli.tsv").unlink()  # where the identities have their old names
    return made


@pytest.fixture(scope="module")
def ours(study):
    """Model -> result, and the script written where a report would have it."""
    protocol = study.protocol()
    sample = read_sample(study, protocol)
    results = [run(model, protocol, sample) for model in protocol.analysis.models]
    study.report.mkdir()
    (study.report / "models.R").write_text(script(results, sample, protocol), encoding="utf-8")
    return {result.model.id: result for result in results}


@pytest.fixture(scope="module")
def in_r(study, ours) -> pd.DataFrame:
    ran = subprocess.run(
        ["Rscript", str(study.report / "models.R")], cwd="/", capture_output=True, text=True
    )
    if "there is no package called" in ran.stderr:
        pytest.skip("R lacks lme4 or lmerTest")
    assert ran.returncode == 0, ran.stderr
    return pd.read_csv(study.report / "models-R.csv")


def rows(in_r: pd.DataFrame, model: str, kind: str, package: str = "emmeans") -> pd.DataFrame:
    if missing_packages((package,)):
        pytest.skip(f"R lacks {package}")
    found = in_r[(in_r.model == model) & (in_r.kind == kind)]
    assert len(found), f"models.R has no {kind} of {model}"
    return found


@pytest.mark.parametrize("name", LINEAR)
def test_coefficients_agree_to_three_digits(ours, in_r, name):
    package = "pbkrtest" if name == "named" else "lme4"
    found, fixed = rows(in_r, name, "coefficient", package), ours[name].fit.fixed
    assert found.term.tolist() == fixed.term.tolist()
    assert ((found.estimate.to_numpy() - fixed.estimate) / fixed.se).abs().max() < 1e-3
    np.testing.assert_allclose(found.se, fixed.se, rtol=1e-3)
    np.testing.assert_allclose(found.df, fixed.df, rtol=1e-2)
    np.testing.assert_allclose(found.p, fixed.p, rtol=1e-2, atol=1e-5)


@pytest.mark.parametrize("name", LOGITS)
def test_logits_agree_to_three_digits(ours, in_r, name):
    package = "ordinal" if name == "points" else "lme4"
    found, fixed = rows(in_r, name, "coefficient", package), ours[name].fit.fixed
    assert found.term.tolist() == fixed.term.tolist()
    assert ((found.estimate.to_numpy() - fixed.estimate) / fixed.se).abs().max() < 2e-3
    np.testing.assert_allclose(found.se, fixed.se, rtol=2e-3)
    np.testing.assert_allclose(found.p, fixed.p, rtol=2e-2, atol=1e-4)


def test_thresholds_agree_with_clmm(ours, in_r):
    found, cuts = rows(in_r, "points", "threshold", "ordinal"), ours["points"].fit.threshold_table
    assert found.term.tolist() == cuts.threshold.tolist()
    np.testing.assert_allclose(found.estimate, cuts.estimate, atol=2e-3)


@pytest.mark.parametrize("name", ["nested", "crossed", "slope-of-m", "choice", "points", "named"])
def test_comparisons_agree_with_emmeans(ours, in_r, name):
    found, table = rows(in_r, name, "comparison"), ours[name].families[0].table
    by_size = table.sort_values("estimate"), found.sort_values("estimate")
    np.testing.assert_allclose(*(t.estimate for t in by_size), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(*(t.se for t in by_size), rtol=2e-3)
    np.testing.assert_allclose(*(t.df for t in by_size), rtol=1e-2)
    np.testing.assert_allclose(by_size[0].p_adjusted, by_size[1].p, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("name", ["nested", "named"])
def test_equivalence_agrees_with_emmeans(ours, in_r, name):
    found, table = rows(in_r, name, "equivalence"), ours[name].families[0].table
    table = table.sort_values("estimate")
    found = found.sort_values("estimate")
    np.testing.assert_allclose(found.estimate, table.estimate, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found.p, table.p_equivalence, atol=1e-3)


@pytest.mark.parametrize("name", ["match", "trend"])
def test_likelihood_ratio_tests_agree(ours, in_r, name):
    found, tests = rows(in_r, name, "likelihood-ratio", "lme4"), ours[name].likelihood_ratios
    assert found.term.tolist() == [test.formula for test in tests]
    np.testing.assert_allclose(found.estimate, [test.chi2 for test in tests], rtol=1e-3, atol=2e-3)
    assert found.df.tolist() == [test.df for test in tests]
    np.testing.assert_allclose(found.p, [test.p for test in tests], atol=1e-3)


def test_both_analyse_the_same_ratings(study, ours, in_r):
    """The participant whom the table calls invalid against the rules is back in both."""
    sample = read_sample(study, study.protocol())
    assert list(sample.overruled.values()) == [True]
    assert ours["nested"].fit.n == 24 * 36
    assert ours["points"].fit.n == 24 * 12
    models = set(in_r.model)
    assert {"nested", "crossed", "slope-of-m", "uncorrelated", "choice", "trend"} <= models


def test_a_model_that_was_not_fitted_says_why(study, ours):
    assert "# not fitted: aliased" in (study.report / "models.R").read_text(encoding="utf-8")


def test_the_weight_of_face_against_voice_is_the_same_in_r(tmp_path):
    """Answers that name neither, and stimuli in which both agree, are left out in R too."""
    study = played(tmp_path / "task2", "eskimez2021-task2", n=24)
    protocol, sample = sample_of(study)
    result = next(
        run(model, protocol, sample)
        for model in protocol.analysis.models
        if model.success and model.success.against
    )
    study.report.mkdir()
    file = study.report / "models.R"
    file.write_text(script([result], sample, protocol), encoding="utf-8")
    ran = subprocess.run(["Rscript", str(file)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr  # nrow(d) == n is checked there
    found = pd.read_csv(study.report / "models-R.csv")
    found = found[found.kind == "coefficient"]
    assert result.fit is not None
    np.testing.assert_allclose(found.estimate, result.fit.fixed.estimate, atol=5e-3)
    np.testing.assert_allclose(found.se, result.fit.fixed.se, rtol=1e-2)
