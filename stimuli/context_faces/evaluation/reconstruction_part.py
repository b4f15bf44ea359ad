"""Reconstructions and changed neutral pictures of held-out people: tables and figures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from stimuli.context_faces.evaluation import reconstruction, series_figures
from stimuli.context_faces.evaluation.held_out import HeldOut
from stimuli.context_faces.evaluation.judged_pictures import JudgedPictures
from stimuli.context_faces.evaluation.judging import Sights
from stimuli.context_faces.evaluation.part import Block, Figure, Table
from stimuli.context_faces.evaluation.series import NEUTRAL
from stimuli.context_faces.evaluation.stacking import first, slug, stacked
from stimuli.context_faces.poses import EMOTIONS

EXPRESSIVE = [e for e in range(len(EMOTIONS)) if e != NEUTRAL]
CHANGED, LEFT = "neutral, changed", "neutral, as given"


def reconstruction_blocks(
    held: HeldOut, originals: Sights, outcomes: Mapping[str, JudgedPictures]
) -> list[Block]:
    """What is shown of every model, by its name."""
    boxes = "; ".join(
        f"{name}: {box.left:g}–{box.right:g} across, {box.top:g}–{box.bottom:g} down"
        for name, box in reconstruction.REGIONS.items()
    )
    names = [actor.id for actor in held.actors]
    return [
        Table(
            "reconstruction-nearness", "How near the decoder's pictures are to originals",
            stacked(outcomes, lambda one: reconstruction.nearness(held.faces, one.made)), 3,
            f"Boxes in shares of the crop: {boxes}.",
        ),
        Table(
            "reconstruction-actors", "The same of each actor",
            stacked(outcomes, lambda one: _of_each(held, one)), 3,
        ),
        Table(
            "transfer-nearness", "How near changed neutral pictures are to true expressions",
            stacked(outcomes, lambda one: transfers(held, one)), 3,
            "The neutral picture and the latent of the same person's expression make a picture, "
            "which is compared with the true one. Models with a composer make it of the neutral "
            "picture's pixels; of others it is the decoder's. Below it, the neutral picture left "
            "as it was.",
        ),
        Table(
            "reconstruction-judged", "What the judge names right before and after",
            stacked(outcomes, lambda one: reconstruction.judged(originals, one.of_made)), 3,
            "kept: accuracy after over accuracy before; same: one word for both.",
        ),
        Table(
            "transfer-judged", "The same of neutral pictures changed into each expression",
            stacked(outcomes, lambda one: reconstruction.judged(
                originals, one.of_changed, [EMOTIONS[NEUTRAL]])), 3,
        ),
        Table(
            "reconstruction-groups", "The same for groups of actors",
            stacked(outcomes, lambda one: reconstruction.judged_by_group(
                held.actors, originals, one.of_made)), 3,
        ),
        *(
            Figure(
                f"reconstructions-{slug(name)}",
                f"Held-out faces, below each what the decoder gives back ({name}), and below that "
                "the neutral face changed into it.",
                series_figures.reconstructions(names, held.faces, one.made, one.changed),
                f"Faces of {min(len(names), series_figures.SHOWN)} actors in seven emotions, three "
                "rows for each actor: the original, the decoder's, and the neutral face changed.",
            )
            for name, one in outcomes.items()
        ),
    ]  # fmt: skip


def _of_each(held: HeldOut, one: JudgedPictures) -> pd.DataFrame:
    near = reconstruction.nearness_of_each(held.faces, one.made)
    return near.assign(actor=[actor.id for actor in held.actors]).pipe(first, "actor")


def distances(held: HeldOut, one: JudgedPictures) -> tuple[str, str]:
    """In words: of what the decoder gives back, and of neutral pictures changed."""
    changed = transfers(held, one)
    return (
        _said(reconstruction.nearness(held.faces, one.made)),
        _said(changed[changed["pictures"] == CHANGED]),
    )


def transfers(held: HeldOut, one: JudgedPictures) -> pd.DataFrame:
    """Nearness of changed neutral pictures to the true expressions, and of unchanged ones."""
    true = held.faces[:, EXPRESSIVE]
    given = np.broadcast_to(held.faces[:, [NEUTRAL]], true.shape)
    rows = [
        reconstruction.nearness(true, pictures).assign(pictures=name)
        for name, pictures in ((CHANGED, one.changed[:, EXPRESSIVE]), (LEFT, given))
    ]
    return pd.concat(rows).pipe(first, "pictures")


def _said(near: pd.DataFrame) -> str:
    return ", ".join(f"{of.region} {of.psnr:.1f} dB / {of.ssim:.3f}" for of in near.itertuples())
