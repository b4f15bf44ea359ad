"""Plays a lab study with key presses of the X server: run it with PsychoPy's own Python.

python lab_robot.py SCRIPT SECONDS [options …]   with SECONDS between two presses
"""

from __future__ import annotations

import itertools
import runpy
import sys
import threading
import time
from pathlib import Path

from Xlib import XK, X, display
from Xlib.ext import xtest

HELD_S = 0.05


def press_for_ever(pause: float) -> None:
    """A number, the space bar, Enter: one of them goes on from every page and question."""
    server = display.Display()
    for name in itertools.cycle(("1", "space", "Return", "3", "space", "Return")):
        code = server.keysym_to_keycode(XK.string_to_keysym(name))
        for kind in (X.KeyPress, X.KeyRelease):
            xtest.fake_input(server, kind, code)
            server.sync()
            time.sleep(HELD_S if kind == X.KeyPress else pause)


script, seconds, *options = sys.argv[1:]
sys.argv = [script, *options]
sys.path.insert(0, str(Path(script).parent))
threading.Thread(target=press_for_ever, args=(float(seconds),), daemon=True).start()
runpy.run_path(script, run_name="__main__")
