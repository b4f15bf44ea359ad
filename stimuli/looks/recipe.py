"""What decides about the look of one stimulus, as JSON and in words."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from protocols.generators import LOOK_FACTORS
from protocols.looks import Look
from stimuli.looks.look import Control
from stimuli.looks.match import Target
from stimuli.stimulus import Stimulus

VERSION = 1  # changes whenever a look changes a picture in another way


def control_of(stimulus: Stimulus) -> Control:
    """What the levels of a stimulus ask of the look."""
    levels = {name: str(stimulus.levels[name]) for name in LOOK_FACTORS
              if name in stimulus.levels}  # fmt: skip
    return Control(**levels, seed=stimulus.seed)


def look_recipe(look: Look, stimulus: Stimulus) -> dict[str, Any]:
    """Everything of a look that decides about the pixels of a stimulus, as JSON."""
    control = control_of(stimulus)
    recipe = {"version": VERSION, **look.model_dump(mode="json")}
    recipe |= {"orientation": control.orientation, "scramble": control.scramble}
    return recipe | ({} if control.scramble == "none" else {"seed": control.seed})


def target_recipe(target: Target) -> dict[str, Any]:
    """The target as JSON; a histogram by its SHA-256 (it stands in originals/set.json)."""
    recipe: dict[str, Any] = {}
    if target.mean is not None:
        recipe["target_mean"] = target.mean
    if target.sd is not None:
        recipe["target_sd"] = target.sd
    if target.histogram is not None:
        counts = json.dumps(target.histogram).encode()
        recipe["target_histogram"] = hashlib.sha256(counts).hexdigest()
    return recipe


def look_words(look: Look, stimulus: Stimulus) -> str:
    """The look of a stimulus in words, in the order in which it was put on."""
    band, match = look.frequencies, look.match
    control = control_of(stimulus)
    words = [
        "grey" if look.colour == "grey" else "",
        f"above {band.above:g} cycles per face" if band.above is not None else "",
        f"below {band.below:g} cycles per face" if band.below is not None else "",
        {"phase": "phase-scrambled", "blocks": "block-scrambled"}.get(control.scramble, ""),
        f"{match.what} matched" if match.what != "none" else "",
        f"{look.mask.shape} mask" if look.mask.shape != "none" else "",
        "inverted" if control.orientation == "inverted" else "",
    ]
    return ", ".join(filter(None, words)) or "as drawn"
