"""The window: what is drawn, when it was flipped, how many frames came late; pages of text.

Places and sizes are in pixels of the screen, (0, 0) is the middle. Times are seconds on the clock
of `Window.flip`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from psychopy import core, event, logging, visual

from .keys import Keys, Press
from .records import LabError
from .triggers import NoTrigger

GROUND = (128, 128, 128)  # middle grey, the ground of the pictures themselves
PAPER, INK, LINE, STRONG = (246, 246, 244), (0, 0, 0), (74, 74, 74), (23, 55, 94)
WARNING, WHITE, BLACK = (150, 20, 20), (255, 255, 255), (0, 0, 0)
FONT = "Arial"
LETTER = 22  # pixels
LONG = 1.5  # a frame that lasts more than this many refreshes is long
PATCH = 80  # pixels of the photodiode's square
CORNERS = ("bottom-left", "bottom-right", "top-left", "top-right")
PAGE_WIDTH, MARGIN, BUTTON = 860, 40, 70
Drawer = Callable[[], object]


class Interrupted(Exception):
    """The experimenter stops here; the session goes on later."""


class Withdrawn(Exception):
    """The participant does not want the answers to be used."""


@dataclass(frozen=True)
class Page:
    """What is drawn of a page, and the height at which it ends."""

    stims: Sequence[Any]
    bottom: float


class Screen:
    """The participant's window, keyboard and mouse."""

    Interrupted, Withdrawn = Interrupted, Withdrawn

    def __init__(
        self,
        words: dict[str, str],
        full: bool,
        number: int = 0,
        size: Sequence[int] = (1024, 768),
        pilot: bool = False,
        patch: str | None = None,
    ) -> None:
        """Open the window.

        Args:
            words: the words of the study's language.
            full: fullscreen; else a window of `size`.
            number: of the screen, from 0.
            size: width and height of a window.
            pilot: mark every page.
            patch: corner of the photodiode's square, or None.
        """
        logging.console.setLevel(logging.ERROR)
        self.words = words
        self.win = visual.Window(
            size=tuple(size), fullscr=full, screen=number, units="pix", color=GROUND,
            colorSpace="rgb255", allowGUI=not full, checkTiming=False, waitBlanking=True,
        )  # fmt: skip
        self.win.mouseVisible = True
        self.keys, self.mouse = Keys(), event.Mouse(win=self.win)
        self.trigger: Any = NoTrigger()
        self.hidden_s = 0.0  # for which the question of this trial was covered
        self._clicked = 0.0  # moment of the last click that was seen
        self._since = 0.0  # presses before this moment do not count
        self._last: float | None = None
        self._intervals: list[float] = []
        high = self.height / 2 - 16
        self._banner = [
            self.box(0, high, 560, 30, WARNING, None),
            self.text(words["pilot"], 0, high, 18, bold=True, color=WHITE),
        ]
        self._pilot = pilot
        self._patch = None if patch is None else self._square(patch)
        hz = self.win.getActualFrameRate(nMaxFrames=120, nWarmUpFrames=10, infoMsg=" ")
        self.hz = None if hz is None else float(hz)

    @property
    def width(self) -> int:
        """Of the window."""
        return int(self.win.size[0])

    @property
    def height(self) -> int:
        """Of the window."""
        return int(self.win.size[1])

    def close(self) -> None:
        """Give the screen back."""
        self.trigger.close()
        self.win.close()

    # frames

    def flip(self, lit: bool = False) -> float:
        """Show what was drawn; returns the moment. `lit`: the photodiode's square is white."""
        for stim in self._banner if self._pilot else ():
            stim.draw()
        if self._patch is not None:
            self._patch.fillColor = WHITE if lit else BLACK
            self._patch.draw()
        self.trigger.rest()
        at = self.win.flip()
        at = core.getTime() if at is None else float(at)
        if self._last is not None:
            self._intervals.append(at - self._last)
        self._last = at
        return at

    def count(self) -> None:
        """Count frames from the last flip on."""
        self._intervals = []

    def counted(self) -> dict[str, Any]:
        """Frames since `count`, how many lasted too long, and the longest, in ms."""
        period = 1 / self.hz if self.hz else self.win.monitorFramePeriod or 1 / 60
        late = sum(interval > LONG * period for interval in self._intervals)
        longest = max(self._intervals, default=0.0)
        return {"frames": len(self._intervals), "long_frames": int(late),
                "longest_ms": round(1000 * float(longest), 1)}  # fmt: skip

    def blank(self, seconds: float, meanwhile: Drawer = lambda: None) -> None:
        """Empty ground for at least so long; `meanwhile` is called once."""
        end = self.flip() + seconds
        meanwhile()
        while self.flip() < end:
            pass

    # what people do

    def clear(self, until: float | None = None) -> None:
        """Forget keys and clicks until a moment (now, if left out)."""
        if until is None:
            self.keys.clear()
        self._since = core.getTime() if until is None else until
        self._clicked = self._last_click()

    def pressed(self) -> list[Press]:
        """Keys since the last call that count."""
        return [press for press in self.keys.pressed() if press.at > self._since]

    def presses(self, redraw: Drawer) -> list[Press]:
        """Keys since the last call; the escape key asks whether to stop, then draws again."""
        found = self.pressed()
        if any(press.key == "escape" for press in found):
            began = core.getTime()
            self._ask_to_stop()
            redraw()
            self.hidden_s += self.flip() - began
            return []
        return found

    def click(self) -> tuple[float, float] | None:
        """Where the mouse was pressed since the last call, if it was."""
        last, before = self._last_click(), self._clicked
        self._clicked = last
        return None if last == before else tuple(self.mouse.getPos())  # type: ignore[return-value]

    def _last_click(self) -> float:
        """A click that is over before it is looked for counts too."""
        return float(self.mouse.getPressed(getTime=True)[1][0])

    def _ask_to_stop(self) -> None:
        options = [self.words[name] for name in ("stop_no", "stop_yes", "stop_later")]
        field = self.win.currentEditable  # it would take the keys of this page for words
        words = field.text if field is not None else ""
        chosen = self.choose(f"# {self.words['stop_question']}", options, can_stop=False)
        if field is not None:
            field.text = words
            field.caret.index = len(words)
        if chosen == 1:
            raise Withdrawn
        if chosen == 2:
            raise Interrupted

    # drawing

    def text(
        self, words: str, x: float, y: float, letter: float = LETTER, *,
        width: float | None = None, bold: bool = False, color: Sequence[int] = INK,
        align: str = "center", anchor: str = "center",
    ) -> Any:  # fmt: skip
        """Words at (x, y); `anchor`: center or top."""
        return visual.TextStim(
            self.win, text=words, font=FONT, pos=(x, y), height=letter, units="pix", bold=bold,
            color=color, colorSpace="rgb255", wrapWidth=width or self.width - 2 * MARGIN,
            alignText=align, anchorHoriz="left" if align == "left" else "center",
            anchorVert=anchor,
        )  # fmt: skip

    def box(
        self, x: float, y: float, width: float, height: float,
        fill: Sequence[int] | None = PAPER, line: Sequence[int] | None = LINE,
    ) -> Any:  # fmt: skip
        """A rectangle around (x, y)."""
        return visual.Rect(
            self.win, width=width, height=height, pos=(x, y), units="pix", colorSpace="rgb255",
            fillColor=fill, lineColor=line, lineWidth=2,
        )  # fmt: skip

    def _square(self, corner: str) -> Any:
        x = (self.width - PATCH) / 2 * (-1 if "left" in corner else 1)
        y = (self.height - PATCH) / 2 * (-1 if "bottom" in corner else 1)
        return self.box(x, y, PATCH, PATCH, BLACK, None)

    # pages

    def read(self, lines: str, can_stop: bool = True) -> None:
        """Pages of text; the space bar, Enter or a click on the button goes on."""
        for page in self._pages(lines, BUTTON):
            self._go_on(page, can_stop)

    def wait(self, stims: Sequence[Any]) -> None:
        """These, until the space bar, Enter or a click on the button goes on."""
        self._go_on(Page(stims, -self.height / 2 + MARGIN + BUTTON))

    def _go_on(self, page: Page, can_stop: bool = True) -> None:
        self._show(page, [self.words["go_on"]], ("space", "return"), can_stop)

    def choose(self, lines: str, options: Sequence[str], can_stop: bool = True) -> int:
        """A text with several buttons under it; returns the place of the one that was taken."""
        pages = self._pages(lines, BUTTON * len(options))
        for page in pages[:-1]:
            self._go_on(page, can_stop)
        numbered = [f"{place}   {option}" for place, option in enumerate(options, start=1)]
        keys = [str(place) for place in range(1, len(options) + 1)]
        return self._show(pages[-1], numbered, keys, can_stop, one_each=True)

    def farewell(self, lines: str, seconds: float = 4) -> None:
        """A last page that goes by itself, or with the space bar."""
        page = self._pages(lines, 0)[0]
        self.clear()
        began = core.getTime()
        while core.getTime() - began < seconds:
            for stim in page.stims:
                stim.draw()
            self.flip()
            if any(press.key in ("space", "return") for press in self.pressed()):
                return

    def _show(
        self, page: Page, options: Sequence[str], keys: Sequence[str],
        can_stop: bool = True, one_each: bool = False,
    ) -> int:  # fmt: skip
        width = min(PAGE_WIDTH, self.width - 2 * MARGIN)
        places = [page.bottom - BUTTON * (place + 0.6) for place in range(len(options))]
        buttons = [
            self.box(0, y, width if one_each else 320, 54, PAPER if one_each else STRONG)
            for y in places
        ]
        labels = [
            self.text(option, 0, y, 20, width=width - 40, color=INK if one_each else WHITE)
            for option, y in zip(options, places, strict=True)
        ]

        def draw() -> None:
            for stim in (*page.stims, *buttons, *labels):
                stim.draw()

        self.clear()
        draw()
        self.clear(self.flip())
        while True:
            draw()
            self.flip()
            presses = self.presses(draw) if can_stop else self.pressed()
            for press in presses:
                if press.key in keys:
                    return keys.index(press.key) if one_each else 0
            at = self.click()
            for place, button in enumerate(buttons):
                if at is not None and button.contains(at):
                    return place

    def _pages(self, lines: str, below: float) -> list[Page]:
        """The lines of a text on as many pages as they need; `below`: room for buttons."""
        width = min(PAGE_WIDTH, self.width - 2 * MARGIN)
        left, top = -width / 2 + MARGIN, self.height / 2 - MARGIN
        lowest = -self.height / 2 + MARGIN + below + 20
        pages: list[list[Any]] = [[]]
        ends = [top - 24.0]
        for line in filter(None, (line.strip() for line in lines.split("\n"))):
            title = line.startswith("# ")
            stim = self.text(
                line.removeprefix("# "), left, ends[-1], 28 if title else LETTER,
                width=width - 2 * MARGIN, bold=title, align="left", anchor="top",
            )  # fmt: skip
            high = stim.boundingBox[1]
            if ends[-1] - high < lowest and pages[-1]:
                pages.append([])
                ends.append(top - 24.0)
                stim.pos = (left, ends[-1])
            pages[-1].append(stim)
            ends[-1] -= high + 16
        return [
            self._in_the_middle(page, width, top, end, below)
            for page, end in zip(pages, ends, strict=True)
        ]

    def _in_the_middle(
        self, page: list[Any], width: float, top: float, end: float, below: float
    ) -> Page:
        """The lines between heights `top` and `end` on paper, with their buttons in the middle."""
        shift = max(0.0, (self.height - 2 * MARGIN - (top - end) - below) / 2)
        for stim in page:
            stim.pos = (stim.pos[0], stim.pos[1] - shift)
        paper = self.box(0, (top + end) / 2 - shift, width, top - end, line=None)
        return Page([paper, *page], end - shift)


def check_room(screen: Screen, width: float, height: float) -> None:
    """Refuse a screen on which a stimulus and its question do not fit; sizes in pixels."""
    if screen.width < width or screen.height < height:
        raise LabError(
            f"the window has {screen.width} x {screen.height} pixels, but stimuli and questions "
            f"need {width:.0f} x {height:.0f}; take a larger screen (stimuli are never shrunk)"
        )
