"""`mien evaluate reaction`: models of listener reactions beside each other, as a page.

    evaluate(folder, asked)     speakers -> reactions -> records -> parts -> evaluation.html

Held-out speakers and listeners are made once and kept; records are kept beside the page:
interrupted, it goes on where it stopped, and more weights can be added.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from platformdirs import user_cache_path

from models.reaction.stored import SHIPPED_FILE
from protocols.errors import UserError
from protocols.tables import write_table, write_whole
from stimuli.context_faces.evaluation.outcome import Outcome, Stage, headline_of
from stimuli.context_faces.evaluation.outcome import numbers_of as tables_of
from stimuli.context_faces.evaluation.page import NAME, write_page
from stimuli.reactions.evaluation.baselines import baselines
from stimuli.reactions.evaluation.behaviour_part import behaviour_part
from stimuli.reactions.evaluation.comparison_part import comparison_part
from stimuli.reactions.evaluation.curves_part import curves_part
from stimuli.reactions.evaluation.held_out import Dyads, make_dyads, read_dyads
from stimuli.reactions.evaluation.measuring import (
    SHOWN,
    VERSION,
    Job,
    Record,
    measure_all,
    read_record,
    record_of,
    save_record,
)
from stimuli.reactions.evaluation.nothing_part import nothing_part
from stimuli.reactions.evaluation.numbers import numbers_of
from stimuli.reactions.evaluation.table_part import all_scores, table_part
from stimuli.reactions.evaluation.trained import BASES, FRAMEWORKS, Trained, Tried, read_trained

CACHE = "reaction-held-out"


@dataclass(frozen=True)
class Asked:
    """What is evaluated, and how.

    Attributes:
        weights: files of models; trainings of the same base and framework are averaged.
        data: a file with clips of the part test; None: held-out synthetic speakers.
        samples: reactions to each clip.
        clips: of each speaker, at most; None: all.
        workers: processes that react and measure.
        cache: where the synthetic speakers are kept.
    """

    weights: Sequence[Path] = (SHIPPED_FILE,)
    data: Path | None = None
    samples: int = 10
    clips: int | None = None
    workers: int = 1
    cache: Path | None = None


def evaluate(out: Path, asked: Asked, stage: Stage) -> Outcome:
    """Evaluate models and write the page into `out`.

    Raises:
        UserError: No such weights or data, the same training twice, or too few samples.
    """
    if asked.samples < SHOWN:
        raise UserError(f"--samples: found {asked.samples}; give {SHOWN} or more")
    trained = read_trained(asked.weights)
    data = asked.data or make_dyads(
        asked.cache or user_cache_path("mien") / CACHE, asked.workers, stage("held-out speakers")
    )
    dyads = read_dyads(data, asked.clips)
    kept = out / "records" / f"{dyads.sha256[:8]}-{len(dyads)}-{asked.samples}-{VERSION}"
    naive = _naive(dyads, kept, asked.samples, stage("naive baselines"))
    tried = _tried(trained, asked, data, kept, stage("reactions"))
    numbers = numbers_of(tried, naive, dyads.speaker)
    people = len(set(dyads.speaker.tolist()))
    parts = [
        table_part(numbers, asked.samples, len(dyads), people), comparison_part(numbers),
        behaviour_part(tried, naive, dyads.speaker),
        nothing_part(tried, numbers["corrected"], naive, dyads.speaker), curves_part(tried, dyads),
    ]  # fmt: skip
    write_table(all_scores(numbers), out / "scores.csv", ",")
    page = write_page(f"Listener reactions: {_title(trained)} on held-out people", parts, out)
    headline = headline_of(parts)
    said = {
        "weights": {str(one.path): one.sha256 for one in trained}, "data": dyads.sha256,
        "headline": headline, "tables": tables_of(parts),
    }  # fmt: skip
    write_whole(out / f"{NAME}.json", (json.dumps(said, indent=1) + "\n").encode())
    return Outcome(page, headline)


def _naive(dyads: Dyads, kept: Path, samples: int, progress) -> dict[str, Record]:
    """Records of the baselines; those in `kept` are not made again."""
    found = {}
    for done, one in enumerate(baselines(dyads, samples), 1):
        path = kept / f"naive-{one.name.split(':')[0].replace(' ', '-')}.npz"
        if not path.is_file():
            save_record(path, record_of(one.reactions, dyads, allowed=one.allowed))
        found[one.name] = read_record(path)
        progress(done, done)
    return found


def _tried(
    trained: Sequence[Trained], asked: Asked, data: Path, kept: Path, progress
) -> Tried:  # fmt: skip
    """Records of all weights, with everything missing in turn that is tried."""
    threads = 1 if asked.workers > 1 else torch.get_num_threads()
    of = [(one, way) for one in trained for way in one.ways]
    jobs = [
        Job(one.path, way.missing, data, asked.clips, asked.samples, threads,
            kept / f"{one.sha256[:12]}-{way.missing}.npz")
        for one, way in of
    ]  # fmt: skip
    found: Tried = {}
    for (one, way), record in zip(of, measure_all(jobs, asked.workers, progress), strict=True):
        found.setdefault(way, {})[one.seed] = record
    return found


def _title(trained: Sequence[Trained]) -> str:
    if len(trained) == 1:
        (one,) = trained
        return f"{BASES[one.base]}, {FRAMEWORKS[one.framework]}"
    return f"{len(trained)} trainings"
