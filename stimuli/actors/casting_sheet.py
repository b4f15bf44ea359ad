"""Who a new cast consists of: its entries of a casting sheet, drawn from a seed.

    entries = draw_looks(200, seed=7, ages=(20, 40), balance=("gender", "origin"))

Each entry depends on the seed, its number and the settings alone, so a larger n goes on where a
smaller one ended. Men and women take turns; origins are dealt so that each group of four people of
one gender shows all four; ages follow the golden ratio, which fills the range evenly from the first
person on. Skin tone has its own dice: every origin may have any of several tones, and tones overlap
widely between origins. Colours were taken from the cast that was written by hand, and all shares
were set by hand too: they make a varied cast, and are no statistics of any population.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

BALANCES = ("gender", "origin")
ORIGINS = ("african", "asian", "caucasian", "mixed")
YOUNGEST, OLDEST = 18, 90  # years: no children
GOLDEN = 0.6180339887498949

SKIN = {  # tone -> lightest and darkest sRGB of it
    "I": ("#dab8a6", "#d3ac97"),
    "II": ("#cda58f", "#c2967d"),
    "III": ("#b98e74", "#ab7d62"),
    "IV": ("#9a6e56", "#885d46"),
    "V": ("#734c3d", "#5f3d2f"),
    "VI": ("#533730", "#472e26"),
}
TONES = {  # origin -> shares of the tones I to VI
    "african": (0.00, 0.02, 0.08, 0.20, 0.40, 0.30),
    "asian": (0.08, 0.27, 0.30, 0.20, 0.12, 0.03),
    "caucasian": (0.24, 0.30, 0.24, 0.15, 0.07, 0.00),
    "mixed": (0.03, 0.15, 0.27, 0.30, 0.18, 0.07),
}
LIPS = {"male": (0.90, 0.745, 0.755), "female": (0.865, 0.70, 0.715)}  # of the skin's sRGB
IRIS = {
    "brown": ("#2f1b10", "#3a2213", "#4a2c17", "#6b431d"),
    "hazel": ("#6c5a2f",),
    "green": ("#6a7459",),
    "blue": ("#66808f", "#7f97a5"),
    "grey": ("#76858c",),
}
HAIR = {  # colour -> sRGB of hair, of brows
    "black": ("#17130f", "#16120e"),
    "dark brown": ("#2c1d14", "#2a1c13"),
    "brown": ("#47301f", "#432e1d"),
    "light brown": ("#6a4a30", "#65462e"),
    "dark blond": ("#85694b", "#66492f"),
    "auburn": ("#553020", "#512e1e"),
    "copper": ("#774a30", "#6a4228"),
    "greying black": ("#4a4744", "#332f2c"),
    "greying brown": ("#655a50", "#4a3d33"),
    "grey": ("#a19d98", "#6d6660"),
    "white": ("#cfccc6", "#a29c95"),
}
DARK_HAIR = {"black": 0.75, "dark brown": 0.25}
FAIR_HAIR = {
    "black": 0.08, "dark brown": 0.27, "brown": 0.25, "light brown": 0.15, "dark blond": 0.13,
    "auburn": 0.07, "copper": 0.05,
}  # fmt: skip
CLOTHES = (
    "#4d5763", "#7a5347", "#2f3a4f", "#3f5a5c", "#7b7a76", "#564457", "#51637a", "#5c5f48",
    "#3d3f42", "#5d3a40", "#4b5a4a", "#8f8472",
)  # fmt: skip
STUBBLE = (0.05, 0.1, 0.2, 0.3, 0.55, 0.8)


def draw_looks(
    n: int,
    *,
    seed: int,
    ages: tuple[int, int] = (20, 75),
    balance: Sequence[str] = BALANCES,
    prefix: str = "",
    first: int = 1,
) -> list[dict[str, Any]]:
    """Draw n entries of a casting sheet, as in data/cast.json; ids are prefix and number.

    Numbers start at `first`; ages is (youngest, oldest), inclusive. What `balance` leaves out is
    drawn at random.
    """
    return [
        _entry(i, seed, ages, tuple(balance), f"{prefix}{first + i:0{2 if not prefix else 3}d}")
        for i in range(n)
    ]


def look_of(rng: np.random.Generator, gender: str, origin: str, age: int) -> dict[str, Any]:
    """Everything of an entry that follows from who somebody is: shape parameters and colours."""
    weights = _weights(rng, origin)
    tone = _one(rng, dict(zip(SKIN, TONES[origin], strict=True)))
    skin = _between(*SKIN[tone], float(rng.random()))
    fair = weights["caucasian"] >= 0.5 and tone in ("I", "II", "III")
    young = _one(rng, FAIR_HAIR if fair else DARK_HAIR)
    hair = _greyed(rng, young, age)
    style = _one(rng, _styles(gender, age, weights))
    if style == "tied-back" and rng.spawn(1)[0].random() < 0.5:  # leaves the other draws alone
        style = "bun"
    iris = _one(rng, _irises(fair, tone))
    red = young in ("auburn", "copper")
    freckled = tone in ("I", "II") and fair and (red or rng.random() < 0.4)
    thick = (1.03, 0.09) if gender == "male" else (0.82, 0.07)
    bald = style in ("bald", "receding")
    return {
        "gender": gender,
        "age": age,
        "origin": weights,
        "skin": tone,
        "skin_rgb": _code(skin),
        "lip_rgb": _code(skin * LIPS[gender] * rng.uniform(0.96, 1.04, 3)),
        "iris": iris,
        "iris_rgb": str(rng.choice(IRIS[iris])),
        "hair": style,
        "hair_colour": hair,
        "hair_rgb": HAIR[hair][0],
        "brow_rgb": HAIR[hair][1],
        "brow_thickness": round(float(np.clip(rng.normal(*thick), 0.68, 1.22)), 2),
        "freckles": round(float(rng.uniform(0.4, 0.75) if red else rng.uniform(0.05, 0.3)), 2)
        if freckled
        else 0,
        "stubble": float(rng.choice(STUBBLE, p=_beards(bald))) if gender == "male" else 0,
        "ageing": round(float(np.clip((age - 20) / 52, 0.02, 1)), 2),
        "clothing_rgb": str(rng.choice(CLOTHES)),
    }


def _entry(
    i: int, seed: int, ages: tuple[int, int], balance: tuple[str, ...], name: str
) -> dict[str, Any]:
    rng = np.random.default_rng([seed, i])
    gender = ("male", "female")[i % 2 if "gender" in balance else int(rng.random() < 0.5)]
    among = i // 2 if "gender" in balance else i  # number among those who share origins' deck
    deck = i % 2 if "gender" in balance else 2
    if "origin" in balance:
        dealt = np.random.default_rng([seed, 1_000_003, deck, among // 4]).permutation(4)
        origin = ORIGINS[dealt[among % 4]]
    else:
        origin = ORIGINS[int(rng.integers(4))]
    start = np.random.default_rng([seed, 1_000_033]).random() + 0.5 * (deck == 1)
    low, high = ages
    age = low + int(((start + among * GOLDEN) % 1) * (high - low + 1))
    look = look_of(rng, gender, origin, age)
    shape = {
        "gender": 0.05 if gender == "male" else 0.95,
        "weight": round(float(np.clip(rng.normal(0.5, 0.11), 0.32, 0.74)), 2),
        "muscle": 0.6 if gender == "male" else 0.5,
        "audition": 0,
    }
    return {"id": name, **look, "seed": int(rng.integers(10_000, 2**31)), "part": "main",
            "shape": shape}  # fmt: skip


def _weights(rng: np.random.Generator, origin: str) -> dict[str, float]:
    """Weights of the three shape parameters, in steps of 0.05."""
    names = ORIGINS[:3]
    if origin == "mixed":
        share = rng.dirichlet((2.0, 2.0, 2.0))
        while share.max() > 0.57:  # from 0.6 on it would be one of the three
            share = rng.dirichlet((2.0, 2.0, 2.0))
    else:
        lead = float(rng.choice((1.0, 0.9, 0.8, 0.7)))
        rest = float(rng.random()) * (1 - lead)
        share = np.array([rest, 1 - lead - rest])
        share = np.insert(share, names.index(origin), lead)
    steps = np.floor(share * 20 + 1e-9).astype(int)
    largest_rest = np.argsort(steps - share * 20, kind="stable")
    steps[largest_rest[: 20 - steps.sum()]] += 1
    return {name: float(step) / 20 for name, step in zip(names, steps, strict=True)}


def _greyed(rng: np.random.Generator, colour: str, age: int) -> str:
    """Hair colour at this age."""
    dark = colour in ("black", "dark brown")
    greying = "greying black" if dark else "greying brown"
    if age < 38:
        return colour
    if age < 50:
        return greying if rng.random() < 0.30 else colour
    if age < 63:
        return _one(rng, {greying: 0.45, "grey": 0.35, colour: 0.20})
    return _one(rng, {greying: 0.15, "grey": 0.50, "white": 0.27, colour: 0.08})


def _styles(gender: str, age: int, weights: Mapping[str, float]) -> dict[str, float]:
    """Shares of the hair styles: of tightly curled hair, or of hair that falls."""
    later = float(np.clip((age - 30) / 40, 0, 1))
    tight = weights["african"] >= 0.4
    wavy = 0.9 if weights["caucasian"] >= 0.4 else 0.0
    if gender == "male":
        curled = {"afro": 1.6 * (1 - later), "buzz": 2.0, "curly": 1.2, "crop": 0.8}
        falling = {"short": 2.0, "crop": 1.6, "side-part": 1.6, "curly": wavy, "buzz": 1.0}
        styles = curled if tight else falling
        return {**styles, "receding": 1.6 * later, "bald": 0.3 + 0.9 * later}
    if tight:
        return {"afro": 1.6, "curly": 1.6, "tied-back": 1.4, "crop": 0.8, "bob": 0.5}
    return {
        "long": 2.2 * (1 - 0.7 * later),
        "bob": 1.8,
        "tied-back": 1.6,
        "curly": wavy,
        "short": 0.3 + 1.6 * later,
        "crop": 0.4,
    }


def _irises(fair: bool, tone: str) -> dict[str, float]:
    """Shares of the colours of the iris."""
    if not fair:
        return {"brown": 0.93, "hazel": 0.05, "green": 0.02}
    if tone == "III":
        return {"brown": 0.70, "hazel": 0.16, "green": 0.07, "blue": 0.07}
    return {"brown": 0.34, "hazel": 0.17, "green": 0.15, "blue": 0.23, "grey": 0.11}


def _beards(bald: bool) -> tuple[float, ...]:
    """Shares of STUBBLE."""
    return (0.10, 0.20, 0.15, 0.15, 0.20, 0.20) if bald else (0.25, 0.25, 0.15, 0.15, 0.10, 0.10)


def _one(rng: np.random.Generator, shares: Mapping[str, float]) -> str:
    chance = np.array(list(shares.values()))
    return str(rng.choice(list(shares), p=chance / chance.sum()))


def _between(light: str, dark: str, share: float) -> np.ndarray:
    """The sRGB (3,) in [0, 255] on the way from one colour to another."""
    a, b = (
        np.array([int(code[k : k + 2], 16) for k in (1, 3, 5)], float) for code in (light, dark)
    )
    return a + share * (b - a)


def _code(rgb: np.ndarray) -> str:
    return "#" + "".join(f"{round(float(c)):02x}" for c in np.clip(rgb, 0, 255))
