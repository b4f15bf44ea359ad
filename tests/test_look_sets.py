"""A matched set from protocol to files: the same bytes however it is made, and a true manifest."""

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
SET = """\
name: matched
title: A matched set
seed: 3
stimuli:
  generator: actor
  identities: 2
  factors: {emotion: [happy], orientation: [upright, inverted], scramble: [none, phase, blocks]}
  size: 64
  look: {mask: oval, colour: grey, match: mean-sd}
tasks:
  - {id: valence, type: likert, question: How positive?}
recruitment: {per_list: 2}
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def matched(tmp_path_factory):
    path = tmp_path_factory.mktemp("protocol") / "matched.yaml"
    path.write_text(SET)
    return path


@pytest.fixture(scope="module")
def made(matched, cache, tmp_path_factory):
    """The set made on one process, and what the run said."""
    folder = tmp_path_factory.mktemp("made") / "study"
    outcome = generate(load(matched), folder, cache=cache)
    return folder, outcome


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every picture, original and sidecar, and of the set's target."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for pattern in ("stim-*", "originals/*")
        for file in sorted((folder / "stimuli").glob(pattern))
    }


def pixels(folder: Path, name: str) -> np.ndarray:
    with Image.open(folder / "stimuli" / name) as picture:
        return np.asarray(picture)


def test_every_picture_of_the_set_reaches_the_same_mean_and_contrast(made):
    folder, outcome = made
    assert (outcome.made, outcome.kept) == (12, 0)
    table = read_manifest(folder / "stimuli", read_files=True)
    target = json.loads((folder / "stimuli/originals/set.json").read_text())["target"]
    assert abs(table.luminance_mean - target["mean"]).max() < 0.5
    assert abs(table.luminance_sd - target["sd"]).max() < 0.5
    assert any(line.startswith("inside the mask: mean ") for line in outcome.lines())
    # The target is the average of the originals, measured here in the files as drawn.
    sidecars = [json.loads(f.read_text()) for f in folder.glob("stimuli/originals/stim-*.json")]
    assert target["mean"] == pytest.approx(np.mean([s["measured"]["mean"] for s in sidecars]))


def test_the_manifest_says_the_look_of_each_picture(made):
    table = read_manifest(made[0] / "stimuli").set_index(["identity", "orientation", "scramble"])
    assert table.look["01", "upright", "none"] == "grey, mean-sd matched, oval mask"
    assert table.look["01", "inverted", "blocks"] == (
        "grey, block-scrambled, mean-sd matched, oval mask, inverted"
    )


def test_an_inverted_picture_is_the_upright_one_turned(made):
    folder = made[0]
    files = read_manifest(folder / "stimuli").set_index(["identity", "orientation", "scramble"])
    for who in ("01", "02"):
        upright, turned = (
            pixels(folder, files.file[who, way, "none"]) for way in ("upright", "inverted")
        )
        (top, _), (bottom, _) = np.argwhere(upright[..., 0] != 128)[[0, -1]]
        rows, columns = slice(top, bottom + 1), slice(18, 46)
        assert top > 5  # the oval stays in its place, and is as wide on either side of column 31.5
        assert (turned[rows, columns] == upright[rows, columns][::-1, ::-1]).all()


def test_the_originals_are_the_pictures_of_the_same_study_without_a_look(
    made, matched, cache, tmp_path
):
    plain = load(matched, {"stimuli.look": None, "stimuli.factors": {"emotion": ["happy"]}})
    generate(plain, tmp_path / "plain", cache=cache)
    for who in ("01", "02"):
        drawn = pixels(tmp_path / "plain", f"stim-A{who}EmotionHappy_image.png")
        for file in (made[0] / "stimuli/originals").glob(f"stim-A{who}*.png"):
            assert (pixels(made[0], f"originals/{file.name}") == drawn).all()


def test_bytes_do_not_depend_on_batch_or_processes(made, matched, cache, tmp_path):
    generate(load(matched), tmp_path / "two", cache=cache, workers=2, batch_size=4)
    assert digests(tmp_path / "two") == digests(made[0])  # one at a time: the run that is killed


def test_a_run_killed_in_the_second_pass_ends_with_the_same_bytes(made, matched, cache, tmp_path):
    folder = tmp_path / "study"
    command = [sys.executable, ROOT / "mien.py", "generate", matched, "-o", folder]
    command += ["--cache", cache, "--batch-size", "1", "--workers", "1"]
    quiet = {"stderr": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    run = subprocess.Popen(command, **quiet)
    until = time.time() + 120
    while not list((folder / "stimuli").glob("stim-*.json")):
        assert run.poll() is None, "the run ended before it could be killed"
        assert time.time() < until
        time.sleep(0.002)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    assert not (folder / "stimuli/stimuli.tsv").is_file()
    generate(load(matched), folder, cache=cache)
    assert digests(folder) == digests(made[0])


def test_a_finished_set_is_kept_and_a_damaged_picture_made_again(made, matched, cache):
    folder, before = made[0], digests(made[0])
    assert generate(load(matched), folder, cache=cache).made == 0
    for victim in ("originals/stim-A01*ScramblePhase*.png", "stim-A01*ScrambleNone*.png"):
        sorted((folder / "stimuli").glob(victim))[0].unlink()
    assert generate(load(matched), folder, cache=cache).made == 1
    assert digests(folder) == before


def test_another_look_is_refused_in_the_same_folder(made, matched, cache):
    other = load(matched, {"stimuli.look": {"mask": "oval", "colour": "grey"}})
    with pytest.raises(UserError, match=r"another protocol \(different: stimuli\)"):
        generate(other, made[0], cache=cache)


def test_a_contrast_that_cannot_be_reached_is_said(matched, cache, tmp_path):
    wide = {"mask": "oval", "colour": "grey", "match": {"what": "mean-sd", "mean": 200, "sd": 90}}
    protocol = load(matched, {"stimuli.look": wide, "stimuli.factors": {"emotion": ["happy"]}})
    lines = generate(protocol, tmp_path / "wide", cache=cache).lines()
    assert any("2 of 2 pictures miss the target" in line for line in lines)
    assert not (tmp_path / "wide/stimuli/originals").exists()  # numbers need no set


def test_a_control_needs_no_look_section_and_preview_matches_what_it_shows(
    matched, cache, tmp_path
):
    plain = load(matched, {"stimuli.look": None})
    sheet = preview(plain, tmp_path / "plain.png", cache)
    other = preview(load(matched), tmp_path / "matched.png", cache)
    with Image.open(sheet) as one, Image.open(other) as two:
        assert one.size == two.size
        assert np.asarray(one).std(axis=-1).max() > 0  # in colour
        assert np.asarray(two).std(axis=-1).max() == 0
