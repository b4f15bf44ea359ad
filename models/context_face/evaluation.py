"""Classification by identity-split cross validation (Blume 2024, sections 4.2 and 4.3).

for fold in draw_folds(...):
    result = evaluate_fold(clips, fold, settings)     # classifiers trained and tested
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from models.context_face.ablations import (
    LINEAR,
    VOICE_ONLY,
    Ablation,
    FittingSettings,
    fit_classifier,
    shifted_means,
)
from models.context_face.clips import Clips
from models.context_face.folds import Fold
from models.context_face.votes import vote

ORDER = sorted(Ablation, key=lambda a: a not in LINEAR)  # the heads of CAN begin as linear layers


@dataclass(frozen=True)
class FoldResult:
    """What a fold's classifiers say of the T clips of its test people.

    Attributes:
        predicted: (T,) class by majority vote.
        steps: of training, as the validating people chose.
        validation: share of their clips voted right.
        means: mu_S (T, F, d) that the head sees, or (T, 1, d) of voices.
    """

    predicted: dict[Ablation, Tensor]
    steps: dict[Ablation, int]
    validation: dict[Ablation, float]
    means: dict[Ablation, Tensor]


def evaluate_fold(
    clips: Clips,
    fold: Fold,
    settings: FittingSettings,
    trained: Callable[[], None] = lambda: None,
    baseline: Clips | None = None,
) -> FoldResult:
    """Train each ablation on a fold and test it.

    trained: called after each; baseline: the same clips as VGG-16 sees them, or None without it.
    """
    heads: dict[bool, nn.Linear] = {}  # of voices, of faces
    result = FoldResult({}, {}, {}, {})
    for ablation in ORDER:
        given = baseline if ablation is Ablation.VGG16 else clips
        if given is None:
            continue
        train, validation, test = (given.of(p) for p in (fold.train, fold.validation, fold.test))
        own = replace(settings, seed=settings.seed + 1_000 * list(Ablation).index(ablation))
        begins = None if ablation in LINEAR else heads[ablation in VOICE_ONLY]
        fitted = fit_classifier(ablation, train, validation, own, begins)
        if given is clips:
            heads.setdefault(ablation in VOICE_ONLY, fitted.classifier.head)
        mu = shifted_means(fitted.classifier, ablation, test)
        with torch.inference_mode():
            result.predicted[ablation] = vote(fitted.classifier.head(mu))
        result.means[ablation] = mu
        result.steps[ablation] = fitted.steps
        result.validation[ablation] = fitted.validation
        trained()
    return result
