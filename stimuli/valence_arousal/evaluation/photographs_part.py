"""Photographs, or other people of a prepared corpus, of whom no truth is known.

Whether the change stays in the face, whether it is still the same person, whether the judges see
the labels; and the planes to look at.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from models.valence_arousal.judge import Judges
from models.valence_arousal.network import Editor
from protocols.clips import read_record
from protocols.errors import UserError
from protocols.prepared import PreparedCorpus
from stimuli.context_faces.evaluation.part import Block, Figure, Part, Table
from stimuli.context_faces.portraits import CorpusPortraits, PortraitError
from stimuli.context_faces.shards import Progress
from stimuli.corpora.prepare import licence_line
from stimuli.faces.identity import SAME_PERSON
from stimuli.valence_arousal.evaluation.agreements import ccc, moments
from stimuli.valence_arousal.evaluation.measuring import (
    changes,
    edited,
    recognised,
    seen_by,
    shares,
)
from stimuli.valence_arousal.evaluation.mosaic import below, beside, plane, png
from stimuli.valence_arousal.evaluation.places import (
    AXES,
    GRID,
    LEVELS,
    MOVED,
    NEUTRAL,
    as_plane,
    line,
)
from stimuli.valence_arousal.evaluation.regions import face_mask
from stimuli.valence_arousal.evaluation.sheets_part import ORDER, SMALL, spread

MOST = 8  # photographs that are edited
ACROSS = 4  # planes side by side


@dataclass(frozen=True)
class Photographs:
    """Neutral faces (N, S, S, 3) uint8 of people of a corpus.

    Attributes:
        corpus: its name.
        names: (N,) of the people.
        faces: their faces.
        credit: what its licence says.
    """

    corpus: str
    names: list[str]
    faces: np.ndarray
    credit: str


def read_photographs(folder: Path, size: int) -> Photographs:
    """Up to MOST people of a prepared corpus, spread over all who have a neutral face.

    Raises:
        UserError: the corpus has no arrays, or nobody has a neutral face.
    """
    record, corpus = read_record(folder), PreparedCorpus.open(folder)
    portraits = CorpusPortraits(record.name, corpus, size, "closed-mouth")
    found = {}
    for name in sorted({str(name) for name in corpus.index["actor"].dropna()}):
        try:
            found[name] = portraits.face(name)
        except PortraitError:
            continue  # nobody's neutral face
    if not found:
        raise UserError(
            f"{folder}: nobody has a neutral face; label one neutral, or leave --corpus out"
        )
    names = spread(list(found), MOST)
    faces = np.stack([found[name] for name in names])
    credit = f"{record.cite or record.name}, {licence_line(record, record.permission)}"
    return Photographs(record.name, names, faces, credit)


def photographs_part(
    network: Editor, judges: Judges, photographs: Photographs, progress: Progress
) -> Part:
    """The table and the planes."""
    made, rows = [], []
    known = [recognised(face) for face in photographs.faces]
    for number, (name, face) in enumerate(zip(photographs.names, photographs.faces, strict=True)):
        pictures = edited(network, face, GRID)
        made.append(pictures)
        rows.append(_row(name, pictures, number, known, seen_by(judges, pictures)))
        progress(number + 1, len(photographs.names))
    table = pd.DataFrame(rows)
    numbers = table.drop(columns="person").mean().to_dict()
    table = pd.concat([table, pd.DataFrame([{"person": "mean", **numbers}])], ignore_index=True)
    blocks: list[Block] = [
        f"Neutral faces of {len(rows)} people of the corpus “{photographs.corpus}”. Editor and "
        "judges have learned from drawn faces alone: nothing says that they know photographs. "
        f"Same: share of pictures nearer than {SAME_PERSON:g} to the given one's descriptor; "
        "nearest: nearer to it than to those of the others.",
        Table("photographs", "49 labels of each", table, 3),
        _planes(photographs, made),
    ]
    mean = table.iloc[-1]
    return Part(
        f"Photographs: {photographs.corpus}", blocks,
        [f"{photographs.corpus}: {100 * mean['energy in the face']:.1f} % of the energy of change "
         f"in the face, identity kept in {100 * mean['kept']:.1f} %, judges' CCC "
         f"{mean['CCC valence']:.2f} and {mean['CCC arousal']:.2f}"],
    )  # fmt: skip


def _row(
    name: str, pictures: np.ndarray, number: int, known: list[tuple[np.ndarray, np.ndarray]],
    judged: np.ndarray,
) -> dict[str, object]:  # fmt: skip
    seen = [recognised(picture) for picture in pictures]
    points, _ = known[number]
    size = pictures.shape[1]
    masks = np.stack([face_mask(np.stack([points, of]), size) for of, _ in seen])
    heat = changes(pictures, pictures[NEUTRAL])
    inside, whole = shares(heat.astype(float) ** 2, masks)[MOVED].sum(0)
    who = np.stack([of for _, of in seen])
    far = np.linalg.norm(who[:, None] - np.stack([of for _, of in known]), axis=-1)  # (49, N)
    own, other = far[:, number], np.delete(far, number, 1).min(1, initial=np.inf)
    found: dict[str, object] = {
        "person": name, "energy in the face": inside / whole if whole else float("nan"),
        "same": (own < SAME_PERSON).mean(), "nearest": (own < other).mean(),
        "kept": ((own < SAME_PERSON) & (own < other)).mean(),
    }  # fmt: skip
    for axis, of in enumerate(AXES):
        agreement = ccc(moments(GRID[:, axis], judged[:, axis])[None, None])
        at = judged[line(axis, 0.0), axis]
        found |= {f"CCC {of}": float(agreement[0]), f"{of} moves by": float(at[-1] - at[0])}
    return found


def _planes(photographs: Photographs, made: list[np.ndarray]) -> Figure:
    planes = [
        plane(as_plane(pictures), SMALL, LEVELS, name)
        for name, pictures in zip(photographs.names, made, strict=True)
    ]
    rows = [beside(planes[i : i + ACROSS]) for i in range(0, len(planes), ACROSS)]
    return Figure(
        "photographs",
        f"All 49 labels of photographs, {ORDER}. {photographs.credit}",
        png(below(rows), photographs.credit),
        "Planes of seven by seven faces of photographed people.",
    )
