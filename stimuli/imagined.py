"""The plan of a study that does not exist yet: any number of participants and items.

Items are identities called `item-001`, `item-002`, …, whatever the corpus has, so that one can ask
what more actors would bring. Gender, age and origin, which lists balance too, are unknown of them.
"""

from __future__ import annotations

import math

import pandas as pd

from protocols.errors import UserError
from protocols.identities import Identities
from protocols.protocol import Protocol
from stimuli.corpora import Identity
from stimuli.counterbalance import List, make_lists
from stimuli.plan import MOST_TRIALS, RESERVE, make_plan
from stimuli.stimulus import plan_stimuli

MIN_SIZE, MAX_SIZE = 2, 10_000  # of participants, and of items
SPARE = 60  # identities beyond those rated, for practice and examples


def wanted(protocol: Protocol) -> tuple[int, int]:
    """Participants and items as the protocol plans them."""
    lists = len(_lists(protocol, _people(protocol.stimuli.identities.count)))
    return protocol.recruitment.per_list * lists, protocol.stimuli.identities.count


def sizes(option: str, text: str | None, planned: int) -> tuple[int, ...]:
    """The numbers in `40,60,80`, sorted; without any, the planned one.

    Raises:
        UserError: not numbers, or too small or large ones.
    """
    found = sorted({part.strip() for part in text.split(",")}) if text is not None else None
    if found is None:
        return (planned,)
    for part in found:
        if not (part.isdecimal() and MIN_SIZE <= int(part) <= MAX_SIZE):
            raise UserError(
                f"{option}: found '{part}'; accepted: numbers from {MIN_SIZE} to {MAX_SIZE}, "
                "joined by commas, such as 40,60,80"
            )
    return tuple(sorted(map(int, found)))


def resized(protocol: Protocol, items: int) -> Protocol:
    """The same study with another number of identities.

    Raises:
        UserError: each cell of the design needs more identities than that.
    """
    asked = protocol.stimuli.identities
    needed = 1 if asked.per_cell == "all" else max(map(asked.shown_in, protocol.stimuli.cells))
    if needed > items:
        raise UserError(
            f"--items: found {items}; stimuli.identities.per_cell asks for {needed} "
            f"identities in each cell; use {needed} or more"
        )
    identities = Identities(pick=items, per_cell=asked.per_cell)
    stimuli = protocol.stimuli.model_copy(update={"identities": identities})
    return protocol.model_copy(update={"stimuli": stimuli})


def imagined_trials(protocol: Protocol, participants: int, items: int) -> pd.DataFrame:
    """Who would rate what: one row per rating, first showings only, in the order of the plan.

    Args:
        protocol: the study.
        participants: how many, all of them analysed; they take the lists in turn.
        items: how many identities.

    Returns:
        Columns participant, list, trial, stimulus_id, identity, and the factors.

    Raises:
        UserError: the design is impossible with so many items, or there are too many trials.
    """
    study = resized(protocol, items)
    people = _people(items)
    lists = _lists(study, people)
    longest = max(len(one.stimuli) for one in lists)
    if participants * longest > MOST_TRIALS:
        raise UserError(
            f"--participants: {participants} participants with {longest} trials each are more than "
            f"{MOST_TRIALS} trials; use {MOST_TRIALS // longest} at most"
        )
    per_list = math.ceil(participants / (len(lists) * RESERVE))
    quota = study.recruitment.model_copy(update={"per_list": per_list})
    plan = make_plan(study.model_copy(update={"recruitment": quota}), people).trials
    rated = plan[(plan["kind"] == "rating") & (plan["slot"] <= participants)]
    columns = ["participant", "list", "trial", "stimulus_id", "identity", *study.factors]
    return rated.assign(participant=rated["slot"].map("p{:05d}".format))[columns].reset_index(
        drop=True
    )


def _people(items: int) -> list[Identity]:
    return [Identity(f"item-{i:03d}") for i in range(1, items + SPARE + 1)]


def _lists(protocol: Protocol, people: list[Identity]) -> list[List]:
    return make_lists(protocol, plan_stimuli(protocol, people), people)
