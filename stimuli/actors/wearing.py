"""What an actor puts on: glasses, and another beard than the one of the cast.

    portrait(wear(actor("07"), glasses="round", beard="goatee"), weights)

Anybody wears glasses and may be clean-shaven; beards are for men. All actors are adults.
"""

from dataclasses import replace

from protocols.section import accepted, nearest
from protocols.wear import GROWN
from stimuli.actors import beards, glasses
from stimuli.actors.cast import Actor


def wear(actor: Actor, *, glasses: str = "none", beard: str = "own") -> Actor:
    """The actor with these glasses and this beard; `own` is the beard as cast.

    Raises ValueError on an unknown word, and on a beard for a woman.
    """
    for what, word, known in (("glasses", glasses, FRAMES), ("beard", beard, beards.NAMES)):
        if word not in known:
            raise ValueError(f"{what}: found '{word}'; {accepted(known)}{nearest(word, known)}")
    if actor.gender == "female" and beard in GROWN:
        raise ValueError(
            f"beard: {beard} asked for actor {actor.id}, a woman; beards are for men: choose one, "
            "or leave out the beard"
        )
    return replace(actor, glasses=glasses, beard=beard)


FRAMES = glasses.NAMES
