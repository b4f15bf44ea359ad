"""The voices as instruments hear them, beside the recordings they are made of and real speech.

    python -m stimuli.voices.listening 01 02 --emotions angry sad --real FOLDER -o FOLDER

Prints for each group of sounds the worst and the typical: clicks, clipped peaks, silence before and
after, spread of loudness, harmonicity (HNR) and jitter. With -o it writes a spectrogram (PNG, 0 to
8 kHz, 60 dB) of every sound, to be looked at.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.signal import resample_poly, stft

from protocols.errors import UserError
from stimuli.voices.ear import Heard, listen
from stimuli.voices.library import load_speech
from stimuli.voices.loudness import lufs
from stimuli.voices.prosody import with_emotion
from stimuli.voices.recordings import load_recording, soundfile_library, table

RATE = 16000  # Hz: jitter and HNR of every sound are measured at one rate
RANGE_DB = 60.0
SENTENCES = ("IEO", "MTI", "kids")


@dataclass(frozen=True, eq=False)
class Sound:
    """One sound of a group."""

    group: str
    name: str
    samples: np.ndarray  # (n,)
    rate: int


def sounds(actors: Sequence[str], emotions: Sequence[str], real: Path | None) -> Iterable[Sound]:
    """Sources as recorded, actors neutral and in emotions, real recordings."""
    for source in table()["sources"]:
        for code in SENTENCES:
            said = load_recording(source, code)
            yield Sound("sources, as recorded", f"{source}-{code}", said.samples, said.rate)
    for number, actor in enumerate(actors):
        said = load_speech(actor, SENTENCES[number % len(SENTENCES)])
        name = f"{actor}-{said.sentence}"
        yield Sound("actors, neutral", name, said.samples, said.rate)
        for emotion in emotions:
            moved = with_emotion(said, emotion)
            yield Sound(f"actors, {emotion}", f"{name}-{emotion}", moved.samples, moved.rate)
    for path in sorted(real.glob("*.wav")) if real else ():
        samples, rate = soundfile_library().read(path, dtype="float32", always_2d=True)
        yield Sound("people, recorded", path.stem, samples.mean(axis=1), rate)


def at_one_rate(sound: Sound) -> np.ndarray:
    """Samples at RATE."""
    step = np.gcd(RATE, sound.rate)
    return np.asarray(resample_poly(sound.samples.astype(float), RATE // step, sound.rate // step))


def summary(heard: dict[str, list[Heard]]) -> Table:
    """A line per group."""
    columns = ["group", "n", "clicks", "clipped", "peak dB", "before s", "after s", "LUFS"]
    lines = Table(*columns, "HNR dB", "jitter %")
    for group, found in heard.items():
        loud = np.array([one.loudness for one in found])
        lines.add_row(
            group,
            str(len(found)),
            str(sum(one.clicks for one in found)),
            str(sum(one.clipped for one in found)),
            f"{max(one.peak_db for one in found):.1f}",
            f"{min(one.before for one in found):.2f}-{max(one.before for one in found):.2f}",
            f"{min(one.after for one in found):.2f}-{max(one.after for one in found):.2f}",
            f"{loud.mean():.1f} (SD {loud.std():.2f})",
            f"{np.nanmedian([one.hnr for one in found]):.1f}",
            f"{np.nanmedian([one.jitter for one in found]):.2f}",
        )
    return lines


def spectrogram(x: np.ndarray, rate: int = RATE) -> np.ndarray:
    """Grey picture (rows from high to low, columns every 2.5 ms) of x (n,); black is loud."""
    step = round(0.0025 * rate)
    size = round(0.02 * rate)
    _, _, z = stft(x, rate, nperseg=size, noverlap=size - step, nfft=512)
    db = 20 * np.log10(np.abs(z) + 1e-9)
    grey = np.clip((db.max() - db) / RANGE_DB, 0, 1)[::-1]
    return np.round(255 * grey).astype(np.uint8)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table; write the spectrograms."""
    parser = argparse.ArgumentParser(description="The voices as instruments hear them.")
    parser.add_argument("actors", nargs="*", default=[f"{n:02d}" for n in range(1, 13)])
    parser.add_argument("--emotions", nargs="*", default=["angry", "sad", "fearful", "surprised"])
    parser.add_argument("--real", type=Path, help="a folder of WAV files of people")
    parser.add_argument("-o", "--out", type=Path, help="a folder for the spectrograms")
    chosen = parser.parse_args(arguments)
    if chosen.real and not chosen.real.is_dir():
        raise UserError(f"{chosen.real}: no such folder; give one with WAV files")
    heard: dict[str, list[Heard]] = {}
    for sound in sounds(chosen.actors, chosen.emotions, chosen.real):
        x = at_one_rate(sound)
        found = replace(listen(x, RATE), loudness=lufs(sound.samples, sound.rate))
        heard.setdefault(sound.group, []).append(found)
        if chosen.out:
            from PIL import Image

            chosen.out.mkdir(parents=True, exist_ok=True)
            Image.fromarray(spectrogram(x)).save(chosen.out / f"{sound.name}.png")
    Console(highlight=False).print(summary(heard))


if __name__ == "__main__":
    main()
