"""Clicks, types and stops in a lab folder; prints what was answered as JSON.

python lab_hands.py LAB      with PsychoPy's own Python
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

from Xlib import XK, X, display
from Xlib.ext import xtest

sys.path.insert(0, sys.argv[1])

from player.asking import question_of
from player.screen import Screen, Withdrawn
from psychopy import core

WORDS = json.loads(Path(sys.argv[1], "study.json").read_text(encoding="utf-8"))["words"]
server = display.Display()
screen = Screen(WORDS, full=False, size=(1000, 800))


def move_and_click(x: float, y: float) -> None:
    """(x, y) in pixels from the middle of the window, y upwards."""
    place = server.get_input_focus().focus
    try:
        corner = place.translate_coords(server.screen().root, 0, 0)
        left, top = -corner.x, -corner.y
    except AttributeError:  # the focus is the root window: the window is centred
        root = server.screen().root.get_geometry()
        left, top = (root.width - 1000) // 2, (root.height - 800) // 2
    xtest.fake_input(server, X.MotionNotify, x=int(left + 500 + x), y=int(top + 400 - y))
    for kind in (X.ButtonPress, X.ButtonRelease):
        xtest.fake_input(server, kind, 1)
        server.sync()
        time.sleep(0.15)


def press(*names: str) -> None:
    for name in names:
        code = server.keysym_to_keycode(XK.string_to_keysym(name))
        for kind in (X.KeyPress, X.KeyRelease):
            xtest.fake_input(server, kind, code)
            server.sync()
            time.sleep(0.1)


def ask(task: dict, act) -> dict:
    """What `task` is answered when `act(question)` moves the hands."""
    common = {"id": "q", "words": "How?", "required": True, "second": False}
    question = question_of(screen, {**common, **task}, 200, None)
    question.draw()
    screen.clear(screen.flip())
    threading.Timer(0.5, act, [question]).start()
    end = core.getTime() + 60
    while core.getTime() < end:
        question.draw()
        screen.flip()
        given = question.take(screen.presses(question.draw), screen.click())
        if given is not None:
            question.close()
            return {**given.said, "by": given.by}
    return {"nothing": True}


def click_offer(place: int):
    return lambda question: move_and_click(*question.offers[place].box.pos)


def click_two(question) -> None:
    for place in (0, 2, 1):  # Nothing, the third, takes the first away and goes with the second
        move_and_click(*question.offers[place].box.pos)
    move_and_click(*question.button.pos)


def click_line(question) -> None:
    move_and_click(150, question.y)  # three quarters of a line of 600 pixels
    move_and_click(*question.button.pos)


def click_grid(question) -> None:
    move_and_click(-60, question.middle + 90)  # two places to the left, three up


line = {"type": "slider", "left": "low", "middle": None, "right": "high", "low": 0, "high": 100,
        "step": 1, "show_number": True}  # fmt: skip
around = ("left", "right", "top", "bottom", "top_left", "top_right", "bottom_left", "bottom_right")
grid = {"type": "affect-grid", "points": 9, "around": dict.fromkeys(around, "words")}
likert = {"type": "likert", "points": 9, "anchors": {"1": "low", "9": "high"}}
boxes = {"type": "checkboxes", "options": ["Eyes", "Mouth", "Nothing"], "exclusive": "Nothing"}
text = {"type": "free-text", "max_length": 100}
said = {
    "clicked": ask(likert, click_offer(6)),
    "second": ask({"type": "forced-choice", "options": ["A", "B"], "second": True},
                  lambda question: press("3")),  # None comes after the options
    "skipped": ask({**likert, "required": False}, lambda question: press("0")),
    "number block": ask(likert, lambda question: press("KP_4")),
    "ticked": ask(boxes, click_two),
    "line": ask(line, click_line),
    "line by keys": ask(line, lambda question: press("Left", "Right", "Prior", "Return")),
    "grid": ask(grid, click_grid),
    "grid by keys": ask(grid, lambda question: press("Up", "Up", "Right", "Return")),
    "typed": ask(text, lambda question: press("h", "i", "Escape", "1", "i", "Return")),
}  # fmt: skip
said["hidden"] = screen.hidden_s > 0
try:
    ask(likert, lambda question: press("Escape", "2"))
except Withdrawn:
    said["withdrawn"] = True
screen.close()
sys.stdout.write(json.dumps(said) + "\n")
