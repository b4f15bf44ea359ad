"""A crowd: people for networks to learn from, as many as wanted, in minutes.

Unlike a cast, they need not be told apart: everybody is the first ordinary face drawn (at most
MOST_UNUSUAL from the mean face of their type), so two of them may look alike. But nobody comes
nearer than `distance` to the people who are held out, on whom the networks will be judged. The
folder has the form of a cast (cast.json, rigs/); an interrupted run goes on where it stopped.

Needs the part `cast` of mien (PyTorch and Anny).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from protocols.errors import UserError
from protocols.tables import write_whole
from stimuli.actors.cast import Actor, read_entry
from stimuli.actors.cast import actor as find_actor
from stimuli.actors.casting import MOST_UNUSUAL, AnnyHead, Take, phenotype, rig_of, save_rig
from stimuli.actors.casting_sheet import BALANCES, OLDEST, YOUNGEST, draw_looks
from stimuli.actors.identity import LEAST_IDENTITY, Likeness, distance, face_of, nearest
from stimuli.actors.variation import expected_changes, vary

DRAWS = 200  # faces considered before somebody is given up
SAVE_EVERY = 25  # people
FULL_BEARD = (0.55, 1.0)  # range of Actor.stubble
BEARDS = 1_000_081  # dice of their own
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class CrowdSettings:
    """Who is in a crowd."""

    n: int = 800
    seed: int = 5
    ages: tuple[int, int] = (YOUNGEST, OLDEST)
    distance: float = LEAST_IDENTITY  # to everybody held out
    bearded: float = 0.0  # share of the men who get a full beard, beside those who have one


def make_crowd(
    folder: Path,
    settings: CrowdSettings,
    held_out: Sequence[Likeness],
    head: Any = None,
    progress: Progress | None = None,
) -> list[Actor]:
    """The crowd in `folder`, made as far as it is not there yet.

    Raises UserError where Anny is missing or the folder holds another crowd.
    """
    entries = _there(folder, settings)
    looks = [bearded(look, settings.bearded) for look in draw_looks(
        settings.n, seed=settings.seed, ages=settings.ages, balance=BALANCES, prefix="x"
    )]  # fmt: skip
    head = head or (AnnyHead() if len(entries) < settings.n else None)
    for number in range(len(entries), settings.n):
        entry = looks[number]
        actor = read_entry(entry, folder)
        take = _draw(actor, entry["shape"], head, held_out, settings.distance)
        save_rig(folder / "rigs" / f"{actor.id}.npz", rig_of(take, head))
        entries.append(entry)
        if progress:
            progress(number + 1, settings.n)
        if (number + 1) % SAVE_EVERY == 0 or number + 1 == settings.n:
            _write(folder, entries, settings)
    return [read_entry(entry, folder) for entry in entries[: settings.n]]


def make_crowd_beside(
    folder: Path,
    settings: CrowdSettings,
    held_out: Sequence[str],
    head: Any = None,
    progress: Progress | None = None,
) -> tuple[list[Actor], list[Actor]]:
    """A crowd in `folder` unlike the actors of the cast who are held out, and these.

    Raises UserError as `make_crowd` does.
    """
    held = [find_actor(name) for name in held_out]
    alike = [Likeness.read(actor) for actor in held]
    return make_crowd(folder, settings, alike, head, progress), held


def bearded(entry: dict[str, Any], share: float) -> dict[str, Any]:
    """The entry, perhaps of a man with a full beard. All else of him stays, his rig as well.

    Full beards are rare in a casting sheet, and each is another pattern: networks that see few
    of them leave them out.
    """
    rng = np.random.default_rng([entry["seed"], BEARDS])
    if entry["gender"] != "male" or rng.random() >= share:
        return entry
    return {**entry, "stubble": round(float(rng.uniform(*FULL_BEARD)), 2)}


def _draw(
    actor: Actor, shape: dict[str, float], head: Any, held_out: Sequence[Likeness], least: float
) -> Take:
    kind = phenotype(actor, shape)
    expected = expected_changes(head.local_changes, actor)
    typical = face_of(head.vertices(kind, expected), head.topology)
    for number in range(DRAWS):
        changes = vary(expected, np.random.default_rng([actor.seed, number]))
        vertices = head.vertices(kind, changes)
        face = face_of(vertices, head.topology)
        if distance(face, typical) > MOST_UNUSUAL:
            continue
        far, _ = nearest(Likeness.of(actor, face), held_out)
        if far >= least:
            return Take(number, far, kind, changes, vertices)
    raise UserError(
        f"actor {actor.id}: none of {DRAWS} faces is ordinary and at {least} from everybody held "
        "out; give a smaller distance or another seed"
    )


def pair_of(number: int) -> int:
    """Which pair row `number` of a crowd belongs to: in it, men and women take turns.

    Whoever deals out pairs, not rows, has as many women as men in every part.
    """
    return number // 2


def _there(folder: Path, settings: CrowdSettings) -> list[dict[str, Any]]:
    sheet = folder / "cast.json"
    if not sheet.is_file():
        return []
    table = json.loads(sheet.read_text(encoding="utf-8"))
    if table.get("made") != _made(settings):
        raise UserError(
            f"{folder}: holds another cast, made with {table.get('made')}; give a new folder"
        )
    return table["actors"]


def _write(folder: Path, entries: Sequence[dict[str, Any]], settings: CrowdSettings) -> None:
    table = {"about": "A crowd for training; CC0-1.0. No person is shown.",
             "made": _made(settings), "actors": list(entries)}  # fmt: skip
    write_whole(folder / "cast.json", json.dumps(table, indent=1).encode())


def _made(settings: CrowdSettings) -> dict[str, Any]:
    """What decides about a crowd, but for its number: a larger one goes on from a smaller."""
    made = {"seed": settings.seed, "ages": list(settings.ages), "distance": settings.distance}
    return made | ({"bearded": settings.bearded} if settings.bearded else {})
