"""Intraclass correlations agree with performance; the error of the SD with a closed form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.mixed.fit import fit
from analysis.mixed.variance import group_variances, intraclass, total_sd_error
from tests.lmm_data import NO_REFERENCES, REFERENCES, reference, reference_ids

# performance leaves slopes out where their column's name is not that of a fixed effect (nested
# coding), and computes nothing, or something else, for models with ||
OTHERWISE = ("sim_exp2_nested", "sleepstudy_uncorr")


def stored() -> list[str]:
    names = [n for n in reference_ids() if n not in OTHERWISE and not n.startswith("insteval")]
    return [n for n in names if reference(n)[0].get("icc")]


@pytest.mark.skipif(not REFERENCES.is_dir(), reason=NO_REFERENCES)
@pytest.mark.parametrize("name", stored())
def test_intraclass_correlations_agree_with_performance(name):
    found, data, variables = reference(name)
    fitted = fit(found["formula"], data, variables, reml=found["REML"])
    ours = intraclass(fitted).set_index(["measure", "group"]).value
    assert ours["adjusted", "all"] == pytest.approx(found["icc"]["adjusted"], abs=1e-4)
    assert ours["unadjusted", "all"] == pytest.approx(found["icc"]["unadjusted"], abs=1e-4)
    assert ours["share"].sum() == pytest.approx(ours["adjusted", "all"])
    marginal, conditional = fitted.r_squared
    assert marginal == pytest.approx(found["r2"]["marginal"], abs=1e-4)
    assert conditional == pytest.approx(found["r2"]["conditional"], abs=1e-4)


def one_way(seed: int = 3, groups: int = 15, each: int = 6) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rating = rng.normal(5, 1, groups)[:, None] + rng.normal(0, 1, (groups, each))
    names = np.repeat([f"p{i}" for i in range(groups)], each)
    return pd.DataFrame({"rating": rating.ravel(), "participant": names})


def test_shares_are_variances_over_their_sum():
    fitted = fit("rating ~ 1 + (1 | participant)", one_way())
    between, within = fitted.random.sd**2
    assert group_variances(fitted) == {"participant": pytest.approx(between)}
    shares = intraclass(fitted).set_index("measure").value
    assert shares["share"] == pytest.approx(between / (between + within))


def test_error_of_the_total_sd_has_the_closed_form_of_a_balanced_layout():
    """The sum of variances is (MSB + (k - 1) MSW) / k, of two independent mean squares."""
    groups, each = 15, 6
    fitted = fit("rating ~ 1 + (1 | participant)", one_way())
    within = fitted.sigma**2
    between = each * fitted.random.sd[0] ** 2 + within
    variance = 2 * between**2 / (groups - 1) / each**2
    variance += ((each - 1) / each) ** 2 * 2 * within**2 / (groups * (each - 1))
    expected = np.sqrt(variance) / (2 * fitted.total_sd)
    assert total_sd_error(fitted) == pytest.approx(expected, rel=1e-3)


def test_units_do_not_matter():
    data = one_way().assign(x=lambda d: np.arange(len(d)) % 7)
    formula = "rating ~ x + (x | participant)"
    small = fit(formula, data)
    large = fit(formula, data.assign(x=data.x * 1e4, rating=data.rating * 10))
    np.testing.assert_allclose(intraclass(large).value, intraclass(small).value, rtol=1e-4)
    assert total_sd_error(large) == pytest.approx(10 * total_sd_error(small), rel=1e-3)
