"""The report: complete, self-contained, the same bytes every time, and its numbers are true."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from analysis.choices.confusion import all_choices, matching_options
from analysis.figures.pictures import tests
from analysis.problems import AnalysisError
from analysis.report import RECORD, report
from analysis.results import run
from analysis.sample.exclude import read_sample
from analysis.text.part import Table
from analysis.text.tables import shortened
from experiments.simulate import simulate, true_means, true_shares
from protocols.ratings import read_participants, read_ratings, write_participants, write_ratings
from protocols.study import Study, protocol_hash
from tests.report_study import TEXT, make
from tests.small_study import TINY, make_study

ADDRESSES = ("src", "href", "srcset", "data", "poster", "action", "background", "xlink:href")
tests.__test__ = False  # a function of the report, not of this suite


class Page(HTMLParser):
    """Every address, tag and visible word of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses, self.tags, self.words, self.cells = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ADDRESSES]

    def handle_data(self, data):
        self.words.append(data)
        if self.tags and self.tags[-1] in ("td", "th"):
            self.cells.append(data.strip())

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words).replace("\N{NO-BREAK SPACE}", " "))


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    made = make(tmp_path_factory.mktemp("report") / "everything")
    Image.new("RGB", (300, 200), "white").save(made.stimuli / "contact-sheet.png")
    report(made)
    return made


@pytest.fixture(scope="module")
def page(study) -> Page:
    return Page((study.report / "report.html").read_text())


@pytest.fixture(scope="module")
def sample(study):
    return read_sample(study, study.protocol())


def test_the_page_needs_nothing_but_itself(study, page):
    assert page.addresses
    assert all(address.startswith(("data:image/", "#part-")) for address in page.addresses)
    assert not {"script", "link", "iframe", "object", "embed"} & set(page.tags)
    style = re.search("<style>(.*?)</style>", (study.report / "report.html").read_text(), re.S)
    assert style
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_words_of_the_protocol_cannot_become_markup(study, page):
    raw = (study.report / "report.html").read_text()
    assert html.escape("Faces <b>& more</b>") in raw
    assert "Faces <b>" not in raw
    assert "Faces <b>& more</b>" in page.text


def test_the_same_data_give_the_same_bytes(study):
    def content():
        return {f.relative_to(study.report): f.read_bytes()
                for f in sorted(study.report.rglob("*")) if f.is_file()}  # fmt: skip

    before = content()
    (study.report / RECORD).unlink()  # else the report is kept, not made again
    report(study)
    assert content() == before
    assert {f.suffix for f in before} == {".html", ".md", ".R", ".csv", ".svg", ".png", ".json"}


def test_simulated_data_are_called_simulated(page, study):
    assert "These are simulated data. Nobody took part" in page.text
    assert "2000-01-01" not in page.text  # the simulation's calendar is no date of collection


def test_every_estimate_on_the_page_is_the_model_s(study, page, sample):
    protocol = study.protocol()
    for model in protocol.analysis.models[:4]:
        fitted = run(model, protocol, sample).fit
        table = pd.read_csv(study.report / "tables" / f"{model.id}-fixed.csv")
        np.testing.assert_allclose(table.estimate, fitted.beta, rtol=1e-8)
        for row in fitted.fixed.itertuples():
            shown = [page.cells[i + 2 : i + 6] for i, c in enumerate(page.cells) if c == row.term]
            digits = 3 if row.se < 0.02 else 2
            estimate = f"{row.estimate:.{digits}f}".replace("-", "\N{MINUS SIGN}")
            assert (estimate, f"{row.se:.{digits}f}", f"{row.df:.1f}") in [
                (cells[0], cells[1], cells[3]) for cells in shown
            ]


def test_true_effects_of_the_simulation_lie_in_their_intervals(study, sample):
    protocol = study.protocol()
    truth = true_means(protocol).set_index(["emotion", "m"])["mean"]
    (family,) = run(protocol.analysis.models[0], protocol, sample).families
    for row in family.table.itertuples():
        true = truth["happy", float(row.at)] - truth["angry", float(row.at)]
        assert row.low < true < row.high
    means = pd.read_csv(study.report / "tables" / "valence-means.csv")
    for row in means.itertuples():
        assert row.mean == pytest.approx(truth[row.emotion, row.m], abs=0.5)


def test_a_model_that_cannot_be_fitted_says_so_and_the_others_stand(page, study):
    assert "NOT_FITTED: This model was not fitted: aliased with other effects" in page.text
    assert not (study.report / "tables" / "aliased-fixed.csv").exists()
    assert (study.report / "tables" / "uncorrelated-fixed.csv").exists()
    assert "# not fitted: aliased" in (study.report / "models.R").read_text()


def test_what_was_planned_but_not_run_is_said(page):
    assert "The effect of emotion beside that in another-study: planned, not run" in page.text


def test_equivalence_is_reported_where_the_protocol_asks(page, study):
    table = pd.read_csv(study.report / "tables" / "nested-comparisons-1.csv")
    assert table.p_equivalence.between(0, 1).all()
    assert page.text.count("equivalent to zero within ±0.50 points") == 3


def test_versions_and_the_hash_of_the_protocol_are_named(page, study):
    assert protocol_hash(study.protocol()) in page.text
    assert "mien on SciPy" in page.text


def test_the_flow_on_the_page_is_that_of_the_sample(page, sample):
    flow = sample.flow.set_index("step").participants
    assert f"{flow['recruited']} simulated participants took part" in page.text
    assert f"The {flow['analysed']} analysed rated 36 trials each" in page.text


def test_figures_show_the_stars_of_the_declared_comparison(study, sample):
    protocol = study.protocol()
    results = [run(model, protocol, sample) for model in protocol.analysis.models]
    first, second = protocol.analysis.figures
    (family,) = results[0].families
    assert tests(first, results) == dict(
        zip(family.table["at"], family.table.p_adjusted, strict=True)
    )
    assert tests(second, results) == {}  # no model compares emotions over all m
    for name in ("figure-1", "figure-2", "exclusions", "diagnostics-nested"):
        with Image.open(study.report / "figures" / f"{name}.png") as picture:
            assert picture.width > 800
            assert len(picture.convert("RGB").getcolors(2**24) or ()) > 50


def test_choices_follow_the_simulation(study, sample):
    protocol = study.protocol()
    feeling, second, seen = all_choices(sample, protocol)
    (confusion,) = feeling.confusions
    assert confusion.factor == "emotion"
    truth = true_shares(protocol).groupby(["emotion", "label"]).share.mean()
    for row in confusion.table.to_dict("records"):
        for option in ("Angry", "Happy", "Neither"):
            spread = np.sqrt(0.25 / row["n"])
            assert abs(row[option] - truth[row["emotion"], option]) < 4 * spread
        assert row["Angry"] + row["Happy"] + row["Neither"] == pytest.approx(1)
    rows = sample.ratings[sample.ratings.question == "feeling"]
    right = (rows.label == "Angry") == (rows.emotion == "angry")
    right &= rows.label != "Neither"
    by_person = right.groupby(rows.participant).mean()
    assert confusion.accuracy == pytest.approx(by_person.mean())
    assert confusion.low < confusion.accuracy < confusion.high
    assert (second.task, "None" in second.shares) == ("feeling-second", True)
    ticked = sample.ratings[sample.ratings.question == "seen"]
    cell = ticked[(ticked.emotion == "angry") & (ticked.m == 1)]
    share = seen.shares[(seen.shares.emotion == "angry") & (seen.shares.m == "1")].Eyes.item()
    assert share == pytest.approx(cell.label.str.contains("Eyes").fillna(False).mean())


@pytest.mark.parametrize(
    ("levels", "options", "match"),
    [
        (["angry", "happy"], ["Anger", "Fear", "Joy"], {"angry": "Anger", "happy": "Joy"}),
        (["angry", "happy"], ["angry", "happy"], {"angry": "angry", "happy": "happy"}),
        (["angry", "calm"], ["Anger", "Fear"], {}),
        (["0", "1"], ["Anger", "Fear"], {}),
    ],
)  # fmt: skip
def test_options_match_levels_of_the_same_meaning(levels, options, match):
    assert matching_options(levels, options) == match


def test_real_answers_are_reported_without_the_simulated_ones(study, tmp_path):
    copy = make(tmp_path / "real", TEXT.replace("per_list: 24", "per_list: 6"))
    protocol = copy.protocol()
    ratings, people = read_ratings(copy.ratings_file), read_participants(copy.participants_file)
    half = sorted(people.participant)[::2]
    for table in (ratings, people):
        table["source"] = table.source.where(~table.participant.isin(half), "web")
    write_ratings(ratings, copy.ratings_file, protocol.factors)
    write_participants(people, copy.participants_file)
    text = Page(report(copy).read_text()).text
    assert "simulated data. Nobody" not in text
    assert "simulated participants in the same tables do not count" in text
    assert f"{len(half)} people took part" in text


def test_a_study_without_models_or_figures_still_has_a_report(tmp_path):
    study = make_study(tmp_path / "tiny", TINY, pictures=False)
    with pytest.raises(Exception, match=r"participants\.csv|ratings\.csv"):
        report(study)
    simulate(study, 12)
    text = Page(report(study).read_text()).text
    assert "A second opinion from R" not in text  # no models
    assert "No contact sheet" in text
    assert "Confusion matrix" not in text or "feeling" in text
    assert "Mean rating per cell" in text


def test_scripts_that_people_typed_are_words_on_the_page(tmp_path):
    thought = "  - {id: thought, type: free-text, question: What do they think?}\ndesign:"
    study = make_study(tmp_path / "typed", TINY.replace("design:", thought, 1), pictures=False)
    simulate(study, 6)
    script = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    ratings, people = read_ratings(study.ratings_file), read_participants(study.participants_file)
    assert (ratings.question == "thought").any()
    ratings["label"] = ratings.label.where(ratings.question != "thought", script)
    people["remarks"] = script
    excluded = people.participant == people.participant[0]
    for table, rows in (
        (people, excluded),
        (ratings, ratings.participant == people.participant[0]),
    ):
        table["valid"] = table.valid.where(~rows, False)
        table["exclusion_reason"] = table.exclusion_reason.where(~rows, f"by hand: {script}")
    write_ratings(ratings, study.ratings_file, study.protocol().factors)
    write_participants(people, study.participants_file)
    raw = report(study).read_text()
    assert html.escape(script) in raw or html.escape(script, quote=False) in raw  # why excluded
    assert "<script" not in raw
    assert "<img src=x" not in raw
    assert "script" not in Page(raw).tags


def test_an_unknown_source_is_an_error_in_one_line(study):
    with pytest.raises(AnalysisError, match="accepted: web, lab, simulation, import") as error:
        report(study, source="paper")
    assert "\n" not in str(error.value)


def test_analysis_starts_without_pytorch():
    code = (
        "import sys, analysis.report; print('torch' in sys.modules, 'experiments' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "False"]


def test_long_tables_are_shortened_and_say_where_the_rest_is():
    table = Table(["a"], ["text"], [[str(i)] for i in range(100)], "Cells")
    short = shortened(table, "cells.csv")
    assert len(short.rows) == 60
    assert short.note == "The first 60 of 100 rows; all are in tables/cells.csv."
    assert shortened(short, "cells.csv") is short
