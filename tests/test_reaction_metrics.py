"""Metrics of listener reactions: closed forms, and a direct implementation of the challenge's."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="Numba is not installed: warping is not tested")

from models.reaction.attributes import ATTRIBUTES  # noqa: E402
from models.reaction.metrics import corrected, react2024  # noqa: E402
from models.reaction.metrics.concordance import concordance  # noqa: E402
from models.reaction.metrics.synchrony import best_lags, correlations  # noqa: E402
from models.reaction.metrics.tables import measure  # noqa: E402
from models.reaction.metrics.warping import WEIGHTS, distance, nearest  # noqa: E402
from tests import reaction_direct as direct  # noqa: E402

T, D = 160, len(ATTRIBUTES)


def curves(rng, *shape, frames=T, smooth=9):
    """Smooth curves of random height, level and speed (…, frames, 25)."""
    steps = rng.normal(size=(*shape, frames + smooth - 1, D)).cumsum(-2)
    smoothed = np.lib.stride_tricks.sliding_window_view(steps, smooth, axis=-2).mean(-1)
    smoothed -= smoothed.mean(-2, keepdims=True)
    return (
        0.1 * smoothed * rng.uniform(0.1, 2, (*shape, 1, D)) + rng.normal(size=(*shape, 1, D)) / 4
    )


def dyads(seed, clips=3, samples=4, truths=(3, 5, 2)):
    """Generated, true and speakers' curves that have something in common."""
    rng = np.random.default_rng(seed)
    speaker = curves(rng, clips)
    share = rng.uniform(0, 1, (clips, samples, 1, 1))
    generated = share * speaker[:, None] + (1 - share) * curves(rng, clips, samples)
    true = [0.5 * of + 0.5 * curves(rng, k) for of, k in zip(speaker, truths, strict=True)]
    return generated, true, speaker


@pytest.mark.parametrize("seed", range(5))
def test_react2024_is_what_the_direct_implementation_says(seed):
    generated, truths, speaker = dyads(seed)
    if seed % 2:  # channels that never move, as action units that never fire
        generated[1, 2, :, 3] = 0.2
        truths[0][1, :, 7] = 0.0
    found = react2024.scores(measure(generated, truths, speaker))
    np.testing.assert_allclose(found, (
        direct.frcorr(generated, truths), direct.frdist(generated, truths),
        direct.frdiv(generated), direct.frvar(generated), direct.frdvs(generated),
        direct.frsyn(generated, speaker),
    ), rtol=1e-6)  # fmt: skip


def test_corrected_is_what_the_direct_implementation_says_where_nothing_is_constant():
    generated, truths, speaker = dyads(9)
    found = corrected.scores(measure(generated, truths, speaker))
    samples = generated.shape[1]
    assert found.frcorr == pytest.approx(direct.frcorr(generated, truths) / samples, rel=1e-5)
    assert found.frdist == pytest.approx(
        direct.frdist(generated, truths) / samples / np.sqrt(T), rel=1e-6
    )
    assert found.frdiv == pytest.approx(direct.frdiv(generated), rel=1e-6)
    assert found.frvar == pytest.approx(direct.frvar(generated) * (T - 1) / T, rel=1e-6)
    assert found.frsyn == pytest.approx(direct.frsyn(generated, speaker, samples), rel=1e-6)
    pairs = [((a - b) ** 2).mean() for i, x in enumerate(generated) for j, y in enumerate(generated)
             if i != j for a in x for b in y]  # fmt: skip
    assert found.frdvs == pytest.approx(np.mean(pairs), rel=1e-6)


def test_copies_of_the_truth_are_perfect_in_both():
    generated, truths, speaker = dyads(1)
    generated = np.stack([of[[0, 0, 1, 1]] for of in truths])
    tables = measure(generated, truths, speaker)
    assert react2024.frcorr(tables) == pytest.approx(4, abs=1e-4)  # a sum over samples
    assert corrected.frcorr(tables) == pytest.approx(1)
    assert react2024.frdist(tables) == corrected.frdist(tables) == 0
    but = [np.arange(len(of)) != np.array([[0], [0], [1], [1]]) for of in truths]
    left = measure(generated, truths, speaker, but)
    assert corrected.frcorr(left) < 0.99
    assert corrected.frdist(left) == pytest.approx(
        np.mean([min(direct.warped(p, t) for t, may in zip(of, mays, strict=True) if may)
                 for made, of, every in zip(generated, truths, but, strict=True)
                 for p, mays in zip(made, every, strict=True)]) / np.sqrt(T), rel=1e-6
    )  # fmt: skip


def test_concordance_has_its_closed_form():
    wave = np.sin(np.arange(T) * 2 * np.pi / 40)  # four periods: mean 0, variance 1/2
    true = np.repeat(wave[:, None], D, 1)[None]
    for scale, shift in ((1, 0), (0.5, 0), (1, 0.3), (-1, 0), (2, -1)):
        made = scale * true + shift
        expected = 2 * scale * 0.5 / (0.5 + 0.5 * scale**2 + shift**2)
        assert concordance(made, true).corrected == pytest.approx(expected)
        assert concordance(made, true).react2024 == pytest.approx(expected, abs=1e-7)


def test_constant_channels_pull_react2024_down_and_not_the_corrected():
    generated, truths, speaker = dyads(2)
    copies = np.stack([of[:1] for of in truths])
    still = [of.copy() for of in truths]
    for of in still:
        of[..., :5] = 0.25
    found = concordance(still[0][:1], still[0])
    assert found.react2024[0, 0] == pytest.approx(20 / 25, abs=1e-5)
    assert found.corrected[0, 0] == pytest.approx(1)
    frozen = np.zeros_like(copies)
    assert corrected.frcorr(measure(frozen, truths, speaker)) == 0
    nothing = [np.zeros_like(of) for of in truths]
    assert np.isnan(corrected.frcorr(measure(generated, nothing, speaker)))
    assert react2024.frcorr(measure(generated, nothing, speaker)) == 0


def test_warping_is_the_least_of_all_paths():
    rng = np.random.default_rng(4)
    for frames, columns in ((1, 1), (3, 5), (5, 4), (6, 6)):
        x, y = curves(rng, frames=frames, smooth=1), curves(rng, frames=columns, smooth=1)
        expected = 0.0
        for first, last, weight in direct.GROUPS:
            cost = ((x[:, None, first:last] - y[None, :, first:last]) ** 2).sum(-1)
            expected += weight * np.sqrt(min(sum(cost[c] for c in path)
                                             for path in paths(frames, columns)))  # fmt: skip
        assert distance(x, y) == pytest.approx(expected, rel=1e-6)
    assert tuple(weight for *_, weight in direct.GROUPS) == WEIGHTS


def paths(frames, columns):
    """Every monotone path from the first pair of frames to the last."""
    if (frames, columns) == (1, 1):
        return [[(0, 0)]]
    before = {(frames - 1, columns), (frames, columns - 1), (frames - 1, columns - 1)}
    return [
        [*path, (frames - 1, columns - 1)] for i, j in before if i and j for path in paths(i, j)
    ]


def test_a_path_through_time_costs_nothing():
    rng = np.random.default_rng(5)
    slow = curves(rng, frames=80).repeat(2, 0)  # every frame twice
    assert distance(slow[::2], slow) == 0
    assert distance(slow, slow[::2]) == 0
    raised = slow + 0.1
    assert distance(raised, slow) <= 0.1 * np.sqrt(160) * sum(
        w * np.sqrt(b - a) for a, b, w in direct.GROUPS
    )


def test_the_nearest_truth_is_found_among_like_and_unlike_ones():
    rng = np.random.default_rng(6)
    for spread in (0.01, 0.3, 3):
        truths = curves(rng, 1) + spread * curves(rng, 8)
        samples = truths[:3] + spread * rng.uniform(0, 1, (3, 1, 1)) * curves(rng, 3)
        may = rng.random((3, 8)) < 0.7
        may[:, 0] = True
        expected = [min(direct.warped(p, t) for t, ok in zip(truths, row, strict=True) if ok)
                    for p, row in zip(samples, may, strict=True)]  # fmt: skip
        np.testing.assert_allclose(nearest(samples, truths, may), expected, rtol=1e-6)


@pytest.mark.parametrize("lag", [-49, -12, 0, 5, 30, 49])
def test_the_lag_of_a_copy_is_found(lag):
    rng = np.random.default_rng(7)
    long = curves(rng, frames=T + 120)
    speaker, follows = long[60 : 60 + T], long[60 - lag : 60 - lag + T]
    found = best_lags(follows[None], speaker)
    assert found.react2024 == found.corrected == lag
    r = correlations(follows[None], speaker, np.array([lag]))
    np.testing.assert_allclose(r, 1)


def test_correlations_are_those_of_the_frames_that_both_have():
    rng = np.random.default_rng(8)
    x, y = curves(rng, 2), curves(rng)
    lags = np.array([-49, -1, 0, 20])
    r = correlations(x, y, lags)
    for s in range(2):
        for i, lag in enumerate(lags):
            for d in (0, 24):
                both = direct.shifted(x[s, :, d], y[:, d], lag)
                assert r[s, d, i] == pytest.approx(np.corrcoef(*both)[0, 1], abs=1e-10)


def test_one_constant_channel_makes_frsyn_49_and_only_the_corrected_goes_on():
    rng = np.random.default_rng(7)
    long = curves(rng, frames=T + 20)
    speaker, follows = long[20:], long[15:-5].copy()
    follows[:, 2] = 0.0
    found = best_lags(follows[None], speaker)
    assert found.react2024 == -49
    assert found.corrected == 5
    short = long[15:-5].copy()
    short[40:, 2] = 0.0  # constant from frame 40 on: what is compared at lags from 40
    found = best_lags(short[None], speaker)
    assert abs(found.react2024) == 40 == direct.lag(short, speaker)
    assert found.corrected == 5 == direct.lag_of_varying(short, speaker)
    assert np.isnan(best_lags(np.zeros((1, T, D)), speaker).corrected)


def test_react2024_scores_the_synchrony_of_the_first_sample_only():
    rng = np.random.default_rng(3)
    long = curves(rng, 1, frames=T + 60)[0]
    speaker = long[30 : 30 + T]
    generated = np.stack([long[30 - lag : 30 - lag + T] for lag in (4, 20, 30)])[None]
    tables = measure(generated, [generated[0]], speaker[None])
    assert react2024.frsyn(tables) == 4
    assert corrected.frsyn(tables) == 18


def test_diversity_has_its_closed_form():
    levels = np.array([[0.0, 0.1, 0.3], [1.0, 1.0, 1.2]])
    generated = np.broadcast_to(levels[..., None, None], (2, 3, T, D)).copy()
    truths = [generated[0, :1], generated[1, :1]]
    tables = measure(generated, truths, generated[:, 0])
    within = [np.mean([(a - b) ** 2 for i, a in enumerate(row) for j, b in enumerate(row)
                       if i != j]) for row in levels]  # fmt: skip
    for version in (react2024, corrected):
        assert version.frdiv(tables) == pytest.approx(np.mean(within))
        assert version.frvar(tables) == pytest.approx(0, abs=1e-12)
    assert react2024.frdvs(tables) == pytest.approx(np.mean((levels[0] - levels[1]) ** 2))
    every = (levels[0][:, None] - levels[1]) ** 2
    assert corrected.frdvs(tables) == pytest.approx(every.mean())
    wave = np.sin(np.arange(T) * 2 * np.pi / 40)[:, None] * np.ones(D)
    moving = measure(wave[None, None], [wave[None]], wave[None])
    assert corrected.frvar(moving) == pytest.approx(0.5)
    assert react2024.frvar(moving) == pytest.approx(0.5 * T / (T - 1))
    assert react2024.frdiv(moving) == 0
    assert np.isnan([corrected.frdiv(moving), corrected.frdvs(moving)]).all()


def test_some_clips_have_the_scores_they_have_alone():
    generated, truths, speaker = dyads(1)
    rows = np.array([2, 0])
    alone = measure(generated[rows], [truths[r] for r in rows], speaker[rows])
    some = measure(generated, truths, speaker).of(rows)
    for version in (react2024, corrected):
        np.testing.assert_allclose(version.scores(some), version.scores(alone), rtol=1e-9)


def broken(change):
    generated, truths, speaker = dyads(1)
    return change(generated, truths, speaker)


@pytest.mark.parametrize(("change", "message"), [
    (lambda g, t, s: (g[..., :24], t, s), r"generated: shape \(3, 4, 160, 24\)"),
    (lambda g, t, s: (g[0], t, s), "generated: shape"),
    (lambda g, t, s: (g[:, :, :50], [x[:, :50] for x in t], s[:, :50]), "clips of 50 frames"),
    (lambda g, t, s: (g, t[:2], s), "truths of 2 clips"),
    (lambda g, t, s: (g, [*t[:2], t[2][:, :90]], s), "truths of clip 2: shape"),
    (lambda g, t, s: (g, [*t[:2], t[2][:0]], s), "truths of clip 2: shape"),
    (lambda g, t, s: (g, t, s[:, 1:]), "speaker: shape"),
    (lambda g, t, s: (g, t, np.where(np.arange(25) == 15, np.nan, s)), "the first at 0, frame 0, "
     "valence"),
    (lambda g, t, s: (np.where(np.arange(4)[:, None, None] == 2, np.inf, g), t, s),
     "generated: .* the first at 0, 2, frame 0, AU1"),
    (lambda g, t, s: (g, t, s, [np.zeros((4, len(x)), bool) for x in t]), "allowed of clip 0"),
])  # fmt: skip
def test_wrong_input_is_refused_in_one_line(change, message):
    with pytest.raises(ValueError, match=message) as error:
        measure(*broken(change))
    assert "\n" not in str(error.value)
