"""Studies without a server: what is written, and how their sessions come back."""

from __future__ import annotations

import json
import re
import zipfile

import httpx
import jsonschema
import pandas as pd
import pytest
from typer.testing import CliRunner

from experiments.admin.brought import Brought, brought
from experiments.answers import asked, asked_at_the_end
from experiments.build import build_web
from experiments.errors import StudyError
from experiments.export import export
from experiments.plan import read_plan
from experiments.static.build import build_jatos, build_site
from experiments.static.sessions import bring_sessions, holds_sessions, kept_sessions
from mien_study import app
from protocols.ratings import read_participants, read_ratings
from tests.placed_study import PLACED
from tests.serving import ServingHere
from tests.small_study import TINY, make_study

TEXT = {"type": "string"}
UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
PERHAPS = {"type": ["string", "null"]}
COMPONENT = {
    "type": "object",
    "required": ["uuid", "title", "htmlFilePath", "active"],
    "properties": {"uuid": TEXT, "title": TEXT, "htmlFilePath": TEXT, "comments": PERHAPS,
                   "reloadable": {"type": "boolean"}, "active": {"type": "boolean"}},
}  # fmt: skip
STUDY_FILE = {  # after www.jatos.org/JATOS-Study-Archive-JZIP.html
    "type": "object",
    "required": ["version", "data"],
    "properties": {
        "version": {"const": "3"},
        "data": {
            "type": "object",
            "required": ["uuid", "title", "dirName", "componentList"],
            "properties": {
                "uuid": {"type": "string", "pattern": UUID},
                "title": TEXT, "description": TEXT, "dirName": TEXT, "comments": PERHAPS,
                "groupStudy": {"type": "boolean"}, "linearStudy": {"type": "boolean"},
                "allowPreview": {"type": "boolean"}, "jsonData": PERHAPS,
                "endRedirectUrl": PERHAPS, "studyEntryMsg": PERHAPS,
                "componentList": {"type": "array", "minItems": 1, "items": COMPONENT},
                "batchList": {"type": "array", "minItems": 1},
            },
        },
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A study with a web study, a site and an archive for JATOS."""
    study = make_study(tmp_path_factory.mktemp("static") / "study")
    build_web(study)
    return study, build_site(study, "AbCd1234"), build_jatos(study)


def slots_of(folder):
    return {int(f.stem): json.loads(f.read_text()) for f in sorted((folder / "slots").iterdir())}


def test_each_place_shows_the_trials_that_the_server_shows(written):
    study, *_ = written
    slots = slots_of(study.folder / "static" / "site")
    assert sorted(slots) == sorted(read_plan(study, study.protocol()).lists)
    serving = ServingHere(study)
    for slot in sorted(slots)[:4]:  # the server gives them away in this order
        told = httpx.post(f"{serving.url}/api/start", json={"agree": True}).json()
        assert slots[slot]["examples"] == told["examples"]
        assert slots[slot]["trials"] == told["trials"], slot
    serving.stop()


def test_the_site_is_the_web_study_with_another_server_and_tells_nothing_more(written):
    study, archive, _ = written
    site = study.folder / "static" / "site"
    files = {str(f.relative_to(site)): f for f in site.rglob("*") if f.is_file()}
    web = {str(f.relative_to(study.web)): f for f in study.web.rglob("*") if f.is_file()}
    same = set(web) & set(files) - {"index.html", "static/server.js"}
    assert all(web[name].read_bytes() == files[name].read_bytes() for name in same)
    more = {
        "static/sink.js",
        "static/chance.js",
        ".nojekyll",
        *(f"slots/{n:03d}.json" for n in slots_of(site)),
    }
    assert set(files) == (set(web) - {".made-from.json"}) | more
    with zipfile.ZipFile(archive) as packed:
        assert {n: packed.read(n) for n in packed.namelist()} == {
            name: file.read_bytes() for name, file in files.items()
        }
    protocol = study.protocol()
    words = "\n".join(f.read_text() for n, f in files.items() if n.startswith(("slots", "index")))
    for secret in (protocol.title, "actor0", "angry", "happy", "press-two"):
        assert secret not in words, secret


def test_the_page_may_talk_to_datapipe_and_to_nobody_else(written):
    study, *_ = written
    page = (study.folder / "static" / "site" / "index.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1].replace("&#39;", "'")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'self' https://pipe.jspsych.org"
    hosts = {value for rule in rules.values() for value in rule.split()} - {
        "'self'",
        "'none'",
        "blob:",
    }
    assert hosts == {"https://pipe.jspsych.org"}
    assert page.index("Content-Security-Policy") < page.index("<script")


def test_the_archive_for_jatos_is_as_jatos_publishes_it(written):
    study, _, archive = written
    with zipfile.ZipFile(archive) as packed:
        names = packed.namelist()
        (jas,) = [name for name in names if "/" not in name]
        described = json.loads(packed.read(jas))
        jsonschema.validate(described, STUDY_FILE)
        folder = described["data"]["dirName"]
        assert jas.endswith(".jas")
        assert all(name == jas or name.startswith(f"{folder}/") for name in names)
        page = packed.read(f"{folder}/{described['data']['componentList'][0]['htmlFilePath']}")
    assert b'<script src="jatos.js"></script>' in page.split(b"<body>")[0]
    again = build_jatos(study)
    with zipfile.ZipFile(again) as packed:
        assert packed.read(jas) == json.dumps(described, ensure_ascii=False, indent=2).encode()


@pytest.mark.parametrize(
    ("change", "how", "what"),
    [
        (("", ""), {"experiment": "ab cd"}, "--datapipe: found 'ab cd'"),
        (("", ""), {"experiment": "a", "address": "http://x.org/"}, "--address: found"),
        (("{per_list: 3}", "{per_list: 3, platform: link, signed: links}"), {"experiment": "a"},
         "cannot check signed links"),
    ],
)  # fmt: skip
def test_what_cannot_be_saved_or_checked_is_refused(tmp_path, change, how, what):
    study = make_study(tmp_path / "study", TINY.replace(*change) if change[0] else TINY)
    with pytest.raises(StudyError, match=what):
        build_site(study, **how)


def session(study, slot, code, *, until=None, ended="completed", choice=1):
    """The records of one visit, as the player writes them; `until`: trials that are answered."""
    protocol, plan = study.protocol(), read_plan(study, study.protocol())
    start = 1_800_000_000 + slot
    records = [{
        "record": "session", "trial_type": "mien", "format": 1, "plan": plan.digest,
        "session": code * 2, "participant": f"p00{code}", "slot": slot, "pilot": False,
        "started": start, "device": {"width": 1100}, "time": start,
    }]  # fmt: skip
    places = [(t.number, q) for t in plan.trials[slot] for q in asked(protocol, t)]
    places += [(None, q) for q in asked_at_the_end(protocol)]
    for number, (trial, question) in enumerate(places):
        if until is not None and (trial is None or trial > until):
            break
        said = {"checkboxes": {"boxes": [1]}, "free-text": {"text": "=1+1"}}
        said = said.get(question.task.type, {"choice": choice})
        records.append(
            {"record": "answer", "session": code * 2, "trial": trial, "question": question.id,
             **said, "rt_ms": 500, "time": start + number}
        )  # fmt: skip
    if ended:
        records.append({"record": ended, "session": code * 2, "time": start + 1000})
    return records


def compact(record):
    return json.dumps(record, separators=(",", ":"))


def as_file(records):
    return "[\n" + ",\n".join(map(compact, records)) + "\n]\n"


def as_lines(records):
    return "".join(f"{compact(record)}\n" for record in records)


def test_files_of_datapipe_become_the_ratings_of_the_plan_however_often_they_come(tmp_path):
    study = make_study(tmp_path / "study", pictures=False)
    plan = read_plan(study, study.protocol())
    files = tmp_path / "osf"
    files.mkdir()
    for slot, code in ((1, "0a0a0a0a"), (4, "0b0b0b0b")):
        (files / f"p00{code}_{code}.json").write_text(as_file(session(study, slot, code)))
    (files / "other.json").write_text('{"something": "else"}')
    before = {f.name: f.read_bytes() for f in files.iterdir()}
    assert holds_sessions(files)
    said = list(bring_sessions(study, [files]))
    assert said == ["2 new files; the study now holds 2 sessions of its static player, 2 of them "
                    "finished"]  # fmt: skip
    export(study)
    first = study.ratings_file.read_bytes(), study.participants_file.read_bytes()
    assert list(bring_sessions(study, [files]))[0].startswith("0 new files")
    export(study)
    assert (study.ratings_file.read_bytes(), study.participants_file.read_bytes()) == first
    kept = {f.name.split("-", 1)[1]: f.read_bytes() for f in (study.data / "static").iterdir()}
    assert kept.items() <= before.items()
    assert len(kept) == 2

    table, people = read_ratings(study.ratings_file), read_participants(study.participants_file)
    valid = int(people.valid.sum())
    assert brought(study) == {"static": Brought(valid, len(people) - valid, 0, 0)}
    assert set(table.source) == {"web"}
    for slot, code in ((1, "0a0a0a0a"), (4, "0b0b0b0b")):
        mine = table[table.participant == f"p00{code}"]
        planned = [(t.number, t.stimulus, t.kind, q.id)
                   for t in plan.trials[slot] for q in asked(study.protocol(), t)]  # fmt: skip
        shown = mine[["trial", "stimulus_id", "kind", "question"]].itertuples(index=False)
        assert [tuple(row) for row in shown] == planned
        assert (mine.slot == slot).all()
        assert (mine.list == plan.lists[slot]).all()
        assert (mine.rt_ms == 500).all()
    assert people.status.tolist() == ["completed"] * 2
    assert not people.valid.any()  # who always answers 1 fails the attention check
    assert set(people.exclusion_reason) == {"attention"}


def test_runs_that_jatos_joins_are_told_apart_and_put_together(tmp_path):
    study = make_study(tmp_path / "study", pictures=False)
    broken = session(study, 2, "0c0c0c0c", until=3, ended=None)
    whole = session(study, 2, "0c0c0c0c", choice=2)  # loaded again: all of it, answered earlier
    other = session(study, 3, "0d0d0d0d", until=2, ended=None)
    stopped = session(study, 5, "0e0e0e0e", until=1, ended="withdrawn")
    for late in broken[1:]:
        late["time"] += 5000
    results = tmp_path / "results.txt"
    half = compact(other[-1])[:25]
    results.write_text("\n".join([as_lines(broken) + half, as_lines(other), "", as_lines(whole),
                                  as_lines(stopped)]))  # fmt: skip
    list(bring_sessions(study, [results]))
    export(study)
    table = read_ratings(study.ratings_file)
    people = read_participants(study.participants_file).set_index("participant")
    assert people.status.to_dict() == {
        "p000c0c0c0c": "completed", "p000d0d0d0d": "incomplete", "p000e0e0e0e": "withdrawn",
    }  # fmt: skip
    first = table[table.participant == "p000c0c0c0c"]
    assert not first.duplicated(["trial", "question"]).any()
    assert (first.response == 2).all()  # the earlier answer of two
    assert (people.loc["p000e0e0e0e"].slot, set(table.participant)) == (
        5, {"p000c0c0c0c", "p000d0d0d0d"},
    )  # fmt: skip

    archive = tmp_path / "results.zip"  # the same, as JATOS packs it
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("study_result_1/comp_result_1/data.txt", as_lines(broken))
        packed.writestr("study_result_1/comp_result_2/data.txt", as_lines(whole))
        packed.writestr("study_result_2/comp_result_3/data.txt", as_lines(other))
        packed.writestr("study_result_3/comp_result_4/data.txt", as_lines(stopped))
        packed.writestr("metadata.json", "{}")
    twin = make_study(tmp_path / "twin", pictures=False)
    list(bring_sessions(twin, [archive]))
    export(twin)
    pd.testing.assert_frame_equal(read_ratings(twin.ratings_file), table)


def test_sliders_and_grids_come_back_as_their_places_mean(tmp_path):
    study = make_study(tmp_path / "study", PLACED, pictures=False)
    (tmp_path / "one.json").write_text(as_file(session(study, 1, "0a0a0a0a", choice=3)))
    list(bring_sessions(study, [tmp_path / "one.json"]))
    export(study)
    said = read_ratings(study.ratings_file).groupby("question").response.unique().map(list)
    assert said.to_dict() == {"affect-arousal": [3], "affect-valence": [3], "valence": [2]}
    person = read_participants(study.participants_file).iloc[0]
    assert (person.status, float(person.calm_response), person["mood-arousal_response"]) == (
        "completed", -0.5, 3,
    )  # fmt: skip


def test_a_session_that_says_finished_with_answers_missing_is_incomplete(tmp_path):
    study = make_study(tmp_path / "study", pictures=False)
    file = tmp_path / "short.json"
    file.write_text(as_file(session(study, 1, "0a0a0a0a", until=4)))
    list(bring_sessions(study, [file]))
    assert (
        kept_sessions(study, study.protocol(), read_plan(study, study.protocol()))[0].person.status
        == "active"
    )


def change(records, **what):
    return [{**records[0], **what}, *records[1:]]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda good: change(good, plan="0" * 64),
        lambda good: change(good, slot=99),
        lambda good: change(good, slot="1"),
        lambda good: change(good, participant="../../p1"),
        lambda good: change(good, started=float("nan")),
        lambda good: good[1:],
        lambda good: [*good, {**good[1], "trial": [1]}],
        lambda good: [*good, {**good[1], "time": 1e300}],
        lambda good: [*good, {**good[1], "trial": 400, "question": "valence"}],
        lambda good: [good[0], {**good[1], "choice": 10}, *good[2:]],
        lambda good: [good[0], {**good[1], "text": "<script>"}, *good[2:]],
    ],
)
def test_what_strangers_send_to_datapipe_is_left_out_by_name_and_stops_nobody(tmp_path, spoil):
    study = make_study(tmp_path / "study", pictures=False)
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(as_file(session(study, 1, "0a0a0a0a")))
    spoiled = spoil(session(study, 2, "0f0f0f0f"))
    bad.write_text(as_file([{"trial_type": "mien"}, *spoiled]))
    said = list(bring_sessions(study, [bad, good]))
    assert said[0].startswith(f"left out: {bad}")
    assert len(list((study.data / "static").iterdir())) == 1
    export(study)
    assert set(read_ratings(study.ratings_file).participant) == {"p000a0a0a0a"}


def test_the_verbs_write_and_bring(tmp_path):
    study = make_study(tmp_path / "study")
    run = CliRunner()
    done = run.invoke(app, ["static", str(study.folder), "--datapipe", "AbCd1234", "--jatos"])
    assert done.exit_code == 0, done.output
    assert sorted(p.name for p in (study.folder / "static").iterdir()) == [
        "site",
        "tiny.jzip",
        "tiny.zip",
    ]
    files = [tmp_path / "one.json", tmp_path / "two.txt"]
    files[0].write_text(as_file(session(study, 1, "0a0a0a0a")))
    files[1].write_text(as_lines(session(study, 2, "0b0b0b0b")))
    done = run.invoke(app, ["import", str(study.folder), *map(str, files)])
    assert done.exit_code == 0, done.output
    assert len(read_participants(study.participants_file)) == 2
