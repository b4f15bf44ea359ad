"""mien's own corpus: what is asked for, what is made, and that nothing can be seen of how."""

from __future__ import annotations

import dataclasses
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
from scipy import ndimage

pytest.importorskip("soundfile", reason="soundfile (extra stimuli) is not installed")
pytest.importorskip("pyworld", reason="pyworld-prebuilt (extra stimuli) is not installed")

from protocols.clips import COLUMNS, SPLITS, read_clips, read_record
from protocols.errors import UserError
from stimuli.actors import facs, plane, rig
from stimuli.actors.cast import actor, load_cast
from stimuli.actors.portrait import Studio, portrait
from stimuli.corpora.info import missing_files
from stimuli.corpora.synthetic import acting, corpus
from stimuli.corpora.synthetic.annotation import read_annotation
from stimuli.corpora.synthetic.corpus import make_synthetic
from stimuli.corpora.synthetic.recordings import Recording, recordings
from stimuli.corpora.synthetic.request import SAID, SPOKEN, Request, actors_of, emotions_of
from stimuli.corpora.synthetic.table import actor_parts
from stimuli.corpora.synthetic.taking import draw
from stimuli.voices.library import load_speech
from stimuli.voices.sentences import CREMA_D
from stimuli.voices.talking import LIPS

ROOT = Path(__file__).parents[1]
SIZE = 64
ASKED = ("--actors", "05", "--emotions", "neutral,angry", "--sentences", "TSI",
         "--size", str(SIZE), "--seed", "3")  # fmt: skip
SMALL = Request.read("05", "neutral,angry", "TSI", size=SIZE, seed=3)


def files_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*") if path.is_file()
    }  # fmt: skip


# --- what is asked for --------------------------------------------------------------------------


def test_the_request_of_the_documentation_is_336_clips():
    made = recordings(Request.read("24", "7", "2"))
    assert len(made) == len({one.name for one in made}) == 24 * 7 * 2
    assert {one.actor for one in made} == {a.id for a in load_cast() if a.part == "main"}


def test_actors_are_named_in_many_ways():
    assert actors_of("01-24") == actors_of("24") == tuple(f"{i:02}" for i in range(1, 25))
    assert actors_of("29-52") == tuple(a.id for a in load_cast() if a.part == "held-out")
    assert actors_of("48") == actors_of("01-24,29-52")  # those of practice trials only by name
    assert actors_of("07,03") == ("03", "07")
    assert len(actors_of("all")) == len(load_cast())


def test_numbers_names_and_codes_mean_the_same():
    assert emotions_of("NEU,HAP,SAD,ANG,FEA,DIS") == emotions_of("6") == SPOKEN[:6]
    assert emotions_of("joy,fear") == ("happy", "fearful")
    assert Request.read("1", sentences="crema-d").sentences == tuple(CREMA_D)
    assert Request.read("1", sentences="ieo,KIDS").sentences == ("kids", "IEO")


def test_a_larger_request_holds_all_of_a_smaller_one():
    small = recordings(Request.read("2", "3", "1"))
    large = recordings(Request.read("5", "8", "4", "0.5,1", 2))
    assert set(small) < set(large)
    points = recordings(Request.read("1", plane=3)), recordings(Request.read("1", plane=5))
    assert points[0] == points[1][:3]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"actors": "53"}, "--actors: found 53; accepted: 1 to 48"),
        ({"actors": "07,61"}, "--actors: found '61'; accepted"),
        ({"actors": "09-03"}, "ends before it begins"),
        ({"emotions": "hapy"}, "did you mean 'happy'"),
        ({"sentences": "IEX"}, "--sentences: found 'IEX'"),
        ({"sentences": "15"}, f"--sentences: found 15; accepted: 1 to {len(SAID)}"),
        ({"levels": "0.5,2"}, "--levels: found '2'"),
        ({"levels": "0"}, "neutral is recorded anyway"),
        ({"takes": 0}, "--takes: found 0; accepted: 1 to 99"),
        ({"size": 65}, "an even number"),
        ({"size": 2048}, "--size: found 2048; accepted: 64 to 1,024"),
        ({"plane": 5, "levels": "1"}, "--levels: pictures at points of the plane"),
        ({"still": True, "sentences": "2"}, "--sentences: pictures"),
    ],
)
def test_what_cannot_be_made_is_explained(wrong, says):
    with pytest.raises(UserError) as error:
        Request.read(**({"actors": "2"} | wrong))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_request_survives_its_file():
    for request in (
        SMALL,
        Request.read("all", levels="0.25,1", takes=2),
        Request.read("3", plane=9),
    ):
        assert Request.of(json.loads(json.dumps(request.content()))) == request


def test_parts_share_no_actor_and_held_out_actors_are_never_trained_on():
    parts = actor_parts(seed=5)
    by_part = {part: {a for a, p in parts.items() if p == part} for part in SPLITS}
    main = {a.id for a in load_cast() if a.part == "main"}
    held_out = {a.id for a in load_cast() if a.part == "held-out"}
    practice = {a.id for a in load_cast() if a.part == "practice"}
    assert held_out < by_part["test"]
    assert not practice & parts.keys()
    assert by_part["train"] | by_part["validation"] < main
    for part in SPLITS:
        genders = [actor(a).gender for a in by_part[part] & main]
        assert abs(genders.count("male") - genders.count("female")) <= 1
        assert genders


# --- what an actor does -------------------------------------------------------------------------

ANGRY = Recording("05_MTI_angry_m100_t1", "05", 1, "angry", 1.0, "MTI")


def test_a_clip_begins_at_rest_and_the_expression_has_come_when_the_voice_sets_in():
    acted = acting.act(ANGRY, 0, 128)
    assert acted.speech is not None
    assert len(acted.weights) == int(np.ceil(acted.speech.duration * 25 - 1e-9))
    assert np.abs(acted.weights[0]).max() < 1e-3
    assert not acted.head[0].any()
    sets_in = acted.speech.phones[0].end
    assert acting.LEAD_IN < sets_in < 0.5
    assert acted.strength[int(np.ceil(sets_in * 25))] > 0.7
    assert (acted.strength[11:] == 1).all()
    silence = acted.speech.samples[: round(acting.LEAD_IN * acted.speech.rate)]
    assert not silence.any()


def test_the_first_take_is_the_prototype_and_further_ones_vary():
    brows = [facs.ACTIONS.index(name) for name in ("browDownLeft", "browDownRight")]
    first = acting.act(ANGRY, 0, 128)
    assert first.weights[-1, brows] == pytest.approx(facs.weights("angry", 1.0)[brows], rel=1e-6)
    other = dataclasses.replace(ANGRY, name="05_MTI_angry_m100_t2", take=2)
    second = acting.act(other, 0, 128)
    ratio = second.weights[-1, brows] / first.weights[-1, brows]
    assert (np.abs(ratio - 1) > 1e-3).all()
    assert (np.abs(ratio - 1) < 0.4).all()
    assert first.speech is not None
    assert second.speech is not None
    assert first.speech.duration != second.speech.duration


def test_lips_meet_on_every_bilabial_of_the_annotation():
    acted = acting.act(ANGRY, 0, 128)
    assert acted.speech is not None
    points = rig.load_rig("05").pose(acted.weights.astype(float))[:, LIPS, 2]
    gap = 1000 * (points[:, 0] - points[:, 1])  # mm
    closures = [p for p in acted.speech.phones if p.symbol in "MBP"]
    assert len(closures) >= 4  # maybe tomorrow it will be cold
    at_rest = gap[0]
    for phone in closures:
        first, last = int(phone.start * 25) - 1, int(np.ceil(phone.end * 25)) + 1
        assert gap[first:last].min() <= at_rest + 0.5
    assert gap.max() > at_rest + 6


def test_the_voice_is_the_actors_and_starts_after_the_lead_in():
    neutral = dataclasses.replace(ANGRY, name="05_MTI_neutral_m000_t1", emotion="neutral", m=0.0)
    said = acting.act(neutral, 0, 128).speech
    usual = load_speech("05", "MTI")
    assert said is not None
    assert [p.symbol for p in said.phones] == [p.symbol for p in usual.phones]
    assert said.duration == pytest.approx(usual.duration + acting.LEAD_IN, abs=0.02)


def test_the_head_moves_in_steps_nobody_sees():
    sway = np.cumsum(np.full((50, 3), 0.05), axis=0) - 0.05
    held = acting.in_steps(sway, 128)
    assert 1 < len(np.unique(held, axis=0)) < 50
    step = np.degrees(acting.STEP_PX / (acting.FACE_RADIUS * 128))
    assert np.linalg.norm(held - sway, axis=1).max() <= step
    eyes = acting.eye_pixels(held, 128)
    assert np.abs(np.diff(eyes, axis=0)).max() < 0.6  # pixels
    assert np.linalg.norm(eyes[:, 0] - eyes[:, 1], axis=1) == pytest.approx(0.19 * 128, rel=0.01)


def test_lips_are_seen_to_close_on_bilabials_within_a_frame(tmp_path):
    """In decoded video: the mouth looks most as at rest where /m/ and /b/ are, and not between."""
    pytest.importorskip("av", reason="PyAV is not installed: videos are not tested")
    from stimuli.video import read_video, write_video

    one = Recording("05_MTI_neutral_m000_t1", "05", 1, "neutral", 0.0, "MTI")
    acted = acting.act(one, 0, 128)
    assert acted.speech is not None
    shown = [0, *range(5, 23)]
    part = dataclasses.replace(
        acted, weights=acted.weights[shown], head=acted.head[shown], gaze=acted.gaze[shown]
    )
    write_video(tmp_path / "part.mp4", draw(one, part, Studio(size=128)))
    lines = [mouth(f, acted.eyes[t]) for f, t in zip(read_video(tmp_path / "part.mp4"), shown,
                                                    strict=True)]  # fmt: skip
    change = np.full(len(acted.weights), np.nan)
    change[shown] = [np.abs(line - lines[0]).mean() for line in lines]
    closures = [p for p in acted.speech.phones if p.symbol in "MB" and p.end * 25 < 22]
    assert [p.symbol for p in closures] == ["M", "B", "M"]
    for before, phone in zip([None, *closures], closures, strict=False):
        window = slice(int(phone.start * 25) - 1, int(np.ceil(phone.end * 25)) + 1)
        vowels = slice(int(before.end * 25) if before else 0, None if before else 13)
        assert np.nanmin(change[window]) < 0.6 * np.nanmax(change[vowels])


def mouth(frame: np.ndarray, eyes: np.ndarray) -> np.ndarray:
    """Grey levels (40,) down the middle of the mouth, carried by the eyes."""
    x, y = eyes.mean(axis=0) - 0.5
    apart = np.linalg.norm(eyes[0] - eyes[1])
    down = y + np.linspace(0.6, 1.7, 40) * apart
    grey = frame.mean(axis=2)
    columns = [ndimage.map_coordinates(grey, [down, np.full(40, x + dx)], order=1)
               for dx in range(-2, 3)]  # fmt: skip
    return np.mean(columns, axis=0)


# --- a small corpus of clips --------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Two clips of 64 pixels, made without disturbance in one process."""
    pytest.importorskip("av", reason="PyAV is not installed: clips are not tested")
    folder = tmp_path_factory.mktemp("corpora") / "synthetic"
    make_synthetic(SMALL, folder, workers=1)
    return folder


def test_table_and_files_agree(made):
    from stimuli.video import video_facts

    clips, record = read_clips(made), read_record(made)
    assert list(clips.columns) == [column.name for column in COLUMNS]
    assert (len(clips), record.clips, record.actors) == (2, 2, 1)
    assert (record.licence, record.may_be_shown, record.root) == ("CC0-1.0", True, str(made))
    assert not missing_files(clips, made)
    for _, clip in clips.iterrows():
        facts = video_facts(made / clip.video)
        notes = read_annotation(made / clip.annotation)
        assert (clip.frames, clip.width, clip.rate) == (facts.frames, facts.width, facts.rate)
        assert clip.frames == len(notes.weights) == np.ceil(clip.duration_s * 25 - 1e-6)
        assert clip.audio_rate == facts.audio_rate
        assert notes.recipe["recording"]["emotion"] == clip.emotion
        assert notes.strength.max() == float(clip.intensity) == (clip.emotion == "angry")
        assert notes.phones[-1][2] == pytest.approx(clip.duration_s, abs=1e-3)


def test_sound_and_film_begin_and_end_together(made):
    import av
    import soundfile

    for _, clip in read_clips(made).iterrows():
        sound, rate = soundfile.read(made / clip.audio)
        assert (len(sound) / rate, rate) == (pytest.approx(clip.duration_s), clip.audio_rate)
        with av.open(str(made / clip.video)) as file:
            blocks = [f.to_ndarray()[0] for f in file.decode(audio=0)]
        heard = np.concatenate(blocks)[: len(sound)]
        # the film's sound is coded with loss, so it is compared by its course: 10 ms of power
        n = rate // 100
        courses = [
            np.sqrt((s[: len(s) // n * n].reshape(-1, n) ** 2).mean(axis=1)) for s in (sound, heard)
        ]
        lags = [np.corrcoef(courses[0][5:-5], np.roll(courses[1], k)[5:-5])[0, 1]
                for k in range(-4, 5)]  # fmt: skip
        assert np.argmax(lags) == 4  # no lag of 10 ms or more
        assert max(lags) > 0.99


def test_the_annotation_drawn_again_is_the_frame(made):
    from stimuli.video import read_video

    clip = read_clips(made).set_index("emotion").loc["angry"]
    notes = read_annotation(made / clip.annotation)
    frames = list(read_video(made / clip.video))
    assert len(frames) == clip.frames
    for t in (0, 17, len(frames) - 1):
        again = portrait(
            actor("05"), notes.weights[t], Studio(size=SIZE), head=tuple(notes.head[t])
        )
        error = np.mean((frames[t].astype(float) - again) ** 2)
        assert 10 * np.log10(255**2 / error) > 28  # half the colour resolution costs most
    wrong = portrait(actor("05"), notes.weights[0], Studio(size=SIZE))
    assert np.mean((frames[17].astype(float) - wrong) ** 2) > 2 * error


def test_the_same_again_changes_nothing_and_less_or_other_is_refused(made):
    before = files_of(made)
    outcome = make_synthetic(SMALL, made)
    assert outcome.made.recordings == 0
    assert files_of(made) == before
    assert "0 made, 2 already there" in outcome.lines()[0]
    for change, says in (
        ({"emotions": ("neutral",)}, "emotions: there neutral,angry, asked for neutral"),
        ({"size": 128}, "size: there 64, asked for 128"),
        ({"seed": 4}, "seed: there 3, asked for 4"),
    ):
        with pytest.raises(UserError, match=says):
            make_synthetic(dataclasses.replace(SMALL, **change), made)
    assert files_of(made) == before


def test_a_run_that_is_killed_goes_on_to_the_same_bytes(made, tmp_path):
    """kill -9 while the first clip is written; then another number of workers."""
    folder = tmp_path / "synthetic"
    command = [sys.executable, str(ROOT / "mien.py"), "corpus", "make", "synthetic", *ASKED,
               "-o", str(folder), "--workers", "1"]  # fmt: skip
    run = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    until = time.time() + 300
    while run.poll() is None and time.time() < until and not list(folder.glob("clips/**/*.npz")):
        time.sleep(0.02)
    assert run.poll() is None, "nothing was left to be killed"
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert not (folder / "corpus.json").exists()
    stray = folder / "clips" / "05" / ".05_TSI_angry_m100_t1.x.mp4"
    stray.write_bytes(b"half a film")
    again = subprocess.run([*command[:-1], "2"], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "1 made, 1 already there" in again.stdout
    assert "a minute" in again.stdout
    assert files_of(folder) == files_of(made)


# --- pictures -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stills(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("corpora") / "stills"
    make_synthetic(Request.read("05", "neutral,happy", levels="0.5,1", still=True, size=64), folder)
    return folder


def test_a_picture_is_the_one_that_its_labels_say(stills):
    clips = read_clips(stills)
    assert sorted(clips.intensity) == ["0", "0.5", "1"]
    assert set(clips.modality) == {"picture"}
    for _, clip in clips.iterrows():
        labels = dict(label.split("=") for label in clip.attributes.split())
        eyes = [[float(v) for v in labels.pop(f"eye_{side}").split(",")]
                for side in ("left", "right")]  # fmt: skip
        assert eyes == pytest.approx(np.array(Studio(size=64).eye_left + Studio(size=64).eye_right)
                                     .reshape(2, 2), abs=0.01)  # fmt: skip
        drawn = portrait(actor("05"), {k: float(v) for k, v in labels.items()}, Studio(size=64))
        with Image.open(stills / clip.image) as picture:
            assert np.array_equal(np.asarray(picture), drawn)
    with np.load(stills / clips.annotation[0]) as archive:
        assert archive["eyes"][0] == pytest.approx(np.array(eyes), abs=0.01)


def test_a_larger_request_adds_and_keeps(stills):
    before = files_of(stills / "pictures")
    outcome = make_synthetic(
        Request.read("05", "neutral,happy,sad", levels="0.5,1", still=True, size=64), stills
    )
    assert outcome.made.recordings == 2
    assert before.items() < files_of(stills / "pictures").items()
    assert (stills / "DATASHEET.md").read_text().startswith("# Datasheet: 5 pictures of 1 ")


def test_points_of_the_plane_are_their_labels(tmp_path):
    request = Request.read("05", plane=2, size=64)
    make_synthetic(request, tmp_path / "plane")
    clips = read_clips(tmp_path / "plane")
    assert clips.emotion.isna().all()
    assert clips.valence.between(-1, 1).all()
    for _, clip in clips.iterrows():
        with Image.open(tmp_path / "plane" / clip.image) as picture:
            said = json.loads(picture.info["Comment"].splitlines()[1])["labels"]
        assert said == clip.attributes
        labels = dict(label.split("=") for label in said.split()[2:])
        weights = [float(labels.get(name, 0)) for name in facs.ACTIONS]
        assert weights == pytest.approx(plane.at(clip.valence, clip.arousal), abs=1e-4)


def test_strangers_full_disks_and_second_runs_are_refused(stills, tmp_path, monkeypatch):
    (tmp_path / "thesis.doc").write_text("mine")
    with pytest.raises(UserError, match="holds no synthetic corpus; choose a new folder"):
        make_synthetic(SMALL, tmp_path)
    request = Request.of(json.loads((stills / "request.json").read_text()))
    with corpus._alone_in(stills), pytest.raises(UserError, match="another run is at work here"):
        make_synthetic(request, stills)
    full = type("Usage", (), {"free": 10_000})
    monkeypatch.setattr(corpus.shutil, "disk_usage", lambda folder: full)
    with pytest.raises(UserError, match="1,000 pictures need about .* are free; make room"):
        make_synthetic(Request.read("1", plane=1000, size=64), tmp_path / "new")
