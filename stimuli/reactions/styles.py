"""Who listens: a listener's manner, drawn from a seed and kept from clip to clip.

    style = style_of(seed=12)

People differ in how much they show at all, in how readily they copy what they see, in how they take
part in others' troubles, and in how often they smile and nod. Empathic people copy more [SB], so
half of mimicry is empathy. All ranges and spreads are ours, wide enough that two listeners to one
speaker are told apart; letters say what they lean on.

Sources
    [SB]  Sonnby-Borgström (2002), Scand. J. Psychol. 43, 433: people high in empathy mimic pictures
          more, where these are shown briefly.
    [GJ]  Gross & John (1997), J. Pers. Soc. Psychol. 72, 435: people differ in expressivity as a
          trait, of pleasant and of unpleasant emotions apart; here one number stands for both.
    [D]   Dimberg, Thunberg & Elmehed (2000), Psychol. Sci. 11, 86: muscles answer a face within the
          first second, before a camera would see it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.reaction.attributes import AUS
from stimuli.seeds import generator_of

DELAY = (0.5, 1.2)  # s, from the speaker's change to the first that shows: later than in [D]
EXPRESSIVENESS_SD, EXPRESSIVENESS = 0.25, (0.55, 1.5)  # of the logarithm; least and most [GJ]
RISE, FALL = (0.4, 0.8), (0.7, 1.4)  # s
NODS = (4.0, 16.0)  # a minute, while the speaker speaks
GAIN_SD = 0.2  # of the logarithm of what a person shows of an action unit
RESTING, RESTING_SHARE = 0.06, 0.4  # most of a unit in a resting face; share of units in it
MOOD_SD = 0.04  # of valence and arousal at rest


@dataclass(frozen=True, eq=False)
class Style:
    """One listener.

    Attributes:
        delay_s: usual time from the speaker's change to the reaction.
        expressiveness: factor on all that is shown, about 1.
        mimicry, empathy, smile: 0 to 1, how readily they copy, take part, and smile.
        rise_s, fall_s: how long a display takes to its apex, and back.
        nods_per_minute: while the speaker speaks.
        gains: (15,) how much of each action unit the face shows, about 1.
        resting: (15,) action units of the resting face.
        mood: (2,) valence and arousal at rest.
    """

    delay_s: float
    expressiveness: float
    mimicry: float
    empathy: float
    smile: float
    rise_s: float
    fall_s: float
    nods_per_minute: float
    gains: np.ndarray
    resting: np.ndarray
    mood: np.ndarray


def style_of(seed: int) -> Style:
    """The listener of a seed."""
    rng = generator_of(seed, "style")
    empathy = float(rng.random())
    return Style(
        delay_s=float(rng.uniform(*DELAY)),
        expressiveness=float(
            np.clip(np.exp(EXPRESSIVENESS_SD * rng.standard_normal()), *EXPRESSIVENESS)
        ),
        mimicry=float(0.5 * empathy + 0.5 * rng.random()),
        empathy=empathy,
        smile=float(rng.random()),
        rise_s=float(rng.uniform(*RISE)),
        fall_s=float(rng.uniform(*FALL)),
        nods_per_minute=float(rng.uniform(*NODS)),
        gains=np.exp(GAIN_SD * rng.standard_normal(AUS.stop)),
        resting=RESTING * rng.random(AUS.stop) * (rng.random(AUS.stop) < RESTING_SHARE),
        mood=MOOD_SD * rng.standard_normal(2),
    )
