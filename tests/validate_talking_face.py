"""Part of `make validate`: task 2 of Eskimez et al. (2021) from a network, and a very long sound.

All 72 videos are made from mien's actors and decoded to the last frame; the same bytes come from
two processes. A loud recording of ten minutes then goes through the generator beside one of ten
seconds: what it takes more is its sound, once.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from rich.console import Console

from models.layers import begin
from models.talking_face.network import TalkingFace
from models.talking_face.settings import SHIPPED
from models.talking_face.stored import SHIPPED_FILE, save_model
from protocols.manifest import read_manifest
from protocols.protocol import Protocol
from protocols.reading import load
from stimuli.generate import generate
from stimuli.video import pyav, read_video
from stimuli.voices.recordings import soundfile_library

PROTOCOL = Path("protocols/eskimez2021-task2.yaml")
PEOPLE = 12  # of the protocol; fewer: a quick look
LONG_S, SHORT_S = 600.0, 10.0
MORE = 1.1  # what a long one may take, of a short one's memory, beside its samples (32 bits)
CLICKS = 50  # tenths of a second between peaks that are lowered, and coded on trial
OFFSET_MS, LOUDNESS = 10.0, (-40.0, -14.0)  # stated limits of finished clips
console = Console(highlight=False)
ASIDE = """
name: long
title: A long recording
seed: 1
stimuli:
  generator: talking-face
  identities: ["01"]
  size: 128
  talking: {weights: tiny.safetensors, recordings: heard}
  factors: {voice_emotion: [sad], face_emotion: [happy]}
tasks:
  - {id: feeling, type: forced-choice, question: Which?, options: [Happy, Sad]}
"""


def main() -> None:
    """Every check; leaves with 1 if one fails."""
    with TemporaryDirectory() as folder:
        home = Path(folder)
        checks: dict[str, Callable[[Path], bool]] = {
            "72 videos of task 2": every_video_is_whole, "a long recording": a_long_sound_is_small,
        }  # fmt: skip
        failed = [name for name, check in checks.items() if not check(home)]
    if failed:
        console.print(f"[red]not as promised: {', '.join(failed)}")
        raise SystemExit(1)


def every_video_is_whole(home: Path, people: int = PEOPLE) -> bool:
    """Frames, sounds, limits, and the same bytes from two processes."""
    study = task2(home, people)
    folder = generate(study, home / "one").manifest.parent
    table = read_manifest(folder, read_files=True)
    heard: dict[tuple[str, str], np.ndarray] = {}
    fine = len(table[table.role == "main"]) == 36 * max(1, people // 6)
    for row in table.itertuples():
        shown = sum(1 for _ in read_video(folder / str(row.file)))
        sound = decoded(folder / str(row.file))
        same = heard.setdefault((str(row.identity), str(row.voice_emotion)), sound)
        fine &= shown == row.frames == round(25 * len(sound) / 48_000)  # type: ignore[arg-type]
        fine &= np.array_equal(same, sound)
        fine &= LOUDNESS[0] < float(row.loudness_lufs) < LOUDNESS[1]  # type: ignore[arg-type]
    offsets = table.av_offset_ms.dropna().abs()
    console.print(f"{len(table)} videos; sound later than picture by {offsets.max()} ms at most")
    generate(study, home / "two", workers=2)
    sums = [(home / name / "stimuli" / "checksums.sha256").read_text() for name in ("one", "two")]
    return bool(fine and sums[0] == sums[1] and not (offsets > OFFSET_MS).any())


def task2(home: Path, people: int) -> Protocol:
    """The protocol with mien's actors, and the shipped weights where they are."""
    own = {} if SHIPPED_FILE.is_file() else {"stimuli.talking": {"weights": untrained(home).name}}
    (home / PROTOCOL.name).write_text(PROTOCOL.read_text())
    pick = {"pick": people, "per_cell": max(1, people // 6)}
    return load(
        home / PROTOCOL.name, {"stimuli.corpus": "actors", "stimuli.identities": pick, **own}
    )


def a_long_sound_is_small(home: Path, seconds: tuple[float, float] = (SHORT_S, LONG_S)) -> bool:
    """Peak memory of two processes, one with a long recording."""
    peaks = [memory(home / f"{length:g}", length) for length in seconds]
    sound = (seconds[1] - seconds[0]) * 48_000 * 4 / 1e6
    console.print(
        f"{seconds[0]:g} s of sound: {peaks[0]:.0f} MB; {seconds[1]:g} s: {peaks[1]:.0f} MB "
        f"(one copy of the sound has {sound:.0f} MB more)"
    )
    return peaks[1] < MORE * peaks[0] + sound


def memory(home: Path, seconds: float) -> float:
    """The most memory (MB) of a process that makes a video of a recording of so many seconds."""
    (home / "heard").mkdir(parents=True)
    untrained(home)
    (home / "study.yaml").write_text(ASIDE)
    rng = np.random.default_rng(0)
    with soundfile_library().SoundFile(home / "heard" / "sad.wav", "w", 48_000, 1) as file:
        for tenth in range(round(10 * seconds)):
            sound = 0.005 * rng.standard_normal(4_800)
            sound[: 480 if tenth % CLICKS == 0 else 0] *= 40
            file.write(sound)
    done = subprocess.run(
        [sys.executable, "-m", "tests.validate_talking_face", str(home)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(done.stdout.split()[-1])


def make_one(home: Path) -> None:
    """Make the study in `home`, and say how much memory that took."""
    from stimuli.render import peak_memory

    table = read_manifest(generate(load(home / "study.yaml"), home / "study").manifest)
    print(f"{table.frames.sum()} frames")  # noqa: T201
    print(peak_memory())  # noqa: T201


def untrained(home: Path) -> Path:
    """Weights of a network as small as the shipped one, that has learned nothing."""
    network = TalkingFace(SHIPPED)
    begin(network, torch.Generator().manual_seed(1))
    save_model(home / "tiny.safetensors", network, licence="CC0-1.0")
    return home / "tiny.safetensors"


def decoded(path: Path) -> np.ndarray:
    """Samples of the film's sound, without what the coder puts before and after them."""
    with pyav().open(str(path)) as file:
        length = file.streams.video[0].duration * file.streams.video[0].time_base
        parts = [
            f.to_ndarray()[0] for f in file.decode(audio=0) if f.pts is not None and f.pts >= 0
        ]
    return np.concatenate(parts)[: round(48_000 * length)]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        make_one(Path(sys.argv[1]))
    else:
        main()
