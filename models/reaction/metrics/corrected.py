"""The six measures as their names promise: all samples, constant channels left out, mean values.

None depends on how many samples there are or in which order; FRDist not on the length of clips.
"""

from __future__ import annotations

import numpy as np

from models.reaction.metrics import react2024
from models.reaction.metrics.scores import Scores
from models.reaction.metrics.tables import Tables


def scores(tables: Tables) -> Scores:
    """All six."""
    return Scores(
        frcorr(tables), frdist(tables), frdiv(tables), frvar(tables), frdvs(tables), frsyn(tables)
    )


def frcorr(tables: Tables) -> float:
    """Concordance with the truth most like it, mean over samples and clips; -1 to 1.

    Higher is better: 1 is a copy of a truth, 0 no relation. Mean over the channels that vary in the
    truth; a channel that only the sample keeps constant has 0. NaN: no truth varies.
    """
    return _mean(tables.agreement_corrected)


def frdist(tables: Tables) -> float:
    """Warped distance from the nearest truth over the root of the frames; mean of all samples.

    From 0, lower is better: what a frame is off, action units, valence and arousal, expressions
    together, weighted as in the challenge.
    """
    return float(tables.warped.mean() / np.sqrt(tables.frames))


def frdiv(tables: Tables) -> float:
    """Mean squared difference of two samples of a clip; from 0, higher: more diverse.

    As in the challenge; NaN with one sample. More is not better without end: compare true
    listeners.
    """
    return float("nan") if tables.samples == 1 else react2024.frdiv(tables)


def frvar(tables: Tables) -> float:
    """Variance over frames (n below: the clip is all there is), mean over everything; from 0.

    Higher: more movement. Compare true listeners, as for FRDiv.
    """
    return float(tables.variance.mean())


def frdvs(tables: Tables) -> float:
    """Mean squared difference of any two samples of different clips; NaN with one clip.

    From 0, higher: reactions differ more from speaker to speaker.
    """
    clips = len(tables)
    if clips == 1:
        return float("nan")
    pairs = clips * (clips - 1) * tables.samples**2
    between = tables.apart_any.sum() - tables.apart_any.trace()
    return float(between / (pairs * tables.frames * tables.channels))


def frsyn(tables: Tables) -> float:
    """Mean absolute lag behind or before the speaker, frames, of all samples; 0 to 49.

    24.7 if every lag were as likely; nearer to 30 for smooth curves that have nothing in common.
    Channels that are constant at some lag do not count; NaN: all are. True listeners take time, so
    what they have is the number to come near to.
    """
    return _mean(abs(tables.lag_corrected))


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")
