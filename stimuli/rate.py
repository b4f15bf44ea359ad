"""`mien rate`: what models would answer, beside people's ratings of the same stimuli.

    look -> answer each task by its rule -> write rated/ratings.csv and rated/rules.json

The table has the form that `mien study import --source model` reads; the verb imports it at once,
so that `mien report` shows people beside each model. rules.json says how every answer came about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from protocols.errors import UserError
from protocols.manifest import NAME, read_manifest, write_json
from protocols.protocol import Protocol
from protocols.ratings import read_ratings
from protocols.study import Study
from protocols.tables import write_whole
from stimuli.raters import HEAD, JUDGE, RATERS, Opinions, likeliest, on_dimension, opinion_of
from stimuli.rating_rules import RULES, Scale, answers

FOLDER, TABLE, SIDECAR = "rated", "ratings.csv", "rules.json"
MAKER = "mien rate"  # stands in the record of the import, which a second run replaces
DIGITS = 4  # of a response
REAL = ("web", "lab", "import")
Show = Callable[[int, int], None]


@dataclass(frozen=True)
class Rated:
    """What was written, and what there is to say about it."""

    table: Path
    sidecar: Path
    lines: tuple[str, ...]


def rate(
    study: Study, raters: Sequence[str] | None = None, rule: str | None = None,
    progress: Show | None = None,
) -> Rated:  # fmt: skip
    """Let models rate the main stimuli of a study.

    Args:
        study: with stimuli; people's ratings, if there are any, are only read.
        raters: names of RATERS; None: the head where the stimuli know what it said, and the judge.
        rule: one of RULES for tasks with a scale; None: linear where people rated enough, else
            scale.
        progress: called with pictures the judge has seen, and all.

    Raises:
        UserError: no stimuli, no task that a model can answer, or an unknown rater or rule.
    """
    if rule is not None and rule not in RULES:
        raise UserError(f"--rule: found '{rule}'; accepted: {', '.join(RULES)}")
    protocol = study.protocol()
    if not (study.stimuli / NAME).is_file():
        raise UserError(f"{study.folder}: no stimuli in it yet; make them with mien generate")
    shown = read_manifest(study.stimuli)
    shown = shown[shown.role == "main"].reset_index(drop=True)
    people = people_of(study)
    rows, facts, lines = [], [], []
    for opinions in _asked(raters, shown, study.stimuli, progress):
        lines += _about(opinions, len(shown))
        for task in protocol.questions.values():
            made, fact = _answer(task, opinions, shown, people, rule)
            facts.append({"rater": opinions.rater, "task": task.id, **fact})
            rows += [{"participant": opinions.rater, "question": task.id, **row} for row in made]
            lines.append(f"{opinions.rater}, {task.id}: {fact['said']}")
    if not rows:
        raise UserError("\n".join([*lines, f"{study.folder}: no model can answer any task"]))
    return _write(study, protocol, rows, facts, people, tuple(lines))


def people_of(study: Study) -> pd.DataFrame:
    """People's ratings that count: real ones, or else simulated ones; empty if there are none."""
    if not study.ratings_file.is_file():
        return pd.DataFrame(columns=["source", "stimulus_id", "question", "response"])
    table = read_ratings(study.ratings_file, copies=True)
    table = table[(table.kind == "rating") & table.valid]
    real = table[table.source.isin(REAL)]
    return real if len(real) else table[table.source == "simulation"]


def _asked(raters: Sequence[str] | None, shown: pd.DataFrame, folder: Path, progress: Show | None):
    """The opinions of every rater that is wanted, or of those that have any."""
    wanted = tuple(RATERS) if raters is None else raters
    for rater in wanted:
        opinions = opinion_of(rater, shown, folder, progress if rater == JUDGE else None)
        if opinions.words:
            yield opinions
        elif raters is not None:
            raise UserError(f"--raters: {rater} can judge none of the stimuli; {_why(rater)}")


def _why(rater: str) -> str:
    if rater == HEAD:
        return "only stimuli of the generator context-face are known to it"
    return "it needs pictures (no clips) in which it finds a face"


def _about(opinions: Opinions, stimuli: int) -> list[str]:
    """Which stimuli a rater could not judge."""
    if not opinions.silent:
        return []
    first = ", ".join(opinions.silent[:3]) + (", …" if len(opinions.silent) > 3 else "")
    return [f"{opinions.rater}: no answer about {len(opinions.silent)} of {stimuli} stimuli "
            f"({first}): {_why(opinions.rater)}"]  # fmt: skip


def _answer(
    task: Any, opinions: Opinions, shown: pd.DataFrame, people: pd.DataFrame, rule: str | None
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows of the table for a task, and how they came about."""
    if task.type == "forced-choice":
        return _choose(task, opinions)
    scale = Scale.of(task)
    if scale is None:
        said = "no answers: the words of its scale are not those of valence or of arousal"
        return [], {"rule": None, "said": said}
    table = shown.loc[shown.stimulus_id.isin(opinions.words), ["stimulus_id", "identity"]]
    table = table.set_index("stimulus_id")
    table["v"] = [on_dimension(opinions.words[name], scale.dimension) for name in table.index]
    ours = people[people.question == task.id]
    means = ours.groupby("stimulus_id").response.mean().astype(float)
    table["people"] = means.reindex(table.index)
    made, fit = answers(table, scale, rule)
    rows = [{"stimulus_id": name, "response": round(float(y), DIGITS)} for name, y in made.items()]
    said = f"{len(rows)} answers from predicted {scale.dimension}, rule {fit.rule}"
    if fit.r2_left_out is not None:
        said += f" (r² {fit.r2:.2f}, of identities left out {fit.r2_left_out:.2f})"
    fact = {"dimension": scale.dimension, "direction": scale.sign,
            "from": scale.lowest, "to": scale.highest}  # fmt: skip
    return rows, {**fact, **fit.words(), "said": said}


def _choose(task: Any, opinions: Opinions) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The likeliest option for every stimulus."""
    chosen = {name: likeliest(words, task.options) for name, words in opinions.words.items()}
    rows = [{"stimulus_id": name, "label": option} for name, option in chosen.items() if option]
    words = dict.fromkeys((word for said in opinions.words.values() for word in said), 1.0)
    able = [option for option in task.options if likeliest(words, [option])]
    if len(able) < 2:
        said = f"no answers: fewer than two options are words of this rater ({', '.join(words)})"
        return [], {"rule": None, "said": said}
    never = [option for option in task.options if option not in able]
    said = f"{len(rows)} answers, the likeliest option"
    said += f" (never {', '.join(never)}: no word of this rater)" if never else ""
    return rows, {"rule": "likeliest option", "options": able, "never": never, "said": said}


def _write(
    study: Study, protocol: Protocol, rows: list[dict], facts: list[dict], people: pd.DataFrame,
    lines: tuple[str, ...],
) -> Rated:  # fmt: skip
    folder = study.folder / FOLDER
    folder.mkdir(exist_ok=True)
    table = pd.DataFrame(rows, columns=["participant", "stimulus_id", "question", "response",
                                        "label"])  # fmt: skip
    write_whole(folder / TABLE, table.to_csv(index=False, lineterminator="\n").encode())
    sources = sorted(people.source.unique()) if len(people) else []
    write_json(folder / SIDECAR, {
        "study": protocol.name,
        "raters": {name: RATERS[name] for name in dict.fromkeys(fact["rater"] for fact in facts)},
        "people": {"sources": sources, "ratings": len(people)},
        "predicted": "mean over the probabilities of words, each at its valence and arousal in "
                     "Russell & Mehrabian (1977); neutral at 0",
        "tasks": _plain(facts),
    })  # fmt: skip
    return Rated(folder / TABLE, folder / SIDECAR, lines)


def _plain(value: Any) -> Any:
    """The same with numbers that JSON knows, of six digits."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float | np.floating):
        return round(float(value), 6)
    return value
