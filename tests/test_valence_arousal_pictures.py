"""The generator valence-arousal: from a protocol to pictures by both routes, and refusals."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")

import mien  # noqa: E402
from analysis.text import method  # noqa: E402
from models.valence_arousal.network import Editor  # noqa: E402
from models.valence_arousal.settings import EditorSettings  # noqa: E402
from models.valence_arousal.stored import load_model, save_model  # noqa: E402
from protocols.errors import UserError  # noqa: E402
from protocols.manifest import read_manifest  # noqa: E402
from protocols.prepared import PreparedCorpus  # noqa: E402
from protocols.reading import load  # noqa: E402
from stimuli.actors import plane  # noqa: E402
from stimuli.actors.cast import actor  # noqa: E402
from stimuli.actors.portrait import Studio  # noqa: E402
from stimuli.contact_sheet import GAP, LINE  # noqa: E402
from stimuli.context_faces.faces import cropped  # noqa: E402
from stimuli.context_faces.portraits import ActorPortraits, resampled  # noqa: E402
from stimuli.corpora import identities_of  # noqa: E402
from stimuli.corpora.arrays import ArraySettings, prepare_arrays  # noqa: E402
from stimuli.corpora.folder import folder_adapter, load_folder_mapping  # noqa: E402
from stimuli.corpora.prepare import add_corpus  # noqa: E402
from stimuli.faces import weights  # noqa: E402
from stimuli.faces.boxes import MODEL as BOXES  # noqa: E402
from stimuli.generate import generate, preview  # noqa: E402
from stimuli.plane_sheet import grids, is_plane, sheet  # noqa: E402
from stimuli.stimulus import Stimulus, plan_stimuli  # noqa: E402
from stimuli.valence_arousal_pictures import ValenceArousalPictures  # noqa: E402
from tests.dot_faces import dots, find_dots  # noqa: E402
from tests.untrained import begun  # noqa: E402

ROOT = Path(__file__).parents[1]
LINDT = (ROOT / "protocols" / "lindt2019-valence-arousal.yaml").read_text()
SMALL = EditorSettings(size=32, widths=(6, 8, 10), start=10, doubled=(10, 8), drawn=(), latent=12,
                       enlarged=4, skips=True, warped=True, reach=0.3)  # fmt: skip
STUDY = """
name: plane
title: Faces on the plane
seed: 7
stimuli:
  generator: valence-arousal
  corpus: faces
  identities: [p1, p2]
  size: 64
  editing: {weights: tiny.safetensors, checks: false}
  factors: {valence: [-1, 0, 1], arousal: [-0.5, 0, 0.5]}
tasks:
  - {id: valence, type: likert, question: How does it look?, points: 9}
"""
VALENCE = "valence: [-1, 0, 1]"
ACTORS = {"corpus: faces": "corpus: actors", "[p1, p2]": "['02']"}
EYES = np.array([[90.0, 80.0], [150.0, 84.0]])
GAIN = 3.0


def tiny() -> Editor:
    """A small network that was never trained, but whose pictures move with the label."""
    return begun(Editor(SMALL), GAIN)


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder with weights, and a prepared corpus of people whose eyes are dots."""
    home = tmp_path_factory.mktemp("home")
    save_model(home / "tiny.safetensors", tiny(), licence="CC0-1.0")
    faces = [dots((240, 200), EYES, 7.0, 60 + 50 * i) for i in range(3)]
    crowd, nobody = dots((240, 200), EYES, 7.0), np.full((200, 240, 3), 90, np.uint8)
    crowd[:60, :60] = (20, 200, 20)  # two faces, says the corner
    pictures = {"faces": {"p1-neutral": faces[0], "p2-neutral": faces[1], "p3-neutral": faces[2],
                          "p4-neutral": nobody, "p5-neutral": crowd},
                "smiles": {"p6-happy": faces[0]}, "bare": {"p1-neutral": faces[0]}}  # fmt: skip
    for name, shown in pictures.items():
        (home / name).mkdir()
        for stem, pixels in shown.items():
            Image.fromarray(pixels).save(home / name / f"{stem}.png")
        (home / f"{name}.yaml").write_text(
            f"name: {name}\nlicence: lab only\nmay_be_shown: false\n"
            "pattern: '(?P<actor>p\\d)-(?P<emotion>\\w+)'\n"
        )
        adapter = folder_adapter(load_folder_mapping(home / f"{name}.yaml"))
        added = add_corpus(adapter, home / name, home / "corpora" / name).folder
        if name != "bare":
            prepare_arrays(added, find_dots, ArraySettings(size=32), detector="dots")
    return home


def written(home: Path, changed: dict[str, str] | None = None, text: str = STUDY) -> Path:
    for old, new in (changed or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    (home / "study.yaml").write_text(text)
    return home / "study.yaml"


def protocol(home: Path, changed: dict[str, str] | None = None):
    return load(written(home, changed))


def planned(made) -> list[Stimulus]:
    return [s for s in plan_stimuli(made, identities_of(made)) if s.role == "main"]


# --- pictures ------------------------------------------------------------------------------------


def test_a_picture_is_what_the_network_makes_of_face_valence_and_arousal(home):
    made = protocol(home)
    network, _ = load_model(home / "tiny.safetensors")
    people = PreparedCorpus.open(home / "corpora" / "faces")
    pictures = {}
    for stimulus, rendered in zip(
        planned(made), ValenceArousalPictures(made).render(planned(made)), strict=True
    ):
        crop = people.faces_of(f"{stimulus.identity}-neutral")[0]
        face = torch.tensor(crop.transpose(2, 0, 1) / 127.5 - 1).float()
        label = torch.tensor([[stimulus.levels["valence"], stimulus.levels["arousal"]]]).float()
        (wanted,) = network.edit(face, label)
        levels = ((wanted.permute(1, 2, 0) + 1) * 127.5).round().clamp(0, 255).numpy()
        off = resampled(levels.astype(np.uint8), 64).astype(int) - rendered.pixels
        assert np.abs(off).max() <= 2  # rounding, in batches of another size
        assert (rendered.facts["native_size"], rendered.facts["resampling"]) == (32, "lanczos")
        pictures[stimulus.id] = rendered.pixels.tobytes()
    assert len(set(pictures.values())) == 18  # every label of every person its own


def test_the_sidecar_says_how_far_neutral_is_from_the_given_face(home):
    made = protocol(home)
    network, _ = load_model(home / "tiny.safetensors")
    crop = PreparedCorpus.open(home / "corpora" / "faces").faces_of("p1-neutral")[0]
    face = torch.tensor(crop.transpose(2, 0, 1) / 127.5 - 1).float()
    with torch.inference_mode():
        drawn = ((network.edit(face, torch.zeros(1, 2))[0] + 1) * 127.5).round().clamp(0, 255)
    off = drawn.permute(1, 2, 0).numpy().astype(float) - crop
    (first, *_) = ValenceArousalPictures(made).render(planned(made))
    said = first.facts["reconstruction"]
    assert said["mean_absolute"] == pytest.approx(np.abs(off).mean(), abs=0.02)
    assert said["psnr_db"] == pytest.approx(10 * np.log10(255**2 / (off**2).mean()), abs=0.05)


def test_no_picture_depends_on_what_it_is_made_with(home):
    made = protocol(home)
    stimuli = planned(made)
    together = list(ValenceArousalPictures(made).render(stimuli))
    backwards = list(ValenceArousalPictures(made).render(stimuli[::-1]))[::-1]
    mixed = stimuli[::2] + stimuli[1::2]
    by_id = dict(
        zip([s.id for s in mixed], ValenceArousalPictures(made).render(mixed), strict=True)
    )
    alone = [
        next(ValenceArousalPictures(made).render([one])) if i % 4 == 1 else together[i]
        for i, one in enumerate(stimuli)
    ]
    torch.set_num_threads(2)
    threads = list(ValenceArousalPictures(made).render(stimuli))
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    shuffled = [by_id[one.id] for one in stimuli]
    for one, *others in zip(together, backwards, shuffled, alone, threads, strict=True):
        for other in others:
            assert one.pixels.tobytes() == other.pixels.tobytes()
            assert one.facts == other.facts


def test_bytes_are_the_same_in_any_batches_and_a_run_goes_on_where_it_stopped(home, tmp_path):
    made, folders = protocol(home), [tmp_path / "one", tmp_path / "two"]
    generate(made, folders[0], batch_size=16)
    generate(made, folders[1], batch_size=5)
    sums = [(folder / "stimuli/checksums.sha256").read_text() for folder in folders]
    assert sums[0] == sums[1]
    lost = folders[0] / "stimuli" / sums[0].split()[1]
    before = lost.read_bytes()
    lost.unlink()
    assert generate(made, folders[0]).made == 1
    assert lost.read_bytes() == before
    assert (folders[0] / "tiny.safetensors").is_file()  # a study takes its weights along


def test_a_face_is_encoded_once_for_all_of_its_labels(home, monkeypatch):
    made = protocol(home)
    encoded = []
    encode = Editor.encode
    monkeypatch.setattr(Editor, "encode", lambda self, x: encoded.append(len(x)) or encode(self, x))
    pictures = ValenceArousalPictures(made)
    stimuli = planned(made)
    for start in range(0, len(stimuli), 4):  # as `generate` hands them on
        list(pictures.render(stimuli[start : start + 4]))
    assert encoded == [1, 1]  # two people, nine labels each


def test_an_actor_is_edited_from_the_picture_that_the_networks_learned_from(home):
    happy = {**ACTORS, "checks: false": "checks: false, expression: happy"}
    for changed, said in ((ACTORS, {}), (happy, {"expression": "happy"})):
        pictures = ValenceArousalPictures(protocol(home, changed))
        recipe = pictures.recipe(planned(protocol(home, changed))[0])
        version = ActorPortraits(32).recipe("02")["version"]
        assert recipe["face"] == {"corpus": "actors", "actor": "02", "version": version, **said}
        assert recipe["route"] == "trained"
        assert pictures.origin.licence == "CC0-1.0"
    faces = [ActorPortraits(32, expression=word).face("02") for word in ("neutral", "happy")]
    assert not np.array_equal(*faces)
    assert ActorPortraits(32, expression="any").recipe("02") == ActorPortraits(32).recipe("02")


def test_the_rendered_route_is_the_true_picture_of_the_actor(home):
    route = {**ACTORS, "weights: tiny.safetensors": "route: rendered", "size: 64": "size: 128",
             "[-1, 0, 1]": "[0.5]", "[-0.5, 0, 0.5]": "[-0.25]"}  # fmt: skip
    made = protocol(home, route)
    (stimulus,) = planned(made)
    (rendered,) = ValenceArousalPictures(made).render([stimulus])
    studio = Studio(size=192, supersample=2)
    truth = cropped(actor("02"), plane.at(0.5, -0.25), studio, ArraySettings(size=128))
    assert np.array_equal(rendered.pixels, truth)  # what the networks learn to reach
    assert rendered.facts["facial_actions"]["mouthSmileLeft"] > 0.1


def test_both_routes_stand_in_one_manifest(home, tmp_path):
    both = {**ACTORS, "valence: [-1, 0, 1]": "method: [trained, rendered], valence: [-1, 1]",
            "[-0.5, 0, 0.5]": "[0]"}  # fmt: skip
    outcome = generate(protocol(home, both), tmp_path / "study")
    table = read_manifest(outcome.manifest, read_files=True).set_index(["method", "valence"])
    trained, rendered = table.loc["trained"], table.loc["rendered"]
    checkpoint = load_model(home / "tiny.safetensors")[1].facts["sha256"]
    assert set(trained["checkpoint"]) == {checkpoint}
    assert rendered["checkpoint"].isna().all()
    assert trained["digital_source_type"].str.endswith("/trainedAlgorithmicMedia").all()
    assert rendered["digital_source_type"].str.endswith("/algorithmicMedia").all()
    assert trained["reconstruction_psnr"].notna().all()
    assert rendered["reconstruction_psnr"].isna().all()
    sidecars = [json.loads(path.read_text()) for path in tmp_path.glob("study/stimuli/stim-*.json")]
    assert {s["native_size"] for s in sidecars} == {32}  # no route is sharper than the other
    with Image.open(tmp_path / "study/stimuli" / str(rendered["file"].iloc[0])) as picture:
        assert "drawn by mien" in picture.info["Comment"]
    with Image.open(tmp_path / "study/stimuli" / str(trained["file"].iloc[0])) as picture:
        assert "a neural network edits it" in picture.info["Comment"]


def test_the_method_section_says_by_which_route_faces_were_made(home):
    rendered = {**ACTORS, "weights: tiny.safetensors": "route: rendered"}
    both = {**ACTORS, VALENCE: VALENCE + ", method: [rendered, trained]"}
    for changed, words, other, cited in (
        ({}, "edited to a point of the valence-arousal plane by a network (Lindt et al., 2019)",
         "drawn", True),
        (rendered, "a synthetic actor drawn at a point of the valence-arousal plane", "Lindt",
         False),
        (both, "by a network (trained; Lindt et al., 2019), or drawn there (rendered)", "()", True),
    ):  # fmt: skip
        made = protocol(home, changed)
        text = method.stimuli(made)
        assert ("Lindt et al., 2019" in method.cited(made)) == cited
        assert words in text
        assert other not in text


def test_a_judge_finds_pleasant_drawings_more_pleasant(home, tmp_path):
    try:
        weights.load(BOXES)
    except UserError as error:
        pytest.skip(f"no weights of the face networks: {error}")
    route = {**ACTORS, "weights: tiny.safetensors, checks: false": "route: rendered",
             "size: 64": "size: 128", "[-1, 0, 1]": "[-0.75, 0.75]",
             "[-0.5, 0, 0.5]": "[0]"}  # fmt: skip
    table = read_manifest(generate(protocol(home, route), tmp_path / "study").manifest)
    at = table.set_index("valence")
    assert at["judged_valence"][0.75] > at["judged_valence"][-0.75] + 0.2
    assert (table["identity_distance"] < 0.6).all()  # one person: the limit of its author
    assert table["reconstruction_psnr"].isna().all()


# --- the study of Lindt et al. -------------------------------------------------------------------


def lindt(home: Path, affect_grid: bool = False) -> Path:
    """The published study at a small scale: two people of the corpus, all 49 points."""
    text = LINDT
    if affect_grid:
        scales = re.search(r"tasks:[^\n]*\n(.*?)# Both at once.*?:\n((?:#  [^\n]*\n)+)", text, re.S)
        assert scales
        grid = "".join(f"{line[1:]}\n" for line in scales[2].splitlines())
        text = text.replace(scales[1], grid)
    small = {"corpus: actors": "corpus: faces", "{pick: 14, per_cell: 4}": "[p1, p2]",
             "size: 256": "editing: {weights: tiny.safetensors, checks: false}\n  size: 64",
             "per_list: 15": "per_list: 2",
             "into: 4": "into: 2", "{identity: 3}": "{identity: 1}"}  # fmt: skip
    return written(home, small, text)


def test_the_study_of_lindt_works_from_generating_to_the_report(
    home, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    file = str(lindt(home))
    for line in (
        ["check", file],
        ["generate", file, "-o", "study"],
        ["study", "build", "study"],
        ["simulate", "study"],
        ["report", "study"],
    ):
        assert said(monkeypatch, *line) == 0, capsys.readouterr().err
    study = tmp_path / "study"
    table = read_manifest(study / "stimuli", read_files=True)
    main = table[table["role"] == "main"]
    assert len(main) == 98
    assert main.groupby(["valence", "arousal"])["identity"].nunique().eq(2).all()
    assert set(table["licence"]) == {"lab only"}
    ratings = pd.read_csv(study / "ratings.csv")
    assert set(ratings["question"]) >= {"felt-valence", "felt-arousal"}
    page = (study / "report" / "report.html").read_text()
    assert "Rated valence by the label" in page
    with Image.open(study / "stimuli" / "contact-sheet.png") as picture:
        assert picture.width > 2 * 7 * 64  # two people side by side
        assert 7 * 64 < picture.height < 10 * 64


def test_an_affect_grid_takes_the_place_of_both_scales(home, capsys, monkeypatch):
    file = lindt(home, affect_grid=True)
    assert said(monkeypatch, "check", str(file)) == 0
    made = load(file)
    assert [task.type for task in made.tasks] == ["affect-grid"]
    assert list(made.questions) == list(load(lindt(home)).questions)


# --- the sheet -----------------------------------------------------------------------------------


def coloured(whose: str, valence: float, arousal: float, **others: str) -> Stimulus:
    levels = {"valence": valence, "arousal": arousal, **others}
    return Stimulus(
        f"{whose}{valence}{arousal}{''.join(others.values())}", "main", whose, levels, 0
    )


def test_valence_rises_to_the_right_and_arousal_upwards_on_the_sheet():
    points = [(v, a) for v in (0.5, -0.5, 0) for a in (-1, 1)]
    stimuli = [coloured("p", v, a) for v, a in points]
    made = grids(stimuli)
    colours = {
        s.id: np.full((40, 40, 3), (round(100 + 100 * v), round(100 + 100 * a), 7), np.uint8)
        for s, (v, a) in zip(stimuli, points, strict=True)
    }
    page = np.asarray(sheet(made, colours))
    places = np.argwhere(page[..., 2] == 7)
    left_top, right_bottom = places.min(axis=0) + 20, places.max(axis=0) - 20
    assert page[left_top[0], left_top[1]].tolist() == [50, 200, 7]  # unpleasant and aroused
    assert page[right_bottom[0], right_bottom[1]].tolist() == [150, 0, 7]  # pleasant and calm
    middle = page[left_top[0], left_top[1] + 40 + GAP]
    assert middle.tolist() == [100, 200, 7]
    assert len(places) == 6 * 40 * 40


def test_grids_show_each_person_or_one_at_each_point():
    whole = [coloured(who, v, a) for who in "abcdefghi" for v in (0, 1) for a in (0, 1)]
    assert [grid.title for grid in grids(whole)] == ["a", "c", "d", "f", "g", "i"]  # spread evenly
    corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
    dealt = [coloured("abc"[(i + k) % 3], v, a) for i, (v, a) in enumerate(corners) for k in (0, 1)]
    mixed = grids(dealt)
    assert [grid.names for grid in mixed] == [True, True]
    shown = [stimulus.id for grid in mixed for stimulus in grid.cells.values()]
    assert sorted(shown) == sorted(stimulus.id for stimulus in dealt)
    pixels = {stimulus.id: np.zeros((30, 30, 3), np.uint8) for stimulus in dealt}
    named, plain = sheet(mixed[:1], pixels), sheet([replace(mixed[0], names=False)], pixels)
    assert named.height == plain.height + 2 * LINE
    methods = [coloured("a", v, a, method=m)
               for m in ("trained", "rendered") for v in (0, 1) for a in (0, 1)]  # fmt: skip
    assert [grid.title for grid in grids(methods)] == ["a\ntrained", "a\nrendered"]
    assert sheet(grids(methods), {s.id: np.zeros((30, 30, 3), np.uint8) for s in methods})
    assert not is_plane({"valence": (0, 1), "arousal": (0,)})
    assert not is_plane({"emotion": ("happy",)})


def test_a_preview_shows_every_point_once(home, tmp_path):
    with Image.open(preview(protocol(home), tmp_path / "preview.png")) as picture:
        assert 3 * 64 < picture.width < 5 * 64


# --- refusals, as people see them ----------------------------------------------------------------


def said(monkeypatch, *words: str) -> int:
    """How `mien WORDS` ends."""
    monkeypatch.setattr(sys, "argv", ["mien", *words])
    try:
        mien.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


REFUSED_BY_CHECK = {
    "above 1": ({VALENCE: "valence: [0, 1.2]"}, "stimuli.factors.valence.1",
                "found 1.2; accepted: numbers from -1.0 to 1.0"),
    "below -1": ({"[-0.5, 0, 0.5]": "[-7]"}, "stimuli.factors.arousal", "found -7; accepted"),
    "not a number": ({VALENCE: "valence: [.nan]"}, "stimuli.factors.valence",
                     "found nan; accepted"),
    "infinite": ({VALENCE: "valence: [-.inf]"}, "stimuli.factors.valence", "found -inf; accepted"),
    "a word": ({VALENCE: "valence: [high]"}, "stimuli.factors.valence", "found 'high'; accepted"),
    "yes": ({VALENCE: "valence: [true]"}, "stimuli.factors.valence", "found True"),
    "valence alone": ({", arousal: [-0.5, 0, 0.5]": ""}, "stimuli", "needs the factor 'arousal'"),
    "arousal alone": ({VALENCE + ", ": ""}, "stimuli", "needs the factor 'valence'"),
    "an unknown factor": ({VALENCE: VALENCE + ", dominance: [0]"}, "stimuli.factors.dominance",
                          "unknown factor 'dominance'; generator valence-arousal knows valence, "
                          "arousal, method"),
    "an emotion": ({VALENCE: VALENCE + ", emotion: [happy]"}, "stimuli.factors.emotion",
                   "unknown factor 'emotion'"),
    "too small": ({"size: 64": "size: 20"}, "stimuli.size", "64"),
    "another route": ({"checks: false": "route: painted"}, "stimuli.editing.route", "'trained'"),
    "another method": ({VALENCE: VALENCE + ", method: [painted]"}, "stimuli.factors.method",
                       "not a known method of valence-arousal; accepted: trained, rendered"),
    "a corpus rendered": ({"checks: false": "route: rendered", "weights: tiny.safetensors, ": ""},
                          "stimuli.editing.route", "only actors can be rendered"),
    "weights of a drawing": ({**ACTORS, "checks: false": "route: rendered"},
                             "stimuli.editing.weights", "by no network; leave out weights"),
    "route and method": ({**ACTORS, "checks: false": "route: rendered",
                          VALENCE: VALENCE + ", method: [trained]"},
                         "stimuli.editing.route", "leave out editing.route"),
    "another expression": ({"checks: false": "expression: smug"}, "stimuli.editing.expression",
                           "accepted: neutral, angry"),
    "an unknown key": ({"checks: false": "check: no"}, "stimuli.editing", "did you mean 'checks'"),
    "another generator": ({"generator: valence-arousal": "generator: actor",
                           **ACTORS}, "stimuli.editing", "only generator valence-arousal edits"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED_BY_CHECK)
def test_mien_check_refuses_in_one_line(home, monkeypatch, capsys, case):
    changed, where, what = REFUSED_BY_CHECK[case]
    assert said(monkeypatch, "check", str(written(home, changed))) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert where in line
    assert what in line


REFUSED_BY_GENERATE = {
    "a face not found": ({"[p1, p2]": "[p4]"}, "no face of 'p4' can be used: p4-neutral.png: no "
                         "face (the detector finds none); leave out 'p4'"),
    "two faces": ({"[p1, p2]": "[p5]"}, "no face of 'p5"),
    "nobody": ({"[p1, p2]": "[p9]"}, "p9"),
    "no neutral face": ({"corpus: faces": "corpus: smiles", "[p1, p2]": "[p6]"},
                        "smiles has no neutral face of 'p6' (labels: happy); "
                        "label one neutral (constants: {emotion: neutral} in the mapping of own "
                        "photographs), take any (expression: any), or leave that person out"),
    "not prepared": ({"corpus: faces": "corpus: bare"}, "mien corpus prepare"),
    "no weights": ({"tiny": "none"}, "stimuli.editing.weights: no file"),
    "weights of a sheet": ({"tiny.safetensors": "faces.yaml"}, "accepted: a file that ends in"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED_BY_GENERATE)
def test_mien_generate_refuses_in_one_line(home, monkeypatch, capsys, tmp_path, case):
    changed, what = REFUSED_BY_GENERATE[case]
    file = written(home, changed)
    assert said(monkeypatch, "generate", str(file), "-o", str(tmp_path / "study")) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert what in line
    assert not (tmp_path / "study").exists()


def test_faces_that_are_smaller_than_the_network_needs_are_refused(home, monkeypatch, capsys):
    large = Editor(replace(SMALL, size=64))
    save_model(home / "large.safetensors", large.eval(), licence="CC0-1.0")
    file = written(home, {"tiny": "large"})
    assert said(monkeypatch, "generate", str(file), "-o", str(home / "never")) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert (
        "its faces have 32 pixels; the networks need 64: prepare the corpus with --size 64" in line
    )


def test_any_expression_takes_a_face_of_any_label(home):
    any_face = {"corpus: faces": "corpus: smiles", "[p1, p2]": "[p6]",
                "checks: false": "checks: false, expression: any"}  # fmt: skip
    made = protocol(home, any_face)
    assert ValenceArousalPictures(made).recipe(planned(made)[0])["face"]["clip"] == "p6-happy"


def test_drawings_need_no_pytorch(tmp_path):
    file = written(tmp_path, {**ACTORS, "weights: tiny.safetensors": "route: rendered"})
    block = (
        "import sys\nclass No:\n def find_spec(self, name, *_):\n"
        "  if name.split('.')[0] == 'torch': raise ModuleNotFoundError('no', name='torch')\n"
        "sys.meta_path.insert(0, No())\nfrom pathlib import Path\n"
        "from protocols.errors import UserError\n"
        "from protocols.reading import load\nfrom stimuli.generators import make_generator\n"
        f"made = load(Path({str(file)!r}))\nprint(type(make_generator(made)).__name__)\n"
        "try: make_generator(load(Path('protocols/lindt2019-valence-arousal.yaml')))\n"
        "except UserError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", block], cwd=ROOT, capture_output=True, text=True,
                          check=False)  # fmt: skip
    drawn, edited = done.stdout.splitlines() or [done.stderr, ""]
    assert drawn == "ValenceArousalPictures"
    assert edited.startswith("the generator 'valence-arousal' needs torch, which is not installed")
