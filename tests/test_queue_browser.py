"""The queue of answers in a real Chromium: what is not sent yet is on the disk."""

from __future__ import annotations

import os
import signal
import sqlite3

import pytest

from experiments.build import build_web
from tests.chromium import CHROMIUM, DRIVER, chromium
from tests.serving import ServingHere
from tests.small_study import TINY, make_study

pytest.importorskip("selenium")
from tests.visitor import Visitor  # noqa: E402

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium and chromedriver on PATH"),
]
LARGE = """
const done = arguments[arguments.length - 1];
import("/static/shelf.js").then(async ({ Shelf }) => {
  const shelf = await Shelf.open("large");
  for (let trial = 0; trial < 300; trial += 1) {
    const given = { trial, text: "x".repeat(40000) };
    shelf.set(`answer ${trial} thought`, { given, sent: false });
  }
  await shelf.written();
  const other = await Shelf.open("larger"); // another shelf, whose name begins alike
  const again = await Shelf.open("large");
  const answers = again.all("answer ");
  const whole = answers.every(({ given }) => given.text.length === 40000);
  done([answers.length, whole, other.all("").length]);
});
"""  # 12 MB; localStorage ends at 5
NO_STORAGE = "Object.defineProperty(window, 'indexedDB', { get() { throw new Error('off'); } });"


@pytest.fixture
def serving(tmp_path):
    study = make_study(tmp_path / "study", TINY.replace("identities: 4", "identities: 2"))
    build_web(study)
    serving = ServingHere(study)
    yield serving
    serving.stop()


def held(tmp_path):
    with sqlite3.connect(tmp_path / "study" / "data" / "web.sqlite") as db:
        return db.execute("SELECT count(*) FROM answers").fetchone()[0]


def test_answers_that_were_never_sent_survive_a_killed_browser(serving, tmp_path):
    profile = str(tmp_path / "profile")
    with chromium(profile) as browser:
        visitor = Visitor(browser, serving.url)
        visitor.consent()
        visitor.go_to_trial()
        serving.stop()
        for key in "712":
            visitor.answer(key=key)
        saving = browser.find_element("id", "saving")
        visitor.wait(lambda: "3 answers" in saving.text, "a word about three answers")
        os.kill(browser.capabilities["goog:processID"], signal.SIGKILL)
    assert held(tmp_path) == 0
    serving.start()
    with chromium(profile) as browser:
        visitor = Visitor(browser, serving.url)
        assert visitor.page() == "Welcome back"
        assert held(tmp_path) == 3


def test_a_queue_may_be_larger_than_five_megabytes_and_does_without_storage(serving, tmp_path):
    with chromium() as browser:
        visitor = Visitor(browser, serving.url)
        visitor.page()
        assert browser.execute_async_script(LARGE) == [300, True, 0]
        browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": NO_STORAGE})
        browser.refresh()
        visitor.consent()
        visitor.go_to_trial()
        visitor.answer(key="7")
        visitor.wait(lambda: held(tmp_path) == 1, "one answer")
