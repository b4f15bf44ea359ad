"""`mien cast`: a cast of one's own, as many actors as a study or a network needs.

The folder has the form of data/: cast.json, with the settings that it was made by, and rigs/. Each
actor has an identity distance of at least `Settings.distance` to everybody before them and to the
shipped cast. An actor stands in cast.json once their rig is written, so an interrupted run goes on
where it stopped, and with a larger n a finished one goes on too: the same bytes as in one run.
"""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from protocols.errors import UserError
from protocols.section import accepted
from protocols.section import nearest as nearest_word
from protocols.tables import write_whole
from stimuli.actors.cast import Actor, load_cast, read_entry
from stimuli.actors.casting import MOST_UNUSUAL, AnnyHead, Take, phenotype, rig_of, save_rig
from stimuli.actors.casting_sheet import BALANCES, OLDEST, YOUNGEST, draw_looks
from stimuli.actors.face_space import FaceSpace
from stimuli.actors.identity import TONE_UNIT, Likeness, nearest
from stimuli.actors.variation import expected_changes, vary

TAKES = 256  # faces considered for one actor at once
AUDITIONS = 8  # times TAKES faces are considered before giving up
MOST = 2000
ABOUT = (
    "Synthetic actors, made with mien cast; of the same form as mien's own cast (its datasheet is "
    "stimuli/actors/DATASHEET.md). CC0-1.0. No person is shown."
)
Progress = Callable[[int, int], None]  # (done, all) -> None


@dataclass(frozen=True)
class Settings:
    """Who is wanted; everything that decides about a cast but the number of its actors."""

    seed: int = 1
    ages: tuple[int, int] = (20, 75)
    balance: tuple[str, ...] = BALANCES
    distance: float = 0.035  # of any two, in identity; closer than in the shipped cast: more people

    @classmethod
    def read(cls, seed: int, ages: str, balance: str, distance: float = 0.035) -> "Settings":
        """From words of the command line: "20-40", "gender,origin" (or "none").

        Raises UserError on ages that are no range of adults, and on unknown words.
        """
        found = re.fullmatch(r"\s*(\d+)\s*[-–]\s*(\d+)\s*", ages)
        low, high = (int(found[1]), int(found[2])) if found else (0, 0)
        if not YOUNGEST <= low <= high <= OLDEST:
            raise UserError(
                f"--age: found {ages}; accepted: two ages from {YOUNGEST} to {OLDEST}, such as "
                "20-40 (no children are cast)"
            )
        words = tuple(word.strip() for word in balance.split(",") if word.strip())
        for word in () if words == ("none",) else words:
            if word not in BALANCES:
                raise UserError(
                    f"--balance: found '{word}'; {accepted((*BALANCES, 'none'))}"
                    f"{nearest_word(word, BALANCES)}"
                )
        if not 0.01 <= distance <= 0.2:
            raise UserError(
                f"--distance: found {distance}; accepted: 0.01 to 0.2 (mien's own cast: 0.05)"
            )
        return cls(seed, (low, high), tuple(word for word in BALANCES if word in words), distance)

    def words(self) -> str:
        """As on the command line."""
        low, high = self.ages
        return (
            f"--age {low}-{high} --balance {','.join(self.balance) or 'none'} --seed {self.seed} "
            f"--distance {self.distance}"
        )


@dataclass(frozen=True)
class Outcome:
    """What a run made."""

    folder: Path
    cast: tuple[Actor, ...]
    made: int
    seconds: float
    nearest: tuple[float, str, str]  # identity distance of the closest pair, and their ids

    def lines(self) -> list[str]:
        """The outcome in words."""
        ages = [actor.age for actor in self.cast]
        genders = Counter(actor.gender for actor in self.cast)
        origins = sorted(Counter(actor.origin.word for actor in self.cast).items())
        far, one, other = self.nearest
        rate = f" ({self.seconds / self.made:.1f} s each)" if self.made else ""
        return [
            f"{self.made} actors cast{rate}, {len(self.cast) - self.made} already there: "
            f"{self.folder / 'cast.json'}",
            f"{genders['female']} women and {genders['male']} men, {min(ages)} to {max(ages)} "
            f"years; {', '.join(f'{count} {word}' for word, count in origins)}",
            f"most alike: {one} and {other}, at an identity distance of {far:.3f}",
        ]


def make_cast(
    folder: Path,
    n: int,
    settings: Settings,
    head: Any = None,
    progress: Progress | None = None,
) -> Outcome:
    """Cast actors into `folder` until it holds n.

    Raises:
        UserError: Anny is missing, the folder holds something else, or nobody new is different
            enough from all others.
    """
    start = time.perf_counter()
    if not 1 <= n <= MOST:
        raise UserError(f"--n: found {n}; accepted: 1 to {MOST}")
    entries = _there(folder, settings)
    kept = len(entries)
    others = list(load_cast())
    cast = [read_entry(entry, folder) for entry in entries]
    casting = _Casting(head or AnnyHead()) if kept < n else None
    likenesses = [Likeness.read(actor) for actor in (*others, *cast)]
    for entry in draw_looks(max(n, kept), seed=settings.seed, ages=settings.ages,
                            balance=settings.balance, prefix="c")[kept:]:  # fmt: skip
        actor = read_entry(entry, folder)
        assert casting is not None
        take = casting.find(actor, entry["shape"], likenesses, settings.distance)
        if take is None:
            raise UserError(
                f"{folder}: none of {AUDITIONS * TAKES} faces for actor {actor.id} (a "
                f"{actor.gender} of {actor.age}, {actor.origin.word}) has an identity distance of "
                f"{settings.distance} to everybody; use the {len(cast)} actors that are there, "
                "widen --age, lower --distance, or try another --seed (new folder)"
            )
        save_rig(folder / "rigs" / f"{actor.id}.npz", rig_of(take, casting.head))
        entries.append(entry)
        _write(folder, entries, settings)
        cast.append(actor)
        likenesses.append(Likeness.read(actor))
        if progress:
            progress(len(cast), n)
    pair = _closest((*others, *cast), likenesses, len(others))
    made = len(cast) - kept
    return Outcome(folder, tuple(cast), made, time.perf_counter() - start, pair)


class _Casting:
    """Auditions for an own cast: many takes at once, in the face space of a head."""

    def __init__(self, head: Any) -> None:
        someone = load_cast()[0]
        self.head = head
        self.space = FaceSpace(head, tuple(expected_changes(head.local_changes, someone)))

    def find(
        self, actor: Actor, shape: dict[str, float], cast: Sequence[Likeness], least: float
    ) -> Take | None:
        """The ordinary take of the actor that is least like anybody, if it is `least` from all.

        `shape` keeps its number. Where one round of TAKES finds nobody, another is made.
        """
        kind = phenotype(actor, shape)
        expected = expected_changes(self.head.local_changes, actor)
        typical = self.space.faces(kind, [expected])
        skin = Likeness.of(actor, typical[0]).skin
        tones = np.array([TONE_UNIT * np.linalg.norm(skin - other.skin) for other in cast])
        known = np.stack([other.face for other in cast]).reshape(len(cast), -1)
        for first in range(0, AUDITIONS * TAKES, TAKES):
            numbers = range(first, first + TAKES)
            takes = [vary(expected, np.random.default_rng([actor.seed, n])) for n in numbers]
            faces = self.space.faces(kind, takes)
            unusual = _apart(faces.reshape(TAKES, -1), typical.reshape(1, -1))[:, 0]
            apart = _apart(faces.reshape(TAKES, -1), known)
            nearest_one = np.hypot(apart, tones).min(axis=1)
            best = int(np.argmax(np.where(unusual <= MOST_UNUSUAL, nearest_one, -1.0)))
            if unusual[best] <= MOST_UNUSUAL and nearest_one[best] >= least:
                shape["audition"] = first + best
                vertices = self.head.vertices(kind, takes[best])
                return Take(first + best, float(apart[best].min()), kind, takes[best], vertices)
        return None


def _apart(faces: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distances in shape (N, M) of faces (N, 3 F) and (M, 3 F), as identity.distance."""
    squares = (faces**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * faces @ others.T
    return np.sqrt(np.maximum(squares, 0) / (faces.shape[1] / 3))


def _there(folder: Path, settings: Settings) -> list[dict[str, Any]]:
    """The entries of the actors that the folder holds already."""
    sheet = folder / "cast.json"
    if not sheet.is_file():
        strangers = [path.name for path in folder.glob("[!.]*") if path.name != "rigs"]
        if strangers:
            raise UserError(
                f"{folder}: holds {strangers[0]} and no cast; choose a new folder with -o"
            )
        return []
    try:
        table = json.loads(sheet.read_text(encoding="utf-8"))
        made = table["made"]
        before = Settings(
            made["seed"], tuple(made["ages"]), tuple(made["balance"]), made["distance"]
        )
        entries = list(table["actors"])
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{sheet}: not a cast made with mien cast; choose a new folder") from None
    if before != settings:
        raise UserError(
            f"{folder}: holds a cast made with {before.words()}; give the same, or a new folder "
            "with -o"
        )
    for entry in entries:
        if not (folder / "rigs" / f"{entry['id']}.npz").is_file():
            raise UserError(
                f"{folder}: the rig of actor {entry['id']} is missing; delete the folder and cast "
                "again"
            )
    return entries


def _write(folder: Path, entries: Sequence[dict[str, Any]], settings: Settings) -> None:
    rows = ",\n    ".join(json.dumps(entry) for entry in entries)
    about, made = json.dumps(ABOUT), json.dumps(vars(settings))
    text = f'{{\n  "about": {about},\n  "made": {made},\n  "actors": [\n    {rows}\n  ]\n}}\n'
    write_whole(folder / "cast.json", text.encode())


def _closest(
    people: Sequence[Actor], likenesses: Sequence[Likeness], first: int
) -> tuple[float, str, str]:
    """The two most alike of whom at least one is `people[first]` or later."""
    best = (float("inf"), "", "")
    for i in range(max(first, 1), len(people)):
        far, j = nearest(likenesses[i], likenesses[:i])
        best = min(best, (far, people[j].id, people[i].id))
    return best
