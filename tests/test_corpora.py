"""Prepared corpora: the table, its record, parts without a common actor, the licence gate."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from experiments.build import build_web
from protocols.checking import check_file
from protocols.clips import COLUMNS, SPLITS, read_clips, read_record
from protocols.errors import UserError
from protocols.generators import CORPORA
from protocols.licences import LICENCES, caution
from protocols.reading import load
from stimuli.corpora.affectnet import AFFECTNET
from stimuli.corpora.crema_d import CREMA_D
from stimuli.corpora.folder import folder_adapter, load_folder_mapping
from stimuli.corpora.info import describe, find_corpus
from stimuli.corpora.media_header import BadFile, look
from stimuli.corpora.prepare import ADAPTERS, adapter_for, add_corpus
from stimuli.corpora.ravdess import RAVDESS
from stimuli.corpora.react2024 import REACT2024
from stimuli.corpora.splits import split_by_actor
from tests import corpus_trees as trees
from tests.small_study import TINY, make_study

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"


# --- the prepared corpus ------------------------------------------------------------------------


@pytest.fixture
def prepared(tmp_path) -> Path:
    trees.crema_d_tree(tmp_path / "crema")
    return add_corpus(CREMA_D, tmp_path / "crema", tmp_path / "corpora" / "crema-d").folder


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*") if path.is_file()
    }  # fmt: skip


def test_adding_a_corpus_changes_nothing_in_it(tmp_path):
    root = trees.crema_d_tree(tmp_path / "crema")
    before = files_of(root)
    add_corpus(CREMA_D, root, tmp_path / "out")
    assert files_of(root) == before


def test_the_same_corpus_gives_the_same_bytes(prepared, tmp_path):
    before = files_of(prepared)
    add_corpus(CREMA_D, tmp_path / "crema", prepared)
    assert files_of(prepared) == before


def test_the_table_comes_back_as_it_was_written(prepared, tmp_path):
    made = add_corpus(CREMA_D, tmp_path / "crema", tmp_path / "again").clips
    pd.testing.assert_frame_equal(read_clips(prepared), made, check_dtype=False)
    assert list(made.columns) == [column.name for column in COLUMNS]
    record = read_record(prepared)
    assert record.root == str((tmp_path / "crema").resolve())
    assert (record.clips, record.actors, record.problems) == (7, 3, 0)
    assert (record.adapter, record.version, record.licence) == (
        "crema-d", CREMA_D.version, LICENCES["crema-d"].name
    )  # fmt: skip


def test_problems_are_written_beside_the_table(tmp_path):
    root = trees.crema_d_tree(tmp_path / "crema")
    (root / "AudioWAV" / "1002_TIE_DIS_XX.wav").write_bytes(b"")
    outcome = add_corpus(CREMA_D, root, tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "problems.tsv", sep="\t")
    assert list(table.columns) == ["kind", "path", "clips", "message"]
    assert table.to_dict("records") == [{
        "kind": "empty", "path": "AudioWAV/1002_TIE_DIS_XX.wav", "clips": 1,
        "message": "zero bytes; fetch the file again",
    }]  # fmt: skip
    told = "\n".join(outcome.lines())
    assert "files of zero bytes: 1\n    AudioWAV/1002_TIE_DIS_XX.wav: zero bytes" in told


def test_many_problems_are_counted_and_three_shown(tmp_path):
    root = trees.ravdess_tree(tmp_path / "ravdess", ["01", "02", "03"])
    for file in sorted((root / "Actor_01").iterdir())[:50]:
        file.write_bytes(b"")
    lines = add_corpus(RAVDESS, root, tmp_path / "out").lines()
    at = lines.index("files of zero bytes: 50")
    assert lines[at + 4] == "    … and 47 more lines"
    assert len(pd.read_csv(tmp_path / "out/problems.tsv", sep="\t").query("kind=='empty'")) == 50


@pytest.mark.parametrize("change", ["word", "path", "record"])
def test_a_changed_table_is_refused(prepared, change):
    table, record = prepared / "clips.tsv", prepared / "corpus.json"
    if change == "record":
        record.write_text("{}")
    elif change == "word":
        table.write_text(table.read_text().replace("angry", "happy"))
    else:
        table.write_text(table.read_text().replace("AudioWAV/", "../../etc/"))
    with pytest.raises(UserError, match="run mien corpus add again"):
        read_clips(prepared)


def test_a_path_that_leaves_the_corpus_is_refused_even_with_its_hash(prepared):
    table, record = prepared / "clips.tsv", prepared / "corpus.json"
    table.write_text(table.read_text().replace("AudioWAV/", "../../etc/"))
    said = json.loads(record.read_text())
    said["clips_sha256"] = hashlib.sha256(table.read_bytes()).hexdigest()
    record.write_text(json.dumps(said))
    with pytest.raises(UserError, match="leaves the folder of the corpus"):
        read_clips(prepared)


def test_nothing_is_written_where_it_does_not_belong(prepared, tmp_path):
    root = tmp_path / "crema"
    with pytest.raises(UserError, match="lies inside the corpus"):
        add_corpus(CREMA_D, root, root / "corpora" / "crema-d")
    other = trees.ravdess_tree(tmp_path / "ravdess", ["01"])
    with pytest.raises(UserError, match="holds the corpus 'crema-d'"):
        add_corpus(RAVDESS, other, prepared)
    trees.put(tmp_path, "full/thesis.txt", "mine")
    with pytest.raises(UserError, match="not empty"):
        add_corpus(RAVDESS, other, tmp_path / "full")
    with pytest.raises(UserError, match="no such folder"):
        add_corpus(RAVDESS, tmp_path / "none", tmp_path / "new")
    with pytest.raises(UserError, match="is a file"):
        add_corpus(RAVDESS, tmp_path / "full/thesis.txt", tmp_path / "new")


def test_adapters_are_found_by_name(tmp_path):
    assert adapter_for("ravdess", None) is RAVDESS
    with pytest.raises(UserError, match="did you mean 'crema-d'"):
        adapter_for("cremad", None)
    with pytest.raises(UserError, match="needs --map"):
        adapter_for("folder", None)
    with pytest.raises(UserError, match="belongs to the corpus 'folder'"):
        adapter_for("mead", tmp_path / "map.yaml")


def test_a_link_that_goes_in_a_circle_ends(tmp_path):
    root = trees.ravdess_tree(tmp_path / "ravdess", ["01"])
    (root / "Actor_01" / "all").symlink_to(root)
    (root / "Actor_01" / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    outcome = add_corpus(RAVDESS, root, tmp_path / "out")
    assert len(outcome.clips) == 104
    assert [p.kind for p in outcome.problems.found if "gone" in p.path] == ["damaged"]


def test_a_clip_name_that_comes_twice_is_kept_once(tmp_path):
    root = trees.affectnet_old_tree(tmp_path / "affectnet")
    table = root / "Manually_Annotated_file_lists/training.csv"
    table.write_text(table.read_text() + "103/a1.jpg,1,2,3,4,1,2,0,0\n")
    outcome = add_corpus(AFFECTNET, root, tmp_path / "out")
    assert list(outcome.clips["clip"]).count("103-a1") == 1
    assert [p.kind for p in outcome.problems.found] == ["duplicate"]


# --- what files say of themselves ---------------------------------------------------------------


def test_frames_and_rate_of_real_videos_are_those_of_ffprobe():
    films = sorted((DATA / "video_pyfeat").glob("*.mp4"))
    if not films or shutil.which("ffprobe") is None:
        pytest.skip("needs ../shared/data/video_pyfeat and ffprobe")
    for film in films:
        said = subprocess.run(
            ["ffprobe", "-v", "error", "-select_streams", "v:0", "-count_packets", "-of", "json",
             "-show_entries", "stream=nb_read_packets,avg_frame_rate,width,height", str(film)],
            capture_output=True, check=True,
        ).stdout  # fmt: skip
        (stream,) = json.loads(said)["streams"]
        above, below = map(int, stream["avg_frame_rate"].split("/"))
        seen = look(film)
        assert seen.frames == int(stream["nb_read_packets"])
        assert seen.rate == pytest.approx(above / below, rel=1e-3)
        assert (seen.width, seen.height) == (stream["width"], stream["height"])


def test_flash_video_says_size_and_rate(tmp_path):
    if shutil.which("ffmpeg") is None:
        pytest.skip("needs ffmpeg")
    film = tmp_path / "film.flv"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=d=1:r=30:s=480x360",
         "-f", "lavfi", "-i", "sine=d=1:r=44100", "-c:v", "flv1", "-c:a", "libmp3lame",
         "-ar", "44100", str(film)],
        check=True,
    )  # fmt: skip
    seen = look(film)
    assert (seen.width, seen.height, seen.rate, seen.audio_rate) == (480, 360, 30, 44_100)


WHOLE = {
    "a.wav": trees.wav(), "a.mp4": trees.mp4(), "a.m4a": trees.m4a(), "a.flv": trees.flv(),
    "a.jpg": trees.picture(), "a.png": trees.picture("PNG"),
}  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(WHOLE)), cut=st.integers(0, 400), seed=st.integers(0, 999),
       flips=st.integers(0, 6))  # fmt: skip
def test_no_damage_of_a_file_is_more_than_a_problem(tmp_path_factory, name, cut, seed, flips):
    content = bytearray(WHOLE[name][: max(0, len(WHOLE[name]) - cut)])
    rng = np.random.default_rng(seed)
    for _ in range(flips if content else 0):
        content[rng.integers(len(content))] = rng.integers(256)
    file = trees.put(tmp_path_factory.getbasetemp(), f"damage/{name}", bytes(content))
    with contextlib.suppress(BadFile):  # any other error fails
        look(file)


@pytest.mark.parametrize("name", [n for n in WHOLE if n != "a.flv"])
def test_a_file_cut_in_the_middle_is_found(tmp_path, name):
    look(trees.put(tmp_path, name, WHOLE[name]))
    with pytest.raises(BadFile):
        look(trees.put(tmp_path, name, WHOLE[name][: len(WHOLE[name]) // 2]))


# --- parts without a common actor ---------------------------------------------------------------


def cast(women: int, men: int, unknown: int = 0, clips: int = 3) -> pd.DataFrame:
    people = [(f"w{i:03d}", "female") for i in range(women)]
    people += [(f"m{i:03d}", "male") for i in range(men)]
    people += [(f"u{i:03d}", None) for i in range(unknown)]
    table = pd.DataFrame(people * clips, columns=["actor", "gender"])
    return table.astype("string")


@settings(max_examples=100, deadline=None)
@given(women=st.integers(0, 60), men=st.integers(0, 60), unknown=st.integers(0, 5),
       seed=st.integers(0, 2**32), shares=st.sampled_from([(0.8, 0.1, 0.1), (0.6, 0.2, 0.2),
                                                            (0.5, 0, 0.5)]))  # fmt: skip
def test_parts_share_no_actor_and_have_their_shares_and_genders(women, men, unknown, seed, shares):
    n = women + men + unknown
    if n < 3:
        return
    clips = cast(women, men, unknown)
    clips["split"] = split_by_actor(clips, seed, shares)
    assert (clips.groupby("actor").split.nunique() == 1).all()
    people = clips.drop_duplicates("actor")
    counts = people.split.value_counts().reindex(SPLITS, fill_value=0)
    for part, share in zip(SPLITS, shares, strict=True):
        assert abs(counts[part] - share * n) < 2
        assert (counts[part] > 0) == (share > 0)
        for gender, all_of_them in (("female", women), ("male", men)):
            here = ((people.split == part) & (people.gender == gender)).sum()
            assert abs(here - counts[part] * all_of_them / n) <= 1.5


def test_the_seed_alone_decides_who_is_where():
    clips = cast(12, 12)
    first = clips.assign(split=split_by_actor(clips, 7))
    shuffled = clips.sample(frac=1, random_state=3)
    second = shuffled.assign(split=split_by_actor(shuffled, 7))
    assert (
        first.drop_duplicates("actor").set_index("actor").split.to_dict()
        == second.drop_duplicates("actor").set_index("actor").split.to_dict()
    )
    others = {tuple(split_by_actor(clips, seed)[:24]) for seed in range(20)}
    assert len(others) == 20


def test_every_actor_is_held_out_equally_often():
    clips = cast(12, 12, clips=1)
    out = sum((split_by_actor(clips, seed) == "test").astype(float) for seed in range(600))
    expected = 600 * 2 / 24  # binomial, SD 6.8
    assert np.abs(out - expected).max() < 4.5 * 6.8


def test_clips_without_an_actor_are_in_no_part_and_too_few_actors_are_refused():
    clips = cast(3, 4, clips=1)
    clips.loc[6, "actor"] = pd.NA
    assert split_by_actor(clips, 0).isna().tolist() == [False] * 6 + [True]
    with pytest.raises(UserError, match="2 actors are named"):
        split_by_actor(cast(1, 1), 0)
    with pytest.raises(UserError, match="sum to 1"):
        split_by_actor(cast(9, 9), 0, (0.8, 0.3, 0.1))


def test_corpora_that_do_not_name_people_get_no_parts(tmp_path):
    react = add_corpus(REACT2024, trees.react_tree(tmp_path / "react"), tmp_path / "r")
    assert react.clips.split.isna().all()
    assert "within a conversation only" in react.lines()[1]
    faces = add_corpus(AFFECTNET, trees.affectnet_new_tree(tmp_path / "a"), tmp_path / "b")
    assert faces.clips.split.isna().all()
    assert "fewer than 3 actors are named" in faces.lines()[1]


# --- what a corpus holds ------------------------------------------------------------------------


def test_info_counts_cells_and_finds_what_is_gone(prepared, tmp_path):
    info = describe(prepared)
    angry = dict(zip((c.header for c in info.tables[0].columns),
                     (list(c.cells)[0] for c in info.tables[0].columns), strict=True))  # fmt: skip
    assert angry == {"emotion": "angry", "high": "1", "low": "1", "unspecified": "0", "all": "2",
                     "actors": "1"}  # fmt: skip
    assert "every file is there" in info.lines
    assert "no problems when it was added" in info.lines
    next_step = next(line for line in info.lines if line.startswith("arrays: none yet"))
    named = next_step.removeprefix("arrays: none yet; mien corpus prepare ").split(" makes")[0]
    assert find_corpus(named) == prepared
    (tmp_path / "crema/AudioWAV/1001_IEO_NEU_XX.wav").unlink()
    assert describe(prepared).gone == ["AudioWAV/1001_IEO_NEU_XX.wav"]
    shutil.rmtree(tmp_path / "crema")
    assert any("if it was moved" in line for line in describe(prepared).lines)


def test_info_counts_the_clips_that_problems_concern(tmp_path):
    root = trees.ravdess_tree(tmp_path / "ravdess", ["01", "02"])
    out = add_corpus(RAVDESS, root, tmp_path / "out").folder
    missing = 1440 + 1012 - 2 * 104
    assert any(f"published but not there: {missing:,}" in line for line in describe(out).lines)


def test_a_corpus_is_found_by_its_name(prepared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_corpus("crema-d") == Path("corpora/crema-d")
    assert find_corpus(str(prepared)) == prepared
    with pytest.raises(UserError, match="prepared here: crema-d; did you mean 'crema-d'"):
        find_corpus("crema")


def test_the_contact_sheet_shows_each_actor_with_each_emotion(tmp_path):
    shades = {"neutral": 40, "happy": 220}
    for actor in "123":
        for emotion, shade in shades.items():
            picture = trees.picture("PNG", (64, 64), shade)
            trees.put(tmp_path, f"faces/{actor}-{emotion}.png", picture)
    trees.put(tmp_path, "faces/2-happy.png", b"\x89PNG\r\n\x1a\nIEND")  # cannot be decoded
    text = ("name: faces\nlicence: CC0-1.0\nmay_be_shown: true\n"
            "pattern: '(?P<actor>\\d)-(?P<emotion>\\w+)'\n")  # fmt: skip
    adapter = folder_adapter(load_folder_mapping(trees.put(tmp_path, "map.yaml", text)))
    out = add_corpus(adapter, tmp_path / "faces", tmp_path / "out").folder
    describe(out)
    with Image.open(out / "contact-sheet.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    dark, light = ((pixels == (shade, shade, 120)).all(axis=2).sum() for shade in (40, 220))
    assert dark / 3 == light / 2 == 64 * 64


def test_the_contact_sheet_shows_first_frames_of_videos(tmp_path):
    film = DATA / "video_pyfeat" / "single_face.mp4"
    if not film.is_file() or shutil.which("ffmpeg") is None:
        pytest.skip("needs ../shared/data/video_pyfeat and ffmpeg")
    trees.put(tmp_path, "r/Actor_01/01-01-03-01-01-01-01.mp4", film.read_bytes())
    out = add_corpus(RAVDESS, tmp_path / "r", tmp_path / "out").folder
    assert any(line.startswith("contact sheet: ") for line in describe(out).lines)
    with Image.open(out / "contact-sheet.png") as sheet:
        assert len(np.unique(np.asarray(sheet).reshape(-1, 3), axis=0)) > 500


# --- the licence gate ---------------------------------------------------------------------------


def test_every_corpus_of_a_protocol_has_a_licence():
    assert set(LICENCES) == set(CORPORA)
    assert set(ADAPTERS) == set(CORPORA) - {"actors"}


LINDT = (ROOT / "protocols" / "lindt2019-valence-arousal.yaml").read_text()


def with_corpus(tmp_path: Path, corpus: str) -> Path:
    text = "\n".join(
        f"  corpus: {corpus}" if line.startswith("  corpus:") else line
        for line in LINDT.splitlines()
    )
    return trees.put(tmp_path, f"{corpus}.yaml", text)


def test_a_protocol_of_a_corpus_that_may_not_be_shown_warns(tmp_path):
    assert "caution: celeba may not be shown online" in check_file(with_corpus(tmp_path, "celeba"))
    assert "caution" not in check_file(with_corpus(tmp_path, "actors"))
    assert caution(load(with_corpus(tmp_path, "actors"))) is None


def test_building_a_study_of_a_corpus_that_may_not_be_shown_warns(tmp_path):
    said: list[str] = []
    text = TINY.replace("generator: actor", "generator: context-face\n  corpus: mead")
    build_web(make_study(tmp_path / "mead", text), said.append)
    assert [line for line in said if line.startswith("caution: mead may not be shown online")]


def test_the_command_adds_and_shows(tmp_path):
    trees.ravdess_tree(tmp_path / "src", ["01", "02", "03"])
    command = [sys.executable, str(ROOT / "mien.py"), "corpus"]
    for arguments, said in (
        (["add", "ravdess", "src"], "312 clips of 3 actors"),
        (["add", "ravdess", "src", "--split", "67,33,0"], "train 2, validation 1, test 0"),
        (["info", "ravdess"], "no contact sheet: there is only sound"),
    ):
        done = subprocess.run([*command, *arguments], cwd=tmp_path, capture_output=True, text=True,
                              check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
    for arguments, said in (
        (["add", "ravdes", "src"], "did you mean 'ravdess'"),
        (["add", "ravdess", "src", "--split", "70,20"], "accepted: per cent of the actors for"),
    ):
        done = subprocess.run([*command, *arguments], cwd=tmp_path, capture_output=True, text=True,
                              check=False)  # fmt: skip
        assert done.returncode == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr
