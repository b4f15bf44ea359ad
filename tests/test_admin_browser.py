"""The admin page in a real Chromium: sign in, read true numbers, act, on a screen and a phone."""

from __future__ import annotations

import json
import shutil
import time

import pytest

from experiments import npm
from experiments.admin.office import Office
from experiments.admin.status import change_token, line_of, observer_of
from experiments.npm import WEB
from experiments.slots import LEASE_S
from tests.chromium import CHROMIUM, DRIVER, chromium
from tests.serving import ServingHere
from tests.small_study import make_study
from tests.test_browser import AXE, WCAG
from tests.test_server import QUESTIONNAIRE, Browser, Clock

pytest.importorskip("selenium")
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium and chromedriver on PATH"),
]
PATIENCE = 30  # seconds
# six places on two lists: who does what below
TRUTH = {"valid": 2, "wanted": 6, "places left": 3, "active": 1, "excluded": 1, "expired": 1,
         "withdrawn": 1, "over quota": 0}  # fmt: skip


class Watched(ServingHere):
    """A study in a thread, with its admin page."""

    def make(self):
        app = super().make()
        Office(self.study, app.state.reception, app.state.visitors).open(app)
        return app


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A study with participants in every state, being served; and its token."""
    study = make_study(tmp_path_factory.mktemp("watched") / "study")
    shutil.copytree(WEB / "static", study.web / "static")
    for name in ("jspsych", "media"):
        (study.web / name).mkdir()
    (study.web / "index.html").write_text("<!doctype html><html lang=en><title>x</title>")
    clock = Clock()
    clock.now = time.time() - LEASE_S - 60
    early = Browser(study, clock)
    early.start("expired")
    clock.now = time.time() - 60
    for name in ("valid-1", "valid-2"):
        early.finish(early.start(name).json()["token"])
    careless = early.start("careless").json()["token"]
    answers = early.all_answers(careless)
    answers[-1]["choice"] = 5
    early.post("answers", {"token": careless, "answers": [*answers, *QUESTIONNAIRE]})
    early.post("complete", {"token": careless})
    early.post("withdraw", {"token": early.start("withdrawn").json()["token"]})
    early.start("active")
    early.desk.store.close()
    serving = Watched(study)
    yield study, serving, change_token(study)
    serving.stop()


class Page:
    """What somebody sees and does in the page."""

    def __init__(self, browser, url):
        self.browser, self.url = browser, url
        self.axe = (npm.installed(dev=True) / "axe-core" / "axe.min.js").read_text()

    def open(self):
        self.browser.get(f"{self.url}/admin")

    def find(self, selector):
        return self.browser.find_element("css selector", selector)

    def wait(self, condition):
        return WebDriverWait(self.browser, PATIENCE, poll_frequency=0.1).until(
            lambda _: condition()
        )

    def loads(self, act):
        """Do something that loads the page again, and wait for it."""
        before = self.find("html").id
        act()
        self.wait(lambda: self.find("html").id != before and self.browser.execute_script(
            "return document.readyState") == "complete")  # fmt: skip

    def sign_in(self, token):
        self.find("#token").send_keys(token)
        self.loads(lambda: self.find("#token").send_keys(Keys.ENTER))

    def violations(self):
        self.browser.execute_script(self.axe)
        return self.browser.execute_async_script(AXE, WCAG)

    def table(self, selector):
        """Rows of a table, each a dictionary of heading -> text."""
        return self.browser.execute_script(
            """const rows = [...document.querySelectorAll(`${arguments[0]} tr`)].map((row) =>
              [...row.cells].map((cell) => cell.textContent.trim()));
            const named = (row) => Object.fromEntries(row.map((text, i) => [rows[0][i], text]));
            return rows.slice(1).map(named);
            """, selector,
        )  # fmt: skip

    def states(self):
        return [row["state"].split("\n")[0] for row in self.table("#people")]

    def overflows(self):
        return self.browser.execute_script(
            "return document.documentElement.scrollWidth > innerWidth"
        )


@pytest.fixture(scope="module")
def stranger(running):
    """Somebody in front of the door."""
    with chromium(size=(1200, 900)) as browser:
        yield Page(browser, running[1].url)


@pytest.fixture
def page(stranger, running):
    """Somebody who has signed in."""
    stranger.open()
    if stranger.browser.find_elements("id", "token"):
        stranger.sign_in(running[2])
    return stranger


def test_the_door_opens_for_the_token_only(stranger, running):
    *_, token = running
    page = stranger
    page.open()
    page.browser.delete_all_cookies()
    page.open()
    assert page.violations() == []
    assert "tiny" not in page.browser.page_source.lower()
    page.sign_in("wrong")
    assert "not the study's token" in page.find("[role=alert]").text
    assert page.violations() == []
    page.sign_in(token)
    assert page.find("h1").text == "A tiny study"
    assert page.violations() == []
    (cookie,) = page.browser.get_cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/admin")
    assert page.browser.execute_script("return document.cookie") == ""
    assert page.browser.current_url == f"{page.url}/admin"
    asked = page.browser.execute_script("return performance.getEntries().map((e) => e.name)")
    assert not any(token in one or cookie["value"] in one for one in asked)
    assert all(one.startswith(page.url) for one in asked if "://" in one)


def test_the_numbers_are_the_truth_and_those_of_the_terminal(page, running):
    study, *_ = running
    lists = page.table("#lists")
    told = json.loads(line_of(observer_of(study).look(), beside={}))
    assert {k: int(v) for k, v in lists[-1].items() if k != "list"} == TRUTH
    for shown, row in zip(lists, [*told["lists"], told["all"]], strict=True):
        numbers = {name.replace("_", " "): str(value) for name, value in row.items()}
        numbers["places left"] = numbers.pop("left")
        assert shown | {"number": numbers["number"]} == numbers | {"list": shown["list"]}
    people = {row["participant"]: row for row in page.table("#people")}
    assert set(people) == {person["participant"] for person in told["people"]}
    for person in told["people"]:
        shown = people[person["participant"]]
        assert shown["state"].startswith(person["state"])
        assert shown["trials"] == f"{person['trials']}/{person['planned']}"
        assert shown["worth a look"] == ", ".join(person["signs"])
    assert page.table("#reasons") == [{"reason": "attention", "people": "1"}]
    quality = {row["what"]: row["count"] for row in page.table("#quality")}
    q = told["quality"]
    assert quality["attention checks missed"] == f"{q['missed']} of {q['checks']}" == "1 of 3"
    assert quality["trials with the tab hidden"] == f"{q['hidden']} of {q['trials']}"


def test_excluding_by_hand_frees_a_place_at_once_and_can_be_taken_back(page, running):
    valid = next(row for row in page.table("#people") if row["state"] == "valid")
    row = f"//tr[.//code[text()='{valid['participant']}']]"
    page.browser.find_element("xpath", f"{row}//summary").click()
    page.browser.find_element("xpath", f"{row}//input[@name='reason']").send_keys("two at once")
    assert page.violations() == []
    page.loads(page.browser.find_element("xpath", f"{row}//details//button").click)
    total = page.table("#lists")[-1]
    assert (total["valid"], total["places left"], total["excluded"]) == ("1", "4", "2")
    assert {"reason": "by hand: two at once", "people": "1"} in page.table("#reasons")
    page.loads(page.browser.find_element("xpath", f"{row}//button[text()='Take back']").click)
    assert page.table("#lists")[-1]["places left"] == "3"


def test_the_page_follows_by_itself_but_not_where_somebody_writes(page, running):
    study, serving, _ = running
    page.browser.execute_script("window.same = true")
    summary = page.find("#people summary")
    summary.click()
    desk = serving.app.state.reception
    before = page.find("#people").text
    desk.admit("newcomer", {})
    page.browser.execute_script("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait(lambda: page.table("#lists")[-1]["active"] == "2")
    assert page.browser.execute_script("return window.same")  # it was not loaded again
    assert page.find("#people").text == before
    page.find("#people summary").click()
    page.find("h1").click()
    page.browser.execute_script("document.activeElement.blur()")
    page.browser.execute_script("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait(lambda: page.states().count("active") == 2)
    desk.withdraw(desk.admit("newcomer", {}).token)
    page.find("#refreshing").click()
    assert page.find("#refreshing").text == "Refresh by itself"


def test_a_pause_is_shown_and_ends(page, running):
    page.loads(page.find("form[action$='admin/pause'] button").click)
    assert "Nobody new is let in" in page.find("#attention").text
    assert page.violations() == []
    page.loads(page.find("form[action$='admin/go-on'] button").click)
    assert "Let nobody new in" in page.find("#admission").text


def test_a_phone_shows_all_of_it(page):
    size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.open()
    assert not page.overflows()
    assert page.violations() == []
    summary = page.find("#people summary")
    assert summary.rect["x"] + summary.rect["width"] <= 390  # in reach without moving the table
    page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_player_that_is_too_fast_waits_as_long_as_it_is_told(page):
    page.browser.get(f"{page.url}/")
    waited, tries = page.browser.execute_async_script(
        """const done = arguments[0];
        let tries = 0;
        window.fetch = async () => (tries += 1) < 2
          ? new Response("{}", { status: 429, headers: { "Retry-After": "3" } })
          : new Response(JSON.stringify({ held: 1 }));
        const begun = performance.now();
        import("/static/server.js")
          .then(({ postPatiently }) => postPatiently("answers", {}))
          .then(() => done([performance.now() - begun, tries]))
          .catch((error) => done([String(error), 0]));
        """
    )
    assert tries == 2
    assert 3000 <= waited < 8000  # by itself it would have tried again after one second


def test_signing_out_closes_the_door(page):
    page.loads(page.find("form[action$='sign-out'] button").click)
    assert page.find("#token").is_displayed()
    assert page.browser.get_cookies() == []
    said = [line["message"] for line in page.browser.get_log("browser")]
    assert not [one for one in said if "Content Security Policy" in one or "admin.js" in one]
