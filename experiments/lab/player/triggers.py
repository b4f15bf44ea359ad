"""Trigger codes to a recorder (EEG, eye tracker), sent right after the flip.

An onset's code is the first thing that `Window.flip` sends once the frame is swapped and its time
taken (`callOnFlip`); an answer's goes out once its key or click is read.

`serial:PORT` or `serial:PORT:BAUD` writes one byte; `parallel:ADDRESS` sets the data pins and
clears them with the next frame; `lsl` or `lsl:NAME` sends the code as a marker of Lab Streaming
Layer. Codes: the number of the trial (1 to 249, then from 1 again) at the onset of a stimulus, 250
at each answer, 253 at the onset of an example, 254 at each start of a session, 255 at its end.
"""

from __future__ import annotations

from typing import Any

from .records import LabError

ANSWER, EXAMPLE, START, END = 250, 253, 254, 255
EVENTS = {"answer": ANSWER, "onset of an example": EXAMPLE, "start": START, "end": END}
BAUD = 115_200


def code_of(trial: int) -> int:
    """The code of a trial's onset, 1 to 249."""
    return (trial - 1) % 249 + 1


class NoTrigger:
    """Nothing listens."""

    def send(self, code: int) -> None:
        """Send one code, 1 to 255."""

    def rest(self) -> None:
        """Called before every flip: pins that hold their level go back to 0."""

    def close(self) -> None:
        """Give the port back."""


class Serial(NoTrigger):
    """One byte for each code."""

    def __init__(self, port: str, baud: int = BAUD) -> None:
        """Open the port, such as COM3 or /dev/ttyUSB0."""
        import serial  # pyright: ignore[reportMissingModuleSource]

        self._port = serial.Serial(port, baud, write_timeout=1)

    def send(self, code: int) -> None:
        """Send one code."""
        self._port.write(bytes([code]))

    def close(self) -> None:
        """Give the port back."""
        self._port.close()


class Parallel(NoTrigger):
    """The code on the data pins, for one frame."""

    def __init__(self, address: int) -> None:
        """Open the port at `address`, such as 0x0378."""
        from psychopy import parallel

        self._port = parallel.ParallelPort(address=address)
        self._port.setData(0)
        self._set = False

    def send(self, code: int) -> None:
        """Set the pins."""
        self._port.setData(code)
        self._set = True

    def rest(self) -> None:
        """Clear the pins."""
        if self._set:
            self._port.setData(0)
            self._set = False

    def close(self) -> None:
        """Leave the pins clear."""
        self.rest()


class Lsl(NoTrigger):
    """A stream of markers."""

    def __init__(self, name: str) -> None:
        """Open the outlet; needs the package pylsl."""
        import pylsl

        info = pylsl.StreamInfo(name, "Markers", 1, 0, "int32", f"mien-{name}")
        self._outlet = pylsl.StreamOutlet(info)

    def send(self, code: int) -> None:
        """Send one code."""
        self._outlet.push_sample([code])


def open_trigger(where: str | None) -> Any:
    """The trigger that the option `--trigger` names; raises LabError if it cannot be opened."""
    if not where:
        return NoTrigger()
    kind, _, rest = where.partition(":")
    try:
        if kind == "serial" and rest:
            port, _, baud = rest.rpartition(":")
            return Serial(port, int(baud)) if port and baud.isdigit() else Serial(rest)
        if kind == "parallel" and rest:
            return Parallel(int(rest, 0))
        if kind == "lsl":
            return Lsl(rest or "mien")
    except ImportError as error:
        raise LabError(f"--trigger {where}: {error}; install it into PsychoPy's Python") from None
    except Exception as error:  # ports fail in many ways
        raise LabError(f"--trigger {where}: cannot be opened: {error}") from None
    raise LabError(
        f"--trigger: found '{where}'; accepted: serial:PORT, parallel:ADDRESS, lsl or lsl:NAME"
    )
