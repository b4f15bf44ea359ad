"""Works that are committed together: told after the commit, undone alone, none lost for another."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import threading

import pytest
import sqlalchemy as sa

from experiments.database import database_of
from experiments.errors import Refused
from experiments.store import ABOUT, Store, note_about
from experiments.writer import Writer
from protocols.study import Study


@pytest.fixture
def store(tmp_path, database):
    opened = Store(database_of(Study(tmp_path / "study"), "web", database))
    yield opened
    opened.close()


def facts(store):
    with store.read() as db:
        return {row.key: row.value for row in db.execute(sa.select(ABOUT))}


def note(store, key, then=None):
    with store.write() as db:
        note_about(db, key, "noted")
        if then is not None:
            raise then
    return key


async def all_of(store, *works):
    return await asyncio.gather(
        *(store.writer.write(*work) for work in works), return_exceptions=True
    )


def test_whoever_is_refused_leaves_nothing_and_the_others_are_stored(store):
    refused = Refused(409, "full")
    works = [(note, store, f"k{n}", refused if n % 3 == 0 else None) for n in range(12)]
    told = asyncio.run(all_of(store, *works))
    assert told == [refused if n % 3 == 0 else f"k{n}" for n in range(12)]
    assert set(facts(store)) == {f"k{n}" for n in range(12) if n % 3}


def test_a_fault_in_one_work_is_told_to_it_alone(store):
    works = [(note, store, "a"), (note, store, "b", ZeroDivisionError()), (note, store, "c")]
    told = asyncio.run(all_of(store, *works))
    assert (told[0], told[2]) == ("a", "c")
    assert isinstance(told[1], ZeroDivisionError)
    assert set(facts(store)) == {"a", "c"}


def test_a_failing_statement_spoils_no_other_work(store):
    def break_a_rule():
        with store.write() as db:
            note_about(db, "broken", "x")
            db.execute(sa.insert(ABOUT).values(key="broken", value="again"))  # unique

    told = asyncio.run(all_of(store, (note, store, "a"), (break_a_rule,), (note, store, "b")))
    assert (told[0], told[2]) == ("a", "b")
    assert isinstance(told[1], sa.exc.IntegrityError)
    assert "again" not in str(told[1])  # what is stored appears in no log
    assert set(facts(store)) == {"a", "b"}


def test_nobody_is_told_before_the_commit(store):
    """At the moment when somebody hears that it is stored, everybody else can see it."""

    async def look():
        for n in range(20):
            told = [store.writer.write(note, store, f"{n}-{k}") for k in range(3)]
            for one in asyncio.as_completed(told):
                assert await one in facts(store)

    asyncio.run(look())


def test_other_threads_get_their_turn_while_many_answers_come_in(store):
    async def busy(stop):
        for n in itertools.count():
            if stop.is_set():
                return
            await all_of(store, *((note, store, f"{n % 5}-{k}") for k in range(20)))

    stop = threading.Event()
    answers = threading.Thread(target=lambda: asyncio.run(busy(stop)))
    answers.start()
    try:
        for n in range(30):  # each would wait up to half a minute, and then fail
            note(store, f"other-{n}")
    finally:
        stop.set()
        answers.join()
    assert {f"other-{n}" for n in range(30)} <= set(facts(store))


def test_closing_stores_what_is_waiting(store):
    before = set(threading.enumerate())  # with those of other tests' stores

    async def ask_and_close():
        asked = [asyncio.ensure_future(store.writer.write(note, store, f"k{n}")) for n in range(9)]
        await asyncio.sleep(0)  # each has handed in its work
        await asyncio.to_thread(store.writer.close)
        return await asyncio.gather(*asked)

    assert len(asyncio.run(ask_and_close())) == 9
    assert len(facts(store)) == 9
    own = set(threading.enumerate()) - before
    assert not [t for t in own if t.name == "writer" and t.is_alive()]


def test_many_who_wait_share_one_commit(tmp_path):
    store = Store(database_of(Study(tmp_path / "study"), "web"))
    held = sqlite3.connect(store.file, isolation_level=None)
    held.execute("BEGIN IMMEDIATE")  # somebody else writes: everybody must wait
    commits = []
    sa.event.listen(store.engine, "commit", lambda _: commits.append(1))

    async def fifty():
        told = asyncio.ensure_future(all_of(store, *((note, store, f"k{n}") for n in range(50))))
        await asyncio.sleep(0.2)
        held.execute("COMMIT")
        return await told

    assert asyncio.run(fifty()) == [f"k{n}" for n in range(50)]
    assert len(commits) <= 2
    held.close()
    store.close()


def test_a_commit_waits_for_as_many_as_came_last_time_and_nobody_alone_waits(monkeypatch):
    groups, busy, go_on = [], threading.Event(), threading.Event()

    def together(works):
        groups.append(len(works))
        busy.set()
        assert go_on.wait(60)
        return [work() for work in works]

    async def come_and_go(writer):
        def ask(count):
            return [asyncio.ensure_future(writer.write(int)) for _ in range(count)]

        monkeypatch.setattr("experiments.writer.PATIENCE_S", 60)
        asked = ask(1)
        await asyncio.to_thread(busy.wait)
        asked += ask(3)  # they come while the first is being stored
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(*asked)
        one = ask(1)
        assert not (await asyncio.wait(one, timeout=0.1))[0]  # it waits for two more
        await asyncio.gather(*one, *ask(2))
        monkeypatch.setattr("experiments.writer.PATIENCE_S", 0.01)
        await asyncio.gather(*ask(1))  # not for ever
        monkeypatch.setattr("experiments.writer.PATIENCE_S", 60)
        await asyncio.wait_for(asyncio.gather(*ask(1)), 30)  # was alone last time, waits for nobody

    writer = Writer(together)
    try:
        asyncio.run(come_and_go(writer))
    finally:
        go_on.set()
        writer.close()
    assert groups == [1, 3, 3, 1, 1]
