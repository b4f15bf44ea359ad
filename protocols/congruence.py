"""Whether voice and face of a clip carry the same emotion: the factor `congruence`.

It stands beside `voice_emotion` and `face_emotion`, whose crossing decides it, so that a cell that
contradicts itself is none. Something that is only heard or only seen has nothing to disagree with:
it is congruent, and comes once, in the cell whose voice and face are of the same emotion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from protocols.section import fail

CONGRUENCE = "congruence"  # the factor
CONGRUENT, INCONGRUENT = LEVELS = ("congruent", "incongruent")
NEEDS = ("voice_emotion", "face_emotion")
TOGETHER = "audio-visual"  # of the factor modality: both are there


def congruence_of(cell: Mapping[str, Any]) -> str:
    """The level that emotions of voice and face have."""
    voice, face = (cell[name] for name in NEEDS)
    return CONGRUENT if voice == face else INCONGRUENT


def is_possible(cell: Mapping[str, Any]) -> bool:
    """Whether a combination of levels is a cell of the design."""
    if CONGRUENCE not in cell or not all(name in cell for name in NEEDS):
        return True
    here = congruence_of(cell)
    alone = cell.get("modality", TOGETHER) != TOGETHER
    return cell[CONGRUENCE] == here and not (alone and here == INCONGRUENT)


def check_congruence(
    factors: Mapping[str, Iterable[Any]], per_cell: Any, cells: Iterable[Mapping[str, Any]]
) -> None:
    """Refuse the factor without what decides it, levels without a cell, and counts without it."""
    if CONGRUENCE not in factors:
        if isinstance(per_cell, Mapping):
            raise fail(
                f"found {dict(per_cell)}; counts by {CONGRUENCE} need that factor beside "
                f"{' and '.join(NEEDS)}; else write one number",
                *("identities", "per_cell"),
            )
        return
    missing = next((name for name in NEEDS if name not in factors), None)
    if missing is not None:
        raise fail(
            f"{CONGRUENCE} compares {' and '.join(NEEDS)}; add the factor '{missing}'",
            *("factors", CONGRUENCE),
        )
    there = {cell[CONGRUENCE] for cell in cells}
    for i, level in enumerate(factors[CONGRUENCE]):
        if level not in there:
            raise fail(
                f"no cell is {level}: voice and face have "
                f"{'no' if level == CONGRUENT else 'only one'} emotion in common",
                *("factors", CONGRUENCE, i),
            )
    if isinstance(per_cell, Mapping):
        wrong = next((name for name in there if name not in per_cell), None)
        if wrong is not None:
            raise fail(f"says nothing of {wrong} cells; add {wrong}: 1", "identities", "per_cell")
