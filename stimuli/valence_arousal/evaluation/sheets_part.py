"""What edited faces look like: figures 3 and 4 of the paper, and whole planes of eight actors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from models.valence_arousal.network import Editor
from stimuli.context_faces.evaluation.part import Block, Figure, Part
from stimuli.valence_arousal.evaluation.measuring import EXPRESSIVE, SEED, at_size, edited
from stimuli.valence_arousal.evaluation.mosaic import below, beside, mosaic, plane, png
from stimuli.valence_arousal.evaluation.people import read_person
from stimuli.valence_arousal.evaluation.places import (
    LEVELS,
    NEUTRAL,
    ON_GRID,
    PLACES,
    as_plane,
    given,
    place,
)

FIVE = (-0.75, -0.5, 0.0, 0.5, 0.75)  # levels of figures 3 and 4
FOUR = 4  # actors of one figure
LARGE, SMALL = 112, 64  # pixels of a face
ORDER = "from high valence V (top) to low, from high arousal A (left) to low"


def sheets_part(network: Editor, people: Mapping[str, Path]) -> Part:
    """Faces to look at."""
    actors = list(people)
    first = spread(actors, 2 * FOUR)
    blocks: list[Block] = [
        "Look at them: is it the same person throughout, does every row rise in valence and every "
        "column in arousal, is anything torn, blurred or doubled, does the background stay?",
        _figure_3(network, actors[len(actors) // 2], people),
        _figure_4(network, people),
    ]
    for number, expressive in enumerate((False, True), 1):
        some = first[FOUR * (number - 1) : FOUR * number]
        if some:
            blocks.append(_planes(network, some, people, number, expressive=expressive))
    return Part("What it looks like", blocks)


def spread(actors: list[str], most: int) -> list[str]:
    """At most so many, evenly over all."""
    rows = np.linspace(0, len(actors) - 1, min(most, len(actors))).round().astype(int)
    return [actors[int(row)] for row in rows]


def pictures_given(actors: Sequence[str], count: int) -> list[tuple[str, int]]:
    """`count` given pictures, actor and row of PLACES, of as many actors as there are.

    Neutral and expressive ones by turns; who comes again gives another one.
    """
    found = []
    for number in range(count):
        actor = actors[number % len(actors)]
        rows = given(actor, EXPRESSIVE, SEED)
        found.append((actor, rows[(number % 2 + number // len(actors)) % len(rows)]))
    return found


def words(row: int) -> str:
    """Of a given picture."""
    valence, arousal = PLACES[row]
    return "neutral" if row == NEUTRAL else f"at {valence:+g}, {arousal:+g}"


def _five() -> np.ndarray:
    """Rows of PLACES of 25 labels, laid out as in the paper (5, 5)."""
    return np.array([[place(v, a) for a in reversed(FIVE)] for v in reversed(FIVE)])


def _figure_3(network: Editor, actor: str, people: Mapping[str, Path]) -> Figure:
    real, rows = _faces(people[actor], network.settings.size), _five()
    made = edited(network, real[NEUTRAL], PLACES)
    given_one = mosaic(real[NEUTRAL][None, None], LARGE, [""], [""], "Given")
    pages = [plane(of[rows], LARGE, FIVE, title)
             for title, of in (("Edited", made), ("True", real))]  # fmt: skip
    return Figure(
        "figure_3",
        f"As figure 3 of the paper: one given picture (actor {actor}) at 25 labels, {ORDER}; "
        "beside it the true pictures, which the networks have not seen.",
        png(beside([given_one, *pages])),
        "A face, and two planes of five by five faces.",
    )


def _figure_4(network: Editor, people: Mapping[str, Path]) -> Figure:
    rows = _five()
    chosen = pictures_given(list(people), rows.size)
    size = network.settings.size
    faces = np.zeros((3, rows.size, size, size, 3), np.uint8)
    for number, ((actor, row), label) in enumerate(zip(chosen, rows.ravel(), strict=True)):
        real = _faces(people[actor], size)
        made = edited(network, real[row], PLACES[[label]])[0]
        faces[:, number] = real[row], made, real[label]
    sources, *others = faces.reshape(3, *rows.shape, size, size, 3)
    pages = [mosaic(sources, LARGE, 5 * [""], 5 * [""], "Given")]
    pages += [plane(of, LARGE, FIVE, title)
              for title, of in zip(("Edited", "True"), others, strict=True)]  # fmt: skip
    return Figure(
        "figure_4",
        f"As figure 4 of the paper: 25 given pictures at 25 labels, {ORDER}, beside the true ones.",
        png(beside(pages)),
        "Three planes of five by five faces: given, edited, true.",
    )


def _planes(
    network: Editor, actors: Sequence[str], people: Mapping[str, Path], number: int, *,
    expressive: bool,
) -> Figure:  # fmt: skip
    columns: list[Image.Image] = []
    for actor in actors:
        real = _faces(people[actor], network.settings.size)
        row = given(actor, EXPRESSIVE, SEED)[int(expressive)]
        made = edited(network, real[row], PLACES)
        columns.append(below([
            plane(as_plane(of[ON_GRID]), SMALL, LEVELS, title)
            for of, title in ((made, f"{actor}, given {words(row)}: edited"), (real, "true"))
        ]))  # fmt: skip
    return Figure(
        f"planes_{number}",
        f"All 49 labels of actors {', '.join(actors)}, {ORDER}: edited from "
        f"{'an expressive' if expressive else 'the neutral'} picture, and below the true ones.",
        png(beside(columns)),
        "Planes of seven by seven faces, one above the other.",
    )


def _faces(path: Path, size: int) -> np.ndarray:
    return at_size(read_person(path).faces, size)
