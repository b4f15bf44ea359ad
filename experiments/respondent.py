"""One simulated participant, of one of the kinds that `protocols.simulation` names.

An attentive one answers by the model stated there, follows attention checks and, when a stimulus
comes again, remembers the first answer with probability REMEMBERS (else answers afresh). A careless
one answers at random and fails one of the protocol's exclusion rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.answers import Given, Question, check_of
from experiments.crowd import (
    TICKS,
    Identities,
    cell_mean,
    choice_shares,
    draw_effects,
    draw_following,
    settings_of,
    tick_shares,
)
from experiments.plan import Trial
from protocols.exclusions import AnswerRule, IncompleteRule, Person, SameAnswerRule, TooFastRule
from protocols.protocol import Protocol
from protocols.scales import place_near, places
from protocols.tasks import Checkboxes, ForcedChoice, FreeText

REMEMBERS = 0.9  # probability of the same answer to the same stimulus
AWAY = 1 / 3  # share of the trials in which a distracted participant leaves the page
MEDIAN_AWAY_MS = 15_000.0
SECOND = 0.5  # probability of seeing a second emotion
MEDIAN_RT_MS, SPREAD = 1500.0, 0.4  # log-normal response times
FASTEST_MS = 350.0
GAP_MS = 400.0  # between an answer and the next onset

Said = dict[str, Any]  # the fields choice, boxes or text of an answer


class Respondent:
    """Participant number `number` (from 1) of a simulation."""

    def __init__(self, protocol: Protocol, identities: Identities, seed: int, number: int) -> None:
        """Draw who this is."""
        self.protocol, self.identities = protocol, identities
        self.rng = np.random.default_rng([seed, 2, number])
        self.manner = protocol.simulation.manner(self.rng.random())
        self.course = protocol.simulation.course(self.rng.random())
        self.careless = self.manner == "careless"
        rules = protocol.exclusions
        self.fault = rules[self.rng.integers(len(rules))] if self.careless and rules else None
        self.effects = {
            task.id: draw_effects(protocol, settings.participant_sd,
                                  settings.participant_slope_sd, self.rng)
            for task in protocol.questions.values()
            for settings in [settings_of(protocol, task.id)]
        }  # fmt: skip
        apart = np.random.default_rng([seed, 4, number])
        self.following = {
            task.id: draw_following(settings, settings.participant_follow_sd, apart)
            for task in protocol.tasks
            for settings in [settings_of(protocol, task.id)]
        }
        self.first: dict[tuple[int, str], Said] = {}  # (trial, question) -> what was said
        self.always: dict[str, Said] = {}
        self.away = False  # in the present trial
        self.elapsed_ms = 0.0

    def trials(self, planned: tuple[Trial, ...]) -> tuple[Trial, ...]:
        """Those of the planned trials that this participant stays for."""
        if isinstance(self.fault, IncompleteRule):
            share = self.rng.random() * self.fault.at_least
        elif self.course == "drop_out":
            share = 0.5
        else:
            return planned
        return planned[: min(int(share * len(planned)), len(planned) - 1)]

    def answer(self, trial: Trial, questions: list[Question]) -> list[Given]:
        """Answers to one trial."""
        onset, rt = self.elapsed_ms, 0.0
        self.away = self.manner == "distracted" and self.rng.random() < AWAY
        hidden = MEDIAN_AWAY_MS * float(np.exp(self.rng.standard_normal())) if self.away else 0.0
        rt += hidden
        given = []
        for question in questions:
            rt += self._response_time()
            said = self._say(trial, question)
            self.first[trial.number, question.id] = said
            given.append(Given(trial=trial.number, question=question.id, rt_ms=round(rt, 1),
                               onset_ms=round(onset, 1), hidden_ms=round(hidden, 1),
                               **said))  # fmt: skip
        self.elapsed_ms += rt + GAP_MS
        return given

    def questionnaire(self, questions: list[Question]) -> list[Given]:
        """Answers at the end: none that excludes, unless that is this participant's fault."""
        return [Given(question=q.id, rt_ms=None, **self._tell(q)) for q in questions]

    def _say(self, trial: Trial, question: Question) -> Said:
        check = check_of(self.protocol, trial)
        if check is not None:
            if question.id != check.task:  # the other axis of a grid
                return self._at_random(question)
            missed = self.manner == "inattentive" or self._fails("attention")
            return {"choice": check.answer % places(question.task) + 1 if missed else check.answer}
        before = self.first.get((trial.repeat_of or 0, question.id))
        if before is not None and (self.manner == "inconsistent" or self._fails("repeats")):
            return _opposite(question, before)
        if self.manner == "straight_lining":
            if question.id not in self.always:
                self.always[question.id] = self._by_the_model(trial, question)
            return self.always[question.id]
        if self.careless or self.away:
            said = self._at_random(question)
            if isinstance(self.fault, SameAnswerRule) and self.fault.task == question.task.id:
                return self.always.setdefault(question.id, said)
            return said
        if before is not None and self.rng.random() < REMEMBERS:
            return before if not question.second else self._second(trial, question)
        return self._by_the_model(trial, question)

    def _fails(self, rule: str) -> bool:
        """Whether it is this participant's fault to break a rule of this kind."""
        return self.fault is not None and self.fault.rule == rule

    def _by_the_model(self, trial: Trial, question: Question) -> Said:
        task = question.task
        settings = settings_of(self.protocol, task.id)
        if isinstance(task, FreeText):
            return self._at_random(question)
        if isinstance(task, Checkboxes):
            return {"boxes": self._ticked(task, tick_shares(task, settings, trial.levels))}
        if question.second:
            return self._second(trial, question)
        if isinstance(task, ForcedChoice):
            return {"choice": self._chosen(trial, task)}
        latent = cell_mean(settings, task, trial.levels)
        latent += self.effects[task.id].at(trial.levels)
        if trial.identity is not None:
            latent += self.identities.effects(trial.identity, task.id).at(trial.levels)
        latent += settings.residual_sd * self.rng.standard_normal()
        return {"choice": place_near(task, latent)}

    def _chosen(self, trial: Trial, task: ForcedChoice) -> int:
        """An option by the model, from 1."""
        own = self.following.get(task.id, {})
        theirs = (
            {} if trial.identity is None else self.identities.following(trial.identity, task.id)
        )
        both = {name: own.get(name, 0.0) + theirs.get(name, 0.0) for name in own | theirs}
        shares = choice_shares(task, settings_of(self.protocol, task.id), trial.levels, both)
        return int(self.rng.choice(len(shares), p=shares)) + 1

    def _second(self, trial: Trial, question: Question) -> Said:
        """None with probability 1 - SECOND, else another draw by the model, if it differs."""
        task = question.task
        assert isinstance(task, ForcedChoice)
        before = self.first.get((trial.repeat_of or 0, question.id))
        first = self.first[trial.number, task.id]["choice"]
        if before is not None and before["choice"] != first:
            return before
        drawn = self._chosen(trial, task)
        return {"choice": drawn if self.rng.random() < SECOND and drawn != first else 0}

    def _tell(self, question: Question) -> Said:
        rules = [rule for rule in self.protocol.exclusions
                 if isinstance(rule, AnswerRule) and rule.question == question.id]  # fmt: skip
        told = [self._at_random(question) for _ in range(200)]
        if self.fault in rules:
            return next((said for said in told if _hit(self.fault, question, said)), told[0])  # type: ignore[arg-type]
        return next(
            (said for said in told if not any(_hit(rule, question, said) for rule in rules)),
            told[0],
        )

    def _at_random(self, question: Question) -> Said:
        task = question.task
        if isinstance(task, FreeText):
            return {"text": "simulated"[: task.max_length]}
        if isinstance(task, Checkboxes):
            return {"boxes": self._ticked(task, dict.fromkeys(task.options, TICKS))}
        first = 0 if question.second else 1
        return {"choice": int(self.rng.integers(first, places(task) + 1))}

    def _ticked(self, task: Checkboxes, shares: Mapping[str, float]) -> tuple[int, ...]:
        """Places of the boxes; with none, the exclusive one, else the first."""
        alone = None if task.exclusive is None else task.options.index(task.exclusive) + 1
        others = [box for box in range(1, len(task.options) + 1) if box != alone]
        ticked = tuple(box for box in others if self.rng.random() < shares[task.options[box - 1]])
        return ticked or ((alone,) if alone else tuple(others[:1]))

    def _response_time(self) -> float:
        if isinstance(self.fault, TooFastRule):
            return self.fault.below_ms * self.rng.uniform(0.2, 0.4)
        return max(MEDIAN_RT_MS * float(np.exp(SPREAD * self.rng.standard_normal())), FASTEST_MS)


def _hit(rule: AnswerRule, question: Question, said: Said) -> bool:
    reply = question.reply(Given(question=question.id, **said))
    return rule.fails(Person([], {question.id: (reply.response, reply.label)}))


def _opposite(question: Question, before: Said) -> Said:
    """An answer as far from `before` as the question allows."""
    task = question.task
    if isinstance(task, FreeText):
        return {"text": before["text"] + "!"}
    if isinstance(task, Checkboxes):
        alone = task.exclusive and task.options.index(task.exclusive) + 1
        left = set(range(1, len(task.options) + 1)) - set(before["boxes"]) - {alone}
        return {"boxes": tuple(sorted(left)) or before["boxes"][:1]}
    count = places(task)
    return {"choice": 1 if before["choice"] > count / 2 else count}
