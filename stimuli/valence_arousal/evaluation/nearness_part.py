"""How near edited pictures are to the true ones of the same actor at the same label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stimuli.context_faces.evaluation.part import Part, Table
from stimuli.context_faces.evaluation.reconstruction import REGIONS as BOXES
from stimuli.talking_faces.evaluation import averages
from stimuli.talking_faces.evaluation.averages import Mean
from stimuli.valence_arousal.evaluation.means import by_actor, decibels, mean
from stimuli.valence_arousal.evaluation.measuring import Record
from stimuli.valence_arousal.evaluation.places import NEUTRAL, ON_GRID, REACH
from stimuli.valence_arousal.evaluation.regions import FACE, FOREHEAD, REGIONS, WHOLE

PICTURES = ("edited", "identity copy", "neutral picture")
EVERYWHERE = (WHOLE, FACE, "mouth", "brows")


def nearness_part(edited: Sequence[Record], true: Sequence[Record]) -> Part:
    """PSNR and SSIM beside the two simplest editors."""
    return Part(
        "How near edited pictures are to true ones",
        [_introduction(), _regions(edited, true), _by_reach(edited, true), _by_given(edited)],
        headline(edited, true),
    )


def near(
    edited: Sequence[Record], true: Sequence[Record], pictures: str, region: str, measure: str,
    rows: np.ndarray = ON_GRID,
) -> Mean:  # fmt: skip
    """PSNR or SSIM in a region, over rows of PLACES other than that of the given picture.

    pictures: of PICTURES; measure: psnr or ssim.
    """
    neutral, r = {record.actor: record for record in true}, REGIONS.index(region)

    def value(record: Record) -> float:
        own = rows[rows != record.given]
        source = neutral[record.actor] if pictures == "neutral picture" else record
        squares, alike = (
            (source.squares, source.alike) if pictures == "edited"
            else (source.copy_squares, source.copy_alike)
        )  # fmt: skip
        return float((squares if measure == "psnr" else alike)[r, own].mean())

    there = [record for record in edited if (rows != record.given).any()]
    per_actor = by_actor(there, lambda record: np.asarray(value(record)))
    return decibels(per_actor) if measure == "psnr" else mean(per_actor)


def headline(edited: Sequence[Record], true: Sequence[Record]) -> list[str]:
    """The results in single sentences."""
    return [
        f"{region}: PSNR / SSIM with the true picture " + ", ".join(
            f"{of} {near(edited, true, of, region, 'psnr').mean:.1f} dB / "
            f"{near(edited, true, of, region, 'ssim').mean:.3f}" for of in PICTURES
        )
        for region in EVERYWHERE
    ]  # fmt: skip


def beats(edited: Sequence[Record], true: Sequence[Record]) -> list[str]:
    """Regions and measures in which the edited pictures are not nearer than both simplest ones."""
    failed = []
    for region in EVERYWHERE:
        for measure in ("psnr", "ssim"):
            ours, *others = (
                near(edited, true, of, region, measure).mean for of in PICTURES
            )  # fmt: skip
            if ours <= max(others):
                failed.append(f"{measure.upper()} {region}")
    return failed


def _introduction() -> str:
    boxes = "; ".join(
        f"{name}: {box.left:g}–{box.right:g} across, {box.top:g}–{box.bottom:g} down"
        for name, box in BOXES.items() if name != WHOLE
    )  # fmt: skip
    return (
        "Nobody has the true picture of a person of AffectNet at another label; mien's actors can "
        "be drawn there. Edited pictures are compared with them beside the two simplest editors: "
        "the identity copy gives back what it was given, the neutral picture is the actor's at "
        "rest, whatever was given. Labels are the 49 of the grid but that of the given picture. "
        "PSNR is that of the mean squared difference over labels, given pictures and actors, in "
        "red, green and blue, which is less than the mean of single pictures' PSNR; SSIM (Wang et "
        "al., 2004) takes luma. The face is the convex hull of the landmarks of the true picture "
        f"and of the neutral one, with a forehead {FOREHEAD:g} distances between the eyes above "
        f"the brows; boxes in shares of the crop: {boxes}. Intervals at 95 % draw whole actors "
        "again."
    )


def _regions(edited: Sequence[Record], true: Sequence[Record]) -> Table:
    rows = []
    for region in EVERYWHERE:
        for of in PICTURES:
            numbers = {name: near(edited, true, of, region, name.lower())
                       for name in ("PSNR", "SSIM")}  # fmt: skip
            rows.append({"region": region, "pictures": of, **averages.columns(numbers)})
    return Table("nearness", "Nearness to the true picture of the same actor and label",
                 pd.DataFrame(rows), 3)  # fmt: skip


def _by_reach(edited: Sequence[Record], true: Sequence[Record]) -> Table:
    rows = []
    for reach in np.unique(REACH):
        places = np.flatnonzero(reach == REACH)
        row: dict[str, object] = {"farther of |valence|, |arousal|": f"{reach:g}",
                                  "labels": len(places)}  # fmt: skip
        for region in ("mouth", "brows"):
            for of in PICTURES:
                row[f"{region}, {of}"] = near(edited, true, of, region, "psnr", places).mean
        rows.append(row)
    return Table(
        "nearness_by_reach", "PSNR by how far the label is from neutral", pd.DataFrame(rows), 1,
        "0: expressive pictures brought back to neutral, where the neutral picture is the true one "
        "(infinite). 1: the rim of the plane, beyond the paper's grid.",
    )  # fmt: skip


def _by_given(edited: Sequence[Record]) -> Table:
    groups = {"neutral": [r for r in edited if r.given == NEUTRAL],
              "expressive": [r for r in edited if r.given != NEUTRAL]}  # fmt: skip
    rows = []
    for words, of in groups.items():
        for region in EVERYWHERE:
            row: dict[str, object] = {"given picture": words, "region": region}
            for name in ("PSNR", "SSIM"):
                row[f"{name} edited"] = near(of, [], "edited", region, name.lower()).mean
                row[f"{name} given back at its own label"] = _own(of, region, name).mean
            rows.append(row)
    return Table("nearness_by_given", "By the expression of the given picture, and pictures edited "
                 "to their own label", pd.DataFrame(rows), 3)  # fmt: skip


def _own(records: Sequence[Record], region: str, measure: str) -> Mean:
    """Nearness of pictures that are edited to the label that they have."""
    r = REGIONS.index(region)
    if measure == "PSNR":
        return decibels(by_actor(records, lambda one: one.squares[r, one.given]))
    return mean(by_actor(records, lambda one: one.alike[r, one.given]))
