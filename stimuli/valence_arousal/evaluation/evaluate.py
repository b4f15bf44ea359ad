"""`mien evaluate valence-arousal`: how well weights do on people they never saw, as a page.

    evaluate(folder, asked)     people -> edited pictures -> records -> parts -> evaluation.html

True pictures are drawn once and kept; records are kept beside the page: interrupted, it goes on
where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from platformdirs import user_cache_path

from models.valence_arousal.judge import SHIPPED_FILE as SHIPPED_JUDGES
from models.valence_arousal.judge import load_judges
from models.valence_arousal.stored import SHIPPED_FILE, load_model
from models.weights import Weights, WeightsError
from protocols.errors import UserError
from protocols.tables import write_table, write_whole
from stimuli.context_faces.evaluation.outcome import Outcome, Stage, headline_of, numbers_of
from stimuli.context_faces.evaluation.page import NAME, write_page
from stimuli.context_faces.evaluation.part import Part
from stimuli.corpora.info import find_corpus
from stimuli.valence_arousal.evaluation.axes_part import axes_part
from stimuli.valence_arousal.evaluation.identity_part import identity_part
from stimuli.valence_arousal.evaluation.judges_part import judges_part
from stimuli.valence_arousal.evaluation.maps_part import maps_part
from stimuli.valence_arousal.evaluation.measuring import VERSION, Record, measure_all
from stimuli.valence_arousal.evaluation.nearness_part import nearness_part
from stimuli.valence_arousal.evaluation.people import HELD_OUT, draw_people
from stimuli.valence_arousal.evaluation.photographs_part import photographs_part, read_photographs
from stimuli.valence_arousal.evaluation.places import AXES, PLACES
from stimuli.valence_arousal.evaluation.sheets_part import sheets_part
from stimuli.valence_arousal.evaluation.speed_part import measured, speed_part
from stimuli.valence_arousal.evaluation.verdict_part import verdict_part, verdicts

CACHE = "valence-arousal-held-out"


@dataclass(frozen=True)
class Asked:
    """What is evaluated, and how.

    Attributes:
        weights: the file of an editor.
        judges: the file of the judges of valence and arousal.
        corpus: a prepared corpus whose photographs are edited, too; None: none.
        actors: who is edited; nobody that the weights have learned from.
        workers: processes that draw and measure.
        cache: where true pictures are kept.
    """

    weights: Path = SHIPPED_FILE
    judges: Path = SHIPPED_JUDGES
    corpus: str | None = None
    actors: Sequence[str] = HELD_OUT
    workers: int = 1
    cache: Path | None = None


def evaluate(out: Path, asked: Asked, stage: Stage) -> Outcome:
    """Evaluate an editor and write the page into `out`.

    Raises:
        UserError: No such weights or corpus, or nobody in it who can be edited.
    """
    try:
        network, weights = load_model(asked.weights)
        judges, of_judges = load_judges(asked.judges)
    except WeightsError as error:
        raise UserError(str(error)) from None
    photographs = None
    if asked.corpus is not None:
        photographs = read_photographs(find_corpus(asked.corpus), network.settings.size)
    people = draw_people(
        asked.cache or user_cache_path("mien") / CACHE, asked.actors, asked.workers,
        stage("true pictures"),
    )  # fmt: skip
    kept = out / "records" / _key(weights, of_judges)
    edited, true = measure_all(
        people, asked.weights, asked.judges, kept, asked.workers, stage("edited pictures")
    )
    parts = [
        judges_part(edited, true, of_judges, weights), nearness_part(edited, true),
        identity_part(edited, true), axes_part(edited, true), maps_part(edited, true, people),
        sheets_part(network, people),
    ]  # fmt: skip
    if photographs is not None:
        parts.append(photographs_part(network, judges, photographs, stage("photographs")))
    parts.append(speed_part(network, kept))
    parts.append(verdict_part(verdicts(edited, true, measured(network, kept))))
    name = "shipped" if asked.weights == SHIPPED_FILE else asked.weights.stem
    page = write_page(f"Valence and arousal: {name} weights on held-out actors", parts, out)
    headline = headline_of(parts)
    _write_numbers(out, [*edited, *true], parts, headline, weights, of_judges)
    return Outcome(page, headline)


def _key(weights: Weights, judges: Weights) -> str:
    """Of the folder of records: another one for other weights, judges or measures."""
    return f"{weights.facts['sha256'][:12]}-{judges.facts['sha256'][:8]}-{VERSION}"


def _write_numbers(
    out: Path, records: Sequence[Record], parts: Sequence[Part], headline: Sequence[str],
    weights: Weights, judges: Weights,
) -> None:  # fmt: skip
    """Every number as NAME.json, and what was judged of each picture as judged.csv."""
    said = {"weights": weights.facts["sha256"], "judges": judges.facts["sha256"],
            "headline": list(headline), "tables": numbers_of(parts)}  # fmt: skip
    write_whole(out / f"{NAME}.json", (json.dumps(said, indent=1) + "\n").encode())
    write_table(pd.concat([_judged(r) for r in records], ignore_index=True), out / "judged.csv",
                ",")  # fmt: skip


def _judged(record: Record) -> pd.DataFrame:
    """One row for each picture: who, what was given, the label, and what the judges say."""
    labels = dict(zip(AXES, PLACES.T, strict=True))
    judged = {f"judged {axis}": record.judged[:, i] for i, axis in enumerate(AXES)}
    own = record.given >= 0
    given = {f"given {axis}": PLACES[record.given, i] if own else np.nan
             for i, axis in enumerate(AXES)}  # fmt: skip
    return pd.DataFrame({"actor": record.actor, "pictures": "edited" if own else "true", **given,
                         **labels, **judged})  # fmt: skip
