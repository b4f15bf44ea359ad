"""Whose reactions are appropriate to whom, as the REACT challenge says: its matrix of neighbours.

`neighbour_emotion_PART.npy`, which the challenge's matrix_split.py writes, lies beside `PART.csv`
(an index, speaker, listener). Its rows and columns are the pairs of that list, and then the same
pairs with roles swapped; where row i has a 1 in column j, the listener of j reacts appropriately to
the speaker of i.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from protocols.errors import UserError
from protocols.tables import read_words


@dataclass(frozen=True)
class Neighbours:
    """The challenge's pairs of a part and who is whose neighbour: (n, n) bool.

    speakers, listeners: names of clips, in the order of rows and columns.
    """

    speakers: tuple[str, ...]
    listeners: tuple[str, ...]
    alike: np.ndarray


def read_neighbours(base: Path, part: str) -> Neighbours | None:
    """The pairs of a part (train, val, test) below `base` and their matrix; None without one.

    Raises:
        UserError: a matrix of Python objects, one that is not square, or does not fit PART.csv.
    """
    file, table = base / f"neighbour_emotion_{part}.npy", base / f"{part}.csv"
    if not file.is_file() or not table.is_file():
        return None
    try:
        matrix = np.load(file, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise UserError(
            f"{file}: not a plain matrix of numbers ({str(error).splitlines()[0]}); what holds "
            "Python objects is not read, because it may run programs: make it again with the "
            "challenge's matrix_split.py, or save it as np.save(file, matrix.astype('uint8'))"
        ) from None
    pairs = read_words(table, ",")
    if pairs.shape[1] < 3:
        raise UserError(f"{table}: accepted: an index, speaker, listener")
    first, second = ([_name(part, str(path)) for path in pairs.iloc[:, i]] for i in (1, 2))
    size = 2 * len(pairs)
    if matrix.shape != (size, size):
        raise UserError(
            f"{file}: found a matrix of {' x '.join(map(str, matrix.shape))}; accepted: {size} x "
            f"{size}, twice the {len(pairs)} pairs of {table.name}"
        )
    return Neighbours((*first, *second), (*second, *first), matrix == 1)


def _name(part: str, path: str) -> str:
    """The clip that a list of pairs means, as the adapter names it."""
    return "-".join([part, *(word.removesuffix("_video") for word in path.strip("/").split("/"))])
