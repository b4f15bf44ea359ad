"""REACT 2024 as training data: faces, voices, partners, neighbours, and what is left out."""

from __future__ import annotations

import io
import wave
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: its data are not tested")

import mien  # noqa: E402
from models.reaction.attributes import ATTRIBUTES, in_range  # noqa: E402
from models.reaction.data import load_data  # noqa: E402
from models.reaction.voice import voice_features  # noqa: E402
from protocols.errors import UserError  # noqa: E402
from stimuli.corpora.prepare import add_corpus  # noqa: E402
from stimuli.corpora.react2024 import REACT2024  # noqa: E402
from stimuli.reactions import corpus_data, dyad_files  # noqa: E402
from stimuli.reactions import data as making  # noqa: E402
from stimuli.reactions.corpus_data import data_of_corpus, place_of  # noqa: E402
from stimuli.reactions.data import DataSettings, build  # noqa: E402
from stimuli.reactions.dyad_files import write_dyads  # noqa: E402
from stimuli.reactions.neighbours import read_neighbours  # noqa: E402

RATE, ROWS = 8_000, 750
CHATS = {"train": ("NoXI/010_2016-03-25_Paris", "NoXI/011_2016-03-25_Paris"),
         "val": ("RECOLA/group-1",)}  # fmt: skip
PEOPLE = {
    "NoXI": {"Expert_video": "P1", "Novice_video": "P2"},
    "RECOLA": {"P25": "P1", "P26": "P2"},
}


@cache
def face_of(number: int) -> np.ndarray:
    """A face (750, 25) of whole thousandths, another for each number."""
    rng = np.random.default_rng(number)
    slow = np.repeat(rng.random((ROWS // 25, 25)), 25, 0)
    slow[:, :15] = slow[:, :15] > 0.5  # REACT's action units are there or not
    slow[:, 15:17] = 2 * slow[:, 15:17] - 1
    face = in_range(slow).astype(float).round(4)
    face.flags.writeable = False  # one for all tests
    return face


def table(face: np.ndarray, names: tuple[str, ...] = ATTRIBUTES) -> str:
    lines = [",".join(f"{x:g}" for x in row) for row in face]
    return "\n".join([",".join(names), *lines]) + "\n"


@cache
def usual_table(number: int) -> bytes:
    return table(face_of(number)).encode()


@cache
def sound(number: int, seconds: float = 30.04, rate: int = RATE) -> bytes:
    rng = np.random.default_rng(100 + number)
    samples = (4000 * rng.standard_normal(round(seconds * rate))).clip(-32768, 32767)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return out.getvalue()


def places(root: Path) -> list[tuple[Path, Path]]:
    """Sound and table of every clip, in the order of their numbers."""
    found = []
    for part, chats in CHATS.items():
        for chat in chats:
            for person, alias in PEOPLE[chat.split("/")[0]].items():
                found.append((root / part / "Audio_files" / chat / person / "1.wav",
                              root / part / "Emotion" / chat / alias / "1.csv"))  # fmt: skip
    return found


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "REACT" / "data"
    for number, (audio, annotation) in enumerate(places(root)):
        for path, content in ((audio, sound(number)), (annotation, usual_table(number))):
            path.parent.mkdir(parents=True)
            path.write_bytes(content)
    for part, chats in CHATS.items():
        first, second = list(PEOPLE[chats[0].split("/")[0]])
        pairs = [f"{i},{chat}/{first}/1,{chat}/{second}/1" for i, chat in enumerate(chats)]
        (root / f"{part}.csv").write_text("\n".join([",speaker,listener", *pairs]) + "\n")
    return root.parent


def made(tree: Path, tmp_path: Path, name: str = "data"):
    found = data_of_corpus(place_of(str(tree)), tmp_path / name)
    return load_data(found.path), list(found.lines)


def test_each_person_speaks_once_and_answers_once(tree, tmp_path):
    data, told = made(tree, tmp_path)
    assert data.part.tolist() == [0] * 4 + [1] * 2
    step = np.full(25, 0.5 / 255)
    step[15:17] *= 2
    for number in range(6):
        face = face_of(number)
        assert (np.abs(data.face[number] - face) <= step + 1e-4).all()
        partner = number + 1 if number % 2 == 0 else number - 1
        (row,) = data.reactions_to(number)
        assert (np.abs(data.reactions[row] - face_of(partner)) <= step + 1e-4).all()
        assert data.listener[row] == data.speaker[partner] != data.speaker[number]
        assert (np.abs(data.heard[number] - face[:, 15:]) <= step[15:] + 1e-4).all()
    samples = np.frombuffer(sound(3)[44:], "<i2").astype(np.float32) / 32768
    voice = voice_features(torch.from_numpy(samples.copy()), RATE, 750).numpy()
    assert np.abs(data.voice[3] - voice).mean() < 0.1
    assert told == ["train: no neighbour_emotion_train.npy; the partner's reaction alone",
                    "val: no neighbour_emotion_val.npy; the partner's reaction alone"]  # fmt: skip
    assert "react" in data.facts["made"]


def test_an_added_corpus_gives_the_same_as_the_published_folder(tree, tmp_path):
    add_corpus(REACT2024, tree, tmp_path / "corpora")
    corpus = place_of(str(tmp_path / "corpora"))
    path = data_of_corpus(corpus, tmp_path / "added").path
    plain = made(tree, tmp_path)[0]
    added = load_data(path)
    assert np.array_equal(added.face.codes, plain.face.codes)
    assert np.array_equal(added.of, plain.of)
    before = path.stat().st_mtime_ns
    assert data_of_corpus(corpus, tmp_path / "added").path == path
    assert path.stat().st_mtime_ns == before  # kept
    assert list((tmp_path / "added").iterdir()) == [path]
    places(tree / "data")[0][1].write_text(table(face_of(0)[:, :]).replace("0,", "0.0,", 1))
    with pytest.raises(UserError, match="made from another corpus"):
        data_of_corpus(corpus, tmp_path / "added")


def test_neighbours_answer_as_well_in_the_order_of_the_list_and_then_swapped(tree, tmp_path):
    """Rows are pairs 0 and 1, and the same swapped: 2 has the novice of pair 0 as its speaker."""
    matrix = np.eye(4)
    matrix[0, 1] = matrix[0, 3] = matrix[2, 1] = 1
    np.save(tree / "data" / "neighbour_emotion_train.npy", matrix)
    data, told = made(tree, tmp_path)
    assert told == ["val: no neighbour_emotion_val.npy; the partner's reaction alone"]

    def faces(clip):
        return {next(n for n in range(6) if np.abs(data.reactions[r] - face_of(n)).max() < 0.01)
                for r in data.reactions_to(clip)}  # fmt: skip

    # clips are sorted: 2 c is the expert of pair c, 2 c + 1 its novice
    assert faces(0) == {1, 3, 2}  # own novice, novice of pair 1, expert of pair 1 (swapped)
    assert faces(1) == {0, 3}
    assert faces(2) == {3}


def test_of_many_neighbours_some_are_drawn_the_same_each_time(tree, tmp_path, monkeypatch):
    monkeypatch.setitem(corpus_data.REACTIONS, "train", 2)
    np.save(tree / "data" / "neighbour_emotion_train.npy", np.ones((4, 4), np.uint8))
    data, _ = made(tree, tmp_path)
    assert np.bincount(data.of).tolist() == [2] * 4 + [1, 1]
    again, _ = made(tree, tmp_path, "again")
    assert again.facts["sha256"] == data.facts["sha256"]


def test_a_matrix_that_may_run_programs_or_does_not_fit_is_refused(tree, tmp_path):
    file = tree / "data" / "neighbour_emotion_train.npy"
    np.save(file, np.array([[1, 2], [3]], dtype=object), allow_pickle=True)
    with pytest.raises(
        UserError, match=r"train\.npy: not a plain matrix.*matrix_split\.py"
    ) as said:
        made(tree, tmp_path)
    assert "\n" not in str(said.value)
    np.save(file, np.eye(5))
    with pytest.raises(UserError, match="found a matrix of 5 x 5; accepted: 4 x 4"):
        read_neighbours(tree / "data", "train")
    assert read_neighbours(tree / "data", "test") is None


def test_a_face_that_is_not_seen_for_a_while_stays_unseen_and_does_not_answer(tree, tmp_path):
    holes = face_of(0).copy()
    holes[100:200] = np.nan  # 4 s
    short = face_of(3).copy()
    short[10:20, 4] = np.nan  # one number lacks for 0.4 s
    files = places(tree / "data")
    files[0][1].write_text(table(holes))
    files[3][1].write_text(table(short))
    data, _ = made(tree, tmp_path)
    # clip 1 lost its only answer (clip 0), so the others move up
    assert len(data.part) == 5
    seen = data.seen_in(np.arange(5), np.zeros(5, int), ROWS)
    assert np.flatnonzero(~seen[0]).tolist() == list(range(100, 200))
    assert np.flatnonzero(~seen[2]).tolist() == list(range(10, 20))
    assert seen[[1, 3, 4]].all()
    row = data.reactions_to(1)[0]  # the expert of the second pair hears clip 3
    expected = np.linspace(short[9, 4], short[20, 4], 12)[1:-1]
    np.testing.assert_allclose(data.reactions[row][10:20, 4], expected, atol=0.01)


def test_what_cannot_be_used_is_left_out_and_told_in_one_line_each(tree, tmp_path):
    files = places(tree / "data")
    files[0][0].write_bytes(sound(0, seconds=20.0))
    moved = ("AU2", "AU1", *ATTRIBUTES[2:])
    files[5][1].write_text(table(face_of(5), moved))
    data, told = made(tree, tmp_path)
    assert data.part.tolist() == [0, 0]  # the pair that is whole
    line = told[-1]
    assert line.startswith("3 clips are left out")  # the table is named where it lies as well
    assert "20.00 s of sound, but 1.csv has 30.00 s of face" in line
    assert "'AU1' stands elsewhere" in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda audio, csv: audio.write_bytes(sound(0, seconds=0)), "holds no clip to train from"),
        (lambda audio, csv: csv.write_text(table(np.repeat(face_of(0), 2, 0)[:900])),
         "900 rows; accepted: 750, 751"),
        (lambda audio, csv: csv.write_text(table(5 * face_of(0))), "accepted: 0 to 1"),
        (lambda audio, csv: csv.write_text(table(np.full((750, 25), np.nan))), "no row has all"),
        (lambda audio, csv: audio.unlink(), "holds no clip to train from"),
    ],
)  # fmt: skip
def test_a_corpus_without_a_whole_pair_says_why(tree, tmp_path, spoil, said):
    for audio, annotation in places(tree / "data")[:4:2]:
        spoil(audio, annotation)
    with pytest.raises(UserError, match=said) as error:
        made(tree, tmp_path)
    assert "\n" not in str(error.value)


def test_reading_goes_on_where_it_stopped(tree, tmp_path):
    whole = made(tree, tmp_path)[0].facts["sha256"]

    def stop(done, total) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        data_of_corpus(tree, tmp_path / "cut", progress=stop)
    told = []
    found = data_of_corpus(
        tree, tmp_path / "cut", progress=lambda done, total: told.append((done, total))
    )
    assert told == [(done, 6) for done in range(5, 7)]  # four clips had been read
    assert load_data(found.path).facts["sha256"] == whole


def test_films_of_another_rate_are_named(tree):
    clips, _, wrong = corpus_data._clips(tree)
    clips.loc[clips.index[1], "rate"] = 30.0
    kept = corpus_data._whole(clips, wrong)
    assert len(kept) == len(clips) - 1
    assert wrong == [f"{clips['clip'].iloc[1]}: 30 frames a second; accepted: 25"]


def test_another_corpus_and_an_empty_folder_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="nor REACT 2024 as it is published"):
        data_of_corpus(place_of(str(tmp_path / "empty")), tmp_path / "data")
    with pytest.raises(UserError, match="no prepared corpus of this path or name"):
        place_of(str(tmp_path / "nowhere"))


# --- mien's own, in the same layout ---------------------------------------------------------------


def test_mien_s_own_speakers_and_listeners_come_back_from_the_published_layout(
    tmp_path, monkeypatch
):
    """What the adapter reads of the files is what the data file of the same people holds."""
    really, known = making.dyad, {}

    def once(job, number):
        key = job.path.stem, number
        return known[key] if key in known else known.setdefault(key, really(job, number))

    monkeypatch.setattr(making, "dyad", once)  # nobody has to say it twice
    monkeypatch.setattr(dyad_files, "dyad", once)
    few = DataSettings(speakers=(1, 0, 0), listeners=(2, 1, 1), reactions=(4, 2, 2), clips=1)
    own = load_data(build(tmp_path / "own", few))
    root = write_dyads(tmp_path / "dyads", few)
    found = data_of_corpus(place_of(str(root)), tmp_path / "read")
    assert found.lines == ()  # nothing is left out, and every part has its matrix
    data = load_data(found.path)
    step = np.full(25, 0.5 / 255 + 1e-4)  # of each of the two files
    step[15:17] *= 2
    (row,) = np.flatnonzero([len(data.reactions_to(i)) > 1 for i in range(len(data.part))])
    assert len(data.part) == 1 + 4  # listeners are speakers once, as there: silent ones
    assert (np.abs(data.face[row] - own.face[0]) <= 2 * step).all()
    steps = sum((file.voice.high - file.voice.low) / 255 for file in (data, own))
    assert (np.abs(data.voice[row] - own.voice[0]) / steps).mean() < 0.5
    theirs = data.reactions[data.reactions_to(int(row))]
    order = [int(np.abs(own.reactions[:] - one).max((1, 2)).argmin()) for one in theirs]
    assert sorted(order) == [0, 1, 2, 3]
    assert (np.abs(theirs - own.reactions[order]) <= 2 * step).all()
    kept = {path: path.stat().st_mtime_ns for path in root.rglob("1.*")}
    write_dyads(root, few)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("1.*")} == kept
    with pytest.raises(UserError, match="holds other files; give a new folder"):
        write_dyads(root, replace(few, seed=3))


def test_the_verb_writes_all_of_them_where_it_is_told_to(tmp_path, monkeypatch, capsys):
    asked = {}

    def write(folder, **rest):
        asked.update(folder=folder, workers=rest["workers"])
        return folder

    monkeypatch.setattr(dyad_files, "write_dyads", write)
    line = ["corpus", "make", "dyads", "-o", str(tmp_path / "d"), "--workers", "3"]
    mien.app(line, standalone_mode=False)
    assert asked == {"folder": tmp_path / "d", "workers": 3}
    assert str(tmp_path / "d") in capsys.readouterr().out.replace("\n", "")


@pytest.mark.parametrize("words", [["--actors", "3"], ["--still"], ["--seed", "0"]])
def test_dyads_refuse_what_only_the_actors_corpus_takes(tmp_path, words):
    out = tmp_path / "dyads"
    with pytest.raises(UserError, match=f"{words[0]}: found it with the corpus 'dyads'.*-o and"):
        mien.app(["corpus", "make", "dyads", *words, "-o", str(out)], standalone_mode=False)
    assert not out.exists()
