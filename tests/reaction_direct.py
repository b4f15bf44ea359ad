"""The six measures of listener reactions, written down as the challenge describes them: slowly.

One pair of curves after the other, one channel after the other, as the published evaluation goes
through them; its warping is compiled and keeps the whole table, as that of the library it uses.
"""

import numpy as np
from numba import njit

GROUPS = ((0, 15, 1 / 15), (15, 17, 1.0), (17, 25, 1 / 8))
LAGS = range(-49, 50)


def frcorr(generated, truths):
    return np.mean([sum(max(ccc(t, p) for t in of) for p in made)
                    for made, of in zip(generated, truths, strict=True)])  # fmt: skip


def frdist(generated, truths):
    return np.mean([sum(min(warped(p, t) for t in of) for p in made)
                    for made, of in zip(generated, truths, strict=True)])  # fmt: skip


def frdiv(generated):
    found = []
    for made in generated:
        pairs = [((a - b) ** 2).mean() for i, a in enumerate(made) for j, b in enumerate(made)
                 if i != j]  # fmt: skip
        found.append(np.mean(pairs))
    return np.mean(found)


def frvar(generated):
    return np.mean([[np.var(p, axis=0, ddof=1) for p in made] for made in generated])


def frdvs(generated):
    found = []
    for sample in range(generated.shape[1]):
        of = generated[:, sample]
        found += [((a - b) ** 2).mean() for i, a in enumerate(of) for j, b in enumerate(of)
                  if i != j]  # fmt: skip
    return np.mean(found)


def frsyn(generated, speaker, samples=1):
    return np.mean([np.mean([abs(lag(p, s)) for p in made[:samples]])
                    for made, s in zip(generated, speaker, strict=True)])  # fmt: skip


def ccc(true, made):
    found = []
    for d in range(true.shape[1]):
        t, p = true[:, d], made[:, d]
        if np.ptp(t) == 0 or np.ptp(p) == 0:
            found.append(0.0)
            continue
        r = np.corrcoef(t, p)[0, 1]
        below = np.var(t) + np.var(p) + (np.mean(t) - np.mean(p)) ** 2
        found.append(2 * r * np.std(t) * np.std(p) / (below + 1e-8))
    return np.mean(found)


def warped(made, true):
    return sum(weight * dtw(np.ascontiguousarray(made[:, a:b]), np.ascontiguousarray(true[:, a:b]))
               for a, b, weight in GROUPS)  # fmt: skip


@njit(cache=True)
def dtw(x, y):
    table = np.full((len(x) + 1, len(y) + 1), np.inf)
    table[0, 0] = 0.0
    for i in range(len(x)):
        for j in range(len(y)):
            cost = 0.0
            for d in range(x.shape[1]):
                cost += (x[i, d] - y[j, d]) ** 2
            table[i + 1, j + 1] = cost + min(table[i, j], table[i, j + 1], table[i + 1, j])
    return np.sqrt(table[-1, -1])


def lag(made, speaker):
    found = []
    for shift in LAGS:
        r = []
        for d in range(made.shape[1]):
            x, y = shifted(made[:, d], speaker[:, d], shift)
            r.append(np.nan if np.ptp(x) == 0 or np.ptp(y) == 0 else np.corrcoef(x, y)[0, 1])
        if np.isnan(r).any():
            return shift  # NaN is what argmax finds first
        found.append(np.mean(r))
    return LAGS[int(np.argmax(found))]


def lag_of_varying(made, speaker):
    """Channels that vary at every lag alone; NaN if there is none."""
    found = np.full((len(LAGS), made.shape[1]), np.nan)
    for i, shift in enumerate(LAGS):
        for d in range(made.shape[1]):
            x, y = shifted(made[:, d], speaker[:, d], shift)
            if min(np.ptp(x), np.ptp(y)) > 1e-6:
                found[i, d] = np.corrcoef(x, y)[0, 1]
    varying = ~np.isnan(found).any(0)
    return LAGS[int(np.argmax(found[:, varying].mean(1)))] if varying.any() else np.nan


def shifted(x, y, shift):
    if shift > 0:
        return x[shift:], y[:-shift]
    return (x[:shift], y[-shift:]) if shift < 0 else (x, y)
