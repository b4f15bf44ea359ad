"""What a data set holds, whatever its format: responses, people, models' answers, stimuli.

The tables hold what `mien study export` wrote last, excluded people too, marked as they are; see
`people` for who they are called and when they answered. Simulated participants are in it only where
there are no others, as in the report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from experiments.datasets import columns
from experiments.datasets.cells import Table, tabulated
from experiments.datasets.people import coded, codes_of, keys, timed
from experiments.errors import StudyError
from experiments.media import picture_beside
from protocols import manifest
from protocols.formulas import unguard_words
from protocols.licences import may_be_passed_on
from protocols.protocol import Protocol
from protocols.ratings import UNKNOWN, read_participants, read_ratings
from protocols.study import Study
from protocols.tables import read_table, read_words

MODEL, SIMULATED = "model", "simulation"


@dataclass(frozen=True)
class Contents:
    """Everything that a data set is made of.

    Attributes:
        responses: one row per response of a person.
        people: one row per person, with the answers at the end.
        questionnaire: columns of `people` that hold answers at the end.
        models: one row per answer of a model; None without models.
        stimuli: one row per stimulus; None where the study has none.
        media: name -> file, of the stimuli that may be passed on.
        simulated: whether the people are simulated ones.
        others: simulated people who are left out, as there are real ones.
        unknown: columns of the study's tables that mien does not know; they stay out.
    """

    protocol: Protocol
    responses: Table
    people: Table
    questionnaire: tuple[str, ...]
    models: Table | None
    stimuli: Table | None
    media: Mapping[str, Path]
    simulated: bool
    others: int
    unknown: tuple[str, ...]

    @property
    def known_people(self) -> int:
        """How many participants there are, less `unknown`, which stands for any number of them."""
        return int((self.people.rows.participant != UNKNOWN).sum())

    @property
    def typed(self) -> int:
        """How many answers people typed in their own words."""
        asked = [task.id for task in self.protocol.tasks if task.type == "free-text"]
        at_end = [task.id for task in self.protocol.pages.questionnaire
                  if task.type == "free-text" and task.id in self.questionnaire]  # fmt: skip
        rows = self.responses.rows
        in_trials = (rows.question.isin(asked) & (rows.label != "")).sum()
        return int(in_trials) + int((self.people.rows[at_end] != "").to_numpy().sum())


def read_contents(study: Study) -> Contents:
    """The contents of the study's tables, manifest and stimuli.

    Raises:
        UserError: the folder is no study, has no ratings yet, or a table or a stimulus is not as
            it should be.
    """
    protocol = study.protocol()
    ratings, people = timed(*_read(study))
    known, known_people = columns.of_responses(protocol), columns.of_people(protocol)
    models = ratings[ratings.source == MODEL].reset_index(drop=True)
    simulated = people.source == SIMULATED
    real = ~simulated & (people.source != MODEL)
    codes = codes_of(people[real if real.any() else simulated])
    stimuli, media = _stimuli(study, protocol)
    unknown = [name for name in ratings if name not in known]
    unknown += [name for name in people if name not in known_people]
    return Contents(
        protocol=protocol,
        responses=tabulated(coded(ratings, codes), known),
        people=tabulated(coded(people, codes), known_people),
        questionnaire=tuple(n for n in columns.of_questionnaire(protocol) if n in people),
        models=None if models.empty else tabulated(models, known),
        stimuli=stimuli,
        media=media,
        simulated=bool(codes) and not real.any(),
        others=int(simulated.sum()) if real.any() else 0,
        unknown=tuple(dict.fromkeys(map(str, unknown))),
    )


def _read(study: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables as words, once they have been read and checked as what they are."""
    for path in (study.ratings_file, study.participants_file):
        if not path.is_file():
            raise StudyError(
                f"{path}: there is no such table yet; collect ratings, then run mien study export "
                f"{study.folder}"
            )
    if read_ratings(study.ratings_file).empty:
        raise StudyError(f"{study.ratings_file}: nobody has answered yet; collect ratings first")
    read_participants(study.participants_file)
    ratings, people = (
        unguard_words(read_words(path, ",").astype("string").fillna("").reset_index(drop=True))
        for path in (study.ratings_file, study.participants_file)
    )
    strangers = ~keys(ratings).isin(keys(people))
    if strangers.any():
        line = int(strangers.argmax())
        raise StudyError(
            f"{study.ratings_file}:{line + 2}: participant {ratings.participant[line]} is not in "
            f"{study.participants_file.name}; run mien study export {study.folder}"
        )
    return ratings, people


def _stimuli(study: Study, protocol: Protocol) -> tuple[Table | None, dict[str, Path]]:
    """The manifest, and the files that may be passed on, each checked against its hash."""
    path = study.stimuli / manifest.NAME
    if not path.is_file():
        return None, {}
    read_table(path, manifest.COLUMNS, manifest.SEPARATOR)
    rows = read_words(path, manifest.SEPARATOR).astype("string").fillna("").reset_index(drop=True)
    shared = rows.licence.map(may_be_passed_on).astype(bool)
    media: dict[str, Path] = {}
    for row in rows[shared].itertuples():
        name = str(row.file)
        manifest.check_file(path, name, str(row.sha256), int(str(row.bytes)), True)
        media[name] = study.stimuli / name
        beside = picture_beside(study.stimuli / name) if row.type == "audio" else None
        if beside is not None:
            media[beside.name] = beside
    rows = rows.assign(**{columns.SHARED.name: shared.map({True: "true", False: "false"})})
    return tabulated(rows, columns.of_stimuli(protocol)), media
