"""The flow of participants: how many took part, were excluded by which rule, and are analysed."""

from __future__ import annotations

import pandas as pd

from protocols.exclusions import (
    NOT_COMPLETED,
    WITHDRAWN,
    AnswerRule,
    AttentionRule,
    Exclusion,
    IncompleteRule,
    RepeatsRule,
    TooFastRule,
)
from protocols.protocol import Protocol

IN_WORDS = {WITHDRAWN: "withdrew", NOT_COMPLETED: "did not finish"}


def flow_of(people: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """One row for each step: recruited, excluded by each rule in order, analysed."""
    lists = sorted(people["list"].dropna().unique())
    rules = [rule.id for rule in protocol.exclusions]
    others = sorted(set(people.excluded.dropna()) - set(rules))
    reasons = {rule.id: rule.reason or in_words(rule, protocol) for rule in protocol.exclusions}
    rows = [("recruited", "Took part", people)]
    rows += [(id_, reasons.get(id_, IN_WORDS.get(id_, id_)), people[people.excluded == id_])
             for id_ in [*rules, *others]]  # fmt: skip
    rows.append(("analysed", "Analysed", people[people.excluded.isna()]))
    return pd.DataFrame(
        [
            {"step": step, "reason": why, "participants": len(who)}
            | {f"list {n}": int((who["list"] == n).sum()) for n in lists}
            for step, why, who in rows
        ]
    )


def in_words(rule: Exclusion, protocol: Protocol) -> str:
    """What a rule excludes for, where the protocol gives no reason."""
    if isinstance(rule, AnswerRule):
        asked = {task.id: task.question for task in protocol.pages.questionnaire}
        given = [f"“{label}”" for label in rule.of]
        given += [f"{rule.at_least:g} or more"] if rule.at_least is not None else []
        given += [f"{rule.at_most:g} or less"] if rule.at_most is not None else []
        return f"answered {' or '.join(given)} to “{asked[rule.question]}”"
    if isinstance(rule, IncompleteRule):
        return f"answered less than {100 * rule.at_least:g} % of the trials"
    if isinstance(rule, AttentionRule):
        checks = f"more than {rule.more_than} attention checks"
        return f"missed {checks if rule.more_than else 'an attention check'}"
    if isinstance(rule, RepeatsRule):
        return f"gave more than {rule.more_than} inconsistent answers to repeated stimuli"
    if isinstance(rule, TooFastRule):
        share = f"{100 * rule.more_than:g} % of ratings"
        return f"gave more than {share} in less than {rule.below_ms:g} ms"
    return f"gave the same answer in more than {100 * rule.more_than:g} % of trials"
