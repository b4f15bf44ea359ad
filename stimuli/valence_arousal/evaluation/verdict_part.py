"""What was wanted, what was reached, and whether that is enough: the end of the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from stimuli.context_faces.evaluation.part import Part, Table
from stimuli.valence_arousal.evaluation import (
    axes_part,
    identity_part,
    judges_part,
    maps_part,
    nearness_part,
    speed_part,
)
from stimuli.valence_arousal.evaluation.measuring import Record
from stimuli.valence_arousal.evaluation.places import AXES


class Verdict(NamedTuple):
    """A line of the table."""

    what: str
    wanted: str
    reached: str
    met: bool


def verdicts(
    edited: Sequence[Record], true: Sequence[Record], speed: dict[str, Any]
) -> list[Verdict]:
    """Everything that was wanted."""
    found = []
    for axis in AXES:
        agreed = judges_part.concordance(edited, axis)
        least = judges_part.WANTED[axis]
        found.append(Verdict(f"CCC of judged {axis}, 49 labels", f"{least:g} or more",
                             agreed.words(3), agreed.mean >= least))  # fmt: skip
    failed = nearness_part.beats(edited, true)
    count = 2 * len(nearness_part.EVERYWHERE)
    found.append(Verdict(
        "nearer to the true picture than identity copy and neutral picture (PSNR, SSIM; crop, "
        "face, mouth, brows)", f"{count} of {count}",
        f"{count - len(failed)} of {count}" + (f"; not: {', '.join(failed)}" if failed else ""),
        not failed,
    ))  # fmt: skip
    kept = identity_part.keeps(edited, true)
    found.append(Verdict("identity kept: same person, and nearest to them",
                         f"{identity_part.WANTED:g} or more", kept.words(3),
                         kept.mean >= identity_part.WANTED))  # fmt: skip
    for axis, name in enumerate(AXES):
        of = axes_part.along(edited, axis)
        found.append(Verdict(f"judged {name} rises along {name}, the other at 0",
                             "at every step", f"least step {of.steps.min():+.3f}",
                             of.rises))  # fmt: skip
    for axis, name in enumerate(AXES):
        ratio = axes_part.other_over_own(edited, axis)
        found.append(Verdict(f"change of {AXES[1 - axis]} along {name}, over that of {name}",
                             f"below {axes_part.MOST_OTHER:.2f}", ratio.words(3),
                             ratio.mean < axes_part.MOST_OTHER))  # fmt: skip
    inside = maps_part.inside(edited)
    found.append(Verdict("energy of change inside the face", f"{maps_part.WANTED:g} or more",
                         inside.words(3), inside.mean >= maps_part.WANTED))  # fmt: skip
    times, low, high = speed_part.ratios(speed)
    found.append(Verdict("49 labels of a face encoded once, over 49 copies encoded",
                         "more than 1 times as fast", f"{times:.2f} ({low:.2f} to {high:.2f})",
                         times > 1))  # fmt: skip
    return found


def verdict_part(found: Sequence[Verdict]) -> Part:
    """The table, and a line of how much was reached."""
    missed = [one.what for one in found if not one.met]
    line = f"reached: {len(found) - len(missed)} of {len(found)} that were wanted"
    return Part(
        "Wanted and reached",
        [Table("verdicts", "What was wanted of the editor, on actors nobody has seen",
               pd.DataFrame([one._asdict() for one in found]))],
        [line + (f"; not reached: {'; '.join(missed)}" if missed else "")],
    )  # fmt: skip
