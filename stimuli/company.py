"""The company of a study: its actors, mien's or those of its own cast, and what they wear."""

from __future__ import annotations

from typing import Any

from protocols.casts import OwnCast
from protocols.conditions import Stimuli
from protocols.wear import Wear
from stimuli.actors import cast
from stimuli.actors.cast import Actor
from stimuli.actors.cast_folder import check_rig, facts_of, read_own
from stimuli.actors.wearing import wear


class Company:
    """Everybody whom a study can show."""

    def __init__(self, worn: Wear | None = None, own: OwnCast | None = None) -> None:
        """Actors of mien's cast or, of `own`; raises CastError if that is missing or damaged."""
        self.worn, self.own = worn, own
        self._people = {} if own is None else read_own(own)
        self._facts: dict[str, dict[str, str]] = {}

    @classmethod
    def of(cls, stimuli: Stimuli) -> Company:
        """That of the stimuli of a protocol."""
        return cls(stimuli.wear, stimuli.cast)

    def actor(self, identity: str) -> Actor:
        """The actor of this name, with what the study puts on them."""
        person = cast.actor(identity) if self.own is None else self._people[identity]
        worn = self.worn
        return person if worn is None else wear(person, glasses=worn.glasses, beard=worn.beard)

    def recipe(self, identity: str) -> dict[str, Any]:
        """What of a recipe comes from cast and wear: nothing where nothing is changed.

        Raises CastError if the actor's rig is missing or damaged.
        """
        changed = None if self.worn is None else self.worn.model_dump(exclude_defaults=True)
        worn = {"wear": changed} if changed else {}
        if self.own is None:
            return worn
        if identity not in self._facts:
            check_rig(self._people[identity])
            self._facts[identity] = facts_of(self.own, identity)
        return {**worn, "cast": self._facts[identity]}
