"""One simulated participant's clicks: through the built pages, as `experiments.respondent` says.

Questions must come in the order of the plan; anything else is an error of the player.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from experiments.answers import Given, asked, asked_at_the_end
from experiments.errors import StudyError
from experiments.plan import Trial
from experiments.reception import Reception
from experiments.respondent import Respondent
from experiments.words import WORDS
from protocols.scales import AXES
from protocols.tasks import SECOND

PATIENCE_S = 60.0
LOOK_S = 0.03  # between two looks at the page
STATE = """
const all = (selector) => [...document.querySelectorAll(selector)];
const seen = (selector) => all(selector).filter((one) => one.offsetParent);
const asking = seen("main .trial:not(.waiting) .question [id^=asked-]")[0];
if (asking && !asking.dataset.done) return ["question", asking.id.slice(6)];
if (seen("main .trial").length) return ["wait", ""];
if (seen("main #agree").length) return ["consent", ""];
if (seen("main [data-place=counts]").length) return ["sound", ""];
if (seen("main [data-place=questions] fieldset").length) return ["questionnaire", ""];
const heading = seen("main h1")[0]?.textContent ?? "";
return [seen("main [data-action=continue]:enabled").length ? "page" : "other", heading];
"""
BUTTON = """
const words = (one) =>
  [...one.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join("");
const buttons = [...document.querySelectorAll("main .question .answer")];
return buttons.find((button) => words(button) === arguments[0]);
"""
SLIDE = """
const [line, place] = arguments;
line.value = Number(line.min) + (place - 1) * Number(line.step);
line.dispatchEvent(new Event("input", { bubbles: true }));
line.dispatchEvent(new Event("change", { bubbles: true }));
"""
NEAR = """
const [heading, selector, place] = arguments;
const around = document.querySelector(heading).closest("fieldset, .question");
return around.querySelectorAll(selector)[place];
"""


class Visit:
    """One participant in `browser`, from consent to the last page, or to where they leave."""

    def __init__(self, browser: Any, desk: Reception, one: Respondent) -> None:
        """`desk`: of the server that the browser will visit."""
        self.browser, self.desk, self.one = browser, desk, one
        self.words = WORDS[desk.protocol.pages.language]
        self.last_pages = {self.words["turned_away"]: "turned away",
                           self.words["goodbye"]: "goodbye"}  # fmt: skip
        self.axes = {task.id: [task.id + axis for axis in AXES] for task in
                     (*desk.protocol.tasks, *desk.protocol.pages.questionnaire)
                     if task.type == "affect-grid"}  # fmt: skip

    def play(self, address: str, slot_of: Callable[[], int]) -> bool:
        """Take part at `address`; False if the study is full.

        `slot_of` tells the participant's slot once it has one.

        Raises:
            StudyError: the page asks something else than the plan, or does not go on.
        """
        self.browser.get(address)
        if self._until("question", "turned away")[0] == "turned away":
            if self.words["full"] in self._text():
                return False
            raise StudyError(f"a simulated participant was turned away: {self._text()}")
        planned = self.desk.plan.trials[slot_of()]
        stays_for = self.one.trials(planned)
        for trial in stays_for:
            self._rate(trial)
        if len(stays_for) < len(planned):
            self._until("question")  # the last answer is sent
            self.browser.get("about:blank")
            return True
        at_the_end = list(asked_at_the_end(self.desk.protocol))
        if at_the_end:
            self._until("questionnaire")
            self._fill(self.one.questionnaire(at_the_end))
        self._until("goodbye")
        return True

    def _until(self, *kinds: str) -> tuple[str, str]:
        """What the page shows, once it is of one of these kinds; pages of text are turned."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            kind, what = self.browser.execute_script(STATE)
            if kind == "other":
                kind = self.last_pages.get(what, kind)
            if kind in kinds:
                return kind, what
            if kind == "consent":
                self._click("#agree")
                self._click("[data-action=continue]")
            elif kind == "page":
                self._click("[data-action=continue]")
            elif kind == "sound":
                self._listen()
            time.sleep(LOOK_S)
        raise StudyError(f"a simulated participant cannot go on; the page says: {self._text()}")

    def _rate(self, trial: Trial) -> None:
        """Answer the questions of a trial, in their order."""
        given = {one.question: one for one in
                 self.one.answer(trial, list(asked(self.desk.protocol, trial)))}  # fmt: skip
        while given:
            _, question = self._until("question")
            names = self.axes.get(question, [question])
            if any(name not in given for name in names) or names[0] != next(iter(given)):
                raise StudyError(f"trial {trial.number}: the page asks {question}, "
                                 f"but the plan {next(iter(given))}")  # fmt: skip
            self.browser.execute_script(
                "document.getElementById(`asked-${arguments[0]}`).dataset.done = true", question
            )
            if self._answer(question, [given.pop(name) for name in names]):
                self._click(".question [data-action=continue]")

    def _fill(self, given: list[Given]) -> None:
        """The questionnaire, on one page."""
        said = {one.question: one for one in given}
        for question in list(said):
            grid = next((id for id, axes in self.axes.items() if question in axes), None)
            names = self.axes[grid] if grid else [question]
            if all(name in said for name in names):
                self._answer(grid or question, [said.pop(name) for name in names])
        self._click("[data-action=continue]")

    def _answer(self, question: str, given: list[Given]) -> bool:
        """Answer; True if beside a stimulus the button Continue must follow."""
        one = given[0]
        if question in self.axes:
            points = next(task.points for task in self._tasks() if task.id == question)
            x, y = (each.choice or 1 for each in given)
            place = (points - y) * points + x - 1
            self.browser.execute_script(
                NEAR, f"#asked-{question}", "[role=gridcell]", place
            ).click()
            return False
        if one.text is not None:
            self._element(f'textarea[name="{question}"]').send_keys(one.text)
        elif one.boxes is not None:
            for box in one.boxes:
                self._click(f'input[name="{question}"][value="{box}"]')
        elif self._has(f'input[type=range][name="{question}"]'):
            self.browser.execute_script(
                SLIDE, self._element(f'input[name="{question}"]'), one.choice
            )
        elif self._has(f'input[name="{question}"]'):  # in the questionnaire
            self._click(f'input[name="{question}"][value="{one.choice}"]')
        else:
            self._press(question, one.choice)
            return False
        return True

    def _press(self, question: str, choice: int | None) -> None:
        """A button of a scale or choice; those of a second choice leave the first one out."""
        task = next(t for t in self._tasks() if question in (t.id, t.id + SECOND))
        if task.type == "likert":
            label = str(choice)
        else:
            label = task.label(choice) if choice else self.words["none"]
        self.browser.execute_script(BUTTON, label).click()

    def _listen(self) -> None:
        """The sound check, with two tones each time, so that the right count is known."""
        self.browser.execute_script("Math.random = () => 0")
        for _ in range(2):
            self._click("[data-action=play]")
            self._element("[data-place=counts] button:enabled").click()

    def _tasks(self) -> list[Any]:
        return [*self.desk.protocol.tasks, *self.desk.protocol.pages.questionnaire]

    def _has(self, selector: str) -> bool:
        return bool(self.browser.find_elements("css selector", f"main {selector}"))

    def _element(self, selector: str) -> Any:
        """The element, once it is there and can be used."""
        whole = ", ".join(f"main {part.strip()}" for part in selector.split(","))
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            found = self.browser.find_elements("css selector", whole)
            if found and found[0].is_enabled():
                return found[0]
            time.sleep(LOOK_S)
        raise StudyError(f"the page has no {selector}; it says: {self._text()}")

    def _click(self, selector: str) -> None:
        self._element(selector).click()

    def _text(self) -> str:
        return " ".join(self.browser.find_element("css selector", "main").text.split())[:200]
