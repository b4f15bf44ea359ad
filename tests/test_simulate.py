"""Simulated participants: true means recovered, careless ones excluded, quotas kept."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from experiments.crowd import Identities, cell_mean, latent_sd, settings_of
from experiments.errors import StudyError
from experiments.respondent import Respondent
from experiments.simulate import simulate, true_means, true_shares
from experiments.truth import true_ticks
from protocols.ratings import read_participants, read_ratings
from protocols.reading import load
from tests.small_study import TINY, make_study

MEANS = """
name: means
title: Means
seed: 11
stimuli: {generator: actor, identities: 20, factors: {emotion: [angry, happy], m: [0, 0.5, 1]}}
tasks:
  - {id: valence, type: likert, question: How?}
  - {id: feeling, type: forced-choice, question: Which?, options: [Angry, Happy, Sad, Calm]}
recruitment: {per_list: 60}
pages:
  questionnaire: [{id: random, type: forced-choice, question: R, options: ["no", "yes"]}]
exclusions: [{id: said-random, rule: answer, question: random, of: ["yes"]}]
simulation:
  careless: 0.1
  tasks:
    valence:
      mean: 5.5
      effects:
        - {when: {emotion: happy}, add: 2.5}
        - {when: {emotion: angry, m: 1}, add: -3}
      participant_sd: 0.5
      participant_slope_sd: {emotion: 0.6, m: 0.3}
      identity_sd: 0.3
      identity_slope_sd: {emotion: 0.2}
      residual_sd: 1.5
    feeling: {follows: {emotion: 0.6}}
"""


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    study = make_study(tmp_path_factory.mktemp("means") / "study", MEANS, pictures=False)
    begin = time.perf_counter()
    outcome = simulate(study)
    return study, outcome, time.perf_counter() - begin


def rated(study, task):
    table = read_ratings(study.ratings_file)
    return table[(table.kind == "rating") & table.valid & (table.question == task)]


def test_true_means_agree_with_drawing_many_answers(tmp_path):
    (tmp_path / "p.yaml").write_text(MEANS)
    protocol = load(tmp_path / "p.yaml")
    settings = settings_of(protocol, "valence")
    sd, rng = latent_sd(protocol, settings), np.random.default_rng(0)
    # the formula of protocols.simulation, written out: coded slopes for two and for three levels
    by_hand = 0.5**2 + 0.3**2 + 1.5**2 + 0.25 * 0.6**2 + (2 / 3) * 0.3**2 + 0.25 * 0.2**2
    assert sd == pytest.approx(by_hand**0.5)
    for row in true_means(protocol).itertuples():
        latent = cell_mean(
            settings, protocol.questions["valence"], {"emotion": row.emotion, "m": row.m}
        )
        assert latent == pytest.approx(row.latent)
        drawn = np.clip(np.round(latent + sd * rng.standard_normal(400_000)), 1, 9)
        assert drawn.mean() == pytest.approx(row.mean, abs=0.015)


def test_clipping_pulls_true_means_towards_the_middle(tmp_path):
    (tmp_path / "p.yaml").write_text(MEANS)
    table = true_means(load(tmp_path / "p.yaml")).set_index(["emotion", "m"])
    assert table.loc[("happy", 1), "latent"] == 8
    assert 7.5 < table.loc[("happy", 1), "mean"] < 7.9


def test_simulated_ratings_recover_the_true_means(played):
    study, *_ = played
    truth = true_means(study.protocol()).set_index(["emotion", "m"])["mean"]
    table = rated(study, "valence")
    for cell, mean in table.groupby(["emotion", "m"]).response.mean().items():
        # standard error over 60 people and 20 identities, intercepts and slopes
        error = ((0.5**2 + 0.09 + 0.06) / 60 + (0.3**2 + 0.01) / 20 + 1.5**2 / 1200) ** 0.5
        assert mean == pytest.approx(truth[cell], abs=3.5 * error), cell


def test_simulated_choices_recover_the_true_shares(played):
    study, *_ = played
    truth = true_shares(study.protocol()).set_index(["emotion", "m", "label"]).share
    table = rated(study, "feeling")
    shares = table.groupby(["emotion", "m"]).label.value_counts(normalize=True)
    assert len(shares) == len(truth)
    for cell, share in shares.items():
        assert share == pytest.approx(truth[cell], abs=0.05), cell
    assert truth[("happy", 1, "Happy")] == pytest.approx(0.6 + 0.4 / 4)


def test_participants_and_identities_differ_as_much_as_stated(played):
    study, *_ = played
    table = rated(study, "valence")
    middle = table[(table.emotion == "angry") & (table.m < 1)]  # far from both ends of the scale
    people = middle.groupby("participant").response.mean()
    residual = (1.5**2 + 0.3**2 + 1 / 12) / 40
    slope_m = (2 / 3) * 0.3**2 / 4  # the mean of two of three deviations that sum to zero
    expected = (0.5**2 + 0.25 * 0.6**2 + slope_m + residual) ** 0.5
    assert people.std() == pytest.approx(expected, rel=0.25)


def test_every_list_is_full_of_valid_participants(played):
    study, outcome, _ = played
    people = read_participants(study.participants_file)
    assert outcome.full
    assert people[people.valid].groupby("list").size().tolist() == [60]
    assert people[people.valid].slot.is_unique


def test_careless_participants_are_excluded_and_replaced(played):
    study, outcome, _ = played
    people = read_participants(study.participants_file)
    excluded = people[people.exclusion_reason == "said-random"]
    assert len(excluded) == outcome.excluded > 0
    assert (excluded["random"] == "yes").all()
    freed = set(excluded.slot) & set(people[people.valid].slot)
    assert freed == set(excluded.slot)


def test_drop_outs_leave_half_way_and_do_not_count(tmp_path):
    study = make_study(tmp_path / "s", MEANS.replace("per_list: 60", "per_list: 90"),
                       pictures=False)  # fmt: skip
    outcome = simulate(study, 90, seed=5)
    people = read_participants(study.participants_file)
    gone = people[people.status == "incomplete"]
    assert len(gone) == outcome.incomplete > 0
    assert not gone.valid.any()
    trials = read_ratings(study.ratings_file).groupby("participant").trial.nunique()
    assert (trials[gone.participant] == 60).all()  # of 120


@pytest.mark.parametrize(
    "rule",
    [
        "{id: r, rule: answer, question: random, of: ['yes']}",
        "{id: r, rule: answer, question: sure, at_most: 1}",
        "{id: r, rule: attention}",
        "{id: r, rule: repeats, more_than: 1, tolerance: {valence: 2}}",
        "{id: r, rule: too-fast, below_ms: 300}",
        "{id: r, rule: same-answer, task: valence, more_than: 0.9}",
        "{id: r, rule: incomplete, at_least: 0.9}",
    ],
)
def test_careless_participants_fail_each_kind_of_rule_and_attentive_ones_pass(tmp_path, rule):
    text = TINY[: TINY.index("exclusions:")].replace("count: 1}", "count: 3}")
    text += f"exclusions: [{rule}]\nsimulation: {{careless: 0.5}}\n"
    study = make_study(tmp_path / "s", text.replace("per_list: 3", "per_list: 30"), pictures=False)
    simulate(study, 30)
    people = read_participants(study.participants_file).set_index("participant")
    protocol = study.protocol()
    for number in range(1, 31):
        one = Respondent(protocol, Identities(protocol, 3), 3, number)
        row = people.loc[f"s{number:04d}"]
        if one.careless:
            assert row.exclusion_reason == "r", number
        elif row.status == "completed":
            assert row.valid, number


def test_playing_twice_adds_nobody(tmp_path):
    study = make_study(tmp_path / "s", pictures=False)
    first = simulate(study, 5)
    before = study.ratings_file.read_bytes()
    again = simulate(study, 5)
    assert (first.new, again.new) == (5, 0)
    assert replace(again, new=5) == first
    assert study.ratings_file.read_bytes() == before
    assert first.participants == 5


def test_the_same_seed_gives_the_same_tables_and_another_seed_others(tmp_path):
    tables = [
        [(s := make_study(tmp_path / name, pictures=False)), simulate(s, 5, seed=seed)][0]
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    a, b, c = (study.ratings_file.read_bytes() for study in tables)
    assert a == b
    assert a != c


def test_more_participants_go_on_from_where_it_stopped(tmp_path):
    whole, parts = (make_study(tmp_path / name, pictures=False) for name in "ab")
    simulate(whole, 5)
    simulate(parts, 2)
    simulate(parts, 5)
    assert parts.ratings_file.read_bytes() == whole.ratings_file.read_bytes()


def test_another_seed_over_old_simulated_data_is_refused(tmp_path):
    study = make_study(tmp_path / "s", pictures=False)
    simulate(study, 2, seed=1)
    with pytest.raises(StudyError, match=r"simulation\.sqlite: was made with another .* delete"):
        simulate(study, 2, seed=2)


def test_a_level_that_is_no_option_is_named(tmp_path):
    text = MEANS.replace("[Angry, Happy, Sad, Calm]", "[Fear, Joy]")
    study = make_study(tmp_path / "s", text, pictures=False)
    with pytest.raises(StudyError, match="no option of the task means level 'angry'"):
        simulate(study, 1)


def test_rules_that_nobody_passes_are_reported_not_played_for_ever(tmp_path):
    rules = "exclusions:\n  - {id: fast, rule: too-fast, below_ms: 1000000}"
    text = TINY[: TINY.index("exclusions:")].replace("per_list: 3", "per_list: 1") + rules
    study = make_study(tmp_path / "s", text, pictures=False)
    with pytest.raises(StudyError, match="only 0 pass the exclusion rules"):
        simulate(study)


def test_sixty_people_with_120_trials_of_two_questions_take_less_than_a_minute(played):
    _, _, seconds = played
    assert seconds < 60


TICKED = """
    seen:
      ticks:
        - {of: {Eyes: 0.5, Mouth: 0.2}}
        - {when: {emotion: happy}, of: {Mouth: 0.9}}
"""


def test_boxes_are_ticked_as_often_as_the_protocol_assumes(tmp_path):
    boxes = "  - {id: seen, type: checkboxes, question: What?, options: [Nothing, Eyes, Mouth], "
    text = MEANS.replace("recruitment:", f"{boxes}exclusive: Nothing}}\nrecruitment:") + TICKED
    text = text.replace("careless: 0.1", "careless: 0")
    study = make_study(tmp_path / "s", text, pictures=False)
    simulate(study, 20)
    table, truth = rated(study, "seen"), true_ticks(study.protocol())
    by_hand = {("angry", "Nothing"): 0.4, ("happy", "Mouth"): 0.9, ("happy", "Nothing"): 0.05}
    for (emotion, option), share in by_hand.items():
        cell = truth[(truth.emotion == emotion) & (truth.label == option)]
        np.testing.assert_allclose(cell.share, share)
    for emotion, rows in table.groupby("emotion"):
        for option in ("Nothing", "Eyes", "Mouth"):
            true = truth[(truth.emotion == emotion) & (truth.label == option)].share.iloc[0]
            found = rows.label.str.split("; ").map(lambda ticked, o=option: o in ticked).mean()
            assert abs(found - true) < 4 * np.sqrt(true * (1 - true) / len(rows))


@pytest.mark.parametrize(
    ("task", "ticks", "found"),
    [
        ("feeling", "{of: {Angry: 0.5}}", "only checkboxes are ticked"),
        ("seen", "{of: {Nothing: 0.5}}", "Nothing"),
        ("seen", "{when: {m: 7}, of: {Eyes: 0.5}}", "level of m"),
        ("seen", "{of: {Eyes: 1.5}}", "1"),
    ],
)
def test_ticks_that_cannot_be_are_refused(tmp_path, task, ticks, found):
    boxes = "  - {id: seen, type: checkboxes, question: What?, options: [Nothing, Eyes, Mouth], "
    text = MEANS.replace("recruitment:", f"{boxes}exclusive: Nothing}}\nrecruitment:")
    text = text.replace("    feeling: {follows: {emotion: 0.6}}", "")
    (tmp_path / "p.yaml").write_text(f"{text}    {task}: {{ticks: [{ticks}]}}\n")
    with pytest.raises(Exception, match="ticks") as error:
        load(tmp_path / "p.yaml")
    assert found in str(error.value)
