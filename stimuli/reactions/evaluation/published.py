"""What Hu et al. (2024) printed: table 1. FaceVIS is there from its authors' own weights.

Source: table 1 of the paper; REACT 2024, recordings of video calls, ten reactions to each clip,
measured as `models.reaction.metrics.react2024`.
"""

from __future__ import annotations

from models.reaction.metrics.scores import Scores

SOURCE = "Hu et al. (2024)"
CORPUS = "REACT 2024"

# (framework, what is missing) -> base -> numbers
TABLE_1: dict[tuple[str, str], dict[str, Scores]] = {
    ("none", "nothing"): {
        "trans-vae": Scores(0.03, 92.81, 0.0008, 0.0002, 0.0006, 43.75),
        "regnn": Scores(0.19, 84.54, 0.0007, 0.0061, 0.0342, 41.35),
        "facevis": Scores(0.23, 88.43, 0.1158, 0.0346, 0.1159, 44.99),
    },
    ("emc", "nothing"): {
        "trans-vae": Scores(0.07, 31.30, 0.0454, 0.0201, 0.0495, 42.63),
        "regnn": Scores(0.23, 93.33, 0.0007, 0.0056, 0.0445, 39.02),
        "facevis": Scores(0.27, 86.37, 0.1078, 0.0619, 0.1077, 43.82),
    },
    ("no-attention", "nothing"): {
        "trans-vae": Scores(0.03, 32.31, 0.0378, 0.0209, 0.0420, 45.61),
        "regnn": Scores(0.21, 90.75, 0.0006, 0.0054, 0.0405, 39.92),
        "facevis": Scores(0.23, 90.32, 0.1088, 0.0495, 0.1089, 44.89),
    },
    ("emc", "face"): {
        "trans-vae": Scores(0.02, 42.89, 0.0022, 0.0005, 0.0072, 45.79),
        "regnn": Scores(0.11, 83.55, 0.0006, 0.0039, 0.0127, 39.75),
        "facevis": Scores(0.19, 97.60, 0.0839, 0.0295, 0.0839, 44.60),
    },
    ("emc", "voice"): {
        "trans-vae": Scores(0.05, 31.83, 0.0209, 0.0179, 0.0133, 46.66),
        "regnn": Scores(0.22, 92.65, 0.0006, 0.0051, 0.0408, 40.68),
        "facevis": Scores(0.23, 87.85, 0.0856, 0.0235, 0.0857, 45.25),
    },
}
