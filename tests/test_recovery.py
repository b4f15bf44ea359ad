"""From 80 simulated participants with published effects the report finds these effects again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from analysis.report import report
from experiments.simulate import simulate, true_means
from protocols.study import Study
from stimuli.corpora import identities_of
from stimuli.plan import write_plan
from tests.designs import published

ROOT = Path(__file__).parents[1]
PARTICIPANTS = 80
SURE = 3.29  # standard errors: p < .001 for a true effect to lie further away
PUBLISHED = {  # section 4.5 of Blume et al. (2024): happy minus angry, by experiment and weight
    "blume2024-experiment1": {"": 1.00},
    "blume2024-experiment2": {"0.5": 0.37, "0.75": 0.51, "1": 0.73},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Both experiments beside each other, with their reports."""
    folder = tmp_path_factory.mktemp("blume")
    for name in PUBLISHED:
        protocol = published(name, {"recruitment.per_list": PARTICIPANTS // 2})
        study = Study(folder / name)
        study.freeze(protocol)
        write_plan(study, protocol, identities_of(protocol))
        simulate(study, PARTICIPANTS, 1)
    for name in PUBLISHED:
        report(Study(folder / name))
    return folder


def differences(study: Study) -> pd.DataFrame:
    """The declared comparison of the report: happy minus angry."""
    (file,) = (study.report / "tables").glob("*-comparisons-1.csv")
    return pd.read_csv(file, dtype={"at": "string"}).fillna({"at": ""}).set_index("at")


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_effects_are_recovered(folder, name):
    study = Study(folder / name)
    found, truth = differences(study), true_means(study.protocol())
    for at, effect in PUBLISHED[name].items():
        cells = truth if not at else truth[truth.m == float(at)]
        by = cells.set_index("emotion")["mean"]
        assert by["happy"] - by["angry"] == pytest.approx(effect, abs=0.02)  # of a rounded answer
        row = found.loc[at]
        assert abs(row.estimate - effect) < SURE * row.se


def test_the_effect_of_each_weight_stands_beside_that_of_a_real_voice(folder):
    study = Study(folder / "blume2024-experiment2")
    page = (study.report / "report.html").read_text()
    assert "Beside another study" in page
    assert "planned, not run" not in page
    (file,) = (study.report / "tables").glob("beside-*.csv")
    table = pd.read_csv(file, dtype={"at": "string"}).set_index("at")
    assert list(table.index) == ["0", "0.25", "0.5", "0.75", "1"]
    expected = {"0": -1.0, "0.25": -0.81, "0.5": -0.63, "0.75": -0.49, "1": -0.27}
    for at, difference in expected.items():
        row = table.loc[at]
        assert abs(row.difference - difference) < SURE * row.difference_se


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_figures_of_the_paper_are_drawn(folder, name):
    pictures = Study(folder / name).report / "figures"
    with Image.open(pictures / "figure-1.png") as picture:
        colours = {colour for _, colour in picture.convert("RGB").getcolors(2**24) or ()}
    wanted = {(0, 114, 178), (213, 94, 0)}  # one colour for each level, if the figure has colours
    assert len(colours & wanted) == (2 if name.endswith("2") else 1)


def test_a_report_needs_neither_r_nor_pytorch_and_says_what_r_would_add(folder, tmp_path):
    """In a process that finds no program at all, and that fails where PyTorch is imported."""
    (tmp_path / "torch.py").write_text("raise RuntimeError('PyTorch is not for reports')\n")
    study = Study(folder / "blume2024-experiment1")
    (study.report / ".made-from.json").unlink()
    paths = os.pathsep.join([str(tmp_path), str(ROOT)])
    ran = subprocess.run(
        [sys.executable, "-m", "mien", "report", str(study.folder)],
        capture_output=True, text=True, check=False,
        env={"PATH": "", "PYTHONPATH": paths, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "With R, lme4 and lmerTest installed" in (study.report / "report.html").read_text()
