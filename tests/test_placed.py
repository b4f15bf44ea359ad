"""Sliders and affect grids, from the protocol to the ratings table and the report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.figures.pictures import counts_of
from analysis.figures.scale import Scale
from analysis.raters.human_model import human_models
from analysis.report import report
from analysis.sample.exclude import read_sample
from analysis.sample.quality import response_quality
from experiments.crowd import latent_sd, settings_of
from experiments.datasets.columns import of_questionnaire, of_responses
from experiments.export import export
from experiments.imagined import Imagined
from experiments.importing import import_ratings
from experiments.mapping import Mapping
from experiments.simulate import simulate, true_means
from protocols.asked import Asked, off_scale, other_label
from protocols.errors import UserError
from protocols.ratings import read_ratings
from protocols.reading import ProtocolError, dump, load
from protocols.scales import place_near, places, response_at
from stimuli import rating_rules
from tests.placed_study import PLACED
from tests.small_study import make_study

RECOVER = """
name: lines
title: Lines
seed: 21
stimuli: {generator: actor, identities: 16, factors: {emotion: [angry, happy], m: [1]}}
tasks:
  - {id: valence, type: slider, question: Negative or positive?, left: negative, right: positive}
  - {id: affect, type: affect-grid, question: How does this person feel?}
recruitment: {per_list: 40}
analysis:
  models:
    - id: line
      formula: valence ~ emotion + (emotion | participant) + (emotion | identity)
      coding: {emotion: sliding-difference}
      comparisons: [{factor: emotion}]
    - id: grid
      formula: affect-arousal ~ emotion + (1 | participant) + (1 | identity)
      coding: {emotion: sliding-difference}
      comparisons: [{factor: emotion}]
  figures:
    - {task: valence, x: emotion}
    - {task: valence, kind: histogram, colour: emotion}
    - {task: affect-valence, kind: histogram}
simulation:
  careless: 0
  tasks:
    valence:
      mean: 50
      effects: [{when: {emotion: happy}, add: 8}, {when: {emotion: angry}, add: -8}]
      participant_slope_sd: {emotion: 4}
      identity_slope_sd: {emotion: 3}
    affect-arousal: {effects: [{when: {emotion: angry}, add: 1.2}]}
"""
SURE = 3.29  # standard errors: p < .001 for a true effect to lie further away


def protocol_of(text, tmp_path):
    (tmp_path / "placed.yaml").write_text(text)
    return load(tmp_path / "placed.yaml")


@pytest.fixture
def placed(tmp_path):
    return protocol_of(PLACED, tmp_path)


# The protocol ---------------------------------------------------------------------------------


def test_an_affect_grid_is_two_questions_and_a_slider_one(placed, tmp_path):
    assert list(placed.questions) == ["valence", "affect-valence", "affect-arousal"]
    assert [places(task) for task in placed.questions.values()] == [101, 9, 9]
    calm = placed.pages.questionnaire[0]
    numbers = [response_at(calm, place) for place in range(1, places(calm) + 1)]
    assert numbers == [-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1]
    assert [place_near(calm, x) for x in (-7, -0.9, 0.13, 0.12, 7)] == [1, 1, 6, 5, 9]
    again = protocol_of(dump(placed), tmp_path)
    assert again == placed


@pytest.mark.parametrize(("found", "instead", "words"), [
    ("    right: very positive", "    right: good\n    low: 5\n    high: 5", "must be below high"),
    ("    right: very positive", "    right: good\n    step: 7", "does not divide the line"),
    ("    right: very positive", "    right: good\n    step: 0.001", "100000 steps; 10000 at most"),
    ("    left: very negative\n", "", "left: this key is missing"),
    ("    type: affect-grid", "    type: affect-grid\n    points: 8", "accepted: an odd number"),
    ("  - id: affect\n", "  - id: valence\n", "two tasks are called 'valence'"),
    ("  - id: affect\n", "  - {id: affect-arousal, type: free-text, question: Q}\n  - id: affect\n",
     "two tasks are called 'affect-arousal'"),
    ("{id: mood, type: affect-grid", "{id: affect, type: affect-grid", "is also a task"),
    ("task: affect-valence", "task: valence", "on which nobody hits one number"),
    ("task: affect-valence", "task: affect", "unknown task 'affect'"),
    ("tolerance: {valence: 10, ", "tolerance: {", "nobody gives the same number on a slider twice"),
    ("exclusions:", "analysis: {models: [{id: m, family: ordinal, formula: valence ~ emotion + "
     "(1 | participant)}]}\nexclusions:", "an ordinal model needs a scale of points"),
])  # fmt: skip
def test_a_mistake_is_one_clear_line(tmp_path, found, instead, words):
    assert found in PLACED
    with pytest.raises(ProtocolError) as caught:
        protocol_of(PLACED.replace(found, instead, 1), tmp_path)
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_labels_are_the_anchors_at_the_ends_and_other_ones_are_found(placed):
    line, grid = placed.questions["valence"], placed.questions["affect-arousal"]
    assert [line.label(x) for x in (0, 1, 50, 100)] == ["very negative", "", "", "very positive"]
    asked = Asked(line)
    values = pd.Series([0, 33.3, 100, 101, None], dtype="Float64")
    assert off_scale(asked, values)[0].tolist() == [False, False, False, True, False]
    labels = pd.Series(["very negative", "", "very negative", "", "nonsense"])
    assert other_label(asked, values, labels).tolist() == [False, False, True, False, True]
    assert off_scale(Asked(grid), pd.Series([1, 9, 9.5, 0]))[0].tolist() == [False] * 2 + [True] * 2


def test_standard_deviations_left_out_fit_the_length_of_the_line(tmp_path):
    protocol = protocol_of(RECOVER, tmp_path)
    line, grid = (settings_of(protocol, name) for name in ("valence", "affect-arousal"))
    assert (line.participant_sd, line.residual_sd) == (7.5, 15)
    assert (grid.participant_sd, grid.residual_sd) == (0.6, 1.2)
    assert settings_of(protocol_of(dump(protocol), tmp_path), "valence") == line


# Simulation and report ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    study = make_study(tmp_path_factory.mktemp("lines") / "study", RECOVER, pictures=False)
    simulate(study)
    return study


def test_true_means_agree_with_drawing_many_answers(tmp_path):
    text = RECOVER.replace("right: positive}", "right: positive, low: 10, high: 60, step: 2.5}")
    protocol, rng = protocol_of(text, tmp_path), np.random.default_rng(1)
    sd = latent_sd(protocol, settings_of(protocol, "valence"))
    for row in true_means(protocol).query("task == 'valence'").itertuples():
        drawn = row.latent + sd * rng.standard_normal(400_000)
        rounded = np.clip(10 + 2.5 * np.round((drawn - 10) / 2.5), 10, 60)
        assert rounded.mean() == pytest.approx(row.mean, abs=0.08)


def test_the_report_recovers_the_stated_effects_of_a_slider_and_of_a_grid(simulated):
    table = read_ratings(simulated.ratings_file)
    assert set(table.question) == {"valence", "affect-valence", "affect-arousal"}
    assert table[table.question == "valence"].response.between(0, 100).all()
    assert table[table.question == "valence"].response.nunique() > 60
    assert set(table[table.question == "affect-arousal"].response) <= set(range(1, 10))
    report(simulated)
    truth = true_means(simulated.protocol())
    for model, task in (("line", "valence"), ("grid", "affect-arousal")):
        means = truth[truth.task == task].set_index("emotion")["mean"]
        (file,) = (simulated.report / "tables").glob(f"{model}-comparisons-1.csv")
        row = pd.read_csv(file).iloc[0]
        assert abs(row.estimate - (means["happy"] - means["angry"])) < SURE * row.se, model
        assert row.se < (3 if model == "line" else 0.3)
    page = (simulated.report / "report.html").read_text()
    for said in ("on a line from “negative” to “positive”, stored as 0 to 100",
                 "one place of a 9 × 9 affect grid (Russell et al., 1989)", "Affect Grid: A single",
                 "within a tenth of the line"):  # fmt: skip
        assert said in page.replace("&amp;", "&"), said


def test_a_grid_may_be_the_first_task_and_is_compared_with_models_on_both_axes(simulated):
    protocol = simulated.protocol()
    turned = protocol.model_copy(update={"tasks": protocol.tasks[::-1]})
    sample = read_sample(simulated, turned)
    assert counts_of(turned, sample).equals(counts_of(protocol, sample))
    assert counts_of(turned, sample).ratings.min() == 40 * 16
    someone = sample.ratings[sample.ratings.participant == sample.ratings.participant.iloc[0]]
    rows = someone.assign(participant="a-model", source="model")
    found = human_models(replace(sample, model_ratings=rows), turned).found
    assert {one.asked.task for one in found} == {"valence", "affect-valence", "affect-arousal"}


def test_imagined_answers_on_a_line_are_steps_of_it_around_the_expected_ones(tmp_path):
    text = RECOVER.replace("right: positive}", "right: positive, low: -1, high: 1, step: 0.05}")
    text = text.replace("mean: 50", "mean: 0").replace("add: 8", "add: 0.6")
    text = text.replace("add: -8", "add: -0.6").replace("{emotion: 4}", "{emotion: 0.1}")
    protocol = protocol_of(text.replace("{emotion: 3}", "{emotion: 0.1}"), tmp_path)
    trials = pd.DataFrame(
        [(f"p{p}", f"i{i}", emotion, 1) for p in range(30) for i in range(12)
         for emotion in ("angry", "happy")],
        columns=["participant", "identity", "emotion", "m"],
    )  # fmt: skip
    ready = Imagined(protocol).prepare(trials, protocol.analysis.models[0])
    rng = np.random.default_rng(2)
    drawn = np.array([ready.draw(rng) for _ in range(200)])
    assert np.abs(drawn).max() <= 1
    assert np.allclose(drawn / 0.05, np.round(drawn / 0.05))
    happy = (trials.emotion == "happy").to_numpy()
    for cell in (happy, ~happy):
        error = 4 * drawn[:, cell].mean(axis=1).std() / 200**0.5
        assert drawn[:, cell].mean() == pytest.approx(ready.expected[cell].mean(), abs=error)


def test_a_repeated_answer_on_a_line_may_lie_a_tenth_of_it_away(simulated):
    protocol = simulated.protocol()
    quality = response_quality(read_sample(simulated, protocol), protocol)
    assert quality.tolerance == {"valence": 10, "affect-valence": 1, "affect-arousal": 1}


def test_a_line_is_counted_in_twenty_parts_and_points_one_by_one():
    line = Scale("q", 0, 100, points=False)
    shares = line.shares(pd.Series([0, 4.9, 5, 99, 100]))
    assert shares[[0, 1, 19]].tolist() == [0.4, 0.2, 0.4]
    assert [one.name for one in line.bins()][:2] == ["0 to 5", "5 to 10"]
    assert Scale("q", 1, 9).shares(pd.Series([1, 9, 9]))[[0, 8]].tolist() == [1 / 3, 2 / 3]


# Tables of others, data sets, models -----------------------------------------------------------


def test_answers_of_others_are_put_on_the_line_and_may_lie_between_its_steps(tmp_path):
    study = make_study(tmp_path / "study", PLACED)
    rows = [("p1", "actor0xangryx1", "valence", -1), ("p1", "actor0xhappyx1", "valence", 0.333),
            ("p1", "actor1xangryx1", "affect-arousal", 7)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["participant", "stimulus_id", "question", "response"])
    table.to_csv(tmp_path / "theirs.csv", index=False)
    import_ratings(study, tmp_path / "theirs.csv", "import", Mapping(rescale={"valence": (-1, 1)}))
    export(study)
    found = read_ratings(study.ratings_file)
    assert found.response.tolist() == [0, 66.65, 7]
    assert found.label.fillna("").tolist() == ["very negative", "", ""]
    table.assign(response=[10, 20, 7.5]).to_csv(tmp_path / "wrong.csv", index=False)
    with pytest.raises(UserError, match=r"affect-arousal: found 7.5; accepted: 1 to 9"):
        import_ratings(study, tmp_path / "wrong.csv", "import", Mapping())


def test_a_model_s_valence_is_spread_over_line_and_grid(placed):
    line = rating_rules.Scale.of(placed.questions["valence"])
    assert line is not None
    assert line.spread(np.array([-1, 0, 1])).tolist() == [0, 50, 100]
    arousal = rating_rules.Scale.of(placed.questions["affect-arousal"])
    assert arousal == rating_rules.Scale("arousal", 1, 1, 9)


def test_data_sets_say_what_the_numbers_mean(placed):
    said = of_responses(placed)["response"].meaning
    assert "valence: 0 to 100 (0 = very negative, 100 = very positive)" in said
    assert "affect-arousal: 1 to 9 (1 = sleepiness, 9 = high arousal)" in said
    columns = of_questionnaire(placed)
    assert {"calm", "calm_response", "mood-valence", "mood-arousal_response"} <= set(columns)
    assert columns["mood-valence"].levels == {}
