"""`mien evaluate reaction`: what is missing, certainty, timing, baselines, and the page."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")
pytest.importorskip("matplotlib", reason="Matplotlib is not installed: figures are not tested")

from models.reaction.attributes import AFFECT  # noqa: E402
from models.reaction.data import save_data  # noqa: E402
from models.reaction.emc import EmcSettings  # noqa: E402
from models.reaction.metrics import corrected, react2024  # noqa: E402
from models.reaction.settings import TransVaeSettings  # noqa: E402
from models.reaction.stored import make_model, save_model  # noqa: E402
from models.reaction.transformer import begin_all  # noqa: E402
from models.valence_arousal.judge import Judges, JudgeSettings, save_judges  # noqa: E402
from protocols.errors import UserError  # noqa: E402
from stimuli.reactions.evaluation import (  # noqa: E402
    behaviour_part,
    comparison_part,
    curves_part,
    evaluate,
    measuring,
    missing,
    nothing_part,
    published,
    table_part,
    timing,
    trained,
)
from stimuli.reactions.evaluation.baselines import COURSE, MIME, OTHER, TRUTH, baselines  # noqa: E402
from stimuli.reactions.evaluation.certainty import (  # noqa: E402
    Estimate,
    Scored,
    averaged,
    difference_of,
    mean_of,
    minus,
    scored,
)
from stimuli.reactions.evaluation.evaluate import Asked  # noqa: E402
from stimuli.reactions.evaluation.held_out import read_dyads  # noqa: E402
from stimuli.reactions.evaluation.numbers import METRICS, Numbers, numbers_of  # noqa: E402
from stimuli.reactions.evaluation.trained import Way  # noqa: E402
from tests import reaction_direct as direct  # noqa: E402

BASE = TransVaeSettings(width=16, heads=2, inner=16)
FRAMES, TRUTHS, SAMPLES = 150, 3, 4
PARTS = np.array([0, 1, 2, 2, 2, 2, 2, 2])
SPEAKERS = np.array([0, 1, 2, 2, 3, 3, 4, 4])


def smooth(rng, *shape):
    """Faces (…, T, 25) that change slowly, within their ranges."""
    steps = rng.normal(size=(*shape, FRAMES + 24, 25)).cumsum(-2)
    curves = np.lib.stride_tricks.sliding_window_view(steps, 25, axis=-2).mean(-1)
    face = 1 / (1 + np.exp(-0.3 * curves))
    face[..., 15:17] = 2 * face[..., 15:17] - 1
    face[..., 17:] /= face[..., 17:].sum(-1, keepdims=True)
    return face.astype(np.float32)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A data file, and small models that have learned nothing."""
    folder, rng = tmp_path_factory.mktemp("reactions"), np.random.default_rng(1)
    face, clips = smooth(rng, len(PARTS)), len(PARTS)
    reactions = (face[:, None] + smooth(rng, clips, TRUTHS)) / 2
    save_data(
        folder / "data.safetensors", face=face, heard=face[..., AFFECT], part=PARTS,
        voice=rng.normal(size=(clips, FRAMES, 78)).astype(np.float32), speaker=SPEAKERS,
        reactions=reactions.reshape(-1, FRAMES, 25), of=np.repeat(np.arange(clips), TRUTHS),
        listener=10 + np.repeat(PARTS, TRUTHS),
    )  # fmt: skip
    for framework in ("emc", "none", "no-attention"):
        for seed in (1, 2):
            model = make_model(framework, BASE, EmcSettings(attention=framework == "emc"))
            begin_all(model, torch.Generator().manual_seed(seed))
            save_model(folder / f"{framework}-{seed}.safetensors", model, BASE, seed=str(seed))
    return folder


def silent(name):
    return lambda done, total: None


def test_what_is_missing_is_not_told_to_the_model(monkeypatch):
    told = {}

    def react(model, face, voice, count, seeds, face_there, voice_there, **rest):
        told.update(face=face, voice=voice, here=face_there, heard=voice_there, **rest)
        return SimpleNamespace(count=count)

    monkeypatch.setattr(missing, "react", react)
    model, face, voice = torch.nn.Linear(1, 1), torch.zeros(2, 151, 25), torch.zeros(2, 151, 78)
    for name, seen, heard in (("nothing", 1, 1), ("face", 0, 1), ("voice", 1, 0), ("gap", 1, 1),
                              ("everything", 0, 0)):  # fmt: skip
        missing.react_without(model, name, face, voice, [[1, 2], [3, 4]])  # type: ignore[arg-type]
        assert (told["face"] is face, told["voice"] is voice) == (bool(seen), bool(heard))
        assert told["frames"] == 151
        for there, given in ((told["here"], seen), (told["heard"], heard)):
            assert (there is None) != bool(given)
            if given:
                gone = np.flatnonzero(~there[1].numpy())
                assert gone.tolist() == ([*range(50, 100)] if name == "gap" else [])


def test_an_interval_is_the_students_over_speakers_or_over_trainings():
    rng = np.random.default_rng(2)
    values, speaker = rng.normal(size=24), np.arange(24) // 2  # two clips of each
    one = averaged(values, speaker)
    means = values.reshape(12, 2).mean(1)
    low, high = stats.t.interval(0.95, 11, means.mean(), stats.sem(means))
    assert mean_of([one])[0] == pytest.approx((means.mean(), low, high))
    seeds = [Scored(np.array([x]), np.full((12, 1), x)) for x in (0.1, 0.4, 0.2)]  # speakers alike
    low, high = stats.t.interval(0.95, 2, 7 / 30, stats.sem([0.1, 0.4, 0.2]))
    assert mean_of(seeds)[0] == pytest.approx((7 / 30, low, high))
    better = Scored(one.whole + 0.5, one.without + 0.5)  # by as much for every speaker
    assert difference_of([better], [one])[0] == pytest.approx((0.5, 0.5, 0.5))
    pairs = [minus(Scored(a.whole + 0.1 * k, a.without + 0.1 * k), a) for k, a in enumerate(seeds)]
    low, high = stats.t.interval(0.95, 2, 0.1, stats.sem([0.0, 0.1, 0.2]))
    assert mean_of(pairs)[0] == pytest.approx((0.1, low, high))
    alone = averaged(values, np.zeros(24))
    assert np.isnan(mean_of([alone])[0].low)


def test_intervals_hold_the_truth_as_often_as_they_say():
    """600 evaluations of 3 and 3 trainings with 12 speakers; truth: a difference of 0.3."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(600):
        people = rng.normal(0, 1, 12)  # the same on both sides
        sides = [[
            averaged(people + rng.normal(0, 0.3, 12) + rng.normal(0, 0.2) + shift, np.arange(12))
            for _ in range(3)
        ] for shift in (0.3, 0.0)]  # fmt: skip
        (found,) = difference_of(*sides)
        held += found.low < 0.3 < found.high
    assert 0.93 < held / 600 <= 1


def test_a_speaker_left_out_is_an_evaluation_without_them(place):
    dyads = read_dyads(place / "data.safetensors", None)
    record = measuring.record_of(np.stack(dyads.truths), dyads)
    for version in (react2024, corrected):
        found = scored(record.tables, dyads.speaker, version.scores)
        assert found.without.shape == (3, 6)
        rest = record.tables.of(np.array([0, 1, 4, 5]))
        np.testing.assert_allclose(found.without[1], version.scores(rest))


def test_listeners_who_follow_after_a_while_are_found_to():
    rng = np.random.default_rng(4)
    face = smooth(rng)
    late = np.roll(face, 20, axis=0)[None]
    curve = timing.following(late, face, face[:, AFFECT])
    assert timing.peak_s(curve[None]) == pytest.approx(0.8)
    assert curve.max() > 0.95
    still = np.repeat(late[:, :1], FRAMES, 1)
    assert not timing.following(still, face, face[:, AFFECT]).any()
    assert timing.jitter(still) == 0
    steps = still + 0.01 * (np.arange(FRAMES) % 2)[:, None]
    assert timing.jitter(steps) == pytest.approx(0.01)


def test_baselines_are_not_compared_with_themselves(place):
    dyads = read_dyads(place / "data.safetensors", None)
    found = {one.name: one for one in baselines(dyads, SAMPLES)}
    truth, allowed = found[TRUTH].reactions, found[TRUTH].allowed
    for made, of, may in zip(truth, dyads.truths, allowed, strict=True):
        same = (made[:, None] == of).all((2, 3))
        assert (may == ~same).all()
    for made, who in zip(found[OTHER].reactions, dyads.speaker, strict=True):
        from_whom = {
            int(other) for sample in made for other, of in zip(dyads.speaker, dyads.truths,
            strict=True) if (sample == of).all((1, 2)).any()
        }  # fmt: skip
        assert len(from_whom) == 1
        assert from_whom != {int(who)}
    assert (found[MIME].reactions == dyads.face[:, None]).all()
    assert all(one.reactions.shape == (6, SAMPLES, FRAMES, 25) for one in found.values())


@pytest.mark.parametrize(
    ("metric", "difference", "word"),
    [
        ("frcorr", Estimate(0.2, 0.1, 0.3), comparison_part.HELPS),
        ("frcorr", Estimate(-0.2, -0.3, -0.1), comparison_part.HURTS),
        ("frdist", Estimate(-2, -3, -1), comparison_part.HELPS),
        ("frsyn", Estimate(2, 1, 3), comparison_part.HURTS),
        ("frdiv", Estimate(0.2, -0.1, 0.5), comparison_part.NEITHER),
        ("frdiv", Estimate(0.2, float("nan"), float("nan")), comparison_part.NEITHER),
    ],
)
def test_help_and_harm_go_by_the_arrow_and_only_where_certain(metric, difference, word):
    assert comparison_part.effect(metric, difference) == word


def test_a_sentence_names_every_metric_once():
    ways = [Way("regnn", framework, "face") for framework in ("emc", "none")]
    higher = np.array([0.3, 50.0, 0.2, 0.1, 0.2, 20.0])
    without = np.random.default_rng(1).normal(0, 1e-4, (8, 6))
    numbers = Numbers("corrected", {
        ways[0]: {"1": Scored(higher, higher + without)},
        ways[1]: {"2": Scored(0 * higher, 0 * without)},
    }, {})  # fmt: skip
    said = comparison_part.sentence(numbers, *ways)
    assert said.startswith("REGNN, without face: EMC helps FRCorr (+0.300±0.00")
    assert "; hurts FRDist (+50.0000±0.0" in said
    assert all(said.count(name) == 1 for name in ("FRCorr", "FRDist", "FRDiv", "FRVar", "FRSyn"))


def test_a_model_that_is_no_nearer_than_a_mean_course_has_it_said():
    def row(frdist):
        numbers = np.array([0.2, frdist, 0.1, 0.1, 0.1, 20.0])
        return Scored(numbers, np.tile(numbers, (5, 1)))

    for frdist, said in ((0.3, ": no nearer to truths than mean course"), (0.19, "")):
        way = Way("facevis", "emc", "nothing")
        numbers = Numbers("corrected", {way: {"1": row(frdist)}},
                          {TRUTH: row(0.1), OTHER: row(0.4), COURSE: row(0.2)})  # fmt: skip
        (line,) = table_part.headline(numbers)
        assert line.endswith(f"{OTHER} 0.4000, {COURSE} 0.2000){said}")


def test_who_is_given_nothing_is_plausible_if_calm_near_and_alive(place):
    dyads = read_dyads(place / "data.safetensors", None)
    naive = {
        one.name: measuring.record_of(one.reactions, dyads, allowed=one.allowed)
        for one in baselines(dyads, SAMPLES)
    }
    alike = np.stack([of[np.arange(SAMPLES) % TRUTHS] for of in dyads.truths])
    still = np.repeat(alike.mean(2, keepdims=True), FRAMES, 2)
    tremble = alike + 0.1 * (np.arange(FRAMES) % 2)[:, None]
    made = {"regnn": (alike, "plausible"), "facevis": (tremble, "trembles"),
            "trans-vae": (still, "hardly moves")}  # fmt: skip
    nobody = np.zeros(len(dyads), bool)
    tried = {
        Way(base, "emc", "everything"): {"1": measuring.record_of(faces, dyads, nobody)}
        for base, (faces, _) in made.items()
    }
    numbers = numbers_of(tried, naive, dyads.speaker)["corrected"]
    part = nothing_part.nothing_part(tried, numbers, naive, dyads.speaker)
    for line, (base, (_, said)) in zip(part.headline, made.items(), strict=True):
        assert line == (f"{trained.BASES[base]}, EMC, nothing there: {said}; says that it had no "
                        "input for 6 of 6 clips")  # fmt: skip
    far = {Way("regnn", "emc", "everything"): {"1": measuring.record_of(1 - alike, dyads, nobody)}}
    numbers = numbers_of(far, naive, dyads.speaker)["corrected"]
    (line,) = nothing_part.nothing_part(far, numbers, naive, dyads.speaker).headline
    assert "farther from true listeners than listeners to another speaker" in line


def test_the_page_tells_what_the_records_hold_and_an_evaluation_goes_on(place, monkeypatch):
    monkeypatch.setattr(curves_part, "DPI", 40)
    data, out = place / "data.safetensors", place / "out"
    weights = [place / f"{name}.safetensors" for name in ("none-1", "emc-1", "none-2",
                                                         "no-attention-1")]  # fmt: skip
    outcome = evaluate.evaluate(out, Asked(weights, data, SAMPLES), silent)
    scores = pd.read_csv(out / "scores.csv", keep_default_na=False)
    dyads = read_dyads(data, None)
    mime = np.repeat(dyads.face[:, None], SAMPLES, 1)
    truths = list(dyads.truths)
    of = scores[(scores["version"] == "react2024") & (scores["model"] == MIME)].set_index("metric")
    expected = (direct.frcorr(mime, truths), direct.frdist(mime, truths), 0.0, direct.frvar(mime),
                direct.frdvs(mime), direct.frsyn(mime, dyads.face))  # fmt: skip
    np.testing.assert_allclose(of.loc[list(METRICS), "mean"].astype(float), expected, rtol=1e-5,
                               atol=1e-9)  # fmt: skip

    model = trained.load_model(place / "none-1.safetensors")[0]
    generated, had = measuring.reactions(model, "face", dyads, SAMPLES)
    other = measuring.reactions(
        trained.load_model(place / "none-2.safetensors")[0], "face", dyads, SAMPLES
    )[0]
    both = [direct.frdist(made.astype(float), truths) for made in (generated, other)]
    row = scores[(scores["framework"] == "original") & (scores["missing"] == "without face")
                 & (scores["version"] == "react2024") & (scores["metric"] == "frdist")]  # fmt: skip
    assert float(row["mean"].item()) == pytest.approx(np.mean(both), rel=1e-5)
    assert row["seeds"].item() == 2
    assert had.all()

    table = pd.read_csv(out / "table_1_react2024.csv")
    assert table["numbers of"].eq("the paper").sum() == len(published.TABLE_1) == 5
    paper = table[(table["method"] == "EMC") & (table["numbers of"] == "the paper")]
    assert float(paper["FRDist ↓"].item()) == 31.30
    differences = pd.read_csv(out / "differences_corrected.csv")
    assert len(differences) == len(missing.MISSING) * 6
    np.testing.assert_allclose(
        differences["EMC"] - differences["original"], differences["difference"], atol=1e-9
    )
    text = (out / "evaluation.md").read_text(encoding="utf-8")
    assert "With anything there, the answer says that there was no input for 0 of 78 clips" in text
    nothing = pd.read_csv(out / "nothing_there.csv")
    said = dict(zip(nothing["method"], nothing["says so"], strict=True))
    assert said == {"EMC": "6 of 6", "original": "12 of 12"}
    assert "compare directions, never values" in text
    for line in outcome.headline:
        assert line in text
    assert sum("Trans-VAE, without voice: EMC " in line for line in outcome.headline) == 1
    assert (out / "curves_trans-vae.png").stat().st_size > 5_000
    said = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))
    assert len(said["tables"]["differences_react2024"]) == len(differences)
    assert len(scores) == 2 * 6 * (11 + 5)

    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    sorted(out.glob("records/*/*-voice.npz"))[1].unlink()
    calls, real = [], measuring.measure
    monkeypatch.setattr(measuring, "measure", lambda *a: calls.append(a) or real(*a))
    evaluate.evaluate(out, Asked(weights[::-1], data, SAMPLES), silent)
    assert len(calls) == 1
    after = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert after == before  # whatever the order in which weights are named


def test_one_model_alone_has_a_page_without_a_comparison(place, monkeypatch):
    monkeypatch.setattr(curves_part, "DPI", 40)
    asked = Asked([place / "emc-1.safetensors"], place / "data.safetensors", 3, clips=1)
    outcome = evaluate.evaluate(place / "one", asked, silent)
    text = (place / "one" / "evaluation.md").read_text(encoding="utf-8")
    assert text.startswith("# Listener reactions: Trans-VAE, EMC on held-out people")
    assert "Give weights of a base alone" in text
    assert "3 reactions to each of 3 clips of 3 speakers" in text
    said, latency, nothing = outcome.headline
    assert said.startswith("Trans-VAE with EMC: FRCorr ")
    assert "true listeners" in said
    assert latency.startswith("Trans-VAE with EMC: valence ")
    assert nothing.startswith("Trans-VAE, EMC, nothing there: ")
    assert nothing.endswith("says that it had no input for 3 of 3 clips")


def test_what_cannot_be_evaluated_is_said_in_one_line(place):
    data, emc = place / "data.safetensors", place / "emc-1.safetensors"
    save_judges(
        place / "judges.safetensors", Judges(JudgeSettings(size=32, widths=(2, 4, 4, 4), hidden=8))
    )
    twin = place / "twin.safetensors"
    twin.write_bytes((place / "emc-2.safetensors").read_bytes())
    for asked, why in (
        (Asked([place / "nothing-here"], data), "nothing-here: no such file; give weights of a"),
        (Asked([place / "judges.safetensors"], data), "weights of valence-arousal-judges; give"),
        (Asked([place / "emc-2.safetensors", twin], data), "twin.safetensors: is Trans-VAE, EMC, "
         "seed 2, as .*emc-2.safetensors; give one of the two"),
        (Asked([emc], place / "no-data"), "no-data: cannot be read as training data"),
        (Asked([emc], emc), "does not hold training data of speakers and listeners"),
        (Asked([emc], data, 2), "--samples: found 2; give 3 or more"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=why) as error:
            evaluate.evaluate(place, asked, silent)
        assert "\n" not in str(error.value)


def test_every_number_of_the_paper_is_in_the_table():
    assert {(f, m) for f, m in published.TABLE_1} <= set(table_part.ROWS)
    assert all(set(of) == set(trained.BASES) for of in published.TABLE_1.values())
    corr = published.TABLE_1["emc", "nothing"]["trans-vae"].frcorr
    alone = published.TABLE_1["none", "nothing"]["trans-vae"].frcorr
    assert corr / alone - 1 == pytest.approx(1.333, abs=0.001)  # "FRCorr increased by 133.3%"
    assert behaviour_part.AROUND_S[0] < 1 < behaviour_part.AROUND_S[1]
