"""A file of bonuses, `participant,amount` (and `reason`), and how it is paid on Prolific.

A participant is a pseudonym of participants.csv or the platform's own id. Amounts are in the
currency of the study, with two decimals at most. Prolific's payment is not idempotent: a file that
was paid is noted, and not paid again.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from experiments.errors import StudyError
from experiments.recruitment.client import Declined, Prolific
from experiments.recruitment.ids import Known
from experiments.recruitment.money import CENT, amount_of, shown
from experiments.recruitment.notes import Notes
from protocols.study import Study

SET_UP = "/api/v1/submissions/bonus-payments/"
MOST = 200  # people in one payment, Prolific's limit
LARGEST = Decimal(100)  # a bonus above this is most often a slip of the decimal point
COLUMNS = ("participant", "amount", "reason")


@dataclass(frozen=True)
class Bonus:
    """What one participant gets."""

    known: Known
    amount: Decimal
    reason: str = ""


@dataclass(frozen=True)
class Bonuses:
    """A file of bonuses. `digest`: SHA-256 of what is paid to whom."""

    each: tuple[Bonus, ...]
    digest: str

    @property
    def total(self) -> Decimal:
        """The sum, without fees."""
        return sum((bonus.amount for bonus in self.each), Decimal(0)).quantize(CENT)


def read_bonuses(file: Path, people: Iterable[Known]) -> Bonuses:
    """Read and check a file; every problem is named with its line.

    Raises:
        StudyError: the file cannot be read, or a line of it is wrong.
    """
    by_name = {name: known for known in people for name in (known.participant, known.external)}
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StudyError(f"{file}: cannot be read: {error}") from None
    if not rows:
        raise StudyError(f"{file}: holds no bonus; accepted: a table participant,amount,reason")
    if unknown := set(rows[0]) - set(COLUMNS) or set(COLUMNS[:2]) - set(rows[0]):
        raise StudyError(f"{file}: columns {', '.join(map(str, unknown))}; accepted: "
                         f"{', '.join(COLUMNS)}, the last may be left out")  # fmt: skip
    problems, found = [], {}
    for number, row in enumerate(rows, start=2):
        problem, bonus = _bonus(row, by_name)
        if bonus is not None and bonus.known.session in found:
            problem = "this participant has a line already"
        if problem:
            problems.append(f"{file}, line {number}: {problem}")
        elif bonus is not None:
            found[bonus.known.session] = bonus
    if problems:
        raise StudyError("\n".join(problems))
    each = tuple(found.values())
    text = "\n".join(sorted(f"{b.known.participant},{b.amount}" for b in each))
    return Bonuses(each, hashlib.sha256(text.encode()).hexdigest())


def refuse_paid(study: Study, bonuses: Bonuses) -> None:
    """Refuse a file that was paid, or whose payment was begun.

    Raises:
        StudyError: with what is known of that payment.
    """
    notes = Notes(study)
    known = notes.paid().get(bonuses.digest)
    if known is not None:
        raise StudyError(
            f"{notes.file}: these bonuses were paid before ({known}); look at the platform, and "
            "delete the note only if they were not"
        )


def set_up(prolific: Prolific, study_id: str, bonuses: Bonuses) -> dict[str, Any]:
    """Prepare the payment on Prolific; nothing is paid yet. Returns Prolific's answer.

    Raises:
        StudyError: too many at once, or Prolific refuses.
    """
    if len(bonuses.each) > MOST:
        raise StudyError(f"{len(bonuses.each)} bonuses; Prolific takes {MOST} at once: split them")
    lines = [f"{bonus.known.external},{bonus.amount}" for bonus in bonuses.each]
    made = prolific.post(SET_UP, {"study_id": study_id, "csv_bonuses": "\n".join(lines)})
    if not isinstance(made, dict) or not made.get("id"):
        raise StudyError("Prolific's answer names no payment; nothing was paid")
    return made


def pay(study: Study, prolific: Prolific, bonuses: Bonuses, made: dict[str, Any]) -> None:
    """Pay what was set up, once: it is noted before it is sent, and no longer if it is declined."""
    refuse_paid(study, bonuses)
    notes = Notes(study)
    notes.keep_paid(
        bonuses.digest, id=str(made["id"]), people=len(bonuses.each), total=str(bonuses.total)
    )
    try:
        prolific.post(f"/api/v1/bulk-bonus-payments/{made['id']}/pay/")
    except Declined:
        notes.forget_paid(bonuses.digest)
        raise


def lines_of(bonuses: Bonuses, currency: str) -> list[str]:
    """What would be paid, for a look before it is."""
    lines = [f"{bonus.known.participant}: {shown(bonus.amount, currency)}"
             for bonus in bonuses.each]  # fmt: skip
    people = len(bonuses.each)
    return [*lines, f"{people} bonus{'es' * (people > 1)}, {shown(bonuses.total, currency)} in all"]


def _bonus(row: dict[str, Any], by_name: dict[str, Known]) -> tuple[str, Bonus | None]:
    name = (row.get("participant") or "").strip()
    amount = amount_of(row.get("amount") or "")
    known = by_name.get(name)
    if known is None:
        return f"'{name}' is nobody whose id is stored here", None
    if amount is None:
        return f"'{row.get('amount')}' is no amount; accepted: such as 1.50", None
    if amount > LARGEST:
        return f"{amount} is above {LARGEST}; a slip of the decimal point?", None
    return "", Bonus(known, amount, (row.get("reason") or "").strip())
