"""Answers that are placed: on a line between two anchors, and in an affect grid.

The line has no handle until the first click or key, so that nobody is drawn to a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psychopy import core

from .asking import SKIP_KEY, Continued, Given, Offer, heading
from .keys import Press
from .screen import INK, LINE, PAPER, STRONG, WHITE, Screen

LENGTH, REACH = 600, 40  # pixels of a line, and how far from it a click counts
HANDLE = (22, 34)  # pixels
PAGE = 0.1  # of a line, which the page keys go
CELL = 30  # pixels of a place in a grid
SIDE = 150  # pixels for the words beside it
WORDS = 34  # pixels for the words above and below it
TOP = 60  # pixels of the question above it
ARROWS = {"left": (-1, 0), "right": (1, 0), "down": (0, -1), "up": (0, 1)}


def grid_room(points: int) -> int:
    """Pixels that a grid needs from top to bottom, with its question."""
    return TOP + 2 * WORDS + CELL * points + 60


class Placed(Continued):
    """A line; clicks, drags and keys move the handle, Continue takes its place."""

    def __init__(self, screen: Screen, task: dict[str, Any], top: float) -> None:
        """Lay the line out below `top`."""
        super().__init__(screen, task, top)
        self.last = round((task["high"] - task["low"]) / task["step"]) + 1
        self.place: int | None = None
        self.held = False  # whether the mouse holds the handle
        self.y = self.below - (46 if task["show_number"] else 24)
        half = LENGTH / 2
        self.line = [
            screen.box(0, self.y, LENGTH, 3, INK, None),
            *(screen.box(x, self.y, 3, 18, INK, None) for x in (-half, half)),
        ]
        ends = ((task["left"], -half), (task["middle"] or "", 0), (task["right"], half))
        self.ends = [
            screen.text(words, x, self.y - 24, 18, width=LENGTH / 3 - 10, anchor="top")
            for words, x in ends
            if words
        ]
        self.handle = screen.box(0, self.y, *HANDLE, STRONG, WHITE)
        self.number = screen.text("", 0, self.y + 34, 18) if task["show_number"] else None
        lowest = max(stim.boundingBox[1] for stim in self.ends)
        self.lay_button(self.y - 24 - lowest - 44)

    def ready(self) -> dict[str, Any] | None:
        """The place on the line; nothing where it may be left out."""
        if self.place is None:
            return None if self.task["required"] else {}
        return {"choice": self.place}

    def draw(self) -> None:
        """Draw question, line, handle and button."""
        self.draw_button()
        for stim in (*self.line, *self.ends):
            stim.draw()
        if self.place is not None:
            self.handle.draw()
            if self.number is not None:
                self.number.draw()

    def take(self, presses: Sequence[Press], click: tuple[float, float] | None) -> Given | None:
        """Move the handle; the answer once Continue is asked for."""
        for press in presses:
            self._press(press.key)
            if press.key == "return" and (given := self.finish(press, False)) is not None:
                return given
        half = LENGTH / 2 + HANDLE[0]
        if click is not None and abs(click[0]) <= half and abs(click[1] - self.y) <= REACH:
            self.held = True
            self._go(self._place_at(click[0]))
        if self.held:
            self.held = bool(self.screen.mouse.getPressed()[0])
            if self.held:
                self._go(self._place_at(float(self.screen.mouse.getPos()[0])))
        return self.finish(None, click is not None and self.button.contains(click))

    def _place_at(self, x: float) -> int:
        return round((x / LENGTH + 0.5) * (self.last - 1)) + 1

    def _press(self, key: str) -> None:
        page = max(1, round(PAGE * (self.last - 1)))
        steps = {"left": -1, "down": -1, "right": 1, "up": 1, "pagedown": -page, "pageup": page}
        if key in ("home", "end"):
            self._go(1 if key == "home" else self.last)
        elif key in steps:  # the first key brings the handle, to the middle
            middle = (self.last + 1) // 2
            self._go(middle if self.place is None else self.place + steps[key])

    def _go(self, place: int) -> None:
        self.place = min(max(place, 1), self.last)
        x = ((self.place - 1) / (self.last - 1) - 0.5) * LENGTH
        self.handle.pos = (x, self.y)
        if self.number is not None:
            value = self.task["low"] + (self.place - 1) * self.task["step"]
            self.number.text = f"{round(value, 9):g}"
            self.number.pos = (x, self.y + 34)


class Grid:
    """The affect grid: one click, or arrow keys and Enter, takes a place."""

    def __init__(self, screen: Screen, task: dict[str, Any], top: float) -> None:
        """Lay the grid out below `top`."""
        self.screen, self.points = screen, task["points"]
        self.title = heading(screen, task, top, hint=False)
        below = top - max(28, self.title.boundingBox[1]) - 14
        side = CELL * self.points
        self.middle = below - WORDS - side / 2
        self.cursor: tuple[int, int] | None = None
        self.chosen: tuple[int, int] | None = None
        self.stims = [self.title, screen.box(0, self.middle, side, side, PAPER, INK)]
        for n in range(1, self.points):
            at = CELL * n - side / 2
            for width, height, x, y in ((1, side, at, 0), (side, 1, 0, at)):
                self.stims.append(screen.box(x, self.middle + y, width, height, LINE, None))
        self.stims += self._words(task["around"], side)
        self.mark = screen.box(0, 0, CELL - 6, CELL - 6, None, STRONG)
        self.mark.lineWidth = 4
        self.taken = screen.box(0, 0, CELL - 2, CELL - 2, STRONG, None)
        self.skip = None
        if not task["required"]:
            y = self.middle - side / 2 - WORDS - 26
            words = screen.text(f"{SKIP_KEY}   {screen.words['skip']}", 0, y, 18)
            self.skip = Offer(screen.box(0, y, 220, 40), words, SKIP_KEY, {})

    def _words(self, words: dict[str, str], side: float) -> list[Any]:
        across, up = side / 2 + SIDE / 2 + 8, side / 2 + WORDS / 2
        places = {
            "top_left": (-across, up), "top": (0, up), "top_right": (across, up),
            "left": (-across, 0), "right": (across, 0),
            "bottom_left": (-across, -up), "bottom": (0, -up), "bottom_right": (across, -up),
        }  # fmt: skip
        return [
            self.screen.text(words[name].replace("\u00ad", ""), x, self.middle + y, 17,
                             width=side if x == 0 else SIDE, bold="_" not in name)
            for name, (x, y) in places.items()
        ]  # fmt: skip

    def draw(self) -> None:
        """Draw question, grid, and where the keys are."""
        for stim in self.stims:
            stim.draw()
        if self.skip is not None:
            self.skip.draw()
        for place, stim in ((self.chosen, self.taken), (self.cursor, self.mark)):
            if place is not None:
                stim.pos = self._at(place)
                stim.draw()

    def take(self, presses: Sequence[Press], click: tuple[float, float] | None) -> Given | None:
        """The place that these keys or this click take, if they take one."""
        for press in presses:
            if press.key in ARROWS:
                self._move(ARROWS[press.key])
            elif press.key == "return" and self.cursor is not None:
                return self._given(self.cursor, press.at, "key", press.timed_by)
            elif self.skip is not None and press.key == self.skip.key:
                return Given({}, press.at, "key", press.timed_by)
        if click is None:
            return None
        if self.skip is not None and self.skip.box.contains(click):
            return Given({}, core.getTime(), "pointer", "window")
        place = self._place_at(click)
        return None if place is None else self._given(place, core.getTime(), "pointer", "window")

    def close(self) -> None:
        """Nothing to give back."""

    def _given(self, place: tuple[int, int], at: float, by: str, timed_by: str) -> Given:
        self.chosen, self.cursor = place, None
        return Given({"place": place}, at, by, timed_by)

    def _move(self, step: tuple[int, int]) -> None:
        """The first arrow key brings the mark, to the middle."""
        middle = (self.points + 1) // 2
        if self.cursor is None:
            self.cursor = (middle, middle)
            return
        x, y = (min(max(at + by, 1), self.points) for at, by in zip(self.cursor, step, strict=True))
        self.cursor = (x, y)

    def _at(self, place: tuple[int, int]) -> tuple[float, float]:
        """The middle of a place, in pixels."""
        centre = (self.points + 1) / 2
        return CELL * (place[0] - centre), self.middle + CELL * (place[1] - centre)

    def _place_at(self, click: tuple[float, float]) -> tuple[int, int] | None:
        half = CELL * self.points / 2
        right, up = click[0] + half, click[1] - self.middle + half
        if not (0 <= right < 2 * half and 0 <= up < 2 * half):
            return None
        return int(right // CELL) + 1, int(up // CELL) + 1
