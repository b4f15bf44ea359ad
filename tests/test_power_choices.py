"""Power of forced choices and of scales as orders, and the people who answer them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from scipy.special import expit, logit

from analysis.mixed.ordinal import edge_derivatives
from analysis.power import planned
from analysis.power.middle import closest
from analysis.power.pilot import read_pilot
from analysis.power.power import power
from analysis.power.simulate import Grid, Work
from analysis.power.summary import wilson
from analysis.problems import AnalysisError
from experiments.crowd import choice_shares, draw_following, settings_of
from experiments.errors import StudyError
from experiments.imagined import Imagined, scaled
from experiments.simulate import simulate
from experiments.truth import true_shares
from protocols.errors import UserError
from protocols.reading import load
from protocols.study import Study
from stimuli.corpora import identities_of
from stimuli.imagined import imagined_trials
from stimuli.plan import write_plan
from tests.designs import published

CHOICES = """
name: choices
title: Faces with voices
seed: 8
stimuli:
  generator: talking-face
  corpus: actors
  identities: 6
  factors:
    face_emotion: [angry, happy, sad]
    voice_emotion: [angry, happy, sad]
    method: [baseline, proposed]
  talking: {methods: {baseline: {told: neutral}, proposed: {}}}
  size: 128
tasks:
  - {id: feeling, type: forced-choice, question: What?, options: [Angry, Happy, Sad, Other]}
  - {id: valence, type: likert, question: How?, points: 5}
recruitment: {per_list: 8}
analysis:
  models:
    - id: weight
      formula: feeling ~ 1 + (1 | participant)
      family: binomial
      success: {matches: face_emotion, against: voice_emotion}
    - id: hits
      formula: feeling ~ method + (1 | participant) + (1 | identity)
      family: binomial
      success: {matches: face_emotion}
      coding: {method: sliding-difference}
      comparisons: [{factor: method, equivalence: 0.3}]
    - id: order
      formula: valence ~ method + (1 | participant) + (1 | identity)
      family: ordinal
      coding: {method: sliding-difference}
simulation:
  careless: 0
  drop_out: 0
  tasks:
    feeling:
      follows: {face_emotion: 0.3, voice_emotion: 0.2}
      follows_when:
        - {when: {method: proposed}, of: {face_emotion: 0.5}}
        - {when: {method: proposed, voice_emotion: sad}, of: {voice_emotion: 0.1}}
      participant_follow_sd: 0.7
      identity_follow_sd: 0.4
    valence:
      effects: [{when: {method: proposed}, add: 0.6}]
      participant_sd: 0.5
      identity_sd: 0.4
      residual_sd: 0.9
"""


def protocol(folder: Path, *changes: tuple[str, str]):
    text = CHOICES
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "choices.yaml"
    path.write_text(text)
    return load(path)


def model_of(study, name):
    return next(model for model in study.analysis.models if model.id == name)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return protocol(tmp_path_factory.mktemp("choices"))


# What is assumed ----------------------------------------------------------------------------


def test_probabilities_of_following_depend_on_the_trial(study):
    task, settings = study.questions["feeling"], settings_of(study, "feeling")

    def at(method, voice):
        return choice_shares(
            task, settings, {"face_emotion": "angry", "voice_emotion": voice, "method": method}
        )

    np.testing.assert_allclose(at("baseline", "sad"), [0.3 + 0.125, 0.125, 0.2 + 0.125, 0.125])
    np.testing.assert_allclose(at("proposed", "happy"), [0.5 + 0.075, 0.2 + 0.075, 0.075, 0.075])
    np.testing.assert_allclose(at("proposed", "sad"), [0.5 + 0.1, 0.1, 0.1 + 0.1, 0.1])


FOLLOWS = "{when: {method: proposed}, of: {face_emotion: 0.5}}"
EFFECT = "effects: [{when: {method: proposed}, add: 0.6}]"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (FOLLOWS, FOLLOWS.replace("0.5", "0.9"), "more than 1 at face_emotion = angry, voice_em"),
        (FOLLOWS, FOLLOWS.replace("method", "methd"), "did you mean 'method'"),
        (FOLLOWS, FOLLOWS.replace("proposed", "propsed"), "did you mean 'proposed'"),
        (FOLLOWS, FOLLOWS.replace("face_emotion", "face_emotoin"), "did you mean 'face_emotion'"),
        (EFFECT, "follows: {face_emotion: 0.4}", "only a forced choice follows"),
        ("participant_follow_sd: 0.7", "participant_follow_sd: -1", "participant_follow_sd"),
    ],
)
def test_wrong_assumptions_are_told_with_their_line(tmp_path, old, new, says):
    with pytest.raises(UserError, match=says):
        protocol(tmp_path, (old, new))


def test_the_shares_of_the_published_methods_are_assumed_for_each():
    """Eskimez et al. (2021): 59.2, 28.9 and 55.3 % of the emotions were recognised."""
    shares = true_shares(published("eskimez2021-task1"))
    hits = shares[shares.emotion.str.capitalize() == shares.label].groupby("method").share.mean()
    expected = {"ground-truth": 0.592, "baseline": 0.289, "proposed": 0.553}
    assert hits.to_dict() == pytest.approx(expected, abs=1e-4)


def test_true_shares_are_the_mean_over_people_and_identities(study, rng):
    task, settings = study.questions["feeling"], settings_of(study, "feeling")
    levels = {"face_emotion": "angry", "voice_emotion": "happy", "method": "baseline"}
    drawn = []
    for _ in range(4000):
        one, other = (draw_following(settings, sd, rng) for sd in (0.7, 0.4))
        both = {name: one[name] + other[name] for name in one}
        drawn.append(choice_shares(task, settings, levels, both))
    table = true_shares(study)
    here = table[
        (table.face_emotion == "angry")
        & (table.voice_emotion == "happy")
        & (table.method == "baseline")
    ]
    error = np.std(drawn, axis=0) / np.sqrt(len(drawn))
    assert (np.abs(np.mean(drawn, axis=0) - here.share.to_numpy()) < 4 * error).all()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(77)


# Imagined choices ---------------------------------------------------------------------------


def test_imagined_choices_are_those_of_the_crowd_draw_by_draw(study):
    trials = imagined_trials(study, 5, 6)
    ready = Imagined(study).prepare(trials, model_of(study, "weight"))
    fast, rng = ready.draw(np.random.default_rng(4)), np.random.default_rng(4)
    task, settings = study.questions["feeling"], settings_of(study, "feeling")
    people = {one: draw_following(settings, 0.7, rng) for one in trials.participant.unique()}
    items = {one: draw_following(settings, 0.4, rng) for one in trials.identity.unique()}
    for row, found in zip(trials.to_dict("records"), fast, strict=True):
        own, theirs = people[row["participant"]], items[row["identity"]]
        both = {name: own[name] + theirs[name] for name in own}
        shares = choice_shares(task, settings, row, both)
        label = task.options[int(rng.choice(4, p=shares))]
        named = label in (row["face_emotion"].capitalize(), row["voice_emotion"].capitalize())
        if row["face_emotion"] == row["voice_emotion"] or not named:
            assert np.isnan(found)
        else:
            assert found == (label == row["face_emotion"].capitalize())


def test_scale_multiplies_the_probabilities_of_following(study):
    settings = settings_of(scaled(study, 0.5), "feeling")
    assert settings.follows == {"face_emotion": 0.15, "voice_emotion": 0.1}
    assert [one.of for one in settings.follows_when] == [
        {"face_emotion": 0.25},
        {"voice_emotion": 0.05},
    ]
    with pytest.raises(
        StudyError, match="--scale: found 2; the probabilities of simulation.tasks.f"
    ):
        scaled(study, 2)


# True values --------------------------------------------------------------------------------


def test_derivatives_by_the_edges_are_difference_quotients():
    a, b = np.array([0.4, 2.0, np.inf, -1.0]), np.array([-0.9, 1.9, 0.3, -np.inf])
    log_p, (to_a, to_b), (aa, ab, bb) = edge_derivatives(a, b)
    np.testing.assert_allclose(log_p, np.log(expit(a) - expit(b)))
    h = 1e-6

    def slopes(da, db):
        return edge_derivatives(a + da, b + db)[1]

    def quotient(da, db):
        up, down = edge_derivatives(a + da, b + db)[0], edge_derivatives(a - da, b - db)[0]
        return (up - down) / (2 * h)

    np.testing.assert_allclose(to_a, quotient(h, 0), atol=1e-7)
    np.testing.assert_allclose(to_b, quotient(0, h), atol=1e-7)
    by_a = [(x - y) / (2 * h) for x, y in zip(slopes(h, 0), slopes(-h, 0), strict=True)]
    by_b = [(x - y) / (2 * h) for x, y in zip(slopes(0, h), slopes(0, -h), strict=True)]
    np.testing.assert_allclose([-aa, -ab], by_a, atol=1e-4)
    np.testing.assert_allclose([-ab, -bb], by_b, atol=1e-4)


@pytest.mark.parametrize("cuts", [[0.0], [-1.4, -0.2, 0.3, 9.0], [-20.0, -0.5, 1.0]])
def test_effects_come_back_from_the_probabilities_that_they_give(cuts, rng):
    """Points that hardly ever occur, beyond cuts of 9 or 20 logits, change nothing."""
    x = rng.normal(size=(40, 2))
    beta = np.array([0.8, -0.4])
    above = expit((x @ beta)[:, None] - np.array(cuts))
    shares = -np.diff(above, axis=1, prepend=1.0, append=0.0)
    np.testing.assert_allclose(closest(x, shares, ordinal=True), beta, atol=1e-4)


def test_a_binomial_truth_is_that_of_logistic_regression_on_shares(rng):
    """Of a model that cannot reproduce all cells."""
    x = np.column_stack([np.ones(30), rng.normal(size=(30, 2))])
    share = rng.random(30)
    found = closest(x, np.column_stack([1 - share, share]), ordinal=False)
    plain = sm.GLM(share, x, family=sm.families.Binomial()).fit(tol=1e-12)
    np.testing.assert_allclose(found, plain.params, rtol=1e-6)


def test_an_effect_that_always_decides_has_no_true_value():
    x = np.column_stack([np.ones(4), [0, 0, 1, 1]])
    share = np.array([0.4, 0.4, 1, 1])
    assert np.isnan(closest(x, np.column_stack([1 - share, share]), ordinal=False)).all()


# Power --------------------------------------------------------------------------------------


def runs(study, size, n, seed=1, source=None):
    work = Work(study, source or Imagined(study), {size: imagined_trials(study, *size)}, seed)
    rows = [row for number in range(1, n + 1) for row in work.simulate((*size, number))]
    return pd.DataFrame([(r.model, r.kind, r.test, r.estimate, r.p) for r in rows],
                        columns=["model", "kind", "test", "estimate", "p"])  # fmt: skip


def test_the_weight_of_a_modality_has_the_power_of_counting_by_hand(tmp_path):
    """Where nobody differs, ones among named answers are binomial, and Wald's test a function."""
    others = CHOICES[CHOICES.index("      follows_when") : CHOICES.index("    valence:\n")]
    study = protocol(tmp_path, (others, ""))
    alone = planned.only(study, ["weight"])
    found = runs(alone, (8, 2), 100)
    assert set(found.test) == {"face_emotion rather than voice_emotion"}
    trials = imagined_trials(alone, 8, 2)
    n = int((trials.face_emotion != trials.voice_emotion).sum())
    face, voice = 0.3 + 0.125, 0.2 + 0.125
    truth = 0.0
    for m in range(2, n + 1):
        ones = np.arange(1, m)
        z = logit(ones / m) * np.sqrt(ones * (m - ones) / m)
        hits = stats.binom.pmf(ones, m, face / (face + voice))[np.abs(z) > 1.96].sum()
        truth += stats.binom.pmf(m, n, face + voice) * hits
    assert 0.2 < truth < 0.8
    low, high = wilson(int((found.p < 0.05).sum()), 100, 0.999)
    assert low <= truth <= high


def test_estimates_lie_around_the_values_that_are_assumed(study):
    """Those of orders too, though residuals are normal and answers rounded."""
    size, n = (16, 6), 8
    trials = imagined_trials(study, *size)
    found = runs(study, size, n)
    for model in planned.models_of(study):
        ready = Imagined(study).prepare(trials, model)
        fitted = planned.fit_planned(study, model, trials, ready.draw(np.random.default_rng(0)))
        truth = planned.assumed_values(study, model, fitted, ready, trials)
        for (name, kind, test), value in truth.items():
            of = found[(found.model == name) & (found.kind == kind) & (found.test == test)].estimate
            error = of.std() / np.sqrt(n)
            assert abs(of.mean() - value) < 4 * error + 0.05 * abs(value), test


def test_without_effects_choices_and_orders_are_significant_in_one_study_of_twenty(study):
    found = runs(scaled(study, 0), (8, 2), 20)
    tests = found[found.kind == "coefficient"]
    assert set(tests.model) == {"weight", "hits", "order"}
    low, high = wilson(int((tests.p < 0.05).sum()), len(tests), 0.999)
    assert low <= 0.05 <= high


def test_the_page_tells_logits_from_points(study, tmp_path):
    size = (8, 4)
    alone = planned.only(study, ["hits", "weight"])
    power(alone, Imagined(alone), {size: imagined_trials(alone, *size)}, Grid((8,), (4,), 3),
          tmp_path / "out", seed=1, workers=0)  # fmt: skip
    text = (tmp_path / "out" / "preregistration.txt").read_text()
    assert (
        "face_emotion with 0.3 and voice_emotion with 0.2; face_emotion with 0.5 at method" in text
    )
    assert "participants differ in their log odds by 0.7" in text
    assert "binomial: logits; maximum likelihood, Laplace approximation; Wald z tests" in text
    assert "hits: proposed − baseline (assumed difference" in text
    assert " logits, uncorrected)" in text
    page = (tmp_path / "out" / "power.html").read_text()
    assert "are logits for a participant and an item in the middle" in page
    assert "ALL_ALIKE" not in page


def test_power_of_people_who_are_all_alike_is_called_too_good(study, tmp_path):
    nobody = (("participant_follow_sd: 0.7", "participant_follow_sd: 0"),
              ("identity_follow_sd: 0.4", "identity_follow_sd: 0"))  # fmt: skip
    alone, size = planned.only(protocol(tmp_path, *nobody), ["weight"]), (6, 2)
    power(alone, Imagined(alone), {size: imagined_trials(alone, *size)}, Grid((6,), (2,), 1),
          tmp_path / "out", seed=1, workers=0)  # fmt: skip
    page = (tmp_path / "out" / "power.html").read_text()
    assert "ALL_ALIKE</b>: answers to feeling. The protocol assumes" in page


def test_only_the_models_that_are_named_are_simulated(study):
    assert [m.id for m in planned.only(study, ["order"]).analysis.models] == ["order"]
    with pytest.raises(AnalysisError, match="--model: 'hit' is no model .* did you mean 'hits'"):
        planned.only(study, ["hit"])


# A pilot ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pilot(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pilot")
    planned_for, found = protocol(folder), Study(folder / "pilot")
    found.freeze(planned_for)
    write_plan(found, planned_for, identities_of(planned_for))
    simulate(found, 8)
    return found


def test_studies_like_a_pilot_of_choices_have_its_effects_and_variances(pilot):
    study = pilot.protocol()
    source = read_pilot(pilot, study)
    trials = imagined_trials(study, 60, 8)
    for name in ("weight", "hits", "order"):
        model, found = model_of(study, name), source.estimated[name]
        ready = source.prepare(trials, model)
        answers = ready.draw(np.random.default_rng(5))
        fitted = planned.fit_planned(study, model, trials, answers)
        error = fitted.fixed.se.to_numpy()
        assert (np.abs(fitted.beta - found.beta) < 4 * error).all()
        spread = [np.sqrt(np.diag(t @ t.T)) for t in found.triangles]
        np.testing.assert_allclose(fitted.random.sd[0], spread[0][0], rtol=0.35, atol=0.15)
        truth = planned.assumed_values(study, model, fitted, ready, trials)
        tests = planned.tests_of(study, model, fitted)
        beta = found.beta if name != "hits" else found.beta[1:]
        assert truth[tests[0].key] == pytest.approx(beta[0], abs=1e-6)
    counted = source.estimated["weight"].counted
    usable = int((trials.face_emotion != trials.voice_emotion).sum())
    answers = source.prepare(trials, model_of(study, "weight")).draw(np.random.default_rng(6))
    assert 0.5 < counted < 1
    assert np.isfinite(answers).sum() / usable == pytest.approx(counted, abs=0.02)
