"""One stimulus at its own size: a picture, a sound with or without a picture, a video.

A picture stays. Sound and video are played once, from the flip at which they begin to their end.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psychopy import logging, prefs, visual

from .records import LabError
from .screen import Screen

EARLY_S = 0.1  # before its duration, from which a report that it has ended is believed
GRACE_S = 0.5  # beyond its duration, after which a medium counts as over
REPORTED = ("StartTime", "RequestedStartTime", "PredictedLatency", "XRuns", "SampleRate")


def choose_audio(library: str) -> None:
    """Which library plays sounds (ptb or sounddevice); must come before the first sound."""
    prefs.hardware["audioLib"] = [library]


class Showing:
    """A medium that is loaded: `draw` draws it, `start` begins with the next flip."""

    def __init__(self, screen: Screen) -> None:
        """Nothing yet; `screen`: where it will be shown."""
        self.screen, self.stims, self.seconds = screen, [], 0.0
        self.sound: Any = None
        self.movie: Any = None
        self.ended: dict[str, Any] = {}

    def load(self, medium: dict[str, Any] | None, folder: Path) -> None:
        """Load a medium; without one nothing is shown.

        Args:
            medium: `kind`, `src`, `width`, `height`, `duration_ms` and perhaps a `picture`.
            folder: of the study.
        """
        if medium is None:
            return
        picture = medium if medium["kind"] == "image" else medium.get("picture")
        if picture:
            self.stims = [_image(self.screen, picture, folder)]
        if medium["kind"] == "audio":
            self.sound = _sound(folder / medium["src"])
        elif medium["kind"] == "video":
            self.movie = _movie(self.screen, medium, folder)
            self.stims = [self.movie]
        if self.plays:
            planned = medium.get("duration_ms")
            player = self.movie if self.sound is None else self.sound
            self.seconds = planned / 1000 if planned else float(player.duration)

    @property
    def height(self) -> float:
        """Of what is seen, in pixels."""
        return float(self.stims[0].size[1]) if self.stims else 0.0

    def place(self, y: float) -> None:
        """Show it with its middle at height `y`."""
        for stim in self.stims:
            stim.pos = (0, y)

    @property
    def plays(self) -> bool:
        """Whether it takes its time."""
        return self.sound is not None or self.movie is not None

    def draw(self) -> None:
        """Draw the picture, or the video's frame."""
        for stim in self.stims:
            stim.draw()

    def start(self) -> None:
        """Begin with the next flip."""
        if self.sound is not None:
            self.sound.play(when=self.screen.win)
        if self.movie is not None:
            self.movie.play()

    def over(self, now: float, onset: float) -> bool:
        """Whether it has ended: as PsychoPy reports it, or by its duration and half a second."""
        if self.ended or not self.plays:
            return True
        player = self.movie if self.sound is None else self.sound
        reported = bool(player.isFinished) and now - onset > self.seconds - EARLY_S
        if reported or now - onset > self.seconds + GRACE_S:
            self.ended = {"media_ms": round(1000 * (now - onset), 1),
                          "planned_ms": round(1000 * self.seconds, 1),
                          "ended": "reported" if reported else "by its duration",
                          **self._audio(onset)}  # fmt: skip
        return bool(self.ended)

    def _audio(self, onset: float) -> dict[str, Any]:
        if self.sound is None:
            return {} if self.movie is None else {"audio": "in the video, not synchronised"}
        return told_of(self.sound, onset)

    def close(self) -> None:
        """Give memory and files back."""
        if self.sound is not None:
            self.sound.stop()
        if self.movie is not None:
            self.movie.unload()


def told_of(sound: Any, onset: float) -> dict[str, Any]:
    """What the library says of a sound: latency, and when it began after the flip at `onset`."""
    said: dict[str, Any] = {"audio": prefs.hardware["audioLib"][0]}
    status = getattr(sound, "statusDetailed", None)
    if isinstance(status, dict):
        said |= {key: round(float(status[key]), 6) for key in REPORTED if key in status}
        began = said.get("StartTime") or 0.0
        if began:
            on_our_clock = began - logging.defaultClock.getLastResetTime()
            said["audio_after_flip_ms"] = round(1000 * (on_our_clock - onset), 2)
    elif (latency := _latency_of(sound)) is not None:
        said["latency_s"] = round(latency, 6)
    return said


def _latency_of(sound: Any) -> float | None:
    """Seconds from a sample to the loudspeaker, as sounddevice's stream reports it."""
    try:
        return float(sound.stream.latency)
    except (AttributeError, KeyError, TypeError):
        return None


def _image(screen: Screen, picture: dict[str, Any], folder: Path) -> Any:
    size = (picture["width"], picture["height"]) if picture.get("width") else None
    return visual.ImageStim(screen.win, str(folder / picture["src"]), units="pix",
                            size=size, interpolate=True)  # fmt: skip


def _sound(file: Path) -> Any:
    from psychopy import sound

    try:
        return sound.Sound(str(file))
    except Exception as error:  # drivers fail in many ways
        raise LabError(
            f"{file.name}: no sound can be played ({str(error).strip().splitlines()[0]}); is a "
            "loudspeaker connected? The option --audio sounddevice takes another library"
        ) from None


def _movie(screen: Screen, medium: dict[str, Any], folder: Path) -> Any:
    size = (medium["width"], medium["height"]) if medium.get("width") else None
    return visual.MovieStim(screen.win, str(folder / medium["src"]), units="pix",
                            size=size, autoStart=False)  # fmt: skip
