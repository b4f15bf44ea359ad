"""Verbs of mien's networks; only they need PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien_terminal import processes, progress, say, stages

app = typer.Typer()
evaluate = typer.Typer(
    help="How well networks do.\n\nExample: mien evaluate context-face synthetic -o evaluation",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(evaluate, name="evaluate")


@evaluate.callback()
def _evaluate() -> None:
    """A group, though of one verb."""


@evaluate.command("context-face")
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
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes to draw and judge.")] = 1,
) -> None:
    """Classify talking clips in folds split by identity, as Blume et al. (2024); write a page.

    Six classifiers on frozen face and voice latents (tables 1 to 3, figures 4 and 5), and what
    becomes of pictures. Needs the part `models` (PyTorch) and `analysis` (Matplotlib).

    Example: mien evaluate context-face synthetic -o evaluation
    """
    from models.context_face.stored import SHIPPED_FILE
    from stimuli.context_faces.evaluation.evaluate import Asked, evaluate

    asked = Asked(
        weights or SHIPPED_FILE, folds, schedule, seed, pictures, tuple(beside or ()), workers
    )
    with stages() as stage:
        outcome = evaluate(corpus, out, asked, stage)
    for line in outcome.lines():
        say(line)


train = typer.Typer(
    help="Train a model again, or on material of your own; see docs/training.md.\n\n"
    "Example: mien train context-face --corpus ravdess -o models/ravdess",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(train, name="train")


@train.callback()
def _train() -> None:
    """A group, though of one verb."""


@train.command("context-face")
def train_context_face(
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder of the training, new or the same.")
    ],
    data: Annotated[Path | None, typer.Option(help="A data file that was made before.")] = None,
    corpus: Annotated[
        str | None, typer.Option(help="A corpus prepared with mien corpus prepare, DIR or NAME.")
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="Of each clip of the corpus, at most.")] = 16,
    leave_out: Annotated[
        str, typer.Option(help="Emotions of the corpus that are no class, such as calm.")
    ] = "",
    recipe: Annotated[
        str, typer.Option(help="shipped: as mien's weights were made; paper: its sizes and steps.")
    ] = "shipped",
    way: Annotated[
        str | None, typer.Option(help="paper, fixed-head or paired; default: the recipe's.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Each face hears its own clip alone; with --way paper.")
    ] = False,
    seed: Annotated[int | None, typer.Option(min=0, help="Default: the recipe's.")] = None,
    precision: Annotated[str, typer.Option(help="bf16-mixed, 32-true or 16-mixed.")] = "bf16-mixed",
    devices: Annotated[str, typer.Option(help="So many graphics cards, or auto: all.")] = "1",
    accelerator: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, help="On a CPU; default: all cores.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes that make faces and voices.")
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Curves for TensorBoard, which must be there.")
    ] = False,
) -> None:
    """Train the networks of context-shifted faces; goes on where it stopped.

    Without --data and --corpus from a crowd of synthetic people (needs the part `cast`).

    Example: mien train context-face --corpus ravdess -o models/ravdess
    """
    from stimuli.context_faces.corpus_data import CorpusChoice
    from stimuli.context_faces.training import Asked, run_settings
    from stimuli.context_faces.training import train_context_face as learn

    left = tuple(word.strip() for word in leave_out.split(",") if word.strip())
    asked = Asked(data, corpus, recipe, way, strict, seed, CorpusChoice(frames, left))
    run = run_settings(precision, devices, accelerator, threads, tensorboard)
    learn(asked, out, run, processes(workers), progress, say)
