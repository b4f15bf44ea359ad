"""`mien train valence-arousal`: data files, corpora, every stage, resumed, refused and told."""

from __future__ import annotations

import json
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: training is not tested")
pytest.importorskip("lightning", reason="Lightning is not installed: training is not tested")

import mien  # noqa: E402
from models import coding  # noqa: E402
from models.layers import sized  # noqa: E402
from models.training import RunSettings, TrainingError, train  # noqa: E402
from models.valence_arousal import learn as learning  # noqa: E402
from models.valence_arousal import stages  # noqa: E402
from models.valence_arousal.agreement import ccc  # noqa: E402
from models.valence_arousal.data import (  # noqa: E402
    NOBODY,
    PARTS,
    Labels,
    load_data,
    save_data,
)
from models.valence_arousal.identity import Identifying, IdentitySettings  # noqa: E402
from models.valence_arousal.judge import (  # noqa: E402
    JudgeSettings,
    Judging,
    JudgingSettings,
    load_judges,
)
from models.valence_arousal.learn import Recipe, learn  # noqa: E402
from models.valence_arousal.losses import Shares  # noqa: E402
from models.valence_arousal.settings import CriticSettings, EditorSettings  # noqa: E402
from models.valence_arousal.stages import Editing, EditingSettings  # noqa: E402
from models.valence_arousal.stored import load_model  # noqa: E402
from protocols.errors import UserError  # noqa: E402
from stimuli.actors import plane  # noqa: E402
from stimuli.actors.cast import actor  # noqa: E402
from stimuli.actors.portrait import Studio  # noqa: E402
from stimuli.context_faces.faces import DRAWN, cropped  # noqa: E402
from stimuli.corpora.arrays.settings import ArraySettings  # noqa: E402
from stimuli.corpora.material import strengths  # noqa: E402
from stimuli.valence_arousal.corpus_data import CorpusChoice, data_of_corpus  # noqa: E402
from stimuli.valence_arousal.training import Asked, train_valence_arousal  # noqa: E402
from tests.tones_corpus import clips, made  # noqa: E402

SIZE, PEOPLE, STRONG = 32, 12, 100
ABOVE, BELOW = slice(0, 8), slice(24, 32)
PAPER = EditorSettings(
    size=SIZE, widths=(4, 6, 8), latent=5, enlarged=3, start=8, doubled=(8, 6, 4), drawn=(3,)
)
MIEN = replace(PAPER, doubled=(8, 6), drawn=(), skips=True, warped=True)
EDITING = EditingSettings(steps=5, faces=6, looked_at=3)
TINY = Recipe(
    PAPER, CriticSettings((4, 4, 4), enlarged=2, hidden=8, latent=(8, 6, 4)),
    IdentitySettings(widths=(8, 8), steps=3, batch=4), EDITING,
    JudgeSettings(size=16, widths=(6, 8), hidden=16),
    JudgingSettings(steps=3, batch=4, momentum=0.9),
)  # fmt: skip
RUN = RunSettings(precision="32-true", accelerator="cpu", threads=1, log_every=1)


def faces() -> tuple[np.ndarray, Labels]:
    """Below each face is redder the more valence it has, above greener with arousal."""
    rng = np.random.default_rng(3)
    grid = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), -1).reshape(-1, 2)
    place = np.concatenate([np.clip(grid + rng.uniform(-0.3, 0.3, (9, 2)), -1, 1)
                            for _ in range(PEOPLE)])  # fmt: skip
    person = np.repeat(np.arange(PEOPLE), 9)
    pictures = np.repeat(rng.integers(70, 180, (PEOPLE, 1, 1, 3)), 9, 0) * np.ones((1, 32, 32, 1))
    pictures[:, BELOW] = pictures[:, ABOVE] = 128
    pictures[:, BELOW, :, 0] += STRONG * place[:, :1, None]
    pictures[:, ABOVE, :, 1] += STRONG * place[:, 1:, None]
    parts = np.array([0, 0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 3])
    labels = Labels(person, place[:, 0], place[:, 1], parts[person])
    return pictures.round().astype(np.uint8), labels


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    pictures, labels = faces()
    file = tmp_path_factory.mktemp("data") / "faces.safetensors"
    save_data(file, coding.encode(pictures), labels, licence="CC0-1.0")
    return file


@pytest.fixture(scope="module")
def data(path):
    return load_data(path)


def no_features(pictures):
    return [pictures.mean((2, 3))]


def test_a_file_gives_back_faces_and_labels(data, tmp_path):
    pictures, labels = faces()
    assert np.abs(data.faces.astype(int) - pictures).mean() < 3
    for name in ("person", "valence", "arousal", "part"):
        np.testing.assert_array_equal(getattr(data.labels, name), getattr(labels, name))
    assert set(data.labels.person[data.labels.where("judge")]) == {7, 8, 9, 10}
    with pytest.raises(ValueError, match="cannot be read as training data"):
        load_data(Path(__file__))
    for wrong in (1.5, np.nan):
        with pytest.raises(ValueError, match=r"arousal: found .* in 1 rows; accepted: -1 to 1"):
            Labels(np.array([0]), np.array([0.0]), np.array([wrong]), np.array([0]))


def test_a_batch_pairs_pictures_of_one_person_or_each_with_itself(data):
    of_person = {tuple(data.faces[row, 16, 5]): int(data.labels.person[row])
                 for row in range(len(data.faces))}  # fmt: skip

    def people(pictures):
        colours = (127.5 * (pictures[..., 16, 5] + 1)).round().flatten(0, -2).int().tolist()
        return [of_person[tuple(colour)] for colour in colours]

    alone = Editing(data, PAPER, EDITING, no_features).batch(4, slice(None))
    assert torch.equal(alone.given, alone.true[:, 0])
    paired = replace(EDITING, faces=12, labels=3, paired=True)
    task = Editing(data, MIEN, paired, no_features)
    batch = task.batch(4, slice(None))
    assert batch.true.shape == (12, 3, 3, SIZE, SIZE)
    assert people(batch.true) == [one for one in people(batch.given) for _ in range(3)]
    red = 127.5 * batch.true[:, :, 0, 28, 5]
    torch.testing.assert_close(red, STRONG * batch.labels[..., 0], atol=12, rtol=0)
    assert batch.prior.abs().max() <= 1
    for rank in (0, 1):  # each device sees its share of the same batch
        for name, whole in batch._asdict().items():
            torch.testing.assert_close(
                getattr(task.batch(4, slice(rank, None, 2)), name), whole[rank::2]
            )
    labels = replace(data.labels, person=np.full(len(data.labels), NOBODY))
    with pytest.raises(ValueError, match="recipe paper"):
        Editing(replace(data, labels=labels), MIEN, paired, no_features)


def test_it_learns_to_show_the_label_that_is_asked_for(data, tmp_path):
    small = replace(MIEN, size=16, widths=(8, 16), start=24, doubled=(16,), latent=8, enlarged=8)
    settings = EditingSettings(
        steps=200, faces=6, labels=4, paired=True, rate=4e-3, betas=(0.9, 0.99), lively=True,
        cosine=True, shares=Shares(1.0, 0.0, 0.0, 0.0),
    )  # fmt: skip
    task = Editing(data, small, settings, no_features)
    train(task, tmp_path, RUN)
    stranger = sized(2 * data.pictures(data.labels.where("test")[4:5]) - 1, 16)[0]
    ends = torch.tensor([[-0.9, 0.0], [0.9, 0.0], [0.0, -0.9], [0.0, 0.9]])
    shown = 127.5 * task.editor.eval().edit(stranger, ends)
    red, green = shown[:, 0, -4:].mean((1, 2)), shown[:, 1, :4].mean((1, 2))
    true = 1.8 * STRONG
    assert float(red[1] - red[0]) == pytest.approx(true, rel=0.25)
    assert float(green[3] - green[2]) == pytest.approx(true, rel=0.25)
    assert abs(float(red[3] - red[2])) < true / 8
    assert abs(float(green[1] - green[0])) < true / 8


def test_people_and_labels_are_learned_by_those_who_compare_and_judge(data, tmp_path):
    knowing = Identifying(data, IdentitySettings(widths=(8, 16), steps=120, batch=24, rate=1e-2))
    train(knowing, tmp_path, RUN)
    rows = data.labels.where("train")
    with torch.no_grad():
        said, _ = knowing.network.eval()(2 * data.pictures(rows) - 1)
    assert (said.argmax(1).numpy() == data.labels.person[rows]).mean() > 0.5  # chance: 1 in 6
    judging = Judging(data, JudgingSettings(steps=150, batch=16, rate=5e-3), TINY.judge)
    train(judging, tmp_path, RUN)
    seen = judging.judges.eval().seen(2 * data.pictures(rows) - 1)  # of people they never saw
    for axis, name in enumerate(("valence", "arousal")):
        assert ccc(seen[:, axis].numpy(), getattr(data.labels, name)[rows]) > 0.6


def test_an_interrupted_training_ends_with_the_same_weights(data, tmp_path):
    whole = learn(data, tmp_path / "whole", TINY, RUN)
    again, tries = None, 0
    while again is None:
        tries += 1
        steps = iter(range(2))

        def show(done, total, steps=steps) -> None:
            next(steps)  # StopIteration after two

        with suppress(StopIteration):
            again = learn(data, tmp_path / "parts", TINY, RUN, lambda _, show=show: show)
        assert tries < 20
    assert tries == 4  # once between two looks at what labels do
    for name in (learning.WEIGHTS, learning.JUDGES):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    network, weights = load_model(whole)
    assert network.settings == PAPER
    assert weights.facts["data_sha256"] == data.facts["sha256"]
    assert load_judges(tmp_path / "whole" / learning.JUDGES)[0].settings == TINY.judge
    with pytest.raises(TrainingError, match=r"recipe\.editing\.rate"):
        learn(data, tmp_path / "whole", replace(TINY, editing=replace(EDITING, rate=1.0)), RUN)


def test_all_that_play_learn_and_the_identity_network_does_not(data, tmp_path):
    knowing = Identifying(data, TINY.identity).network.requires_grad_(False)
    before = [p.clone() for p in knowing.parameters()]
    task = Editing(data, PAPER, replace(EDITING, steps=2), knowing.features, TINY.critics)
    assert set(task.networks) == {"editor", "image critic", "latent critic"}
    first = {name: [p.clone() for p in net.parameters()] for name, net in task.networks.items()}
    train(task, tmp_path, RUN)
    for name, network in task.networks.items():
        assert any(
            not torch.equal(a, b) for a, b in zip(first[name], network.parameters(), strict=True)
        ), name
        assert all(p.requires_grad for p in network.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, knowing.parameters(), strict=True))


def test_a_collapse_is_said_once_and_a_training_that_hears_its_label_is_not_warned(
    data, tmp_path, monkeypatch
):
    monkeypatch.setattr(stages, "WATCH_EVERY", 1)
    monkeypatch.setattr(stages, "PATIENCE", 1)
    still = replace(EDITING, steps=4, rate=0.0, lively=True, shares=Shares(1, 0, 0, 0))
    for deaf in (False, True):
        said: list[str] = []
        task = Editing(data, PAPER, still, no_features, warn=said.append)
        with torch.no_grad():
            task.editor.generator.first.weight[:, PAPER.latent :] *= 0.0 if deaf else 30.0
        train(task, tmp_path / str(deaf), RUN)
        assert len(said) == deaf
        if deaf:
            assert said[0].startswith("collapse: at step 1 opposite labels make pictures only 0.00")


# corpora


@pytest.fixture
def run(monkeypatch):
    """The verb with a tiny recipe, on corpora of which only the arrays are there."""
    monkeypatch.setitem(learning.RECIPES, "tiny", TINY)
    paired = replace(TINY, editing=replace(EDITING, paired=True))
    monkeypatch.setitem(learning.RECIPES, "paired", paired)
    monkeypatch.setattr("stimuli.trainings.find_corpus", Path)

    def train_on(folder: Path, said=None, settings=RUN, **words) -> Path:
        tell = (said if said is not None else []).append
        asked = Asked(**{"recipe": "tiny", **words})
        quiet = nullcontext(lambda done, total: None)
        return train_valence_arousal(asked, folder, settings, 1, lambda _: quiet, tell)

    return train_on


def labelled(**changes) -> pd.DataFrame:
    """Four people at six places each."""
    index = clips()
    places = np.linspace(-0.9, 0.9, 6)
    index = index.assign(valence=np.tile(places, 4), arousal=np.tile(places[::-1] ** 2, 4))
    return index.assign(**changes)


def unnamed(n: int, partition: list[str]) -> pd.DataFrame:
    """Pictures of nobody in particular, as AffectNet's."""
    rng = np.random.default_rng(1)
    index = pd.concat([clips()] * (-(-n // 24)), ignore_index=True)[:n]
    return index.assign(
        clip=[f"{i:04d}" for i in range(n)], actor=None, split=None, emotion=None,
        partition=(partition * n)[:n], valence=rng.uniform(-1, 1, n).round(3),
        arousal=rng.uniform(-1, 1, n).round(3),
    )  # fmt: skip


def test_the_data_file_holds_the_corpus_as_the_rules_say(tmp_path):
    index = labelled()
    index.loc[0, "valence"] = -2.0  # a1
    index.loc[7, "arousal"] = np.nan  # b2
    folder = made(tmp_path / "arrays", index)
    found = data_of_corpus(folder, tmp_path / "d", CorpusChoice(frames=2), SIZE)
    data = load_data(found.path)
    assert len(data.labels) == 2 * 22
    kept = index.drop([0, 7])
    np.testing.assert_allclose(data.labels.valence[::2], kept["valence"].astype(float), atol=1e-6)
    np.testing.assert_allclose(data.labels.arousal[1::2], kept["arousal"].astype(float), atol=1e-6)
    grey = 40 + 8 * kept.index.to_numpy() % 160
    np.testing.assert_allclose(data.faces[::2].mean((1, 2, 3)), grey + 1, atol=2)  # of 5 frames
    parts = {name: PARTS[part] for name, part in
             zip(kept["actor"], data.labels.part[::2], strict=True)}  # fmt: skip
    assert parts == {"a1": "train", "b2": "judge", "c3": "validation", "d4": "test"}
    assert list(found.lines) == [
        "clips left out: 1 without valence and arousal, 1 with valence or arousal outside -1 to 1",
        "44 faces of 22 clips: 10 train, 12 validation, 10 judge, 12 test",
        "people: 1 train, 1 validation, 1 judge, 1 test",
    ]
    assert data.facts["licence"].startswith("not known")


def test_where_nobody_is_named_pictures_are_dealt_out(tmp_path):
    index = unnamed(240, 5 * ["train"] + ["validation"])
    index.loc[:11, "partition"] = "automatic"
    folder = made(tmp_path / "arrays", index, frames=1, sound=False)
    found = data_of_corpus(folder, tmp_path / "d", CorpusChoice(), SIZE)
    data = load_data(found.path)
    kept = index.loc[12:]
    assert set(data.labels.person) == {NOBODY}
    published = kept["partition"].to_numpy() == "validation"
    np.testing.assert_array_equal(data.labels.part == PARTS.index("test"), published)
    others = data.labels.part[~published]
    for part, share in (("validation", 0.05), ("judge", 0.25), ("train", 0.7)):
        assert np.mean(others == PARTS.index(part)) == pytest.approx(share, abs=0.05)
    assert found.lines[0] == "clips left out: 12 labelled by a network"
    assert "nobody is named: somebody may be in two parts" in found.lines
    nothing_published = made(
        tmp_path / "b" / "arrays", index.assign(partition=None), frames=1, sound=False
    )
    data = load_data(data_of_corpus(nothing_published, tmp_path / "e", CorpusChoice(), SIZE).path)
    assert len(data.labels.where("test")) == 24


def test_of_many_faces_those_are_taken_that_lie_evenly_over_the_plane(tmp_path):
    index = unnamed(300, ["train"])
    crowded = index.index < 240  # most faces are neutral
    index.loc[crowded, ["valence", "arousal"]] *= 0.1
    folder = made(tmp_path / "arrays", index, frames=1, sound=False)
    found = data_of_corpus(folder, tmp_path / "d", CorpusChoice(pictures=90), SIZE)
    labels = load_data(found.path).labels
    assert len(labels) == 90
    far = (np.abs(labels.valence) > 0.25) | (np.abs(labels.arousal) > 0.25)
    wanted = (np.abs(index[["valence", "arousal"]].astype(float)) > 0.25).any(axis=1).sum()
    assert far.sum() == wanted  # every one that is rare
    assert "300 faces were there; 90 are taken, evenly over the plane" in found.lines[-1]


def test_emotions_lie_where_people_place_them_if_that_is_asked_for(tmp_path):
    folder = made(tmp_path / "arrays", clips(), frames=1)
    with pytest.raises(UserError, match=r"24 without valence and arousal\); --by-emotion"):
        data_of_corpus(folder, tmp_path / "d", CorpusChoice(), SIZE)
    found = data_of_corpus(folder, tmp_path / "d", CorpusChoice(by_emotion=True), SIZE)
    labels = load_data(found.path).labels
    of = clips()[["emotion", "intensity"]].apply(tuple, axis=1)
    places = dict(zip(of, zip(labels.valence, labels.arousal, strict=True), strict=True))
    assert places["happy", "high"] == pytest.approx((0.81, 0.51))
    assert places["happy", "low"] == pytest.approx((0.27, 0.17))
    assert places["calm", "high"] == pytest.approx((0.68, -0.46))
    assert places["neutral", "high"] == (0, 0)
    assert "24 clips lie where people place the word of their emotion" in found.lines[0]
    numbers = pd.DataFrame({"intensity": ["0.5", "high", "medium", None, "strong", "7"]})
    np.testing.assert_allclose(strengths(numbers), [0.5, 1, 2 / 3, 1, 1, 1])


def test_a_corpus_trains_resumes_and_other_words_in_its_folder_are_refused(run, tmp_path):
    corpus = made(tmp_path / "corpus" / "arrays", labelled()).parent
    said: list[str] = []
    weights = run(tmp_path / "a", said, corpus=str(corpus))
    assert said[-1] == str(weights)
    assert said[0] == "120 faces of 24 clips: 30 train, 30 validation, 30 judge, 30 test"
    before = weights.read_bytes()
    assert run(tmp_path / "a", corpus=str(corpus)).read_bytes() == before
    for words, why in (
        ({"seed": 5}, r"recipe\.identity\.seed 1 there, 5 now"),
        ({"recipe": "paired"}, r"recipe\.editing\.paired False there, True now"),
        ({"choice": CorpusChoice(frames=1)}, "other choices"),
    ):
        with pytest.raises(UserError, match=why):
            run(tmp_path / "a", corpus=str(corpus), **words)
    assert weights.read_bytes() == before
    paired = run(tmp_path / "b", corpus=str(corpus), recipe="paired")
    assert paired.read_bytes() != before


@pytest.mark.parametrize(
    ("changes", "words", "why"),
    [
        ({"rows": 0}, {}, "no face with valence and arousal"),
        ({"valence": np.nan, "emotion": None}, {}, r"24 without valence and arousal\); take a cor"),
        ({"valence": -2.0, "emotion": None}, {}, "24 with valence or arousal outside -1 to 1"),
        ({"split": None}, {}, "24 of people in no part"),
        ({"partition": "automatic"}, {}, "24 labelled by a network"),
        ({"arousal": 0.5}, {}, "arousal is the same in all faces to train from"),
        ({"split": "test"}, {}, "holds no face to train from"),
        ({}, {"recipe": "shipped"}, "faces of 32 pixels; the networks take 128.*--size 128 --anew"),
        ({"actor": None}, {"recipe": "paired"}, "nobody is there with two expr.*--recipe paper"),
    ],
)
def test_a_corpus_that_cannot_be_trained_from_is_one_clear_line(run, tmp_path, changes, words, why):
    changes = dict(changes)
    frames = 0 if changes.pop("rows", 1) == 0 else 1
    corpus = made(tmp_path / "corpus" / "arrays", labelled(**changes), frames=frames).parent
    with pytest.raises(UserError, match=why) as raised:
        run(tmp_path / "out", corpus=str(corpus), **words)
    assert "\n" not in str(raised.value)


def test_words_and_files_that_cannot_be_are_one_clear_line(run, path, tmp_path):
    weights = run(tmp_path / "fine", data=path)
    for words, why in (
        ({"recipe": "papers"}, "--recipe: found 'papers'"),
        ({"size": 64}, "--size: found '64'; accepted: 96, 128"),
        ({"data": path, "corpus": "x"}, "--data or --corpus, not both"),
        ({"data": tmp_path / "none"}, "cannot be read as training data.*that mien train valence"),
        ({"data": weights}, "does not hold training data of faces with valence and arousal"),
        ({"data": path, "recipe": "paper"}, "pictures of 32 pixels; the networks .* take 96"),
        ({"data": path, "vgg_face": weights}, "not the weights of VGG-Face"),
        ({"data": path, "settings": replace(RUN, accelerator="cuda", devices=64)},
         "cannot train on accelerator"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=why) as raised:
            run(tmp_path / "out", **words)
        assert "\n" not in str(raised.value)


def test_without_people_for_judges_there_are_none_and_that_is_said(run, data, tmp_path):
    rows = np.flatnonzero(data.labels.part != PARTS.index("judge"))
    labels = Labels(*(getattr(data.labels, name)[rows]
                      for name in ("person", "valence", "arousal", "part")))  # fmt: skip
    file, said = tmp_path / "d.safetensors", []
    save_data(file, coding.encode(data.faces[rows]), labels)
    weights = run(tmp_path / "out", said, data=file)
    assert said == ["no judges are trained: the data hold nobody for them", str(weights)]
    assert not (tmp_path / "out" / learning.JUDGES).exists()


def test_judges_alone_end_as_those_beside_the_editor(run, data, path, tmp_path):
    beside = run(tmp_path / "both", data=path).with_name(learning.JUDGES)
    said: list[str] = []
    alone = run(tmp_path / "alone", said, data=path, judges=True)
    assert said == [str(alone)]
    assert [file.name for file in (tmp_path / "alone").glob("*.safetensors")] == [learning.JUDGES]
    (one, of_one), (other, of_other) = load_judges(beside), load_judges(alone)
    assert of_one.facts["sha256"] == of_other.facts["sha256"]  # of the tensors
    assert one.settings == other.settings
    assert of_one.facts["learned_from"] == "36 pictures of 4 people from which no editor learned"
    assert set(json.loads(of_other.facts["training"])) == {"judge", "judging"}
    before = alone.read_bytes()
    assert run(tmp_path / "alone", data=path, judges=True).read_bytes() == before
    with pytest.raises(UserError, match=r"recipe\.judging\.seed 2 there, 9 now"):
        run(tmp_path / "alone", data=path, judges=True, seed=9)
    rows = np.flatnonzero(data.labels.part != PARTS.index("judge"))
    labels = Labels(*(getattr(data.labels, name)[rows]
                      for name in ("person", "valence", "arousal", "part")))  # fmt: skip
    save_data(tmp_path / "d.safetensors", coding.encode(data.faces[rows]), labels)
    with pytest.raises(UserError, match="holds no face from which judges learn"):
        run(tmp_path / "none", data=tmp_path / "d.safetensors", judges=True)
    with pytest.raises(UserError, match="--vgg-face compares people for the editor"):
        Asked(vgg_face=path, judges=True)


def test_words_of_the_command_line_become_settings(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "stimuli.valence_arousal.training.train_valence_arousal",
        lambda *words: asked.append(words[:4]),
    )
    line = (
        "train valence-arousal -o out --corpus faces --recipe paper --size 128 --vgg-face v "
        "--seed 7 --pictures 9 --frames 2 --by-emotion --precision 32-true --devices auto "
        "--accelerator cpu --threads 2 --workers 3"
    )
    mien.app(line.split(), standalone_mode=False)
    choice = CorpusChoice(9, 2, True)
    words = Asked(None, "faces", "paper", 128, Path("v"), 7, choice)
    run = RunSettings("32-true", "auto", "cpu", threads=2)
    mien.app(["train", "valence-arousal", "-o", "out"], standalone_mode=False)
    assert asked[0] == (words, Path("out"), run, 3)
    assert asked[1][0] == Asked()
    mien.app(["train", "valence-arousal", "-o", "out", "--judges"], standalone_mode=False)
    assert asked[2][0] == Asked(judges=True)
    wanted = Asked(recipe="paper", size=128, seed=7).wanted
    assert (wanted.network.size, wanted.network.start) == (128, 1024)
    assert {wanted.identity.seed, wanted.editing.seed, wanted.judging.seed} == {7}
    own = Asked().wanted
    assert own == learning.RECIPES["shipped"]
    assert replace(own, network=replace(own.network, size=96)) == Asked(size=96).wanted


def test_the_paper_s_recipe_is_the_paper_s():
    recipe = learning.RECIPES["paper"]
    assert recipe.network == EditorSettings()
    editing = recipe.editing
    assert (editing.faces, editing.labels, editing.looked_at) == (49, 1, 16)
    assert (editing.rate, editing.betas) == (2e-4, (0.5, 0.999))
    assert (recipe.judging.rate, recipe.judging.momentum) == (1e-3, 0.9)
    assert not editing.paired


def test_the_shipped_judges_see_men_as_they_see_women(tmp_path):
    judges, weights = load_judges()
    assert weights.facts["licence"] == "CC0-1.0"
    asked = np.array([(v, a) for v in (-0.75, 0, 0.75) for a in (-0.75, 0, 0.75)])
    studio = Studio(size=DRAWN, supersample=2, cache_dir=tmp_path)
    for who in ("41", "51", "48"):  # two men, one of them with a full beard, and a woman
        drawn = np.stack(
            [cropped(actor(who), plane.at(*p), studio, ArraySettings()) for p in asked]
        )
        seen = judges.seen(torch.from_numpy(drawn).permute(0, 3, 1, 2) / 127.5 - 1).numpy()
        for axis in (0, 1):
            assert ccc(seen[:, axis], asked[:, axis]) > 0.9
        assert abs((seen - asked).mean(0)).max() < 0.15
