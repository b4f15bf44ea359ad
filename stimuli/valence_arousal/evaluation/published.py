"""What Lindt et al. (2019) printed: tables I, III and IV.

Source: A. Lindt, P. Barros, H. Siqueira, S. Wermter, Facial Expression Editing with Continuous
Emotion Labels (2019), section IV. AffectNet: photographs from the web.
"""

from __future__ import annotations

from typing import NamedTuple

SOURCE = "Lindt et al. (2019)"
CORPUS = "AffectNet"
IMAGES, EXTREME = 220_500, 18_000  # of table IV


class Agreement(NamedTuple):
    """Of two columns of values; each for valence and arousal."""

    rmse: tuple[float, float]
    sagr: tuple[float, float]
    ccc: tuple[float, float]


ANNOTATORS = Agreement((0.340, 0.362), (0.815, 0.667), (0.821, 0.551))  # table I
CLASSIFIERS = Agreement((0.450, 0.411), (0.676, 0.708), (0.484, 0.405))  # table III
ALL_IMAGES = Agreement((0.528, 0.607), (0.567, 0.483), (0.312, 0.210))  # table IV
EXTREME_IMAGES = Agreement((0.671, 0.720), (0.691, 0.624), (0.353, 0.267))
