"""The manifest `stimuli/stimuli.tsv`: one row per stimulus, with its recipe (Stim-BIDS, BEP044).

Beside each media file stands a JSON sidecar of the same stem. The factors of the protocol are
columns too, between `origin` and `seed`. Files are named `stim-<id>_<suffix>.<extension>`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from protocols.tables import Column, TableError, read_table, write_table, write_whole

ROLES = ("main", "practice", "example")
IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
COLUMNS = (
    Column("stimulus_id", "word", "name of the stimulus, letters and digits only"),
    Column("type", "word", "kind of media", ("image", "audio", "video", "audioVideo")),
    Column("file", "word", "file name, in this folder"),
    Column("sha256", "word", "SHA-256 of the file"),
    Column("bytes", "integer", "size of the file", unit="byte"),
    Column("role", "word", "main trials, practice, or example of a familiarisation", ROLES),
    Column("corpus", "word", "where the face comes from"),
    Column("identity", "word", "who is shown"),
    Column("gender", "word", "gender of the identity, as the corpus says", required=False),
    Column("age", "number", "age of the identity", required=False, unit="year"),
    Column("origin", "word", "descent, as the corpus says", required=False),
    Column("seed", "integer", "seed of this stimulus, from the protocol's seed and its id"),
    Column("generator", "word", "family of stimuli"),
    Column("generator_version", "word", "version of the generator"),
    Column("checkpoint", "word", "SHA-256 of the network's weights; empty where there is none",
           required=False),
    Column("licence", "word", "what one may do with the stimulus"),
    Column("digital_source_type", "word", "IPTC term: how the picture came to be"),
    Column("width", "integer", "width", required=False, unit="pixel"),
    Column("height", "integer", "height", required=False, unit="pixel"),
    Column("duration_s", "number", "duration of sound or video", required=False, unit="second"),
    Column("frame_rate", "number", "frames per second", required=False, unit="hertz"),
    Column("frames", "integer", "number of frames", required=False),
    Column("audio_rate", "integer", "samples of sound per second", required=False, unit="hertz"),
    Column("loudness_lufs", "number", "loudness of the file's sound (ITU-R BS.1770-4)",
           required=False, unit="LUFS"),
    Column("peak_dbtp", "number", "true peak of the file's sound", required=False, unit="dBTP"),
    Column("av_offset_ms", "number", "how much later sound comes than picture, measured in the "
           "finished file; empty where no mouth moves", required=False, unit="millisecond"),
    Column("spoken", "word", "what is said, word for word", required=False),
    Column("heard", "word", "who speaks to the listener that is shown; reaction only",
           required=False),
    Column("model_input", "word", "what of this speaker the network was given; nothing: the "
           "listener reacts to nobody; reaction only",
           ("voice and face", "voice", "face", "nothing"), required=False),
    Column("wear", "word", "glasses and beard that an actor was given", required=False),
    Column("cast", "word", "folder of the study's own cast; empty: mien's own", required=False),
    Column("cast_sha256", "word", "SHA-256 of its cast.json", required=False),
    Column("rig_sha256", "word", "SHA-256 of the actor's rig in it", required=False),
    Column("caricature", "yes-no", "whether m lies outside 0…1", required=False),
    Column("judged_emotion", "word", "word that an independent judge (stimuli/faces) finds "
           "likeliest for the picture as generated; context-face and valence-arousal only",
           required=False),
    Column("judged_valence", "number", "valence that this judge expects", required=False,
           unit="-1…1"),
    Column("identity_distance", "number", "distance of this judge's face descriptor from that of "
           "the same person at m = 0, or at valence 0 and arousal 0; up to 0.6 counts as the same "
           "person", required=False),
    Column("reconstruction_psnr", "number", "how near the person's face, as the networks draw it "
           "at m = 0 or at valence 0 and arousal 0, is to the face itself; context-face and "
           "valence-arousal only", required=False, unit="decibel"),
    Column("perceived", "word", "emotion that the network's own head names in the shifted face; at "
           "m = 1 another than the context's means that the voice was heard so; context-face "
           "only", required=False),
    Column("look", "word", "grey, matching, mask and control, in the order put on",
           required=False),
    Column("luminance_mean", "number", "mean grey level (sRGB code of the relative luminance) "
           "inside the mask, of the file's pixels; with a look only", required=False,
           unit="0…255"),
    Column("luminance_sd", "number", "standard deviation of the grey levels inside the mask",
           required=False, unit="0…255"),
    Column("luminance_clipped", "number", "share of these pixels cut to 0…255", required=False,
           unit="0…1"),
)  # fmt: skip
BEFORE_FACTORS = ("stimulus_id", "type", "file", "role", "corpus", "identity", "gender", "age",
                  "origin")  # fmt: skip
SEPARATOR = "\t"
NAME = "stimuli.tsv"


def read_manifest(path: Path, *, read_files: bool = False) -> pd.DataFrame:
    """The manifest at `path` (file or its folder), checked; on request every file's SHA-256 too.

    Raises:
        TableError: the table is not a manifest, a file is missing or has changed.
    """
    path = path / NAME if path.is_dir() else path
    table = read_table(path, COLUMNS, SEPARATOR)
    twice = table.stimulus_id[table.stimulus_id.duplicated()]
    if len(twice):
        raise TableError(f"{path}: the stimulus '{twice.iloc[0]}' stands twice")
    for row in table.itertuples():
        check_file(path, str(row.file), str(row.sha256), int(row.bytes), read_files)  # type: ignore[arg-type]
    return table


def check_file(manifest: Path, name: str, sha256: str, size: int, read: bool) -> None:
    """Refuse a media file that is missing, leaves the folder, or is not what was made."""
    if Path(name).name != name:
        raise TableError(f"{manifest}: file '{name}' leaves the folder of the manifest")
    file = manifest.parent / name
    if not file.is_file():
        raise TableError(f"{manifest}: {name} is missing; run mien generate again")
    found = hash_file(file) if read or file.stat().st_size != size else sha256
    if found != sha256:
        raise TableError(
            f"{manifest}: {name} has changed since it was made (sha256 {found[:8]}…, the manifest "
            f"says {sha256[:8]}…); delete the file and run mien generate again, or restore it"
        )


def hash_file(path: Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, rows: Sequence[Mapping[str, Any]], factors: Sequence[str]) -> Path:
    """Write `stimuli.tsv`, its column descriptions `stimuli.json` and `checksums.sha256`."""
    after = [c.name for c in COLUMNS if c.name not in BEFORE_FACTORS]
    table = pd.DataFrame(list(rows), columns=[*BEFORE_FACTORS, *factors, *after])
    checksums = "".join(f"{r.sha256}  {r.file}\n" for r in table.itertuples())
    write_whole(folder / "checksums.sha256", checksums.encode())
    described: dict[str, Any] = {c.name: describe(c) for c in COLUMNS}
    described |= {f: {"Description": f"level of the factor {f}"} for f in factors}
    write_json(folder / "stimuli.json", described)
    return write_table(table, folder / NAME, SEPARATOR)


def describe(column: Column) -> dict[str, Any]:
    """The BIDS description of a column."""
    described: dict[str, Any] = {"Description": column.meaning}
    if column.words:
        described["Levels"] = {word: word for word in column.words}
    if column.unit:
        described["Units"] = column.unit
    return described


def write_json(path: Path, content: Any) -> None:
    """Write readable JSON, whole or not at all, with a stable order."""
    write_whole(path, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
