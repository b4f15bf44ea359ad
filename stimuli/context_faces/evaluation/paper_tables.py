"""Tables 1 to 3 of the paper, each with what was found here."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from models.context_face.ablations import Ablation
from stimuli.context_faces.evaluation import published
from stimuli.context_faces.evaluation.part import Block, Table
from stimuli.context_faces.evaluation.published import Printed
from stimuli.context_faces.evaluation.talking import Talking

CORPORA = {"ravdess": "RAVDESS", "mead": "MEAD"}
NOT_RUN = (
    "VGG16, the paper's baseline (64.40 %), was not run here: it begins with weights learned on "
    "ImageNet, which no package that mien may depend on brings; mien evaluate context-face --vgg16 "
    "takes them from a file."
)
RUN = (
    "VGG16 was trained on ImageNet, stays frozen, and is asked for its last hidden layer (4,096 "
    "numbers of a frame), from which a single layer learned as from latents; the paper does not "
    "say how it trained its own."
)


def paper_tables(talking: Talking, accuracy: pd.DataFrame) -> list[Block]:
    """The blocks of the page."""
    of = accuracy.set_index("ablation")
    ours = of.loc[str(Ablation.CAN_SWAP)]
    here = f"mien, on {talking.corpus}"
    tables: list[Block] = []
    notes = {"mead": ["The paper's text says 79.34 % where its table says 79.0."]}
    for number, adapter, rows in ((1, "ravdess", published.RAVDESS), (2, "mead", published.MEAD)):
        name, same = CORPORA[adapter], talking.adapter == adapter
        tables.append(
            Table(
                f"table_{number}",
                f"Table {number} of the paper: accuracy on {name}, per cent"
                + ("" if same else f"; the last row is of another corpus, {talking.corpus}"),
                _beside(rows, here, float(ours["accuracy"])),
                note=" ".join(
                    [*notes.get(adapter, ()), *([] if same else [_others(talking, name)])]
                ),
            )
        )
    return [*tables, _table_3(talking, of, here)]


def _table_3(talking: Talking, accuracy: pd.DataFrame, here: str) -> Table:
    """accuracy: by ablation; the baseline stands first, empty where it was not run."""
    rows = []
    for ablation in sorted(Ablation, key=lambda a: a is not Ablation.VGG16):
        found = accuracy.reindex([str(ablation)]).iloc[0]
        rows.append((*published.WORDS[ablation], published.ABLATIONS[ablation],
                     found["accuracy"], found["accuracy low"], found["accuracy high"]))  # fmt: skip
    notes = [NOT_RUN if talking.baseline is None else RUN]
    if talking.adapter != "ravdess":
        notes.append(_others(talking, "RAVDESS"))
    columns = ["model", "modality", "paper, RAVDESS", here, "low", "high"]
    return Table("table_3", "Table 3 of the paper: ablations, per cent of clips",
                 pd.DataFrame(rows, columns=columns), note=" ".join(notes))  # fmt: skip


def _others(talking: Talking, name: str) -> str:
    return (
        f"The paper's numbers are of {name}, those of mien of {talking.corpus} "
        f"({len(talking.emotions)} classes, chance {100 / len(talking.emotions):.1f} %): different "
        "people, different films. They cannot be compared; compare the order of the rows at most."
    )


def _beside(rows: Sequence[Printed], here: str, accuracy: float) -> pd.DataFrame:
    table = [
        (row.model, row.modalities, str(row.year), "yes" if row.generates else "no", row.accuracy)
        for row in rows
    ]
    columns = ["model", "modalities", "year", "generates faces", "accuracy"]
    return pd.DataFrame([*table, (here, "A + V", "", "yes", accuracy)], columns=columns)
