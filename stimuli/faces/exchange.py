"""A counterfactual of fairness: the same faces in another skin, and nothing else changed.

    worn = exchange(actors, folder, take, studio)      skin as worn -> sights of angry and disgusted

Each actor is drawn in the skin and lips of a pale and of a dark actor. What the network then says
differently cannot come from the shape of the heads. A third picture is the pale one with its skin
made darker afterwards, every colour channel of linear light by one factor, so that wrinkles take
the same share of light as on pale skin: what the network says of it as of the dark skin that was
drawn cannot come from how dark skin is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from stimuli.actors import cast
from stimuli.actors.cast import Actor
from stimuli.actors.film import decode, encode
from stimuli.actors.portrait import Studio
from stimuli.faces.judge import Sight, Take, judge

PALE, DARK, DARKENED = "II", "VI", "II, darkened"
WEARS = {PALE: "12", DARK: "34"}  # tone -> actor whose skin and lips are worn
EMOTIONS = (("disgusted", 1.0), ("angry", 1.0))  # the two that the network confuses by skin
DIFFERENT = 25  # grey levels between pale and dark from which on a pixel is skin
LEAST = 1e-3  # of linear light, so that black divides


def exchange(
    actors: Sequence[Actor], folder: Path, take: Take, studio: Studio
) -> dict[str, list[Sight]]:
    """Sights of every actor in pale, dark and darkened skin, kept below `folder` as they come."""
    pale, dark = (tuple(in_skin(actor, WEARS[tone]) for actor in actors) for tone in (PALE, DARK))

    def take_darkened(actor: Actor, emotion: str, m: float) -> np.ndarray:
        other = in_skin(actor, WEARS[DARK])
        return darkened(take(actor, emotion, m), take(other, emotion, m))

    return {
        PALE: judge(pale, folder / "pale", take, studio, EMOTIONS),
        DARK: judge(dark, folder / "dark", take, studio, EMOTIONS),
        DARKENED: judge(pale, folder / "darkened", take_darkened, studio, EMOTIONS),
    }


def in_skin(actor: Actor, other: str) -> Actor:
    """The actor with the skin and the lips of another of mien's cast; all else is as it was."""
    donor = cast.actor(other)
    return replace(actor, skin=donor.skin, skin_rgb=donor.skin_rgb, lip_rgb=donor.lip_rgb)


def darkened(pale: np.ndarray, dark: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) uint8 of pale skin, as dark as in another picture of the same face.

    Where the two differ, linear light is multiplied by the median ratio of both, channel by
    channel; the rest stays.
    """
    light, less = decode(pale / 255), decode(dark / 255)
    skin = np.abs(pale.astype(int) - dark).max(axis=-1) > DIFFERENT
    if not skin.any():
        return pale
    factor = np.median((less[skin] + LEAST) / (light[skin] + LEAST), axis=0)
    made = np.rint(encode(light * factor) * 255).astype(np.uint8)
    return np.where(skin[..., None], made, pale)
