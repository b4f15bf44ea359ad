"""The top and the foot of a report: what the study is, how many took part, what made the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.sample.exclude import Sample
from analysis.text.method import dates, versions
from analysis.text.part import Part
from protocols.protocol import Protocol
from protocols.study import protocol_hash

SIMULATED = (
    "These are simulated data. Nobody took part: the numbers show what the analysis would say if "
    "people answered as the protocol's simulation assumes."
)


@dataclass(frozen=True)
class Front:
    """What stands around the parts of a report.

    Attributes:
        banner: a warning that concerns every number, or nothing.
        facts: number and what it counts.
        headline: title of a part and its results in a few sentences.
        made: package -> version.
    """

    title: str
    source: str
    description: str
    banner: str
    facts: Sequence[tuple[str, str]]
    headline: Sequence[tuple[str, Sequence[str]]]
    name: str
    hash: str
    dates: str
    made: dict[str, str]


def front(protocol: Protocol, sample: Sample, parts: Sequence[Part]) -> Front:
    """The front of a study's report."""
    return Front(
        title=protocol.title,
        source=protocol.source or "",
        description=protocol.description or "",
        banner=SIMULATED if sample.simulated else "",
        facts=_facts(sample),
        headline=[(part.title, part.headline) for part in parts if part.headline],
        name=protocol.name,
        hash=protocol_hash(protocol),
        dates=dates(sample),
        made=versions(),
    )


def _facts(sample: Sample) -> list[tuple[str, str]]:
    excluded = len(sample.people) - sample.participants
    who = "simulated participants" if sample.simulated else "participants analysed"
    people = [(str(sample.participants), who), (str(excluded), "excluded")]
    return [
        *(people if sample.raters_known else [("unknown", "raters: counts of votes")]),
        (f"{len(sample.ratings):,}", "answers analysed"),
        (str(sample.ratings.stimulus_id.nunique()), "stimuli"),
        (str(sample.ratings.identity.nunique()), "identities"),
    ]
