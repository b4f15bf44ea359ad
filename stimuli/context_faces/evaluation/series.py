"""Whether m does what it says: neutral faces of unseen people, shifted by their own voices.

A held-out actor says some sentences in every emotion. Each voice shifts the actor's neutral face at
LEVELS of m. The judge looks at every picture; its values are averaged over the actor's sentences.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from models.context_face.attention import shifted
from models.context_face.data import LEVELS as DECIBELS
from models.context_face.network import ContextFace
from models.context_face.vae import Latent
from stimuli.context_faces.evaluation.held_out import BETWEEN, GRADED, HeldOut
from stimuli.context_faces.evaluation.judging import ACTIONS, Sights
from stimuli.context_faces.evaluation.reconstruction import tensor
from stimuli.context_faces.evaluation.resampling import interval, ratio
from stimuli.context_faces.pixels import pixels
from stimuli.context_faces.poses import EMOTIONS
from stimuli.faces.expression import WORDS

LEVELS = (0.0, *BETWEEN, 1.0)
NEUTRAL, HAPPY, ANGRY = (EMOTIONS.index(word) for word in ("neutral", "happy", "angry"))
SIGNED = {  # context -> facial actions that show it, and their direction
    "happy": {"mouth_corners_up": 1, "mouth_width": 1},
    "angry": {"brow_inner_up": -1, "brow_outer_up": -1},
    "sad": {"mouth_corners_up": -1, "brows_slanted": 1},
    "fearful": {"mouth_open": 1, "mouth_width": 1, "brows_slanted": 1},
    "disgusted": {"brow_inner_up": -1, "mouth_open": 1},
    "surprised": {"mouth_open": 1, "brow_inner_up": 1, "brow_outer_up": 1},
}


@dataclass(frozen=True)
class Series:
    """A actors × S sentences × E contexts (EMOTIONS) × LEVELS.

    Attributes:
        pictures: (A, S, E, L, size, size, 3) uint8.
        head: (A, S, E, L), probability of the context's class by the model's own head; nan where
            the model has no such class.
        named: (A, S, E), row of EMOTIONS that this head names at m = 1; -1: a class of its own.
    """

    pictures: np.ndarray
    head: np.ndarray
    named: np.ndarray


@torch.inference_mode()
def shift(network: ContextFace, held: HeldOut) -> Series:
    """Every actor's neutral face in every voice of theirs, at LEVELS."""
    pictures, heads, named = [], [], []
    words = network.settings.emotions
    for faces, voices in zip(held.faces, held.voices, strict=True):
        given = tensor(faces[[NEUTRAL]])
        face = network.encode_faces(given)
        flat = torch.from_numpy(voices.reshape(-1, 1, *voices.shape[2:])).float() / DECIBELS
        context = network.encode_contexts(flat)
        face = Latent(*(part.expand(len(flat), -1) for part in face))
        given = given.expand(len(flat), -1, -1, -1)
        made = pixels(network.series(face, context, LEVELS, given=given))  # (S · E, L, S, S, 3)
        pictures.append(made.reshape(*voices.shape[:2], *made.shape[1:]))
        shares = _shares(network, face, context)
        heads.append(_of_contexts(shares, words))
        rows = np.array([EMOTIONS.index(word) if word in EMOTIONS else -1 for word in words])
        named.append(rows[shares[:, :, -1].argmax(-1)])
    return Series(np.stack(pictures), np.stack(heads), np.stack(named))


def _shares(network: ContextFace, face: Latent, context: Latent) -> np.ndarray:
    """The head's probabilities (S, E, L, classes) of faces in contexts, which are S · E."""
    offsets = network.shift(face, context)
    at = [network.head(shifted(face, offsets, m).mu).softmax(-1) for m in LEVELS]
    return torch.stack(at, 1).unflatten(0, (-1, len(EMOTIONS))).numpy()


def _of_contexts(shares: np.ndarray, known: tuple[str, ...]) -> np.ndarray:
    """Of probabilities (S, E, L, classes), those (S, E, L) of the class of each context."""
    found = np.full(shares.shape[:3], np.nan)
    for e, word in enumerate(EMOTIONS):
        if word in known:
            found[:, e] = shares[:, e, :, known.index(word)]
    return found


def by_level(series: Series, sights: Sights) -> pd.DataFrame:
    """Means over actors for each context and m.

    sights: of `series.pictures`, (A, S, E, L). Columns: `valence` with `valence_low` and
    `valence_high` (95 % over actors); `judge` and `head`, the probability of the context's class;
    and each of ACTIONS as a change from m = 0.
    """
    valence = sights.valence.mean(1)  # (A, E, L)
    low, high = interval(valence)
    actions = sights.actions - sights.actions[:, :, :, :1]
    rows = []
    for e, context in enumerate(EMOTIONS):
        judge = sights.said[:, :, e, :, WORDS.index(context)].mean((0, 1))
        for i, m in enumerate(LEVELS):
            rows.append({
                "context": context, "m": m, "valence": valence[:, e, i].mean(),
                "valence_low": low[e, i], "valence_high": high[e, i], "judge": judge[i],
                "head": series.head[:, :, e, i].mean(),
                **dict(zip(ACTIONS, actions[:, :, e, i].mean((0, 1)), strict=True)),
            })  # fmt: skip
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Verdict:
    """Whether m does what it says.

    Attributes:
        rises, falls: whether mean valence rises (falls) at every step for happy (angry) contexts.
        steps: of happy, then of angry contexts: change of mean valence at each step of m.
        sure: how many of these steps have the right sign in their whole interval (95 %).
        same: largest difference at m = 0 between contexts of one actor, in grey levels.
        apart: happy minus angry at m = 1, of true pictures' happy minus angry.
        low, high: the same at 95 %, over actors.
        actors_right: share of actors with more valence at m = 1 for happy than for angry.
    """

    rises: bool
    falls: bool
    steps: np.ndarray  # (2, L - 1)
    sure: int
    same: int
    apart: float
    low: float
    high: float
    actors_right: float


def verdict(series: Series, sights: Sights, originals: Sights) -> Verdict:
    """Sights of `series.pictures` (A, S, E, L) and of the actors' true pictures (A, E)."""
    valence = sights.valence.mean(1)  # (A, E, L)
    each = np.diff(valence, axis=-1)[:, [HAPPY, ANGRY]]  # (A, 2, L - 1)
    steps, ends = each.mean(0), interval(each)
    sure = int((ends[0][0] > 0).sum() + (ends[1][1] < 0).sum())
    made = valence[:, HAPPY, -1] - valence[:, ANGRY, -1]
    true = originals.valence[:, HAPPY] - originals.valence[:, ANGRY]
    both = np.stack([made, true], 1)
    low, high = interval(both, ratio)
    at_0 = series.pictures[:, :, :, 0].astype(int)
    same = int(np.ptp(at_0, axis=(1, 2)).max())
    return Verdict(
        bool((steps[0] > 0).all()), bool((steps[1] < 0).all()), steps, sure, same,
        float(ratio(both[None])[0]), float(low), float(high), float((made > 0).mean()),
    )  # fmt: skip


def true_steps(originals: Sights, graded: Sights) -> np.ndarray:
    """Steps (2, L - 1) of `true_valence`, happy and angry, as mean over actors."""
    return np.diff(true_valence(originals, graded).mean(-1), axis=1)


def true_valence(originals: Sights, graded: Sights) -> np.ndarray:
    """What the judge makes of m where nothing but m differs: valence (2, L, A), happy and angry.

    Sights of the actors' true pictures (A, E), and of `HeldOut.graded` (A, 2, L - 2).
    """
    valence = [
        [originals.valence[:, NEUTRAL], *graded.valence[:, k].T,
         originals.valence[:, EMOTIONS.index(emotion)]]
        for k, emotion in enumerate(GRADED)
    ]  # fmt: skip
    return np.array(valence)


def verdict_row(name: str, of: Verdict) -> dict[str, object]:
    """A verdict as a row of a table."""
    return {"model": name, "happy rises": of.rises, "angry falls": of.falls, "sure steps": of.sure,
            "least step happy": of.steps[0].min(), "least step angry": -of.steps[1].max(),
            "apart": of.apart, "low": of.low, "high": of.high, "actors right": of.actors_right,
            "same": of.same}  # fmt: skip


def steps(of: np.ndarray) -> str:
    """Steps (2, L - 1) of happy, then of angry, in words."""
    return "; ".join(
        f"{word} {' '.join(f'{step:+.3f}' for step in line)}"
        for word, line in zip(GRADED, of, strict=True)
    )


def rising(of: Verdict) -> str:
    """Whether valence goes where the voice says, as a sentence without an end."""
    return (
        f"valence {'rises' if of.rises else 'DOES NOT RISE'} with m in happy voices and "
        f"{'falls' if of.falls else 'DOES NOT FALL'} in angry ones at every step, {of.sure} of "
        f"{of.steps.size} steps beyond chance ({steps(of.steps)})"
    )


def apart(of: Verdict) -> str:
    """How far happy and angry voices lead apart, likewise."""
    return (
        f"happy minus angry at m = 1 is {of.apart:.2f} of that of true pictures ({of.low:.2f} to "
        f"{of.high:.2f})"
    )


def actions(sights: Sights, originals: Sights) -> pd.DataFrame:
    """Facial actions of SIGNED at m = 1 beside those of true pictures, as changes from neutral.

    Columns: `context`, `action`, `expected` (+ or -), `shifted` with `low` and `high` (95 % over
    actors), `true`, `share` of it, and `actors`, the share of actors with the expected sign.
    """
    made = (sights.actions[:, :, :, -1] - sights.actions[:, :, :, 0]).mean(1)  # (A, E, 7)
    true = originals.actions - originals.actions[:, [NEUTRAL]]
    low, high = interval(made)
    names, rows = list(ACTIONS), []
    for context, signs in SIGNED.items():
        e = EMOTIONS.index(context)
        for name, sign in signs.items():
            k = names.index(name)
            of, truth = made[:, e, k], true[:, e, k].mean()
            rows.append({
                "context": context, "action": name, "expected": "+" if sign > 0 else "-",
                "shifted": of.mean(), "low": low[e, k], "high": high[e, k], "true": truth,
                "share": of.mean() / truth if truth else math.nan,
                "actors": (np.sign(of) == sign).mean(),
            })  # fmt: skip
    return pd.DataFrame(rows)
