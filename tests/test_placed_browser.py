"""A slider and an affect grid in a real Chromium, by mouse and by keyboard: exactly what was meant
stands in the tables, and every state of them can be read by a screen reader."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from experiments import npm
from experiments.build import build_web
from protocols.ratings import read_participants, read_ratings
from tests.chromium import CHROMIUM, DRIVER, chromium
from tests.placed_study import GERMAN, PLACED
from tests.serving import ServingHere
from tests.small_study import make_study
from tests.test_browser import AXE, WCAG, no_complaints

pytest.importorskip("selenium")
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

from tests.visitor import Visitor, stale  # noqa: E402

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium and chromedriver on PATH"),
]
HANDLE = 22  # pixels: the line runs from half a handle to half a handle before the end


class Hands(Visitor):
    """Places answers with the mouse or with keys alone."""

    def click_line(self, share):
        """At this share of the line; returns the number that a ruler would read there."""
        line = self.wait(lambda: self.all("main .slider input"), "line")[0]
        at = round(HANDLE / 2 + share * (line.size["width"] - HANDLE))
        shift = at - line.size["width"] // 2
        ActionChains(self.browser).move_to_element_with_offset(line, shift, 3).click().perform()
        low, high = (float(line.get_attribute(name)) for name in ("min", "max"))
        step = float(line.get_attribute("step"))
        share = (at - HANDLE / 2) / (line.size["width"] - HANDLE)
        return low + step * round(share * (high - low) / step)

    def cell(self, x, y):
        cells = self.wait(lambda: self.all("main .cells [role=gridcell]"), "grid")
        return cells[(9 - y) * 9 + x - 1]

    def go_on(self, *, key):
        before = self.all("main h1")[0]
        if key:
            self.press(Keys.ENTER)
        else:
            self.click("main .question [data-action=continue]")
        self.wait(lambda: stale(before), "the next question")

    def take(self, x, y):
        before = self.all("main h1")[0]
        self.cell(x, y).click()
        self.wait(lambda: stale(before), "the next trial")


def test_what_was_clicked_or_typed_stands_in_the_tables_and_every_state_is_accessible(tmp_path):
    study = make_study(tmp_path / "study", PLACED)
    build_web(study)
    serving = ServingHere(study)
    axe = (npm.installed(dev=True) / "axe-core" / "axe.min.js").read_text()
    found, meant = {}, []
    try:
        with chromium() as browser:

            def look(page):
                browser.execute_script(axe)
                if violations := browser.execute_async_script(AXE, WCAG):
                    found[page] = violations

            hands = Hands(browser, serving.url, look)
            hands.consent()
            while not hands.all("main .slider"):
                assert "click where your answer lies" in hands.text() or hands.page() != "Ready?"
                hands.click("main [data-action=continue]")
                hands.wait(lambda: hands.page() in ("trial", "Ready?"), "a trial")

            # by mouse: nothing is there before the click, and no number at any time
            look("a line without a handle")
            line = hands.all("main .slider input")[0]
            assert line.get_attribute("aria-valuetext") == "no answer yet"
            assert not hands.all("main .question [data-action=continue]")  # disabled
            value = hands.click_line(0.273)
            assert line.get_attribute("aria-valuetext") == f"{value:g}"
            assert not hands.all("main .slider output")
            look("a line with a handle")
            hands.go_on(key=False)
            look("a grid")
            hands.take(3, 8)
            meant.append((value, 3, 8))

            # by keys alone
            hands.wait(lambda: hands.all("main .slider input"), "line")
            hands.press(Keys.ARROW_RIGHT)  # brings the handle, to the middle
            hands.press(Keys.ARROW_RIGHT)
            hands.press(Keys.PAGE_UP)
            hands.go_on(key=True)
            hands.wait(lambda: hands.all("main .cells"), "grid")
            for key in (Keys.ARROW_UP, Keys.ARROW_UP, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT):
                hands.press(key)
            focused = browser.switch_to.active_element
            assert focused.get_attribute("aria-label") == "Pleasantness 7 of 9, arousal 6 of 9"
            look("a grid with the focus in it")
            hands.go_on(key=True)
            meant.append((61, 7, 6))

            for share, x, y in ((0, 1, 1), (1, 9, 9), (0.35, 4, 8)):
                value = hands.click_line(share)
                hands.go_on(key=False)
                hands.take(x, y)
                meant.append((value, x, y))
            hands.wait(lambda: "Please click at the far right." in hands.text(), "the check")
            hands.take(9, 2)

            hands.page()
            hands.click_line(0.625)
            assert hands.all("main .slider output")[0].text == "0.25"
            hands.cell(2, 4).click()
            assert hands.cell(2, 4).get_attribute("aria-selected") == "true"
            look("a questionnaire that is filled in")
            hands.finish(lambda _: None, lambda _: None)
            assert no_complaints(browser)
    finally:
        serving.stop()
    table = read_ratings(study.ratings_file)
    rows = table[table.kind != "attention"].pivot(index="trial", columns="question",
                                                  values="response")  # fmt: skip
    asked = ["valence", "affect-valence", "affect-arousal"]
    assert [tuple(row) for row in rows[asked].to_numpy(float)] == meant
    labels = table[table.question == "valence"].label.fillna("").tolist()
    assert labels == ["", "", "very negative", "very positive", ""]
    both = table.pivot(index="trial", columns="question", values="rt_ms")
    assert (both["affect-valence"] == both["affect-arousal"]).all()  # one click
    check = table[table.kind == "attention"].set_index("question").response
    assert check.to_dict() == {"affect-valence": 9, "affect-arousal": 2}
    person = read_participants(study.participants_file).iloc[0]
    assert (person.status, person.valid, person.calm_response) == ("completed", True, 0.25)
    assert (person["mood-valence_response"], person["mood-arousal_response"]) == (2, 4)
    assert pd.isna(person["mood-valence"])
    assert found == {}, json.dumps(found, indent=1)


def test_lines_and_grids_speak_the_study_s_language_and_fit_a_narrow_window(tmp_path):
    study = make_study(tmp_path / "study", GERMAN)
    build_web(study)
    serving = ServingHere(study)
    try:
        with chromium() as browser:
            hands = Hands(browser, serving.url)
            hands.consent()
            while not hands.all("main .slider"):
                hands.click("main [data-action=continue]")
                hands.wait(lambda: hands.page() in ("trial", "Bereit?"), "a trial")
            hands.click_line(0.2)
            hands.go_on(key=False)
            around = hands.wait(lambda: hands.all("main .affect-grid"), "grid")[0]
            for word in ("Schläfrigkeit", "Hohe Erregung", "Angenehme Gefühle", "Begeisterung"):
                assert word in around.text
            assert (
                hands.cell(1, 9).get_attribute("aria-label") == "Angenehm 1 von 9, Erregung 9 von 9"
            )
            browser.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": 320, "height": 700, "deviceScaleFactor": 1, "mobile": False},
            )
            size = hands.cell(5, 5).size
            assert min(size["width"], size["height"]) >= 18
            wide = browser.execute_script("return document.documentElement.scrollWidth")
            assert wide <= 320
    finally:
        serving.stop()
