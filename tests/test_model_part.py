"""Declared models, from the protocol to the part of the report that tells of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.results import ModelResult, run
from analysis.sample.exclude import read_sample
from analysis.text.model_part import model_part, reduction_method
from analysis.text.part import Bullets, Caution, Drawing, Heading, Paragraph, Table
from analysis.text.references import REFERENCES
from tests.report_study import TEXT, make

MODELS = """analysis:
  models:
    - id: keep
      formula: valence ~ m*emotion + (m*emotion | participant) + (m*emotion | identity)
      coding: {emotion: sum, m: sliding-difference}
    - id: reduce
      formula: valence ~ m*emotion + (m*emotion | participant) + (m*emotion | identity)
      coding: {emotion: sum}
      hypotheses: {m: {any: {0: -1, 0.5: 0.5, 1: 0.5}}}
      df: kenward-roger
      when_singular: reduce
      likelihood_ratio:
        - valence ~ m + emotion + (m*emotion | participant) + (m*emotion | identity)
        - valence ~ m*emotion + trial + (1 | identity)
      comparisons: [{factor: m, at: emotion, adjust: tukey}]
    - id: trend
      formula: valence ~ m + (1 | participant) + (1 | identity)
      coding: {m: polynomial}
      where: {emotion: [happy]}
    - id: two-levels
      formula: valence ~ m + (1 | participant) + (1 | identity)
      hypotheses: {m: {high: {0: -1, 1: 1}}}
      where: {m: [1, 0.5]}
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> dict[str, ModelResult]:
    text = TEXT.replace("analysis:\n  models:\n", MODELS)
    study = make(tmp_path_factory.mktemp("parts") / "everything", text)
    protocol = study.protocol()
    sample = read_sample(study, protocol, None)
    return {model.id: run(model, protocol, sample) for model in protocol.analysis.models}


def blocks(result, kind):
    return [block for block in model_part(result).blocks if isinstance(block, kind)]


def table(result, caption: str) -> Table:
    return next(t for t in blocks(result, Table) if t.caption.startswith(caption))


def test_where_leaves_other_ratings_out(results):
    all_of, happy = results["keep"].fit, results["trend"].fit
    assert happy.n == all_of.n // 2
    assert results["trend"].variables["m"].coding == "polynomial"


def test_hypotheses_reach_the_fit(results):
    fitted = results["reduce"].fit
    assert fitted.design.names[1:3] == ("many", "mrest1")
    assert fitted.design.meanings[1] == "m: 0.5 × level 0.5 + 0.5 × level 1 − level 0"


def test_a_hypothesis_about_levels_left_out_is_refused(results):
    assert "hypothesis high gives m = 0 a weight" in results["two-levels"].failure


def test_when_singular_decides_which_model_is_reported(results):
    kept, reduced = results["keep"], results["reduce"]
    assert kept.reduction
    assert kept.fit is kept.reduction.planned
    assert not kept.is_reduced
    assert "SINGULAR" in [p.code for p in kept.problems]
    assert reduced.is_reduced
    assert "SINGULAR" not in [p.code for p in reduced.problems]
    for result in (kept, reduced):
        both = table(result, "Planned and reduced model side by side")
        assert len(both.rows) == 6
        steps = table(result, "Reduction of the random effects")
        assert len(steps.rows) == len(result.reduction.steps)


def test_the_method_says_how_the_reduction_ended_and_which_model_is_tested(results):
    ((text, _),) = reduction_method(results["reduce"])
    assert "until the model was no longer singular" in text
    assert text.endswith("those of the reduced model.")
    kept, steps = results["keep"], results["keep"].reduction.steps
    unsolved = replace(kept, reduction=replace(kept.reduction, steps=steps[:-1]))
    assert steps[-2].trouble
    ((text, _),) = reduction_method(unsolved)
    assert "no longer singular" not in text
    assert text.endswith("those of the planned model.")
    alone = replace(kept, reduction=replace(kept.reduction, steps=steps[:1]))
    assert reduction_method(alone) == []


def test_kenward_roger_switches_every_test(results):
    result = results["reduce"]
    assert result.fit.df_method == "kenward-roger"
    plain = result.fit.satterthwaite
    for row, weights in zip(result.fit.fixed.itertuples(), np.eye(6), strict=True):
        assert row.df == pytest.approx(result.fit.kenward_roger.df(weights / result.fit.scale))
    assert result.fit.fixed.df[0] != pytest.approx(plain.df(np.eye(6)[0]), rel=1e-6)
    assert "Kenward-Roger" in table(result, "Fixed effects").note
    assert "Kenward & Roger, 1997" in model_part(result).references


def test_likelihood_ratios_use_the_random_part_of_the_report(results):
    result = results["reduce"]
    first, second = result.likelihood_ratios
    assert first.df == 2
    assert first.p < 0.001
    assert "trial" in second.failure
    assert "NOT_NESTED" in [p.code for p in result.problems]


def test_every_table_of_a_model_is_a_file(results):
    names = set(model_part(results["reduce"]).tables)
    assert names == {f"reduce-{kind}" for kind in ("fixed", "random", "means-1", "comparisons-1",
                     "anova", "likelihood-ratio", "reduction", "influence", "icc")}  # fmt: skip
    for name, each in model_part(results["keep"]).tables.items():
        assert isinstance(each, pd.DataFrame)
        assert len(each), name


@pytest.mark.parametrize("name", ["keep", "reduce", "trend", "aliased"])
def test_a_part_cites_what_it_lists_and_describes_what_it_draws(results, name):
    part = model_part(results[name])
    assert set(part.references) <= set(REFERENCES)
    drawings = [block for block in part.blocks if isinstance(block, Drawing)]
    assert {drawing.name for drawing in drawings} == set(part.pictures)
    for drawing in drawings:
        assert len(drawing.alt) > 60
        assert "nan" not in drawing.alt.lower()
    for block in part.blocks:
        if isinstance(block, Table):
            assert {len(row) for row in block.rows} <= {len(block.head)}
            assert len(block.kinds) == len(block.head)
        if isinstance(block, Caution | Paragraph | Heading):
            assert block.text.strip()


def test_one_caution_per_code(results):
    codes = [caution.code for caution in blocks(results["reduce"], Caution)]
    assert len(codes) == len(set(codes))


def test_sentences_say_what_the_tables_say(results):
    result = results["reduce"]
    said = [s for block in blocks(result, Bullets) for s in block.items]
    (effect,) = [s for s in said if s.startswith("The interaction of m and emotion")]
    row = result.terms.set_index("term").loc["m:emotion"]
    assert f"F({row.numerator:.0f}, {row.denominator:.1f}) = {row.f:.2f}" in effect
    assert any("Tukey-adjusted" in s for s in said)
    nested = next(s for s in blocks_of_nested(results) if "within the levels of m" in s)
    assert nested.startswith("The effect of emotion within the levels of m was significant")


def blocks_of_nested(results) -> list[str]:
    return [s for block in blocks(results["nested"], Bullets) for s in block.items]


def test_a_model_that_cannot_be_fitted_says_why_and_nothing_else(results):
    part = model_part(results["aliased"])
    (caution,) = [block for block in part.blocks if isinstance(block, Caution)]
    assert "aliased with other effects" in caution.text
    assert not part.tables
    assert not part.pictures


def test_the_same_results_draw_the_same_pictures(results):
    one, other = model_part(results["trend"]), model_part(results["trend"])
    assert {n: p.svg for n, p in one.pictures.items()} == (
        {n: p.svg for n, p in other.pictures.items()}
    )
