"""README.md of a data set: what others must know before they use it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from experiments.datasets.about import About
from experiments.datasets.columns import scale
from experiments.datasets.contents import Contents
from protocols.asked import known_questions

READING = """## Reading the tables

Plain text, UTF-8. An empty cell (in BIDS: `n/a`) is a missing value. JSON files describe every
column. One response is one row: participant, trial and question are its key. Words that were typed
stand on one line. A cell of words that a spreadsheet would take for a formula (it begins with `=`,
`+`, `-` or `@`) starts with an apostrophe, which is not part of it: take one apostrophe away.

Participants have codes that say nothing about them. Moments are seconds since consent: no date and
no hour is told. Nobody was deleted for an exclusion rule: who fails one is marked (`valid`,
`exclusion_reason`). Of people who withdrew no answer is here. The raw sessions, from which these
tables were made, stay with the authors."""


def readme(contents: Contents, about: About, tables: Mapping[str, str], stimuli: str) -> str:
    """The page. `tables`: path -> what a row is; `stimuli`: folder of the media."""
    protocol = contents.protocol
    parts = [f"# {protocol.title}"]
    parts += [words for words in (protocol.description, protocol.source) if words]
    parts += [
        _who(contents),
        _list("Tables", (f"`{path}`: {what}" for path, what in tables.items())),
    ]
    parts += [READING, _list("Exclusion rules", _exclusions(contents))]
    parts += [_list("Questions", _questions(contents)), *_stimuli(contents, stimuli)]
    if contents.typed:
        parts.append(
            f"{contents.typed} answers are in participants' own words, as they typed them."
        )
    parts.append(_whose(about))
    return "\n\n".join(part for part in parts if part) + "\n"


def _list(title: str, lines: Iterator[str]) -> str:
    rows = [f"- {line}" for line in lines]
    return "\n".join([f"## {title}", "", *rows]) if rows else ""


def _who(contents: Contents) -> str:
    people, rows = contents.people.rows, contents.responses.rows
    count = f"{len(rows):,} responses (practice, repeats and attention checks counted)"
    valid = int((people.valid == "true").sum())
    words = (
        f"{contents.known_people} participants, of whom {valid} pass every exclusion rule, gave "
        f"{count}."
    )
    if contents.known_people < len(people):
        words = f"{count}; some or all by people of whom nobody knows who they are (`unknown`)."
    if contents.simulated:
        words = f"**These participants are simulated; nobody took part.** {words}"
    if contents.models is not None:
        names = contents.models.rows.participant.unique()
        words += f" Answers of models stand apart: {', '.join(names)}."
    return words


def _exclusions(contents: Contents) -> Iterator[str]:
    people = contents.people
    reasons = next((c.levels for c in people.columns if c.name == "exclusion_reason"), {})
    counts = people.rows.exclusion_reason.value_counts().to_dict() if reasons else {}
    for rule, words in reasons.items():
        yield f"`{rule}`: {words}; {counts.get(rule, 0)} participants"


def _questions(contents: Contents) -> Iterator[str]:
    for name, asked in known_questions(contents.protocol).items():
        words = asked.task.second_question if asked.second else asked.task.question
        yield f"`{name}`: {words} {scale(asked.task, asked.second)}"


def _stimuli(contents: Contents, folder: str) -> Iterator[str]:
    if contents.stimuli is None:
        return
    lines = []
    kinds = contents.stimuli.rows.groupby(["shared", "corpus", "licence"], sort=True).size()
    for (shared, corpus, licence), count in kinds.items():  # type: ignore[misc]
        where = f"in `{folder}/`" if shared == "true" else "**not in this data set**"
        lines.append(f"{count} of the corpus {corpus}, licence {licence}: {where}")
    words = (
        "Stimuli are here only where their licence lets anybody pass them on, each under its own "
        "licence. Of the others the table has everything but the file: ask whoever gives out "
        "their corpus; `sha256` tells whether a file is the one that was shown."
    )
    yield "\n".join([_list("Stimuli", iter(lines)), "", words])


def _whose(about: About) -> str:
    licence = about.licence or "none was chosen; ask the authors before you use the data"
    authors = ", ".join(about.authors) or "not named"
    return f"## Authors and licence\n\nAuthors: {authors}.\n\nLicence of the answers: {licence}."
