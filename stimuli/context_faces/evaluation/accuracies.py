"""How many clips each classifier names right, and which is better: intervals and tests."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.context_face.ablations import Ablation
from stimuli.context_faces.evaluation import published
from stimuli.context_faces.evaluation.certainty import (
    Interval,
    holm,
    mcnemar,
    over_folds,
    over_people,
)
from stimuli.context_faces.evaluation.classification import Classified

COMPARED = (  # first, second: what is asked is whether the first is better
    (Ablation.CAN_SWAP, Ablation.CAN_FACE),
    (Ablation.CAN_SWAP, Ablation.CAN_VOICE),
    (Ablation.CAN_SWAP, Ablation.CAN_STRICT),
    (Ablation.CAN_FACE, Ablation.CAN_VOICE),
    (Ablation.CAN_FACE, Ablation.LINEAR_FACE),
    (Ablation.CAN_VOICE, Ablation.LINEAR_VOICE),
    (Ablation.LINEAR_FACE, Ablation.VGG16),
)
HIGH = 95.0  # per cent: whoever reaches this from faces leaves voices little to add


def accuracies(found: Classified) -> pd.DataFrame:
    """One row per ablation: per cent over all clips and over folds, with intervals."""
    rows = []
    for ablation in found.ablations:
        right = _right(found, ablation)
        people = over_people(right, found.predictions["actor"].to_numpy())
        folds = over_folds(pd.Series(right).groupby(found.predictions["fold"].to_numpy()).mean())
        trained = found.training[found.training["ablation"] == str(ablation)]
        model, modality = published.WORDS[ablation]
        rows.append({
            "ablation": str(ablation), "model": model, "modality": modality,
            **_percent("accuracy", people), **_percent("mean of folds", folds),
            "validation": 100 * trained["validation"].mean(),
            "steps, median": trained["steps"].median(),
        })  # fmt: skip
    return pd.DataFrame(rows)


def comparisons(found: Classified) -> pd.DataFrame:
    """Differences of pairs in percentage points, over people and folds, and McNemar's test."""
    rows = []
    for first, second in COMPARED:
        if second not in found.ablations:
            continue
        one, other = _right(found, first), _right(found, second)
        difference = one.astype(float) - other
        people = over_people(difference, found.predictions["actor"].to_numpy())
        by_fold = pd.Series(difference).groupby(found.predictions["fold"].to_numpy()).mean()
        only_first, only_second, p = mcnemar(one, other)
        rows.append({
            "first": str(first), "second": str(second),
            **_percent("difference", people), **_percent("mean of folds", over_folds(by_fold)),
            "only first right": only_first, "only second right": only_second, "McNemar p": p,
        })  # fmt: skip
    table = pd.DataFrame(rows)
    return table.assign(**{"p, Holm": holm(table["McNemar p"].to_numpy())})


def ordering(accuracy: pd.DataFrame, compared: pd.DataFrame) -> str:
    """Whether face + voice beats face alone beats voice alone, and if not, what stands against."""
    of = accuracy.set_index("ablation")["accuracy"]
    both, face, voice = (of[a] for a in (Ablation.CAN_SWAP, Ablation.CAN_FACE, Ablation.CAN_VOICE))
    pair = compared.set_index(["first", "second"])
    gain = pair.loc[(str(Ablation.CAN_SWAP), str(Ablation.CAN_FACE))]
    lead = pair.loc[(str(Ablation.CAN_FACE), str(Ablation.CAN_VOICE))]
    said = [
        f"Face + voice {both:.1f} %, face alone {face:.1f} %, voice alone {voice:.1f} %.",
        _step("Face + voice", "face alone", gain),
        _step("Face alone", "voice alone", lead),
    ]
    if gain["difference low"] <= 0 and face >= HIGH:
        said.append("Faces alone leave voices almost nothing to add on this corpus.")
    return " ".join(said)


def _step(better: str, worse: str, pair: pd.Series) -> str:
    difference, low, high = pair[["difference", "difference low", "difference high"]]
    words = f"({difference:+.1f} points, 95 % over people {low:+.1f} to {high:+.1f})"
    if low > 0:
        return f"{better} beats {worse} {words}."
    if high < 0:
        return f"{better} is worse than {worse} {words}, unlike in the paper."
    return f"Between {better[0].lower()}{better[1:]} and {worse} nothing is certain {words}."


def _right(found: Classified, ablation: Ablation) -> np.ndarray:
    return (found.predictions[str(ablation)] == found.predictions["emotion"]).to_numpy()


def _percent(name: str, of: Interval) -> dict[str, float]:
    low, high = 100 * of.low, 100 * of.high
    return {name: 100 * of.estimate, f"{name} low": low, f"{name} high": high}
