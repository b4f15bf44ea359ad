"""`mien train`: networks, again or on material of one's own; needs PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien_terminal import processes, progress, say

app = typer.Typer(
    help="Train a model again, or on material of your own; see docs/training.md.\n\n"
    "Example: mien train context-face --corpus ravdess -o models/ravdess",
    no_args_is_help=True,
    rich_markup_mode=None,
)

# What every training asks for
Out = Annotated[Path, typer.Option("-o", "--out", help="Folder of the training, new or the same.")]
Data = Annotated[Path | None, typer.Option(help="A data file that was made before.")]
Corpus = Annotated[
    str | None, typer.Option(help="A corpus prepared with mien corpus prepare, DIR or NAME.")
]
Recipe = Annotated[
    str, typer.Option(help="shipped: as mien's weights were made; paper: its sizes and steps.")
]
Seed = Annotated[int | None, typer.Option(min=0, help="Default: the recipe's.")]
Precision = Annotated[str, typer.Option(help="bf16-mixed, 32-true or 16-mixed.")]
Devices = Annotated[str, typer.Option(help="So many graphics cards, or auto: all.")]
Accelerator = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Threads = Annotated[
    int | None, typer.Option(min=1, help="On a CPU; default: OMP_NUM_THREADS, or all cores.")
]
Workers = Annotated[
    int | None, typer.Option(min=1, max=256, help="Processes that make what is learned from.")
]
Tensorboard = Annotated[
    bool, typer.Option("--tensorboard", help="Curves for TensorBoard, which must be there.")
]
PRECISION = "bf16-mixed"


@app.command("context-face")
def train_context_face(
    out: Out,
    data: Data = None,
    corpus: Corpus = None,
    frames: Annotated[int, typer.Option(min=1, help="Of each clip of the corpus, at most.")] = 16,
    leave_out: Annotated[
        str, typer.Option(help="Emotions of the corpus that are no class, such as calm.")
    ] = "",
    recipe: Recipe = "shipped",
    way: Annotated[
        str | None, typer.Option(help="paper, fixed-head or paired; default: the recipe's.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Each face hears its own clip alone; with --way paper.")
    ] = False,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Weights to go on from, or shipped: faces are polished on these data, "
            "their voices stay; head, shift and composer follow.",
        ),
    ] = None,
    voices: Annotated[
        Path | None,
        typer.Option(
            help="Weights, or shipped, that go on with voices: head and shift follow, "
            "nothing else of faces is trained.",
        ),
    ] = None,
    onto: Annotated[
        Path | None,
        typer.Option(help="Weights, or shipped, that get a composer: nothing else is trained."),
    ] = None,
    polish: Annotated[
        int | None, typer.Option(min=1, help="Steps of the polish; default: the recipe's.")
    ] = None,
    seed: Seed = None,
    precision: Precision = PRECISION,
    devices: Devices = "1",
    accelerator: Accelerator = "auto",
    threads: Threads = None,
    workers: Workers = None,
    tensorboard: Tensorboard = False,
) -> None:
    """Train the networks of context-shifted faces; goes on where it stopped.

    Without --data and --corpus from a crowd of synthetic people (needs the part `cast`).

    Example: mien train context-face --corpus ravdess -o models/ravdess
    """
    from stimuli.context_faces.corpus_data import CorpusChoice
    from stimuli.context_faces.training import Asked
    from stimuli.context_faces.training import train_context_face as learn
    from stimuli.trainings import run_settings

    left = tuple(word.strip() for word in leave_out.split(",") if word.strip())
    choice = CorpusChoice(frames, left)
    asked = Asked(data, corpus, recipe, way, strict, seed, choice, start, voices, onto, polish)
    run = run_settings(precision, devices, accelerator, threads, tensorboard)
    learn(asked, out, run, processes(workers), progress, say)


@app.command("talking-face")
def train_talking_face(
    out: Out,
    data: Data = None,
    corpus: Corpus = None,
    recipe: Recipe = "shipped",
    perception: Annotated[
        str,
        typer.Option(help="The network that pictures are compared by. own: trained first, on the "
                     "same clips; shipped: mien's; or the file of an earlier training."),
    ] = "own",
    vgg19: Annotated[
        Path | None, typer.Option(help="VGG-19 as safetensors in its place, as in the paper.")
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option("--from", help="Weights to go on from, or shipped: the second stage of the "
                     "recipe, with critics, is trained alone."),
    ] = None,
    seed: Seed = None,
    precision: Precision = PRECISION,
    devices: Devices = "1",
    accelerator: Accelerator = "auto",
    threads: Threads = None,
    workers: Workers = None,
    tensorboard: Tensorboard = False,
) -> None:  # fmt: skip
    """Train the networks of talking faces; goes on where it stopped.

    Without --data and --corpus from a crowd of synthetic people (needs the part `cast`).

    Example: mien train talking-face --corpus crema-d -o models/crema-d
    """
    from stimuli.talking_faces.training import Asked
    from stimuli.talking_faces.training import train_talking_face as learn
    from stimuli.trainings import run_settings

    asked = Asked(data, corpus, recipe, perception, vgg19, seed, start)
    run = run_settings(precision, devices, accelerator, threads, tensorboard)
    learn(asked, out, run, processes(workers), progress, say)


@app.command("valence-arousal")
def train_valence_arousal(
    out: Out,
    data: Data = None,
    corpus: Corpus = None,
    pictures: Annotated[
        int, typer.Option(min=1, help="Of the corpus, at most; evenly over the plane.")
    ] = 60_000,
    frames: Annotated[int, typer.Option(min=1, help="Of each clip of the corpus, at most.")] = 16,
    by_emotion: Annotated[
        bool,
        typer.Option("--by-emotion", help="Of a corpus without valence and arousal: emotions lie "
                     "where people place their words."),
    ] = False,
    recipe: Recipe = "shipped",
    size: Annotated[
        int | None, typer.Option(help="Pixels a side, 96 or 128; default: the recipe's.")
    ] = None,
    vgg_face: Annotated[
        Path | None,
        typer.Option(help="VGG-Face as safetensors, to compare people by; default: a network of "
                     "mien's own, trained first."),
    ] = None,
    judges: Annotated[
        bool, typer.Option("--judges", help="The judges of mien evaluate valence-arousal alone.")
    ] = False,
    seed: Seed = None,
    precision: Precision = PRECISION,
    devices: Devices = "1",
    accelerator: Accelerator = "auto",
    threads: Threads = None,
    workers: Workers = None,
    tensorboard: Tensorboard = False,
) -> None:  # fmt: skip
    """Train the networks that edit faces by valence and arousal; goes on where it stopped.

    Without --data and --corpus from a crowd of synthetic people (needs the part `cast`).

    Example: mien train valence-arousal --corpus affectnet --recipe paper -o models/affectnet
    """
    from stimuli.trainings import run_settings
    from stimuli.valence_arousal.corpus_data import CorpusChoice
    from stimuli.valence_arousal.training import Asked
    from stimuli.valence_arousal.training import train_valence_arousal as learn

    choice = CorpusChoice(pictures, frames, by_emotion)
    asked = Asked(data, corpus, recipe, size, vgg_face, seed, choice, judges)
    run = run_settings(precision, devices, accelerator, threads, tensorboard)
    learn(asked, out, run, processes(workers), progress, say)


@app.command("reaction")
def train_reaction(
    out: Out,
    data: Data = None,
    corpus: Annotated[
        str | None,
        typer.Option(help="REACT 2024: as mien corpus add wrote it, DIR or NAME, or the folder in "
                     "which it is kept."),
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="trans-vae, regnn (default) or facevis.")
    ] = None,
    framework: Annotated[
        str | None,
        typer.Option(help="emc (default), no-attention: EMC without it, or none: the base alone."),
    ] = None,
    every: Annotated[
        bool,
        typer.Option("--all", help="Every base with every framework, for seeds 1 to 3: what mien "
                     "evaluate reaction compares."),
    ] = False,
    recipe: Recipe = "shipped",
    seed: Seed = None,
    precision: Precision = PRECISION,
    devices: Devices = "1",
    accelerator: Accelerator = "auto",
    threads: Threads = None,
    workers: Workers = None,
    tensorboard: Tensorboard = False,
) -> None:  # fmt: skip
    """Train networks that listen; goes on where it stopped.

    Without --data and --corpus from synthetic speakers and listeners.

    Example: mien train reaction --corpus react2024 -o models/react2024
    """
    from stimuli.reactions.training import Asked
    from stimuli.reactions.training import train_reaction as learn
    from stimuli.trainings import run_settings

    asked = Asked(data, corpus, base, framework, every, recipe, seed)
    run = run_settings(precision, devices, accelerator, threads, tensorboard)
    learn(asked, out, run, processes(workers), progress, say)
