"""Binomial and ordinal mixed models agree with glmer, clmm, plain regressions and integrals."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import integrate, optimize, stats
from scipy.special import expit, gammaln
from statsmodels.miscmodels.ordinal_model import OrderedModel

from analysis.mixed import descent
from analysis.mixed.binomial import Binomial
from analysis.mixed.columns import Variable
from analysis.mixed.comparisons import compare
from analysis.mixed.design import RandomTerm
from analysis.mixed.general import fit_general
from analysis.mixed.laplace import Laplace
from analysis.mixed.ordinal import Ordinal
from analysis.mixed.probabilities import marginal_probabilities
from analysis.mixed.proportional import slopes_at_cuts
from analysis.problems import AnalysisError
from protocols.mixed_models import Comparison
from tests.lmm_data import NO_REFERENCES, REFERENCES
from tests.r_fits import CLMM, GLMER, ask, fitted, require

NEEDS = pytest.mark.skipif(not REFERENCES.is_dir(), reason=NO_REFERENCES)
MAXIMAL = "y ~ c + (c | p) + (c | i)"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(31)


def codes(fit):
    return [problem.code for problem in fit.problems]


def latent(rng, people=30, items=12, repeats=2, *, slope=0.8, sd=0.8):
    """Logistic answers of everybody to every item, with crossed intercepts and slopes."""
    grid = np.indices((people, items, repeats)).reshape(3, -1)
    c = grid[2] % 2 - 0.5
    person, item = rng.normal(0, sd, (2, people)), rng.normal(0, 0.6, (2, items))
    eta = 0.3 + person[0][grid[0]] + item[0][grid[1]]
    eta = eta + c * (slope + 0.6 * person[1][grid[0]] + 0.4 * item[1][grid[1]])
    return pd.DataFrame({
        "p": [f"p{i}" for i in grid[0]], "i": [f"i{i}" for i in grid[1]], "c": c,
        "y": eta + rng.logistic(size=len(c)),
    })  # fmt: skip


def binary(data):
    return data.assign(y=(data.y > 0).astype(float))


def rated(data, cuts=(-2, -0.7, 0.4, 1.5)):
    return data.assign(y=np.digitize(data.y, cuts) + 1.0)


def cbpp():
    """The answers of the reference, one row per animal, and the constant that this leaves out."""
    data = pd.read_csv(REFERENCES / "cbpp.csv", dtype={"herd": str, "period": str})
    healthy = data["size"] - data.incidence
    y = [np.repeat([1.0, 0.0], pair) for pair in zip(data.incidence, healthy, strict=True)]
    rows = data.loc[np.repeat(data.index, data["size"]), ["herd", "period"]]
    constant = gammaln(data["size"] + 1) - gammaln(data.incidence + 1) - gammaln(healthy + 1)
    return rows.assign(y=np.concatenate(y)).reset_index(drop=True), constant.sum()


@NEEDS
def test_cbpp_agrees_with_glmer_up_to_its_own_tolerance():
    """glmer stops its inner search at 1e-7, which costs it 3e-4 in likelihood and 1 % in SE."""
    found = json.loads((REFERENCES / "cbpp.json").read_text())
    data, constant = cbpp()
    fit = fit_general("y ~ period + (1 | herd)", data, family="binomial")
    r = pd.DataFrame(found["fixed"])
    assert (np.abs(fit.fixed.estimate - r["Estimate"]) / r["Std. Error"]).max() < 3e-3
    np.testing.assert_allclose(fit.fixed.se, r["Std. Error"], rtol=1.5e-2)
    assert fit.random.sd[0] == pytest.approx(found["varcorr"][0]["sdcor"], rel=1e-3)
    assert found["logLik"] < fit.log_likelihood + constant < found["logLik"] + 1e-3
    pairs = compare(fit, Comparison(factor="period"), {}).table  # type: ignore[arg-type]
    holm = [row["p.value"] for row in found["pairs_holm"]]
    np.testing.assert_allclose(pairs.p_adjusted, holm, rtol=0.2, atol=1e-3)


@NEEDS
@pytest.mark.r
def test_cbpp_agrees_with_glmer_of_a_strict_tolerance(tmp_path):
    require("lme4")
    data, _ = cbpp()
    r = fitted(GLMER, "y ~ period + (1 | herd)", data.assign(period="q" + data.period), tmp_path)
    fit = fit_general("y ~ period + (1 | herd)", data, family="binomial")
    compare_with_r(fit, r.iloc[:4], r)


@pytest.mark.r
def test_crossed_slopes_agree_with_glmer(rng, tmp_path):
    require("lme4")
    data = binary(latent(rng, people=40, items=20, repeats=4))
    fit = fit_general(MAXIMAL, data, family="binomial")
    r = fitted(GLMER, MAXIMAL, data, tmp_path)
    compare_with_r(fit, r.iloc[:2], r)
    assert codes(fit) == []


@NEEDS
@pytest.mark.r
def test_a_singular_model_agrees_with_glmer(tmp_path):
    """Slopes of items are perfectly correlated with their intercepts."""
    require("lme4")
    data = pd.read_csv(REFERENCES / "sim_exp1.csv", dtype=str)
    data = data.assign(y=(data.rating.astype(float) >= 5).astype(float),
                       c=np.where(data.emotion == "happy", 0.5, -0.5))  # fmt: skip
    formula = "y ~ c + (c | participant) + (c | item)"
    fit = fit_general(formula, data, family="binomial")
    r = fitted(GLMER, formula, data, tmp_path)
    compare_with_r(fit, r.iloc[:2], r)
    assert [p.found for p in fit.problems] == ["on the boundary: c of item"]


def compare_with_r(fit, coefficients, r, rtol=2e-4):
    assert fit.log_likelihood > r.estimate["logLik"] - 1e-4
    assert fit.log_likelihood == pytest.approx(r.estimate["logLik"], abs=2e-3)
    error = np.abs(fit.fixed.estimate.to_numpy() - coefficients.estimate) / coefficients.se
    assert error.max() < 1e-3
    np.testing.assert_allclose(fit.fixed.se, coefficients.se, rtol=rtol)
    ours = np.sort(fit.random.sd)
    theirs = np.sort(r[r.index.str.startswith("sd")].estimate)
    np.testing.assert_allclose(ours, theirs, atol=2e-3)
    assert "NOT_CONVERGED" not in codes(fit)


@NEEDS
@pytest.mark.r
def test_verbagg_agrees_with_glmer(tmp_path):
    """7,584 answers of 316 people to 24 items; the stored fit has glmer's usual tolerance."""
    require("lme4")
    ask('library(lme4); write.csv(transform(VerbAgg, y = as.integer(r2 == "Y")), "{out}", '
        "row.names = FALSE)", tmp_path)  # fmt: skip
    data = pd.read_csv(tmp_path / "out.csv", dtype={"id": str})
    found = json.loads((REFERENCES / "verbagg.json").read_text())
    variables = {
        name: Variable(name, tuple(levels)) for name, levels in found["levels"].items() if levels
    }
    fit = fit_general(found["formula"], data, variables, family="binomial")
    r = pd.DataFrame(found["fixed"])
    assert fit.fixed.term.tolist() == r.term.tolist()
    assert (np.abs(fit.fixed.estimate - r["Estimate"]) / r["Std. Error"]).max() < 2e-3
    np.testing.assert_allclose(fit.fixed.se, r["Std. Error"], rtol=3e-3)
    sds = [row["sdcor"] for row in found["varcorr"]]
    np.testing.assert_allclose(fit.random.sd, sds, rtol=1e-3)
    assert found["logLik"] < fit.log_likelihood < found["logLik"] + 1e-3


@NEEDS
def test_wine_agrees_with_clmm():
    found = json.loads((REFERENCES / "clmm_wine.json").read_text())
    data = pd.read_csv(REFERENCES / "wine.csv", dtype={"judge": str})
    variables = {"temp": Variable("temp", ("cold", "warm")),
                 "contact": Variable("contact", ("no", "yes"))}  # fmt: skip
    fit = fit_general(found["formula"], data, variables, family="ordinal")
    r = pd.DataFrame(found["coef"]).set_index("term")
    both = pd.concat([fit.threshold_table.rename(columns={"threshold": "term"}), fit.fixed])
    both = both.set_index("term").loc[r.index]
    assert (np.abs(both.estimate - r["Estimate"]) / r["Std. Error"]).max() < 1e-4
    np.testing.assert_allclose(both.se, r["Std. Error"], rtol=1e-4)
    np.testing.assert_allclose(both.p, r["Pr(>|z|)"], rtol=1e-3)
    assert fit.random.sd[0] == pytest.approx(found["sd"]["judge"], rel=1e-4)
    assert fit.log_likelihood == pytest.approx(found["logLik"], abs=1e-4)
    assert fit.aic == pytest.approx(2 * 7 - 2 * found["logLik"], abs=1e-3)


@pytest.mark.r
def test_crossed_ratings_agree_with_clmm(rng, tmp_path):
    require("ordinal")
    data = rated(latent(rng, people=16, items=8))
    formula = "y ~ c + (1 | p) + (1 | i)"
    fit = fit_general(formula, data, family="ordinal")
    r = fitted(CLMM, formula.replace("y ~", "ordered(y) ~"), data, tmp_path)
    compare_with_r(fit, r.loc[["c"]], r)
    cuts = r.iloc[:4]
    np.testing.assert_allclose(fit.threshold_table.estimate, cuts.estimate, atol=1e-3)
    np.testing.assert_allclose(fit.threshold_table.se, cuts.se, rtol=1e-3)


def design_of_three(rng, n=300):
    """Crossed terms of three groupings, two terms of one of them."""
    x = rng.normal(size=(n, 2))
    one = np.ones(n)
    p, i, q = rng.integers(0, 20, n), rng.integers(0, 9, n), rng.integers(0, 4, n)
    levels = [tuple(map(str, range(m))) for m in (20, 9, 4)]
    return x, [
        RandomTerm("i", i, levels[1], np.column_stack([one, x[:, 0]]), ("1", "a")),
        RandomTerm("p", p, levels[0], np.column_stack([one, x[:, 0]]), ("1", "a")),
        RandomTerm("q", q, levels[2], one[:, None], ("1",)),
        RandomTerm("p", p, levels[0], x[:, 1:], ("b",)),
    ]  # fmt: skip


POINT = [0.7, 0.2, 0.5, 0.6, -0.3, 0.4, 0.5, 0.3, 0.4, -0.2]  # theta (8), beta (2)


@pytest.mark.parametrize("cuts", [[], [-1.5, -0.5, 0.4, 1.3]])
def test_slope_of_the_deviance_is_its_difference_quotient(rng, cuts):
    x, terms = design_of_three(rng)
    places = rng.integers(0, 5, len(x))
    likelihood = Ordinal(places, 5) if cuts else Binomial((places > 2).astype(float))
    laplace = Laplace(likelihood, x, terms)
    at = np.array([*POINT, *cuts])
    units = 1e-5 * np.eye(len(at))
    quotient = [(laplace(at + unit)[0] - laplace(at - unit)[0]) / 2e-5 for unit in units]
    np.testing.assert_allclose(laplace(at)[1], quotient, atol=1e-6)


@pytest.mark.parametrize("cuts", [[], [-1.5, -0.5, 0.4, 1.3]])
def test_deviance_is_laplaces_formula_written_out(rng, cuts):
    """Modes by another optimiser, H by differences of the score, everything dense."""
    x, terms = design_of_three(rng, n=120)
    places = rng.integers(0, 5, len(x))
    y = (places > 2).astype(float)
    laplace = Laplace(Ordinal(places, 5) if cuts else Binomial(y), x, terms)
    at = np.array([*POINT, *cuts])
    a = np.hstack([
        np.einsum("nl,nk->nlk", np.eye(len(term.levels))[term.codes], term.z @ t).reshape(120, -1)
        for term, t in zip(terms, laplace.triangles(at[:8]), strict=True)
    ])  # fmt: skip

    def log_p(eta):
        if not cuts:
            return stats.bernoulli.logpmf(y, expit(eta))
        edges = np.array([-np.inf, *cuts, np.inf])
        return np.log(expit(edges[places + 1] - eta) - expit(edges[places] - eta))

    def penalised(u):
        return float(-2 * log_p(x @ at[8:10] + a @ u).sum() + u @ u)

    u = optimize.minimize(penalised, np.zeros(a.shape[1]), options={"gtol": 1e-6}).x
    eta, h = x @ at[8:10] + a @ u, 1e-4
    weight = -(log_p(eta + h) - 2 * log_p(eta) + log_p(eta - h)) / h**2
    _, log_det = np.linalg.slogdet(a.T @ (weight[:, None] * a) + np.eye(a.shape[1]))
    assert laplace(at)[0] == pytest.approx(penalised(u) + log_det, abs=1e-4)


def test_likelihood_is_near_the_integral_over_random_effects(rng):
    """Of 40 answers each, Laplace's error is far below what matters (Tierney & Kadane 1986)."""
    group = np.repeat(np.arange(4), 40)
    y = (rng.normal(0, 0.8, 4)[group] + rng.logistic(size=160) > 0).astype(float)
    fit = fit_general(
        "y ~ 1 + (1 | g)", pd.DataFrame({"y": y, "g": group.astype(str)}), family="binomial"
    )
    sd, b = float(fit.random.sd[0]), float(fit.beta[0])

    def of_group(ones, n):
        def density(v):
            return stats.binom.pmf(ones, n, expit(b + sd * v)) * stats.norm.pdf(v)

        value = integrate.quad(density, -8, 8)[0]
        return np.log(value / stats.binom.pmf(ones, n, 0.5) * 0.5**n)

    exact = sum(of_group(y[group == g].sum(), 40) for g in range(4))
    assert fit.log_likelihood == pytest.approx(exact, abs=0.02)


def alike(data, groups):
    """Groups that differ less than chance lets them, so that their variance is zero."""
    place = data.sort_values(list(data.columns)[::-1]).index
    return pd.Series(np.arange(len(data)) % groups, index=place).astype(str)


def test_without_variance_it_is_logistic_regression(rng):
    x = rng.normal(size=600)
    data = pd.DataFrame({"x": x, "y": (0.4 + x + rng.logistic(size=600) > 0).astype(float)})
    data["g"] = alike(data, 20)
    plain = sm.Logit(data.y, sm.add_constant(data.x)).fit(disp=0)
    fit = fit_general("y ~ x + (1 | g)", data, family="binomial")
    assert fit.random.sd[0] < 1e-3
    np.testing.assert_allclose(fit.beta, plain.params, rtol=1e-5)
    np.testing.assert_allclose(fit.fixed.se, plain.bse, rtol=1e-5)
    np.testing.assert_allclose(fit.fixed.p, plain.pvalues, rtol=1e-3)
    assert fit.log_likelihood == pytest.approx(plain.llf, abs=1e-6)
    assert codes(fit) == ["SINGULAR"]


def test_without_variance_it_is_ordered_logistic_regression(rng):
    x = rng.normal(size=600)
    y = np.digitize(x + rng.logistic(size=600), [-1, 0.2, 1.5])
    data = pd.DataFrame({"x": x, "y": y})
    data["g"] = alike(data, 20)
    plain = OrderedModel(y, x[:, None], distr="logit").fit(method="bfgs", disp=0)
    fit = fit_general("y ~ x + (1 | g)", data, family="ordinal")
    assert fit.random.sd[0] < 1e-3
    assert fit.beta[0] == pytest.approx(plain.params[0], rel=1e-4)
    assert fit.fixed.se[0] == pytest.approx(plain.bse[0], rel=1e-3)
    cuts = plain.model.transform_threshold_params(plain.params)[1:-1]
    np.testing.assert_allclose(fit.thresholds, cuts, atol=1e-4)


def test_a_scale_of_two_points_is_a_binomial_model(rng):
    data = binary(latent(rng, people=20, items=10))
    binomial = fit_general(MAXIMAL, data, family="binomial")
    ordinal = fit_general(MAXIMAL, data.assign(y=data.y + 1), family="ordinal")
    assert ordinal.log_likelihood == pytest.approx(binomial.log_likelihood, abs=1e-6)
    assert ordinal.fixed.se[0] == pytest.approx(binomial.fixed.se[1], rel=1e-4)
    assert ordinal.beta[0] == pytest.approx(binomial.beta[1], rel=1e-4)
    assert ordinal.thresholds[0] == pytest.approx(-binomial.beta[0], abs=1e-4)


@pytest.mark.parametrize("family", ["binomial", "ordinal"])
def test_simulated_effects_are_recovered(rng, family):
    data = latent(rng, people=80, items=30)
    data = binary(data) if family == "binomial" else rated(data)
    fit = fit_general(MAXIMAL, data, family=family)
    slope = fit.fixed.set_index("term").loc["c"]
    assert abs(slope.estimate - 0.8) < 3 * slope.se
    assert slope.odds_ratio == pytest.approx(np.exp(slope.estimate))
    assert fit.random.sd.tolist() == pytest.approx([0.8, 0.48, 0.6, 0.24], abs=0.25)
    if family == "ordinal":
        cuts = fit.threshold_table
        truth = np.array([-2, -0.7, 0.4, 1.5]) - 0.3
        assert (np.abs(cuts.estimate - truth) < 3 * cuts.se).all()
    best = np.corrcoef(fit.fitted, data.y)[0, 1]
    assert best > np.corrcoef(fit.fixed_part, data.y)[0, 1] + 0.1


@pytest.mark.parametrize("family", ["binomial", "ordinal"])
def test_units_and_order_of_rows_change_nothing(rng, family):
    data = latent(rng, people=20, items=10)
    data = binary(data) if family == "binomial" else rated(data)
    fit = fit_general(MAXIMAL, data, family=family)
    other = data.assign(c=data.c * 1e4).sample(frac=1, random_state=3)
    again = fit_general(MAXIMAL, other, family=family)
    assert again.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-6)
    np.testing.assert_allclose(again.fixed.z, fit.fixed.z, rtol=1e-4)
    assert again.random.sd[1] * 1e4 == pytest.approx(fit.random.sd[1], rel=1e-3)


def test_separated_answers_are_said_so(rng):
    data = binary(latent(rng, people=20, items=10))
    data = data.assign(kind=rng.choice(["a", "b", "d"], len(data)))
    assert codes(fit_general("y ~ kind + (1 | p)", data, family="binomial")) == []
    data.loc[data.kind == "b", "y"] = 1.0
    fit = fit_general("y ~ kind + (1 | p)", data, family="binomial")
    found = next(p for p in fit.problems if p.code == "SEPARATION")
    assert "kindb" in found.found
    assert "kindd" not in found.found
    effect = fit.fixed.set_index("term")
    assert effect.p["kindb"] > 0.5  # Wald's test cannot see it, so the caution must
    assert effect.se["kindd"] < 1


def test_ratings_at_one_end_in_one_condition_are_separated(rng):
    data = rated(latent(rng, people=20, items=10))
    high = data.assign(y=np.where(data.c > 0, 5, data.y))
    assert "SEPARATION" in codes(fit_general("y ~ c + (1 | p)", high, family="ordinal"))
    middle = data.assign(y=np.where(data.c > 0, 3, data.y))
    assert "SEPARATION" not in codes(fit_general("y ~ c + (1 | p)", middle, family="ordinal"))


def test_people_who_always_answer_the_same_are_said_so(rng):
    data = binary(latent(rng, people=20, items=10))
    data["y"] = (data.p.str[1:].astype(int) % 2).astype(float)
    fit = fit_general("y ~ c + (1 | p)", data, family="binomial")
    assert [p.found for p in fit.problems] == ["answers hardly vary within p"]


def test_starts_that_disagree_are_never_hidden(rng, monkeypatch):
    monkeypatch.setattr(descent, "MOST_ITERATIONS", 1)
    monkeypatch.setattr(descent, "NEWTON_STEPS", 0)
    fit = fit_general(MAXIMAL, binary(latent(rng, people=20, items=10)), family="binomial")
    found = next(p for p in fit.problems if p.code == "NOT_CONVERGED")
    assert "log-likelihood units apart" in found.found
    assert fit.apart > 1e-3


@pytest.mark.parametrize(
    ("change", "family", "says"),
    [
        ({"y": 1.0}, "binomial", "every answer to 'y' counts as 1"),
        ({"y": 3.0}, "ordinal", "every answer to 'y' is 3"),
        ({"y": np.arange(200) % 3}, "binomial", "found 2; a binomial model takes 1"),
        ({"y": np.arange(200) / 7}, "ordinal", "at most 25: use family: gaussian"),
        ({"y": np.nan}, "ordinal", "no answers to 'y'"),
    ],
)
def test_answers_that_fit_no_model_are_refused_in_one_sentence(rng, change, family, says):
    data = binary(latent(rng, people=10, items=10)).assign(**change)
    with pytest.raises(AnalysisError, match=says):
        fit_general("y ~ c + (1 | p)", data, family=family)


def test_an_ordinal_model_has_its_intercept_in_the_thresholds(rng):
    data = rated(latent(rng, people=10, items=10)).assign(kind=lambda d: "k" + d.c.astype(str))
    with pytest.raises(AnalysisError, match="take '0 \\+' out"):
        fit_general("y ~ 0 + kind + (1 | p)", data, family="ordinal")
    without = fit_general("y ~ 0 + c + (1 | p)", data, family="ordinal")
    usual = fit_general("y ~ c + (1 | p)", data, family="ordinal")
    assert without.log_likelihood == pytest.approx(usual.log_likelihood, abs=1e-6)


def test_probabilities_are_the_shares_of_the_cells(rng):
    """Without variance between people, of a model with one effect per cell."""
    n = 900
    data = pd.DataFrame({"kind": np.tile(["a", "b", "d"], n // 3)})
    data["y"] = (rng.random(n) < data.kind.map({"a": 0.2, "b": 0.5, "d": 0.9})).astype(float)
    data["g"] = alike(data, 30)
    fit = fit_general("y ~ kind + (1 | g)", data, family="binomial")
    assert fit.random.sd[0] < 1e-3
    table = marginal_probabilities(fit, ["kind"], {})
    share = data.groupby("kind").y.mean().to_numpy()
    np.testing.assert_allclose(table.probability, share, atol=1e-6)
    np.testing.assert_allclose(table.se, np.sqrt(share * (1 - share) / (n / 3)), rtol=1e-3)
    logit = stats.norm.ppf(0.975) / np.sqrt(n / 3 * share * (1 - share))
    np.testing.assert_allclose(table.low, expit(np.log(share / (1 - share)) - logit), rtol=1e-4)


def test_the_probability_over_all_is_the_mean_over_people(rng):
    data = binary(latent(rng, people=60, items=10, sd=1.5))
    fit = fit_general("y ~ 1 + (1 | p) + (1 | i)", data, family="binomial")
    found = marginal_probabilities(fit, [], {}).iloc[0]
    drawn = fit.beta[0] + rng.normal(0, np.sqrt(fit.random_variance), 400_000)
    assert found.population == pytest.approx(expit(drawn).mean(), abs=0.004)
    assert found.probability == pytest.approx(expit(fit.beta[0]))


def test_one_slope_for_the_whole_scale_is_checked(rng):
    data = latent(rng, people=40, items=15, slope=1.0)
    even = slopes_at_cuts(fit_general("y ~ c + (1 | p)", rated(data), family="ordinal"))
    assert even.cut.tolist() == ["1|2", "2|3", "3|4", "4|5"]
    assert not even.differs.any()
    spread = data.assign(y=data.y * np.where(data.c > 0, 2.5, 0.8))  # to both ends of the scale
    uneven = slopes_at_cuts(fit_general("y ~ c + (1 | p)", rated(spread), family="ordinal"))
    assert uneven.differs.any()
    assert uneven.estimate.iloc[0] < uneven.ordinal.iloc[0] < uneven.estimate.iloc[-1]
