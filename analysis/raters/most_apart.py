"""The stimuli on which people and a model disagree most, with their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from PIL import Image

from analysis.figures.charts import Picture
from analysis.figures.raters import disagreements
from analysis.figures.thumbnails import open_picture
from analysis.raters.human_model import OnChoice, OnScale
from analysis.text.words import number
from protocols.manifest import COLUMNS, NAME, SEPARATOR
from protocols.study import Study
from protocols.tables import TableError, read_table

MOST = 6
SIDE = 256  # pixels of a thumbnail
LONGEST = 60  # letters of a stimulus's name below its picture


@dataclass(frozen=True)
class MostApart:
    """The stimuli of largest disagreement: rows of the comparison, pictures, and what is missing.

    `words` has one line per stimulus, in the order of `stimuli`.
    """

    stimuli: pd.DataFrame
    words: tuple[str, ...]
    picture: Picture | None
    missing: tuple[str, ...]


def most_apart(one: OnScale | OnChoice, study: Study) -> MostApart:
    """The (at most six) stimuli on which the model and people differ most.

    On a scale by the distance of the model's rating from the mean of people; in a choice by the
    share of people who did not choose the model's option. Stimuli of full agreement stay out.
    """
    if isinstance(one, OnScale):
        distance = one.stimuli.difference.abs()
        stimuli = one.stimuli[distance > 0].assign(distance=distance)
        words = [f"people {number(r.people)}, model {number(r.model)}"  # type: ignore[arg-type]
                 for r in _top(stimuli).itertuples()]  # fmt: skip
    else:
        stimuli = one.stimuli[one.stimuli.share < 1]
        stimuli = stimuli.assign(distance=1 - stimuli.share)
        words = [f"people {r.plurality}, model {r.model} ({100 * float(r.share):.0f} %)"  # type: ignore[arg-type]
                 for r in _top(stimuli).itertuples()]  # fmt: skip
    top = _top(stimuli)
    picture, missing = _pictures(top.stimulus_id.astype(str).tolist(), words, study)
    return MostApart(top, tuple(words), picture, tuple(missing))


def _top(stimuli: pd.DataFrame) -> pd.DataFrame:
    order = stimuli.sort_values(["distance", "stimulus_id"], ascending=[False, True])
    return order.head(MOST).reset_index(drop=True)


def _pictures(
    names: Sequence[str], words: Sequence[str], study: Study
) -> tuple[Picture | None, list[str]]:
    """A sheet of those that can be shown, and a sentence on each of the others."""
    files, missing = _files(study)
    if missing:
        return None, missing
    shown: list[tuple[Image.Image, str]] = []
    for name, said in zip(names, words, strict=True):
        found = _open(name, files, study.stimuli)
        if isinstance(found, str):
            missing.append(f"No picture of {name}: {found}.")
        else:
            shown.append(
                (found, f"{name if len(name) <= LONGEST else f'{name[:LONGEST]}…'}\n{said}")
            )
    return (disagreements(shown) if shown else None), missing


def _files(study: Study) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Stimulus -> type and file, from the manifest; or why there is none."""
    if not (study.stimuli / NAME).is_file():
        return {}, [
            "No pictures of these stimuli: the study's folder holds no stimuli/stimuli.tsv."
        ]
    try:
        table = read_table(study.stimuli / NAME, COLUMNS, SEPARATOR)
    except TableError as error:
        return {}, [f"No pictures of these stimuli: {error}."]
    rows = zip(table.stimulus_id, table.type, table.file, strict=True)
    return {str(name): (str(kind), str(file)) for name, kind, file in rows}, []


def _open(name: str, files: dict[str, tuple[str, str]], folder: Path) -> Image.Image | str:
    """The thumbnail of a stimulus, or in words why there is none."""
    if name not in files:
        return "it is not in stimuli.tsv"
    kind, file = files[name]
    if Path(file).name != file:
        return f"its file '{file}' leaves the folder of the stimuli"
    if not (folder / file).is_file():
        return f"{file} is missing"
    if kind != "image":
        still = (folder / file).with_suffix(".png")
        if not still.is_file():
            return f"it is of type {kind}; see {file}"
        file = still.name
    picture = open_picture(folder / file)
    if not isinstance(picture, str):
        picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return picture
