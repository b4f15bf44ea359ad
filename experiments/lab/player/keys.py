"""Key presses with the moment at which they happened, on the clock of `Window.flip`.

PsychoPy's keyboard (Psychtoolbox) times keys to the millisecond but may see none: macOS without the
permission "Input Monitoring", some remote desktops. The window sees them too, timed to the frame.
So both are read; what only the window saw counts after a short wait, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from psychopy import core, event
from psychopy.hardware import keyboard

WAIT_S = 0.1  # after which a key that only the window saw is taken
SAME_S = 0.3  # two sights of one key within this time are one press
NAMES = {"enter": "return", "num_enter": "return", "numpad_enter": "return"}


@dataclass(frozen=True)
class Press:
    """A key and its moment in seconds; `timed_by`: keyboard or window."""

    key: str
    at: float
    timed_by: str


class Keys:
    """The keyboard of the participant."""

    def __init__(self) -> None:
        """Open PsychoPy's precise keyboard where there is one."""
        self._seen: list[Press] = []
        self._waiting: list[Press] = []
        self._precise = None
        try:
            opened = keyboard.Keyboard(backend="ptb")
            if opened.getBackend() == "ptb":
                self._precise = opened
        except Exception as error:  # whatever a driver does, the window's keys remain
            self.trouble = str(error)

    @property
    def backend(self) -> str:
        """Who times the keys where all is well."""
        return "window" if self._precise is None else "keyboard"

    def clear(self) -> None:
        """Forget every press so far."""
        self.pressed()
        self._waiting = []
        event.clearEvents(eventType="keyboard")

    def pressed(self) -> list[Press]:
        """Presses since the last call, in order."""
        found = self._from_keyboard()
        self._seen = [press for press in self._seen if core.getTime() - press.at < 1] + found
        for name, at in event.getKeys(timeStamped=True):
            self._waiting.append(Press(_plain(name), at, "window"))
        patience = 0 if self._precise is None else WAIT_S
        ripe = [press for press in self._waiting if core.getTime() - press.at >= patience]
        self._waiting = [press for press in self._waiting if press not in ripe]
        found += [press for press in ripe if not self._known(press)]
        return sorted(found, key=lambda press: press.at)

    def _from_keyboard(self) -> list[Press]:
        """A press that is over before it is read comes as a release only: both are asked for."""
        if self._precise is None:
            return []
        found = []
        for released in (False, True):
            for key in self._precise.getKeys(waitRelease=released):
                press = Press(_plain(str(key.name)), float(key.tDown), "keyboard")
                if press not in self._seen and press not in found:
                    found.append(press)
        return found

    def _known(self, press: Press) -> bool:
        return any(one.key == press.key and abs(one.at - press.at) < SAME_S for one in self._seen)


def _plain(name: str) -> str:
    """Keys of the number block count as those above the letters."""
    name = NAMES.get(name, name)
    for prefix in ("num_", "numpad_"):
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name
