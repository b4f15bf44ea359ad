"""Figure 2 of the paper: where pictures change from the neutral label to 48 others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from stimuli.context_faces.evaluation.part import Figure, Part, Table
from stimuli.context_faces.evaluation.resampling import ratio
from stimuli.talking_faces.evaluation.averages import Mean
from stimuli.valence_arousal.evaluation.means import by_actor, estimate
from stimuli.valence_arousal.evaluation.measuring import Record, at_size
from stimuli.valence_arousal.evaluation.mosaic import beside, grey, plane, png
from stimuli.valence_arousal.evaluation.people import read_person
from stimuli.valence_arousal.evaluation.places import GRID, LEVELS, MOVED, NEUTRAL, as_plane
from stimuli.valence_arousal.evaluation.regions import face_mask

WANTED = 0.8  # share of the energy of change
SIDE = 96  # pixels of a map in the figure
OUTLINE = np.array([213, 94, 0], np.uint8)


def maps_part(edited: Sequence[Record], true: Sequence[Record], people: Mapping[str, Path]) -> Part:
    """Heat maps, and the share of change inside the face."""
    return Part(
        "Where pictures change",
        [
            "A heat map is, at each pixel, the largest difference of the three channels between a "
            "picture at a label and the one at the neutral label (the paper's formula, IV-C.2), "
            "summed over all given pictures. All 48 maps, of edited and of true pictures alike, "
            "are divided by one number each set: its own largest value. Energy is the map squared; "
            "the plain sum counts weak noise over a large background more. The face is that of "
            "the true picture and the neutral one (see above).",
            _figure(edited, true, people),
            _table(edited, true),
        ],
        headline(edited, true),
    )


def inside(records: Sequence[Record], kind: str = "energy", rows: np.ndarray = MOVED) -> Mean:
    """Share of the change that lies in the face; kind: energy or change (the plain sum)."""
    sums = by_actor(records, lambda r: getattr(r, kind)[rows].sum(0))
    return estimate(sums, ratio)


def headline(edited: Sequence[Record], true: Sequence[Record]) -> list[str]:
    """The result in a sentence."""
    ours, theirs = inside(edited), inside(true)
    return [
        f"{100 * ours.mean:.1f} % of the energy of change lies in the face (95 % "
        f"{100 * ours.low:.1f} to {100 * ours.high:.1f}; wanted {100 * WANTED:g} %); of true "
        f"pictures {100 * theirs.mean:.1f} %"
    ]


def summed(records: Sequence[Record]) -> np.ndarray:
    """Heat maps (49, S, S) of all records together, 0 to 1."""
    total = np.zeros(records[0].heat.shape)
    for record in records:
        total += record.heat
    return total / max(total.max(), 1.0)


def _table(edited: Sequence[Record], true: Sequence[Record]) -> Table:
    valence, arousal = GRID.T
    groups = {
        "48 labels": MOVED,
        "valence above 0": np.flatnonzero((valence > 0) & (arousal == 0)),
        "valence below 0": np.flatnonzero((valence < 0) & (arousal == 0)),
        "arousal above 0": np.flatnonzero((arousal > 0) & (valence == 0)),
        "arousal below 0": np.flatnonzero((arousal < 0) & (valence == 0)),
    }
    rows = []
    for words, places in groups.items():
        for name, records in (("edited", edited), ("true", true)):
            energy, change = (inside(records, kind, places) for kind in ("energy", "change"))
            rows.append({
                "labels": words, "pictures": name, "energy in the face": energy.mean,
                "low": energy.low, "high": energy.high, "plain sum in the face": change.mean,
                "mean change, grey levels": float(np.mean([r.heat[places] for r in records])),
            })  # fmt: skip
    return Table("change_in_face", "Share of the change that lies in the face",
                 pd.DataFrame(rows), 3,
                 "The four rows of one axis: the other at 0.")  # fmt: skip


def _figure(edited: Sequence[Record], true: Sequence[Record], people: Mapping[str, Path]) -> Figure:
    size = edited[0].heat.shape[-1]
    middle = _neutral(people, size)
    pages = []
    for title, records in (("Edited pictures", edited), ("True pictures", true)):
        tiles = grey(summed(records))
        tiles[NEUTRAL] = middle
        pages.append(plane(as_plane(tiles), SIDE, LEVELS, title))
    return Figure(
        "figure_2",
        "Figure 2 of the paper: heat maps of 48 labels, from high valence (top) to low, from high "
        "arousal (left) to low; bright is change. In the middle, where nothing changes, the mean "
        "neutral face and the edge of its mask.",
        png(beside(pages)),
        "Two planes of seven by seven grey maps with a face in the middle.",
    )


def _neutral(people: Mapping[str, Path], size: int) -> np.ndarray:
    """The mean neutral face (S, S, 3) uint8 with the outline of its mask."""
    faces, points = [], []
    for path in people.values():
        person = read_person(path)
        faces.append(at_size(person.faces[NEUTRAL], size))
        points.append(person.points[NEUTRAL])
    face = np.mean(faces, axis=0).round().astype(np.uint8)
    mask = face_mask(np.mean(points, axis=0), size)
    edge = mask & ~(np.roll(mask, 1, 0) & np.roll(mask, -1, 0) & np.roll(mask, 1, 1)
                    & np.roll(mask, -1, 1))  # fmt: skip
    face[edge] = OUTLINE
    return face
