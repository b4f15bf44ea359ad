"""What the cross validation found, beside what the paper printed: tables 1–3, figures 4 and 5."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from models.context_face.ablations import Ablation, FittingSettings
from models.context_face.clips import FRAMES
from stimuli.context_faces.data import DataSettings
from stimuli.context_faces.evaluation import published
from stimuli.context_faces.evaluation.certainty import (
    Interval,
    holm,
    mcnemar,
    over_folds,
    over_people,
)
from stimuli.context_faces.evaluation.classification import Classified
from stimuli.context_faces.evaluation.classification_figures import confusion_panels, planes
from stimuli.context_faces.evaluation.part import Block, Figure, Part, Table
from stimuli.context_faces.evaluation.published import Printed
from stimuli.context_faces.evaluation.talking import Talking
from stimuli.context_faces.evaluation.tsne import tsne

COMPARED = (  # first, second: what is asked is whether the first is better
    (Ablation.CAN_SWAP, Ablation.CAN_FACE),
    (Ablation.CAN_SWAP, Ablation.CAN_VOICE),
    (Ablation.CAN_SWAP, Ablation.CAN_STRICT),
    (Ablation.CAN_FACE, Ablation.CAN_VOICE),
    (Ablation.CAN_FACE, Ablation.LINEAR_FACE),
    (Ablation.CAN_VOICE, Ablation.LINEAR_VOICE),
)
HIGH = 95.0  # per cent: whoever reaches this from faces leaves voices little to add
PANELS = {
    "face": "Face latents (FRN)",
    "face_twice": "CAN, face given twice",
    "context": "CAN, face and voice",
}
PERPLEXITY = 30.0
NOBODY = "there is one person only"
CORPORA = {"ravdess": "RAVDESS", "mead": "MEAD"}
NOT_RUN = (
    "VGG16, the paper's baseline (64.40 %), was not run here: it begins with weights learned on "
    "ImageNet, which no package that mien may depend on brings."
)


def classification_part(talking: Talking, found: Classified, settings: FittingSettings) -> Part:
    """The section of the page."""
    accuracy = accuracies(found)
    compared = comparisons(found)
    return Part(
        "Classification of talking clips",
        [
            *_introduction(talking, found, settings),
            *_paper_tables(talking, accuracy),
            *_own_tables(accuracy, compared),
            ordering(accuracy, compared),
            *_confusions(talking, found),
            *_planes(talking, found),
        ],
        _headline(talking, accuracy, compared),
    )


def accuracies(found: Classified) -> pd.DataFrame:
    """One row per ablation: per cent over all clips and over folds, with intervals."""
    rows = []
    for ablation in Ablation:
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
    if gain["difference"] <= 0 and face >= HIGH:
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


def _headline(talking: Talking, accuracy: pd.DataFrame, compared: pd.DataFrame) -> list[str]:
    chance = 100 / len(talking.emotions)
    row = accuracy.set_index("ablation").loc[str(Ablation.CAN_SWAP)]
    lines = [
        f"{talking.corpus}: CAN with face and voice names {row['accuracy']:.1f} % of "
        f"{len(talking.table)} clips of unseen people right (95 % over people "
        f"{row['accuracy low']:.1f} to {row['accuracy high']:.1f}; chance {chance:.1f})",
        ordering(accuracy, compared),
    ]
    if talking.adapter not in CORPORA:
        lines.append("The paper's corpora are others: its numbers cannot be compared with these")
    return lines


def _introduction(talking: Talking, found: Classified, settings: FittingSettings) -> list[Block]:
    folds = found.predictions["fold"].nunique()
    left = "; ".join(f"{why}: {n}" for why, n in talking.left_out.items())
    return [
        f"{len(talking.table)} clips of {len(talking.people)} people in {len(talking.emotions)} "
        f"emotions ({', '.join(talking.emotions)}) of the corpus {talking.corpus}. "
        + (f"Left out: {left}. " if left else "")
        + f"Of each clip {FRAMES} frames at regular intervals and its voice were encoded once by "
        "the face and the context network, both frozen (in the paper the last two layers of the "
        "context network went on learning). A clip's class is that of most of its frames; of "
        "equally many, the one with the highest summed log-probability.",
        f"Cross validation in {folds} folds: nobody is in two parts of a fold, everybody is tested "
        "once, genders are balanced, and the people of the next fold choose the number of steps. "
        f"Adam, rate {settings.rate:g} (paper: 3e-05), weight decay {settings.weight_decay:g}, "
        f"batches of {settings.batch}, at most {settings.steps} steps, frames mirrored by chance. "
        "The head of CAN begins as the single layer; both learn by eq. 15. "
        "Intervals are at 95 %: over people by bootstrap of whole people, over folds by t.",
        *_acquainted(talking),
    ]


def _acquainted(talking: Talking) -> list[Block]:
    """A caution where networks may have learned from the people of the corpus."""
    seen = set(talking.people) - set(DataSettings().held_out)
    if talking.adapter != "synthetic" or not seen:
        return []
    return [
        f"Caution: {len(seen)} of these synthetic people are not among those that mien holds out "
        "(29 to 52). Face and context networks may have learned from them, though no classifier "
        "did in the folds that test them."
    ]


def _paper_tables(talking: Talking, accuracy: pd.DataFrame) -> list[Block]:
    """Tables 1 to 3, each with what was found here."""
    of = accuracy.set_index("ablation")
    ours = of.loc[str(Ablation.CAN_SWAP)]
    here = f"mien, on {talking.corpus}"
    tables: list[Block] = []
    notes = {"mead": ["The paper's text says 79.34 % where its table says 79.0."]}
    for number, adapter, rows in ((1, "ravdess", published.RAVDESS), (2, "mead", published.MEAD)):
        name, same = CORPORA[adapter], talking.adapter == adapter
        tables.append(
            Table(
                f"table_{number}",
                f"Table {number} of the paper: accuracy on {name}, per cent"
                + ("" if same else f"; the last row is of another corpus, {talking.corpus}"),
                _beside(rows, here, float(ours["accuracy"])),
                note=" ".join(
                    [*notes.get(adapter, ()), *([] if same else [_others(talking, name)])]
                ),
            )
        )
    rows = [("VGG16", "Video", published.VGG16, None, None, None)]
    for ablation in Ablation:
        row = of.loc[str(ablation)]
        rows.append((row["model"], row["modality"], published.ABLATIONS[ablation],
                     row["accuracy"], row["accuracy low"], row["accuracy high"]))  # fmt: skip
    columns = ["model", "modality", "paper, RAVDESS", here, "low", "high"]
    same = talking.adapter == "ravdess"
    tables.append(
        Table("table_3", "Table 3 of the paper: ablations, per cent of clips",
              pd.DataFrame(rows, columns=columns).astype({here: float, "low": float,
                                                          "high": float}),
              note=NOT_RUN + ("" if same else " " + _others(talking, "RAVDESS")))
    )  # fmt: skip
    return tables


def _others(talking: Talking, name: str) -> str:
    return (
        f"The paper's numbers are of {name}, those of mien of {talking.corpus} "
        f"({len(talking.emotions)} classes, chance {100 / len(talking.emotions):.1f} %): different "
        "people, different films. They cannot be compared; compare the order of the rows at most."
    )


def _beside(rows: Sequence[Printed], here: str, accuracy: float) -> pd.DataFrame:
    table = [
        (row.model, row.modalities, str(row.year), "yes" if row.generates else "no", row.accuracy)
        for row in rows
    ]
    columns = ["model", "modalities", "year", "generates faces", "accuracy"]
    return pd.DataFrame([*table, (here, "A + V", "", "yes", accuracy)], columns=columns)


def _own_tables(accuracy: pd.DataFrame, compared: pd.DataFrame) -> list[Block]:
    words = {str(a): ", ".join(published.WORDS[a]) for a in Ablation}
    named = compared.replace({"first": words, "second": words})
    return [
        Table(
            "classification",
            "All classifiers: per cent of clips right, with 95 % intervals over people and folds",
            accuracy,
            note="validation: of the people who choose the number of steps, and so too high.",
        ),
        Table(
            "comparisons",
            "Differences of pairs, percentage points",
            named,
            digits=3,
            note="McNemar's test counts clips as independent, which clips of one person are not "
            "quite; the intervals over people do not.",
        ),
    ]


def _confusions(talking: Talking, found: Classified) -> list[Block]:
    """Figure 4: without and with context."""
    shares, tables = {}, []
    for ablation, name, words in (
        (Ablation.CAN_FACE, "confusion_face", "without context (face given twice)"),
        (Ablation.CAN_SWAP, "confusion_context", "with context (face and voice)"),
    ):
        counts = confusion(found, ablation, talking.emotions)
        shares[f"CAN {words}"] = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        frame = pd.DataFrame(counts, columns=list(talking.emotions))
        frame.insert(0, "true", list(talking.emotions))
        tables.append(Table(name, f"CAN {words}: clips of each true class, by prediction", frame))
    without, with_context = shares.values()
    gains = np.diag(with_context) - np.diag(without)
    changes = ", ".join(
        f"{word} {100 * old:.0f} to {100 * new:.0f}"
        for word, old, new in zip(
            talking.emotions, np.diag(without), np.diag(with_context), strict=True
        )
    )
    return [
        Figure(
            "figure_4",
            "Figure 4 of the paper: confusion matrices of CAN, per cent of each true class.",
            confusion_panels(shares, talking.emotions),
            f"Two confusion matrices. Per cent on the diagonal without and with context: {changes}",
        ),
        f"With context {int((gains >= 0).sum())} of {len(gains)} classes are named right as often "
        f"or more often than without (paper: all of them). On the diagonal: {changes}.",
        *tables,
    ]


def confusion(found: Classified, ablation: Ablation, emotions: Sequence[str]) -> np.ndarray:
    """Counts (K, K) of clips by true (row) and predicted class."""
    table = pd.crosstab(found.predictions["emotion"], found.predictions[str(ablation)])
    return table.reindex(index=emotions, columns=emotions, fill_value=0).to_numpy()


def _planes(talking: Talking, found: Classified) -> list[Block]:
    """Figure 5: t-SNE of latents."""
    emotion = found.latents["emotion"]
    perplexity = min(PERPLEXITY, len(emotion) // 4)
    points = {title: tsne(found.latents[name], perplexity) for name, title in PANELS.items()}
    person = found.latents["person"]
    own = {t: neighbours(found.latents[name], emotion, person) for name, t in PANELS.items()}
    words = "; ".join(
        f"{title}: {100 * share:.0f} %" for title, share in own.items() if not np.isnan(share)
    )
    people = ", ".join(found.people_shown)
    return [
        Figure(
            "figure_5",
            f"Figure 5 of the paper: t-SNE (perplexity {perplexity:g}) of {len(emotion)} frames of "
            f"the people {people}, who were tested, not trained on, in the first fold.",
            planes(points, emotion, talking.emotions),
            f"Three planes of points by class. Nearest frame of the same class: {words or NOBODY}",
        ),
        "Share of frames whose nearest frame of another person (in all dimensions) has the same "
        f"class: {words or NOBODY}.",
    ]


def neighbours(x: np.ndarray, emotion: np.ndarray, person: np.ndarray) -> float:
    """Share of points (N, d) whose nearest point of another person has the same class; or nan."""
    if (person == person[0]).all():
        return float("nan")
    squares = (x**2).sum(1)
    far = squares[:, None] + squares[None] - 2 * x @ x.T
    far[person[:, None] == person[None]] = np.inf
    return float((emotion[far.argmin(1)] == emotion).mean())


def _right(found: Classified, ablation: Ablation) -> np.ndarray:
    return (found.predictions[str(ablation)] == found.predictions["emotion"]).to_numpy()


def _percent(name: str, of: Interval) -> dict[str, float]:
    low, high = 100 * of.low, 100 * of.high
    return {name: 100 * of.estimate, f"{name} low": low, f"{name} high": high}
