"""Whether faces of people that the networks never saw survive encoding and decoding.

Expressions are what counts: a picture can be near in every pixel and have lost them. So the
distances are taken of mouth and brows too, and the judge says what it sees before and after.

A composer would give a picture back by copying it, which proves nothing. So reconstructions are
what the decoder alone makes, and where there is a composer, *transfers* are shown as well: the
neutral picture, changed as far as the latent of the same person's expression lies away, beside the
true picture of that expression, which the composer has not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch

from models.context_face.network import ContextFace
from models.context_face.quality import WHOLE, Region, psnr, ssim
from stimuli.actors.cast import Actor
from stimuli.context_faces.evaluation.judging import Sights
from stimuli.context_faces.evaluation.resampling import interval, ratio
from stimuli.context_faces.pixels import pixels
from stimuli.context_faces.poses import EMOTIONS
from stimuli.faces.expression import WORDS
from stimuli.faces.groups import FACTORS

REGIONS = {  # of a crop, in shares of it
    "whole crop": WHOLE,
    "mouth": Region(0.30, 0.60, 0.70, 0.86),
    "brows": Region(0.20, 0.20, 0.80, 0.36),
}
TRUE = np.array([WORDS.index(emotion) for emotion in EMOTIONS])  # what the judge should say


def tensor(pictures: np.ndarray) -> torch.Tensor:
    """(N, S, S, 3) uint8 to (N, 3, S, S) in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 255


def reconstruct(network: ContextFace, faces: np.ndarray) -> np.ndarray:
    """Faces (..., S, S, 3) uint8 as the network gives them back, the same shape."""
    flat = faces.reshape(-1, *faces.shape[-3:])
    latent = network.encode_faces(tensor(flat))
    return pixels(network.decode(latent.mu)).reshape(faces.shape)


def transfer(network: ContextFace, faces: np.ndarray, neutral: int) -> np.ndarray:
    """Each actor's neutral picture changed into all, as series are: the shape of faces.

    faces: (A, E, S, S, 3) uint8, of which E = `neutral` is what everything is made from; of the
    others only latents are used.
    """
    made = []
    for own in faces:
        x = tensor(own)
        z = network.encode_faces(x).mu
        drawn = network.decode(z)
        given, rest, start = (of[[neutral]].expand_as(of) for of in (x, drawn, z))
        made.append(pixels(network.compose(given, rest, drawn, z - start)))
    return np.stack(made)


def nearness(faces: np.ndarray, made: np.ndarray) -> pd.DataFrame:
    """PSNR and SSIM of A actors' pictures (A, E, S, S, 3) uint8, one row for each region.

    Columns: `region`; `psnr` and `ssim`, means over actors with `_low` and `_high` at 95 %;
    `_least`, the mean of the actor with the least.
    """
    rows = []
    for region, measures in _near(faces, made).items():
        row: dict[str, object] = {"region": region}
        for measure, values in measures.items():
            low, high = interval(values)
            row |= {measure: values.mean(), f"{measure}_low": float(low),
                    f"{measure}_high": float(high), f"{measure}_least": values.min()}  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows)


def nearness_of_each(faces: np.ndarray, made: np.ndarray) -> pd.DataFrame:
    """The same of each actor: a row for each, columns such as `mouth ssim`."""
    near = _near(faces, made).items()
    return pd.DataFrame({f"{r} {m}": values for r, of in near for m, values in of.items()})


def _near(faces: np.ndarray, made: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Means (A,) over each actor's pictures of every measure, by region."""
    flat = faces.reshape(-1, *faces.shape[-3:])
    x, y = tensor(flat), tensor(made.reshape(flat.shape))

    def of_actors(of: Callable[..., torch.Tensor], region: Region) -> np.ndarray:
        return of(x, y, region).double().numpy().reshape(faces.shape[:2]).mean(1)

    return {
        name: {"psnr": of_actors(psnr, region), "ssim": of_actors(ssim, region)}
        for name, region in REGIONS.items()
    }


def judged(originals: Sights, made: Sights, without: Sequence[str] = ()) -> pd.DataFrame:
    """What share of pictures the judge names right, before and after, for each emotion and all.

    Sights are actors × EMOTIONS; `all` leaves out those named by `without`. `kept`: accuracy after
    over accuracy before, with `low` and `high` at 95 % over actors; `same`: how often the judge
    says the same word of both.
    """
    before, after = (sights.word == TRUE for sights in (originals, made))
    same = originals.word == made.word
    rows = [
        _share({"emotion": emotion}, before[:, [e]], after[:, [e]], same[:, [e]])
        for e, emotion in enumerate(EMOTIONS)
    ]
    kept = [e for e, emotion in enumerate(EMOTIONS) if emotion not in without]
    named = {"emotion": "all but " + ", ".join(without) if without else "all"}
    return pd.DataFrame([*rows, _share(named, before[:, kept], after[:, kept], same[:, kept])])


def judged_by_group(actors: Sequence[Actor], originals: Sights, made: Sights) -> pd.DataFrame:
    """The same over all emotions, for each gender, age, origin and skin."""
    before, after = (sights.word == TRUE for sights in (originals, made))
    same = originals.word == made.word
    rows = []
    for factor, group_of in FACTORS.items():
        groups = np.array([group_of(actor) for actor in actors])
        for group in sorted(set(groups)):
            of = groups == group
            named = {"factor": factor, "group": group, "actors": int(of.sum())}
            rows.append(_share(named, before[of], after[of], same[of]))
    return pd.DataFrame(rows)


def _share(named: dict, before: np.ndarray, after: np.ndarray, same: np.ndarray) -> dict:
    counts = np.stack([after.sum(1), before.sum(1)], 1).astype(float)  # (A, 2)
    low, high = interval(counts, ratio)
    return {**named, "pictures": before.size, "originals": before.mean(),
            "reconstructions": after.mean(), "kept": float(ratio(counts[None])[0]),
            "low": float(low), "high": float(high), "same": same.mean()}  # fmt: skip
