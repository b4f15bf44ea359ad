"""Which stimuli a study needs: one for each identity and cell, before any pixel is drawn.

An id is letters and digits only, as BIDS labels are: `A01EmotionHappyM025` is identity 01,
emotion happy, m = 0.25. A number is written as its whole part and at least two decimals without
the point; `N` stands for a minus sign (`ValenceN067` is valence -0.67).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from protocols.conditions import Level
from protocols.errors import UserError
from protocols.protocol import Protocol
from stimuli.corpora import Identity
from stimuli.seeds import generator_of, seed_of


class PlanError(UserError):
    """A design that cannot be; the message gives the reason and the nearest possible numbers."""


@dataclass(frozen=True)
class Stimulus:
    """One stimulus and what decides about it.

    Attributes:
        id: letters and digits; also the file's stem.
        role: main, practice, or example (of a familiarisation).
        identity: who is shown.
        levels: factor -> level.
        seed: from the protocol's seed and the id.
    """

    id: str
    role: str
    identity: str
    levels: Mapping[str, Level]
    seed: int


def plan_stimuli(protocol: Protocol, identities: Sequence[Identity]) -> list[Stimulus]:
    """Every stimulus of a protocol: main ones by identity, then practice, then examples.

    Args:
        protocol: the study.
        identities: the corpus, those of the main study first (`corpora.identities_of`).

    Raises:
        PlanError: too few identities are left for practice and examples, or two stimuli would
            have the same name.
    """
    main, others = _share_out(protocol, identities)
    stimuli = [_stimulus(protocol, "main", who, cell) for who, cell in _main_cells(protocol, main)]
    stimuli += _practice(protocol, others)
    stimuli += _examples(protocol, others, {s.id for s in stimuli})
    seen: set[str] = set()
    for stimulus in stimuli:
        if stimulus.id in seen:
            raise PlanError(
                f"stimuli.factors: two stimuli would be called {stimulus.id}; make the levels "
                "differ in letters and digits"
            )
        seen.add(stimulus.id)
    return stimuli


def stimulus_id(identity: str, levels: Mapping[str, Level]) -> str:
    """Name of a stimulus: letters and digits only."""
    parts = [f"A{identity}", *(f"{factor}-{_word(level)}" for factor, level in levels.items())]
    return "".join(_camel(part) for part in parts)


def _share_out(
    protocol: Protocol, identities: Sequence[Identity]
) -> tuple[list[Identity], list[Identity]]:
    """Identities of the main study, and those that practice and examples may use."""
    count = protocol.stimuli.identities.count
    main, others = list(identities[:count]), list(identities[count:])
    needed = protocol.design.practice is not None or protocol.pages.familiarisation is not None
    if needed and not others:
        raise PlanError(
            f"design.practice and pages.familiarisation show identities that the study does not "
            f"use, but it uses all {count} of the corpus {protocol.stimuli.corpus}; use "
            f"{count - 2} at most, or leave practice and familiarisation out"
        )
    return main, others


def _main_cells(
    protocol: Protocol, main: Sequence[Identity]
) -> list[tuple[Identity, Mapping[str, Level]]]:
    """(identity, cell) of every main stimulus, identity by identity."""
    cells = protocol.stimuli.cells
    per_cell = protocol.stimuli.identities.per_cell
    if per_cell == "all":
        return [(who, cell) for who in main for cell in cells]
    deal = _deal(main, len(cells) * per_cell, protocol.seed)
    dealt = [(deal[i], cell) for i, cell in enumerate(c for c in cells for _ in range(per_cell))]
    order = {who.id: i for i, who in enumerate(main)}
    return sorted(dealt, key=lambda pair: order[pair[0].id])


def _deal(main: Sequence[Identity], wanted: int, seed: int) -> list[Identity]:
    """`wanted` identities in turn, each equally often, shuffled anew in every round."""
    rng = generator_of(seed, "deal identities to cells")
    dealt: list[Identity] = []
    while len(dealt) < wanted:
        round_ = [main[i] for i in rng.permutation(len(main))]
        while dealt and len(main) > 1 and round_[0] == dealt[-1]:  # two of one cell must differ
            round_ = [main[i] for i in rng.permutation(len(main))]
        dealt += round_
    return dealt[:wanted]


def _practice(protocol: Protocol, others: Sequence[Identity]) -> list[Stimulus]:
    """Stimuli of practice trials: other identities in turn, cells spread over the design."""
    if protocol.design.practice is None:
        return []
    trials, cells = protocol.design.practice.trials, protocol.stimuli.cells
    rng = generator_of(protocol.seed, "practice")
    if trials > len(cells) * len(others):
        raise PlanError(
            f"design.practice: {trials} trials wanted; the identities that are left give "
            f"{len(cells) * len(others)}; use {len(cells) * len(others)} at most"
        )
    order = [cells[i] for i in rng.permutation(len(cells))]
    # a cell of its own for each trial, and the next identity, for as long as there are cells
    chosen = [
        (others[(i + shift) % len(others)], cell)
        for shift in range(len(others))
        for i, cell in enumerate(order)
    ]
    return [_stimulus(protocol, "practice", who, cell) for who, cell in chosen[:trials]]


def _examples(protocol: Protocol, others: Sequence[Identity], taken: set[str]) -> list[Stimulus]:
    """Examples of each level of one factor; the other factors at their last (strongest) level."""
    examples = protocol.pages.familiarisation
    if examples is None:
        return []
    last = {factor: levels[-1] for factor, levels in protocol.stimuli.factors.items()}
    made = []
    for level in protocol.stimuli.factors[examples.factor]:
        cell = {**last, examples.factor: level}
        left = [who for who in others if stimulus_id(who.id, cell) not in taken]
        if len(left) < examples.examples:
            raise PlanError(
                f"pages.familiarisation: {examples.examples} examples of {level} wanted; the "
                f"corpus has {len(left)} identities left for them; use {len(left)} at most"
            )
        made += [_stimulus(protocol, "example", who, cell) for who in left[: examples.examples]]
    return made


def _stimulus(protocol: Protocol, role: str, who: Identity, cell: Mapping[str, Level]) -> Stimulus:
    name = stimulus_id(who.id, cell)
    return Stimulus(name, role, who.id, dict(cell), seed_of(protocol.seed, name))


def _camel(part: str) -> str:
    words = re.split(r"[^A-Za-z0-9]+", part)
    return "".join(word[:1].upper() + word[1:] for word in words)


def _word(level: Level) -> str:
    if isinstance(level, str):
        return level
    whole, _, decimals = f"{abs(level):.9f}".rstrip("0").partition(".")
    return ("N" if level < 0 else "") + whole + decimals.ljust(2, "0")
