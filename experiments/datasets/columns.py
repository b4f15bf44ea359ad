"""What every column of a data set means: from the formats in `protocols` and from the protocol.

A description names the levels of a column where it has some: the words of a question, the reason
of an exclusion rule, the options of a choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from experiments.answers import asked_at_the_end
from protocols import manifest, ratings
from protocols.asked import known_questions
from protocols.exclusions import NOT_COMPLETED, WITHDRAWN, Exclusion
from protocols.generators import FACTORS
from protocols.protocol import Protocol
from protocols.scales import AffectGrid, GridAxis, Slider
from protocols.tables import Column
from protocols.tasks import NO_SECOND, Checkboxes, ForcedChoice, FreeText, Likert, Task

AFTER = Column("after_s", "number", "time from consent, or where that is not known from the "
               "participant's first response, until the response was stored",
               required=False, unit="s")  # fmt: skip
TOOK = Column("took_s", "number", "time from consent until the last answer was stored",
              required=False, unit="s")  # fmt: skip
SHARED = Column("shared", "yes-no", "whether the file is in this data set; it is not where its "
                "licence does not allow it to be passed on")  # fmt: skip

CODE = ("code of the participant, random or a number in its source; `unknown` where nobody knows "
        "who answered; of a model, its name")  # fmt: skip


@dataclass(frozen=True)
class Described:
    """One column of a data set; `levels`: a word in it -> what the word means."""

    name: str
    kind: str
    meaning: str
    levels: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""


def of_responses(protocol: Protocol) -> dict[str, Described]:
    """Every column that a table of responses may have, by its name."""
    known = _plain((*ratings.COLUMNS, AFTER)) | _factors(protocol)
    asked = known_questions(protocol)
    questions = {
        name: one.task.second_question if one.second else one.task.question
        for name, one in asked.items()
    }
    scales = [f"{name}: {scale(one.task, one.second)}" for name, one in asked.items()]
    checks = {check.id: check.text for check in protocol.design.attention}
    known["question"] = replace(known["question"], levels=questions)
    known["check"] = replace(known["check"], levels=checks)
    known["response"] = replace(
        known["response"], meaning=f"{known['response'].meaning}. " + "; ".join(scales)
    )
    return known | _reasons(protocol, known)


def of_people(protocol: Protocol) -> dict[str, Described]:
    """Every column that a table of participants may have, answers at the end last."""
    known = _plain((*ratings.PEOPLE, TOOK))
    return known | _reasons(protocol, known) | of_questionnaire(protocol)


def of_questionnaire(protocol: Protocol) -> dict[str, Described]:
    """The columns of the questionnaire: each answer in words, and as a number."""
    known = {}
    for asked in asked_at_the_end(protocol):
        task = asked.task
        words = task.second_question if asked.second else task.question  # type: ignore[union-attr]
        places = _places(task)
        levels = {} if isinstance(task, Checkboxes) else {word: word for word in places.values()}
        if isinstance(task, GridAxis):
            levels = {}  # its places have no words
        if asked.second:
            levels |= {NO_SECOND: "no second choice"}
        number = f"{asked.id}_response"
        known[asked.id] = Described(asked.id, "word", f"{words} (in words)", levels)
        known[number] = Described(
            number, "number", f"{words} (as a number). {scale(task, asked.second)}"
        )
    return known


def of_stimuli(protocol: Protocol) -> dict[str, Described]:
    """Every column that the table of stimuli may have."""
    return _plain((*manifest.COLUMNS, SHARED)) | _factors(protocol)


def scale(task: Task | GridAxis, second: bool = False) -> str:
    """What the numbers of a task mean, in words."""
    if isinstance(task, FreeText):
        return "no number, but words"
    if isinstance(task, Checkboxes):
        return f"number of boxes ticked ({', '.join(task.options)})"
    places = ", ".join(f"{place} = {word}" for place, word in _places(task).items())
    if isinstance(task, Likert | Slider | GridAxis):
        return f"{task.low:g} to {task.high:g}" + (f" ({places})" if places else "")
    return places + (f", empty = {NO_SECOND}" if second else "")


def _places(task: Task | GridAxis) -> dict[float | int, str]:
    """Response on a scale or in a choice -> its words, where it has some."""
    if isinstance(task, FreeText | Checkboxes | AffectGrid):
        return {}
    if isinstance(task, Slider | GridAxis):
        ends = zip((task.low, task.high), task.ends, strict=True)
        return {int(at) if at % 1 == 0 else at: word for at, word in ends}
    if isinstance(task, Likert):
        return dict(sorted(task.anchors.items()))
    words = task.options if isinstance(task, ForcedChoice) else task.labels
    return dict(enumerate(words, start=1))


def _plain(columns: Iterable[Column]) -> dict[str, Described]:
    """What the formats say; but participants may have other codes than in the study."""
    known = {
        c.name: Described(c.name, c.kind, c.meaning, {word: word for word in c.words}, c.unit)
        for c in columns
    }
    if "participant" in known:
        known["participant"] = replace(known["participant"], meaning=CODE)
    return known


def _factors(protocol: Protocol) -> dict[str, Described]:
    """The factors; levels that are numbers stand in the sentence."""
    known = {}
    for name, levels in protocol.stimuli.factors.items():
        meaning = FACTORS[name].meaning if name in FACTORS else "factor of the design"
        if all(isinstance(level, str) for level in levels):
            known[name] = Described(name, "word", meaning, {str(n): str(n) for n in levels})
        else:
            known[name] = Described(
                name, "number", f"{meaning}; levels: {', '.join(map(str, levels))}"
            )
    return known


def _reasons(protocol: Protocol, known: Mapping[str, Described]) -> dict[str, Described]:
    """The column `exclusion_reason` with a meaning for each rule of the protocol."""
    levels = {rule.id: rule.reason or _in_words(rule) for rule in protocol.exclusions}
    levels |= {WITHDRAWN: "withdrew", NOT_COMPLETED: "did not finish"}
    return {"exclusion_reason": replace(known["exclusion_reason"], levels=levels)}


def _in_words(rule: Exclusion) -> str:
    """A rule that gives no reason: its kind and its settings, as in the protocol."""
    settings = rule.model_dump(mode="json", exclude={"id", "rule", "reason"})
    given = [f"{name}: {value}" for name, value in settings.items() if value not in (None, [], {})]
    return f"{rule.rule} ({', '.join(given)})" if given else rule.rule
