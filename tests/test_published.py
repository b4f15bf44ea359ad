"""The published studies as plans: each has the numbers of its paper."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pytest

from stimuli.corpora import identities_of
from stimuli.plan import make_plan
from tests.designs import PROTOCOLS, planned, published, sessions

# name: lists, stimuli that are rated, valid participants, trials of each kind in a session
PUBLISHED = {
    "blume2024-experiment1": (2, 48, 80, {"rating": 24}),
    "blume2024-experiment2": (2, 240, 80, {"rating": 120}),
    "eskimez2021-task1": (6, 90, 60, {"rating": 15, "repeat": 3}),
    "eskimez2021-task2": (6, 72, 60, {"rating": 12, "repeat": 2}),
    "lindt2019-valence-arousal": (4, 196, 60, {"practice": 4, "rating": 49, "repeat": 5}),
    "hu2024-reactions": (3, 144, 60, {"practice": 2, "rating": 48}),
    "crema-d-votes": (18, 1620, 180, {"rating": 90}),
    "multimodal-actors": (3, 216, 30, {"practice": 3, "rating": 72}),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_studies_plan_with_their_numbers(name):
    study = published(name)
    plan = planned(study)
    lists, stimuli, people, kinds = PUBLISHED[name]
    assert plan.trials["list"].nunique() == lists
    assert sum(s.role == "main" for s in plan.stimuli) == stimuli
    assert lists * study.recruitment.per_list == people
    for session in sessions(plan):
        assert session["kind"].value_counts().to_dict() == kinds
    assert set(plan.trials["stimulus_id"]) <= {s.id for s in plan.stimuli}
    rated_once = plan.trials[plan.trials["kind"] == "rating"]
    assert rated_once["stimulus_id"].nunique() == stimuli


def test_every_shipped_protocol_is_published_here_or_the_demo():
    assert {path.stem for path in PROTOCOLS.glob("*.yaml")} == {*PUBLISHED, "demo"}


def test_blume_experiment_2_shows_each_face_in_one_emotion_with_all_weights():
    study = published("blume2024-experiment2", {"stimuli.generator": "actor"})
    identities = identities_of(study)
    start = time.perf_counter()
    plan = make_plan(study, identities)
    assert time.perf_counter() - start < 5
    assert len(sessions(plan)) == 160
    gender = {person.id: person.gender for person in identities}
    for session in sessions(plan):
        pairs = set(zip(session["identity"], session["emotion"], strict=True))
        assert len(pairs) == 24
        assert set(Counter((gender[who], e) for who, e in pairs).values()) == {6}
        assert set(Counter(zip(session["identity"], session["m"], strict=True)).values()) == {1}
    first, second = sessions(plan)[:2]
    assert not set(first["stimulus_id"]) & set(second["stimulus_id"])


def test_the_weights_of_blume_stand_equally_often_early_and_late():
    plan = planned(published("blume2024-experiment2"))
    middle = plan.trials.groupby("m")["trial"].mean()
    # the mean place of 160 x 24 trials has a standard error of 34.6 / sqrt(3840) = 0.56
    assert np.abs(middle - 60.5).max() < 4 * 0.56


def test_eskimez_task_1_repeats_one_video_of_each_method():
    plan = planned(published("eskimez2021-task1"))
    over_lists = Counter()
    for session in sessions(plan)[:6]:
        repeats = session[session["kind"] == "repeat"]
        assert sorted(repeats["method"]) == ["baseline", "ground-truth", "proposed"]
        ratings = session[session["kind"] == "rating"]
        assert set(ratings["method"].value_counts()) == {5}
        assert set(ratings["emotion"].value_counts()) == {2, 3}
        over_lists.update(ratings["emotion"])
    assert set(over_lists.values()) == {15}


def test_eskimez_task_2_shows_every_pair_twice_and_every_emotion_evenly():
    plan = planned(published("eskimez2021-task2"))
    ratings = plan.trials[(plan.trials["kind"] == "rating") & (plan.trials["slot"] <= 6)]
    pairs = Counter(zip(ratings["voice_emotion"], ratings["face_emotion"], strict=True))
    assert len(pairs) == 36
    assert set(pairs.values()) == {2}
    for _, session in ratings.groupby("slot"):
        assert set(session["voice_emotion"].value_counts()) == {2}
        assert set(session["face_emotion"].value_counts()) == {2}
