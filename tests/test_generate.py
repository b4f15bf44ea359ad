"""From protocol to files: the same bytes whatever the batch, the processes or an interruption."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from protocols.errors import UserError
from protocols.manifest import read_manifest
from protocols.reading import load
from stimuli.generate import generate, preview

ROOT = Path(__file__).parents[1]
SMALL = """\
name: small
title: A small set
seed: 3
stimuli:
  generator: actor
  identities: 2
  factors: {emotion: [angry, happy], m: [0, 0.5, 1]}
  size: 64
tasks:
  - {id: valence, type: likert, question: How positive?}
design: {rotate: [emotion]}
recruitment: {per_list: 2}
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("protocol") / "small.yaml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="module")
def made(small, cache, tmp_path_factory):
    """The small set, made on one process in batches of 16."""
    folder = tmp_path_factory.mktemp("made") / "study"
    outcome = generate(load(small), folder, cache=cache)
    assert (outcome.made, outcome.kept) == (12, 0)
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted((folder / "stimuli").glob("*.png"))
    }


def test_bytes_do_not_depend_on_batch_or_processes(made, small, cache, tmp_path):
    for name, options in {
        "batch": {"batch_size": 1},
        "workers": {"workers": 2, "batch_size": 2},
    }.items():
        generate(load(small), tmp_path / name, cache=cache, **options)
        assert digests(tmp_path / name) == digests(made)


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(made, small, cache, tmp_path):
    folder = tmp_path / "study"
    command = [sys.executable, ROOT / "mien.py", "generate", small, "-o", folder]
    command += ["--cache", cache, "--batch-size", "1", "--workers", "2"]
    quiet = {"stderr": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    run = subprocess.Popen(command, start_new_session=True, **quiet)
    until = time.time() + 120
    while len(list(folder.glob("stimuli/stim-*.json"))) < 3:
        assert run.poll() is None, "the run ended before it could be killed"
        assert time.time() < until
        time.sleep(0.01)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    until = time.time() + 30
    while group_is_alive(run.pid):  # its workers end with it, and write no more
        assert time.time() < until, "a worker lives on"
        time.sleep(0.05)
    left = len(list(folder.glob("stimuli/stim-*.json")))
    assert left < 12
    outcome = generate(load(small), folder, cache=cache)
    assert outcome.kept >= 3
    assert outcome.made + outcome.kept == 12
    assert digests(folder) == digests(made)
    assert not [f for f in (folder / "stimuli").iterdir() if f.name.startswith(".stim")][2:]


def test_ctrl_c_ends_in_one_line_and_leaves_no_process(small, cache, tmp_path):
    folder = tmp_path / "study"
    command = [sys.executable, ROOT / "mien.py", "generate", small, "-o", folder]
    command += ["--cache", cache, "--batch-size", "1", "--workers", "2"]
    run = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    until = time.time() + 120
    while not list(folder.glob("stimuli/stim-*.json")):
        assert time.time() < until
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    said = run.communicate(timeout=60)[1]
    assert run.returncode == 130
    assert said.splitlines()[-1].startswith("interrupted; run the same command again")
    assert "Traceback" not in said
    until = time.time() + 30
    while group_is_alive(run.pid):
        assert time.time() < until, "a worker lives on"
        time.sleep(0.1)


def group_is_alive(group: int) -> bool:
    """Whether a process of the group still runs (one that has ended but is not reaped does not)."""
    states = subprocess.run(
        ["ps", "-e", "-o", "pgid=,stat="], capture_output=True, text=True, check=True
    )
    rows = (line.split() for line in states.stdout.splitlines())
    return any(int(pgid) == group and not state.startswith("Z") for pgid, state in rows)


def test_m_zero_is_the_same_picture_for_every_emotion(made):
    table = read_manifest(made / "stimuli", read_files=True)
    for _, rows in table[table.m == 0].groupby("identity"):
        assert set(rows.emotion) == {"angry", "happy"}
        assert rows.sha256.nunique() == 1
    assert table[table.m == 1].sha256.nunique() == 4


def test_pictures_move_away_from_neutral_as_m_grows(made):
    table = read_manifest(made / "stimuli").set_index(["identity", "emotion", "m"])
    for identity in ("01", "02"):
        for emotion in ("angry", "happy"):
            faces = [
                np.asarray(Image.open(made / "stimuli" / table.loc[(identity, emotion, m), "file"]))
                for m in (0, 0.5, 1)
            ]
            half, full = (np.abs(face.astype(float) - faces[0]).mean() for face in faces[1:])
            assert 0 < half < full


def test_the_manifest_says_how_each_picture_was_made(made):
    table = read_manifest(made / "stimuli")
    assert len(table) == 12
    assert set(table.licence) == {"CC0-1.0"}
    assert table.seed.nunique() == 12
    row = table.iloc[-1]
    sidecar = json.loads((made / "stimuli" / row.file.replace(".png", ".json")).read_text())
    assert sidecar["sha256"] == row.sha256
    assert sidecar["recipe"]["levels"] == {"emotion": row.emotion, "m": row.m}
    with Image.open(made / "stimuli" / row.file) as picture:
        assert picture.size == (row.width, row.height) == (64, 64)
        assert "synthetic" in picture.text["Comment"]  # type: ignore[attr-defined]
    sums = (made / "stimuli" / "checksums.sha256").read_text()
    assert f"{row.sha256}  {row.file}\n" in sums


def test_checksums_are_those_of_an_independent_tool(made):
    done = subprocess.run(
        ["sha256sum", "--check", "--quiet", "checksums.sha256"], cwd=made / "stimuli", check=False
    )
    assert done.returncode == 0


def test_adding_a_level_reshuffles_nothing(made, small, cache, tmp_path):
    wider = load(
        small, {"stimuli.factors": {"emotion": ["angry", "happy"], "m": [0, 0.25, 0.5, 1]}}
    )
    generate(wider, tmp_path / "wider", cache=cache)
    before = read_manifest(made / "stimuli").set_index("stimulus_id")
    after = read_manifest(tmp_path / "wider" / "stimuli").set_index("stimulus_id")
    assert len(after) == 16
    assert (after.loc[before.index, ["seed", "sha256"]] == before[["seed", "sha256"]]).all(
        axis=None
    )


def test_a_damaged_file_is_made_again_on_request(made, small, cache):
    before = digests(made)
    victim = made / "stimuli" / sorted(before)[1]
    content = bytearray(victim.read_bytes())
    content[-20] ^= 1
    victim.write_bytes(content)
    assert generate(load(small), made, cache=cache).made == 0  # same size: only --verify reads it
    assert generate(load(small), made, cache=cache, verify=True).made == 1
    assert digests(made) == before


def test_stimuli_of_another_recipe_are_never_overwritten(small, cache, tmp_path, monkeypatch):
    generate(load(small), tmp_path / "study", cache=cache)
    before = digests(tmp_path / "study")
    monkeypatch.setattr("stimuli.actor_pictures.VERSION", "0-older")
    with pytest.raises(UserError, match="choose another folder"):
        generate(load(small), tmp_path / "study", cache=cache)
    assert digests(tmp_path / "study") == before


def test_preview_is_one_contact_sheet_and_no_study(small, cache, tmp_path):
    sheet = preview(load(small), tmp_path / "small-preview.png", cache)
    with Image.open(sheet) as picture:
        assert picture.width > 6 * 64
    assert list(tmp_path.iterdir()) == [sheet]
