"""One picture, from how it was drawn to how it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from protocols.errors import UserError
from protocols.looks import Look
from stimuli.looks.light import as_pixels, grey_levels, linear, to_grey
from stimuli.looks.mask import Window, on_background, window
from stimuli.looks.match import Target, matched, measured
from stimuli.looks.scramble import block_scrambled, face_phase_scrambled
from stimuli.looks.spatial import filtered
from stimuli.media import Rendered
from stimuli.seeds import generator_of

EYES = ("eye_left", "eye_right")


class LookError(UserError):
    """A look that this picture cannot have; the message says what to do."""


@dataclass(frozen=True)
class Control:
    """What makes one stimulus a control: turned by 180°, or scrambled by `seed`."""

    orientation: str = "upright"  # or inverted
    scramble: str = "none"  # phase, blocks
    seed: int = 0


def prepare(drawn: Rendered, look: Look, control: Control) -> tuple[np.ndarray, Window]:
    """The picture (height, width, channels) as it goes into matching, and its window."""
    wall = drawn.facts.get("wall")
    if look.mask.shape == "person" and wall is None:
        raise LookError(
            "stimuli.look.mask: 'person' needs a plain wall behind the person, and this generator "
            "names none; use mask: oval"
        )
    view = window(look.mask, drawn.pixels, _eyes(drawn.facts), wall)
    if not view.inside.any():
        raise LookError(
            "stimuli.look.mask: nothing of the picture lies inside the oval; change width, height "
            "or drop"
        )
    picture = drawn.pixels[view.nearest[0], view.nearest[1]].astype(np.float64)
    if look.colour == "grey":
        picture = to_grey(picture)
    picture = filtered(picture, look.frequencies, look.mask.width * view.unit)
    rng = generator_of(control.seed, "scramble")
    if control.scramble == "phase":
        picture = face_phase_scrambled(picture, view, rng)
    elif control.scramble == "blocks":
        picture = block_scrambled(picture, view, block_side(look, view), rng)
    return picture, view


def block_side(look: Look, view: Window) -> int:
    """Side of the squares in pixels."""
    return max(2, round(look.block * view.unit))


def measure(drawn: Rendered, look: Look, control: Control) -> dict[str, Any]:
    """What the set needs to know of a picture before any is matched."""
    picture, view = prepare(drawn, look, control)
    return measured(picture, view.inside, look.match)


def dress(drawn: Rendered, look: Look, control: Control, target: Target) -> Rendered:
    """The finished picture, with what was measured in the pixels as they are written.

    Raises:
        LookError: the generator does not say where the eyes are.
    """
    picture, view = prepare(drawn, look, control)
    picture, levels = matched(picture, view.inside, target)
    cut = _beyond(levels) | (_beyond(picture).any(axis=-1) if target == Target() else False)
    pixels = as_pixels(on_background(picture, view, look.background))
    codes = pixels[view.inside].astype(np.float64)[:, None, :]  # (pixels, 1, 3)
    grey = grey_levels(codes)
    facts = {
        **drawn.facts,
        "luminance": {
            "mean": round(float(grey.mean()), 3),
            "sd": round(float(grey.std()), 3),
            "relative": round(float(linear(grey).mean()), 5),
            "clipped": round(float(cut[view.inside].mean()), 5),
            "pixels": int(view.inside.sum()),
        },
    }
    if control.orientation == "inverted":
        return inverted(Rendered(pixels, facts), view)
    return Rendered(pixels, facts)


def inverted(shown: Rendered, view: Window) -> Rendered:
    """The picture turned by 180° around the centre of the window's box.

    An oval stays where it is; the eyes stay the actor's left and right one.
    """
    pixels = shown.pixels.copy()
    pixels[view.box] = shown.pixels[view.box][::-1, ::-1]
    (top, bottom, _), (left, right, _) = (
        span.indices(length) for span, length in zip(view.box, pixels.shape, strict=False)
    )
    turned = {
        name: [round(left + right - x, 2), round(top + bottom - y, 2)]
        for name, (x, y) in ((name, shown.facts[name]) for name in EYES)
    }
    return Rendered(pixels, {**shown.facts, **turned})


def _beyond(levels: np.ndarray) -> np.ndarray:
    """Where levels do not round to 0…255."""
    return (levels < -0.5) | (levels >= 255.5)


def _eyes(facts: Mapping[str, Any]) -> Any:
    try:
        return tuple(tuple(map(float, facts[name])) for name in EYES)
    except (KeyError, TypeError, ValueError):
        raise LookError(
            "stimuli.look: this generator does not say where the eyes are; leave out look, and "
            "the factors orientation and scramble"
        ) from None
