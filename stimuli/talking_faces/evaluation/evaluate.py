"""`mien evaluate talking-face`: how well weights do on people they never saw, as a page.

    evaluate(folder, asked)     real clips -> generated clips -> records -> parts -> evaluation.html

Real clips are made once and kept; records of clips are kept beside the page: interrupted, it goes
on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from platformdirs import user_cache_path

from models.talking_face.judge import SHIPPED_FILE as SHIPPED_JUDGE
from models.talking_face.judge import load_judge
from models.talking_face.network import TalkingFace
from models.talking_face.settings import EMOTIONS
from models.talking_face.stored import SHIPPED_FILE, load_model
from models.weights import Weights, WeightsError
from protocols.errors import UserError
from protocols.tables import write_table, write_whole
from stimuli.context_faces.evaluation.outcome import Outcome, Stage, headline_of, numbers_of
from stimuli.context_faces.evaluation.page import NAME, write_page
from stimuli.context_faces.evaluation.part import Part
from stimuli.corpora.arrays.settings import ArraySettings
from stimuli.talking_faces.evaluation.films import HELD_OUT, MOST_CLIPS, film, folder_of, takes
from stimuli.talking_faces.evaluation.measuring import VERSION, Record, measure_all
from stimuli.talking_faces.evaluation.quality_part import quality_part
from stimuli.talking_faces.evaluation.recognition import named
from stimuli.talking_faces.evaluation.recognition_part import recognition_part
from stimuli.talking_faces.evaluation.sheets_part import sheets_part
from stimuli.talking_faces.evaluation.synchrony_part import synchrony_part

CACHE = "talking-face-held-out"


@dataclass(frozen=True)
class Asked:
    """What is evaluated, and how.

    Attributes:
        weights: the file of a model.
        judge: the file of the classifier of emotions.
        clips: real clips of each actor.
        actors: who is filmed; nobody that the weights have learned from.
        workers: processes that film and measure.
        cache: where real clips are kept.
    """

    weights: Path = SHIPPED_FILE
    judge: Path = SHIPPED_JUDGE
    clips: int = 2
    actors: Sequence[str] = HELD_OUT
    workers: int = 1
    cache: Path | None = None


def evaluate(out: Path, asked: Asked, stage: Stage) -> Outcome:
    """Evaluate a model and write the page into `out`.

    Raises:
        UserError: No such weights, other pictures or emotions than the clips', too many clips.
    """
    if not 1 <= asked.clips <= MOST_CLIPS:
        raise UserError(f"clips: found {asked.clips}; accepted: 1 to {MOST_CLIPS} of each actor")
    try:
        network, weights = load_model(asked.weights)
        judge = load_judge(asked.judge)[1]
    except WeightsError as error:
        raise UserError(str(error)) from None
    _check(asked.weights, network)
    folder = folder_of(asked.cache or user_cache_path("mien") / CACHE)
    films = film(takes(folder, asked.clips, asked.actors), asked.workers, stage("real clips"))
    records = measure_all(
        films, asked.weights, asked.judge, out / "clips" / _key(weights, judge), asked.workers,
        stage("generated clips"),
    )  # fmt: skip
    parts = [
        quality_part(records), recognition_part(records, judge), synchrony_part(records),
        sheets_part(network, films),
    ]  # fmt: skip
    name = "shipped" if asked.weights == SHIPPED_FILE else asked.weights.stem
    page = write_page(f"Talking faces: {name} weights on held-out actors", parts, out)
    headline = headline_of(parts)
    _write_numbers(out, records, parts, headline, weights, judge)
    return Outcome(page, headline)


def _check(path: Path, network: TalkingFace) -> None:
    size, known = ArraySettings().size, network.settings.emotions
    if network.settings.size != size or set(known) != set(EMOTIONS):
        raise UserError(
            f"{path}: videos of {network.settings.size} pixels and the emotions "
            f"{', '.join(known)}; held-out clips have {size} pixels and the emotions "
            f"{', '.join(EMOTIONS)}; train a model with these settings"
        )


def _key(weights: Weights, judge: Weights) -> str:
    """Of the folder of records: another one for other weights, judges or measures."""
    return f"{weights.facts['sha256'][:12]}-{judge.facts['sha256'][:8]}-{VERSION}"


def _write_numbers(
    out: Path, records: Sequence[Record], parts: Sequence[Part], headline: Sequence[str],
    weights: Weights, judge: Weights,
) -> None:  # fmt: skip
    """Every number as NAME.json, and what was named in each clip as clips.csv."""
    said = {"weights": weights.facts["sha256"], "judge": judge.facts["sha256"],
            "headline": list(headline), "tables": numbers_of(parts),
            "clips": list(records)}  # fmt: skip
    write_whole(out / f"{NAME}.json", (json.dumps(said, indent=1) + "\n").encode())
    rows = [
        {name: r[name] for name in ("clip", "actor", "emotion", "voice", "sentence", "frames")}
        | {f"named {kind}": EMOTIONS[named(r, kind)] for kind in ("real", "generated")}
        for r in records
    ]
    write_table(pd.DataFrame(rows), out / "clips.csv", ",")
