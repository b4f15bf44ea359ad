"""What a data set says of itself beside its tables, and how its files are written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pandas as pd

from protocols.protocol import Protocol
from protocols.reading import dump
from protocols.recruitment import Codes, Panel


@dataclass(frozen=True)
class About:
    """Whose the data set is, what others may do with it, and the protocol as they may read it."""

    authors: tuple[str, ...]
    licence: str | None
    protocol: bytes


def told(protocol: Protocol, authors: tuple[str, ...], licence: str | None) -> About:
    """Codes, addresses and names of other studies are left out of the protocol."""
    closed = {"codes": Codes(), "block": (), "panel": Panel(), "address": None, "signed": "none"}
    recruitment = protocol.recruitment.model_copy(update=closed)
    open_one = protocol.model_copy(update={"recruitment": recruitment})
    return About(authors, licence, dump(open_one).encode())


def as_json(content: Any) -> bytes:
    """Readable JSON."""
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def as_table(rows: pd.DataFrame, separator: str, missing: str = "") -> bytes:
    """Plain text, with `missing` where a cell is empty."""
    cells = rows.replace("", missing) if missing else rows
    return cells.to_csv(sep=separator, index=False, lineterminator="\n").encode()
