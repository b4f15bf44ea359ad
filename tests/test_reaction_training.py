"""Training of listener reactions: the data file, stages, resumed, refused and shipped."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: training is not tested")
pytest.importorskip("lightning", reason="Lightning is not installed: training is not tested")

from models.reaction.data import CODES, ReactionData, load_data, save_data  # noqa: E402

CLIPS, EACH, FRAMES = 6, 3, 60


def tables(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Arrays of a data file: six speakers, two in each part, three reactions to each."""
    face = rng.random((CLIPS, FRAMES, 25), np.float32)
    face[..., 15:17] = 2 * face[..., 15:17] - 1
    return {
        "face": face, "voice": rng.standard_normal((CLIPS, FRAMES, 78)).astype(np.float32),
        "heard": face[..., 15:], "part": np.array([0, 0, 1, 1, 2, 2]),
        "speaker": np.arange(CLIPS), "reactions": np.repeat(face, EACH, 0),
        "of": np.repeat(np.arange(CLIPS), EACH), "listener": CLIPS + np.arange(CLIPS * EACH),
    }  # fmt: skip


def saved(tmp_path, **changed) -> ReactionData:
    path = tmp_path / "data.safetensors"
    save_data(path, **(tables(np.random.default_rng(1)) | changed), licence="ours")
    return load_data(path)


def test_a_data_file_gives_back_what_was_written_to_half_a_step(tmp_path):
    given, data = tables(np.random.default_rng(1)), saved(tmp_path)
    half = np.full(25, 0.5 / CODES)
    half[15:17] *= 2  # valence and arousal reach from -1 to 1
    for name, step in (("face", half), ("reactions", half), ("heard", half[15:])):
        assert (np.abs(getattr(data, name)[:] - given[name]) <= step + 1e-6).all()
    spread = given["voice"].std((0, 1))
    assert (np.abs(data.voice[:] - given["voice"]) <= 0.025 * spread).all()
    for name in ("part", "speaker", "of", "listener"):
        assert np.array_equal(getattr(data, name), given[name])
    assert data.facts["licence"] == "ours"
    assert len(data.facts["sha256"]) == 64


def test_windows_are_what_rows_give_cut_out(tmp_path):
    data = saved(tmp_path)
    rows, starts = np.array([4, 0, 4]), np.array([0, 7, 30])
    window = data.face.window(rows, starts, 20)
    for got, row, start in zip(window, rows, starts, strict=True):
        assert np.array_equal(got, data.face[row][start : start + 20])


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"speaker": np.array([0, 1, 1, 3, 4, 5])}, "person 1: is in two parts"),
        ({"of": np.repeat([0, 1, 2, 3, 4, 4], EACH)}, "clip 5: has no reaction"),
        ({"heard": np.zeros((CLIPS, FRAMES + 1, 10))}, "heard: found 6 series of 61 frames"),
        ({"face": np.full((CLIPS, FRAMES, 25), np.nan)}, "face: found values that are no numbers"),
        ({"face": np.zeros((CLIPS, FRAMES, 24))}, "face: found shape"),
    ],
)
def test_tables_that_contradict_each_other_are_refused(tmp_path, changed, says):
    with pytest.raises(ValueError, match=says):
        saved(tmp_path, **changed)
