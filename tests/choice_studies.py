"""The studies of Eskimez et al. (2021), planned and played by 80 simulated participants."""

from __future__ import annotations

from pathlib import Path

from analysis.sample.exclude import Sample, read_sample
from experiments.simulate import simulate
from protocols.protocol import Protocol
from protocols.study import Study
from stimuli.corpora import identities_of
from stimuli.plan import write_plan
from tests.designs import published

PARTICIPANTS = 80


def played(folder: Path, name: str, n: int = PARTICIPANTS, seed: int = 80) -> Study:
    """A published study without its stimuli, and what `n` simulated participants answered."""
    protocol = published(name, {"recruitment.per_list": 14})
    study = Study(folder)
    study.freeze(protocol)
    write_plan(study, protocol, identities_of(protocol))
    simulate(study, n, seed)
    return study


def sample_of(study: Study) -> tuple[Protocol, Sample]:
    """The protocol of a study, and the answers that its report analyses."""
    return study.protocol(), read_sample(study, study.protocol())
