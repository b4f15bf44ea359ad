"""Questions below a stimulus: scales and choices, boxes, free text.

An answer is what a browser would send: the place on the scale or among the options (from 1; 0: no
second choice), the places of ticked boxes, or words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from psychopy import core, visual

from .keys import Press
from .screen import INK, PAPER, STRONG, WHITE, Screen

BLOCK = 210  # pixels that a question needs below a stimulus
MOST_IN_A_ROW = 6
MOST_BOXES_IN_A_ROW = 3
SKIP_KEY = "0"
SHIPPED_FONT = "Noto Sans"  # comes with PsychoPy: a field would look for others on the internet
UNREADY = (110, 110, 110)
POINT, STEP = 56, 66  # pixels of a point of a scale, and from one to the next


@dataclass(frozen=True)
class Given:
    """An answer, its moment (seconds), and whether it came from a key or the pointer."""

    said: dict[str, Any]
    at: float
    by: str
    timed_by: str


@dataclass
class Offer:
    """One thing to choose: its box, its words, its key (None: by mouse only), what it says."""

    box: Any
    words: Any
    key: str | None
    said: dict[str, Any]
    dark: bool = False

    def draw(self, chosen: bool = False) -> None:
        """Draw it, dark where it is chosen; colours are set only where they change."""
        if chosen != self.dark:
            self.dark = chosen
            self.box.fillColor = STRONG if chosen else PAPER
            self.words.color = WHITE if chosen else INK
        self.box.draw()
        self.words.draw()


def question_of(screen: Screen, task: dict[str, Any], top: float, taken: int | None) -> Any:
    """What asks `task` below height `top`; `taken`: the first choice, which a second leaves out."""
    from .placing import Grid, Placed  # which needs this module

    if task["type"] == "slider":
        return Placed(screen, task, top)
    if task["type"] == "affect-grid":
        return Grid(screen, task, top)
    if task["type"] == "checkboxes":
        return Boxes(screen, task, top)
    if task["type"] == "free-text":
        return Typed(screen, task, top)
    return Choice(screen, task, top, taken)


def heading(screen: Screen, task: dict[str, Any], top: float, hint: bool) -> Any:
    """The words of the question."""
    optional = "" if task["required"] or not hint else f"  {screen.words['optional']}"
    return screen.text(task["words"] + optional, 0, top, 22, bold=True, anchor="top")


def key_for(place: int) -> str | None:
    """The number key of a place from 1, where there is one."""
    return str(place) if place <= 9 else None


class Choice:
    """One click or one number key answers: a scale, or one option of several."""

    def __init__(
        self, screen: Screen, task: dict[str, Any], top: float, taken: int | None = None
    ) -> None:
        """Lay the question out below `top`."""
        self.screen, self.chosen = screen, None
        self.title = heading(screen, task, top, hint=False)
        below = top - max(28, self.title.boundingBox[1]) - 18
        self.anchors: list[Any] = []
        if task["type"] == "likert":
            self.offers = self._scale(task, below)
        else:
            self.offers = self._options(task, below, taken)
        if not task["required"] and not task["second"]:
            y = self.offers[-1].box.pos[1] - (100 if task["type"] == "likert" else 62)
            words = f"{SKIP_KEY}   {screen.words['skip']}"
            self.offers.append(
                Offer(screen.box(0, y, 220, 40), screen.text(words, 0, y, 18), SKIP_KEY, {})
            )

    def _scale(self, task: dict[str, Any], top: float) -> list[Offer]:
        points, offers = task["points"], []
        left = -STEP * (points - 1) / 2
        for n in range(1, points + 1):
            x, y = left + STEP * (n - 1), top - POINT / 2
            box, words = self.screen.box(x, y, POINT, POINT), self.screen.text(str(n), x, y)
            offers.append(Offer(box, words, key_for(n), {"choice": n}))
            anchor = task["anchors"].get(str(n))
            if anchor:
                label = self.screen.text(anchor, x, y - POINT / 2 - 8, 18, width=3 * STEP - 10,
                                         anchor="top")  # fmt: skip
                self.anchors.append(label)
        return offers

    def _options(self, task: dict[str, Any], top: float, taken: int | None) -> list[Offer]:
        labels = task.get("options") or task["labels"]
        offered = [
            (label, place)
            for place, label in enumerate(labels, start=1)
            if not task["second"] or place != taken
        ]
        if task["second"]:
            offered.append((self.screen.words["none"], 0))
        most = len(offered) if task["type"] == "labelled-rating" else MOST_IN_A_ROW
        places = grid(len(offered), ceil(len(offered) / most), top, self.screen.width)
        offers = []
        for number, ((label, choice), (x, y, wide)) in enumerate(
            zip(offered, places, strict=True), start=1
        ):
            key = key_for(number)
            words = f"{key}  {label}" if key else label
            offers.append(
                Offer(self.screen.box(x, y, wide, 50),
                      self.screen.text(words, x, y, 18, width=wide - 12), key,
                      {"choice": choice})
            )  # fmt: skip
        return offers

    def draw(self) -> None:
        """Draw question and answers."""
        for stim in (self.title, *self.anchors):
            stim.draw()
        for offer in self.offers:
            offer.draw(offer is self.chosen)

    def take(self, presses: Sequence[Press], click: tuple[float, float] | None) -> Given | None:
        """The answer that these keys or this click give, if they give one."""
        for press in presses:
            for offer in self.offers:
                if press.key == offer.key:
                    self.chosen = offer
                    return Given(offer.said, press.at, "key", press.timed_by)
        for offer in self.offers:
            if click is not None and offer.box.contains(click):
                self.chosen = offer
                return Given(offer.said, core.getTime(), "pointer", "window")
        return None

    def close(self) -> None:
        """Nothing to give back."""


class Continued:
    """A question that may be changed until Continue."""

    def __init__(self, screen: Screen, task: dict[str, Any], top: float) -> None:
        """Lay heading and button out; the answer's own things come between."""
        self.screen, self.task = screen, task
        self.title = heading(screen, task, top, hint=True)
        self.below = top - max(28, self.title.boundingBox[1]) - 14

    def lay_button(self, y: float) -> None:
        """The button Continue at height `y`."""
        self.lit = True
        self.button = self.screen.box(0, y, 300, 46, STRONG)
        self.label = self.screen.text(self.screen.words["done"], 0, y, 18, color=WHITE)

    def ready(self) -> dict[str, Any] | None:
        """The answer so far; None where one is required and missing."""
        raise NotImplementedError

    def draw_button(self) -> None:
        """Draw heading and button; grey while an answer is missing."""
        self.title.draw()
        ready = self.ready() is not None
        if ready != self.lit:
            self.lit = ready
            self.button.fillColor = STRONG if ready else UNREADY
        self.button.draw()
        self.label.draw()

    def finish(self, press: Press | None, clicked: bool) -> Given | None:
        """The answer, if Enter or the button asks for it and it is there."""
        said = self.ready()
        if said is None:
            return None
        if press is not None:
            return Given(said, press.at, "key", press.timed_by)
        return Given(said, core.getTime(), "pointer", "window") if clicked else None

    def close(self) -> None:
        """Nothing to give back."""


class Boxes(Continued):
    """Any number of options; number keys or clicks tick them."""

    def __init__(self, screen: Screen, task: dict[str, Any], top: float) -> None:
        """Lay the boxes out below `top`."""
        super().__init__(screen, task, top)
        labels, self.ticked = task["options"], set()
        rows = ceil(len(labels) / MOST_BOXES_IN_A_ROW)
        self.offers = []
        for number, (label, (x, y, wide)) in enumerate(
            zip(labels, grid(len(labels), rows, self.below, screen.width), strict=True), start=1
        ):
            key = key_for(number)
            words = f"{key}  {label}" if key else label
            self.offers.append(
                Offer(screen.box(x, y, wide, 46), screen.text(words, x, y, 18, width=wide - 12),
                      key, {"box": number})
            )  # fmt: skip
        self.lay_button(self.offers[-1].box.pos[1] - 60)

    def ready(self) -> dict[str, Any] | None:
        """The ticked boxes."""
        if not self.ticked and self.task["required"]:
            return None
        return {"boxes": sorted(self.ticked)}

    def draw(self) -> None:
        """Draw question, boxes and button."""
        self.draw_button()
        for offer in self.offers:
            offer.draw(offer.said["box"] in self.ticked)

    def take(self, presses: Sequence[Press], click: tuple[float, float] | None) -> Given | None:
        """Tick what is asked for; the answer once Continue is."""
        for press in presses:
            for offer in self.offers:
                if press.key == offer.key:
                    self._toggle(offer.said["box"])
            if press.key == "return" and (given := self.finish(press, False)) is not None:
                return given
        for offer in self.offers:
            if click is not None and offer.box.contains(click):
                self._toggle(offer.said["box"])
        return self.finish(None, click is not None and self.button.contains(click))

    def _toggle(self, box: int) -> None:
        if box in self.ticked:
            self.ticked.remove(box)
            return
        alone = self.task["exclusive"]
        lonely = self.task["options"].index(alone) + 1 if alone else None
        if box == lonely:
            self.ticked.clear()
        self.ticked.discard(lonely)
        self.ticked.add(box)


class Typed(Continued):
    """Words; Enter or the button ends them."""

    def __init__(self, screen: Screen, task: dict[str, Any], top: float) -> None:
        """Lay the field out below `top`."""
        super().__init__(screen, task, top)
        y = self.below - 45
        self.field = visual.TextBox2(
            screen.win, "", font=SHIPPED_FONT, pos=(0, y), size=(700, 90), units="pix",
            letterHeight=20, color=INK, fillColor=PAPER, borderColor=(74, 74, 74),
            colorSpace="rgb255", editable=True, padding=8, alignment="top-left",
        )  # fmt: skip
        screen.win.currentEditable = self.field
        self.lay_button(y - 85)

    @property
    def words(self) -> str:
        """What was typed."""
        return self.field.text.strip()[: self.task["max_length"]]

    def ready(self) -> dict[str, Any] | None:
        """The words; nothing where they may be left out."""
        if self.words:
            return {"text": self.words}
        return None if self.task["required"] else {}

    def draw(self) -> None:
        """Draw question, field and button."""
        self.draw_button()
        self.field.draw()

    def take(self, presses: Sequence[Press], click: tuple[float, float] | None) -> Given | None:
        """The answer once Continue is asked for."""
        for press in presses:
            if press.key == "return" and (given := self.finish(press, False)) is not None:
                return given
        return self.finish(None, click is not None and self.button.contains(click))

    def close(self) -> None:
        """Keys go elsewhere again."""
        self.screen.win.currentEditable = None
        self.field.editable = False


def grid(count: int, rows: int, top: float, room: float) -> list[tuple[float, float, float]]:
    """Middle (x, y) and width of `count` boxes in so many rows below `top`."""
    columns = ceil(count / rows)
    wide = min(220.0, (room - 60) / columns - 10)
    out = []
    for place in range(count):
        row, column = divmod(place, columns)
        here = min(columns, count - row * columns)
        x = (wide + 10) * (column - (here - 1) / 2)
        out.append((x, top - 26 - 58 * row, wide))
    return out
