"""Speakers of one's own: NAME.wav (or FLAC, OGG, MP3, M4A), NAME.csv (face_table.py), or both.

Voice and face begin together and last equally long: a frame more of one is cut, more than that is
refused. A sound of any rate and number of channels will do; it is made as loud as mien's neutral
speech. Only the first `seconds` count.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.reaction.attributes import RATE
from protocols.context import ContextError
from protocols.manifest import hash_file
from protocols.reacting import SpeakerFiles
from stimuli.corpora.arrays.film import Undecodable
from stimuli.corpora.arrays.sound import level_db, read_sound
from stimuli.reactions.face_table import TIME, Face, read_face
from stimuli.reactions.partner import Partner
from stimuli.reactions.phrases import phrases_of
from stimuli.talking_faces.speakers import SILENT_DB, is_clipped
from stimuli.voices.loudness import limited, lufs
from stimuli.voices.prosody import Delivery

SHORTEST = 1.0  # s
FRAMES_OFF = 1  # by which voice and face may differ


def read_speaker(files: SpeakerFiles, seconds: float) -> Partner:
    """A speaker of one's own, `seconds` long at most.

    Raises:
        ContextError: voice or face cannot be used, or they do not fit each other.
    """
    sound = None if files.voice is None else _voice(files.voice)
    face = None if files.face is None else read_face(files.face)
    whole = _common_length(files, sound, face)
    if whole < SHORTEST * RATE:
        raise ContextError(
            f"{files.files[0]}: found {whole / RATE:.2f} s; a listener needs at least {SHORTEST:g} "
            "s of a speaker"
        )
    frames = min(whole, round(seconds * RATE))
    remarks = [] if face is None else list(face.remarks)
    if frames < whole:
        remarks.append(f"{files.name}: the first {frames / RATE:g} of {whole / RATE:g} s")
    facts: dict[str, object] = {
        "speaker": files.name,
        **{path.name: hash_file(path) for path in files.files},
    }
    if sound is not None:
        samples, rate = sound
        if is_clipped(samples):
            remarks.append(f"{_name(files.voice)}: peaks are cut off; people hear it")
        samples = samples[: round(frames / RATE * rate)]
        gain = Delivery().lufs - lufs(samples, rate)
        if not np.isfinite(gain):
            raise ContextError(f"{files.voice}: is silent in its first {frames / RATE:g} s")
        facts["gain_db"] = round(gain, 2)
        sound = limited(samples * np.float32(10 ** (gain / 20)), rate).astype(np.float32), rate
    phrases = () if sound is None else phrases_of(*sound)
    seen = None if face is None else face.values[:frames]
    there = np.zeros(frames, bool) if face is None else face.there[:frames]
    return Partner(frames, sound, seen, there, phrases, facts, tuple(remarks))


def _voice(path: Path) -> tuple[np.ndarray, int]:
    """Mono samples (n,) float32 without a constant part, and their rate."""
    try:
        samples, rate = read_sound(path)
    except Undecodable as error:
        raise ContextError(f"{path}: {error}; export it again as WAV") from None
    if not len(samples):
        raise ContextError(f"{path}: has no sound; record it again, or delete the file")
    centred = samples - samples.mean(dtype=np.float64).astype(np.float32)
    if level_db(centred) < SILENT_DB:
        raise ContextError(
            f"{path}: is silent (its highest level is {level_db(centred):.0f} dB of full scale); "
            "record it again, or delete it to give the face alone"
        )
    return centred, rate


def _common_length(
    files: SpeakerFiles, sound: tuple[np.ndarray, int] | None, face: Face | None
) -> int:
    """Frames that voice and face have in common; refused if they differ by more than one."""
    lengths = []
    if sound is not None:
        lengths.append(int(len(sound[0]) * RATE / sound[1] + 1e-6))
    if face is not None:
        lengths.append(len(face.there))
    if max(lengths) - min(lengths) > FRAMES_OFF:
        assert face is not None
        rows = "" if face.timed else (
            f" (counted as {RATE} rows a second; if there are more or less, add a column {TIME})"
        )  # fmt: skip
        raise ContextError(
            f"{files.face}: found {lengths[1] / RATE:.2f} s of face{rows}, but "
            f"{_name(files.voice)} has {lengths[0] / RATE:.2f} s; they must be equally long, to a "
            f"frame ({1000 // RATE} ms)"
        )
    return min(lengths)


def _name(path: Path | None) -> str:
    return "" if path is None else path.name
