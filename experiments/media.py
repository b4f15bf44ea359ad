"""Media under names that tell nothing: `<first 20 digits of the SHA-256>.<extension>`.

Neither the address nor the name of a picture says who is shown or in which condition.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.errors import StudyError
from experiments.plan import Plan, read_plan
from protocols.manifest import hash_file, read_manifest
from protocols.protocol import Protocol
from protocols.study import Study
from protocols.tables import TableError

DIGITS = 20
HEARD = ("audio", "audioVideo")
KINDS = {"image": "image", "audio": "audio", "video": "video", "audioVideo": "video"}
PICTURES = (".png", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True)
class Medium:
    """One stimulus as the browser sees it. `picture` is shown while a sound plays.

    `width` and `height` are in pixels; stimuli are shown at this size and no other.
    """

    source: Path
    name: str
    kind: str  # image | audio | video
    width: int | None = None
    height: int | None = None
    duration_ms: float | None = None
    picture: Medium | None = None
    heard: bool = False  # whether it has sound

    def public(self) -> dict[str, Any]:
        """What the browser is told."""
        told = {"kind": self.kind, "src": f"media/{self.name}", "width": self.width,
                "height": self.height, "duration_ms": self.duration_ms}  # fmt: skip
        return told | ({"picture": self.picture.public()} if self.picture else {})


def read_media(study: Study) -> tuple[dict[str, Medium], pd.DataFrame]:
    """Stimulus id -> medium, and the manifest.

    Raises:
        StudyError: there are no stimuli yet, or one is missing or has changed.
    """
    if not study.stimuli.exists():
        raise StudyError(
            f"{study.folder}: no stimuli yet; run mien generate PROTOCOL -o {study.folder}"
        )
    try:
        manifest = read_manifest(study.stimuli)
    except TableError as error:
        raise StudyError(str(error)) from None
    return {row["stimulus_id"]: _medium(study.stimuli, row)
            for row in manifest.astype(object).to_dict("records")}, manifest  # fmt: skip


def read_shown(study: Study, protocol: Protocol) -> tuple[Plan, dict[str, Medium], pd.DataFrame]:
    """The plan, its media by stimulus id, and the manifest: all that a player is built from.

    Raises:
        StudyError: plan or stimuli are missing, have changed, or do not fit each other.
    """
    plan = read_plan(study, protocol)
    media, manifest = read_media(study)
    _check_shown(study, plan, media)
    return plan, media, manifest


def _check_shown(study: Study, plan: Plan, media: Mapping[str, Medium]) -> None:
    for slot, trials in plan.trials.items():
        for trial in trials:
            if trial.stimulus is not None and trial.stimulus not in media:
                raise StudyError(
                    f"{study.plan}: slot {slot}, trial {trial.number} shows '{trial.stimulus}', "
                    f"which is not in {study.stimuli}; run mien generate again"
                )


def _medium(folder: Path, row: Mapping[str, Any]) -> Medium:
    source = folder / row["file"]
    seconds = _known(row.get("duration_s"))
    return Medium(
        source, row["sha256"][:DIGITS] + source.suffix, KINDS[row["type"]],
        _known(row.get("width")), _known(row.get("height")),
        None if seconds is None else 1000 * seconds,
        _shown_with(source) if row["type"] == "audio" else None, row["type"] in HEARD,
    )  # fmt: skip


def _shown_with(sound: Path) -> Medium | None:
    picture = picture_beside(sound)
    if picture is None:
        return None
    return Medium(picture, hash_file(picture)[:DIGITS] + picture.suffix, "image")


def picture_beside(sound: Path) -> Path | None:
    """The picture that is shown while `sound` plays: `stim-<id>_image.*` beside it."""
    stem = sound.stem.rsplit("_", 1)[0]
    found = sorted(p for p in sound.parent.glob(f"{stem}_*") if p.suffix.lower() in PICTURES)
    return found[0] if found else None


def _known(value: Any) -> Any:
    return None if value is None or value is pd.NA else value


def lay_out(media: Mapping[str, Medium], folder: Path) -> None:
    """Put every medium into `folder` under its name; files of earlier builds go."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = [m for medium in media.values() for m in (medium, medium.picture) if m is not None]
    names = {medium.name for medium in shown}
    for old in folder.iterdir():
        if old.name not in names:
            old.unlink()
    for medium in shown:
        target = folder / medium.name
        if not target.exists() or not target.samefile(medium.source):
            target.unlink(missing_ok=True)
            try:
                os.link(medium.source, target)
            except OSError:  # another disk, or a file system without links
                shutil.copyfile(medium.source, target)
