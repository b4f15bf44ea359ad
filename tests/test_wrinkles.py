"""Wrinkles that actions fold, seen in linear light on skins of every tone."""

from dataclasses import replace

import numpy as np
import pytest

from stimuli.actors import facs, film, wrinkles
from stimuli.actors.cast import actor, load_cast
from stimuli.actors.portrait import Studio, portrait


@pytest.fixture(scope="module")
def furrows():
    """Tone -> share of the light that disgust's wrinkles take from the deepest furrows' pixels."""
    tones = {someone.skin: someone.skin_rgb for someone in load_cast()}
    studio = Studio(size=160, supersample=2)
    shares = {}
    for tone in ("I", "III", "VI"):
        someone = replace(actor("10"), skin_rgb=tones[tone], freckles=0.0)
        weights = facs.weights("disgusted", 1.0)
        folded = film.decode(portrait(someone, weights, studio) / 255).mean(-1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(wrinkles, "wrinkled", lambda relief, strength: relief)
            smooth = film.decode(portrait(someone, weights, studio) / 255).mean(-1)
        shares[tone] = 1 - folded / smooth
    where = shares["I"] > np.quantile(shares["I"], 0.995)
    return {tone: float(share[where].mean()) for tone, share in shares.items()}


def test_furrows_take_about_the_same_share_of_light_from_every_skin(furrows):
    assert furrows["I"] > 0.15
    assert furrows["III"] == pytest.approx(furrows["I"], rel=0.3)
    assert furrows["VI"] == pytest.approx(furrows["I"], rel=0.3)


@pytest.mark.parametrize("ageing", [0.0, 0.5, 1.0])
def test_wrinkles_deepen_with_the_units_that_fold_them(ageing):
    names = list(wrinkles.PULLS)
    folds = {"nose_root": "9", "nasolabial": "10", "under_eye": "6", "forehead": "2", "chin": "17"}
    for name, unit in folds.items():
        depth = []
        for letter in "ABCDE":
            pulls = facs.parse(unit + letter).tolist()
            actions = dict(zip(map(str, facs.ACTIONS), pulls, strict=True))
            depth.append(wrinkles.strengths(actions, ageing)[names.index(name)].min())
        assert np.all(np.diff(depth) > 0), (name, depth)
