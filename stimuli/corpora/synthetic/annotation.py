"""The annotation of a recording: NAME.npz beside it, exact because nothing had to be measured.

| array | shape | holds |
|---|---|---|
| `weights` | (T, 52) float32 | facial actions of each frame as drawn, blinks included |
| `actions` | (52,) text | their names |
| `strength` | (T,) float32 | m of the emotion, 0 to 1 |
| `eyes` | (T, 2, 2) float64 | x, y in pixels of the actor's left eyeball, then the right one |
| `head` | (T, 3) float64 | yaw to the actor's left, pitch up, roll to the left shoulder, degrees |
| `gaze` | (T, 2) float64 | degrees to the actor's left and up from the lens |
| `phones` | (P,) text | ARPAbet without stress, `sil` is silence; clips only |
| `phone_times` | (P, 2) float64 | start and end of each phone, seconds; clips only |
| `recipe` | text (JSON) | what was asked for, seed and version, files with bytes and SHA-256 |

T frames at 25 a second, one for a picture; frame t shows the time (t + 0.5) / 25 s. Pixel centres
lie at .5; the actor's left eye is on the right of the picture.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from protocols.tables import write_whole
from stimuli.actors import facs
from stimuli.corpora.synthetic.acting import Acted
from stimuli.npz import npz

SUFFIX = ".npz"


@dataclass(frozen=True, eq=False)
class Annotation:
    """What stands in the file."""

    weights: np.ndarray
    strength: np.ndarray
    eyes: np.ndarray
    head: np.ndarray
    gaze: np.ndarray
    phones: tuple[tuple[str, float, float], ...]  # symbol, start and end in seconds
    recipe: dict[str, Any]


def write_annotation(path: Path, acted: Acted, recipe: dict[str, Any]) -> None:
    """Write the annotation of a performance; the same content gives the same bytes."""
    arrays = {
        "weights": acted.weights,
        "actions": np.array(facs.ACTIONS),
        "strength": acted.strength,
        "eyes": acted.eyes,
        "head": acted.head,
        "gaze": acted.gaze,
        "recipe": np.array(json.dumps(recipe, ensure_ascii=False, sort_keys=True)),
    }
    if acted.speech is not None:
        phones = acted.speech.phones
        arrays["phones"] = np.array([phone.symbol for phone in phones])
        arrays["phone_times"] = np.array([(phone.start, phone.end) for phone in phones])
    write_whole(path, npz(**arrays))


def read_annotation(path: Path) -> Annotation:
    """The annotation in a file. Raises OSError, ValueError or KeyError where there is none."""
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            has = {name: file[name] for name in file.files}
    except (zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"{path}: damaged ({error})") from None
    times = has.get("phone_times", np.zeros((0, 2))).tolist()
    symbols = has.get("phones", np.zeros(0, "U3")).tolist()
    return Annotation(
        weights=has["weights"],
        strength=has["strength"],
        eyes=has["eyes"],
        head=has["head"],
        gaze=has["gaze"],
        phones=tuple((s, start, end) for s, (start, end) in zip(symbols, times, strict=True)),
        recipe=json.loads(str(has["recipe"])),
    )
