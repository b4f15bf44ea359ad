"""One face in one picture: `mien face`.

What the face does is told in one of three ways: a FACS code, an emotion at a strength, or a point
of the valence-arousal plane.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from protocols.casts import CastError
from protocols.errors import UserError
from protocols.tables import write_whole
from stimuli.actor_pictures import ORIGIN
from stimuli.actors import facs, plane
from stimuli.actors.cast import actor as shipped
from stimuli.actors.cast_folder import find_actor
from stimuli.actors.portrait import Studio, portrait
from stimuli.actors.wearing import wear
from stimuli.media import encode_png

WAYS = 'a FACS code such as "AU12D+6C", --emotion, or --valence and --arousal'


class FaceError(UserError):
    """A face that cannot be drawn as asked; the message says what is accepted."""


def draw_face(
    out: Path,
    actor: str,
    size: int,
    *,
    code: str | None = None,
    emotion: str | None = None,
    m: float | None = None,
    valence: float | None = None,
    arousal: float | None = None,
    glasses: str = "none",
    beard: str = "own",
    cast: Path | None = None,
) -> str:
    """Draw one face into `out` (PNG); returns a line that says what was drawn.

    `cast` is the folder of a cast made with `mien cast`; None: mien's own.

    Raises FaceError on a face, actor, size or file that cannot be.
    """
    try:
        weights, words = expression(code, emotion, m, valence, arousal)
        person = find_actor(cast, actor, "--cast") if cast else shipped(actor.zfill(2))
        who = wear(person, glasses=glasses, beard=beard)
        studio = Studio(size=size)
    except (KeyError, ValueError, CastError) as error:
        raise FaceError(error.args[0]) from None
    if out.suffix.lower() != ".png":
        raise FaceError(f"{out}: pictures are PNG files; give a name that ends in .png")
    picture = encode_png(portrait(who, weights, studio), ORIGIN.note)
    try:
        write_whole(out, picture)
    except OSError as error:
        raise FaceError(f"{out}: cannot be written ({error.strerror})") from None
    return f"{out}: actor {who.id} ({who.gender}, {who.age}), {words}, {size} x {size} pixels"


def expression(
    code: str | None,
    emotion: str | None,
    m: float | None,
    valence: float | None,
    arousal: float | None,
) -> tuple[np.ndarray, str]:
    """Action weights (52,) of what was asked for, and the same in words.

    Raises ValueError on none or several of the three ways, and as each of them does.
    """
    on_plane = valence is not None or arousal is not None
    if (code is not None) + (emotion is not None) + on_plane != 1:
        raise ValueError(f"face: give one of {WAYS}")
    if on_plane:
        if valence is None or arousal is None:
            missing = "valence" if valence is None else "arousal"
            raise ValueError(f"face: --valence and --arousal go together; add --{missing}")
        if m is not None:
            raise ValueError("face: --m is the strength of an emotion; leave it out")
        return plane.at(valence, arousal), f"valence {valence:g}, arousal {arousal:g}"
    if emotion is not None:
        m = 1.0 if m is None else m
        return facs.weights(emotion, m, caricature=m > 1), f"{emotion} at m = {m:g}"
    if m is not None:
        raise ValueError("face: --m is the strength of an emotion; a code has letters A to E")
    if (word := (code or "").strip().lower()) in facs.EMOTIONS:
        raise ValueError(f"FACS code '{code}': that is an emotion; give --emotion {word}")
    weights = facs.parse(code or "")
    return weights, f"FACS {code}" if (code or "").strip() else "neutral"
