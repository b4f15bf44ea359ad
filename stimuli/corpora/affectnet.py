"""AffectNet (Mollahosseini et al., 2019), in both of its layouts.

Since 2021: `train_set/images/12.jpg` (224 pixels) with `annotations/12_exp.npy`, `_val`, `_aro` and
`_lnd`; likewise `val_set`. Before: `Manually_Annotated_Images/103/….jpg`, listed in
`Manually_Annotated_file_lists/training.csv` and `validation.csv` (some copies of the latter have no
header); likewise `automatically_annotated.csv`. Expressions 8 (none), 9 (uncertain) and 10
(no face) are no emotions; valence and arousal are missing where they are -2. Nobody says who is
shown: there is no actor, and no split by actor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from protocols.licences import LICENCES
from stimuli.corpora.adapter import Adapter, Clip
from stimuli.corpora.problems import some
from stimuli.corpora.tree import Tree

EMOTION = ("neutral", "happy", "sad", "surprised", "fearful", "disgusted", "angry", "contempt")
NO_EMOTION = {8: "no emotion of the list", 9: "emotion uncertain", 10: "no face"}
MISSING = -2.0  # of valence and arousal
COLUMNS = ("subDirectory_filePath", "face_x", "face_y", "face_width", "face_height",
           "facial_landmarks", "expression", "valence", "arousal")  # fmt: skip
LISTS = {"training.csv": "train", "validation.csv": "validation",
         "automatically_annotated.csv": "automatic"}  # fmt: skip
SETS = {"train_set": "train", "val_set": "validation"}
PICTURE = re.compile(r"(?:.*/)?(train_set|val_set)/images/([^/]+)\.(?:jpg|jpeg|png)", re.I)


def read(tree: Tree) -> list[Clip]:
    """The pictures of AffectNet below the tree, whichever layout it has."""
    lists = [path for name in LISTS for path in tree.named(name)]
    clips = [clip for path in lists for clip in _listed(path, tree)]
    clips += _numbered(tree)
    if not lists and not clips:
        tree.problems.add(
            "table", "training.csv", "not there, nor train_set/images: see the two layouts"
        )
    return clips


def _numbered(tree: Tree) -> Iterator[Clip]:
    """The layout since 2021: a picture and an array for each of its labels."""
    for path in tree.media():
        found = PICTURE.fullmatch(path)
        if found is None:
            continue
        folder = PurePosixPath(path).parents[1] / "annotations"
        labels = {}
        for name in ("exp", "val", "aro"):
            file = f"{folder}/{found[2]}_{name}.npy"
            labels[name] = _number(file, tree)
        part = SETS[found[1].lower()]
        if (expression := labels["exp"]) is None:
            continue
        name = f"{part}-{found[2]}"
        yield from _clip(name, path, part, expression, labels["val"], labels["aro"], tree=tree)


def _number(path: str, tree: Tree) -> float | None:
    """The one number in an array file; texts of numbers too, as some are stored."""
    if path not in tree.sizes:
        tree.problems.add("unpaired", path, "not there: the label is missing")
        return None
    try:
        content = np.load(tree.root / path, allow_pickle=False)
        return float(content.reshape(-1)[0])
    except (OSError, ValueError, IndexError, EOFError):
        tree.problems.add(
            "empty" if tree.sizes[path] == 0 else "damaged", path, "no array of one number in it"
        )
        return None


def _listed(path: str, tree: Tree) -> Iterator[Clip]:
    """The layout before 2021: one table for each part."""
    part = LISTS[PurePosixPath(path).name.lower()]
    table = _table(path, tree)
    if table is None:
        return
    places = _places(tree)
    lacking = []
    for line, row in table.iterrows():
        name = str(row["subDirectory_filePath"]).strip().replace("\\", "/")
        file = places.get(name.lower())
        if file is None:
            lacking.append(name)
            continue
        try:
            expression, valence, arousal = (float(row[c]) for c in COLUMNS[-3:])
        except ValueError:
            tree.problems.add("label", f"{path}:{line}", "expression, valence or arousal no number")
            continue
        name = name.rsplit(".", 1)[0].replace("/", "-")
        yield from _clip(name, file, part, expression, valence, arousal, tree=tree)
    if lacking:
        tree.problems.add(
            "missing", path,
            f"{len(lacking):,} of {len(table):,} pictures not there: {some(lacking)}", len(lacking),
        )  # fmt: skip


def _table(path: str, tree: Tree) -> pd.DataFrame | None:
    """The table with its published columns; a first line that is a picture is no header."""
    try:
        with (tree.root / path).open(encoding="utf-8-sig", errors="replace") as file:
            first = file.readline()
    except OSError as error:
        tree.problems.add("table", path, f"cannot be read: {error}")
        return None
    cells = first.strip().split(",")
    if "/" not in cells[0] and "\\" not in cells[0]:
        return tree.table(path, COLUMNS)
    if len(cells) != len(COLUMNS):
        tree.problems.add("table", path, f"{len(cells)} cells a line; accepted: {len(COLUMNS)}")
        return None
    return pd.read_csv(
        tree.root / path, header=None, names=list(COLUMNS), dtype=str, keep_default_na=False
    ).rename(index=lambda row: row + 1)


def _places(tree: Tree) -> dict[str, str]:
    """`103/abc.jpg` in small letters -> where the picture is."""
    return {"/".join(path.lower().split("/")[-2:]): path for path in tree.media()}


def _clip(
    name: str, path: str, part: str, expression: float, valence: float | None,
    arousal: float | None, *, tree: Tree,
) -> Iterator[Clip]:  # fmt: skip
    """The clip, unless its labels cannot be."""
    if expression % 1 or not 0 <= expression <= 10:
        tree.problems.add("label", path, f"expression {expression:g}; accepted: 0 to 10")
        return
    code, warnings = int(expression), []
    if code in NO_EMOTION:
        warnings.append(NO_EMOTION[code])
    felt = []
    for title, value in (("valence", valence), ("arousal", arousal)):
        value = None if value == MISSING else value
        if value is not None and not -1 <= value <= 1:
            tree.problems.add("label", path, f"{title} {value:g}; accepted: -1 to 1, or -2")
            value = None
        felt.append(value)
    yield Clip(
        clip=name,
        emotion=EMOTION[code] if code < len(EMOTION) else None,
        valence=felt[0],
        arousal=felt[1],
        image=[path],
        partition=part,
        warnings=warnings,
    )


AFFECTNET = Adapter("affectnet", "1", LICENCES["affectnet"], "train_set/images/0.jpg", read)
