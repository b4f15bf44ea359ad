"""Units of work: the clips of each prepared into a part of its own, here or in other processes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from stimuli.corpora.arrays.clip import Source, prepare_clip
from stimuli.corpora.arrays.settings import ArraySettings
from stimuli.corpora.arrays.store import RESULTS, has_part, new_part
from stimuli.corpora.arrays.track import Detector


@dataclass(frozen=True)
class Job:
    """A unit of clips: where its part goes, where its files are, and how it is prepared."""

    unit: int
    sources: Sequence[Source]
    parts: Path
    root: Path
    settings: ArraySettings
    detect: Detector


def prepare_unit(job: Job) -> int:
    """Prepare the clips of one unit into a part of its own, unless it is there; its number."""
    if not has_part(job.parts, job.unit):
        with new_part(job.parts, job.unit) as files:
            results = [
                prepare_clip(source, job.root, job.settings, job.detect, files)
                for source in job.sources
            ]
            files[RESULTS].write(json.dumps([asdict(result) for result in results]).encode())
    return job.unit
