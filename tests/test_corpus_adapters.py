"""Each adapter on a small tree in the exact published layout, whole and broken."""

from __future__ import annotations

import collections
import shutil
from pathlib import Path

import pytest

from protocols.errors import UserError
from stimuli.corpora import ravdess
from stimuli.corpora.adapter import scan
from stimuli.corpora.affectnet import AFFECTNET
from stimuli.corpora.celeba import CELEBA
from stimuli.corpora.crema_d import ACTORS, CREMA_D, ODD, ONCE_SILENT, PATTERN
from stimuli.corpora.folder import FolderMapping, folder_adapter, load_folder_mapping
from stimuli.corpora.mead import MEAD
from stimuli.corpora.prepare import ADAPTERS, add_corpus
from stimuli.corpora.ravdess import RAVDESS
from stimuli.corpora.react2024 import REACT2024
from tests import corpus_trees as trees

DATA = Path(__file__).parents[1].parent / "shared" / "data"


def read(adapter, root):
    """Clips by name, and the problems as (kind, path) -> message."""
    clips, problems = scan(adapter, root)
    return clips.set_index("clip"), {(p.kind, p.path): p.message for p in problems.found}


def kinds(problems) -> collections.Counter:
    return collections.Counter(kind for kind, _ in problems)


# --- RAVDESS ------------------------------------------------------------------------------------


def test_ravdess_publishes_7356_files():
    names = [n for actor in ravdess.ACTORS for c in ravdess.CHANNEL
             for n in ravdess.published(c, actor)]  # fmt: skip
    assert len(set(names)) * len(ravdess.MODALITY) == 7356
    assert len([n for n in names if n.startswith("01")]) == 1440


def test_whole_ravdess_has_no_problem_and_the_published_cells(tmp_path):
    clips, problems = read(RAVDESS, trees.ravdess_tree(tmp_path))
    assert not problems
    assert len(clips) == 1440 + 1012
    assert clips.actor.nunique() == 24
    spoken = clips[clips.channel == "speech"]
    assert set(spoken.groupby(["emotion", "intensity"]).size()) == {96}
    assert not ((clips.emotion == "neutral") & (clips.intensity == "strong")).any()
    assert set(clips.emotion[clips.channel == "song"]) == {
        "neutral", "calm", "happy", "sad", "angry", "fearful"
    }  # fmt: skip
    assert clips.groupby("gender").actor.nunique().to_dict() == {"female": 12, "male": 12}
    assert set(clips.audio_rate) == {48_000}


def test_the_three_files_of_a_ravdess_recording_are_one_clip(tmp_path):
    root = trees.ravdess_tree(tmp_path, ["02"], video=True)
    clips, problems = read(RAVDESS, root)
    assert set(problems) == {("missing", "Actor_*")}
    clip = clips.loc["01-06-02-01-02-02"]
    assert (clip.actor, clip.gender, clip.emotion, clip.intensity) == (
        "02", "female", "fearful", "strong"
    )  # fmt: skip
    assert (clip.sentence, clip["take"], clip.modality) == ("kids", 2, "audio-visual")
    assert clip.video == "Actor_02/01-01-06-02-01-02-02.mp4"
    assert clip.audio == "Actor_02/03-01-06-02-01-02-02.wav"
    assert (clip.width, clip.height, clip.frames) == (1280, 720, 90)
    assert clip.rate == pytest.approx(30_000 / 1001)


def test_the_silent_video_stands_in_for_a_damaged_one(tmp_path):
    root = trees.ravdess_tree(tmp_path, ["02"], video=True)
    trees.put(root, "Actor_02/01-01-06-02-01-02-02.mp4", trees.mp4()[:-20])
    clips, problems = read(RAVDESS, root)
    assert "20 bytes missing" in problems["damaged", "Actor_02/01-01-06-02-01-02-02.mp4"]
    assert clips.video["01-06-02-01-02-02"] == "Actor_02/02-01-06-02-01-02-02.mp4"


def test_broken_ravdess_names_every_problem_and_keeps_the_rest(tmp_path):
    root = trees.ravdess_tree(tmp_path, ["01", "02"])
    good = "Actor_01/03-01-03-01-01-01-01.wav"
    cut = root / "Actor_01/03-01-01-01-01-01-01.wav"
    cut.write_bytes(cut.read_bytes()[:-100])
    trees.put(root, "Actor_01/03-01-01-01-01-02-01.wav", b"")
    trees.put(root, "Actor_01/03-01-01-01-02-01-01.wav", b"ID3 this is no wav at all ...........")
    trees.put(root, "Actor_01/03-01-01-01-02-02-01.wav",
              "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")  # fmt: skip
    (root / "Actor_01/03-01-04-01-01-01-01.wav").unlink()
    (root / "Actor_01/03-01-05-01-01-01-01.wav").rename(root / "Actor_01/angry one.wav")
    shutil.copy(root / "Actor_02/03-01-05-01-01-01-02.wav", root / "Actor_01")
    trees.put(root, "Actor_25/03-01-05-01-01-01-25.wav", trees.wav())
    trees.put(root, "Actor_01/03-01-01-02-01-01-01.wav", trees.wav())
    trees.put(root, "Actor_01/03-01-02-01-01-01-01.mp4", trees.mp4())
    trees.put(root, "copy/Actor_01/03-01-03-01-01-01-01.wav", trees.wav())
    trees.put(root, "Audio_Song.zip", b"PK")
    trees.put(root, "Actor_01/._03-01-03-01-01-01-01.wav", b"left by a Mac")
    clips, problems = read(RAVDESS, root)
    wanted = {
        ("damaged", "Actor_01/03-01-01-01-01-01-01.wav"): "100 bytes of sound missing",
        ("empty", "Actor_01/03-01-01-01-01-02-01.wav"): "zero bytes",
        ("damaged", "Actor_01/03-01-01-01-02-01-01.wav"): "does not begin as WAV",
        ("pointer", "Actor_01/03-01-01-01-02-02-01.wav"): "git lfs pull",
        ("name", "Actor_01/angry one.wav"): "seven two-digit numbers",
        ("conflict", "Actor_01/03-01-05-01-01-01-02.wav"): "actor 02 by its name, 01",
        ("code", "Actor_25/03-01-05-01-01-01-25.wav"): "actor 25",
        ("code", "Actor_01/03-01-01-02-01-01-01.wav"): "strong neutral",
        ("conflict", "Actor_01/03-01-02-01-01-01-01.mp4"): "modality 03 is a .wav",
        ("duplicate", "copy/Actor_01/03-01-03-01-01-01-01.wav"): f"also {good}",
        ("archive", "Audio_Song.zip"): "unpack",
        ("missing", "Actor_01"): "2 of 60 not there: 03-01-04-01-01-01-01, 03-01-05-01-01-01-01",
        ("missing", "Actor_*"): "song, voice: nothing of 21 actors",
    }
    for place, said in wanted.items():
        assert said in problems[place]
    assert set(problems) == set(wanted)
    assert len(clips) == 2 * 104 - 4 - 2
    assert clips.audio["01-03-01-01-01-01"] == good


def test_an_empty_copy_gives_way_to_a_whole_one(tmp_path):
    root = trees.ravdess_tree(tmp_path, ["01"])
    name = "03-01-03-01-01-01-01.wav"
    trees.put(root, f"audio_speech/Actor_01/{name}", trees.wav())
    trees.put(root, f"Actor_01/{name}", b"")
    clips, _ = read(RAVDESS, root)
    assert clips.audio["01-03-01-01-01-01"] == f"audio_speech/Actor_01/{name}"


def test_real_voices_of_ravdess_are_read():
    voices = DATA / "ravdess"
    if not voices.is_dir():
        pytest.skip("needs ../shared/data/ravdess, voices of RAVDESS")
    clips, problems = read(RAVDESS, voices)
    assert set(kinds(problems)) <= {"missing"}
    assert set(clips.audio_rate.dropna()) == {48_000}
    assert clips.duration_s.between(2, 8).all()


# --- CREMA-D ------------------------------------------------------------------------------------


def test_crema_d_joins_video_sound_and_people(tmp_path):
    clips, problems = read(CREMA_D, trees.crema_d_tree(tmp_path))
    assert not problems
    clip = clips.loc["1001_IEO_ANG_HI"]
    assert (clip.actor, clip.gender, clip.age, clip.origin) == ("1001", "male", 51, "Caucasian")
    assert (clip.emotion, clip.intensity, clip.sentence) == ("angry", "high", "IEO")
    assert clip.video == "VideoFlash/1001_IEO_ANG_HI.flv"
    assert clip.audio == "AudioWAV/1001_IEO_ANG_HI.wav"
    assert (clip.width, clip.height, clip.rate) == (480, 360, 29.97)
    assert clips.origin["1002_DFA_HAP_XX"] == "Caucasian, Hispanic"
    assert clips.origin["1076_MTI_SAD_XX"] == "Hispanic"
    assert "no sound" in clips.warnings["1076_MTI_SAD_XX"]
    assert "16 December 2020" in clips.warnings["1076_ITH_HAP_XX"]
    assert clips.may_be_shown.all()


def test_crema_d_without_git_lfs_says_what_to_do(tmp_path):
    root = trees.crema_d_tree(tmp_path)
    for file in [*root.rglob("*.flv"), *root.rglob("*.wav"), *root.rglob("*.mp3")]:
        file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12345\n")
    with pytest.raises(UserError, match="git lfs pull") as told:
        add_corpus(CREMA_D, root, tmp_path.parent / "out")
    assert "Git LFS pointers instead of the files: 21" in str(told.value)


def test_broken_crema_d_names_every_problem_and_keeps_the_rest(tmp_path):
    root = trees.crema_d_tree(tmp_path)
    people = root / "VideoDemographics.csv"
    people.write_text(people.read_text() + '1092,30,"Female","Asian","Not Hispanic"\n')
    (root / "AudioWAV/1002_TIE_DIS_XX.wav").unlink()
    (root / "VideoFlash/1002_TIE_DIS_XX.flv").write_bytes(b"")
    trees.put(root, "AudioWAV/1099_TIE_DIS_XX.wav", trees.wav())
    trees.put(root, "AudioWAV/1001_TIE_DIS_HI.wav", trees.wav())
    trees.put(root, "AudioWAV/1001_TIE_JOY_XX.wav", trees.wav())
    trees.put(root, "AudioWAV/1001-TIE-DIS-XX.wav", trees.wav())
    clips, problems = read(CREMA_D, root)
    wanted = {
        ("label", "VideoDemographics.csv:5"): "actor '1092'",
        ("missing", "1002_*.wav"): "sound (WAV): 1 not there: 1002_TIE_DIS_XX",
        ("empty", "VideoFlash/1002_TIE_DIS_XX.flv"): "zero bytes",
        ("code", "AudioWAV/1099_TIE_DIS_XX.wav"): "actor 1099",
        ("code", "AudioWAV/1001_TIE_DIS_HI.wav"): "level HI of TIE DIS",
        ("code", "AudioWAV/1001_TIE_JOY_XX.wav"): "emotion JOY",
        ("name", "AudioWAV/1001-TIE-DIS-XX.wav"): "1001_IEO_ANG_HI",
    }
    for place, said in wanted.items():
        assert said in problems[place]
    assert set(problems) == set(wanted)
    clip = clips.loc["1002_TIE_DIS_XX"]  # its MP3 is left
    assert (clip.audio, clip.modality) == ("AudioMP3/1002_TIE_DIS_XX.mp3", "audio")
    assert "video unusable" in clip.warnings


def test_a_crema_d_table_with_other_columns_is_a_problem_not_the_end(tmp_path):
    root = trees.crema_d_tree(tmp_path)
    trees.put(root, "VideoDemographics.csv", "Actor_ID,Age,Gender\n1001,51,Male\n")
    clips, problems = read(CREMA_D, root)
    assert "'ActorID' is missing" in problems["table", "VideoDemographics.csv"]
    assert "found: Actor_ID, Age, Gender" in problems["table", "VideoDemographics.csv"]
    assert len(clips) == len(trees.CREMA_CLIPS)
    assert clips.gender.isna().all()


def test_the_real_tables_of_crema_d_fit_the_adapter(tmp_path):
    tables = DATA / "crema-d"
    if not tables.is_dir():
        pytest.skip("needs ../shared/data/crema-d, the tables of CREMA-D")
    for name in ("VideoDemographics.csv", "SentenceFilenames.csv"):
        shutil.copyfile(tables / name, tmp_path / name)
    listed = [line.split('"')[1] for line in
              (tables / "SentenceFilenames.csv").read_text().splitlines()[1:]]  # fmt: skip
    sound = trees.wav(16_000)
    for name in listed:
        trees.put(tmp_path, f"AudioWAV/{name}.wav", sound)
    clips, problems = read(CREMA_D, tmp_path)
    assert not problems
    assert len(clips) == len(listed) == 7442
    assert clips.groupby("gender").actor.nunique().to_dict() == {"female": 43, "male": 48}
    assert sorted(clips.actor.unique()) == list(ACTORS)
    assert (clips.age.min(), clips.age.max()) == (20, 74)
    assert set(ODD) | set(ONCE_SILENT) <= {name for name in listed if PATTERN.fullmatch(name)}


# --- MEAD ---------------------------------------------------------------------------------------


def test_mead_gives_a_clip_for_each_view_with_its_sound(tmp_path):
    clips, problems = read(MEAD, trees.mead_tree(tmp_path))
    assert not problems
    assert len(clips) == 2 * 2 * (7 * 3 * 30 + 40)
    clip = clips.loc["W009_left_30_fear_3_007"]
    assert (clip.actor, clip.gender, clip.emotion, clip.intensity, clip["view"]) == (
        "W009", "female", "fearful", "high", "left_30"
    )  # fmt: skip
    assert clip.audio == "W009/audio/fear/level_3/007.m4a"
    assert (clip.frames, clip.rate, clip.audio_rate) == (90, 30, 48_000)
    assert not clips.may_be_shown.any()


def test_broken_mead_names_every_problem_and_keeps_the_rest(tmp_path):
    root = trees.mead_tree(tmp_path, ["M003"])
    (root / "M003/audio/fear/level_3/007.m4a").unlink()
    shutil.rmtree(root / "M003/video/left_30/sad/level_2")
    trees.put(root, "M003/video/front/neutral/level_2/001.mp4", trees.mp4())
    trees.put(root, "M003/video/side/happy/level_1/001.mp4", trees.mp4())
    trees.put(root, "X01/video/front/joy/level_1/1.mp4", trees.mp4())
    trees.put(root, "M003/video/front/happy/001.mp4", trees.mp4())
    trees.put(root, "M003/audio/happy/level_1/001.mp4", trees.mp4())
    trees.put(root, "M003/video/front/happy/level_1/002.mp4", trees.mp4()[:500])
    trees.put(root, "M009/video.tar", b"tar")
    clips, problems = read(MEAD, root)
    wanted = {
        ("unpaired", "M003/video/front/fear/level_3"): "no sound of 007",
        ("unpaired", "M003/video/left_30/fear/level_3"): "no sound of 007",
        ("missing", "M003/audio/fear/level_3"): "29 of 30",
        ("missing", "M003/video/left_30/sad/level_2"): "0 of 30",
        ("code", "M003/video/front/neutral/level_2/001.mp4"): "level 2 of neutral",
        ("code", "M003/video/side/happy/level_1/001.mp4"): "view 'side'",
        ("code", "X01/video/front/joy/level_1/1.mp4"): "actor 'X01'",
        ("name", "M003/video/front/happy/001.mp4"): "level_1",
        ("conflict", "M003/audio/happy/level_1/001.mp4"): "audio/",
        ("damaged", "M003/video/front/happy/level_1/002.mp4"): "cut off: 66 bytes missing",
        ("archive", "M009/video.tar"): "unpack",
    }
    for place, said in wanted.items():
        assert said in problems[place]
    assert set(problems) == set(wanted)
    assert clips.modality["M003_front_fear_3_007"] == "visual"
    assert clips.modality["M003_front_happy_1_002"] == "audio"
    assert clips.warnings.str.contains("not those of other actors").all()
    assert "joy" in problems["code", "X01/video/front/joy/level_1/1.mp4"]


# --- CelebA -------------------------------------------------------------------------------------


def test_celeba_joins_people_attributes_and_parts(tmp_path):
    clips, problems = read(CELEBA, trees.celeba_tree(tmp_path))
    assert not problems
    clip = clips.loc["000003"]
    assert (clip.actor, clip.gender, clip.attributes) == ("2881", "male", "Male Smiling")
    assert (clip.partition, clip.modality) == ("validation", "picture")
    assert (clip.width, clip.height) == (178, 218)
    assert list(clips.partition) == ["train"] * 2 + ["validation"] * 2 + ["test"] * 2


def test_the_copy_of_celeba_with_commas_reads_the_same(tmp_path):
    whole = trees.celeba_tree(tmp_path / "whole")
    other = tmp_path / "other"
    for picture in (whole / "Img/img_align_celeba").iterdir():
        trees.put(other, f"img_align_celeba/img_align_celeba/{picture.name}", picture.read_bytes())
    lines = (whole / "Anno/list_attr_celeba.txt").read_text().splitlines()[1:]
    rows = ["image_id," + ",".join(lines[0].split())] + [",".join(w.split()) for w in lines[1:]]
    trees.put(other, "list_attr_celeba.csv", "\n".join(rows))
    parts = (whole / "Eval/list_eval_partition.txt").read_text().replace(" ", ",")
    trees.put(other, "list_eval_partition.csv", "image_id,partition\n" + parts)
    expected, _ = read(CELEBA, whole)
    clips, problems = read(CELEBA, other)
    assert list(problems) == [("table", "identity_CelebA.txt")]
    for column in ("gender", "attributes", "partition"):
        assert list(clips[column]) == list(expected[column])
    assert clips.actor.isna().all()


def test_broken_celeba_names_every_problem_and_keeps_the_rest(tmp_path):
    root = trees.celeba_tree(tmp_path)
    table = root / "Anno/list_attr_celeba.txt"
    lines = table.read_text().splitlines()
    lines[2] = lines[2][:-5]
    table.write_text("\n".join(lines))
    people = root / "Anno/identity_CelebA.txt"
    people.write_text(people.read_text().replace("000002.jpg 2880", "000002.jpg someone"))
    (root / "Img/img_align_celeba/000004.jpg").unlink()
    shot = root / "Img/img_align_celeba/000005.jpg"
    shot.write_bytes(shot.read_bytes()[:-60])
    trees.put(root, "Img/img_align_celeba/999999.jpg", trees.picture())
    trees.put(root, "Img/img_align_celeba/000007.jpg", trees.picture())
    clips, problems = read(CELEBA, root)
    wanted = {
        ("label", "Anno/list_attr_celeba.txt:3"): "40 of -1 or 1",
        ("label", "Anno/identity_CelebA.txt:2"): "someone",
        ("missing", "img_align_celeba"): "1 of 5 listed pictures not there: 000004",
        ("damaged", "Img/img_align_celeba/000005.jpg"): "cut off",
        ("name", "Img/img_align_celeba/999999.jpg"): "000001.jpg to 202599.jpg",
        ("unpaired", "img_align_celeba"): "2 pictures stand in no table: 000001, 000007",
    }
    for place, said in wanted.items():
        assert said in problems[place]
    assert set(problems) == set(wanted)
    assert list(clips.index) == ["000001", "000002", "000003", "000006", "000007"]
    trees.put(root, "Anno/list_attr_celeba.txt", "6\nMale Smilling\n000001.jpg 1 1\n")
    _, problems = read(CELEBA, root)
    assert "did you mean 'Smiling'" in problems["table", "Anno/list_attr_celeba.txt"]


# --- AffectNet ----------------------------------------------------------------------------------


def test_affectnet_before_2021_is_read_with_and_without_header(tmp_path):
    clips, problems = read(AFFECTNET, trees.affectnet_old_tree(tmp_path))
    assert not problems
    assert clips.emotion["103-a1"] == "happy"
    assert (clips.valence["103-B2"], clips.arousal["103-B2"]) == (-0.5, 0.6)
    assert clips.image["103-B2"].endswith("103/B2.JPG")
    assert clips.warnings["7-c3"] == "no emotion of the list"
    last = clips.loc["7-d4"]
    assert (last.warnings, last.partition) == ("no face", "validation")
    assert clips.valence.isna()["7-d4"]
    assert clips.actor.isna().all()


def test_affectnet_since_2021_is_read_from_its_arrays(tmp_path):
    clips, problems = read(AFFECTNET, trees.affectnet_new_tree(tmp_path))
    assert not problems
    assert clips.emotion.to_dict() == {
        "train-0": "surprised", "train-12": "contempt", "validation-0": "neutral"
    }  # fmt: skip
    assert (clips.valence["train-0"], clips.arousal["train-0"]) == (0.1, 0.7)


def test_broken_affectnet_names_every_problem_and_keeps_the_rest(tmp_path):
    root = trees.affectnet_new_tree(tmp_path / "new")
    notes = root / "train_set/annotations"
    for name in ("1", "2", "3", "4", "5"):
        trees.put(root, f"train_set/images/{name}.jpg", trees.picture())
        for label in ("exp", "val", "aro"):
            trees.put(root, f"train_set/annotations/{name}_{label}.npy", trees.npy(0))
    (notes / "1_exp.npy").unlink()
    (notes / "2_exp.npy").write_bytes(b"")
    (notes / "3_val.npy").write_bytes(trees.npy(7.0))
    (notes / "4_aro.npy").write_bytes(b"\x80\x04pickle")
    (notes / "5_exp.npy").write_bytes(trees.npy(11))
    (root / "train_set/images/0.jpg").write_bytes(b"<html>403 Forbidden</html>")
    clips, problems = read(AFFECTNET, root)
    assert set(problems) == {
        ("unpaired", "train_set/annotations/1_exp.npy"),
        ("empty", "train_set/annotations/2_exp.npy"),
        ("label", "train_set/images/3.jpg"),
        ("damaged", "train_set/annotations/4_aro.npy"),
        ("label", "train_set/images/5.jpg"),
        ("damaged", "train_set/images/0.jpg"),
    }
    assert list(clips.index) == ["train-12", "train-3", "train-4", "validation-0"]
    assert clips.valence.isna()["train-3"]
    old = trees.affectnet_old_tree(tmp_path / "old")
    lists = old / "Manually_Annotated_file_lists"
    more = "9/gone.jpg,1,2,3,4,1,0,0,0\n103/a1.jpg,1,2,3,4,1,happy,0,0\n"
    (lists / "training.csv").write_text((lists / "training.csv").read_text() + more)
    trees.put(old, "Manually_Annotated_file_lists/validation.csv", "path,label\nx,1\n")
    clips, problems = read(AFFECTNET, old)
    place = "Manually_Annotated_file_lists"
    assert "9/gone.jpg" in problems["missing", f"{place}/training.csv"]
    assert "no number" in problems["label", f"{place}/training.csv:6"]
    assert "'subDirectory_filePath' is missing" in problems["table", f"{place}/validation.csv"]
    assert len(clips) == 3


# --- REACT 2024 ---------------------------------------------------------------------------------


def test_react_joins_frames_sound_ratings_and_partner(tmp_path):
    clips, problems = read(REACT2024, trees.react_tree(tmp_path))
    assert not problems
    clip = clips.loc["train-NoXI-010_2016-03-25_Paris-Novice-1"]
    assert clip.video == "train/Video_files/NoXI/010_2016-03-25_Paris/Novice_video/1"
    assert clip.annotation == "train/Emotion/NoXI/010_2016-03-25_Paris/P2/1.csv"
    assert clip.partner == "train-NoXI-010_2016-03-25_Paris-Expert-1"
    assert (clip.frames, clip.rate, clip.width, clip.audio_rate) == (751, 25, 256, 44_100)
    assert clips.annotation["train-RECOLA-group-1-P26-1"].endswith("group-1/P26/1.csv")


def test_react_people_are_found_under_their_other_names(tmp_path):
    root = trees.react_tree(tmp_path)
    for person, alias in (("P25", "P1"), ("P26", "P2")):
        (root / "train/Emotion/RECOLA/group-1" / person).rename(
            root / "train/Emotion/RECOLA/group-1" / alias
        )
    clips, problems = read(REACT2024, root)
    assert not problems
    assert clips.annotation["train-RECOLA-group-1-P26-1"].endswith("group-1/P2/1.csv")


def test_broken_react_names_every_problem_and_keeps_the_rest(tmp_path):
    root = trees.react_tree(tmp_path)
    noxi = "010_2016-03-25_Paris"
    frames = root / f"train/Video_files/NoXI/{noxi}/Expert_video/1"
    (frames / "17.png").unlink()
    (frames / "18.png").write_bytes(b"")
    (root / f"train/Audio_files/NoXI/{noxi}/Novice_video/1.wav").unlink()
    table = root / f"train/Emotion/NoXI/{noxi}/P2/1.csv"
    table.write_text(table.read_text().replace("AU1,AU2", "AU2,AU1"))
    short = root / "train/Emotion/RECOLA/group-1/P25/1.csv"
    short.write_text("\n".join(short.read_text().splitlines()[:100]))
    (root / "train/Emotion/RECOLA/group-1/P26/1.csv").unlink()
    trees.put(root, "train/Audio_files/NoXI/chat/Teacher/1.wav", trees.wav())
    more = "2,NoXI/x/Expert_video/1,NoXI/x/Novice_video/1\n"
    (root / "train.csv").write_text((root / "train.csv").read_text() + more)
    clips, problems = read(REACT2024, root)
    wanted = {
        ("damaged", f"train/Video_files/NoXI/{noxi}/Expert_video/1"):
            "750 frames of 751; missing: 17; 1 of zero bytes",
        ("unpaired", "Audio_files"): "1 clips have none",
        ("table", f"train/Emotion/NoXI/{noxi}/P2/1.csv"): "'AU1' stands elsewhere",
        ("damaged", "train/Emotion/RECOLA/group-1/P25/1.csv"): "99 rows",
        ("unpaired", "Emotion"): "train-RECOLA-group-1-P26-1",
        ("code", "train/Audio_files/NoXI/chat/Teacher/1.wav"): "person 'Teacher'",
        ("missing", "train.csv"): "1 of 3 pairs",
    }  # fmt: skip
    for place, said in wanted.items():
        assert said in problems[place]
    assert set(problems) == set(wanted)
    assert len(clips) == 4
    assert clips.modality[f"train-NoXI-{noxi}-Novice-1"] == "visual"
    assert clips.annotation.notna().sum() == 1


# --- own material -------------------------------------------------------------------------------

LONDON = """
name: london
licence: CC-BY-4.0
may_be_shown: true
cite: DeBruine & Jones (2017)
files: ["*.jpg"]
pattern: '(?P<actor>\\d{3})_(?P<emotion>\\d\\d)'
values: {emotion: {"03": neutral, "08": happy}}
table:
  file: london_info.csv
  key: {actor: face_id}
  columns: {gender: face_gender, age: face_age, origin: face_eth}
"""
EMODB = """
name: emodb
licence: CC0-1.0
may_be_shown: true
pattern: '(?P<actor>\\d\\d)(?P<sentence>[ab]\\d\\d)(?P<emotion>[A-Z])(?P<version>[a-z])'
table: {file: speakers.csv, key: {version: letter}, columns: {take: number}}
values:
  emotion: {F: happy, N: neutral, W: angry, T: sad, A: fearful, L: bored, E: disgusted}
"""


def mapping(tmp_path, text: str) -> FolderMapping:
    return load_folder_mapping(trees.put(tmp_path, "mapping.yaml", text))


def test_photographs_of_ones_own_are_read_with_a_mapping(tmp_path):
    faces = DATA / "faces_london"
    if not faces.is_dir():
        pytest.skip("needs ../shared/data/faces_london, real photographs")
    clips, problems = read(folder_adapter(mapping(tmp_path, LONDON)), faces)
    assert not problems
    assert clips.groupby("emotion").actor.nunique().to_dict() == {
        "happy": clips.actor.nunique(), "neutral": clips.actor.nunique()
    }  # fmt: skip
    clip = clips.loc["001_08"]
    assert (clip.gender, clip.age, clip.origin, clip.width) == ("female", 24, "white", 1350)


def test_recordings_of_ones_own_are_read_with_a_mapping(tmp_path):
    voices = DATA / "speech_emodb"
    if not voices.is_dir():
        pytest.skip("needs ../shared/data/speech_emodb, real recordings")
    clips, problems = read(folder_adapter(mapping(tmp_path, EMODB)), voices)
    assert set(problems) == {("table", "speakers.csv")}
    assert sorted(clips.emotion) == sorted(
        ["happy", "neutral", "angry", "sad", "fearful", "bored", "disgusted"]
    )
    assert set(clips.audio_rate) == {16_000}
    assert clips.duration_s.between(1, 5).all()


def test_a_video_and_its_sound_are_one_clip_of_ones_own(tmp_path):
    text = """
name: own
licence: ours
may_be_shown: false
pattern: '(?:video|voice)/(?P<actor>\\w)-(?P<emotion>\\w+)-(?P<take>\\d)'
clip: [actor, emotion, take]
"""
    root = tmp_path / "own"
    trees.put(root, "video/a-joy-1.mp4", trees.mp4())
    trees.put(root, "voice/a-joy-1.wav", trees.wav())
    trees.put(root, "voice/b-joy-2.wav", trees.wav())
    trees.put(root, "voice/b-joy-2.flac", trees.wav())
    clips, problems = read(folder_adapter(mapping(tmp_path, text)), root)
    assert kinds(problems) == {"damaged": 1, "duplicate": 1}
    assert clips.modality.to_dict() == {"a-joy-1": "audio-visual", "b-joy-2": "audio"}
    assert clips["take"].to_dict() == {"a-joy-1": 1, "b-joy-2": 2}
    assert not clips.may_be_shown.any()


@pytest.mark.parametrize(("change", "said"), [
    ("pattern: '(?P<actr>\\d+)'", "did you mean 'actor'"),
    ("pattern: '(\\d+)'", "needs a named group"),
    ("pattern: '(?P<actor>\\d+'", "not a regular expression"),
    ("pattern: '(?P<actor>\\d+)'\nvalue: {}", "did you mean 'values'"),
    ("pattern: '(?P<actor>\\d+)'\nvalues: {emotion: {a: b}}", "'emotion' comes from nowhere"),
])  # fmt: skip
def test_a_wrong_mapping_is_explained(tmp_path, change, said):
    with pytest.raises(UserError, match="mapping.yaml:") as told:
        mapping(tmp_path, f"name: own\nlicence: ours\nmay_be_shown: true\n{change}\n")
    assert said in str(told.value)


def test_a_broken_folder_of_ones_own_keeps_the_rest(tmp_path):
    root = tmp_path / "faces"
    for name in ("001_03", "001_08", "002_03", "003_03", "004_99", "thumb"):
        trees.put(root, f"{name}.jpg", trees.picture())
    trees.put(root, "001_08.jpg", b"")
    table = "face_id,face_age,face_gender,face_eth\n001,old,female,white\n002,30,male,\n"
    trees.put(root, "london_info.csv", table)
    clips, problems = read(folder_adapter(mapping(tmp_path, LONDON)), root)
    assert set(problems) == {
        ("empty", "001_08.jpg"), ("code", "004_99.jpg"), ("name", "thumb.jpg"),
        ("label", "001_03.jpg"), ("label", "001_08.jpg"), ("label", "003_03.jpg"),
        ("label", "004_99.jpg"),
    }  # fmt: skip
    assert "age 'old'" in problems["label", "001_03.jpg"]
    assert "actor '003' is not in london_info.csv" in problems["label", "003_03.jpg"]
    assert list(clips.index) == ["001_03", "002_03", "003_03"]


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_folder_of_something_else_is_refused_with_an_example(name, tmp_path):
    trees.put(tmp_path, "src/holiday/beach.jpg", b"")
    trees.put(tmp_path, "src/notes.txt", "nothing")
    with pytest.raises(UserError, match=f"no usable clip of {name}; expected such as"):
        add_corpus(ADAPTERS[name], tmp_path / "src", tmp_path / "out")
    assert not (tmp_path / "out").exists()
