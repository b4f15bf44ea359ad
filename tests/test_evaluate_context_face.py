"""`mien evaluate context-face` from arrays to a page, with small untrained networks."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")
pytest.importorskip("matplotlib", reason="Matplotlib is not installed: figures are not tested")

from safetensors.torch import save_file  # noqa: E402

from models.context_face.ablations import Ablation, FittingSettings  # noqa: E402
from models.context_face.clips import FRAMES as FRAMES_SEEN  # noqa: E402
from models.context_face.network import ContextFace  # noqa: E402
from models.context_face.settings import (  # noqa: E402
    ContextFaceSettings,
    MelSettings,
    VaeSettings,
)
from models.context_face.stored import save_model  # noqa: E402
from models.vgg import Vgg16  # noqa: E402
from protocols.clips import RECORD, CorpusRecord  # noqa: E402
from protocols.errors import UserError  # noqa: E402
from protocols.manifest import write_json  # noqa: E402
from protocols.prepared import (  # noqa: E402
    INDEX_COLUMNS,
    ROW,
    UNUSABLE_COLUMNS,
    PreparedRecord,
    write_prepared,
)
from stimuli.context_faces.evaluation import (  # noqa: E402
    baseline,
    classification,
    evaluate,
    published,
)
from stimuli.context_faces.evaluation.classification_part import neighbours  # noqa: E402
from stimuli.context_faces.evaluation.evaluate import Asked  # noqa: E402

ROOT = Path(__file__).parents[1]
SMALL = ContextFaceSettings(
    face=VaeSettings(size=32, widths=(8, 12, 16), latent=12),
    context=VaeSettings(channels=1, size=32, widths=(4, 8, 8), latent=12),
    mel=MelSettings(bins=32, frames=32),
)
PEOPLE, EMOTIONS, TAKES, FRAMES, SAMPLES = 5, ("neutral", "happy", "sad", "angry"), 2, 6, 22_050
QUICK = FittingSettings(rate=0.02, steps=40, look_every=20)


def corpus(folder: Path, adapter: str = "folder") -> Path:
    """A prepared corpus whose faces tell their emotion by where they are bright, voices by pitch.

    The last clip is silent, and of another view if there are views.
    """
    rng = np.random.default_rng(1)
    faces, sound, rows = [], [], []
    for person in range(PEOPLE):
        for number, emotion in enumerate(EMOTIONS):
            for take in range(TAKES):
                face = rng.uniform(0, 90, (FRAMES, 32, 32, 3)) + 8 * person
                face[:, 8 * number : 8 * number + 8] += 120
                time = np.arange(SAMPLES) / 22_050
                wave = np.sin(2 * np.pi * (200 + 30 * person) * 2**number * time)
                rows.append({"clip": f"{person}-{emotion}-{take}", "actor": f"p{person}",
                             "gender": ("female", "male")[person % 2], "emotion": emotion,
                             "first_row": len(faces) * FRAMES, "rows": FRAMES,
                             "first_sample": len(sound) * SAMPLES, "samples": SAMPLES,
                             "may_be_shown": True})  # fmt: skip
                faces.append(face)
                sound.append(9_000 * (wave + 0.1 * rng.standard_normal(SAMPLES)))
    sound[-1] = 0 * sound[-1]
    faces = np.concatenate(faces).astype(np.uint8)
    index = pd.DataFrame(rows).reindex(columns=[c.name for c in INDEX_COLUMNS])
    arrays = folder / "arrays"
    arrays.mkdir(parents=True)
    row = np.zeros(len(faces), ROW)
    row["clip"] = np.arange(len(faces)) // FRAMES
    for name, array in {
        "faces": faces, "landmarks": np.full((len(faces), 68, 2), np.nan, "<f4"), "rows": row,
        "sound": np.concatenate(sound).astype("<i2"),
    }.items():  # fmt: skip
        np.save(arrays / f"{name}.npy", array)
    record = PreparedRecord(
        "toy", "1", "abc", "", "none", {}, [[0, 0], [0, 0]], 32, 25.0, 22_050, len(faces),
        SAMPLES * len(rows), len(rows), 0, {},
    )  # fmt: skip
    write_prepared(arrays, index, pd.DataFrame(columns=[c.name for c in UNUSABLE_COLUMNS]), record)
    about = CorpusRecord("toy", adapter, "1", ".", "CC0-1.0", may_be_shown=True, terms="", cite="",
                         clips=len(rows), actors=PEOPLE, problems=0, seed=0, clips_sha256="",
                         settings={})  # fmt: skip
    write_json(folder / RECORD, about.__dict__)
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluation")
    corpus(folder / "toy")
    network = ContextFace(SMALL, seed=4)
    for vae in (network.face, network.context):  # untrained, means differ in the third digit
        vae.encoder.mu.weight.data.mul_(1_000)
    save_model(folder / "small.safetensors", network, licence="CC0-1.0")
    return folder


def asked(place: Path) -> Asked:
    return Asked(place / "small.safetensors", folds=3, pictures=False)


def silent(name):
    return lambda done, total: None


@pytest.fixture(scope="module")
def done(place):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(evaluate.SCHEDULES, "quick", QUICK)
        return evaluate.evaluate(str(place / "toy"), place / "out", asked(place), silent)


def test_the_page_holds_the_paper_s_numbers_beside_ours_and_says_what_cannot_be_compared(
    done, place
):
    out = place / "out"
    text = (out / "evaluation.md").read_text(encoding="utf-8")
    table = pd.read_csv(out / "table_3.csv")
    assert table["paper, RAVDESS"].tolist() == [64.40, 68.06, 68.99, 48.66, 50.05, 79.64, 81.01]
    assert np.isnan(table["mien, on toy"][0])
    assert published.MEAD[-1].accuracy in pd.read_csv(out / "table_2.csv")["accuracy"].tolist()
    for words in ("VGG16", "was not run here", "They cannot be compared", "chance 25.0 %",
                  "sound that is silent or too short: 1"):  # fmt: skip
        assert words in text
    for name in ("figure_4", "figure_5"):
        assert f"]({name}.png)" in text
        assert (out / f"{name}.png").stat().st_size > 5_000
    page = (out / "evaluation.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 2
    assert done.page == out / "evaluation.html"
    assert any("toy: CAN with face and voice names" in line for line in done.headline)


def test_tables_are_those_of_the_predictions(done, place):
    out = place / "out"
    said = pd.read_csv(out / "predictions.csv")
    assert len(said) == PEOPLE * len(EMOTIONS) * TAKES - 1  # one is silent
    found = pd.read_csv(out / "classification.csv").set_index("ablation")
    assert "vgg16" not in said
    for ablation in set(Ablation) - {Ablation.VGG16}:
        right = said[ablation] == said["emotion"]
        assert found.loc[ablation, "accuracy"] == pytest.approx(100 * right.mean())
        by_fold = right.groupby(said["fold"]).mean()
        assert found.loc[ablation, "mean of folds"] == pytest.approx(100 * by_fold.mean())
    counts = pd.read_csv(out / "confusion_context.csv").set_index("true")
    own = said[said["emotion"] == "happy"]["can-swap"].value_counts()
    assert counts.loc["happy", own.index].to_dict() == own.to_dict()
    assert counts.to_numpy().sum() == len(said)
    assert found.loc["can-swap", "accuracy"] > 60  # chance 25: bright places, and pitch, tell all


def test_nobody_is_tested_by_who_learned_from_them(done, place):
    for path in (place / "out" / "folds").glob("fold-*.json"):
        fold = json.loads(path.read_text(encoding="utf-8"))
        train, validation, test = (set(fold["people"][p]) for p in ("train", "validation", "test"))
        assert len(train | validation | test) == len(train) + len(validation) + len(test)
        assert {clip.split("-")[0] for clip in fold["clips"]["clip"]} == {p[1:] for p in test}


def test_folds_that_are_done_stay_and_what_is_missing_comes_out_the_same(done, place, monkeypatch):
    monkeypatch.setitem(evaluate.SCHEDULES, "quick", QUICK)
    out, calls = place / "out", []
    before = {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (out / "folds" / "fold-02.json").unlink()
    real = classification.evaluate_fold
    monkeypatch.setattr(
        classification, "evaluate_fold", lambda *args: calls.append(args[1].test) or real(*args)
    )
    evaluate.evaluate(str(place / "toy"), out, asked(place), silent)
    assert len(calls) == 1
    after = {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert after == before
    calls.clear()
    other = replace(asked(place), seed=2)
    evaluate.evaluate(str(place / "toy"), out, other, silent)
    assert len(calls) == 3  # another question: nothing of the old answer is taken


def test_neighbours_are_of_another_person():
    x = np.array([[0.0], [0.1], [1.0], [5.0], [5.2], [1.2]])
    person, emotion = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 0, 1])
    # the nearest of the other person: 1.2 for the first three, 1.0 for the last three
    assert neighbours(x, emotion, person) == pytest.approx(3 / 6)
    assert np.isnan(neighbours(x, emotion, np.zeros(6)))


def test_the_baseline_runs_beside_when_its_weights_are_given(place, tmp_path, monkeypatch):
    monkeypatch.setitem(evaluate.SCHEDULES, "quick", QUICK)
    for name, value in {"BLOCKS": ((8,), (8, 8)), "HIDDEN": 24, "SIDE": 16}.items():
        monkeypatch.setattr(Vgg16, name, value)
    drawn = torch.Generator().manual_seed(3)
    shapes = {"features.0": (8, 3, 3, 3), "features.3": (8, 8, 3, 3), "features.5": (8, 8, 3, 3),
              "classifier.0": (24, 128), "classifier.3": (24, 24)}  # fmt: skip
    weights = {f"{name}.weight": torch.randn(shape, generator=drawn) * (2 / shape[1]) ** 0.5
               for name, shape in shapes.items()}  # fmt: skip
    biases = {f"{name}.bias": torch.zeros(shape[0]) for name, shape in shapes.items()}
    save_file(weights | biases, tmp_path / "vgg16.safetensors")
    given = replace(asked(place), vgg16=tmp_path / "vgg16.safetensors")
    out, looks = tmp_path / "out", []
    real = baseline.look_with_vgg16

    def look(network, pictures):
        looks.append(len(pictures))
        return real(network, pictures)

    monkeypatch.setattr(baseline, "look_with_vgg16", look)
    evaluate.evaluate(str(place / "toy"), out, given, silent)
    said = pd.read_csv(out / "predictions.csv")
    assert looks == [FRAMES_SEEN] * len(said)
    table = pd.read_csv(out / "table_3.csv")
    right = 100 * (said["vgg16"] == said["emotion"]).mean()
    assert table.loc[0, ["model", "mien, on toy"]].tolist() == ["VGG16", pytest.approx(right)]
    assert right > 60  # chance 25: where faces are bright tells all
    text = (out / "evaluation.md").read_text(encoding="utf-8")
    assert "was not run here" not in text
    assert "| Single layer, Video | VGG16, Video |" in text
    without = tmp_path / "without"
    evaluate.evaluate(str(place / "toy"), without, replace(given, vgg16=None), silent)
    others = pd.read_csv(without / "predictions.csv")
    pd.testing.assert_frame_equal(said.drop(columns="vgg16"), others)  # nothing else is changed
    (kept,) = out.glob("vgg16-*.npy")
    seen = np.load(kept)
    whole = seen.copy()
    seen[3, 1, 7:] = np.nan  # as of a run that was interrupted while it wrote
    np.save(kept, seen)
    looks.clear()
    evaluate.evaluate(str(place / "toy"), out, given, silent)
    assert len(looks) == 1
    np.testing.assert_array_equal(np.load(kept), whole)


def test_neutral_is_left_out_where_the_paper_does(place, tmp_path, monkeypatch):
    monkeypatch.setitem(evaluate.SCHEDULES, "quick", replace(QUICK, steps=2))
    outcome = evaluate.evaluate(
        str(corpus(tmp_path / "toy", "ravdess")), tmp_path / "out", asked(place), silent
    )
    text = (tmp_path / "out" / "evaluation.md").read_text(encoding="utf-8")
    assert f"neutral, as in the paper: {PEOPLE * TAKES}" in text
    assert text.count("They cannot be compared") == 1  # table 2 alone is of another corpus
    assert "cannot be compared" not in " ".join(outcome.headline)


def test_what_cannot_be_evaluated_is_said_in_one_line(place, tmp_path):
    with pytest.raises(UserError, match="schedule: found 'slow'; accepted: quick, paper"):
        evaluate.evaluate(str(place / "toy"), tmp_path, Asked(schedule="slow"), silent)
    with pytest.raises(UserError, match="no prepared corpus of this path or name"):
        evaluate.evaluate(str(tmp_path), tmp_path, asked(place), silent)
    no_baseline = replace(asked(place), vgg16=place / "small.safetensors")
    with pytest.raises(UserError, match=r"not the weights of VGG-16 \(30 of 30 tensors are not"):
        evaluate.evaluate(str(place / "toy"), tmp_path, no_baseline, silent)
    gone = Asked(tmp_path / "nothing-here.safetensors")
    with pytest.raises(UserError, match="nothing-here"):
        evaluate.evaluate(str(place / "toy"), tmp_path, gone, silent)
    large = replace(SMALL.face, size=64)
    save_model(tmp_path / "large.safetensors", ContextFace(replace(SMALL, face=large)))
    wrong = Asked(tmp_path / "large.safetensors", pictures=False)
    with pytest.raises(UserError, match=r"faces of 32 pixels; these weights see 64; run mien corp"):
        evaluate.evaluate(str(place / "toy"), tmp_path / "out", wrong, silent)


def test_without_pytorch_one_line_says_what_to_install(place):
    block = "import sys; sys.modules['torch'] = None; import mien; mien.main()"
    run = subprocess.run(
        [sys.executable, "-c", block, "evaluate", "context-face", "toy", "-o", "out"],
        cwd=place, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert run.returncode == 1
    (line,) = run.stderr.strip().splitlines()
    assert "torch is not installed; this verb needs the part 'models' of mien" in line
