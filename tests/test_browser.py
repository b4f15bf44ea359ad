"""The whole study in a real Chromium: from consent to the end, with keys, breaks and mishaps."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import time

import pandas as pd
import pytest

from experiments import npm
from experiments.answers import asked
from experiments.build import PAGES, build_web
from experiments.media import read_media
from experiments.plan import read_plan
from protocols.ratings import read_participants, read_ratings
from tests.chromium import CHROMIUM, DRIVER, chromium
from tests.serving import ServingHere, served
from tests.small_study import TINY, add_sound, make_study, resize

pytest.importorskip("selenium")
from tests.visitor import Visitor  # noqa: E402

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium and chromedriver on PATH"),
]
EVERY_TASK = """  - id: real
    type: labelled-rating
    question: How real does this face look?
    labels: [definitely unreal, undecided, definitely real]
  - {id: aspects, type: checkboxes, question: What could be better?, options: [None, Eyes, Mouth],
     exclusive: None}
  - {id: thought, type: free-text, question: What does this person think?, required: false}
  - id: feeling"""
SHORT = TINY.replace("identities: 4", "identities: 2").replace("every: 4", "every: 2")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {runOnly: {type: "tag", values: arguments[0]}}).then((found) =>
  done(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" | ")}`)));
"""
OPEN = """
const page = document.getElementById(`page-${arguments[0]}`).content.cloneNode(true);
page.querySelectorAll("[data-show]").forEach((part) => (part.hidden = false));
document.querySelector("main").replaceChildren(page);
"""


@pytest.fixture
def serve(tmp_path):
    with served(tmp_path, SHORT) as start:
        yield start


def planned(study, slot=1):
    protocol = study.protocol()
    trials = read_plan(study, protocol).trials[slot]
    return {(t.number, q.id) for t in trials for q in asked(protocol, t)}


def held(study):
    """(trial, question) -> response of every answer in the store."""
    with sqlite3.connect(study.data / "web.sqlite") as db:
        rows = db.execute("SELECT trial, question, response FROM answers").fetchall()
    return {(trial, question): response for trial, question, response in rows}


def attentive(visitor):
    """Follows the attention check; otherwise alternates keys and clicks."""
    if "Please press 2" in visitor.text():
        visitor.answer(key="2")
    else:
        visitor.answer(key="3" if len(visitor.pages) % 2 else None)


def fill(visitor):
    for question in ("random", "aids", "sure"):
        visitor.click(f'main input[name="{question}"]')


def fill_carelessly_then_well(visitor):
    visitor.click("main [data-action=continue]")  # too early: says what is missing
    assert "answer every question" in visitor.text()
    fill(visitor)


def no_complaints(browser):
    """The console holds no error and no breach of the content policy."""
    return [line["message"] for line in browser.get_log("browser") if line["level"] != "INFO"] == []


def test_a_visit_from_consent_to_completion_leaves_exactly_the_planned_rows(serve):
    study, serving = serve()
    given = {}
    with chromium() as browser:
        visitor = Visitor(browser, serving.url)
        assert not visitor.all("main [data-action=continue]")  # without the tick no way on
        visitor.consent()
        visitor.go_to_trial()
        for place, key in enumerate(["7", "1", None]):  # the practice trial's three questions
            visitor.answer(key=key, place=2)
            given[1, ["valence", "feeling", "feeling-second"][place]] = {0: 7, 1: 1, 2: None}[place]
        visitor.go_to_trial()
        visitor.answer(place=8)  # a click on 9 of 9
        given[2, "valence"] = 9

        visitor.finish(attentive, fill_carelessly_then_well)
        assert visitor.pages[-1] == "All done, thank you"
        assert no_complaints(browser)
    serving.stop()
    table = read_ratings(study.ratings_file)
    assert set(zip(table.trial, table.question, strict=True)) == planned(study)
    assert len(table) == len(planned(study))
    responses = table.set_index(["trial", "question"]).response
    for place, response in given.items():
        found = responses[place]
        assert found == response if response is not None else pd.isna(found), place
    assert table.rt_ms.between(1, 60_000).all()
    assert (table.groupby("trial").rt_ms.min() > 0).all()
    assert table.groupby("question").onset_ms.apply(lambda t: t.is_monotonic_increasing).all()
    person = read_participants(study.participants_file).iloc[0]
    assert (person.status, person.valid, person["random"], person.aids) == (
        "completed", True, "no", "Eyes",
    )  # fmt: skip


def test_closing_the_tab_half_way_loses_nothing_and_goes_on_at_the_next_question(serve, tmp_path):
    study, serving = serve()
    profile = str(tmp_path / "profile")
    with chromium(profile) as browser:
        visitor = Visitor(browser, serving.url)
        visitor.consent()
        visitor.go_to_trial()
        for _ in range(3):
            visitor.answer(key="1")
        visitor.go_to_trial()
        for _ in range(4):  # one trial and one question of the next
            visitor.answer(key="1")
        visitor.wait(lambda: len(held(study)) == 7, "seven answers")
    before = held(study)
    with chromium(profile) as browser:
        visitor = Visitor(browser, serving.url)
        assert visitor.page() == "Welcome back"
        visitor.click("main [data-action=continue]")
        visitor.go_to_trial()
        assert "Which emotion" in visitor.text()  # the second question of the third trial
        visitor.finish(attentive, fill)
    after = held(study)
    assert before.items() <= after.items()
    assert set(after) == planned(study)
    serving.stop()
    assert len(read_participants(study.participants_file)) == 1


def test_answers_given_without_a_connection_arrive_once_it_is_back(serve):
    study, serving = serve()
    with chromium() as browser:
        visitor = Visitor(browser, serving.url)
        visitor.consent()
        visitor.go_to_trial()
        serving.stop()
        for _ in range(3):
            visitor.answer(key="1")
        visitor.go_to_trial()
        for _ in range(3):
            visitor.answer(key="2")
        saving = browser.find_element("id", "saving")
        visitor.wait(lambda: "No connection: 6 answers" in saving.text, "a word about it")
        assert held(study) == {}
        serving.start()
        visitor.wait(lambda: len(held(study)) == 6, "six answers")
        visitor.finish(attentive, fill)
    assert set(held(study)) == planned(study)


def test_an_answer_still_on_its_way_is_sent_when_the_tab_is_closed(serve):
    study, serving = serve()
    with chromium() as browser:
        visitor = Visitor(browser, serving.url)
        visitor.consent()
        visitor.go_to_trial()
        browser.execute_script("window.fetch = () => new Promise(() => {})")  # never answers
        visitor.answer(key="4")
        time.sleep(0.5)
        assert held(study) == {}
        browser.get("about:blank")
        visitor_left = time.monotonic()
        while not held(study) and time.monotonic() - visitor_left < 10:
            time.sleep(0.1)
    assert held(study) == {(1, "valence"): 4}


def test_stopping_withdraws_and_a_reload_does_not_begin_again(serve):
    study, serving = serve()
    with chromium() as browser:
        visitor = Visitor(browser, serving.url)
        visitor.consent()
        visitor.go_to_trial()
        visitor.answer(key="1")
        visitor.click("#stop")
        visitor.press("5")  # keys do not answer while the dialog asks
        visitor.click("[data-action=leave]")
        visitor.wait(lambda: "You have stopped" in visitor.text(), "the page for who stopped")
        browser.refresh()
        visitor.wait(lambda: "You have stopped" in visitor.text(), "the same page")
    assert len(held(study)) == 1
    serving.stop()
    assert len(read_ratings(study.ratings_file)) == 0


def test_small_windows_are_refused_before_consent_until_they_are_large_enough(serve):
    _, serving = serve()
    with chromium(size=(620, 700)) as browser:
        visitor = Visitor(browser, serving.url)
        visitor.wait(lambda: "Please use a computer" in visitor.text(), "the refusal")
        assert not visitor.all("#agree")
        browser.set_window_size(1100, 900)
        visitor.wait(lambda: visitor.all("#agree"), "consent")


def test_phones_are_refused_before_consent(serve):
    _, serving = serve()
    with chromium() as browser:
        agent = "Mozilla/5.0 (Linux; Android 14) Chrome/130.0 Mobile Safari/537.36"
        browser.execute_cdp_cmd("Network.setUserAgentOverride", {"userAgent": agent})
        visitor = Visitor(browser, serving.url)
        visitor.wait(lambda: "Please use a computer" in visitor.text(), "the refusal")
        assert not visitor.all("#agree")


def test_stimuli_are_shown_each_at_its_own_size_on_the_grey_of_their_ground(serve):
    _, serving = serve(change=lambda study: resize(study, "practice0xangryx0", (96, 160)))
    with chromium() as browser:
        visitor = Visitor(browser, serving.url)
        visitor.consent()
        visitor.go_to_trial()
        image = visitor.all(".stimulus img")[0]
        assert image.size == {"width": 96, "height": 160}
        assert browser.execute_script("return arguments[0].naturalWidth", image) == 96
        ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb(128, 128, 128)"
        place = image.location
        visitor.answer(key="1")
        assert visitor.all(".stimulus img")[0].location == place  # the next question moves nothing
        for key in ("1", "1"):
            visitor.answer(key=key)
        visitor.go_to_trial()
        assert visitor.all(".stimulus img")[0].size == {"width": 128, "height": 128}


def test_every_page_and_task_has_no_accessibility_violation(serve):
    text = SHORT.replace("  - id: feeling", EVERY_TASK)
    text = text.replace("pages:", "pages:\n  familiarisation: {factor: emotion}")
    _, serving = serve(text)
    axe = (npm.installed(dev=True) / "axe-core" / "axe.min.js").read_text()
    found = {}
    with chromium() as browser:

        def look(page):
            browser.execute_script(axe)
            violations = browser.execute_async_script(AXE, WCAG)
            if violations:
                found[page] = violations

        visitor = Visitor(browser, serving.url, look)
        visitor.consent()
        visitor.go_to_trial()
        for question in ("valence", "real", "aspects", "thought", "feeling", "feeling-second"):
            visitor.page()
            look(question)
            visitor.answer(place=1 if question == "aspects" else 0)
        visitor.page()
        visitor.click("#stop")
        look("stop dialog")
        visitor.click("[data-action=stay]")
        visitor.finish(attentive, fill)
        visitor.page()
        for name in PAGES:  # also those that a smooth visit never shows
            browser.execute_script(OPEN, name)
            look(f"template {name}")
    assert len(visitor.pages) >= 8, visitor.pages
    assert found == {}, json.dumps(found, indent=1)


def plays_examples(visitor):
    """Films of half a second: each plays from its start by the button below it, one at a time."""
    browser = visitor.browser
    films, buttons = visitor.all(".example video"), visitor.all(".example button")
    assert len(films) == len(buttons) >= 2
    for film, button in zip(films, buttons, strict=True):
        assert film.get_property("paused")  # nothing plays unasked
        assert film.get_attribute("controls") is None  # they would hide a small face
        box = film.rect
        assert button.rect["y"] >= box["y"] + box["height"]
        assert box["x"] <= button.rect["x"] + button.rect["width"] / 2 <= box["x"] + box["width"]
    browser.execute_script("arguments[0].playbackRate = 0.1", films[0])  # five seconds
    buttons[0].click()
    visitor.wait(lambda: films[0].get_property("currentTime") > 0, "first example that plays")
    buttons[1].click()
    visitor.wait(lambda: films[1].get_property("ended"), "second example that ends")
    assert films[0].get_property("paused")
    buttons[1].click()  # as often as somebody likes
    visitor.wait(lambda: not films[1].get_property("ended"), "second example that begins anew")
    visitor.wait(lambda: films[1].get_property("ended"), "second example that ends again")


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="no ffmpeg on PATH")
def test_films_and_sounds_are_played_to_the_end_before_the_question_comes(tmp_path):
    film, sound = str(tmp_path / "film.mp4"), str(tmp_path / "sound.wav")
    tone = ["-f", "lavfi", "-i", "sine=frequency=440:duration=0.5"]
    picture = ["-f", "lavfi", "-i", "testsrc=size=128x128:rate=25:duration=0.5"]
    coding = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest"]
    for what in ([*picture, *tone, *coding, film], [*tone, sound]):
        subprocess.run(["ffmpeg", "-v", "error", *what], check=True)
    text = SHORT.replace("  practice: {trials: 1}\n", "").replace("every: 2", "every: 50")
    text = text.replace(
        "pages:", "pages:\n  familiarisation: {factor: emotion}\n  sound_check: false"
    )
    study = make_study(tmp_path / "study", text)
    add_sound(study, film, sound, examples=True)
    build_web(study)
    serving = ServingHere(study)
    try:
        with chromium() as browser:
            visitor = Visitor(browser, serving.url)
            visitor.consent()
            while visitor.page() != "trial":
                if visitor.all(".example"):
                    plays_examples(visitor)
                visitor.click("main [data-action=continue]")
            shown = []
            for _ in range(4):  # both sounds are among the four ratings
                visitor.page()
                shown.append({one.tag_name for one in visitor.all(".stimulus > *")})
                for _ in range(3):
                    visitor.answer(key="1")
            visitor.wait(lambda: len(held(study)) >= 12, "twelve answers")
            assert no_complaints(browser)
    finally:
        serving.stop()
    assert {"video"} in shown
    media = read_media(study)[0]
    trials = {t.number: media[t.stimulus] for t in read_plan(study, study.protocol()).trials[1]}
    with sqlite3.connect(study.data / "web.sqlite") as db:
        rows = db.execute("SELECT trial, rt_ms, details FROM answers WHERE question = 'valence'")
        rows = rows.fetchall()
        assert [trials[trial].kind for trial, *_ in rows].count("image") == len(rows) - 2
        for trial, rt_ms, details in rows:
            events = json.loads(details)["events"]
            if trials[trial].kind == "image":
                assert events == []
            else:
                ended = dict(events)["ended"]
                assert 400 <= ended <= 1500, events  # half a second of sound
                assert rt_ms >= ended
    table = read_ratings(study.ratings_file)
    kinds = table.trial.map({number: medium.kind for number, medium in trials.items()})
    assert table.media_ms[kinds == "image"].isna().all()
    assert table.media_ms[kinds != "image"].between(400, 1500).all()
    assert (table.stalled_ms[kinds != "image"] < 1000).all()
    assert table.refresh_hz.between(1, 1000).all()
