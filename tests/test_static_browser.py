"""A study without a server, really played in Chromium: saved by DataPipe, and run by JATOS.

Both are played by small servers of the tests that follow what DataPipe and JATOS publish
(`tests/static_host.py`).
"""

from __future__ import annotations

import io
import time

import pytest
from PIL import Image, ImageChops

from experiments.answers import asked
from experiments.export import export
from experiments.media import read_media
from experiments.plan import read_plan
from experiments.static.build import build_jatos, build_site
from experiments.static.sessions import bring_sessions
from protocols.ratings import read_participants, read_ratings
from tests.chromium import CHROMIUM, DRIVER, chromium
from tests.small_study import TINY, make_study
from tests.static_host import Host, Jatos, Recorder

pytest.importorskip("selenium")
from tests.visitor import Visitor  # noqa: E402

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium and chromedriver on PATH"),
]
SHORT = TINY.replace("identities: 4", "identities: 2").replace("every: 4", "every: 2")
SEEN = """return performance.getEntriesByType("resource").map((entry) => entry.name)"""
KEPT = """
const done = arguments[arguments.length - 1];
const request = indexedDB.open("mien");
request.onsuccess = () => {
  const store = request.result.transaction("shelves").objectStore("shelves");
  const keys = store.getAllKeys();
  keys.onsuccess = () => done(keys.result.filter(([shelf]) => shelf.startsWith("mien-session"))
    .map(([, key]) => key));
};
"""


def places(study, slot=1):
    """(trial, question) in the order in which they are asked, with the trial."""
    protocol = study.protocol()
    trials = read_plan(study, protocol).trials[slot]
    return [(trial, question.id) for trial in trials for question in asked(protocol, trial)]


def answer(visitor, trial, question, number):
    """Answer one question, each time otherwise; returns the response that it makes."""
    visitor.go_to_trial()
    if trial.kind == "attention":
        visitor.answer(key="2")
        return 2
    if question.endswith("-second"):
        visitor.answer(place=2)
        return None
    choice = number % (9 if question == "valence" else 3) + 1
    visitor.answer(key=str(choice))
    return choice


def fill(visitor):
    for question in ("random", "aids", "sure"):
        visitor.click(f'main input[name="{question}"]')


def to_the_last_question(visitor):
    """From the last trial on: questionnaire and what comes before it."""
    while not visitor.all("main fieldset"):
        visitor.page()
        if not visitor.all("main fieldset"):
            visitor.click("main [data-action=continue]")
    fill(visitor)
    visitor.click("main [data-action=continue]")


def rows_are_what_was_answered(study, participant, slot, given):
    table = read_ratings(study.ratings_file)
    mine = table[table.participant == participant]
    shown = mine[["trial", "question", "stimulus_id", "kind"]].itertuples(index=False)
    planned = [(t.number, q, t.stimulus, t.kind) for t, q in places(study, slot)]
    assert [tuple(row) for row in shown] == planned
    assert mine.response.astype(object).where(mine.response.notna(), None).tolist() == given
    assert mine.rt_ms.between(1, 120_000).all()
    assert mine.onset_ms.is_monotonic_increasing
    assert (mine.slot == slot).all()


def test_a_site_saves_by_datapipe_whatever_happens_on_the_way(tmp_path):
    study = make_study(tmp_path / "study", SHORT)
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    with Recorder() as pipe, chromium() as browser:
        build_site(study, "AbCd1234", pipe.address)
        with Host(study.folder / "static" / "site") as host:
            browser.execute_cdp_cmd(
                "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)}
            )
            visitor = Visitor(browser, f"{host.url}/?list=2")
            visitor.consent()
            order, given, half = places(study), [], 8
            pictures = []
            for number, (trial, question) in enumerate(order[:half]):
                visitor.go_to_trial()
                if question == "valence":
                    pictures.append(visitor.all(".stimulus img")[0].screenshot_as_png)
                given.append(answer(visitor, trial, question, number))

            browser.get(f"{host.url}/?list=2")  # the page is loaded again, in the middle of a trial
            assert visitor.page() == "Welcome back"
            visitor.click("main [data-action=continue]")
            pipe.broken = True
            for number, (trial, question) in enumerate(order[half:], start=half):
                given.append(answer(visitor, trial, question, number))
            to_the_last_question(visitor)
            visitor.wait(lambda: "Saving your answers" in visitor.text(), "the page that saves")
            visitor.wait(lambda: "cannot be reached" in visitor.text(), "a word of the trouble")
            visitor.click("main [data-action=download]")
            visitor.wait(lambda: list(downloads.glob("*.json")), "the participant's own file")
            assert pipe.files == {}
            assert "sent at the end" in browser.find_element("id", "saving").text
            pipe.broken = False
            visitor.wait(lambda: "Saving your answers" not in visitor.text(), "the end of saving")
            visitor.finish(lambda _: pytest.fail("a trial after the end"), fill)
            assert visitor.pages[-1] == "All done, thank you"
            assert pipe.tries >= 2
            left = browser.execute_async_script(KEPT)
            assert not [key for key in left if key.startswith("answer")]  # nothing stays behind
            seen = [name for name in browser.execute_script(SEEN) if not name.startswith("blob:")]
            assert {name.split("/")[2] for name in seen} <= {
                host.url.removeprefix("http://"), pipe.url.removeprefix("http://"),
            }  # fmt: skip
            log = [
                line["message"]
                for line in browser.get_log("browser")
                if "503" not in line["message"]
            ]
            assert log == []

    (sent,) = pipe.files.values()
    assert sent["experimentID"] == "AbCd1234"
    saved = tmp_path / sent["filename"]
    saved.write_text(sent["data"])
    list(bring_sessions(study, [saved]))
    export(study)
    person = read_participants(study.participants_file).iloc[0]
    assert (person.status, person.valid, person["random"]) == ("completed", True, "no")
    assert person.list == 2
    rows_are_what_was_answered(study, person.participant, person.slot, given)
    media, _ = read_media(study)
    wanted = [
        media[t.stimulus].source for t, q in places(study, person.slot)[:half] if q == "valence"
    ]
    for picture, file in zip(pictures, wanted, strict=True):
        shown, planned = (Image.open(f).convert("RGB") for f in (io.BytesIO(picture), file))
        assert ImageChops.difference(shown, planned).getbbox() is None

    (own,) = downloads.glob("*.json")  # what was downloaded says the same
    twin = make_study(tmp_path / "twin", SHORT, pictures=False)
    list(bring_sessions(twin, [own]))
    export(twin)
    assert read_ratings(twin.ratings_file).equals(read_ratings(study.ratings_file))


def test_jatos_gives_the_places_in_turn_and_keeps_every_answer_as_it_comes(tmp_path):
    study = make_study(tmp_path / "study", SHORT)
    with Jatos(build_jatos(study), tmp_path / "jatos") as jatos:
        jatos.meddle = 1  # somebody else draws the first place at the same moment
        given = []
        with chromium() as browser:
            visitor = Visitor(browser, f"{jatos.url}/index.html")
            visitor.consent()
            order = places(study)
            for number, (trial, question) in enumerate(order[:5]):
                given.append(answer(visitor, trial, question, number))
            visitor.wait(lambda: jatos.results.count('"record":"answer"') == 5, "five answers")
            browser.refresh()
            assert visitor.page() == "Welcome back"
            visitor.click("main [data-action=continue]")
            for number, (trial, question) in enumerate(order[5:], start=5):
                given.append(answer(visitor, trial, question, number))
            visitor.finish(lambda _: pytest.fail("a trial after the last"), fill)
            assert visitor.pages[-1] == "All done, thank you"
            assert [
                line for line in browser.get_log("browser") if "409" not in line["message"]
            ] == []
        with chromium() as browser:  # the next one begins, and stops
            visitor = Visitor(browser, f"{jatos.url}/index.html")
            visitor.consent()
            answer(visitor, *order[0], 0)
            visitor.wait(lambda: '"record":"answer"' in "".join(jatos.runs[1]), "an answer")
            visitor.click("#stop")
            visitor.click("[data-action=leave]")
            visitor.wait(lambda: "You have stopped" in visitor.text(), "the page for who stopped")
            until = time.monotonic() + 5
            while jatos.ended != ["finished", "aborted"] and time.monotonic() < until:
                time.sleep(0.1)
        assert jatos.ended == ["finished", "aborted"]
        assert jatos.batch == {"mien-next": 3}
        assert jatos.runs[1] == []
        results = tmp_path / "jatos_results.txt"
        results.write_text(jatos.results)
    list(bring_sessions(study, [results]))
    export(study)
    people = read_participants(study.participants_file)
    assert people.status.tolist() == ["completed"]
    assert (people.slot[0], people.list[0]) == (2, 2)  # somebody else was quicker
    rows_are_what_was_answered(study, people.participant[0], 2, given)
