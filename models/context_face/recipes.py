"""How mien trains context faces: sizes of the networks, and every stage of the training."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from models.context_face.composing import ComposingSettings
from models.context_face.critic import CriticSettings
from models.context_face.expressions import ExpressionsSettings
from models.context_face.pretraining import Extras, PretrainingSettings
from models.context_face.settings import PAPER, SHIPPED, ContextFaceSettings
from models.context_face.shifting import ShiftingSettings, Way
from models.context_face.teaching import TeachingSettings
from models.variation import VariationSettings


@dataclass(frozen=True)
class Recipe:
    """Sizes of the networks and how each stage is trained."""

    network: ContextFaceSettings = PAPER
    face: PretrainingSettings = field(default_factory=PretrainingSettings)
    context: PretrainingSettings = field(default_factory=lambda: PretrainingSettings(flip=False))
    head: ShiftingSettings = field(default_factory=ShiftingSettings)
    shift: ShiftingSettings = field(default_factory=ShiftingSettings)
    teaching: TeachingSettings | None = None  # an addition of mien; None: as the paper
    expressions: ExpressionsSettings | None = None  # what `seen` of polish and composing needs
    polish: PretrainingSettings | None = None  # of the face network, likewise
    composing: ComposingSettings | None = None  # likewise; needs `network.composer`
    gains: bool = False  # whether the strength of shifts is fitted, likewise (`strength`)

    def polished(self, steps: int | None) -> Recipe:
        """The recipe with so many steps of polish; None: its own.

        Raises:
            ValueError: It has no polish, or less than one step is asked for.
        """
        if steps is None:
            return self
        if self.polish is None:
            raise ValueError("--polish: this recipe has no polish; leave --polish out")
        if steps < 1:
            raise ValueError(f"--polish: found {steps} steps; accepted: 1 or more")
        return replace(self, polish=replace(self.polish, steps=steps))


# mien's own: smaller networks, pixels beside features, hours on two processors instead of weeks
_BY_PIXELS = Extras(pixels=1.0, features=0.0, adversary=0.0, first_log_var=-4.0, quiet=True)
RECIPES = {
    "paper": Recipe(),
    "shipped": Recipe(
        network=SHIPPED,
        face=PretrainingSettings(
            steps=7_000, batch=16, rate=1.5e-3, cosine=True, weight_decay=1e-4, prior=1e-6,
            extras=replace(_BY_PIXELS, directed=0.5),
        ),
        expressions=ExpressionsSettings(),
        polish=PretrainingSettings(
            steps=12_000, batch=16, rate=1e-3, cosine=True, weight_decay=1e-4, prior=1e-6, seed=2,
            extras=replace(
                _BY_PIXELS, mouth_gain=16.0, eye_gain=4.0, structure=0.4, grain=0.5, seen=0.4,
                directed=0.5,
                variation=VariationSettings(light=0.2, tint=0.02, colour=0.2),
            ),
        ),
        context=PretrainingSettings(
            steps=600, batch=32, rate=1.5e-3, cosine=True, weight_decay=1e-4, prior=1e-6,
            flip=False, extras=replace(_BY_PIXELS, mouth_gain=0.0, brow_gain=0.0),
        ),
        teaching=TeachingSettings(steps=7_000, higher=0),
        head=ShiftingSettings(steps=3_000, rate=1e-3),
        shift=ShiftingSettings(
            way=Way.PAIRED, steps=3_000, batch=128, rate=1e-3, cosine=True, weight_decay=1e-4,
            paired=3.0,
        ),
        composing=ComposingSettings(seen=0.2, critic=CriticSettings()),
        gains=True,
    ),
}  # fmt: skip
