"""Prolific's export of demographic data: what people told Prolific, beside their answers.

data/prolific/demographics.csv    participant, and columns such as age and sex; no id of Prolific's

The export itself is not copied, as it holds the platform's ids, which stand nowhere beside answers
(`experiments.purge`). In `participants.csv` its columns are called `prolific_age`, and so on; who
withdrew has none.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from zipfile import is_zipfile

import pandas as pd

from experiments.database import database_of, holds_sessions
from experiments.errors import StudyError
from experiments.store import Store, session_of_external
from protocols.formulas import guard_words, unguard_words
from protocols.plain_text import TableError, header_of
from protocols.study import Study
from protocols.tables import read_words, write_table

PERSON, SUBMISSION = "Participant id", "Submission id"
OF_SUBMISSION = {  # their columns that say nothing about a person, or tell who it is
    PERSON, SUBMISSION, "Status", "Custom study tncs accepted at", "Started at", "Completed at",
    "Reviewed at", "Archived at", "Time taken", "Completion code", "Total approvals",
}  # fmt: skip
NOTHING = ("DATA_EXPIRED", "CONSENT_REVOKED", "DATA EXPIRED", "CONSENT REVOKED")
PREFIX = "prolific_"
KEPT = Path("prolific") / "demographics.csv"  # in a study's data


def is_demographics(path: Path) -> bool:
    """Whether `path` is an export of demographic data, by the names of its columns."""
    if not path.is_file() or is_zipfile(path):
        return False
    try:
        return {PERSON, SUBMISSION} <= set(header_of(path, ","))
    except (TableError, UnicodeError, csv.Error):
        return False


def bring_demographics(study: Study, path: Path) -> str:
    """Keep what the export says of the participants of `study`, under their codes.

    Whoever was brought before is replaced. Returns what was found, in a line.

    Raises:
        UserError: the file cannot be read, or nobody in it took part.
    """
    if not holds_sessions(study, "web"):
        raise StudyError(f"{path}: demographic data belong to sessions, and the study has none yet")
    told = read_words(path, ",").astype("string")
    names = {column: f"{PREFIX}{_plain(column)}" for column in told if column not in OF_SUBMISSION}
    codes = _codes(study, told[PERSON])
    said = told[list(names)]
    known = said.mask(said.isin(NOTHING), "").rename(columns=names)
    known = known.assign(participant=codes).dropna(subset="participant")
    known = known.drop_duplicates("participant", keep="last")
    if known.empty:
        raise StudyError(
            f"{path}: nobody in it took part in this study ({len(told):,} submissions); is it the "
            "export of another one?"
        )
    before = _kept(study)
    before = before[~before.participant.isin(known.participant)]
    whole = pd.concat([before, known], ignore_index=True).fillna("")
    columns = ["participant", *(name for name in whole if name != "participant")]
    write_table(guard_words(whole[columns]), study.data / KEPT, ",")
    unknown = len(told) - int(codes.notna().sum())
    others = f"; {unknown:,} submissions of people who did not begin here" if unknown else ""
    return f"{path.name}: {len(known):,} participants, {', '.join(names.values())}{others}"


def with_demographics(people: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The rows of `participants.csv` with what Prolific told of them; unchanged without any."""
    known = _kept(study)
    if known.empty:
        return people
    speak = (people.source == "web") & (people.status != "withdrawn")
    known = known.set_index("participant")
    return people.assign(**{
        name: people.participant.map(known[name]).where(speak).astype(object) for name in known
    })  # fmt: skip


def _kept(study: Study) -> pd.DataFrame:
    if not (study.data / KEPT).is_file():
        return pd.DataFrame({"participant": pd.Series(dtype="string")})
    return unguard_words(read_words(study.data / KEPT, ",").astype("string"))


def _codes(study: Study, externals: pd.Series) -> pd.Series:
    """The participant of each of the platform's ids; missing: not here."""
    store = Store(database_of(study, "web"))
    try:
        with store.read() as db:
            found = [session_of_external(db, str(external).strip()) for external in externals]
    finally:
        store.close()
    return pd.Series([row and row.participant for row in found], externals.index, dtype="string")


def _plain(column: str) -> str:
    """`Ethnicity simplified` as `ethnicity_simplified`."""
    return re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_") or "column"
