"""An adapter reads one published layout: tree of files in, clips out; it copies nothing.

Adapters name what a clip consists of and what its name says. What the files themselves say, and
whether they are whole, is found here, the same for all corpora; a clip of which no file is usable
is left out, one that lacks a part keeps the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from protocols.clips import COLUMNS
from protocols.licences import Licence
from stimuli.corpora.media_header import Look
from stimuli.corpora.problems import Problems
from stimuli.corpora.tree import Progress, Tree

TYPES = {"word": "string", "integer": "Int64", "number": "Float64", "yes-no": "boolean"}


@dataclass
class Clip:
    """One clip as an adapter knows it; see `protocols.clips.COLUMNS` for the meanings.

    `video`, `audio`, `image`: files to take, the best first; the first whole one is used. `given`
    and `given_bytes`: what is known of a video that is a folder of frames.
    """

    clip: str
    actor: str | None = None
    gender: str | None = None
    age: float | None = None
    origin: str | None = None
    emotion: str | None = None
    intensity: str | None = None
    valence: float | None = None
    arousal: float | None = None
    sentence: str | None = None
    channel: str | None = None
    take: int | None = None
    view: str | None = None
    video: Sequence[str] = ()
    audio: Sequence[str] = ()
    image: Sequence[str] = ()
    annotation: str | None = None
    partner: str | None = None
    attributes: str | None = None
    partition: str | None = None
    warnings: list[str] = field(default_factory=list)
    given: Look | None = None
    given_bytes: int = 0
    silent: bool = False


@dataclass(frozen=True)
class Adapter:
    """How a corpus is read.

    Attributes:
        name: of the corpus.
        version: of the reading; another version may give other clips.
        licence: what one may do with it.
        example: a path as it is published, for messages.
        read: the clips of a tree, with the problems noted in the tree.
        frames: whether folders of numbered frames count as one video each.
        names_people: whether the same actor is the same person throughout, and another another.
        settings: what else decides about the clips.
    """

    name: str
    version: str
    licence: Licence
    example: str
    read: Callable[[Tree], list[Clip]]
    frames: bool = False
    names_people: bool = True
    settings: dict[str, Any] = field(default_factory=dict)
    kind: str = ""


def scan(
    adapter: Adapter, root: Path, progress: Progress | None = None
) -> tuple[pd.DataFrame, Problems]:
    """The usable clips below `root`, sorted by name, and everything that is wrong there."""
    tree = Tree(root, frames=adapter.frames, progress=progress)
    clips = adapter.read(tree)
    wanted = (path for clip in clips for path in (*clip.video, *clip.audio, *clip.image)
              if path in tree.sizes)  # fmt: skip
    looks = tree.looks(list(wanted))
    rows = [row for clip in clips if (row := _row(clip, looks, tree, adapter)) is not None]
    rows.sort(key=lambda row: row["clip"])
    table = pd.DataFrame(rows, columns=[column.name for column in COLUMNS])
    return table.astype({column.name: TYPES[column.kind] for column in COLUMNS}), tree.problems


def _row(clip: Clip, looks: dict[str, Look], tree: Tree, adapter: Adapter) -> dict[str, Any] | None:
    """The clip as a row, or None if none of its files is usable."""
    chosen: dict[str, str | None] = {}
    warnings = list(clip.warnings)
    for column in ("video", "audio", "image"):
        files: Sequence[str] = getattr(clip, column)
        known = [path for path in files if path in looks or path in tree.frame_folders]
        chosen[column] = known[0] if known else None
        if files and not known:
            warnings.append(f"{column} unusable")
    if not any(chosen.values()):
        return None
    video = clip.given or looks.get(chosen["video"] or "", Look())
    sound = looks.get(chosen["audio"] or "", Look())
    picture = looks.get(chosen["image"] or "", Look())
    row: dict[str, Any] = {c.name: getattr(clip, c.name, None) for c in COLUMNS}
    return row | chosen | {
        "corpus": adapter.name,
        "modality": _modality(chosen, sound, video, clip.silent),
        "width": video.width or picture.width,
        "height": video.height or picture.height,
        "frames": video.frames,
        "rate": video.rate,
        "audio_rate": sound.audio_rate or video.audio_rate,
        "duration_s": video.duration_s or sound.duration_s,
        "bytes": clip.given_bytes + sum(tree.sizes.get(p, 0) for p in chosen.values() if p),
        "licence": adapter.licence.name,
        "may_be_shown": adapter.licence.may_be_shown,
        "warnings": "; ".join(warnings) or None,
    }  # fmt: skip


def _modality(chosen: dict[str, str | None], sound: Look, video: Look, silent: bool) -> str:
    if chosen["video"] is None:
        return "audio" if chosen["audio"] else "picture"
    heard = chosen["audio"] is not None or (not silent and video.audio_rate is not None)
    return "audio-visual" if heard else "visual"
