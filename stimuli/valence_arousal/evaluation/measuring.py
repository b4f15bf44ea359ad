"""Everything that is measured of one given picture, edited to every place of the plane.

    record = measure(person, given, made, judged)     # nearness to the truth, judges, changes, who

Records are files of their own, so that an evaluation goes on where it stopped. The truth itself has
a record, too: what judges say of it, and how it changes.

Symbols: P places, G of them on the grid, R regions, S pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from models.context_face.quality import WINDOW, ssim_map
from models.layers import sized
from models.valence_arousal.judge import Judges, load_judges
from models.valence_arousal.network import Editor
from models.valence_arousal.stored import load_model
from stimuli.context_faces.evaluation.reconstruction import tensor
from stimuli.context_faces.pixels import pixels
from stimuli.context_faces.shards import Progress, make_missing, write_shard
from stimuli.valence_arousal.evaluation.people import Person, read_person, recognised
from stimuli.valence_arousal.evaluation.places import NEUTRAL, ON_GRID, PLACES, given
from stimuli.valence_arousal.evaluation.regions import face_mask, masks

VERSION = 1  # of a record
EXPRESSIVE = 2  # given pictures of each actor besides the neutral one
SEED = 2019
TRUTH = -1  # given picture of the record of true pictures


@dataclass(frozen=True)
class Record:
    """What was measured of the pictures (P) that were made of one given picture.

    Attributes:
        actor: who it is.
        given: row of PLACES of the given picture; TRUTH: the pictures are the true ones.
        judged: (P, 2) valence and arousal by the judges.
        who: (P, 128) descriptors.
        heat: (G, S, S) uint8, change from the same picture at neutral, largest of the channels.
        energy: (G, 2) sum of heat squared, in the face and in all.
        change: (G, 2) sum of heat, likewise.
        squares: (R, P) mean squared difference from the truth, of pictures in [0, 1].
        alike: (R, P) SSIM with the truth.
        copy_squares, copy_alike: (R, P) the same of the given picture itself.
    """

    actor: str
    given: int
    judged: np.ndarray
    who: np.ndarray
    heat: np.ndarray
    energy: np.ndarray
    change: np.ndarray
    squares: np.ndarray
    alike: np.ndarray
    copy_squares: np.ndarray
    copy_alike: np.ndarray


@dataclass(frozen=True)
class Job:
    """One given picture to be measured, and the file of its record."""

    actor: str
    given: int
    person: Path
    weights: Path
    judges: Path
    threads: int
    path: Path


def measure_all(
    people: Mapping[str, Path], weights: Path, judges: Path, folder: Path, workers: int = 1,
    progress: Progress | None = None,
) -> tuple[list[Record], list[Record]]:  # fmt: skip
    """Records of edited pictures, and of true ones; those in `folder` are not made again."""
    threads = 1 if workers > 1 else torch.get_num_threads()
    jobs = [
        Job(actor, row, path, weights, judges, threads, folder / f"{actor}-{_word(row)}.npz")
        for actor, path in people.items() for row in (TRUTH, *given(actor, EXPRESSIVE, SEED))
    ]  # fmt: skip
    records = [_read(path) for path in make_missing(_measure, jobs, workers, progress)]
    edited = [record for record in records if record.given != TRUTH]
    return edited, [record for record in records if record.given == TRUTH]


def edited(network: Editor, picture: np.ndarray, places: np.ndarray) -> np.ndarray:
    """A picture (S, S, 3) uint8 at places (P, 2): (P, S, S, 3) uint8."""
    made = network.edit(tensor(picture[None])[0] * 2 - 1, torch.from_numpy(places).float())
    return ((made + 1) * 127.5).round().clamp(0, 255).byte().movedim(1, -1).numpy()


def seen_by(judges: Judges, pictures: np.ndarray) -> np.ndarray:
    """What the judges say (P, 2) of pictures (P, S, S, 3) uint8."""
    return judges.seen(tensor(pictures) * 2 - 1).numpy()


def at_size(pictures: np.ndarray, size: int) -> np.ndarray:
    """Pictures (..., S, S, 3) uint8 at another size, as the networks learn from them."""
    if pictures.shape[-2] == size:
        return pictures
    flat = tensor(pictures.reshape(-1, *pictures.shape[-3:]))
    return pixels(sized(flat, size)).reshape(*pictures.shape[:-3], size, size, 3)


def measure(
    person: Person, actor: str, row: int, made: np.ndarray, judged: np.ndarray, who: np.ndarray
) -> Record:
    """The record of pictures (P, S, S, 3) uint8 made of the person's picture at a row of PLACES.

    The copy that true pictures are compared with is the neutral one.
    """
    real, size = person.faces, person.faces.shape[-2]
    points = person.points
    faces = np.stack([face_mask(points[[NEUTRAL, p]], size) for p in range(len(PLACES))])
    heat = changes(made[ON_GRID], made[NEUTRAL])
    inside = faces[ON_GRID]
    copy = np.broadcast_to(real[NEUTRAL if row == TRUTH else row], real.shape)
    return Record(
        actor, row, judged, who, heat, shares(heat.astype(float) ** 2, inside),
        shares(heat, inside), *nearness(real, made, masks(faces)),
        *nearness(real, copy, masks(faces)),
    )  # fmt: skip


def changes(pictures: np.ndarray, neutral: np.ndarray) -> np.ndarray:
    """Heat maps (G, S, S) uint8 of pictures (G, S, S, 3): largest difference of the channels.

    Lindt et al. (2019), section IV-C.2.
    """
    return np.abs(pictures.astype(np.int16) - neutral).max(-1).astype(np.uint8)


def shares(maps: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Sums (G, 2) of maps (G, S, S), where `inside` is, and of all."""
    return np.stack([(maps * inside).sum((1, 2)), maps.sum((1, 2))], 1).astype(float)


def nearness(
    real: np.ndarray, made: np.ndarray, where: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean squared difference and SSIM (R, P) of pictures (P, S, S, 3) uint8 in masks (R, P, S, S).

    SSIM counts only where its window lies inside the picture.
    """
    x, y = tensor(real), tensor(made)
    squares = ((x - y) ** 2).mean(1).double()
    alike = F.pad(ssim_map(x, y), 4 * [WINDOW // 2], value=torch.nan)
    regions = torch.from_numpy(where)
    return _means(squares, regions), _means(alike, regions & alike.isfinite())


def _means(maps: Tensor, where: Tensor) -> np.ndarray:
    """Means (R, P) of maps (P, S, S) in masks (R, P, S, S)."""
    total = torch.where(where, maps, 0.0).sum((2, 3))
    return (total / where.sum((2, 3))).numpy()


def _measure(job: Job) -> None:
    torch.set_num_threads(job.threads)
    network, judges = _networks(job.weights, job.judges)
    person = read_person(job.person)
    faces = at_size(person.faces, network.settings.size)
    person = Person(faces, person.points, person.who)
    if job.given == TRUTH:
        made, who = faces, person.who
    else:
        made = edited(network, faces[job.given], PLACES)
        who = np.stack([recognised(picture)[1] for picture in made])
    record = measure(person, job.actor, job.given, made, seen_by(judges, made), who)
    write_shard(job.path, **{f.name: getattr(record, f.name) for f in fields(Record)})


@lru_cache(maxsize=1)
def _networks(weights: Path, judges: Path) -> tuple[Editor, Judges]:
    return load_model(weights)[0], load_judges(judges)[0]


def _read(path: Path) -> Record:
    with np.load(path, allow_pickle=False) as file:
        values: dict[str, Any] = {f.name: file[f.name] for f in fields(Record)}
    return Record(**values | {"actor": str(values["actor"]), "given": int(values["given"])})


def _word(row: int) -> str:
    return "true" if row == TRUTH else f"{row:02d}"
