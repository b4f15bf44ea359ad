"""Agreement between raters: published worked examples, closed forms, and recovered parameters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.inter_rater import fleiss_kappa

from analysis.raters import icc
from analysis.raters.agreement import agreement
from analysis.raters.bootstrap import draws
from analysis.raters.coincidences import Counts, alpha, count, fleiss, pairs, with_interval
from analysis.raters.halves import deal, split_half

SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)  # 1979, table 2: six targets, four judges
KRIPPENDORFF = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""  # 2011, section C: four observers, twelve units, missing data
FLEISS = """
0 0 0 6 0;0 3 0 0 3;0 1 4 0 1;0 0 0 0 6;0 3 0 3 0;2 0 4 0 0;0 0 4 0 2;2 0 3 1 0;2 0 0 4 0
0 0 0 0 6;1 0 0 5 0;1 1 0 4 0;0 3 3 0 0;1 0 0 5 0;0 2 0 3 1;0 0 5 0 1;3 0 0 1 2;5 1 0 0 0
0 2 0 4 0;1 0 2 0 3;0 0 0 0 6;0 1 0 5 0;0 2 0 1 3;2 0 0 4 0;1 0 0 4 1;0 5 0 1 0;4 0 0 0 2
0 2 0 4 0;1 0 5 0 0;0 0 0 0 6
"""  # 1971, table 1: thirty patients, six psychiatrists, five diagnoses
LONDON = Path(__file__).parents[1].parent / "shared/data/ratings_london/fr4_subset_faux.csv"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def ones(counts: Counts) -> np.ndarray:
    return np.ones((1, len(counts.counts)))


def long(table: np.ndarray, lists: np.ndarray | None = None) -> pd.DataFrame:
    """A table stimuli × raters as rows, gaps left out."""
    n, k = table.shape
    rows = pd.DataFrame(
        {
            "stimulus_id": np.repeat([f"s{i:03d}" for i in range(n)], k),
            "participant": np.tile([f"p{j:03d}" for j in range(k)], n),
            "list": np.tile(np.zeros(k, int) if lists is None else lists, n),
            "rating": table.ravel(),
        }
    )
    return rows.assign(identity=rows.stimulus_id).dropna(subset="rating").reset_index(drop=True)


def krippendorff() -> Counts:
    lines = [line.split() for line in KRIPPENDORFF.split("\n") if line]
    table = np.array([[np.nan if v == "." else float(v) for v in line] for line in lines]).T
    rows = long(table)
    return count(rows.rating, rows.stimulus_id, rows.identity)


def table_of_fleiss() -> np.ndarray:
    rows = [row for line in FLEISS.split("\n") if line for row in line.split(";")]
    return np.array([row.split() for row in rows], float)


def test_intraclass_correlations_are_those_of_shrout_and_fleiss():
    found = {one.name: one for one in icc.of_complete(SHROUT_FLEISS)}
    published = {
        "ICC(1,1)": (0.17, -0.13, 0.72), "ICC(A,1)": (0.29, 0.02, 0.76),
        "ICC(C,1)": (0.71, 0.34, 0.95), "ICC(1,k)": (0.44, -0.88, 0.91),
        "ICC(A,k)": (0.62, 0.07, 0.93), "ICC(C,k)": (0.91, 0.68, 0.99),
    }  # fmt: skip
    for name, numbers in published.items():
        one = found[name]
        assert (one.value, one.low, one.high) == pytest.approx(numbers, abs=0.0051), name


def test_an_intraclass_correlation_is_one_where_raters_are_identical():
    same = np.repeat(np.arange(6.0)[:, None], 3, axis=1)
    assert all(one.value == one.low == one.high == 1 for one in icc.of_complete(same))
    shifted = {one.name: one.value for one in icc.of_complete(same + [0, 1, 2])}
    assert shifted["ICC(C,1)"] == pytest.approx(1)
    assert shifted["ICC(A,1)"] == pytest.approx(3.5 / 4.5)  # variances 3.5 between, 1 of raters
    assert icc.of_complete(np.full((4, 3), 5.0)) == []


def test_variance_components_give_the_mean_squares_correlations_where_the_design_is_complete(rng):
    table = rng.normal(0, 1, (40, 1)) + rng.normal(0, 0.7, (1, 12))
    table = table + rng.normal(0, 1, (40, 12))
    by_f = {one.name: one for one in icc.of_complete(table)}
    by_components = {one.name: one for one in icc.of_incomplete(long(table))}
    assert set(by_components) == set(by_f) - {"ICC(C,k)"}
    for name, one in by_components.items():
        assert one.value == pytest.approx(by_f[name].value, abs=2e-4), name
        assert one.low == pytest.approx(by_f[name].low, abs=0.06)
        assert one.high == pytest.approx(by_f[name].high, abs=0.06)


def test_with_gaps_intervals_cover_the_true_correlation(rng):
    truth, covered = 1 / (1 + 0.3 + 1.2), 0
    for _ in range(60):
        table = rng.normal(0, 1, (40, 1)) + rng.normal(0, 0.3**0.5, (1, 30))
        table = table + rng.normal(0, 1.2**0.5, (40, 30))
        table[np.arange(40)[:, None] % 2 == np.arange(30) % 2] = np.nan  # two lists
        found = {one.name: one for one in icc.of_incomplete(long(table))}
        covered += found["ICC(A,1)"].low < truth < found["ICC(A,1)"].high
    assert covered >= 52  # 95 % of 60 is 57; fewer than 52 would happen once in 100


@pytest.mark.parametrize(
    ("metric", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_is_that_of_krippendorffs_example(metric, published):
    counts = krippendorff()
    assert alpha(counts, metric, ones(counts))[0] == pytest.approx(published, abs=5e-4)


def test_kappa_is_that_of_fleiss_and_of_statsmodels(rng):
    table = table_of_fleiss()
    counts = Counts(table, np.arange(5), np.arange(30))
    assert fleiss(counts, ones(counts))[0] == pytest.approx(0.430, abs=5e-4)
    made = rng.multinomial(7, [0.5, 0.3, 0.2], size=25).astype(float)
    counts = Counts(made, np.arange(3), np.arange(25))
    assert fleiss(counts, ones(counts))[0] == pytest.approx(fleiss_kappa(made), abs=1e-12)


def test_nominal_alpha_is_kappa_corrected_for_few_ratings():
    counts = Counts(table_of_fleiss(), np.arange(5), np.arange(30))
    kappa, n = fleiss(counts, ones(counts))[0], 180
    expected = 1 - (1 - kappa) * (n - 1) / n
    assert alpha(counts, "nominal", ones(counts))[0] == pytest.approx(expected, abs=1e-12)


def test_alpha_of_two_points_is_the_same_on_every_scale(rng):
    counts = Counts(rng.multinomial(6, [0.4, 0.6], size=20).astype(float),
                    np.array([1.0, 2.0]), np.arange(20))  # fmt: skip
    found = [
        alpha(counts, metric, ones(counts))[0] for metric in ("nominal", "ordinal", "interval")
    ]
    assert found == pytest.approx([found[0]] * 3)


def test_shares_of_agreeing_pairs_are_those_of_counting_pairs(rng):
    table = rng.integers(1, 6, (12, 5)).astype(float)
    rows = long(table)
    counts = count(rows.rating, rows.stimulus_id, rows.identity)
    i, j = np.triu_indices(5, 1)
    apart = np.abs(table[:, i] - table[:, j])
    assert pairs(counts, ones(counts))[0] == pytest.approx((apart == 0).mean())
    assert pairs(counts, ones(counts), within=1)[0] == pytest.approx((apart <= 1).mean())


def test_counting_a_stimulus_twice_equals_having_it_twice(rng):
    once = rng.multinomial(5, [0.2, 0.3, 0.5], size=10).astype(float)
    weights = rng.integers(1, 4, 10)
    counts = Counts(once, np.arange(1.0, 4), np.arange(10))
    copied = Counts(once.repeat(weights, axis=0), np.arange(1.0, 4), np.arange(weights.sum()))
    w = weights[None].astype(float)
    for statistic in (
        lambda c, w: alpha(c, "ordinal", w), fleiss, pairs, lambda c, w: alpha(c, "interval", w),
    ):  # fmt: skip
        assert statistic(counts, w) == pytest.approx(statistic(copied, ones(copied)))


def test_the_bootstrap_interval_of_alpha_covers_its_population_value(rng):
    def ratings(n):
        shares = rng.dirichlet([0.8, 0.8, 0.8], n)
        return np.array([rng.multinomial(6, p) for p in shares], float)

    large = Counts(ratings(40_000), np.arange(3), np.arange(40_000))
    truth = alpha(large, "nominal", ones(large))[0]
    covered = 0
    for _ in range(200):
        counts = Counts(ratings(40), np.arange(3), np.arange(40))
        drawn = draws(counts.clusters, rng, 400)
        found = with_interval(lambda w, c=counts: alpha(c, "nominal", w), drawn)
        covered += found.low < truth < found.high
    assert 0.88 <= covered / 200 <= 0.99


def test_the_bootstrap_draws_whole_identities_if_there_are_enough(rng):
    drawn = draws(np.repeat(np.arange(12), 3), rng, 50).reshape(50, 12, 3)
    assert (drawn == drawn[:, :, :1]).all()
    assert (drawn.sum(axis=(1, 2)) == 36).all()
    few = draws(np.repeat(np.arange(4), 9), rng, 50).reshape(50, 4, 9)
    assert not (few == few[:, :, :1]).all()


def test_halves_are_equal_within_every_list(rng):
    groups = np.array([0] * 7 + [1] * 6)
    dealt = deal(groups, 200, rng)
    assert set(dealt[:, :7].sum(axis=1)) == {3, 4}
    assert set(dealt[:, 7:].sum(axis=1)) == {3}
    assert np.abs(dealt.mean(axis=0) - 0.5).max() < 0.15


def test_split_half_reliability_is_that_of_the_mean_rating(rng):
    k, n = 20, 4000  # so many stimuli that sampling plays no part
    table = rng.normal(0, 1, (n, 1)) + rng.normal(0, 3, (n, k))
    found = split_half(long(table), rng, splits=40)
    assert found is not None
    assert found.reliability == pytest.approx(1 / (1 + 9 / k), abs=0.02)
    assert found.ceiling == pytest.approx(found.reliability**0.5)
    complete = {one.name: one.value for one in icc.of_complete(table)}
    assert found.reliability == pytest.approx(complete["ICC(C,k)"], abs=0.005)


def test_the_same_seed_gives_the_same_agreement():
    rows = long(SHROUT_FLEISS)
    first, second = (
        agreement(rows, "t", "", (), np.random.default_rng(4)).table for _ in range(2)
    )  # fmt: skip
    pd.testing.assert_frame_equal(first, second)


def test_counted_votes_agree_as_the_same_votes_of_known_people_do(rng):
    rows = long(rng.integers(1, 4, (15, 6)).astype(float)).assign(
        rating=lambda r: r.rating.map(str)
    )
    order = ("1.0", "2.0", "3.0")
    people = agreement(rows, "t", "", order, np.random.default_rng(1))
    counted = rows.assign(participant="unknown")
    votes = agreement(counted, "t", "", order, np.random.default_rng(1), known=False)
    pd.testing.assert_frame_equal(people.table, votes.table)
    assert (people.raters, votes.raters) == (6, 0)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (np.full((4, 3), 2.0), "Every answer is the same"),
        (np.array([[1.0], [2.0], [3.0]]), "needs two people"),
        (np.array([[1.0, 2.0]]), "the same two stimuli"),
        (np.empty((0, 0)), "needs two people"),
    ],
)
def test_agreement_that_cannot_be_said_is_left_out_with_a_sentence(table, says):
    found = agreement(long(table), "t", "", (), np.random.default_rng(1))
    assert says in found.notes[0]
    assert found.table.empty


@pytest.mark.skipif(
    not LONDON.is_file(), reason="the London ratings are kept beside the repository"
)
def test_real_raters_of_faces_agree_as_published_faces_do():
    rows = pd.read_csv(LONDON).rename(columns={"rater_id": "participant", "face_id": "stimulus_id"})
    rows = rows.assign(identity=rows.stimulus_id, list=1, rating=rows.rating.astype(float))
    found = agreement(rows, "attractive", "", (), np.random.default_rng(1))
    table = rows.pivot(index="stimulus_id", columns="participant", values="rating").to_numpy()
    assert (found.stimuli, found.raters, found.complete) == (*table.shape, True)
    # by hand, from the two-way analysis of variance
    n, k = table.shape
    effects = table.mean(axis=1) - table.mean()
    raters = table.mean(axis=0) - table.mean()
    residual = table - table.mean() - effects[:, None] - raters
    msr, mse = k * (effects**2).sum() / (n - 1), (residual**2).sum() / ((n - 1) * (k - 1))
    assert found.value("ICC(C,k)") == pytest.approx(1 - mse / msr)
    assert 0 < found.value("alpha (interval)") < found.value("ICC(C,1)")  # levels of raters differ
    assert found.value("split-half reliability") == pytest.approx(1 - mse / msr, abs=0.05)
