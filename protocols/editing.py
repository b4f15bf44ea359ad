"""How generator `valence-arousal` makes a face at a point of the plane of valence and arousal.

Two routes: a network edits a picture of the face (trained; Lindt et al. 2019), or mien draws the
actor there (rendered), which is the truth that the network is to reach. Both give the same crop, so
that the factor `method: [trained, rendered]` shows each face both ways.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from protocols.context import Faces
from protocols.generators import EMOTIONS
from protocols.section import fail, one_of

FAMILY = "valence-arousal"  # the generator
TRAINED, RENDERED = ROUTES = ("trained", "rendered")
ANY = "any"  # expression: whatever the picture shows
METHOD = "method"  # the factor whose levels are routes
MADE = {
    (TRAINED,): "a face edited to a point of the valence-arousal plane by a network (Lindt et "
    "al., 2019)",
    (RENDERED,): "a synthetic actor drawn at a point of the valence-arousal plane",
    ROUTES: "a synthetic actor at a point of the valence-arousal plane, edited to it by a network "
    "(trained; Lindt et al., 2019), or drawn there (rendered)",
}


class Editing(Faces):
    """Which faces are edited, and by which route.

    Attributes:
        route: trained: a network edits a picture; rendered: the actor is drawn at the point.
        expression: what the picture shows that is edited: the clip with this label, an actor at
            full strength of it; any: a clip of any label, or none, and actors at rest.
        checks: an independent judge looks at every picture (emotion, valence, facial actions,
            identity); false: it does not, which is faster and needs no networks from npm.
    """

    PART = "stimuli.editing"

    route: Literal["trained", "rendered"] = TRAINED
    expression: str = Field(default="neutral", json_schema_extra={"enum": [*EMOTIONS, ANY]})
    checks: bool = True

    def routes(self, factors: Mapping[str, Iterable[Any]]) -> tuple[str, ...]:
        """Every route that is taken, with these factors."""
        asked = factors.get(METHOD, (self.route,))
        return tuple(route for route in ROUTES if route in asked)

    def made(self, factors: Mapping[str, Iterable[Any]]) -> str:
        """What the stimuli are, in words."""
        return MADE.get(self.routes(factors), MADE[ROUTES])  # methods are checked elsewhere


def check_editing(
    editing: Editing | None, generator: str, factors: Mapping[str, Iterable[Any]], corpus: str
) -> None:
    """Refuse such settings of another generator, and those that contradict each other."""
    if generator != FAMILY:
        if editing is not None:
            raise fail(
                f"only generator {FAMILY} edits faces, not {generator}; leave out editing",
                "editing",
            )
        return
    editing = editing or Editing()
    one_of(editing.expression, (*EMOTIONS, ANY), "expression", "editing", "expression")
    for i, level in enumerate(factors.get(METHOD, ())):
        one_of(level, ROUTES, "method of valence-arousal", "factors", METHOD, i)
    if METHOD in factors and editing.route != TRAINED:
        raise fail(
            f"the factor {METHOD} says how a face is made; leave out editing.route",
            *("editing", "route"),
        )
    routes = editing.routes(factors)
    if RENDERED in routes and corpus != "actors":
        at = ("factors", METHOD) if METHOD in factors else ("editing", "route")
        raise fail(
            f"only actors can be {RENDERED} at a point of the plane, not {corpus}; use "
            f"{TRAINED}, or corpus: actors",
            *at,
        )
    if TRAINED not in routes:
        for name in ("weights", "expression"):
            if getattr(editing, name) != Editing.model_fields[name].default:
                raise fail(
                    f"{RENDERED} faces are drawn at the point itself, from no picture and by no "
                    f"network; leave out {name}",
                    *("editing", name),
                )
