"""BIDS 1.10: the responses of each participant as behavioural data, and the stimuli.

dataset_description.json, README.md          what it is
participants.tsv, .json                      one row per participant
sub-CODE/beh/sub-CODE_task-NAME_beh.tsv      the responses of one
task-NAME_beh.json                           their columns, and the task, for all of them
phenotype/questionnaire.tsv, .json           answers at the end
stimuli/stimuli.tsv, .json, media            the stimuli; column stim_file of the responses
derivatives/models/                          the same of models, where there are any
code/protocol.yaml                           what the study was made from
Source: bids-specification.readthedocs.io, behavioural experiments, phenotypic data, tabular files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.datasets.about import About, as_json, as_table
from experiments.datasets.cells import Table
from experiments.datasets.columns import CODE, Described
from experiments.datasets.contents import Contents
from experiments.datasets.readme import readme
from protocols.protocol import Protocol

VERSION = "1.10.0"
MISSING = "n/a"
OF_PEOPLE = ("study", "source", "participant", "slot", "list", "valid", "exclusion_reason")
ID = Described("participant_id", "word", f"sub- and the {CODE}")
FILE = Described("stim_file", "word", "file of the stimulus, below stimuli/; n/a where its "
                 "licence does not allow it to be passed on")  # fmt: skip
MODEL = Described("model", "word", "name of the model")
MODELS = "derivatives/models"


def files(contents: Contents, about: About) -> dict[str, bytes | Path]:
    """Path in the data set -> its content, or the file that is copied there."""
    task = _label(contents.protocol.name) or "study"
    people, responses = _named(contents.people), _with_files(contents)
    at_end = [name for name in contents.questionnaire if name in people.rows]
    answered = (people.rows[at_end] != "").any(axis=1)
    asked = people.only([ID.name, *at_end])
    own = people.only([name for name in people.rows if name not in at_end])
    out: dict[str, bytes | Path] = {
        "dataset_description.json": as_json(_description(contents, about)),
        "code/protocol.yaml": about.protocol,
        **_both("participants", own),
        **_answers(contents.protocol, task, responses, contents.responses.rows.participant),
    }
    described = {
        f"sub-*/beh/sub-*_task-{task}_beh.tsv": "one row per response of a participant",
        "participants.tsv": "one row per participant, excluded ones too",
    }
    if answered.any():
        out |= _both("phenotype/questionnaire", Table(asked.rows[answered], asked.columns))
        described["phenotype/questionnaire.tsv"] = "answers at the end, one row per participant"
    if contents.stimuli is not None:
        out |= _both("stimuli/stimuli", contents.stimuli)
        out |= {f"stimuli/{name}": path for name, path in contents.media.items()}
        described["stimuli/stimuli.tsv"] = "one row per stimulus, with its recipe"
    if contents.models is not None:
        of_models = _models(contents, about, task, contents.models)
        out |= {f"{MODELS}/{path}": content for path, content in of_models.items()}
        described[f"{MODELS}/"] = "the same of models: participants.tsv says which is which"
    out["README.md"] = readme(contents, about, described, "stimuli").encode()
    return out


def _label(name: str) -> str:
    """A name as BIDS takes it in a file name."""
    return re.sub(r"[^A-Za-z0-9]", "", name)


def _answers(
    protocol: Protocol, task: str, responses: Table, labels: pd.Series
) -> dict[str, bytes | Path]:
    """The responses of each participant, who is called by `labels`, and what their columns mean."""
    out: dict[str, bytes | Path] = {
        f"sub-{label}/beh/sub-{label}_task-{task}_beh.tsv": as_table(rows, "\t", MISSING)
        for label, rows in responses.rows.groupby(labels.to_numpy(), sort=False)
    }
    if out:
        out[f"task-{task}_beh.json"] = as_json(_task(protocol) | _columns(responses))
    return out


def _models(contents: Contents, about: About, task: str, answers: Table) -> dict[str, bytes | Path]:
    """A data set of its own, in which every model is a participant."""
    names = answers.rows.participant
    labels = {name: f"model{n:02d}" for n, name in enumerate(dict.fromkeys(names), start=1)}
    who = pd.DataFrame([(f"sub-{label}", name) for name, label in labels.items()],
                       columns=[ID.name, MODEL.name])  # fmt: skip
    own = answers.only([name for name in answers.rows if name not in OF_PEOPLE])
    title = "Answers of models"
    return {
        "dataset_description.json": as_json(_description(contents, about, title)),
        "README.md": f"# {title}: {contents.protocol.title}\n".encode(),
        **_both("participants", Table(who, (ID, MODEL))),
        **_answers(contents.protocol, task, own, names.map(labels)),
    }


def _description(contents: Contents, about: About, part: str = "") -> dict[str, Any]:
    protocol = contents.protocol
    said = {
        "Name": f"{part}: {protocol.title}" if part else protocol.title,
        "BIDSVersion": VERSION,
        "DatasetType": "derivative" if part else "raw",
        "License": about.licence,
        "Authors": list(about.authors),
        "ReferencesAndLinks": [protocol.source] if protocol.source else [],
        "GeneratedBy": [{"Name": "mien", "Description": "mien study dataset"}],
    }
    return {key: value for key, value in said.items() if value}


def _task(protocol: Protocol) -> dict[str, Any]:
    """What participants did."""
    return {
        "TaskName": protocol.name,
        "TaskDescription": protocol.description or protocol.title,
        "Instructions": "\n\n".join(protocol.pages.instructions),
    }


def _columns(table: Table) -> dict[str, dict[str, Any]]:
    """Name -> the BIDS description of a column."""
    described = {}
    for column in table.columns:
        more: dict[str, Any] = {"Levels": dict(column.levels)} if column.levels else {}
        more |= {"Units": column.unit} if column.unit else {}
        described[column.name] = {"Description": column.meaning, **more}
    return described


def _both(stem: str, table: Table) -> dict[str, bytes | Path]:
    """A table and the description of its columns."""
    return {
        f"{stem}.tsv": as_table(table.rows, "\t", MISSING),
        f"{stem}.json": as_json(_columns(table)),
    }


def _named(people: Table) -> Table:
    """The people with their BIDS name first, in place of the code."""
    code = next(column for column in people.columns if column.name == "participant")
    rows = people.rows.rename(columns={code.name: ID.name})
    rows[ID.name] = "sub-" + rows[ID.name]
    table = Table(rows, tuple(ID if column is code else column for column in people.columns))
    return table.only([ID.name, *(name for name in rows if name != ID.name)])


def _with_files(contents: Contents) -> Table:
    """The responses with the file of their stimulus, less what participants.tsv says of people."""
    table = contents.responses
    own = table.only([name for name in table.rows if name not in OF_PEOPLE])
    files: Mapping[str, str] = {}
    if contents.stimuli is not None:
        rows = contents.stimuli.rows
        files = dict(rows.loc[rows.shared == "true", ["stimulus_id", "file"]].to_numpy().tolist())
    with_files = own.rows.assign(**{FILE.name: own.rows.stimulus_id.map(files).fillna("")})
    return replace(own, rows=with_files, columns=(*own.columns, FILE))
