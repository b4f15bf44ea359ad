"""What becomes of unseen faces in one or several models: tables, figures, and single sentences."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from models.context_face.network import ContextFace
from models.context_face.settings import MelSettings
from stimuli.context_faces.evaluation import (
    hearing,
    identity,
    reconstruction,
    series,
    series_figures,
)
from stimuli.context_faces.evaluation.contrast import NOTE, contrast
from stimuli.context_faces.evaluation.held_out import SIZE, Drawn, HeldOut
from stimuli.context_faces.evaluation.judged_pictures import JudgedPictures, Stage, judge_pictures
from stimuli.context_faces.evaluation.judging import Judge, Sights
from stimuli.context_faces.evaluation.part import Block, Figure, Part, Table
from stimuli.context_faces.evaluation.reconstruction_part import distances, reconstruction_blocks
from stimuli.context_faces.evaluation.series import NEUTRAL, steps, verdict_row
from stimuli.context_faces.evaluation.shape import ShapeJudge
from stimuli.context_faces.evaluation.shape_part import SecondOpinion
from stimuli.context_faces.evaluation.stacking import first, slug, stacked
from stimuli.context_faces.poses import EMOTIONS

WANTED = {"psnr": 30.0, "ssim": 0.92, "kept": 0.95, "nearest": 0.99, "apart": 0.5}
SHEETS = (("happy", "angry"), ("sad", "fearful"), ("disgusted", "surprised"))


def pictures_part(
    networks: Mapping[str, ContextFace],
    held: HeldOut,
    stage: Stage = lambda _: lambda done, total: None,
    workers: int = 1,
    known: Drawn | None = None,
) -> Part:
    """Reconstruction, identity and m series of held-out people by every network.

    networks: name (such as the way it was trained) -> model. Those that share their face network
    have the same reconstructions; each is looked at once, by `workers` processes. known: true
    pictures of others, from which a second judge learns (`shape`).

    Raises:
        ValueError: A model of other pictures or spectrograms than held-out people are kept as.
    """
    for name, network in networks.items():
        _check(name, network)
    judge = Judge(workers)
    originals = judge.see(held.faces, identity=True, progress=stage("looking at originals"))
    graded = judge.see(held.graded, progress=stage("looking at weaker expressions"))
    outcomes = {name: judge_pictures(network, held, judge, stage, name)
                for name, network in networks.items()}  # fmt: skip
    true = f"true pictures at the same m: {steps(series.true_steps(originals, graded))}"
    second = None
    if known is not None:
        by_shape = ShapeJudge.of(known, judge, stage("points of true pictures"))
        second = SecondOpinion.of(by_shape, originals, graded, outcomes)
    return Part(
        "Pictures of people that the networks never saw",
        [
            _introduction(held),
            *reconstruction_blocks(held, originals, outcomes),
            *_identities(originals, outcomes),
            *_series(held, originals, graded, outcomes),
            f"Steps of the judge's mean valence over m, of {true}.",
            *(second.blocks() if second else ()),
        ],
        [*(line for name, one in outcomes.items() for line in headline(name, held, originals, one)),
         f"valence of {true}", *(second.headline() if second else ())],
    )  # fmt: skip


def headline(name: str, held: HeldOut, originals: Sights, one: JudgedPictures) -> list[str]:
    """The results in single sentences, each with what was wanted."""
    alone, changed = distances(held, one)
    said = reconstruction.judged(originals, one.of_made).iloc[-1]
    moved = reconstruction.judged(originals, one.of_changed, [EMOTIONS[NEUTRAL]]).iloc[-1]
    whose = _identity(originals, one).set_index("pictures of")
    m = series.verdict(one.series, one.of_series, originals)
    return [
        f"{name}: given back by the decoder alone, PSNR / SSIM: {alone} "
        f"(wanted {WANTED['psnr']:g} dB / {WANTED['ssim']:g})",
        f"{name}: neutral pictures changed into each expression by its latent: {changed} "
        "(wanted the same)",
        f"{name}: the judge names {said.originals:.3f} of the originals right and "
        f"{said.reconstructions:.3f} of what the decoder gives back: {said.kept:.3f} kept "
        f"({said.low:.3f} to {said.high:.3f}; wanted {WANTED['kept']:g}); of expressions "
        f"{moved.originals:.3f}, and {moved.reconstructions:.3f} of neutral pictures changed into "
        f"them: {moved.kept:.3f} kept ({moved.low:.3f} to {moved.high:.3f})",
        f"{name}: own neutral face nearest: "
        + ", ".join(
            f"{of} {row.nearest:.3f} ({row.pairs:.3f} of pairs)" for of, row in whose.iterrows()
        )
        + f" (wanted {WANTED['nearest']:g} of shifted ones)",
        f"{name}: {series.rising(m)}",
        f"{name}: {series.apart(m)}, wanted {WANTED['apart']:g}; {m.actors_right:.0%} of actors "
        f"have its sign; at m = 0 contexts differ by {m.same} grey levels",
        f"{name}: {hearing.in_words(hearing.heard(one.series))}",
        f"{name}: m = 0 lies {one.from_given(held)} of 255 grey levels from the given picture at "
        "most",
    ]


def _check(name: str, network: ContextFace) -> None:
    settings = network.settings
    if settings.face.size != SIZE or settings.mel != MelSettings():
        raise ValueError(
            f"{name}: a model of {settings.face.size} pixels and {settings.mel}; held-out people "
            f"are kept at {SIZE} pixels and {MelSettings()}; train one with these settings"
        )


def _introduction(held: HeldOut) -> str:
    ids = [actor.id for actor in held.actors]
    return (
        f"{len(ids)} synthetic actors ({ids[0]} to {ids[-1]}) whose faces and voices no network "
        f"has seen, drawn in {len(EMOTIONS)} emotions at full strength and cut as in training. "
        "PSNR takes red, green and blue; SSIM (Wang et al., 2004: Gaussian window of 11 × 11 "
        "pixels, standard deviation 1.5, range 1) takes luma. The judge is the expression and "
        "identity networks of face-api.js, trained by others on photographs, asked where the crop "
        "has put the eyes. Valence is its probabilities "
        "times the mean pleasure of each word (Russell & Mehrabian, 1977). Intervals are at "
        "95 %, over actors (percentile bootstrap)."
    )


def _identity(originals: Sights, one: JudgedPictures) -> pd.DataFrame:
    """Rows of `identity.kept`: true expressions, reconstructions, shifted pictures."""
    drawn, back = originals.descriptors, one.of_made.descriptors
    expressive = [e for e in range(len(EMOTIONS)) if e != NEUTRAL]
    return pd.DataFrame([
        identity.kept("true expressions", drawn[:, expressive], drawn[:, NEUTRAL]),
        identity.kept("reconstructions", back, drawn[:, NEUTRAL]),
        identity.kept("shifted, m = 1", one.shifted, drawn[:, NEUTRAL]),
        identity.kept("shifted, m = 1, among m = 0", one.shifted, one.unshifted),
    ])  # fmt: skip


def _identity_by_emotion(originals: Sights, one: JudgedPictures) -> pd.DataFrame:
    """`nearest` and `pairs` of true expressions and of pictures shifted to them, by emotion."""
    drawn, rows = originals.descriptors, []
    shifted = one.shifted.reshape(len(drawn), -1, len(EMOTIONS), drawn.shape[-1])
    for e, emotion in enumerate(EMOTIONS):
        true = identity.kept("", drawn[:, [e]], drawn[:, NEUTRAL])
        made = identity.kept("", shifted[:, :, e], drawn[:, NEUTRAL])
        rows.append({
            "emotion": emotion, "true nearest": true["nearest"], "true pairs": true["pairs"],
            "shifted nearest": made["nearest"], "shifted pairs": made["pairs"],
        })  # fmt: skip
    return pd.DataFrame(rows)


def _identities(originals: Sights, outcomes: Mapping[str, JudgedPictures]) -> list[Block]:
    return [
        Table(
            "identity", "Whose neutral face is nearest, by descriptors of the identity network",
            stacked(outcomes, lambda one: _identity(originals, one)), 3,
            "nearest: share of pictures that are nearer to their own actor's neutral face than to "
            "any other's; pairs: share of pictures and other actors of which the other's is "
            "further; auc: share of all own and all foreign distances with the own less; "
            "own, others: median distances. Reconstructions are the decoder's. Neutral faces are "
            "the drawn ones, in the last row those at m = 0. True expressions show how well the "
            "network tells these actors apart at all.",
        ),
        Table(
            "identity-emotions", "The same by emotion of the true face, and of the voice",
            stacked(outcomes, lambda one: _identity_by_emotion(originals, one)), 3,
        ),
    ]  # fmt: skip


def _series(
    held: HeldOut, originals: Sights, graded: Sights, outcomes: Mapping[str, JudgedPictures]
) -> list[Block]:
    names = [actor.id for actor in held.actors]
    levels = {name: series.by_level(one.series, one.of_series) for name, one in outcomes.items()}
    verdicts = pd.DataFrame([
        verdict_row(name, series.verdict(one.series, one.of_series, originals))
        for name, one in outcomes.items()
    ])  # fmt: skip
    sheets = [
        Figure(
            f"series-{slug(name)}-{'-'.join(contexts)}",
            f"Neutral faces of {len(names)} held-out actors, shifted by their own {contexts[0]} "
            f"and {contexts[1]} voices ({name}).",
            series_figures.series_sheet(names, one.series.pictures, contexts),
            f"One row for each actor: m = 0, then four rising levels for {contexts[0]} and four "
            f"for {contexts[1]} voices.",
        )
        for name, one in outcomes.items() for contexts in SHEETS
    ]  # fmt: skip
    return [
        Table("series-verdicts", "Whether m does what it says", verdicts, 3,
              "sure steps: how many of the eight have their whole interval on the right side of 0; "
              "apart: happy minus angry valence at m = 1 over that of true pictures; same: "
              "largest difference between contexts at m = 0, in grey levels."),
        Table("series-contrast", "Happy minus angry voices at each m",
              stacked(outcomes, lambda one: contrast(one.of_series, originals, graded)), 3, NOTE),
        Table("series-heard", "What voices are heard as: the emotion that the model's own head "
              "names in the shifted face at m = 1",
              stacked(outcomes, lambda one: hearing.heard(one.series)), 3,
              "right: share of the voices in which it is the one that was meant."),
        Figure("valence-over-m", "The judge's valence over m, by voice; dashes at the right edge: "
               "true pictures at full strength.",
               series_figures.valence_over_m(levels, originals.valence.mean(0)),
               "Lines of mean valence over five levels of m, one for each emotion of the voice."),
        Table("series-actions", "Facial actions at m = 1, as changes from m = 0",
              stacked(outcomes, lambda one: series.actions(one.of_series, originals)), 3,
              "In distances between the eyes; true: the same actors' true pictures."),
        Table("series-levels", "Every context and level",
              pd.concat([t.assign(model=n) for n, t in levels.items()]).pipe(first, "model"), 3,
              "judge, head: probability of the context's class by the judge, and by the model's "
              "own head; actions are changes from m = 0, in distances between the eyes."),
        *sheets,
    ]  # fmt: skip
