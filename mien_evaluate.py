"""`mien evaluate`: how well networks do; only this and `mien train` need PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien_terminal import say, stages

app = typer.Typer(
    help="How well networks do.\n\nExample: mien evaluate context-face synthetic -o evaluation",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _evaluate() -> None:
    """What is evaluated."""


@app.command("context-face")
def evaluate_context_face(
    corpus: Annotated[
        str, typer.Argument(metavar="CORPUS", help="Prepared talking clips, DIR or NAME.")
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder of the page; it goes on where it stopped.")
    ],
    weights: Annotated[Path | None, typer.Option(help="Default: those that mien ships.")] = None,
    folds: Annotated[
        int, typer.Option(min=3, max=100, help="At most; as many as people, if they are fewer.")
    ] = 10,
    schedule: Annotated[
        str, typer.Option(help="quick, or paper: its learning rate of 3e-5.")
    ] = "quick",
    seed: Annotated[int, typer.Option(min=0, help="Of folds and classifiers.")] = 1,
    pictures: Annotated[
        bool, typer.Option(help="Also judge pictures of the held-out synthetic actors.")
    ] = True,
    beside: Annotated[
        list[str] | None,
        typer.Option(help="Weights whose pictures are judged beside, NAME=FILE; may be repeated."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=256, help="Processes to draw and judge; cores for VGG-16.")
    ] = 1,
    vgg16: Annotated[
        Path | None,
        typer.Option(help="VGG-16 of ImageNet as safetensors: also run the paper's baseline."),
    ] = None,
) -> None:
    """Classify talking clips in folds split by identity, as Blume et al. (2024); write a page.

    Six classifiers on frozen face and voice latents (tables 1 to 3, figures 4 and 5), and what
    becomes of pictures. Needs the part `models` (PyTorch) and `analysis` (Matplotlib).

    Example: mien evaluate context-face synthetic -o evaluation
    """
    from models.context_face.stored import SHIPPED_FILE
    from stimuli.context_faces.evaluation.evaluate import Asked, evaluate

    asked = Asked(
        weights or SHIPPED_FILE, folds, schedule, seed, pictures, tuple(beside or ()), workers,
        vgg16,
    )  # fmt: skip
    with stages() as stage:
        outcome = evaluate(corpus, out, asked, stage)
    for line in outcome.lines():
        say(line)


@app.command("talking-face")
def evaluate_talking_face(
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder of the page; it goes on where it stopped.")
    ],
    weights: Annotated[
        Path | None, typer.Argument(help="Weights; default: those that mien ships.")
    ] = None,
    clips: Annotated[
        int, typer.Option(min=1, max=6, help="Real clips of each held-out synthetic actor.")
    ] = 2,
    judge: Annotated[
        Path | None, typer.Option(help="Classifier of emotions; default: the one that mien ships.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=256, help="Processes to film and measure.")
    ] = 1,
) -> None:
    """Compare generated talking faces with real clips, as Eskimez et al. (2021); write a page.

    PSNR, SSIM, landmarks (table I), emotions (table II, figure 4), synchrony, flicker, contact
    sheets; real clips are of actors no network has seen, made once. Needs the parts `models`,
    `stimuli`, `faces` and `analysis`.

    Example: mien evaluate talking-face -o evaluation
    """
    from models.talking_face.judge import SHIPPED_FILE as SHIPPED_JUDGE
    from models.talking_face.stored import SHIPPED_FILE
    from stimuli.talking_faces.evaluation.evaluate import Asked, evaluate

    asked = Asked(weights or SHIPPED_FILE, judge or SHIPPED_JUDGE, clips, workers=workers)
    with stages() as stage:
        outcome = evaluate(out, asked, stage)
    for line in outcome.lines():
        say(line)


@app.command("valence-arousal")
def evaluate_valence_arousal(
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder of the page; it goes on where it stopped.")
    ],
    weights: Annotated[
        Path | None, typer.Argument(help="Weights; default: those that mien ships.")
    ] = None,
    judges: Annotated[
        Path | None,
        typer.Option(help="Judges of valence and arousal; default: those that mien ships."),
    ] = None,
    corpus: Annotated[
        str | None,
        typer.Option(help="Also edit neutral faces of a prepared corpus, DIR or NAME."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=256, help="Processes to draw and measure.")
    ] = 1,
) -> None:
    """Compare faces edited by valence and arousal with true pictures; write a page.

    Judges as Lindt et al. (2019; tables III and IV), PSNR and SSIM with the true picture of the
    same actor, identity, moving along an axis, heat maps (figure 2), pictures (figures 3 and 4),
    speed; on actors no network has seen. Needs the parts `models`, `stimuli`, `faces` and
    `analysis`.

    Example: mien evaluate valence-arousal -o evaluation
    """
    from models.valence_arousal.judge import SHIPPED_FILE as SHIPPED_JUDGES
    from models.valence_arousal.stored import SHIPPED_FILE
    from stimuli.valence_arousal.evaluation.evaluate import Asked, evaluate

    asked = Asked(weights or SHIPPED_FILE, judges or SHIPPED_JUDGES, corpus, workers=workers)
    with stages() as stage:
        outcome = evaluate(out, asked, stage)
    for line in outcome.lines():
        say(line)


@app.command("reaction")
def evaluate_reaction(
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder of the page; it goes on where it stopped.")
    ],
    weights: Annotated[
        list[Path] | None,
        typer.Argument(help="Weights, of any bases, frameworks and seeds; default: those that "
                       "mien ships."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="A data file of mien train reaction; default: held-out synthetic "
                     "speakers and listeners."),
    ] = None,
    samples: Annotated[int, typer.Option(min=3, help="Reactions to each clip.")] = 10,
    clips: Annotated[
        int | None, typer.Option(min=1, help="Clips of each speaker, at most; default: all.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=256, help="Processes to react and measure.")
    ] = 1,
) -> None:  # fmt: skip
    """Compare models of listener reactions, as Hu et al. (2024); write a page.

    The six measures of REACT 2024 (table 1), as the challenge computes them and corrected, with
    voice, face or both missing; whether EMC helps its base; naive baselines, jitter, latency,
    curves. Trainings that differ by seed are averaged. Needs the parts `models`, `stimuli` and
    `analysis`.

    Example: mien evaluate reaction -o evaluation
    """
    from models.reaction.stored import SHIPPED_FILE
    from stimuli.reactions.evaluation.evaluate import Asked, evaluate

    asked = Asked(tuple(weights or (SHIPPED_FILE,)), data, samples, clips, workers)
    with stages() as stage:
        outcome = evaluate(out, asked, stage)
    for line in outcome.lines():
        say(line)
