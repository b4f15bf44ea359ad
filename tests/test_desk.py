"""The desk of a running study against a simple model, whatever people do and in whatever order."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from experiments.answers import Given, asked, asked_at_the_end
from experiments.database import sqlite_file
from experiments.errors import Refused
from experiments.plan import read_plan
from experiments.reception import Reception
from experiments.slots import LEASE_S
from experiments.store import ANSWERS, SESSIONS, Store, rows_of
from tests.small_study import TINY, make_study

SMALL = TINY
for long, short in {
    "identities: 4": "identities: 2", "m: [0, 1]": "m: [1]", "per_list: 3": "per_list: 2",
    "  practice: {trials: 1}\n": "", "  breaks: {every: 4}\n": "", "  repeats: {count: 1}\n": "",
}.items():  # fmt: skip
    SMALL = SMALL.replace(long, short)
PER_LIST = 2


class Person:
    """What must be true of somebody who was let in."""

    def __init__(self, external, token, slot, now):
        self.external, self.tokens, self.slot, self.seen = external, [token], slot, now
        self.status, self.valid, self.over = "active", None, False
        self.answers: dict[tuple[int, str], float | None] = {}

    def holds(self, now):
        if self.status == "completed":
            return self.valid
        return self.status == "active" and self.valid is None and self.seen > now - LEASE_S


@pytest.fixture(scope="module", autouse=True)
def planned(tmp_path_factory):
    study = make_study(tmp_path_factory.mktemp("desk") / "study", SMALL, pictures=False)
    Desk.protocol = study.protocol()
    Desk.plan = read_plan(study, Desk.protocol)


class Desk(RuleBasedStateMachine):
    """People start, answer, fall silent, come back, finish, leave, are excluded; time passes."""

    people = Bundle("people")

    @initialize()
    def open(self):
        self.folder = Path(tempfile.mkdtemp(prefix="desk"))
        self.store = Store(sqlite_file(self.folder / "web.sqlite"))
        self.now, self.all = 1_000_000.0, []
        self.desk = Reception(self.protocol, self.plan, self.store, lambda: self.now)

    def teardown(self):
        self.store.close()
        shutil.rmtree(self.folder)

    def questions(self, person):
        return [(trial.number, question.id) for trial in self.plan.trials[person.slot]
                for question in asked(self.protocol, trial)]  # fmt: skip

    def at_the_end(self):
        said = {"random": {"choice": 1}, "aids": {"boxes": (1,)}, "sure": {"choice": 2},
                "remarks": {"text": "none"}}  # fmt: skip
        return [Given(question=name, **reply) for name, reply in said.items()]

    def holders(self):
        return [person for person in self.all if person.holds(self.now)]

    @rule(target=people)
    def start(self):
        held = [person.slot for person in self.holders()]
        filled = Counter(self.plan.lists[slot] for slot in held)
        free = {self.plan.lists[slot] for slot in set(self.plan.lists) - set(held)}
        fewest = min((filled[number] for number in free), default=PER_LIST)
        external = f"p{len(self.all)}"
        if fewest >= PER_LIST:
            with pytest.raises(Refused) as refused:
                self.desk.admit(external, {})
            assert refused.value.reason == "full"
            return multiple()
        place = self.desk.admit(external, {})
        assert place.slot not in held
        assert filled[self.plan.lists[place.slot]] == fewest
        person = Person(external, place.token, place.slot, self.now)
        self.all.append(person)
        return person

    @rule(person=people, first=st.booleans())
    def come_back(self, person, first):
        """With the platform's id, or by reloading the page."""
        if first:
            place = self.desk.admit(person.external, {})
            person.tokens.append(place.token)
        else:
            place = self.desk.resume(person.tokens[0])
        assert (place.slot, place.status) == (person.slot, person.status)
        assert place.done == set(person.answers)
        self.saw(person)

    @rule(person=people, count=st.integers(1, 4), choice=st.integers(1, 3), data=st.data())
    def answer(self, person, count, choice, data):
        """Some answers, among them perhaps some that were sent before: the first one stays."""
        sent = data.draw(st.lists(st.sampled_from(self.questions(person)), max_size=count))
        told = self.desk.keep(
            person.tokens[-1],
            [Given(trial=trial, question=name, choice=choice) for trial, name in sent],
        )
        if person.status == "active":
            for one in sent:
                person.answers.setdefault(one, choice)
        extra = len(list(asked_at_the_end(self.protocol))) if person.status == "completed" else 0
        assert told == len(person.answers) + extra
        self.saw(person)

    @rule(person=people)
    def heartbeat(self, person):
        self.desk.keep(person.tokens[0], [])
        self.saw(person)

    @rule(person=people)
    def finish_early(self, person):
        gaps = set(self.questions(person)) - set(person.answers)
        if person.status == "active" and gaps:
            with pytest.raises(Refused) as refused:
                self.desk.complete(person.tokens[0])
            assert set(refused.value.details["trials"]) == {trial for trial, _ in gaps}

    @rule(person=people, attentive=st.booleans())
    def finish(self, person, attentive):
        """All that is missing, and the end; who overlooks the check is excluded at once."""
        if person.status == "withdrawn":
            with pytest.raises(Refused):
                self.desk.complete(person.tokens[0])
            return
        if person.status == "active":
            check = self.plan.trials[person.slot][-1].number
            choices = dict.fromkeys(self.questions(person), 1)
            choices[check, "valence"] = 2 if attentive else 1
            given = [Given(trial=trial, question=name, choice=choice)
                     for (trial, name), choice in choices.items()]  # fmt: skip
            self.desk.keep(person.tokens[0], [*given, *self.at_the_end()])
            for one, choice in choices.items():
                person.answers.setdefault(one, choice)
            self.saw(person)
            done = [p for p in self.all if p.status == "completed" and p.valid
                    and self.plan.lists[p.slot] == self.plan.lists[person.slot]]  # fmt: skip
            by_hand = person.valid is False
            person.valid = person.answers[check, "valence"] == 2 and not by_hand
            person.over = person.valid and len(done) >= PER_LIST
            person.status = "completed"
        for _ in range(2):  # twice, as after an answer that never arrived
            assert self.desk.complete(person.tokens[-1])

    @rule(person=people)
    def exclude(self, person):
        """By the researcher's hand, in mid-study or afterwards."""
        if person.status == "withdrawn":
            return
        code = self.desk.resume(person.tokens[0]).participant
        self.saw(person)
        self.desk.decide(code, "watched a film")
        person.valid, person.over = False, False

    @rule(person=consumes(people))
    def withdraw(self, person):
        self.desk.withdraw(person.tokens[0])
        person.status, person.valid, person.over = "withdrawn", False, False

    @rule(minutes=st.sampled_from([1, 20, 44, 46]))
    def wait(self, minutes):
        self.now += 60 * minutes

    @rule()
    def expire(self):
        """Nobody has been seen for longer than a lease."""
        self.now += LEASE_S + 1

    @rule()
    def restart(self):
        """The server is stopped and started again."""
        self.store.close()
        self.store = Store(sqlite_file(self.folder / "web.sqlite"))
        self.desk = Reception(self.protocol, self.plan, self.store, lambda: self.now)
        self.desk.review()

    def saw(self, person):
        if person.status == "active":
            person.seen = self.now

    @invariant()
    def everything_stored_is_what_happened(self):
        with self.store.read() as db:
            sessions, answers = rows_of(db, SESSIONS), rows_of(db, ANSWERS)
        assert [(s.slot, s.status, s.valid, s.over_quota) for s in sessions] == [
            (p.slot, p.status, p.valid, p.over) for p in self.all
        ]
        kept = {(row.session, row.trial, row.question): row.response for row in answers}
        assert kept == {(number, *one): choice for number, person in enumerate(self.all, start=1)
                        for one, choice in person.answers.items()}  # fmt: skip

    @invariant()
    def no_list_has_more_valid_participants_than_wanted(self):
        counted = Counter(self.plan.lists[p.slot] for p in self.all
                          if p.status == "completed" and p.valid and not p.over)  # fmt: skip
        assert all(count <= PER_LIST for count in counted.values())


Desk.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestDesk = Desk.TestCase
