"""Numbers in words follow APA style."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.text import words

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("p", "said"),
    [(0.0330, "p = .033"), (0.0004, "p < .001"), (0.00099, "p < .001"), (0.0496, "p = .050"),
     (1.0, "p > .999"), (0.25, "p = .250"), (0.9994, "p = .999")],
)  # fmt: skip
def test_p_values_have_three_decimals_and_no_leading_zero(p, said):
    assert words.p_clause(p) == said


@pytest.mark.parametrize(
    ("value", "said"), [(-0.001, "0.00"), (-1.5, f"{MINUS}1.50"), (0.005, "0.01"), (12.0, "12.00")]
)
def test_numbers_have_a_true_minus_and_no_negative_zero(value, said):
    assert words.number(value) == said


@pytest.mark.parametrize(
    ("value", "said"), [(-0.17, f"{MINUS}.17"), (0.5, ".50"), (1.0, "1.00"), (-1.0, f"{MINUS}1.00")]
)
def test_correlations_have_no_leading_zero(value, said):
    assert words.share(value) == said


def test_statistics_read_as_in_a_paper():
    row = pd.Series({"estimate": 0.37, "se": 0.17, "df": 28.44, "t": 2.18, "p": 0.0377,
                     "low": 0.02, "high": 0.72})  # fmt: skip
    said = words.statistics(row).replace("\N{NO-BREAK SPACE}", " ")
    assert said == "b = 0.37, SE = 0.17, t(28.4) = 2.18, p = .038, 95 % CI [0.02, 0.72]"


@pytest.mark.parametrize(
    ("p", "sign"), [(0.0009, "***"), (0.001, "**"), (0.0099, "**"), (0.01, "*"), (0.05, "n.s.")]
)
def test_stars_are_those_of_the_legend(p, sign):
    assert words.stars(p) == sign


def test_lists_are_joined_by_commas_and_one_and():
    assert words.listing([]) == ""
    assert words.listing(["a"]) == "a"
    assert words.listing(["a", "b", "c"]) == "a, b and c"
    assert words.count(1, "participant") == "1 participant"
    assert words.count(0, "identity", "identities") == "0 identities"
