"""The method section of a report: design, stimuli and sample in sentences ready for a paper."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import version
from platform import python_version

import pandas as pd

from analysis.sample.exclude import Sample
from analysis.text.references import REFERENCES
from analysis.text.words import count, listing
from protocols.conditions import Stimuli
from protocols.congruence import CONGRUENCE
from protocols.filming import DynamicClip
from protocols.generators import CORPORA
from protocols.protocol import Protocol
from protocols.reacting import BY_NAME
from protocols.scales import AffectGrid, Slider

GRID = "Russell et al., 1989"
SHOWN = ("numpy", "scipy", "pandas", "formulaic", "matplotlib")  # packages to name


def versions() -> dict[str, str]:
    """Name -> version of what made the numbers."""
    return {"Python": python_version(), **{name: version(name) for name in SHOWN}}


def participants(sample: Sample) -> str:
    """Who took part, and who was excluded why."""
    if not sample.raters_known:
        return (
            f"We analysed {len(sample.ratings):,} answers that were published as counts of votes. "
            "As it is not known who gave which answer, no exclusion rule could be applied."
        )
    flow = sample.flow.set_index("step")
    total = int(flow.loc["recruited", "participants"])  # type: ignore[arg-type]
    gone = flow.drop(index=["recruited", "analysed"])
    gone = gone[gone.participants > 0]
    who = "simulated participants" if sample.simulated else "people"
    text = f"{total} {who} took part."
    if len(gone):
        parts = [f"{row.reason} (n = {row.participants})" for row in gone.itertuples()]
        out = total - sample.participants
        text += f" {out} {'was' if out == 1 else 'were'} not analysed: {'; '.join(parts)}."
    else:
        text += " Nobody was excluded."
    ratings = sample.ratings.groupby("participant").trial.nunique()
    each = f"{ratings.median():g}"
    return f"{text} The {sample.participants} analysed rated {each} trials each (median)."


def _elsewhere(sample: Sample | None) -> bool:
    """Whether all answers were collected outside of mien, with stimuli and orders of their own."""
    return sample is not None and bool((sample.people.source == "import").all())


def stimuli(protocol: Protocol, sample: Sample | None = None) -> str:
    """What was shown; of imported answers, what they are about instead of what was planned."""
    made = protocol.stimuli
    generator = made.family
    factors = [f"{name} ({', '.join(map(str, levels))})"
               for name, levels in made.factors.items() if name != CONGRUENCE]  # fmt: skip
    identities = count(made.identities.count, "identity", "identities")
    if sample is not None and _elsewhere(sample):
        shown, people = sample.ratings.stimulus_id.nunique(), sample.ratings.identity.nunique()
        return (
            f"Each of the {shown:,} stimuli was {generator.meaning}, from "
            f"{count(people, 'identity', 'identities')} of the {made.people_from}; factors: "
            f"{listing(factors)}."
        )
    return (
        f"Each of the {made.count} stimuli was {generator.meaning}, from "
        f"{identities} of the {made.people_from} ({_source(made)}), crossing "
        f"{listing(factors)}. {_paired(made)}{_methods(made)}{_shown(made)} had "
        f"{made.size} × {made.size} pixels."
    )


def _paired(made: Stimuli) -> str:
    """What the factor congruence says; nothing without it."""
    if CONGRUENCE not in made.factors:
        return ""
    counts = Counter(
        cell[CONGRUENCE] for cell in made.cells for _ in range(made.identities.shown_in(cell))
    )
    said = listing([f"{counts[level]} were {level}" for level in made.factors[CONGRUENCE]])
    return f"By the emotions of voice and face {said}. "


def _methods(made: Stimuli) -> str:
    """How each method made its talking faces; nothing where there is one only."""
    methods = {} if made.talking is None else made.talking.methods
    said = "; ".join(f"{name} ({method.words})" for name, method in methods.items())
    return f"Methods were: {said}. " if said else ""


def _source(made: Stimuli) -> str:
    """What the identities are, in words."""
    if made.cast is not None:
        return "synthetic actors cast for this study with mien cast"
    return CORPORA.get(made.corpus, "material of the laboratory's own")


def _shown(made: Stimuli) -> str:
    """The subject of a sentence on the size of what was seen, after one on how it was filmed."""
    clip, listening = made.filmed, made.listening
    if listening is not None:
        most = "up to " if BY_NAME in made.factors else ""
        return (
            f"Clips of {most}{listening.seconds:g} s showed the listener alone, while the speaker "
            "was heard. Frames, 25 a second,"
        )
    if clip is None:
        return "Pictures"
    if isinstance(clip, DynamicClip):
        return (
            f"Clips lasted {clip.seconds:g} s, of which the expression took {clip.onset:g} s to "
            f"come and {clip.offset:g} s to go. Their frames, 25 a second,"
        )
    return (
        f"Sentences were said with {clip.pause:g} s of silence before and after, and "
        f"{'the loudness of each emotion' if clip.loudness == 'natural' else 'equal loudness'}. "
        "Frames, 25 a second,"
    )


def procedure(protocol: Protocol, sample: Sample | None = None) -> str:
    """Tasks and counterbalancing; of imported answers, the tasks alone."""
    design = protocol.design
    parts = [f"“{task.question}” ({_kind(task)})" for task in protocol.tasks]
    text = f"For each stimulus participants answered {listing(parts)}."
    if _elsewhere(sample):
        return f"{text} The answers were collected elsewhere and imported."
    within = [f for f in protocol.factors if f not in (*design.between, *design.rotate)]
    if design.between:
        text += f" {_the(design.between)} varied between participants."
    if design.rotate:
        text += (
            f" Each participant saw every level of {listing(design.rotate)}, but each identity in "
            "one level only; complementary lists showed every identity in every level."
        )
    if within:
        text += f" {_the(within)} varied within participants and identities."
    if design.split:
        text += f" The stimuli were dealt into {design.split.into} lists."
    if design.repeats:
        text += " Some stimuli were shown twice to see whether answers are consistent."
    order = "in random order" if design.order.method == "random" else "in a fixed order"
    return f"{text} Trials came {order}."


def cited(protocol: Protocol) -> set[str]:
    """Whom stimuli and procedure cite: keys of `analysis.text.references`."""
    grids = {GRID for task in protocol.tasks if isinstance(task, AffectGrid)}
    return grids | {key for key in REFERENCES if key in protocol.stimuli.family.meaning}


def analysis() -> str:
    """Conventions of every analysis; each part says what is its own."""
    return (
        "Intervals are 95 % confidence intervals, and tests are two-sided at α = .05. Practice "
        "trials, repeated showings and attention checks did not enter any analysis, except to "
        "judge the consistency and attention of participants."
    )


def dates(sample: Sample) -> str:
    """When the data were collected: first and last day; empty if nobody took part."""
    if sample.simulated:
        return ""
    people = sample.people
    days = pd.concat([people[c] for c in ("started", "finished") if c in people]).dropna()
    days = sorted({str(day)[:10] for day in days})
    return "" if not days else days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"


def _kind(task: object) -> str:
    kind = getattr(task, "type", "")
    if kind in ("likert", "labelled-rating"):
        words = getattr(task, "labels", None) or getattr(task, "anchors", {}).values()
        named = f": {', '.join(words)}" if words else ""
        return f"{getattr(task, 'points', 0)}-point scale{named}"
    if isinstance(task, Slider):
        middle = f" over “{task.middle}”" if task.middle else ""
        return (
            f"on a line from “{task.left}”{middle} to “{task.right}”, stored as {task.low:g} to "
            f"{task.high:g} in steps of {task.step:g}; the line had no handle until it was touched"
        )
    if isinstance(task, AffectGrid):
        valence, arousal = (axis.ends for axis in task.axes)
        return (
            f"one place of a {task.points} × {task.points} affect grid ({GRID}): "
            f"{valence[0]} to {valence[1]} from left to right, {arousal[0]} to {arousal[1]} from "
            "bottom to top"
        )
    if kind in ("forced-choice", "checkboxes"):
        how = "one of" if kind == "forced-choice" else "any of"
        return f"{how}: {', '.join(getattr(task, 'options', ()))}"
    return "free text"


def _the(names: object) -> str:
    text = listing(list(names))  # type: ignore[call-overload]
    return f"The factor {text}" if " and " not in text else f"The factors {text}"
