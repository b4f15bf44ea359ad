"""R as the reference: pymer4 and Rscript say what our own engine says, and no trap catches them.

Each trap is one into which a formula with factors leads; mien hands R numeric columns only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.mixed.columns import Variable
from analysis.mixed.fit import Fit, fit
from analysis.mixed.general import fit_general
from analysis.problems import AnalysisError
from analysis.reference import engines, pymer, rscript
from analysis.reference.asked import asked
from analysis.reference.fits import asked_of, told_by
from analysis.reference.part import engines_part, what_r_would_add
from analysis.reference.side_by_side import Beside
from analysis.report import report
from analysis.results import ModelResult
from protocols.mixed_models import MixedModel
from tests.lmm_data import NO_REFERENCES, REFERENCES, crossed, reference, reference_ids
from tests.report_study import make

NO_R = shutil.which("Rscript") is None
MAXIMAL = "rating ~ emotion + (emotion | participant) + (emotion | identity)"
EMOTION = {"emotion": Variable("emotion", ("angry", "happy"), "sliding-difference")}


in_a_shell = pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for R")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.fixture(scope="module")
def pymer4():
    """The function that asks pymer4."""
    try:
        pymer.start()
    except AnalysisError as error:
        pytest.skip(str(error))
    return pymer.ask


@pytest.fixture(scope="module")
def in_r():
    """The function that asks Rscript."""
    try:
        rscript.check()
    except AnalysisError as error:
        pytest.skip(str(error))
    return rscript.ask


def assert_same(theirs: Fit, ours: Fit) -> None:
    """The promise of the report: three digits of estimates and errors, df to one per cent."""
    assert theirs.fixed.term.tolist() == ours.fixed.term.tolist()
    assert ((theirs.fixed.estimate - ours.fixed.estimate) / ours.fixed.se).abs().max() < 1e-3
    np.testing.assert_allclose(theirs.fixed.se, ours.fixed.se, rtol=1e-3)
    np.testing.assert_allclose(theirs.fixed.df, ours.fixed.df, rtol=1e-2)
    np.testing.assert_allclose(theirs.fixed.p, ours.fixed.p, atol=1e-3)
    assert theirs.log_likelihood == pytest.approx(ours.log_likelihood, abs=1e-3)


# ---- both engines over the reference fits --------------------------------------------------------


SLOW = ("insteval_ml", "insteval_service")  # minutes in R; test_mixed has R's stored fits
NAMES = [n for n in reference_ids() if n not in SLOW] if REFERENCES.is_dir() else []


@pytest.mark.skipif(not REFERENCES.is_dir(), reason=NO_REFERENCES)
@pytest.mark.parametrize("name", NAMES)
def test_pymer4_says_what_our_engine_says(pymer4, name):
    found, data, variables = reference(name)
    ours = fit(found["formula"], data, variables, reml=found["REML"])
    theirs = told_by(pymer4(asked_of(ours)), ours)
    assert_same(theirs, ours)
    assert theirs.sigma == pytest.approx(ours.sigma, rel=1e-3)
    np.testing.assert_allclose(theirs.random.sd, ours.random.sd, atol=2e-3 * ours.sigma, rtol=2e-3)
    np.testing.assert_allclose(theirs.fitted, ours.fitted, atol=5e-3 * ours.sigma)


@pytest.mark.skipif(not REFERENCES.is_dir(), reason=NO_REFERENCES)
@pytest.mark.parametrize("name", ["sleepstudy", "pastes"])
def test_rscript_says_what_our_engine_says(in_r, name):
    found, data, variables = reference(name)
    ours = fit(found["formula"], data, variables)
    assert_same(told_by(in_r(asked_of(ours)), ours), ours)


# ---- what R's fits are used for ------------------------------------------------------------------


def test_any_contrast_has_the_degrees_of_freedom_of_lmer_test(rng, pymer4):
    """Computed from lmerTest's own derivatives; lmerTest says the same when it is asked."""
    from rpy2.robjects import FloatVector, r

    data = crossed(rng, participants=14, items=9).query("participant != 'p3' or identity > 'i4'")
    ours = fit(MAXIMAL, data, EMOTION)
    theirs = told_by(pymer4(asked_of(ours)), ours)
    contrast = np.array([1.0, 0.5])
    question = asked_of(ours)
    from pymer4.models import Lmer

    model = Lmer(question.formula, data=question.table)
    with pytest.warns(FutureWarning):  # pandas about pymer4
        model.fit(summarize=False, verbose=False, no_warnings=True)
    say = r("function(m, l) lmerTest::contest1D(m, l)")
    said = say(model.model_obj, FloatVector(contrast / question.scale))
    told = {name: said.rx2(name)[0] for name in said.names}
    found = theirs.contrast(contrast)
    expected = (told["Estimate"], told["Std. Error"], told["df"])
    assert (found.value, found.se, found.df) == pytest.approx(expected, rel=1e-6)


def test_kenward_roger_is_that_of_pbkrtest(rng, pymer4):
    if rscript.missing_packages(("pbkrtest",)):
        pytest.skip("R lacks pbkrtest")
    data = crossed(rng, participants=9, items=6)
    ours = fit(MAXIMAL, data, EMOTION, df="kenward-roger")
    answer = pymer4(asked_of(ours))
    assert "pbkrtest" in answer.versions
    np.testing.assert_allclose(answer.table.se, ours.fixed.se, rtol=2e-3)
    np.testing.assert_allclose(answer.table.df, ours.fixed.df, rtol=5e-3)


def test_choices_are_fitted_by_glmer(choices, pymer4):
    ours = fit_general("hit ~ emotion + (1 | participant)", choices, EMOTION, family="binomial")
    theirs = told_by(pymer4(asked_of(ours)), ours)
    np.testing.assert_allclose(theirs.beta, ours.beta, atol=2e-3)
    np.testing.assert_allclose(theirs.fixed.se, ours.fixed.se, rtol=5e-3)
    assert theirs.log_likelihood == pytest.approx(ours.log_likelihood, abs=1e-3)


def test_ordinal_models_go_to_rscript_whoever_is_asked(choices, in_r, pymer4):
    if rscript.missing_packages(("ordinal",)):
        pytest.skip("R lacks ordinal")
    ours = fit_general(
        "rating ~ emotion + (emotion || participant)", choices, EMOTION, family="ordinal"
    )
    with pytest.raises(AnalysisError, match="no cumulative-link models"):
        pymer4(asked_of(ours))
    ask = engines.start("pymer4")
    assert ask is not None
    theirs = told_by(ask(asked_of(ours)), ours)
    assert "ordinal" in theirs.engine
    np.testing.assert_allclose(theirs.beta, ours.beta, atol=2e-3)
    np.testing.assert_allclose(theirs.thresholds, ours.thresholds, atol=2e-3)
    np.testing.assert_allclose(theirs.random.sd, ours.random.sd, atol=5e-3)
    np.testing.assert_allclose(theirs.threshold_table.se, ours.threshold_table.se, rtol=5e-3)


@pytest.fixture
def choices(rng) -> pd.DataFrame:
    """Hits (0 or 1) and ratings (1 to 4) of 24 people."""
    data = crossed(rng)
    centred = data.rating - 5
    hit = (centred + rng.logistic(size=len(data)) > 0).astype(float)
    return data.assign(hit=hit, rating=np.digitize(centred + rng.logistic(size=len(data)),
                                                   [-1.5, 0, 1.5]) + 1.0)  # fmt: skip


# ---- the traps of formulas with factors ----------------------------------------------------------


def test_an_effect_coded_by_halves_is_not_halved(rng, pymer4):
    """pymer4 takes codes of ±.5 for weights, and then says half the difference of the means."""
    data = crossed(rng)
    means = data.groupby("emotion").rating.mean()
    ours = fit(MAXIMAL, data, EMOTION)
    np.testing.assert_allclose(np.unique(ours.design.x[:, 1]), [-0.5, 0.5])
    answer = pymer4(asked_of(ours))
    assert answer.table.estimate[1] == pytest.approx(means.happy - means.angry, rel=1e-6)


def test_levels_that_look_like_numbers_stay_levels(rng, pymer4):
    """Read as numbers they would be 0.0 and 1.0, which R does not find among the levels."""
    data = crossed(rng, levels=("0", "0.5", "1"))
    data["emotion"] = data.emotion.astype(float)
    levels = {"emotion": Variable("emotion", ("0", "0.5", "1"), "treatment")}
    ours = fit("rating ~ emotion + (1 | participant) + (1 | identity)", data, levels)
    answer = pymer4(asked_of(ours))
    means = data.groupby("emotion").rating.mean()
    expected = [means[0.0], means[0.5] - means[0.0], means[1.0] - means[0.0]]
    np.testing.assert_allclose(answer.table.estimate, expected, rtol=1e-6)


def test_levels_with_an_order_get_no_polynomials(rng, pymer4):
    """An ordered factor would come back as emotion.L and emotion.Q."""
    levels = ("angry", "neutral", "happy")
    data = crossed(rng, levels=levels)
    data["emotion"] = pd.Categorical(data.emotion, categories=levels, ordered=True).astype(str)
    coded = {"emotion": Variable("emotion", levels, "sliding-difference")}
    ours = fit("rating ~ emotion + (1 | participant) + (1 | identity)", data, coded)
    answer = pymer4(asked_of(ours))
    means = data.groupby("emotion").rating.mean()
    assert answer.table.term.tolist()[1:] == ["emotionneutral-angry", "emotionhappy-neutral"]
    expected = [means.neutral - means.angry, means.happy - means.neutral]
    np.testing.assert_allclose(answer.table.estimate[1:], expected, rtol=1e-6)


def test_nested_effects_are_there_at_every_level(rng, pymer4):
    """`m/emotion` is one effect of emotion per level of m, the first level too."""
    data = pd.concat([crossed(rng, effect=e).assign(m=m) for m, e in (("0", 0.0), ("1", 1.5))])
    variables = EMOTION | {"m": Variable("m", ("0", "1"))}
    ours = fit("rating ~ m/emotion + (1 | participant) + (1 | identity)", data, variables)
    answer = pymer4(asked_of(ours))
    cells = data.groupby(["m", "emotion"]).rating.mean()
    expected = [cells[m, "happy"] - cells[m, "angry"] for m in ("0", "1")]
    np.testing.assert_allclose(answer.table.estimate[2:], expected, rtol=1e-6)


def test_degrees_of_freedom_stay_finite_above_3000_ratings(rng, pymer4):
    """emmeans turns to z tests there; contrasts of mien keep lmerTest's degrees of freedom."""
    data = crossed(rng, participants=60, items=30)
    assert len(data) > 3000
    ours = fit("rating ~ emotion + (emotion | participant) + (1 | identity)", data, EMOTION)
    theirs = told_by(pymer4(asked_of(ours)), ours)
    for weights in (np.array([0.0, 1.0]), np.array([1.0, 0.5])):
        found, expected = theirs.contrast(weights), ours.contrast(weights)
        assert 20 < found.df < 200
        assert found.df == pytest.approx(expected.df, rel=1e-2)


def test_slopes_without_correlations_are_not_correlated_again(rng, pymer4):
    """lme4 keeps the correlations of a factor in `(emotion || participant)`."""
    ours = fit("rating ~ emotion + (emotion || participant)", crossed(rng), EMOTION)
    theirs = told_by(pymer4(asked_of(ours)), ours)
    assert len(theirs.theta) == 2
    assert_same(theirs, ours)


def test_units_of_a_predictor_do_not_mislead_r(rng, pymer4):
    """Given days × 10000 as it is, lme4 stops 17 log-likelihood units short."""
    people, days = 18, np.arange(10.0)
    slope = rng.normal(10, 6, people)
    rating = 250 + slope[:, None] * days + rng.normal(0, 25, (people, len(days)))
    data = pd.DataFrame({
        "rating": rating.ravel(), "days": np.tile(days * 1e4, people),
        "participant": np.repeat([f"p{i}" for i in range(people)], len(days)),
    })  # fmt: skip
    ours = fit("rating ~ days + (days | participant)", data)
    assert_same(told_by(pymer4(asked_of(ours)), ours), ours)


def test_a_column_whose_name_says_sig_is_no_random_effect(rng, pymer4):
    """pymer4 cuts its table of intervals at the last row whose name has `sig` in it."""
    data = crossed(rng).assign(signal=lambda d: rng.normal(size=len(d)))
    ours = fit("rating ~ signal + emotion + (1 | participant)", data, EMOTION)
    assert_same(told_by(pymer4(asked_of(ours)), ours), ours)


def test_terms_come_back_in_the_order_of_the_formula(rng, pymer4, in_r):
    """lme4 sorts its random terms by their number of levels."""
    data = crossed(rng, participants=8, items=20)
    ours = fit("rating ~ emotion + (emotion | participant) + (1 | identity)", data, EMOTION)
    for ask in (pymer4, in_r):
        theirs = told_by(ask(asked_of(ours)), ours)
        np.testing.assert_allclose(theirs.random.sd, ours.random.sd, atol=5e-3)
        covariances = (f.satterthwaite.parameter_covariance for f in (theirs, ours))
        np.testing.assert_allclose(*(np.diag(c) for c in covariances), rtol=0.1)


# ---- a report with two engines -------------------------------------------------------------------


def beside_of(ours: Fit, theirs: Fit | None = None, failure: str = "") -> Beside:
    model = MixedModel(id="main", formula=ours.design.formula.text)
    return Beside(model, ours, theirs, failure)  # type: ignore[arg-type]


def refit_of(*beside: Beside, engine: str = "both") -> engines.Refit:
    return engines.Refit(engine, [], list(beside))  # type: ignore[arg-type]


def words_of(part) -> str:
    return " ".join(str(getattr(block, "text", block)) for block in part.blocks)


def test_engines_that_agree_are_said_to_agree(rng, in_r):
    ours = fit(MAXIMAL, crossed(rng), EMOTION)
    found = beside_of(ours, told_by(in_r(asked_of(ours)), ours))
    part = engines_part(refit_of(found))
    assert found.agree
    assert "The engines agree" in words_of(part)
    assert not [block for block in part.blocks if block.kind == "caution"]
    assert part.tables["main-engines"].apart.max() == found.apart
    assert {"Bates et al., 2015", "Kuznetsova et al., 2017"} <= set(part.references)


def test_false_alarms_of_lme4_are_told_from_true_ones(rng, in_r):
    """A warning counts as none where our engine has found the same optimum by itself."""
    ours = fit("rating ~ emotion + (emotion | participant)", crossed(rng), EMOTION)
    alarm = "Model failed to converge with max|grad| = 0.0022"
    right = replace(in_r(asked_of(ours)), warnings=(alarm,))
    wrong = replace(right, log_likelihood=right.log_likelihood - 1)
    codes = [{p.code for p in told_by(answer, ours).problems} for answer in (right, wrong)]
    assert "NOT_CONVERGED" not in codes[0]
    assert "NOT_CONVERGED" in codes[1]
    said = words_of(engines_part(refit_of(beside_of(ours, told_by(right, ours)))))
    assert alarm in said
    assert "false alarms" in said


def test_the_engine_that_stopped_short_is_named(rng, in_r, monkeypatch):
    """Our engine is made to stop early: R has the better likelihood, and the report says so."""
    from analysis.mixed import engine

    data, right = crossed(rng), engine.find

    def stop_early(*args, **kwargs):
        found = right(*args, **kwargs)
        return type(found)(**(vars(found) | {"theta": found.theta * 1.5}))

    monkeypatch.setattr(engine, "find", stop_early)
    short = fit(MAXIMAL, data, EMOTION)
    found = beside_of(short, told_by(in_r(asked_of(short)), short))
    part = engines_part(refit_of(found))
    cautions = [block for block in part.blocks if block.kind == "caution"]
    assert [caution.code for caution in cautions] == ["ENGINES_DIFFER"]
    assert cautions[0].text.startswith("R has found the better fit")
    assert "do not agree" in part.headline[0]


def test_a_model_that_r_cannot_fit_is_told_with_our_numbers(rng):
    ours = fit(MAXIMAL, crossed(rng), EMOTION)
    result = ModelResult(MixedModel(id="main", formula=MAXIMAL), EMOTION, ours)

    def fails(question):
        raise AnalysisError("R could not fit this model: Downdated VtV")

    refit = engines.refit([result], None, "rscript", fails)  # type: ignore[arg-type]
    assert refit.models[0].fit.beta is ours.beta
    assert refit.models[0].problems[-1].code == "ENGINE_FAILED"
    cautions = [block for block in engines_part(refit).blocks if block.kind == "caution"]
    assert "Downdated" in cautions[0].text


def test_without_r_the_report_says_what_r_would_add():
    assert engines.start("mien") is None
    part = engines_part(engines.refit([], None, "mien", None))  # type: ignore[arg-type]
    assert [block.text for block in part.blocks] == [what_r_would_add()]
    assert "--engine both" in what_r_would_add()


ONE_MODEL = """
name: one-model
title: One model
seed: 3
stimuli: {generator: actor, identities: 6, factors: {emotion: [angry, happy]}, size: 64}
tasks: [{id: valence, type: likert, question: How?}]
recruitment: {per_list: 12}
analysis:
  models:
    - id: main
      formula: valence ~ emotion + (1 | participant) + (1 | identity)
      comparisons: [{factor: emotion}]
simulation:
  careless: 0
  tasks: {valence: {mean: 5, effects: [{when: {emotion: happy}, add: 1}]}}
"""


@pytest.mark.r
def test_a_report_shows_the_engine_that_was_asked_for(tmp_path, in_r):
    study = make(tmp_path / "one", ONE_MODEL)
    told: list[str] = []
    page = report(study, engine="rscript", tell=told.append)
    assert "main: R fits this model too" in told
    shown = pd.read_csv(study.report / "tables" / "main-fixed.csv")
    beside = pd.read_csv(study.report / "tables" / "main-engines.csv")
    np.testing.assert_array_equal(shown.estimate, beside.estimate_r)
    assert "are those of R" in page.read_text(encoding="utf-8")
    report(study, engine="rscript", tell=told.append)
    assert "kept as it is" in told[-1]
    page = report(study)
    shown = pd.read_csv(study.report / "tables" / "main-fixed.csv")
    np.testing.assert_array_equal(shown.estimate, beside.estimate)
    assert what_r_would_add()[:60] in page.read_text(encoding="utf-8").replace("&#39;", "'")


# ---- what can go wrong ---------------------------------------------------------------------------


def test_an_engine_that_is_none_is_refused():
    with pytest.raises(AnalysisError, match="found 'spss'; accepted: mien, pymer4, rscript, both"):
        engines.start("spss")


@pytest.mark.parametrize("engine", ["pymer4", "rscript", "both"])
def test_without_r_one_sentence_says_how_to_get_it(engine, monkeypatch):
    monkeypatch.setenv("PATH", "")
    rscript.missing_packages.cache_clear()
    pymer._r.cache_clear()
    with pytest.raises(AnalysisError, match="Rscript was not found.*Install R from"):
        engines.start(engine)
    pymer._r.cache_clear()
    rscript.missing_packages.cache_clear()


@pytest.mark.r
@pytest.mark.skipif(NO_R, reason="Rscript is not installed")
def test_a_missing_package_is_named():
    assert rscript.missing_packages(("stats", "no.such.package")) == ("no.such.package",)
    assert 'install.packages(c("ordinal"))' in rscript.install(("ordinal",))
    assert "apt-get install r-cran-ordinal" in rscript.install(("ordinal",))


def fake_rscript(folder: Path, monkeypatch, body: str) -> None:
    """A program Rscript that does something else."""
    program = folder / "Rscript"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def small() -> rscript.Asked:
    data = crossed(np.random.default_rng(1), participants=6, items=4)
    return asked_of(fit("rating ~ emotion + (1 | participant)", data, EMOTION))


@in_a_shell
def test_r_that_takes_too_long_is_stopped(tmp_path, monkeypatch):
    fake_rscript(tmp_path, monkeypatch, "exec sleep 60")
    with pytest.raises(AnalysisError, match="stopped after 0.5 seconds"):
        rscript.ask(small(), limit_s=0.5)


@in_a_shell
def test_what_r_complains_of_is_told_in_one_line(tmp_path, monkeypatch):
    fake_rscript(tmp_path, monkeypatch, "echo 'Error in f(x) :' >&2; echo '  no luck' >&2\n"
                 "echo 'Calls: f -> g' >&2; exit 1")  # fmt: skip
    with pytest.raises(AnalysisError) as told:
        rscript.ask(small())
    assert str(told.value) == "R could not fit this model: Error in f(x) : no luck"


@in_a_shell
def test_packages_that_r_lacks_are_asked_for(tmp_path, monkeypatch):
    fake_rscript(tmp_path, monkeypatch, "echo ordinal > missing.txt; exit 3")
    with pytest.raises(AnalysisError, match="R has no package ordinal"):
        rscript.ask(small())


@in_a_shell
def test_ctrl_c_ends_r_too(tmp_path):
    """Rscript here writes its process id and sleeps; after SIGINT to us it is gone.

    SIGINT comes once Python waits for R: before that it could only come from a terminal, which
    sends it to R as well.
    """
    program = tmp_path / "Rscript"
    program.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 60\n")
    program.chmod(0o755)
    code = (
        "import signal, sys, threading, traceback, os, pathlib, time\n"
        "from tests.test_reference import small\nfrom analysis.reference import rscript\n"
        "question = small()\n"
        f"pid = pathlib.Path({str(tmp_path / 'pid')!r})\n"
        "def waits():\n"
        "    now = sys._current_frames()[threading.main_thread().ident]\n"
        "    return any(f.f_code.co_name == 'communicate' for f, _ in traceback.walk_stack(now))\n"
        "def press():\n"
        "    while not (pid.is_file() and pid.read_text().strip() and waits()): time.sleep(0.02)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "threading.Thread(target=press, daemon=True).start()\n"
        "try:\n    rscript.ask(question)\nexcept KeyboardInterrupt:\n    print('interrupted')\n"
    )
    here = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[1], env=here,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.stdout.strip() == "interrupted", ran.stderr
    pid = (tmp_path / "pid").read_text().strip()
    until = time.monotonic() + 20
    while _state(pid) not in ("", "Z"):  # gone, or dead and not yet cleared away
        assert time.monotonic() < until
        time.sleep(0.1)


def _state(pid):
    asked = ["ps", "-o", "stat=", "-p", pid]
    return subprocess.run(asked, capture_output=True, text=True).stdout.strip()[:1]


def test_starting_r_leaves_the_libraries_of_later_processes_alone(pymer4):
    """R adds the system's folders, in which another Python's library may stand."""
    code = "import os, sys; print(sys.version, os.environ.get('LD_LIBRARY_PATH'))"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    path = os.environ.get("LD_LIBRARY_PATH")
    assert "R/lib" not in (path or "")
    assert child.stdout.strip() == f"{sys.version} {path}", child.stderr


def test_an_answer_to_a_question_of_many_ratings_is_satterthwaites():
    """pbkrtest's matrices (n, n) would not fit."""
    small_one = small()
    many = np.zeros(rscript.KR_LIMIT + 1)
    question = asked(fit("rating ~ 1 + (1 | participant)", crossed(np.random.default_rng(2)))
                     .design, df="kenward-roger")  # fmt: skip
    assert rscript.degrees_of(question) == "kenward-roger"
    assert rscript.degrees_of(type(small_one)(many, many[:, None], ("x",), (),
                                              df="kenward-roger")) == "satterthwaite"  # fmt: skip
