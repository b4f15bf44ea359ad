"""A participant who clicks and types in a real browser, as a person would."""

from __future__ import annotations

from selenium.common.exceptions import (
    JavascriptException,
    NoSuchElementException,
    StaleElementReferenceException,
    TimeoutException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE = 20  # seconds
USABLE = """
return [...document.querySelectorAll(arguments[0])].filter((one) => {
  const {width, height} = one.getBoundingClientRect();
  const seen = one.checkVisibility({checkOpacity: true, checkVisibilityCSS: true});
  return seen && width > 0 && height > 0 && !one.matches(":disabled");
});
"""


class Visitor:
    """Takes part in a study in `browser`; `looked` is called on every new kind of page."""

    def __init__(self, browser, url, looked=lambda page: None):
        self.browser, self.looked, self.pages = browser, looked, []
        browser.get(url)

    def all(self, selector):
        """What is to be seen and not disabled; one question to the browser, not two for each."""
        return self.browser.execute_script(USABLE, selector)

    def wait(self, condition, what):
        wait = WebDriverWait(
            self.browser, PATIENCE, poll_frequency=0.05,
            ignored_exceptions=[JavascriptException, NoSuchElementException,
                                StaleElementReferenceException],
        )  # fmt: skip
        try:
            return wait.until(lambda _: condition())
        except TimeoutException:
            raise AssertionError(f"no {what}; the page says: {self.text()}") from None

    def text(self):
        return self.browser.find_element(By.TAG_NAME, "main").text

    def click(self, selector):
        self.wait(lambda: self.all(selector), selector)[0].click()

    def press(self, key):
        self.browser.switch_to.active_element.send_keys(key)

    def page(self):
        """Which kind of page is shown, once it can be answered."""

        def kind():
            if self.all("main .trial :is(.answer, fieldset, .cells)"):
                return "trial"
            heading = self.all("main h1")
            ready = heading and (self.all("main [data-action]") or self.ended())
            return heading[0].text if ready else None

        name = self.wait(kind, "a page")
        if name not in self.pages:
            self.pages.append(name)
            self.looked(name)
        return name

    def ended(self):
        """Whether this is the last page: nothing on it leads on."""
        return "close this window" in self.text()

    def consent(self):
        self.page()
        self.click("#agree")
        self.click("[data-action=continue]")

    def go_to_trial(self):
        while self.page() != "trial":
            self.click("main [data-action=continue]")

    def answer(self, key=None, place=0):
        """Answer one question: by key, or by clicking the button at `place`."""
        self.page()
        before = self.all("main .question h1")[0]
        if self.all("main .answer"):
            if key:
                self.press(key)
            else:
                self.all("main .answer")[place].click()
        else:
            inputs = self.all("main .question input")
            if inputs:
                inputs[place].click()
            else:
                self.all("main .question textarea")[0].send_keys("typed text")
            self.click("main .question [data-action=continue]")
        self.wait(lambda: stale(before), "the next question")

    def finish(self, answer, fill):
        """Go on to the last page.

        `answer(visitor)` answers one question of a trial, `fill(visitor)` the questionnaire.
        """
        while True:
            page = self.page()
            if page == "trial":
                answer(self)
            elif self.ended():
                return
            else:
                heading = self.all("main h1")[0]
                if self.all("main fieldset"):
                    fill(self)
                self.click("main [data-action=continue]")
                self.wait(lambda shown=heading: stale(shown), "the next page")


def stale(element):
    """Whether the page that held `element` has gone."""
    try:
        return not element.is_displayed()
    except StaleElementReferenceException:
        return True
