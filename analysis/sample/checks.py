"""Checks of the ratings against protocol, manifest and participants, before anything is computed.

A row that cannot be right (a rating off its scale, a level that the protocol does not have) is *set
aside*: it stays in the file and in `Sample.everything`, but no model or figure uses it. Every
finding is one sentence with a code of `analysis.problems`, for the terminal and for the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis.problems import AnalysisError
from protocols.asked import known_questions, off_scale, other_label
from protocols.protocol import Protocol
from protocols.ratings import NAME, PEOPLE_KEY, PEOPLE_NAME
from protocols.section import accepted, nearest

MODEL = "model"
COUNTED = ("rating", "repeat")  # kinds of trials whose stimulus the protocol describes


@dataclass(frozen=True)
class Finding:
    """Something that a reader of the ratings should know.

    Attributes:
        code: key of `analysis.problems.ADVICE`.
        found: one sentence, with the first line where it is so.
        rows: how many rows it concerns.
        aside: whether these rows are set aside.
    """

    code: str
    found: str
    rows: int
    aside: bool = False


@dataclass(frozen=True)
class Checks:
    """What was found, and which rows of the ratings table are set aside.

    Attributes:
        findings: in the order of the checks.
        aside: for each row of the ratings table, in its order: whether it is set aside.
    """

    findings: tuple[Finding, ...] = ()
    aside: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))

    def has(self, code: str) -> bool:
        """Whether there is a finding of this code."""
        return any(finding.code == code for finding in self.findings)


def check_tables(
    ratings: pd.DataFrame,
    people: pd.DataFrame,
    protocol: Protocol,
    manifest: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, Checks]:
    """Ratings and participants as they count, and what was found.

    The ratings have all their rows; levels of factors are those of the protocol (0.3333333333 in
    the file is 1/3 in the protocol), missing where it has no such level. Participants stand once.

    Raises:
        AnalysisError: a factor of the protocol is no column of the ratings.
    """
    for name in protocol.factors:
        if name not in ratings:
            raise AnalysisError(
                f"{NAME}: the column '{name}' is missing, a factor of the protocol"
                f"{nearest(name, ratings.columns)}"
            )
    found = [
        _copies(ratings),
        _other_study(ratings, protocol),
        _unknown_questions(ratings, protocol),
    ]
    found += [_off_scale(ratings, protocol), _other_label(ratings, protocol)]
    levels = {}
    for name in protocol.factors:
        levels[name], finding = _levels(ratings, name, protocol)
        found.append(finding)
    known = ratings.assign(**levels)
    if manifest is not None:
        found += _beside_manifest(known, manifest, protocol.factors)
    found += [_strangers(ratings, people), _same_code(people), _silent(ratings, people)]
    findings = [(finding, rows) for finding, rows in filter(None, found)]
    aside = np.zeros(len(ratings), bool)
    for finding, rows in findings:
        aside |= rows if finding.aside else False
    checks = Checks(tuple(finding for finding, _ in findings), aside)
    return known, people.drop_duplicates(PEOPLE_KEY).reset_index(drop=True), checks


Found = tuple[Finding, np.ndarray] | None


def _finding(code: str, rows: pd.Series | np.ndarray, what: str, *, aside: bool = False) -> Found:
    """The finding about these rows, if there are any: first line, number, `what`."""
    rows = np.asarray(rows, bool)
    if not rows.any():
        return None
    n, line = int(rows.sum()), int(rows.argmax()) + 2
    count = f"{n:,} {'row' if n == 1 else 'rows'}"
    return Finding(code, f"{NAME}:{line}: {count} {what}", n, aside), rows


def _copies(ratings: pd.DataFrame) -> Found:
    keyed = ratings.duplicated(["source", "participant", "trial", "question"])
    return _finding("COPIES", keyed, "stand twice, word for word; one of each counts",
                    aside=True)  # fmt: skip


def _other_study(ratings: pd.DataFrame, protocol: Protocol) -> Found:
    wrong = (ratings.study != protocol.name).fillna(False)
    names = ratings.study[wrong].unique()
    return _finding("OTHER_STUDY", wrong,
                    f"of the study '{_first(names)}', not '{protocol.name}'")  # fmt: skip


def _unknown_questions(ratings: pd.DataFrame, protocol: Protocol) -> Found:
    known = known_questions(protocol)
    wrong = ~ratings.question.isin(known)
    name = _first(ratings.question[wrong].unique())
    hint = accepted(known) + nearest(name, known)
    return _finding("UNKNOWN_QUESTION", wrong,
                    f"with a question that the protocol does not ask, such as '{name}'; "
                    f"{hint}", aside=True)  # fmt: skip


def _off_scale(ratings: pd.DataFrame, protocol: Protocol) -> Found:
    wrong, says = np.zeros(len(ratings), bool), ""
    of_people = (ratings.source != MODEL).to_numpy(bool)
    for question, task in known_questions(protocol).items():
        rows = (ratings.question == question).to_numpy(bool) & of_people
        off, accepts = off_scale(task, ratings.response[rows])
        if off.any() and not says:
            found = ratings.response[rows][off].iloc[0]
            says = f"the first is {found:g} for '{question}'; {accepts}"
        wrong[rows] |= off
    return _finding("OFF_SCALE", wrong, f"with a response off its scale; {says}", aside=True)


def _other_label(ratings: pd.DataFrame, protocol: Protocol) -> Found:
    wrong, says = np.zeros(len(ratings), bool), ""
    for question, task in known_questions(protocol).items():
        rows = (ratings.question == question).to_numpy(bool) & ratings.label.notna().to_numpy(bool)
        other = other_label(task, ratings.response[rows], ratings.label[rows])
        if other.any() and not says:
            first = ratings[rows][other].iloc[0]
            number = "nothing" if pd.isna(first.response) else f"{first.response:g}"
            says = f"the first is '{first.label}' beside {number} for '{question}'"
        wrong[rows] |= other
    what = f"whose label is not that of the response; {says}"
    return _finding("OTHER_LABEL", wrong, what, aside=True)


def _levels(ratings: pd.DataFrame, name: str, protocol: Protocol) -> tuple[pd.Series, Found]:
    """The factor's column in the protocol's own levels, and rows that have none of them."""
    levels = protocol.stimuli.factors[name]
    codes, distinct = pd.factorize(ratings[name])
    meant = [_level(value, levels) for value in distinct]
    kind = "Float64" if protocol.stimuli.numeric(name) else "string"
    column = pd.Series(pd.array([*meant, pd.NA], dtype=kind)[codes], index=ratings.index)  # type: ignore[call-overload]
    wrong = column.isna() & ratings.kind.isin(COUNTED)
    found = _first(ratings[name][wrong & ratings[name].notna()].unique())
    what = f"such as '{found}'" if found else "it is empty"
    sentence = f"without a level of '{name}' ({what}); {accepted(levels)}"
    return column, _finding("UNKNOWN_LEVEL", wrong, sentence, aside=True)


def _level(value: object, levels: Sequence[str | int | float]) -> object:
    for level in levels:
        if isinstance(level, str):
            if str(value) == level:
                return level
            continue
        number = pd.to_numeric(str(value), errors="coerce")
        if np.isclose(number, float(level), rtol=1e-8, atol=1e-8):
            return float(level)
    return pd.NA


def _beside_manifest(
    ratings: pd.DataFrame, manifest: pd.DataFrame, factors: Sequence[str]
) -> list[Found]:
    """Stimuli that are not in the manifest, and levels or identities that it has otherwise."""
    counted = ratings.kind.isin(COUNTED).to_numpy(bool)
    shown = manifest.set_index("stimulus_id")
    unknown = counted & ~ratings.stimulus_id.isin(shown.index).to_numpy(bool)
    name = _first(ratings.stimulus_id[unknown].unique())
    found = [_finding("UNKNOWN_STIMULUS", unknown, f"about stimuli not in stimuli.tsv: '{name}'")]
    for column in ("identity", *(f for f in factors if f in shown)):
        stated = ratings.stimulus_id.map(shown[column])
        given = ratings[column]
        both = counted & stated.notna().to_numpy(bool) & given.notna().to_numpy(bool)
        if pd.api.types.is_numeric_dtype(given) and pd.api.types.is_numeric_dtype(stated):
            far = (stated.astype(float) - given.astype(float)).abs() > 1e-8
        else:
            far = stated.astype(str) != given.astype(str)
        wrong = both & far.fillna(False).to_numpy(bool)
        first = ratings[wrong].iloc[0] if wrong.any() else None
        says = "" if first is None else (
            f"{first.stimulus_id} is '{first[column]}' here, '{shown[column][first.stimulus_id]}' "
            "there"
        )  # fmt: skip
        found.append(_finding("NOT_AS_MANIFEST", wrong,
                              f"whose '{column}' is not that of stimuli.tsv: {says}",
                              aside=True))  # fmt: skip
    return found


def _strangers(ratings: pd.DataFrame, people: pd.DataFrame) -> Found:
    known = pd.MultiIndex.from_frame(people[PEOPLE_KEY])
    of_people = (ratings.source != MODEL).to_numpy(bool)
    rows = of_people & ~pd.MultiIndex.from_frame(ratings[PEOPLE_KEY]).isin(known)
    names = ratings.participant[rows].unique()
    return _finding("NOT_IN_PARTICIPANTS", rows,
                    f"of {len(names):,} participants who are not in {PEOPLE_NAME}, such as "
                    f"'{_first(names)}'", aside=True)  # fmt: skip


def _same_code(people: pd.DataFrame) -> Found:
    once = people.drop_duplicates(PEOPLE_KEY)
    once = once[~once.source.isin([MODEL, "simulation"])]
    twice = once[once.participant.duplicated()]
    if twice.empty:
        return None
    name = twice.participant.iloc[0]
    sentence = (
        f"{PEOPLE_NAME}: {len(twice):,} participants stand in more than one source, such as "
        f"'{name}'; they count as the same person"
    )
    return Finding("SAME_CODE", sentence, len(twice)), np.zeros(0, bool)


def _silent(ratings: pd.DataFrame, people: pd.DataFrame) -> Found:
    answered = set(ratings.participant.unique())
    silent = people[(people.status == "completed") & ~people.participant.isin(answered)]
    if silent.empty:
        return None
    sentence = (
        f"{PEOPLE_NAME}: {len(silent):,} participants completed the study but have no rows in "
        f"{NAME}, such as '{silent.participant.iloc[0]}'"
    )
    return Finding("NO_ANSWERS", sentence, len(silent)), np.zeros(0, bool)


def _first(values: object) -> str:
    """The first of some values as a word; nothing if there is none."""
    return next((str(value) for value in values if not pd.isna(value)), "")  # type: ignore[attr-defined]
