"""Psych-DS 1.5: CSV files named by keywords, described in schema.org's words.

dataset_description.json                          what it is; every column of every table
README.md                                         the same for people
data/study-NAME_description-WHAT_data.csv, .json  responses, participants, stimuli, models
materials/protocol.yaml, materials/stimuli/       what the study was made from
Source: psych-ds.github.io, schema 1.5.1 (rules.files, rules.compiled_metadata, rules.errors).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from experiments.datasets.about import About, as_json, as_table
from experiments.datasets.cells import Table
from experiments.datasets.columns import Described
from experiments.datasets.contents import Contents
from experiments.datasets.readme import readme
from protocols.study import description

VERSION = "Psych-DS 1.5.1"
CONTEXT = {"@context": "https://schema.org", "@type": "Dataset"}
STIMULI = "materials/stimuli"
ABOUT = {
    "responses": "one row per response; participant, trial and question are its key",
    "participants": "one row per participant, excluded ones too, with the answers at the end",
    "stimuli": "one row per stimulus, with its recipe",
    "models": "one row per answer of a model; participant is the name of the model",
}  # table -> what a row is


def files(contents: Contents, about: About) -> dict[str, bytes | Path]:
    """Path in the data set -> its content, or the file that is copied there."""
    tables = {
        name: table
        for name, table in {
            "responses": contents.responses,
            "participants": contents.people,
            "stimuli": contents.stimuli,
            "models": contents.models,
        }.items()
        if table is not None and len(table.rows)
    }
    protocol = contents.protocol
    label = re.sub(r"[^A-Za-z0-9]", "", protocol.name) or "study"
    stems = {name: f"data/study-{label}_description-{name}_data" for name in tables}
    out: dict[str, bytes | Path] = {
        "dataset_description.json": as_json(_description(contents, about, tables.values())),
        "materials/protocol.yaml": about.protocol,
    }
    for name, table in tables.items():
        out[f"{stems[name]}.csv"] = as_table(table.rows, ",")
        out[f"{stems[name]}.json"] = as_json({
            **CONTEXT, "name": f"{protocol.title}: {name}", "description": ABOUT[name],
            "variableMeasured": [_variable(column) for column in table.columns],
        })  # fmt: skip
    out |= {f"{STIMULI}/{name}": path for name, path in contents.media.items()}
    described = {f"{stems[name]}.csv": ABOUT[name] for name in tables}
    out["README.md"] = readme(contents, about, described, STIMULI).encode()
    return out


def _description(contents: Contents, about: About, tables: Iterable[Table]) -> dict[str, Any]:
    """The study's own description, with every column of the data set, and whose it is."""
    every: dict[str, Described] = {}
    for table in tables:
        for column in table.columns:
            every.setdefault(column.name, column)
    said = description(contents.protocol) | {
        **CONTEXT,
        "schemaVersion": VERSION,
        "keywords": ["emotion perception", *contents.protocol.factors],
        "author": [{"@type": "Person", "name": name} for name in about.authors],
        "license": about.licence,
        "variableMeasured": [_variable(column) for column in every.values()],
    }
    return {key: value for key, value in said.items() if value}


def _variable(column: Described) -> Mapping[str, str]:
    """A column as schema.org says it; levels stand in the sentence, as it has no place for them."""
    plain = all(word == is_ for word, is_ in column.levels.items())
    levels = [word if plain else f"{word} = {is_}" for word, is_ in column.levels.items()]
    words = f"{column.meaning}; values: {'; '.join(levels)}" if levels else column.meaning
    unit = {"unitText": column.unit} if column.unit else {}
    return {"@type": "PropertyValue", "name": column.name, "description": words, **unit}
