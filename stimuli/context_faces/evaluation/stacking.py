"""Tables of several models as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import pandas as pd

Of = TypeVar("Of")


def stacked(outcomes: Mapping[str, Of], table: Callable[[Of], pd.DataFrame]) -> pd.DataFrame:
    """One table of all models, the model's name in front."""
    return pd.concat(
        [table(one).assign(model=name) for name, one in outcomes.items()], ignore_index=True
    ).pipe(first, "model")


def first(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """The table with a column in front."""
    others = [name for name in table.columns if name != column]
    return table.loc[:, [column, *others]].reset_index(drop=True)


def slug(name: str) -> str:
    """A name as part of a file's."""
    return "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-")
