"""Power against closed forms, exact tests of other packages, and the assumptions themselves."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import ttost_paired

from analysis.power import planned
from analysis.power.pilot import read_pilot
from analysis.power.power import power
from analysis.power.runs import FAILED, HEAD, Runs
from analysis.power.sentences import find_test
from analysis.power.simulate import Grid, Work
from analysis.power.summary import power_table, smallest, wilson
from analysis.problems import AnalysisError
from experiments.crowd import cell_mean, draw_effects, settings_of
from experiments.imagined import Imagined, scaled
from experiments.simulate import simulate
from protocols.errors import UserError
from protocols.protocol import Protocol
from protocols.reading import load
from protocols.scales import place_near
from protocols.study import Study
from stimuli.imagined import imagined_trials, sizes, wanted
from tests.command import command as mien
from tests.designs import PROTOCOLS, published
from tests.small_study import make_study

ROOT = Path(__file__).parents[1]
PAIRED = """
name: paired
title: Faces & <b>pairs</b>
seed: 5
stimuli: {generator: actor, identities: 2, factors: {emotion: [angry, happy]}}
tasks: [{id: valence, type: likert, question: How?, points: 11}]
analysis:
  models:
    - id: pair
      formula: valence ~ emotion + (1 | participant)
      coding: {emotion: sliding-difference}
      comparisons: [{factor: emotion, equivalence: 0.8}]
simulation:
  careless: 0
  tasks:
    valence:
      effects: [{when: {emotion: happy}, add: 0.6}]
      participant_sd: 1
      identity_sd: 0
      residual_sd: 0.7
"""
CROSSED = """
name: crossed
title: Faces
seed: 6
stimuli: {generator: actor, identities: 8, factors: {emotion: [angry, happy]}}
tasks: [{id: valence, type: likert, question: How?, points: 9}]
design: {rotate: [emotion]}
recruitment: {per_list: 20}
analysis:
  models:
    - id: ratings
      formula: valence ~ emotion + (1 | participant) + (1 | identity)
      coding: {emotion: sliding-difference}
      comparisons: [{factor: emotion}]
simulation:
  careless: 0
  tasks:
    valence:
      effects: [{when: {emotion: happy}, add: 0.5}]
      participant_sd: 0.8
      identity_sd: 0.8
      residual_sd: 1.2
"""


def protocol(text: str, folder: Path) -> Protocol:
    path = folder / f"{text.split()[1]}.yaml"
    path.write_text(text)
    return load(path)


def p_values(study: Protocol, size: tuple[int, int], n: int, seed: int = 1) -> pd.DataFrame:
    """One row per simulated study, one column per (kind, label)."""
    work = Work(study, Imagined(study), {size: imagined_trials(study, *size)}, seed)
    runs = [work.simulate((*size, number)) for number in range(1, n + 1)]
    return pd.DataFrame([{(r.kind, r.test): r.p for r in rows} for rows in runs])


def holds(hits: int, n: int, truth: float) -> bool:
    """Whether the truth lies in an interval that fails once in a thousand times."""
    low, high = wilson(hits, n, 0.999)
    return low <= truth <= high


def run(folder: Path, study: Protocol, grid: Grid, **options) -> pd.DataFrame:
    trials = {size: imagined_trials(study, *size) for size in grid.sizes}
    settings = {"workers": 0, **options}
    return power(study, Imagined(study), trials, grid, folder, seed=3, **settings).table


# Imagined answers ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["demo", "blume2024-experiment2", "hu2024-reactions"])
def test_imagined_answers_are_those_of_the_crowd_draw_by_draw(name):
    study = published(name)
    model = study.analysis.models[0]
    trials = imagined_trials(study, 7, 6 if name != "hu2024-reactions" else 12)
    fast = Imagined(study).prepare(trials, model).draw(np.random.default_rng(4))
    settings, rng = settings_of(study, model.task), np.random.default_rng(4)
    people = {
        one: draw_effects(study, settings.participant_sd, settings.participant_slope_sd, rng)
        for one in trials["participant"].unique()
    }
    items = {
        one: draw_effects(study, settings.identity_sd, settings.identity_slope_sd, rng)
        for one in trials["identity"].unique()
    }
    task = study.questions[model.task]
    slow = []
    for row in trials.to_dict("records"):
        levels = {factor: row[factor] for factor in study.factors}
        latent = cell_mean(settings, task, levels) + people[row["participant"]].at(levels)
        latent += items[row["identity"]].at(levels)
        slow.append(place_near(task, latent + settings.residual_sd * rng.standard_normal()))
    assert np.array_equal(fast, slow)


def test_the_expected_answer_is_the_mean_of_many_draws():
    study = published("blume2024-experiment2")
    trials = imagined_trials(study, 24, 24)
    ready, rng = Imagined(study).prepare(trials, study.analysis.models[0]), np.random.default_rng(0)
    cells = [trials[factor].to_numpy() for factor in study.factors]
    draws = pd.DataFrame([pd.Series(ready.draw(rng)).groupby(cells).mean() for _ in range(300)])
    expected = pd.Series(ready.expected).groupby(cells).mean()
    assert (abs(draws.mean() - expected) < 4.5 * draws.std() / np.sqrt(300)).all()


def test_scale_multiplies_effects_and_nothing_else():
    study = published("demo")
    half = scaled(study, 0.5)
    before, after = settings_of(study, "valence"), settings_of(half, "valence")
    assert [e.add for e in after.effects] == [e.add / 2 for e in before.effects]
    assert after.model_copy(update={"effects": before.effects}) == before
    assert scaled(study, 1) == study


# Imagined trials ----------------------------------------------------------------------------


def test_more_items_than_actors_keep_the_design():
    study = published("blume2024-experiment2")
    trials = imagined_trials(study, 10, 60)
    assert trials["identity"].nunique() == 60
    assert len(trials) == 10 * 60 * 5
    seen = trials.groupby(["participant", "identity"])["emotion"].nunique()
    assert (seen == 1).all()  # rotated: each identity in one emotion only
    assert (trials.groupby("identity")["emotion"].nunique() == 2).all()  # in both over the lists
    assert trials.groupby("participant")["list"].first().value_counts().tolist() == [5, 5]


@pytest.mark.parametrize("path", sorted(PROTOCOLS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_protocol_can_be_imagined_in_its_planned_size(path):
    study = load(path)
    participants, items = wanted(study)
    assert items == study.stimuli.identities.count
    trials = imagined_trials(study, 12, items)
    assert trials["participant"].nunique() == 12
    assert not trials.duplicated(["participant", "stimulus_id"]).any()
    assert participants % study.recruitment.per_list == 0


def test_impossible_sizes_are_refused_in_words():
    study = published("demo")
    with pytest.raises(UserError, match="7 identities cannot be shared equally by 2 levels"):
        imagined_trials(study, 10, 7)
    with pytest.raises(UserError, match=r"--items: found '1'; accepted: numbers from 2"):
        sizes("--items", "12,1", 8)
    with pytest.raises(UserError, match=r"--participants: found 'many'"):
        sizes("--participants", "many", 8)
    with pytest.raises(UserError, match="more than 5000000 trials; use"):
        imagined_trials(study, 10_000, 1000)
    assert sizes("--items", None, 8) == (8,)
    assert sizes("--items", " 24,12,24", 8) == (12, 24)


# Truths -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def paired(tmp_path_factory) -> Protocol:
    return protocol(PAIRED, tmp_path_factory.mktemp("paired"))


def test_a_paired_design_gives_the_paired_t_test_and_tost_exactly(paired):
    (model,) = planned.models_of(paired)
    trials = imagined_trials(paired, 30, 1)
    ready = Imagined(paired).prepare(trials, model)
    for seed in range(5):
        answers = ready.draw(np.random.default_rng(seed))
        found = {
            t.kind: t
            for t in planned.tests_of(
                paired, model, planned.fit_planned(paired, model, trials, answers)
            )
        }
        one = {e: answers[trials["emotion"] == e] for e in ("angry", "happy")}
        expected = stats.ttest_rel(one["happy"], one["angry"])
        within = ttost_paired(one["happy"], one["angry"], -0.8, 0.8)[0]
        assert found["comparison"].p == pytest.approx(expected.pvalue, abs=1e-5)
        assert found["coefficient"].p == pytest.approx(expected.pvalue, abs=1e-5)
        assert found["equivalence"].p == pytest.approx(within, abs=1e-5)


def test_power_is_that_of_the_paired_t_test_in_closed_form(paired):
    n, simulations = 20, 300
    p = p_values(paired, (n, 1), simulations)[("comparison", "happy - angry")]
    # rounding adds 1/12 to the variance of each answer (Sheppard)
    ncp = 0.6 / np.sqrt(2 * (0.7**2 + 1 / 12) / n)
    limit = stats.t.ppf(0.975, n - 1)
    truth = stats.nct.sf(limit, n - 1, ncp) + stats.nct.cdf(-limit, n - 1, ncp)
    assert 0.5 < truth < 0.9
    assert holds(int((p < 0.05).sum()), simulations, truth)


def test_without_an_effect_power_is_alpha(tmp_path):
    study = scaled(protocol(CROSSED, tmp_path), 0)
    p = p_values(study, (16, 8), 300)[("comparison", "happy - angry")]
    assert holds(int((p < 0.05).sum()), len(p), 0.05)


def test_power_grows_with_participants_items_and_effect(tmp_path):
    study = protocol(CROSSED, tmp_path)
    grid = Grid((8, 40), (4, 16), 24)
    table = run(tmp_path / "whole", study, grid)
    half = run(tmp_path / "half", scaled(study, 0.5), grid)
    table, half = (t[t["kind"] == "comparison"] for t in (table, half))
    of = table.set_index(["participants", "items"])
    assert of.loc[(40, 16), "low"] > of.loc[(8, 4), "high"]
    assert of.loc[(40, 4), "power"] >= of.loc[(8, 4), "power"]
    assert of.loc[(8, 16), "power"] >= of.loc[(8, 4), "power"]
    assert (half["power"].to_numpy() <= table["power"].to_numpy()).all()
    assert half["assumed"].to_numpy() == pytest.approx(table["assumed"].to_numpy() / 2, rel=0.02)
    assert abs(of["mean_estimate"] - of["assumed"]).max() < 0.25
    assert smallest(table, 0.8)["participants"] == 40
    assert smallest(table, 1.01) is None


def test_wilsons_interval_is_that_of_statsmodels():
    for hits, n in ((0, 20), (7, 20), (20, 20), (412, 500)):
        assert wilson(hits, n) == pytest.approx(
            proportion_confint(hits, n, method="wilson"), abs=1e-12
        )
    assert wilson(0, 0) == (0, 1)


def test_a_study_whose_model_cannot_be_fitted_found_nothing():
    test = planned.Tested("m", "comparison", "a - b", 0.0, 0.0)
    rows = [
        (10, 4, i, "m", "comparison", "a - b", 1.0, p, 0, 1, 1)
        for i, p in enumerate((0.01, 0.5), 1)
    ]
    rows.append((10, 4, 3, "m", FAILED, "why", np.nan, np.nan, 0, 0, 1))
    runs = pd.DataFrame(rows, columns=HEAD)
    (row,) = power_table(runs, Grid((10,), (4,), 9), [test], {test.key: 1.0}).to_dict("records")
    assert (row["simulations"], row["power"], row["failed"]) == (3, 1 / 3, 1 / 3)
    assert row["not_converged"] == 0


# A pilot ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pilot(tmp_path_factory) -> Study:
    """A simulated pilot: 24 participants, 12 identities, both emotions from everybody."""
    text = CROSSED.replace("identities: 8", "identities: 12").replace(
        "per_list: 20", "per_list: 12"
    )
    text = text.replace("(1 | participant)", "(emotion | participant)")
    study = make_study(tmp_path_factory.mktemp("pilot") / "pilot", text, pictures=False)
    simulate(study, 24)
    return study


def test_studies_like_the_pilot_have_its_effects_and_variances(pilot):
    study = pilot.protocol()
    (model,) = planned.models_of(study)
    source = read_pilot(pilot, study)
    found = source.estimated[model.id]
    trials = planned.rows_of(model, imagined_trials(study, 200, 60))
    ready = source.prepare(trials, model)
    fits = [
        planned.fit_planned(study, model, trials, ready.draw(np.random.default_rng(s)))
        for s in range(6)
    ]
    assert np.mean([f.beta for f in fits], axis=0) == pytest.approx(found.beta, abs=0.15)
    assert np.mean([f.sigma for f in fits]) == pytest.approx(found.sigma, rel=0.02)
    for term, triangle in enumerate(found.triangles):
        again = np.mean(
            [f.sigma**2 * f.triangles[term] @ f.triangles[term].T for f in fits], axis=0
        )
        spread = np.sqrt(np.diag(triangle @ triangle.T))
        assert np.sqrt(np.diag(again)) == pytest.approx(spread, rel=0.12, abs=0.06)
    angry, happy = (ready.expected[trials["emotion"] == e].mean() for e in ("angry", "happy"))
    assert happy - angry == pytest.approx(found.beta[1], abs=1e-9)


def test_scale_halves_the_pilots_differences_around_the_same_mean(pilot):
    study = pilot.protocol()
    (model,) = planned.models_of(study)
    trials = imagined_trials(study, 10, 8)
    whole, half = (read_pilot(pilot, study, s).prepare(trials, model).expected for s in (1, 0.5))
    assert np.ptp(half) == pytest.approx(np.ptp(whole) / 2)
    assert half.mean() == pytest.approx(whole.mean())


def test_a_pilot_of_another_design_is_refused(pilot, tmp_path):
    with pytest.raises(AnalysisError, match="the pilot's ratings have no factor 'm'"):
        read_pilot(pilot, published("demo"))
    fixed = CROSSED.replace("emotion + (1 | participant)", "emotion + identity + (1 | participant)")
    fixed = fixed.replace(" + (1 | identity)", "")
    with pytest.raises(AnalysisError, match="identity is a fixed effect"):
        read_pilot(pilot, protocol(fixed, tmp_path))


# Runs, resumed ------------------------------------------------------------------------------


def test_neither_workers_nor_interruptions_change_a_byte(tmp_path):
    study, grid = protocol(CROSSED, tmp_path), Grid((8, 12), (4,), 7)
    run(tmp_path / "whole", study, grid, workers=2)

    def stop(done: int, total: int) -> None:
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "parts", study, grid, progress=stop)
    runs = tmp_path / "parts" / "runs.csv"
    before = runs.read_bytes()
    assert len(Runs(tmp_path / "parts").done()) == 4
    runs.write_bytes(before + before.splitlines()[-1][:9])  # killed while writing
    run(tmp_path / "parts", study, grid)
    assert runs.read_bytes().startswith(before)
    for name in ("power.csv", "power.svg", "power.png", "power.html", "preregistration.txt"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()


def test_more_simulations_and_sizes_keep_those_that_are_there(tmp_path):
    study = protocol(CROSSED, tmp_path)
    run(tmp_path / "grown", study, Grid((8,), (4,), 3))
    before = (tmp_path / "grown" / "runs.csv").read_bytes()
    grown = run(tmp_path / "grown", study, Grid((8, 12), (4,), 5))
    assert (tmp_path / "grown" / "runs.csv").read_bytes().startswith(before)
    pd.testing.assert_frame_equal(grown, run(tmp_path / "new", study, Grid((8, 12), (4,), 5)))
    less = run(tmp_path / "grown", study, Grid((8,), (4,), 3))
    assert set(less["simulations"]) == {3}


def test_a_simulation_that_was_cut_off_is_simulated_again(tmp_path):
    study, grid = protocol(CROSSED, tmp_path), Grid((8,), (4,), 2)
    table = run(tmp_path / "cut", study, grid)
    runs = tmp_path / "cut" / "runs.csv"
    runs.write_text("".join(runs.read_text().splitlines(keepends=True)[:-1]))
    assert len(Runs(tmp_path / "cut").done()) == 1
    pd.testing.assert_frame_equal(run(tmp_path / "cut", study, grid), table)


def test_other_settings_and_other_folders_are_refused_in_one_line(tmp_path):
    study, grid = protocol(CROSSED, tmp_path), Grid((8,), (4,), 1)
    run(tmp_path / "done", study, grid)
    other = protocol(CROSSED.replace("residual_sd: 1.2", "residual_sd: 1"), tmp_path)
    with pytest.raises(AnalysisError, match=r"different: assumed effects and variances\); choose"):
        run(tmp_path / "done", other, grid)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("years of work")
    with pytest.raises(AnalysisError, match="holds something else than simulations"):
        run(tmp_path / "full", study, grid)
    (tmp_path / "done" / "runs.csv").write_text("participants,items\nmany,4\n")
    with pytest.raises(AnalysisError, match="runs.csv: cannot be read"):
        run(tmp_path / "done", study, grid)


# Words --------------------------------------------------------------------------------------


def test_an_effect_is_named_wholly_or_by_a_part_that_no_other_has():
    tests = [
        planned.Tested("m", "comparison", f"happy - angry at m = {m}", 0.0, 1.0) for m in (0.5, 1)
    ]
    assert find_test(tests, "Happy-angry at m=1") is tests[1]
    assert find_test(tests, "0.5") is tests[0]
    with pytest.raises(AnalysisError, match="fits several tests; accepted: happy - angry at m = 0"):
        find_test(tests, "happy")
    with pytest.raises(AnalysisError, match="'sad' is no test of the protocol; accepted"):
        find_test(tests, "sad")


def test_the_sentence_says_what_was_simulated_and_found(paired, tmp_path):
    grid = Grid((10, 60), (2,), 40)
    table = run(tmp_path / "out", paired, grid, effect="within 0.8")
    text = (tmp_path / "out" / "preregistration.txt").read_text()
    assert "40 simulated studies" in text
    assert "valence ~ emotion + (1 | participant)" in text
    assert "+0.6 at emotion = happy" in text
    assert "happy − angry: equivalent within ±0.8 (assumed difference 0.60 points" in text
    row = table[(table["kind"] == "equivalence") & (table["participants"] == 60)].iloc[0]
    assert f"{100 * row['power']:.1f} %, 95 % CI [{100 * row['low']:.1f}" in text
    assert "happy − angry (assumed" not in text  # only the one that was asked for
    assert set(table["kind"]) == {"coefficient", "comparison", "equivalence"}  # the table has all


def test_the_page_needs_nothing_else_and_says_what_is_uncertain(paired, tmp_path):
    run(tmp_path / "out", paired, Grid((10,), (2,), 4))
    page = (tmp_path / "out" / "power.html").read_text()
    assert "Faces &amp; &lt;b&gt;pairs&lt;/b&gt;" in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert re.search(r'alt="Power by participants × items\. happy − angry', page)
    assert "FEW_SIMULATIONS" in page
    assert (tmp_path / "out" / "power.png").read_bytes().startswith(b"\x89PNG")


def test_a_protocol_without_models_is_refused():
    empty = published("demo").model_copy(update={"analysis": published("demo").analysis.model_copy(
        update={"models": ()})})  # fmt: skip
    with pytest.raises(AnalysisError, match="declares no mixed model"):
        planned.models_of(empty)


@dataclass(frozen=True)
class Constant:
    """A source whose answers never vary: no model can be fitted to them."""

    value: float = 5.0

    def prepare(self, trials, model):
        return replace(self, value=self.value) if trials is None else Flat(len(trials))

    def assumptions(self, model):
        return ["Nothing varies."]


@dataclass(frozen=True)
class Flat:
    n: int

    @property
    def expected(self):
        return np.full(self.n, 5.0)

    def draw(self, rng):
        return np.full(self.n, 5.0)


def test_answers_that_cannot_be_analysed_say_so_before_anything_is_written(paired, tmp_path):
    trials = {(6, 2): imagined_trials(paired, 6, 2)}
    with pytest.raises(AnalysisError, match="every rating is 5"):
        power(paired, Constant(), trials, Grid((6,), (2,), 3), tmp_path / "none", seed=1, workers=0)
    assert not (tmp_path / "none").exists()
    (row,) = Work(paired, Constant(), trials, 1).simulate((6, 2, 1))
    assert (row.kind, row.rows) == (FAILED, 1)


# The command --------------------------------------------------------------------------------


def command(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "mien.py"), "power", *words],
        cwd=cwd, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--items", "7"), "design.rotate: 7 identities cannot be shared"),
        (("--participants", "4o"), "--participants: found '4o'; accepted: numbers"),
        (("--effect", "sadness"), "--effect: 'sadness' is no test of the protocol"),
        (("--pilot", "nowhere"), "nowhere: not a study"),
        (("--scale", "inf"), "--scale: found inf; accepted: 0 or more"),
    ],
)
def test_bad_input_ends_in_one_line(words, said, tmp_path):
    demo = str(PROTOCOLS / "demo.yaml")
    done = mien("power", demo, *words, "--simulations", "1", cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert said in line
    assert not (tmp_path / "power").exists()


@pytest.fixture
def interruptible():
    """Programs started here can be interrupted, also where the tests themselves run unasked."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(tmp_path):
    protocol(CROSSED, tmp_path)
    words = ["crossed.yaml", "--participants", "12", "--items", "4", "--workers", "1"]
    runs = tmp_path / "power" / "crossed" / "runs.csv"
    with subprocess.Popen(
        [sys.executable, str(ROOT / "mien.py"), "power", *words, "--simulations", "5000"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as started:  # fmt: skip
        try:
            until = time.time() + 240
            while time.time() < until and (not runs.is_file() or runs.read_text().count("\n") < 9):
                time.sleep(0.1)
            started.send_signal(signal.SIGINT)
            _, error = started.communicate(timeout=120)
        finally:
            started.kill()
    assert started.returncode == 130, error
    assert error.strip().splitlines()[-1].startswith("interrupted; run the same command again")
    assert "Traceback" not in error
    before = runs.read_bytes()
    kept = len(Runs(runs.parent).done())
    assert kept >= 4
    done = command(*words, "--simulations", str(kept + 2), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert runs.read_bytes().startswith(before)
    assert f"{kept + 2} simulated studies" in done.stdout
    shutil.rmtree(runs.parent)
