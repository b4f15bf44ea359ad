"""The six measures as REACT 2024 computes them, quirks included: numbers compare with printed ones.

Quirks: FRCorr and FRDist are sums over the samples (ten, in the challenge), not means; channels
that are constant in a sample or truth correlate 0 and pull FRCorr down; FRDvs pairs samples by
their number; FRSyn scores only the first sample of each clip and is 49 as soon as a channel is
constant in it or in the speaker, so it says more about constant channels than about timing.
"""

from __future__ import annotations

from models.reaction.metrics.scores import Scores
from models.reaction.metrics.tables import Tables


def scores(tables: Tables) -> Scores:
    """All six."""
    return Scores(
        frcorr(tables), frdist(tables), frdiv(tables), frvar(tables), frdvs(tables), frsyn(tables)
    )


def frcorr(tables: Tables) -> float:
    """Concordance with the truth most like it, summed over samples; mean over clips.

    From -S to S (10 with ten samples), higher is better. Channels' mean; a constant channel is 0.
    """
    return float(tables.agreement.sum(1).mean())


def frdist(tables: Tables) -> float:
    """Warped distance from the nearest truth, summed over samples; mean over clips.

    From 0, lower is better. Grows with the number of samples and the root of the frames.
    """
    return float(tables.warped.sum(1).mean())


def frdiv(tables: Tables) -> float:
    """Mean squared difference of two samples of a clip; higher: more diverse. 0 with one sample."""
    if tables.samples == 1:
        return 0.0
    pairs = tables.samples * (tables.samples - 1)
    within = tables.apart_any.diagonal().mean()
    return float(within / (pairs * tables.frames * tables.channels))


def frvar(tables: Tables) -> float:
    """Variance over frames (n - 1 below), mean over everything; higher: more movement."""
    return float(tables.variance.mean() * tables.frames / (tables.frames - 1))


def frdvs(tables: Tables) -> float:
    """Mean squared difference of two clips' samples of the same number; NaN with one clip."""
    clips = len(tables)
    if clips == 1:
        return float("nan")
    pairs = clips * (clips - 1) * tables.samples
    between = tables.apart.sum() - tables.apart.trace()
    return float(between / (pairs * tables.frames * tables.channels))


def frsyn(tables: Tables) -> float:
    """Mean absolute lag behind or before the speaker, frames, of first samples; 0 to 49.

    Lower is better in the challenge; 49 where a channel is constant over the clip.
    """
    return float(abs(tables.lag[:, 0]).mean())
