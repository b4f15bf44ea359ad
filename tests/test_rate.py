"""`mien rate`: rules against closed forms, and a small study from pictures to the report."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import mien
from analysis.report import report
from experiments.simulate import simulate
from protocols.errors import UserError
from protocols.ratings import read_ratings
from protocols.reading import load
from protocols.study import Study
from protocols.tasks import ForcedChoice, LabelledRating, Likert
from stimuli.faces.weights import load as load_weights
from stimuli.generate import generate
from stimuli.rate import rate
from stimuli.raters import likeliest, on_dimension
from stimuli.rating_rules import LINEAR, Scale, answers
from tests.small_study import make_study

TEXT = """
name: rated
title: Faces that models rate
seed: 4
stimuli:
  generator: actor
  identities: 5
  factors: {emotion: [angry, happy], m: [0, 1]}
  size: 128
tasks:
  - id: valence
    type: likert
    question: How negative or positive does this face look?
    anchors: {1: very negative, 5: neutral, 9: very positive}
  - {id: feeling, type: forced-choice, question: Which emotion?, options: [Wut, Freude, Liebe]}
  - id: real
    type: labelled-rating
    question: How real does it look?
    labels: [unreal, middling, real]
recruitment: {per_list: 6}
simulation:
  tasks:
    valence:
      mean: 5
      effects: [{when: {emotion: angry, m: 1}, add: -1}, {when: {emotion: happy, m: 1}, add: 1}]
    feeling: {follows: {emotion: 0.7}}
"""
VALENCE = Likert(id="v", type="likert", question="How is it?",
                 anchors={1: "very negative", 9: "very positive"})  # fmt: skip


def make(folder, text=TEXT) -> Study:
    """The study with its pictures, and simulated people."""
    source = folder / "source.yaml"
    source.write_text(text)
    generate(load(source), folder / "study")
    study = Study(folder / "study")
    simulate(study, 6)
    return study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return make(tmp_path_factory.mktemp("rate"))


def perceive(study: Study) -> None:
    """Let the sidecars say what a context-face head would have said: nobody here needs networks."""
    for sidecar in study.stimuli.glob("stim-*_image.json"):
        said = json.loads(sidecar.read_text())
        levels = said["recipe"]["levels"]
        share = 0.1 + 0.8 * float(levels["m"])
        words = dict.fromkeys(("neutral", "angry", "happy", "sad"), 0.0) | {"neutral": 1 - share}
        said["perceived"] = words | {str(levels["emotion"]): share}
        sidecar.write_text(json.dumps(said))


def ratings_of_models(study: Study) -> pd.DataFrame:
    table = read_ratings(study.ratings_file)
    return table[table.source == "model"]


def fake_table(rng, slope=2.5, identities=8):
    identity = np.repeat([f"p{i}" for i in range(identities)], 4)
    v = rng.uniform(-0.8, 0.8, len(identity))
    return pd.DataFrame({"identity": identity, "v": v, "people": 5 + slope * v})


@pytest.mark.parametrize(
    ("low", "high", "dimension", "sign"),
    [("very negative", "very positive", "valence", 1), ("Sehr positiv", "negativ", "valence", -1),
     ("unpleasant", "pleasant", "valence", 1), ("relaxed", "very aroused", "arousal", 1)],
)  # fmt: skip
def test_a_scale_is_known_by_the_words_at_its_ends(low, high, dimension, sign):
    task = Likert(id="x", type="likert", question="?", points=7, anchors={1: low, 7: high})
    assert Scale.of(task) == Scale(dimension, sign, 1, 7)


def test_without_anchors_the_question_says_the_scale():
    task = Likert(id="x", type="likert", question="How positive or negative is this face?")
    assert Scale.of(task) == Scale("valence", -1, 1, 9)


def test_other_scales_and_choices_are_none():
    strong = Likert(id="x", type="likert", question="How strong?", anchors={1: "weak", 9: "strong"})
    real = LabelledRating(id="x", type="labelled-rating", question="?", labels=("unreal", "real"))
    choice = ForcedChoice(id="x", type="forced-choice", question="?", options=("a", "b"))
    assert [Scale.of(task) for task in (strong, real, choice)] == [None, None, None]


def test_without_people_the_ends_of_the_plane_are_the_ends_of_the_scale():
    table = pd.DataFrame({"identity": list("abc"), "v": [-1.0, 0.0, 1.0], "people": np.nan})
    rising, fit = answers(table, Scale("valence", 1, 1, 9))
    falling, _ = answers(table, Scale("valence", -1, 1, 9))
    assert rising.tolist() == [1, 5, 9]
    assert falling.tolist() == [9, 5, 1]
    assert (fit.rule, fit.r2) == ("scale", None)


def test_a_line_is_recovered_and_said():
    table = fake_table(np.random.default_rng(1))
    made, fit = answers(table, Scale.of(VALENCE))
    np.testing.assert_allclose(made, 5 + 2.5 * table.v, atol=1e-9)
    assert fit.rule == LINEAR
    assert fit.parameters == {"intercept": pytest.approx(5), "slope": pytest.approx(2.5)}
    assert (fit.r2, fit.r2_left_out) == (pytest.approx(1), pytest.approx(1))


@pytest.mark.parametrize("rule", ["linear", "isotonic"])
def test_no_identitys_ratings_tell_its_own_pictures_apart(rule):
    rng = np.random.default_rng(2)
    table = fake_table(rng)
    table["people"] += rng.normal(0, 1, len(table))
    before, _ = answers(table, Scale.of(VALENCE), rule)
    other = table.copy()
    mine = other.identity == "p3"
    other.loc[mine, "people"] = 9 - other.people[mine]
    after, _ = answers(other, Scale.of(VALENCE), rule)
    risen = float((other.people - table.people).mean())  # the level of everybody
    np.testing.assert_allclose(before[mine] + risen, after[mine], atol=1e-12)
    assert (before[~mine] + risen != after[~mine]).any()


def test_a_model_that_knows_nothing_neither_agrees_with_people_nor_contradicts_them():
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        table = fake_table(rng, slope=0, identities=24)
        table["people"] += np.repeat(rng.normal(0, 0.7, 24), 4) + rng.normal(0, 0.2, 96)
        made, _ = answers(table, Scale.of(VALENCE), LINEAR)
        found.append(np.corrcoef(made, table.people)[0, 1])
    assert abs(np.mean(found)) < 0.15  # with the mean of the others as level: -.5


def test_the_fit_of_left_out_identities_is_worse_than_that_of_all():
    rng = np.random.default_rng(3)
    table = fake_table(rng, slope=1)
    table["people"] += np.repeat(rng.normal(0, 1, 8), 4)  # people differ between identities
    _, fit = answers(table, Scale.of(VALENCE))
    x, y = table.v, table.people
    assert fit.r2 == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)
    assert fit.r2_left_out < fit.r2


def test_isotonic_answers_never_fall_and_follow_a_bent_relation_better():
    rng = np.random.default_rng(4)
    table = fake_table(rng, identities=12)
    table["people"] = 5 + 3 * np.sign(table.v) * np.abs(table.v) ** 3
    made, fit = answers(table, Scale.of(VALENCE), "isotonic")
    _, straight = answers(table, Scale.of(VALENCE), "linear")
    steps = np.array(fit.parameters["steps"])
    assert (np.diff(steps[:, 1]) >= 0).all()
    assert fit.r2_left_out > straight.r2_left_out
    assert made.between(1, 9).all()


def test_predicted_valence_and_the_likeliest_option():
    words = {"happy": 0.5, "angry": 0.25, "neutral": 0.25}
    assert on_dimension(words, "valence") == pytest.approx(0.5 * 0.81 - 0.25 * 0.51)
    assert on_dimension(words, "arousal") == pytest.approx(0.5 * 0.51 + 0.25 * 0.59)
    assert likeliest(words, ["Wut", "Freude", "Liebe"]) == "Freude"
    assert likeliest(words, ["Angry", "Sadness"]) == "Angry"
    assert likeliest(words, ["Liebe"]) is None


def test_heads_come_from_sidecars_and_a_second_run_replaces_its_own_table_alone(study):
    people = read_ratings(study.ratings_file)
    raw = {file: file.read_bytes() for file in study.data.glob("*.sqlite")}
    perceive(study)
    command = ["rate", str(study.folder), "--raters", "head", "--rule", "scale"]
    assert CliRunner().invoke(mien.app, command).exit_code == 0
    first = ratings_of_models(study)
    again = CliRunner().invoke(mien.app, [*command[:-1], "linear"])
    assert again.exit_code == 0, again.output
    second = ratings_of_models(study)

    assert set(second.participant) == {"head"}
    assert (len(first), len(second)) == (40, 40)  # 20 pictures, two tasks that it can answer
    assert not first.response.equals(second.response)
    assert len(list((study.data / "imports").glob("*"))) == 2
    now = read_ratings(study.ratings_file)
    pd.testing.assert_frame_equal(now[now.source != "model"].reset_index(drop=True), people)
    assert {file: file.read_bytes() for file in raw} == raw

    valence = first[first.question == "valence"].groupby(["emotion", "m"]).response.mean()
    assert valence["happy", 1] == pytest.approx(1 + 4 * (0.9 * 0.81 + 1), abs=1e-3)
    assert valence["angry", 1] == pytest.approx(1 + 4 * (1 - 0.9 * 0.51), abs=1e-3)
    feeling = first[(first.question == "feeling") & (first.m == 1)]
    assert set(zip(feeling.emotion, feeling.label, strict=True)) == {
        ("angry", "Wut"), ("happy", "Freude")
    }  # fmt: skip


def test_the_sidecar_states_rules_coefficients_and_fit(study):
    perceive(study)
    rated = rate(study, ["head"])
    said = json.loads(rated.sidecar.read_text())
    valence, feeling, real = said["tasks"]
    people = read_ratings(study.ratings_file)
    mine = people[(people.question == "valence") & (people.source == "simulation")]
    assert said["people"] == {"sources": ["simulation"], "ratings": len(people[
        people.source == "simulation"])}  # fmt: skip
    means = mine[mine.valid].groupby("stimulus_id").response.mean()
    table = pd.DataFrame({"y": means.astype(float)})
    first = mine.drop_duplicates("stimulus_id").set_index("stimulus_id")
    share = 0.1 + 0.8 * first.m.astype(float)
    table["v"] = share * first.emotion.map({"happy": 0.81, "angry": -0.51})
    slope, intercept = np.polyfit(table.v, table.y, 1)
    assert valence["parameters"]["slope"] == pytest.approx(slope, abs=1e-4)
    assert valence["parameters"]["intercept"] == pytest.approx(intercept, abs=1e-4)
    assert valence["r2"] == pytest.approx(table.v.corr(table.y) ** 2, abs=1e-4)
    assert set(valence["left_out"]) == set(first.identity)
    assert (feeling["rule"], feeling["never"]) == ("likeliest option", ["Liebe"])
    assert real["rule"] is None


@pytest.fixture(scope="module")
def judged(study):
    try:
        load_weights("face_expression_model")
    except UserError as error:
        pytest.skip(f"no weights of the face networks: {error}")
    done = CliRunner().invoke(mien.app, ["rate", str(study.folder), "--raters", "judge"])
    assert done.exit_code == 0, done.output
    return study


def test_the_judge_sees_happy_rise_and_angry_fall_with_m(judged):
    table = ratings_of_models(judged)
    assert set(table.participant) == {"judge"}
    valence = table[table.question == "valence"].groupby(["emotion", "m"]).response.mean()
    assert valence["happy", 1] > valence["happy", 0] + 0.5
    assert valence["angry", 1] < valence["angry", 0] - 0.5
    assert valence["happy", 0] == valence["angry", 0]  # the same picture


def test_the_report_shows_people_beside_the_model_with_no_further_editing(judged):
    page = report(judged).read_text()
    assert "judge" in page
    assert "Bland" in page  # on the scale
    assert any("judge" in file.read_text() or "model" in file.name
               for file in judged.report.rglob("*.csv"))  # fmt: skip


@pytest.mark.parametrize(
    ("raters", "rule", "line"),
    [(["ear"], None, "--raters: found 'ear'; accepted: head, judge"),
     (["head"], "cubic", "--rule: found 'cubic'; accepted: scale, linear, isotonic")],
)  # fmt: skip
def test_what_is_not_known_is_refused_in_one_line(study, raters, rule, line):
    with pytest.raises(UserError, match=line):
        rate(study, raters, rule)


def test_a_head_needs_stimuli_of_context_face_and_every_rater_stimuli(tmp_path):
    drawn = make_study(tmp_path / "drawn")
    with pytest.raises(UserError, match="only stimuli of the generator context-face"):
        rate(drawn, ["head"])
    planned = make_study(tmp_path / "planned", pictures=False)
    with pytest.raises(UserError, match="no stimuli in it yet; make them with mien generate"):
        rate(planned)
