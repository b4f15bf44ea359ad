"""Tables I, III and IV: what the judges say of true and of edited pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pandas as pd

from models.weights import Weights
from stimuli.actors.cast import actor as find_actor
from stimuli.context_faces.evaluation.part import Part, Table
from stimuli.talking_faces.evaluation.averages import Mean
from stimuli.valence_arousal.evaluation import published
from stimuli.valence_arousal.evaluation.agreements import MEASURES, OFF, SIGNED, agreements
from stimuli.valence_arousal.evaluation.measuring import Record
from stimuli.valence_arousal.evaluation.places import (
    AXES,
    CORNERS,
    FAR_CORNERS,
    NEUTRAL,
    ON_GRID,
)

SETS = {"all": ON_GRID, "extreme": CORNERS, "corners of the plane": FAR_CORNERS}
GENDERS = ("female", "male")
WANTED = {"valence": 0.6, "arousal": 0.4}  # CCC of all labels


def judges_part(
    edited: Sequence[Record], true: Sequence[Record], judges: Weights, editor: Weights
) -> Part:
    """How well the judges find labels again in true pictures, and in edited ones."""
    return Part(
        "What the judges of valence and arousal see",
        [
            _introduction(edited, judges),
            *_pairs(editor),
            _table_3(true),
            _table_4(edited, true),
            _by_given(edited),
            _by_gender(edited, true),
        ],
        headline(edited, true),
    )


def concordance(records: Sequence[Record], axis: str) -> Mean:
    """CCC of all labels."""
    return agreements(records, AXES.index(axis), ON_GRID)["CCC"]


def headline(edited: Sequence[Record], true: Sequence[Record]) -> list[str]:
    """The results in single sentences."""
    return [
        f"CCC of {axis} with the labels: edited pictures {concordance(edited, axis).words(3)}, "
        f"true pictures {concordance(true, axis).words(3)}, the paper's "
        f"{published.ALL_IMAGES.ccc[i]:.3f}; wanted {WANTED[axis]:g}"
        for i, axis in enumerate(AXES)
    ]


def _introduction(edited: Sequence[Record], judges: Weights) -> str:
    learned = judges.facts.get("learned_from", "pictures that the editor never saw")
    actors = sorted({record.actor for record in edited})
    return (
        f"Two convolutional networks, one for each axis, as in the paper, that learned from "
        f"{learned}. They look at {len(actors)} synthetic actors ({actors[0]} to {actors[-1]}) "
        "whom neither they nor the editor have seen: at true pictures of 49 labels, the paper's "
        "grid from -.75 to .75, and at those that the editor makes of "
        f"{len(edited)} given pictures ({len(edited) // len(actors)} of each actor: the neutral "
        "one, and expressive ones drawn from the seed). “All” is these 49 labels; “extreme” is "
        "the four corners of the grid: the paper's 18,000 of 220,500 images, “very low/high "
        "arousal and very low/high valence”, are 4 of 49. Corners of the plane (±1, ±1) lie beyond "
        "the paper's grid. SAGR counts a label of 0 as never right (its sign is 0, no judge says "
        "exactly 0), which the paper's formula does, too; so it cannot exceed 42 of 49 on all "
        "labels. Intervals at 95 % draw whole actors again."
    )


def _pairs(editor: Weights) -> list[str]:
    """Said of an editor that has seen the same people at other labels."""
    training = json.loads(editor.facts.get("training", "{}"))
    if not training.get("editing", {}).get("paired"):
        return []
    return [
        "This editor was shown true pictures of its training people at other labels, which only "
        "drawn people can give; the paper's has seen everybody at one label. So its numbers say "
        "how well this is learned for strangers, not that the paper's way would do the same."
    ]


def _table_3(true: Sequence[Record]) -> Table:
    rows = []
    for i, axis in enumerate(AXES):
        here = agreements(true, i, ON_GRID)
        for name in (*MEASURES, SIGNED):
            rows.append({
                "axis": axis, "measure": name,
                "two annotators (table I)": _printed(published.ANNOTATORS, name, i),
                "judges of the paper (table III)": _printed(published.CLASSIFIERS, name, i),
                **_numbers("judges here", here[name]),
            })  # fmt: skip
    return Table(
        "table_3", "Tables I and III of the paper beside the judges' accuracy on true pictures",
        pd.DataFrame(rows), 3,
        f"The paper's numbers are of {published.CORPUS}, photographs from the web with the labels "
        "of annotators; here the label is what the face was drawn with. They cannot be compared: "
        "drawn faces are more alike in their expressions than people are.",
    )  # fmt: skip


def _table_4(edited: Sequence[Record], true: Sequence[Record]) -> Table:
    printed = {"all": published.ALL_IMAGES, "extreme": published.EXTREME_IMAGES}
    rows = []
    for words, places in SETS.items():
        for i, axis in enumerate(AXES):
            here, beside = (agreements(of, i, places) for of in (edited, true))
            names = (*MEASURES, SIGNED) if words == "all" else MEASURES
            for name in names:
                rows.append({
                    "labels": words, "pictures": len(edited) * len(places), "axis": axis,
                    "measure": name, "paper": _printed(printed.get(words), name, i),
                    **_numbers("edited", here[name]), **_numbers("true", beside[name]),
                })  # fmt: skip
    return Table(
        "table_4", "Table IV of the paper beside what the judges say of edited and true pictures",
        pd.DataFrame(rows), 3,
        f"Wanted: CCC of {WANTED['valence']:g} in valence and {WANTED['arousal']:g} in arousal on "
        "all labels. The paper's editor and judges are of photographs; true: the judges' own "
        "limit, pictures drawn at the label itself.",
    )  # fmt: skip


def _by_given(edited: Sequence[Record]) -> Table:
    groups = {
        "neutral": [r for r in edited if r.given == NEUTRAL],
        "expressive": [r for r in edited if r.given != NEUTRAL],
    }
    rows = []
    for words, of in groups.items():
        row: dict[str, object] = {"given picture": words, "pictures": len(of) * len(ON_GRID)}
        for axis in AXES:
            row |= _numbers(f"CCC {axis}", concordance(of, axis))
        rows.append(row)
    return Table("by_given", "CCC of all labels, by the expression of the given picture",
                 pd.DataFrame(rows), 3)  # fmt: skip


def _by_gender(edited: Sequence[Record], true: Sequence[Record]) -> Table:
    rows = []
    for gender in GENDERS:
        for words, records in (("true", true), ("edited", edited)):
            of = [r for r in records if find_actor(r.actor).gender == gender]
            for axis in AXES if of else ():
                here = agreements(of, AXES.index(axis), ON_GRID)
                row: dict[str, object] = {"gender": gender, "pictures": words, "axis": axis}
                rows.append(row | {**_numbers("CCC", here["CCC"]), **_numbers("off", here[OFF])})
    return Table(
        "by_gender", "The same of women and of men", pd.DataFrame(rows), 3,
        "off: judged less asked, on average. What is off in true pictures is the judges' fault.",
    )  # fmt: skip


def _numbers(name: str, of: Mean) -> Mapping[str, float]:
    return {name: of.mean, f"{name} low": of.low, f"{name} high": of.high}


def _printed(of: published.Agreement | None, name: str, axis: int) -> float:
    column = name.lower()
    return getattr(of, column)[axis] if of is not None and column in of._fields else float("nan")
