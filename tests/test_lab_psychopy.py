"""The lab folder under Xvfb, in a Python that has PsychoPy and nothing of mien.

MIEN_PSYCHOPY names that Python (or the folder of its virtual environment): a run takes minutes on
a slow machine, so nothing is looked for elsewhere. Keys are pressed by the X server; sounds go to
a null device.
"""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

from experiments.export import export
from experiments.lab.build import build_lab
from experiments.lab.player.records import read_records, read_study
from experiments.lab.sessions import bring_sessions
from protocols.ratings import read_ratings
from tests.small_study import TINY, add_sound, make_study
from tests.test_server import Browser

ROBOT = Path(__file__).with_name("lab_robot.py")
PATIENCE = 900  # seconds for one run
NULL_DEVICE = (
    "</usr/share/alsa/alsa.conf>\npcm.!default { type null }\nctl.!default { type null }\n"
)
STUDY = TINY.replace("pages:\n", "pages:\n  familiarisation: {factor: emotion, examples: 1}\n")


def psychopy() -> Path | None:
    named = os.environ.get("MIEN_PSYCHOPY")
    if not named:
        return None
    path = Path(named)
    return path / "bin" / "python" if path.is_dir() else path


needs_psychopy = pytest.mark.skipif(
    psychopy() is None, reason="MIEN_PSYCHOPY names no Python with PsychoPy (docs/lab.md)"
)
needs_x = pytest.mark.skipif(
    not (shutil.which("xvfb-run") and shutil.which("ffmpeg")), reason="needs xvfb-run and ffmpeg"
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Pictures, a film and a sound with a picture."""
    folder = tmp_path_factory.mktemp("lab")
    study = make_study(folder / "study", STUDY)
    film, sound = folder / "film.mp4", folder / "sound.wav"
    tone = ["-f", "lavfi", "-i", "sine=440:d=0.5"]
    picture = ["-f", "lavfi", "-i", "testsrc=s=128x128:r=25:d=0.5"]
    for made in ([*picture, *tone, "-pix_fmt", "yuv420p", str(film)], [*tone, str(sound)]):
        subprocess.run(["ffmpeg", "-y", "-v", "error", *made], check=True, timeout=60)
    add_sound(study, str(film), str(sound))
    build_lab(study)
    return study


class Recorder:
    """The far end of a serial line: collects what the trigger sends."""

    def __init__(self):
        self.end, self.line = pty.openpty()
        self.port, self.codes = os.ttyname(self.line), bytearray()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            self.codes += os.read(self.end, 100)


def start(study, *options, pause=0.3, script="run.py"):
    """Begins `run.py`, or a script of Builder, with the robot at the keys."""
    python = psychopy()
    assert python is not None
    (study.folder / "alsa.conf").write_text(NULL_DEVICE)
    window = ("--window", "--size", "1200x900", "--audio", "sounddevice")
    with (study.folder / "run.log").open("ab") as log:
        return subprocess.Popen(
            ["xvfb-run", "-a", "-s", "-screen 0 1280x1024x24", str(python), str(ROBOT),
             str(study.lab / script), str(pause), *(window if script == "run.py" else ()),
             *options],
            stdout=log, stderr=log, start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOME": str(study.folder),
                 "SDL_AUDIODRIVER": "dummy",
                 "ALSA_CONFIG_PATH": str(study.folder / "alsa.conf")},
        )  # fmt: skip


def wait(process, study):
    assert process.wait(timeout=PATIENCE) == 0, (study.folder / "run.log").read_text()[-3000:]


@needs_psychopy
@needs_x
def test_psychopy_plays_the_webs_trials_survives_kill_9_and_sends_triggers(study):
    recorder = Recorder()
    options = ("--participant", "vp01", "--photodiode", "bottom-left",
               "--trigger", f"serial:{recorder.port}")  # fmt: skip
    first = start(study, *options)
    deadline = time.monotonic() + PATIENCE
    while sum(len(f.read_text().split("\n")) for f in study.lab.glob("data/*.jsonl")) < 12:
        assert first.poll() is None, (study.folder / "run.log").read_text()[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.5)
    os.killpg(first.pid, 9)
    first.wait()
    wait(start(study, *options), study)

    files = list((study.lab / "data").glob("*.jsonl"))
    assert len(files) == 1
    records = read_records(files[0])
    assert records[-1]["record"] == "completed"
    answers = [record for record in records if record["record"] == "answer"]

    browser = Browser(study, source="simulation")  # whom the server gives the same slot
    told = browser.start().json()
    assert browser.slot(told["token"]) == records[0]["slot"] == 1
    planned = [(trial["trial"], name) for trial in told["trials"] for name in trial["questions"]]
    asked = [(None, task) for task in ("random", "aids", "sure", "remarks")]
    assert [(one["trial"], one["question"]) for one in answers] == planned + asked

    order = [row["trial"] for row in read_study(study.lab).trials[1]]
    onsets = [code for code in recorder.codes if 1 <= code < 250]
    again = [n for n, code in enumerate(onsets) if n and code == onsets[n - 1]]
    assert [code for n, code in enumerate(onsets) if n not in again] == order
    assert len(again) <= 1  # the trial that broke off
    assert recorder.codes.count(250) - len(planned) in (0, 1)  # sent just before the kill

    in_trials = [one for one in answers if one["trial"]]
    assert all(one["rt_ms"] > 0 and one["details"]["frames"] > 0 for one in in_trials)
    played = [one for one in in_trials if "media_ms" in one["details"]]
    assert {one["stimulus"] for one in played} == {"actor1xangryx0", "actor1xangryx1"}
    assert all(one["details"]["media_ms"] >= 400 for one in played)
    assert all(one["rt_ms"] >= one["details"]["media_ms"] for one in played)

    bring_sessions(study, study.lab / "data")
    export(study)
    table = read_ratings(study.ratings_file)
    table = table[table.source == "lab"]
    assert len(table) == len(planned)
    given = {(one["trial"], one["question"]): one["choice"] or None for one in in_trials}
    kept = {(row.trial, row.question): row.response for row in table.itertuples()}
    assert {key: None if str(value) == "<NA>" else value for key, value in kept.items()} == given


@needs_psychopy
@needs_x
def test_a_pilot_is_short_and_marked(study):
    wait(start(study, "--pilot"), study)
    [file] = (study.lab / "data" / "pilot").glob("PILOT-*.jsonl")
    records = read_records(file)
    trials = {one["trial"] for one in records if one["record"] == "answer" and one["trial"]}
    assert records[0]["pilot"] is True
    assert trials == {1, 2, 3}
    assert json.dumps(records[-1]["record"]) == '"completed"'


@needs_psychopy
@needs_x
def test_the_check_measures_frames_sound_and_trigger(study):
    recorder = Recorder()
    wait(start(study, "--check", "--trigger", f"serial:{recorder.port}"), study)
    [file] = (study.lab / "data").glob("check-*.json")
    measured = json.loads(file.read_text())
    frames = measured["frames"]
    assert 4500 < frames["frames"] * frames["mean_ms"] < 6500  # the five seconds
    assert list(recorder.codes) == [1, 2, 3, 4, 5]
    assert len(measured["sound"]["beeps"]) == len(measured["codes"]["sending_ms"]) == 5
    assert all(beep["latency_s"] >= 0 for beep in measured["sound"]["beeps"])
    log = (study.folder / "run.log").read_text()
    for word in ("refresh", "frames", "sound", "keys", "trigger", file.name):
        assert word in log


@pytest.fixture(scope="module")
def for_builder(tmp_path_factory, study):
    """The same, with fewer people: Builder's script draws slowly without a graphics card."""
    folder = tmp_path_factory.mktemp("builder")
    small = make_study(folder / "study", STUDY.replace("identities: 4", "identities: 2"))
    media = study.folder.parent
    add_sound(small, str(media / "film.mp4"), str(media / "sound.wav"))
    build_lab(small)
    return small


def through_psychopy(study, script):
    """What PsychoPy says of the `.psyexp`, having written its script."""
    info = {"participant": "vp07", "slot": "1",
            "mien_plan|hid": read_study(study.lab).about["plan"]}  # fmt: skip
    settings = {"Full-screen window": False, "Window size (pixels)": (1200, 960),
                "measureFrameRate": False, "Show info dlg": False, "Audio lib": "sounddevice",
                "Experiment info": info}  # fmt: skip
    done = subprocess.run(
        [str(psychopy()), str(ROBOT.with_name("lab_psyexp.py")),
         str(study.lab / "tiny.psyexp"), str(script),
         *(f"{name}={value}" for name, value in settings.items())],
        capture_output=True, text=True, timeout=PATIENCE, check=True,
        env={"PATH": os.environ["PATH"], "HOME": str(study.folder)},
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


@needs_psychopy
@needs_x
def test_the_psyexp_loads_whole_round_trips_compiles_and_plays_the_webs_trials(for_builder):
    study, script = for_builder, for_builder.lab / "tiny.py"
    said = through_psychopy(study, script)
    assert (said["lost"], said["unknown"], said["said"]) == ({}, [], [])
    assert said["same"]
    assert {"Image", "Sound", "Movie", "Slider", "Button", "Keyboard", "Textbox"} <= {
        kind.removesuffix("Component") for kind in said["kinds"]
    }
    compile(script.read_text(encoding="utf-8"), str(script), "exec")
    wait(start(study, script=script.name), study)
    bring_sessions(study, study.lab / "data")
    export(study)
    table = read_ratings(study.ratings_file)
    browser = Browser(study, source="simulation")  # whom the server gives the same slot
    told = browser.start().json()
    planned = [(trial["trial"], name) for trial in told["trials"] for name in trial["questions"]]
    assert browser.slot(told["token"]) == 1
    assert list(zip(table.trial, table.question, strict=True)) == planned
    assert set(table.participant) == {"vp07"}
    assert (table.rt_ms > 0).all()


@needs_psychopy
@needs_x
def test_mouse_number_block_typing_and_escape_do_what_they_say(study):
    script = [str(psychopy()), str(ROBOT.with_name("lab_hands.py")), str(study.lab)]
    done = subprocess.run(
        ["xvfb-run", "-a", "-s", "-screen 0 1280x1024x24", *script], capture_output=True,
        text=True, timeout=PATIENCE, check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(study.folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "clicked": {"choice": 7, "by": "pointer"},
        "second": {"choice": 0, "by": "key"},
        "skipped": {"by": "key"},
        "number block": {"choice": 4, "by": "key"},
        "ticked": {"boxes": [2], "by": "pointer"},
        "line": {"choice": 76, "by": "pointer"},
        "line by keys": {"choice": 62, "by": "key"},
        "grid": {"place": [3, 8], "by": "pointer"},
        "grid by keys": {"place": [6, 6], "by": "key"},
        "typed": {"text": "hii", "by": "key"},
        "hidden": True,
        "withdrawn": True,
    }
