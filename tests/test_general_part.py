"""Declared choices and orders: what counts as 1, and what the report says about such models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from analysis.choices.success import success_ratings
from analysis.results import run
from analysis.sample.exclude import read_sample
from analysis.text.general_part import general_part
from analysis.text.page import apa
from analysis.text.references import REFERENCES
from protocols.mixed_models import Comparison, MixedModel, Success
from tests.choice_studies import played, sample_of
from tests.report_study import TEXT, make


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """A study with a forced choice that follows the emotion, and a scale."""
    study = make(tmp_path_factory.mktemp("faces") / "study", TEXT)
    return study.protocol(), read_sample(study, study.protocol())


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Faces and voices that may differ."""
    return sample_of(played(tmp_path_factory.mktemp("videos") / "study", "eskimez2021-task2"))


def choice(formula="feeling ~ emotion + (1 | participant) + (1 | identity)", **given):
    given = {"success": Success(matches="emotion")} | given
    return MixedModel(id="choice", formula=formula, family="binomial", **given)


def points(**given):
    formula = "valence ~ emotion * m + (emotion | participant) + (1 | identity)"
    return MixedModel(id="points", formula=formula, family="ordinal", **given)


def words(part):
    """Every sentence and cell of a part."""
    found = []
    for block in part.blocks:
        found += list(getattr(block, "items", ())) + [getattr(block, "text", "")]
        for row in getattr(block, "rows", ()):
            found += row
    return found


def test_labels_count_as_one(faces):
    protocol, sample = faces
    model = choice(success=Success(labels=("Happy", "Neither")))
    data = success_ratings(sample, protocol, model)
    rows = sample.ratings[sample.ratings.question == "feeling"]
    assert len(data) == len(rows)
    assert data.feeling.mean() == pytest.approx(rows.label.isin(["Happy", "Neither"]).mean())


def test_an_answer_matches_if_it_names_the_level(faces):
    protocol, sample = faces
    data = success_ratings(sample, protocol, choice())
    rows = sample.ratings[sample.ratings.question == "feeling"]
    expected = rows.label.str.casefold() == rows.emotion
    assert data.feeling.to_numpy().tolist() == expected.astype(float).tolist()


def test_against_keeps_answers_that_name_one_of_two_different_emotions(videos):
    protocol, sample = videos
    (model,) = protocol.analysis.models
    data = success_ratings(sample, protocol, model)
    rows = sample.ratings[sample.ratings.question == "emotion-seen"]
    face, voice = rows.face_emotion.str.capitalize(), rows.voice_emotion.str.capitalize()
    for_face = ((face != voice) & (rows.label == face)).sum()
    for_voice = ((face != voice) & (rows.label == voice)).sum()
    assert (data["emotion-seen"].sum(), len(data)) == (for_face, for_face + for_voice)


def test_levels_without_an_option_are_an_error_that_says_what_to_do(faces):
    protocol, sample = faces
    result = run(choice(success=Success(matches="m")), protocol, sample)
    assert "not every level of m has an option" in result.failure
    assert "success.labels" in result.failure
    part = general_part(result)
    assert part.blocks[-1].code == "NOT_FITTED"
    assert not part.tables


def test_the_weight_of_the_face_is_recovered(videos):
    """31.4 % of answers name the face's emotion and 19.6 % the voice's: odds of 1.6."""
    protocol, sample = videos
    (model,) = protocol.analysis.models
    result = run(model, protocol, sample)
    row = result.fit.fixed.iloc[0]
    assert abs(row.estimate - np.log(31.4 / 19.6)) < 3 * row.se
    part = general_part(result)
    assert "An answer named face_emotion rather than voice_emotion" in part.headline[0]
    assert any("The odds of counting as 1" in text for text in words(part))
    probability = part.tables["face-against-voice-probabilities-1"].probability[0]
    assert probability == pytest.approx(expit(row.estimate))


def test_a_binomial_part_says_all(faces):
    protocol, sample = faces
    model = choice(
        "feeling ~ emotion * m + (1 | participant) + (1 | identity)",
        coding={"emotion": "sliding-difference", "m": "sum"},
        comparisons=(Comparison(factor="emotion", at="m", equivalence=0.7),),
        likelihood_ratio=("feeling ~ emotion + m + (1 | participant) + (1 | identity)",),
    )
    result = run(model, protocol, sample)
    part = general_part(result)
    expected = ["fixed", "random", "anova", "comparisons-1", "likelihood-ratio", "probabilities-1",
                "icc", "influence"]  # fmt: skip
    assert {f"choice-{name}" for name in expected} <= set(part.tables)
    table = part.tables["choice-comparisons-1"]
    assert len(table) == 3
    np.testing.assert_allclose(table.odds_ratio, np.exp(table.estimate))
    # the difference of two logits is that of the two probabilities' logits
    cells = part.tables["choice-probabilities-1"].set_index(["emotion", "m"]).logit
    np.testing.assert_allclose(
        table.estimate, [cells["happy", m] - cells["angry", m] for m in table["at"]], atol=1e-9
    )
    said = words(part)
    assert any("counts as 1 if it names the level of emotion" in text for text in said)
    assert any("equivalent to zero within ±0.70 logits" in text for text in said)
    assert any(text.startswith("All differences together: χ²(3) = ") for text in said)
    assert set(part.references) <= set(REFERENCES)
    assert len(part.headline) == 3
    assert set(part.pictures) == {"diagnostics-choice", "influence-choice"}
    assert set(part.tables["choice-influence"].group) == {"participant", "identity"}
    assert any(text.startswith("Of ") and "largest influence" in text for text in said)
    assert any("Adjusted ICC" in getattr(block, "note", "") for block in part.blocks)
    drawings = [block for block in part.blocks if block.kind == "drawing"]
    assert all(block.alt and block.name in part.pictures for block in drawings)
    assert len(drawings) == 2


def test_an_ordinal_part_says_all(faces):
    protocol, sample = faces
    model = points(
        coding={"emotion": "sliding-difference"},
        comparisons=(Comparison(factor="emotion", at="m"),),
        when_singular="reduce",
    )
    result = run(model, protocol, sample)
    part = general_part(result)
    fit = result.fit
    thresholds = part.tables["points-thresholds"]
    assert len(thresholds) == len(fit.points) - 1
    assert (np.diff(thresholds.estimate) > 0).all()
    cuts = part.tables["points-cuts"]
    assert set(cuts.term) == set(fit.design.names)
    # at m = 1 happy faces were simulated two points above angry ones, at m = 0 alike
    rows = part.tables["points-comparisons-1"].set_index("at")
    assert rows.estimate["1"] - rows.estimate["0"] == pytest.approx(
        fit.fixed.set_index("term").estimate["emotionhappy-angry:m"]
    )
    assert rows.p_adjusted["1"] < 0.001
    said = words(part)
    assert any("ratings were higher for happy than for angry, b = " in text for text in said)
    assert any("one slope" in text for text in said)
    assert set(part.references) <= set(REFERENCES)
    assert "Brant, 1990" in part.references


def test_a_separated_model_is_told_with_advice(faces):
    protocol, sample = faces
    ratings = sample.ratings.copy()
    here = (ratings.question == "feeling") & (ratings.m.astype(float) == 1)
    ratings.loc[here, "label"] = ratings.loc[here, "emotion"].str.capitalize()
    always = sample.__class__(**{**vars(sample), "ratings": ratings})
    formula = "feeling ~ m + (1 | participant) + (1 | identity)"
    part = general_part(run(choice(formula, coding={"m": "treatment"}), protocol, always))
    caution = next(block for block in part.blocks if block.kind == "caution")
    assert caution.code == "SEPARATION"
    assert caution.text.startswith("Perfectly predicted with ")
    assert "Report the shares of answers there" in caution.text
    assert "> 1000" in words(part)


def test_symbols_of_these_models_are_set_in_italics():
    assert "<i>z</i>" in apa("b = 0.52, SE = 0.11, z = 4.70, p < .001")


def test_no_table_holds_what_its_model_did_not_say(faces):
    protocol, sample = faces
    result = run(choice(), protocol, sample)
    for name, table in general_part(result).tables.items():
        assert isinstance(table, pd.DataFrame), name
        assert len(table), name
