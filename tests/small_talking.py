"""A small network of talking faces, sounds for it, and the sound of finished files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from models.talking_face.network import TalkingFace
from models.talking_face.settings import Filters, SpeechSettings, TalkingFaceSettings
from protocols.protocol import Protocol
from protocols.reading import load
from stimuli.video import pyav
from tests.untrained import begun

SMALL = TalkingFaceSettings(
    size=64, widths=(6, 8, 8), picture=12, emotion=8, noise=6, hidden=24, last_kernel=3,
    speech=SpeechSettings(
        filters=(Filters(4, 63, 4), Filters(4, 31, 4), Filters(4, 17, 2), Filters(4, 9, 2),
                 Filters(4, 1, 1)), width=12, layers=1,
    ),
)  # fmt: skip
EYES = np.array([[90.0, 80.0], [150.0, 84.0]])
RATE = 22_050
GAIN = 4.0


def tiny() -> TalkingFace:
    """A small network that was never trained, but whose pictures move with all that it is told."""
    return begun(TalkingFace(SMALL), GAIN)


def voice(seconds: float = 0.5, hertz: float = 220.0, rate: int = RATE) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return 0.3 * np.sin(2 * np.pi * hertz * t) * (0.6 + 0.4 * np.sin(30 * t))


def decoded(path: Path) -> np.ndarray:
    """The samples of a file's sound."""
    with pyav().open(str(path)) as file:
        return np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])


def loaded(home: Path, text: str, changed: Mapping[str, str]) -> Protocol:
    """A protocol in `home`, with what stands there changed."""
    for old, new in changed.items():
        assert old in text
        text = text.replace(old, new)
    (home / "study.yaml").write_text(text)
    return load(home / "study.yaml")
