"""The table of a synthetic corpus, and who is in which of its parts.

Parts are dealt for all main actors at once, by the seed: whoever is asked for later finds the
others where they were. The held-out actors (29-52) are in `test` and have the partition `held-out`;
the actors of practice trials (25-28) are in no part. Networks train on neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from protocols.clips import COLUMNS, SPLITS
from protocols.licences import LICENCES
from stimuli.actors.cast import Part, actor, load_cast
from stimuli.actors.rig import DATA
from stimuli.corpora.adapter import TYPES
from stimuli.corpora.splits import split_by_actor
from stimuli.corpora.synthetic.recordings import PICTURES, Recording
from stimuli.corpora.synthetic.request import Request
from stimuli.corpora.synthetic.taking import PICTURE, SOUND, SUFFIX, VIDEO
from stimuli.video import RATE

EYES = f"{PICTURES}/eyes{SUFFIX}"  # of every picture


def clips_table(rows: Sequence[tuple[Recording, dict[str, Any]]], request: Request) -> pd.DataFrame:
    """Recordings and what their files tell, as the columns of clips.tsv, sorted by name."""
    parts = actor_parts(request.seed, request.home)
    made = sorted((_row(one, facts, request, parts) for one, facts in rows),
                  key=lambda row: row["clip"])  # fmt: skip
    table = pd.DataFrame(made, columns=[column.name for column in COLUMNS])
    return table.astype({column.name: TYPES[column.kind] for column in COLUMNS})


def actor_parts(seed: int, home: Path = DATA) -> dict[str, str]:
    """Actor -> train, validation or test, for the main and the held-out cast, or an own one."""
    cast = load_cast(home)
    main = [(a.id, a.gender) for a in cast if a.part == "main"]
    people = pd.DataFrame(main, columns=["actor", "gender"])
    parts = dict(zip(people.actor, split_by_actor(people, seed), strict=True))
    return parts | {a.id: "test" for a in cast if a.part == "held-out"}


def parts_line(clips: pd.DataFrame) -> str:
    """How many actors each part has, in words."""
    held: Part = "held-out"
    main = clips[clips.partition == "main"].groupby("split").actor.nunique()
    said = ", ".join(f"{part} {main.get(part, 0)}" for part in SPLITS)
    others = clips[clips.partition != "main"].groupby("partition").actor.nunique()
    more = f"; held-out actors, in test: {others[held]}" if held in others else ""
    more += f"; in no part: {others['practice']} of practice" if "practice" in others else ""
    return f"actors in parts without a common actor (column split): {said}{more}"


def _row(
    recording: Recording, facts: dict[str, Any], request: Request, parts: dict[str, str]
) -> dict[str, Any]:
    person, licence, stem = actor(recording.actor, request.home), LICENCES["actors"], recording.stem
    still = recording.sentence is None
    emotional = recording.emotion is not None
    row: dict[str, Any] = dict.fromkeys((column.name for column in COLUMNS), None)
    row |= {
        "clip": recording.name,
        "corpus": "synthetic",
        "actor": person.id,
        "gender": person.gender,
        "age": person.age,
        "origin": person.origin.word,
        "emotion": recording.emotion,
        "intensity": f"{recording.m:g}" if emotional else None,
        "valence": 0.0 if recording.emotion == "neutral" else recording.valence,
        "arousal": 0.0 if recording.emotion == "neutral" else recording.arousal,
        "take": recording.take,
        "view": "front",
        "modality": "picture" if still else "audio-visual",
        "width": request.size,
        "height": request.size,
        "partition": person.part,
        "split": parts.get(person.id),
        "licence": licence.name,
        "may_be_shown": licence.may_be_shown,
    }
    if still:
        row |= {"image": stem + PICTURE, "annotation": EYES}
    else:
        row |= {
            "sentence": recording.sentence,
            "channel": "speech",
            "video": stem + VIDEO,
            "audio": stem + SOUND,
            "annotation": stem + SUFFIX,
            "rate": RATE,
        }
    return row | facts
