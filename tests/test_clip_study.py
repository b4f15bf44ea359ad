"""A study of clips in a real Chromium: pictures, voices, silent films and talking people."""

from __future__ import annotations

import json
import sqlite3

import numpy as np
import pytest

from experiments.build import build_web
from experiments.media import read_media
from experiments.plan import read_plan
from protocols.manifest import hash_file, read_manifest, write_manifest
from protocols.ratings import read_ratings
from protocols.reading import load
from protocols.study import Study
from stimuli.actors.cast import actor
from stimuli.actors.portrait import Studio, portrait
from stimuli.generate import generate
from stimuli.media import encode_png
from tests.chromium import CHROMIUM, DRIVER, chromium
from tests.serving import ServingHere

pytest.importorskip("selenium")
pytest.importorskip("av", reason="PyAV is not installed: videos are not tested")
from tests.visitor import Visitor  # noqa: E402

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium and chromedriver on PATH"),
]
CLIPS = """\
name: clips
title: Heard and seen
seed: 5
stimuli:
  generator: actor
  identities: ["03"]
  factors: {emotion: [happy, sad], modality: [audio, visual, audio-visual]}
  clip: {kind: talking, sentences: [DFA], pause: 0, head: 0, blinks: 0}
  size: 64
tasks:
  - {id: feeling, type: forced-choice, question: Which emotion?, options: [Happy, Sad]}
pages: {sound_check: false}  # tests/test_player.py has one
recruitment: {per_list: 1}
"""
PLAYED = """
const one = document.querySelector(".stimulus video, .stimulus audio");
return one ? [one.tagName.toLowerCase(), one.currentTime, one.duration, one.ended,
              one.videoWidth ?? 0] : null;
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Six clips of one actor, of which a picture takes the place of one."""
    folder = tmp_path_factory.mktemp("clips")
    (folder / "clips.yaml").write_text(CLIPS)
    generate(load(folder / "clips.yaml"), folder / "study")
    study = Study(folder / "study")
    _put_a_picture(study, "A03EmotionSadModalityVisual")
    build_web(study)
    return study


def _put_a_picture(study, stimulus):
    table = read_manifest(study.stimuli)
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    row = next(row for row in rows if row["stimulus_id"] == stimulus)
    file = study.stimuli / f"stim-{stimulus}_image.png"
    file.write_bytes(encode_png(portrait(actor("03"), np.zeros(52), Studio(size=64)), "a picture"))
    row |= {"type": "image", "file": file.name, "sha256": hash_file(file), "duration_s": None,
            "bytes": file.stat().st_size, "frames": None, "frame_rate": None}  # fmt: skip
    write_manifest(study.stimuli, rows, study.protocol().factors)


def test_clips_play_to_their_end_and_answers_count_from_their_onset(study):
    media = read_media(study)[0]
    planned = {
        t.number: media[str(t.stimulus)] for t in read_plan(study, study.protocol()).trials[1]
    }
    serving, seen = ServingHere(study), {}
    try:
        with chromium() as browser:
            visitor = Visitor(browser, serving.url)
            visitor.consent()
            for number in sorted(planned):
                visitor.go_to_trial()
                seen[number] = browser.execute_script(PLAYED)
                visitor.answer(key="1")
            visitor.finish(lambda _: None, lambda _: None)
            log = [line["message"] for line in browser.get_log("browser")]
    finally:
        serving.stop()
    assert [line for line in log if "INFO" not in line and "error" in line.lower()] == []
    assert sorted(m.kind for m in planned.values()) == ["audio"] * 2 + ["image"] + ["video"] * 3
    for number, medium in planned.items():
        if medium.kind == "image":
            assert seen[number] is None
            continue
        tag, at, length, ended, width = seen[number]
        assert medium.duration_ms is not None
        assert (tag, ended) == (medium.kind, True)
        assert at == pytest.approx(length)
        assert length == pytest.approx(medium.duration_ms / 1000, abs=0.06)  # AAC ends later
        assert width == (64 if medium.kind == "video" else 0)
    with sqlite3.connect(study.data / "web.sqlite") as db:
        rows = db.execute("SELECT trial, rt_ms, details FROM answers").fetchall()
    assert len(rows) == 6
    for trial, rt_ms, details in rows:
        events = json.loads(details)["events"]
        if planned[trial].kind == "image":
            assert events == []
            continue
        ended = dict(events)["ended"]
        length = planned[trial].duration_ms or 0
        assert length - 100 <= ended <= length + 1500, events  # none cut short
        assert rt_ms >= ended
        assert "error" not in dict(events)
    ratings = read_ratings(study.ratings_file).sort_values("trial")
    assert ratings.onset_ms.is_monotonic_increasing
    assert set(ratings.modality) == {"audio", "visual", "audio-visual"}
