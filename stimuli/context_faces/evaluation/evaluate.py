"""`mien evaluate context-face`: how well weights do, as a page.

    evaluate(corpus, folder, weights)     clips -> latents -> folds -> parts -> evaluation.html

Latents, folds and what the pictures need are kept; interrupted, it goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.context_face.ablations import PAPER_FITTING, FittingSettings
from models.context_face.network import ContextFace
from models.context_face.stored import SHIPPED_FILE, load_model
from models.vgg import load_vgg16
from models.weights import WeightsError
from protocols.errors import UserError
from protocols.tables import write_table
from stimuli.context_faces.evaluation.baseline import with_baseline
from stimuli.context_faces.evaluation.classification import classify
from stimuli.context_faces.evaluation.classification_part import classification_part
from stimuli.context_faces.evaluation.outcome import Outcome, Stage, headline_of
from stimuli.context_faces.evaluation.page import write_page
from stimuli.context_faces.evaluation.part import Part
from stimuli.context_faces.evaluation.talking import read_talking
from stimuli.corpora.info import find_corpus

SCHEDULES = {"quick": FittingSettings(), "paper": PAPER_FITTING}
MOST_FOLDS = 10  # as in the paper


@dataclass(frozen=True)
class Asked:
    """What is evaluated, and how.

    Attributes:
        weights: the file of a model.
        folds: at most; fewer with fewer people.
        schedule: of SCHEDULES.
        seed: of folds and classifiers.
        pictures: whether to judge pictures of the held-out synthetic actors, too.
        beside: further models whose pictures are judged, as NAME=FILE.
        workers: processes that draw and judge, and cores for VGG-16.
        vgg16: weights of the paper's baseline, as safetensors, or None to leave it out.
    """

    weights: Path = SHIPPED_FILE
    folds: int = MOST_FOLDS
    schedule: str = "quick"
    seed: int = 1
    pictures: bool = True
    beside: Sequence[str] = ()
    workers: int = 1
    vgg16: Path | None = None


def evaluate(corpus: str, out: Path, asked: Asked, stage: Stage) -> Outcome:
    """Evaluate a model on a prepared corpus and write the page into `out`.

    Raises:
        UserError: No such corpus, arrays, weights or schedule.
    """
    if asked.schedule not in SCHEDULES:
        known = ", ".join(SCHEDULES)
        raise UserError(f"schedule: found '{asked.schedule}'; accepted: {known}")
    folder = find_corpus(corpus)
    try:
        network, weights = load_model(asked.weights)
        others = _others(asked.beside)
        vgg16 = load_vgg16(asked.vgg16) if asked.vgg16 else None
    except WeightsError as error:
        raise UserError(str(error)) from None
    talking = read_talking(
        folder, network, weights.facts["sha256"], out / "latents.safetensors",
        stage("look and listen"),
    )  # fmt: skip
    if vgg16 is not None and asked.vgg16 is not None:
        talking = with_baseline(
            talking, folder, vgg16, asked.vgg16, out, asked.workers, stage("look with VGG-16")
        )
    settings = replace(SCHEDULES[asked.schedule], seed=asked.seed)
    found = classify(talking, settings, asked.folds, out / "folds", stage("classify"))
    parts = [classification_part(talking, found, settings)]
    name = "shipped" if asked.weights == SHIPPED_FILE else asked.weights.stem
    title = f"Context faces: {name} weights on {talking.corpus}"
    write_table(found.predictions, out / "predictions.csv", ",")
    page = write_page(title, parts, out)  # already, should the judge of pictures not be here
    if asked.pictures:
        parts.append(_pictures({name: network, **others}, asked.workers, stage))
        page = write_page(title, parts, out)
    return Outcome(page, headline_of(parts))


def _others(words: Sequence[str]) -> dict[str, ContextFace]:
    from stimuli.context_faces.evaluation.pictures import named

    return named(words)


def _pictures(networks: dict[str, ContextFace], workers: int, stage: Stage) -> Part:
    from stimuli.context_faces.evaluation.held_out import drawn, held_out
    from stimuli.context_faces.evaluation.pictures import default_cache
    from stimuli.context_faces.evaluation.pictures_part import pictures_part

    people = held_out(default_cache(), workers=workers, progress=stage("held-out people"))
    known = drawn(default_cache(), workers=workers, progress=stage("who teaches a second judge"))
    try:
        return pictures_part(networks, people, stage, workers, known)
    except ValueError as error:  # a model of other pictures than held-out people are kept as
        raise UserError(str(error)) from error
