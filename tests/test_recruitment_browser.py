"""How people come and go in a real Chromium: panels, Mechanical Turk's frame, hostile addresses."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from selenium.webdriver.common.by import By

from experiments.recruitment.links import links_of
from experiments.recruitment.signature import study_secret
from tests.chromium import CHROMIUM, DRIVER, chromium
from tests.serving import served
from tests.visitor import Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium and chromedriver on PATH"),
]
ONE_TRIAL = """
name: one
title: One trial
stimuli:
  generator: actor
  identities: 1
  factors: {emotion: [angry], m: [0]}
  size: 128
tasks:
  - {id: valence, type: likert, question: How does this face look?}
recruitment:
"""
PANEL = (
    ONE_TRIAL
    + """
  platform: panel
  per_list: 1
  panel:
    parameter: tic
    completed: https://panel.example/done?tic={id}
    no_consent: https://panel.example/no?tic={id}
    over_quota: https://panel.example/full?tic={id}
"""
)
LINKS = (
    ONE_TRIAL
    + """
  platform: link
  per_list: 3
  signed: links
"""
)
MTURK = ONE_TRIAL + "  {platform: mturk, per_list: 3}\n"
LOSE_TOKEN = """
const done = arguments[arguments.length - 1];
indexedDB.open("mien").onsuccess = ({target}) => {
  const writing = target.result.transaction("shelves", "readwrite");
  const shelves = writing.objectStore("shelves");
  shelves.getAllKeys().onsuccess = ({target}) => {
    const tokens = target.result.filter(([, key]) => key === "token");
    tokens.forEach((token) => shelves.put("of-a-store-that-is-gone", token));
    writing.oncomplete = () => done(tokens.length);
  };
};
"""
SCRIPT = "\"'><img src=x onerror=window.hit=1><script>window.hit=1</script>"


@pytest.fixture
def serve(tmp_path):
    with served(tmp_path, ONE_TRIAL) as start:
        yield start


def take_part(visitor):
    visitor.consent()
    visitor.finish(lambda v: v.answer(key="5"), lambda v: None)


def link(visitor):
    return visitor.wait(lambda: visitor.all("main [data-link=redirect]"), "a link")[
        0
    ].get_attribute("href")


def test_a_panel_gets_its_people_back_and_scripts_in_the_address_do_nothing(serve):
    study, serving = serve(PANEL)
    url = serving.url
    hostile = "&".join(
        f"{name}={quote(SCRIPT)}" for name in ("tic", "participant", "token", "PROLIFIC_PID",
                                               "STUDY_ID", "assignmentId", "turkSubmitTo", "x")
    )  # fmt: skip
    with chromium() as browser:
        visitor = Visitor(browser, f"{url}/?{hostile}")
        visitor.page()
        visitor.consent()
        visitor.wait(lambda: "link that you used is not complete" in visitor.text(), "a refusal")
        assert browser.execute_script("return window.hit") is None
        assert browser.find_elements(By.CSS_SELECTOR, "img[src='x']") == []

        visitor = Visitor(browser, f"{url}/?tic=A%20%26b")  # declines: the id is put in encoded
        visitor.page()
        visitor.click("[data-action=decline]")
        assert link(visitor) == "https://panel.example/no?tic=A%20%26b"

        visitor = Visitor(browser, f"{url}/?tic=abc-1")
        take_part(visitor)
        assert link(visitor) == "https://panel.example/done?tic=abc-1"

        visitor = Visitor(browser, f"{url}/?tic=late")
        visitor.consent()
        assert link(visitor) == "https://panel.example/full?tic=late"
        assert "all the participants it needs" in visitor.text()


def test_mechanical_turk_previews_without_a_session_and_takes_the_work_by_a_form(serve):
    study, serving = serve(MTURK)
    url = serving.url
    preview = f"{url}/?assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE&hitId=H1"
    ids = "workerId=A1WORKER&hitId=H1&assignmentId=3ASSIGN"
    with chromium() as browser:
        visitor = Visitor(browser, preview)
        visitor.wait(lambda: "Preview" in visitor.text(), "the preview")
        assert visitor.all("main button") == []

        visitor = Visitor(browser, f"{url}/?{ids}&turkSubmitTo=https://workersandbox.mturk.com")
        take_part(visitor)
        form = visitor.wait(lambda: visitor.all("main form"), "a form")[0]
        assert "only then close this window" in visitor.text()
        assert (
            form.get_attribute("action") == "https://workersandbox.mturk.com/mturk/externalSubmit"
        )
        fields = {one.get_attribute("name"): one.get_attribute("value")
                  for one in form.find_elements(By.CSS_SELECTOR, "input")}  # fmt: skip
        code = visitor.all("main output.code")[0].text
        assert fields == {"assignmentId": "3ASSIGN", "code": code}

        other = ids.replace("A1WORKER", "A2WORKER")
        visitor = Visitor(browser, f"{url}/?{other}&turkSubmitTo=https://evil.example")
        take_part(visitor)
        visitor.wait(lambda: visitor.all("main output.code"), "the code")
        assert visitor.all("main form") == []
        assert "You can close this window" in visitor.text()


def test_a_signed_link_opens_once_and_goes_on_in_its_own_browser_only(serve, tmp_path):
    study, serving = serve(LINKS, lambda study: study_secret(study, make=True))
    url = serving.url
    (tmp_path / "ids.txt").write_text("anna\nbert\n")
    anna, bert = links_of(study, tmp_path / "ids.txt", url, 1)
    with chromium() as browser:
        visitor = Visitor(browser, anna)
        visitor.consent()
        visitor.go_to_trial()
        visitor = Visitor(browser, anna)
        assert visitor.page() == "Welcome back"
        assert browser.execute_async_script(LOSE_TOKEN) == 1
        visitor = Visitor(browser, anna)
        visitor.consent()  # the browser is still the one that the link serves
        visitor.go_to_trial()
        visitor = Visitor(browser, bert.replace("participant=bert", "participant=carl"))
        visitor.consent()
        visitor.wait(lambda: "This link is not valid" in visitor.text(), "a refusal")
    with chromium() as other:
        visitor = Visitor(other, anna)
        visitor.consent()
        visitor.wait(lambda: "opened in another browser already" in visitor.text(), "a refusal")
