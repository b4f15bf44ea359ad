"""What actors wear in every stimulus of a study: glasses, and another beard than their own."""

from __future__ import annotations

from typing import Literal

from protocols.section import Section

GROWN = ("stubble", "moustache", "goatee", "full")  # beards, of men only


class Wear(Section):
    """What is put on the actors.

    Attributes:
        glasses: metal: thin wire; rectangular: dark and thick; round: brown; fitted to each face.
        beard: own: as cast; shaven: none; others in the colour of the actor's hair, men only.
    """

    glasses: Literal["none", "metal", "rectangular", "round"] = "none"
    beard: Literal["own", "shaven", "stubble", "moustache", "goatee", "full"] = "own"
