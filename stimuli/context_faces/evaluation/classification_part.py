"""What the cross validation found, beside what the paper printed: tables 1–3, figures 4 and 5."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from models.context_face.ablations import Ablation, FittingSettings
from models.context_face.clips import FRAMES
from stimuli.context_faces.data import DataSettings
from stimuli.context_faces.evaluation import published
from stimuli.context_faces.evaluation.accuracies import accuracies, comparisons, ordering
from stimuli.context_faces.evaluation.classification import Classified
from stimuli.context_faces.evaluation.classification_figures import confusion_panels, planes
from stimuli.context_faces.evaluation.paper_tables import CORPORA, paper_tables
from stimuli.context_faces.evaluation.part import Block, Figure, Part, Table
from stimuli.context_faces.evaluation.talking import Talking
from stimuli.context_faces.evaluation.tsne import tsne

PANELS = {
    "face": "Face latents (FRN)",
    "face_twice": "CAN, face given twice",
    "context": "CAN, face and voice",
}
PERPLEXITY = 30.0
NOBODY = "there is one person only"


def classification_part(talking: Talking, found: Classified, settings: FittingSettings) -> Part:
    """The section of the page."""
    accuracy = accuracies(found)
    compared = comparisons(found)
    return Part(
        "Classification of talking clips",
        [
            *_introduction(talking, found, settings),
            *paper_tables(talking, accuracy),
            *_own_tables(accuracy, compared),
            ordering(accuracy, compared),
            *_confusions(talking, found),
            *_planes(talking, found),
        ],
        _headline(talking, accuracy, compared),
    )


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


def _own_tables(accuracy: pd.DataFrame, compared: pd.DataFrame) -> list[Block]:
    words = {str(a): ", ".join(said) for a, said in published.WORDS.items()}
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
            probabilities=("McNemar p", "p, Holm"),
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
