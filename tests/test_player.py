"""The web player where things go wrong or differ: no sound, a telephone, no connection, a reload.

One Chromium serves all tests of this file; every study stands on a port, so an origin, of its own.
"""

from __future__ import annotations

import io
import json
import sqlite3
import wave
from pathlib import Path

import numpy as np
import pytest

from protocols.ratings import read_participants, read_ratings
from tests.chromium import CHROMIUM, DRIVER, chromium
from tests.serving import served
from tests.small_study import add_sound
from tests.test_browser import EVERY_TASK, SHORT, attentive, fill, held, no_complaints, planned

pytest.importorskip("selenium")
from selenium.webdriver.common.keys import Keys  # noqa: E402

from tests.visitor import Visitor, stale  # noqa: E402

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium and chromedriver on PATH"),
]
EVIL = "<img src=x onerror='window.pwned=1'><script>window.pwned=1</script>"
PLAIN = SHORT.replace("  practice: {trials: 1}\n", "").replace("  breaks: {every: 2}\n", "")
LIKERT_ONLY = PLAIN[: PLAIN.index("  - id: feeling")] + PLAIN[PLAIN.index("design:") :]


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def serve(tmp_path, browser):
    with served(tmp_path, LIKERT_ONLY) as start:
        yield start
        browser.get("about:blank")


def beep(file: Path):
    """A sound of 0.4 s."""
    samples = 3000 * np.sin(2 * np.pi * 440 * np.arange(6400) / 16000)
    with wave.open(str(file), "wb") as sound:
        sound.setparams((1, 2, 16000, 0, "NONE", ""))
        sound.writeframes(samples.astype("<i2").tobytes())


def tones(content: bytes) -> tuple[int, float]:
    """How many tones a WAV file holds, and their level in dBFS (a full sine: -3)."""
    with wave.open(io.BytesIO(content)) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2") / 32768
        window = sound.getframerate() // 50
    frames = samples[: len(samples) // window * window].reshape(-1, window)
    loud = np.sqrt((frames**2).mean(1)) > 0.01
    level = np.sqrt((frames[loud] ** 2).mean(1))
    return int(np.sum(np.diff(np.r_[0, loud.astype(int)]) == 1)), 20 * np.log10(np.median(level))


KEEP_SOUNDS = """
window.sounds = [];
const make = URL.createObjectURL;
URL.createObjectURL = (blob) => {
  const keep = (bytes) => sounds.push([...new Uint8Array(bytes)]);
  if (blob.type === "audio/wav") blob.arrayBuffer().then(keep);
  return make.call(URL, blob);
};
"""


def test_who_counts_wrong_or_hears_nothing_does_not_begin_a_study_with_sound(
    serve, browser, tmp_path
):
    def prepare(study):
        beep(tmp_path / "beep.wav")
        add_sound(study, None, str(tmp_path / "beep.wav"))

    study, serving = serve(change=prepare)
    visitor = Visitor(browser, serving.url)
    browser.execute_script(KEEP_SOUNDS)
    visitor.consent()
    assert visitor.page() == "Sound check"
    assert not visitor.all("main .counts button")  # listen first

    def count(answer):
        before = len(browser.execute_script("return sounds"))
        visitor.click("main [data-action=play]")
        visitor.wait(lambda: visitor.all("main .counts button"), "the end of the tones")
        heard, level = tones(bytes(browser.execute_script("return sounds[arguments[0]]", before)))
        assert 2 <= heard <= 6
        assert level == pytest.approx(-23, abs=1)
        said = heard if answer == "right" else 2 + (heard - 1) % 5
        visitor.all("main .counts button")[said - 2].click()

    count("right")
    visitor.wait(lambda: "Once more" in visitor.text(), "a second time")
    count("wrong")
    visitor.wait(lambda: "another number" in visitor.text(), "word that it was wrong")
    count("right")
    visitor.wait(lambda: "Once more" in visitor.text(), "a second time again")
    visitor.click("main [data-action=silent]")
    assert visitor.page() == "This study needs sound"
    with sqlite3.connect(study.data / "web.sqlite") as db:
        assert db.execute("SELECT count(*) FROM sessions").fetchone() == (0,)  # no place is held
    visitor.click("main [data-action=again]")
    visitor.wait(lambda: visitor.all("main [data-action=play]"), "the sound check again")
    count("right")
    visitor.wait(lambda: "Once more" in visitor.text(), "a second time")
    count("right")
    visitor.finish(attentive, fill)
    with sqlite3.connect(study.data / "web.sqlite") as db:
        (device,) = db.execute("SELECT device FROM sessions").fetchone()
    assert json.loads(device)["sound_tries"] == 2
    assert set(held(study)) == planned(study)
    assert no_complaints(browser)


def test_a_telephone_may_take_part_where_the_study_says_so_and_sees_all_of_it(serve, browser):
    text = LIKERT_ONLY.replace("pages:", "pages:\n  devices: any")
    study, serving = serve(text)
    metrics = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    try:
        wide = []

        def look(page):
            width = browser.execute_script("return document.scrollingElement.scrollWidth")
            if width > 360:
                wide.append((page, width))

        visitor = Visitor(browser, serving.url, look)
        visitor.consent()
        visitor.go_to_trial()
        buttons = visitor.all("main .answer")
        assert all(one.size["width"] >= 24 and one.size["height"] >= 24 for one in buttons)
        visitor.finish(lambda v: v.answer(place=1), fill)
        assert wide == []
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    assert set(held(study)) == planned(study)


class Typist(Visitor):
    """A participant without a mouse: Tab, space, Enter, and the number keys of scales."""

    def click(self, selector):
        target = self.wait(lambda: self.all(selector), selector)[0]
        for _ in range(60):
            if self.browser.switch_to.active_element == target:
                key = Keys.SPACE if target.get_attribute("type") != "radio" else Keys.ARROW_DOWN
                self.press(Keys.ENTER if target.tag_name == "button" else key)
                return
            self.press(Keys.TAB)
        raise AssertionError(f"{selector}: cannot be reached with the Tab key")

    def respond(self):
        """Answer the question that is asked."""
        self.page()
        before = self.all("main .question h1")[0]
        if self.all("main .question textarea"):
            self.press(EVIL)
        elif self.all("main .question input"):
            self.click("main .question input")
        else:
            self.press("2")
        if self.all("main .question [data-action=continue]"):
            self.click("main .question [data-action=continue]")
        self.wait(lambda: stale(before), "the next question")


def fill_by_keys(visitor):
    for question in ("random", "aids", "sure"):
        visitor.click(f'main input[name="{question}"]')
    visitor.browser.find_element("css selector", "main textarea").send_keys(EVIL)


def hosts(browser):
    """Every host that was asked for something since the last call."""
    found = set()
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            url = message["params"]["request"]["url"]
            if not url.startswith(("blob:", "data:", "about:", "chrome:")):
                found.add(url.split("/")[2])
    return found


def test_every_task_by_keys_alone_without_a_connection_half_way_and_after_a_reload(serve, browser):
    study, serving = serve(PLAIN.replace("  - id: feeling", EVERY_TASK))
    hosts(browser)
    visitor = Typist(browser, f"{serving.url}/?participant=KEYS")
    visitor.consent()
    visitor.go_to_trial()
    for _ in range(6):
        visitor.respond()
    visitor.wait(lambda: len(held(study)) == 6, "six answers")
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    for _ in range(6):
        visitor.respond()
    visitor.wait(lambda: "No connection" in browser.find_element("id", "saving").text, "a word")
    assert len(held(study)) == 6
    online = offline | {"offline": False, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", online)
    visitor.wait(lambda: len(held(study)) == 12, "twelve answers")
    browser.refresh()
    assert visitor.page() == "Welcome back"
    visitor.click("main [data-action=continue]")
    visitor.go_to_trial()
    assert "How negative" in visitor.text()  # the first question of the third trial
    visitor.finish(Typist.respond, fill_by_keys)
    assert browser.execute_script("return window.pwned") is None
    assert hosts(browser) == {f"127.0.0.1:{serving.port}"}
    assert set(held(study)) == planned(study)
    serving.stop()
    table = read_ratings(study.ratings_file)
    assert set(table[table.question == "thought"].label) == {EVIL}
    assert (table[table.question == "valence"].response == 2).all()
    assert read_participants(study.participants_file).remarks.tolist() == [EVIL]


PROXY = """
const ask = window.fetch;
window.fetch = (url, ...more) => String(url).startsWith("api/")
  ? Promise.resolve(new Response("<h1>Sign in to this network</h1>", {status: 403}))
  : ask(url, ...more);
navigator.sendBeacon = () => false;
"""


def test_a_proxy_that_forbids_everything_deletes_no_answer(serve, browser):
    study, serving = serve()
    visitor = Visitor(browser, f"{serving.url}/?participant=PORTAL")
    visitor.consent()
    visitor.go_to_trial()
    browser.execute_script(PROXY)
    before = "Page.addScriptToEvaluateOnNewDocument"
    proxy = browser.execute_cdp_cmd(before, {"source": PROXY})
    try:
        visitor.answer(key="3")
        browser.refresh()
        visitor.wait(lambda: visitor.all("main [data-action=download]"), "the page for a problem")
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", proxy)
    assert "status 403" in visitor.text()
    assert held(study) == {}
    visitor.click("main [data-action=again]")
    visitor.wait(lambda: "Welcome back" in visitor.text(), "the visit again")
    assert held(study) == {(1, "valence"): 3}


def test_who_stops_in_a_lab_does_not_block_the_computer(serve, browser):
    text = LIKERT_ONLY.replace("recruitment: {", "recruitment: {platform: lab, ")
    study, serving = serve(text)
    visitor = Visitor(browser, serving.url)
    visitor.consent()
    visitor.go_to_trial()
    visitor.answer(key="3")
    visitor.click("#stop")
    visitor.click("[data-action=leave]")
    visitor.wait(lambda: "You have stopped" in visitor.text(), "the page for who stopped")
    visitor = Visitor(browser, serving.url)
    visitor.consent()  # the next person
    visitor.finish(lambda v: v.answer(place=4), fill)
    serving.stop()
    people = read_participants(study.participants_file)
    assert sorted(people.status) == ["completed", "withdrawn"]


def test_the_same_link_in_another_browser_goes_on_and_scripts_in_the_address_do_nothing(
    serve, browser
):
    study, serving = serve()
    origin = f"http://127.0.0.1:{serving.port}"
    for name in ("participant", "PROLIFIC_PID", "workerId", "STUDY_ID", "x"):
        visitor = Visitor(browser, f"{serving.url}/?{name}={EVIL}&participant={EVIL}#{EVIL}")
        visitor.consent()
        visitor.wait(lambda v=visitor: "You cannot take part" in v.text(), "the refusal")
        assert browser.execute_script("return window.pwned") is None
        assert not browser.find_elements("css selector", "img, main script")
    browser.get_log("browser")  # the refusals stand there
    visitor = Visitor(browser, f"{serving.url}/?participant=TWICE")
    visitor.consent()
    visitor.go_to_trial()
    visitor.answer(key="3")
    visitor.wait(lambda: len(held(study)) == 1, "an answer")
    browser.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
    visitor = Visitor(browser, f"{serving.url}/?participant=TWICE")
    visitor.consent()
    visitor.finish(lambda v: v.answer(place=4), fill)
    assert held(study)[1, "valence"] == 3
    assert set(held(study)) == planned(study)
    serving.stop()
    assert len(read_participants(study.participants_file)) == 1
