"""Sessions are kept: back-ups while the server runs, ids purged after payment, no password told."""

from __future__ import annotations

import sqlite3
import threading

import httpx
import pytest
from typer.testing import CliRunner

from experiments.address import Address
from experiments.backup import back_up
from experiments.database import database_of, sources_of
from experiments.errors import StudyError
from experiments.export import export
from experiments.purge import purge
from experiments.simulate import simulate
from experiments.slots import LEASE_S
from experiments.store import METADATA, SESSIONS, Store, make_tables, rows_of
from mien import app
from protocols.ratings import read_participants
from tests.postgresql import PASSWORD
from tests.serving import Serving, ServingHere
from tests.small_study import TINY, make_study
from tests.test_server import Browser, Clock, built, opened  # noqa: F401 -- a fixture


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def study(tmp_path):
    return built(make_study(tmp_path / "study"))


def test_a_backup_while_people_answer_holds_all_that_was_confirmed_before(study, tmp_path):
    serving = ServingHere(study)
    confirmed: list[tuple[int, str]] = []
    stop = threading.Event()

    def play():
        with httpx.Client(base_url=serving.url, timeout=60) as client:
            while not stop.is_set():
                begin = client.post("/api/start", json={"agree": True}).json()
                for trial in begin.get("trials", []):
                    for question in trial["questions"]:
                        one = {"trial": trial["trial"], "question": question, "choice": 2}
                        sent = {"token": begin["token"], "answers": [one]}
                        client.post("/api/answers", json=sent).raise_for_status()
                        confirmed.append((trial["trial"], question))

    people = [threading.Thread(target=play, daemon=True) for _ in range(3)]
    for one in people:
        one.start()
    counts = []
    for number in range(3):
        while len(confirmed) < 20 * (number + 1):
            assert any(one.is_alive() for one in people), "nobody answers any more"
            stop.wait(0.01)
        before = len(confirmed)
        copy = tmp_path / f"copy{number}.sqlite"
        assert back_up(study, copy).endswith("checked and whole")
        counts.append((before, copy))
    stop.set()
    for one in people:
        one.join()
    serving.stop()
    for before, copy in counts:
        with sqlite3.connect(copy) as db:
            assert db.execute("SELECT count(*) FROM answers").fetchone()[0] >= before
            assert db.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
    restored = built(make_study(tmp_path / "restored"))
    restored.data.mkdir()
    counts[-1][1].rename(restored.data / "web.sqlite")
    export(restored)
    assert len(read_participants(restored.participants_file)) >= 3


def test_a_backup_overwrites_nothing_and_refuses_a_damaged_store(study, tmp_path):
    with pytest.raises(StudyError, match="no sessions yet"):
        back_up(study, tmp_path / "copy")
    Browser(study, Clock()).close()
    there = tmp_path / "there"
    there.write_text("my thesis")
    with pytest.raises(StudyError, match="is there already"):
        back_up(study, there)
    assert there.read_text() == "my thesis"
    assert "0 participants" in back_up(study, tmp_path / "new" / "folder" / "copy")
    assert (tmp_path / "new" / "folder" / "copy").is_file()
    with pytest.raises(StudyError, match="there: cannot be made"):
        back_up(study, there / "copy")
    file = study.data / "web.sqlite"
    content = bytearray(file.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    file.write_bytes(content)
    with pytest.raises(StudyError, match=r"web\.sqlite: .*(damaged|cannot be copied)"):
        back_up(study, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    assert not list(tmp_path.glob(".copy*"))


def test_purged_ids_are_gone_from_every_byte_and_their_owners_still_known(
    study, tmp_path, opened, clock, database  # noqa: F811
):  # fmt: skip
    browser = opened(study)
    token = browser.start("PID-of-one").json()["token"]
    browser.finish(token)
    browser.start("PID-who-left")
    with pytest.raises(StudyError, match="1 taking part at this moment"):
        purge(study, now=clock.now)
    browser.close()
    done = purge(study, now=clock.now + LEASE_S + 1)
    assert str(done) == "2 platform ids, 2 tokens"
    assert b"PID-" not in everything(study, database)
    again = opened(study)
    assert again.post("resume", {"token": token}).json()["reason"] == "unknown-token"
    back = again.start("PID-of-one").json()
    assert back["status"] == "completed"
    assert again.slot(back["token"]) == 1
    with again.desk.store.read() as db:
        assert len(rows_of(db, SESSIONS)) == 2
    text = TINY.replace("{per_list: 3}", "{per_list: 3, block: [study]}")
    other = opened(make_study(tmp_path / "other", text, pictures=False), "simulation")
    assert other.start("PID-of-one").json()["reason"] == "took-part-elsewhere"
    assert other.start("PID-of-two").status_code == 200
    assert str(purge(study, forget=True, now=clock.now + 1e6)).endswith("and 2 hashes of ids")
    assert other.start("PID-who-left").status_code == 200


def everything(study, database):
    """All bytes of the study's data; of PostgreSQL, all rows."""
    content = b"".join(file.read_bytes() for file in study.data.iterdir())
    if database is not None:
        store = Store(database_of(study, "web"))
        with store.read() as db:
            rows = [str(row) for table in METADATA.tables.values() for row in rows_of(db, table)]
        store.close()
        content += "\n".join(rows).encode()
    return content


def test_the_verbs_say_what_they_did_and_a_purge_asks_first(study, tmp_path, clock):
    browser = Browser(study)
    browser.finish(browser.start("PID1").json()["token"])
    browser.close()
    run = CliRunner().invoke
    copied = run(app, ["study", "backup", str(study.folder), "-o", str(tmp_path / "copy")])
    assert "1 participants, 31 answers; checked and whole" in copied.output
    refused = run(app, ["study", "purge", str(study.folder)], input="n\n")
    assert refused.exit_code == 1
    assert refused.output.endswith("nothing was done\n")
    assert "Delete 1 platform ids, 1 tokens of" in refused.output
    assert b"PID1" in everything(study, None)
    done = run(app, ["study", "purge", str(study.folder), "--yes"])
    assert "deleted: 1 platform ids, 1 tokens" in done.output
    assert b"PID1" not in everything(study, None)


def test_the_study_remembers_its_database_without_the_password(
    study, cluster, monkeypatch, tmp_path
):
    monkeypatch.setenv("MIEN_DATABASE", cluster.url)
    try:
        with Serving(study.folder) as serving, httpx.Client(base_url=serving.url) as client:
            client.post("/api/start", json={"agree": True, "external": "PID1"}).raise_for_status()
            serving.stop()
        assert sources_of(study) == ["web"]
        assert len(read_participants(study.participants_file)) == 1
        status = CliRunner().invoke(app, ["study", "status", str(study.folder)])
        assert status.exit_code == 0
        assert PASSWORD not in status.output
        told = b"".join(file.read_bytes() for file in study.data.iterdir())
        assert PASSWORD.encode() not in told + serving.log.read_bytes()
        assert b'"schema": "mien_study_web"' in told
        with pytest.raises(StudyError, match=r"pg_dump .*--schema=mien_study_web") as refused:
            back_up(study, tmp_path / "copy")
        assert PASSWORD not in str(refused.value)
        with pytest.raises(StudyError, match="names another database than postgresql://a@b/c"):
            database_of(study, "web", "postgresql://a:secret@b/c")
        (study.data / "web.postgresql.json").rename(tmp_path / "note")
        with pytest.raises(StudyError, match="holds sessions already") as refused:
            database_of(study, "web", cluster.url)
        assert PASSWORD not in str(refused.value)
        (tmp_path / "note").rename(study.data / "web.postgresql.json")
        monkeypatch.setenv("MIEN_DATABASE", cluster.url.replace(PASSWORD, "wrong-one"))
        with pytest.raises(StudyError, match="password authentication failed") as refused:
            export(study)
        assert "wrong-one" not in str(refused.value)
    finally:
        cluster.empty()


@pytest.mark.parametrize(
    "address", ["mysql://me:secret@host/db", "postgresql://me:secret@host", "secret", "://secret@"]
)
def test_an_address_that_is_none_is_refused_without_repeating_its_password(study, address):
    with pytest.raises(StudyError, match="write postgresql://user@host/database") as refused:
        database_of(study, "web", address)
    assert "secret" not in str(refused.value)
    assert not study.data.exists()


def test_a_password_in_an_address_is_never_written_out():
    address = Address.read("postgres://me:secret@host:5433/db?password=secret&sslmode=require")
    assert str(address) == "postgresql://me@host:5433/db?sslmode=require"
    assert address.same(Address.read("postgresql://you@host:5433/db"))
    assert not address.same(Address.read("postgresql://me@host/db"))


def test_sessions_in_a_file_are_not_left_for_a_database(study, cluster):
    Browser(study, Clock()).close()
    with pytest.raises(StudyError, match=r"web\.sqlite: holds the sessions of this study already"):
        database_of(study, "web", cluster.url)


def test_a_simulation_is_the_same_in_either_database(tmp_path, database, cluster):
    study = make_study(tmp_path / "study", pictures=False)
    outcome = simulate(study, 4, database=database)
    assert outcome.new == 4
    assert simulate(study, 5, database=database).new == 1
    other = make_study(tmp_path / "other", pictures=False)
    simulate(other, 5)
    assert study.ratings_file.read_text() == other.ratings_file.read_text()
    assert study.participants_file.read_text() == other.participants_file.read_text()


def test_a_store_of_an_older_mien_gets_the_columns_that_it_lacks(study):
    Browser(study, Clock()).close()
    with sqlite3.connect(study.data / "web.sqlite") as db:
        db.execute("ALTER TABLE sessions DROP COLUMN reason")
        db.execute("DROP TABLE purged_ids")
    again = Browser(study, Clock())
    assert again.finish(again.start("someone").json()["token"]).status_code == 200
    with again.desk.store.write() as db:
        make_tables(db, METADATA)  # once more: nothing to do
    again.close()
