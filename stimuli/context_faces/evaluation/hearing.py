"""Whether voices are heard as they were meant: what the head names where the shift led at m = 1."""

from __future__ import annotations

import numpy as np
import pandas as pd

from stimuli.context_faces.evaluation.series import Series
from stimuli.context_faces.poses import EMOTIONS


def heard(series: Series) -> pd.DataFrame:
    """A row for the voices of each emotion, and one for all.

    Columns: `voices`, how many; `right`, the share heard as they were meant; then, by emotion, how
    many of them were heard as that (what a model calls otherwise is in none of these).
    """
    rows = []
    for e, context in enumerate(EMOTIONS):
        of = series.named[:, :, e].ravel()
        counts = [int((of == other).sum()) for other in range(len(EMOTIONS))]
        rows.append({"context": context, "voices": len(of), "right": counts[e] / len(of),
                     **dict(zip(EMOTIONS, counts, strict=True))})  # fmt: skip
    table = pd.DataFrame(rows)
    total = {name: table[name].sum() for name in ("voices", *EMOTIONS)}
    right = float(np.average(table["right"], weights=table["voices"]))
    return pd.concat([table, pd.DataFrame([{"context": "all", "right": right, **total}])],
                     ignore_index=True)  # fmt: skip


def in_words(table: pd.DataFrame) -> str:
    """A table of `heard` as a sentence without an end."""
    each, of_all = table.iloc[:-1], table.iloc[-1]
    least = each.loc[each["right"].idxmin()]
    return (
        f"of {of_all['voices']} voices {of_all['right']:.3f} are heard as they were meant, least "
        f"of {least['context']} ones ({least['right']:.3f})"
    )
