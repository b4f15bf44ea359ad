"""What corpus is wanted: actors x emotions x levels x sentences x takes, from words to names.

Actors, emotions and sentences have an order, so a number means the first so many, and a corpus of
more of them holds that of fewer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from protocols.casts import SHEET
from protocols.emotions import meaning
from protocols.errors import UserError
from protocols.manifest import hash_file
from protocols.section import nearest
from stimuli.actor_pictures import VERSION as PICTURES
from stimuli.actors import cast, facs
from stimuli.actors.cast_folder import check_rig, read_cast
from stimuli.actors.rig import DATA
from stimuli.corpora.crema_d import EMOTION as CREMA_D_CODES
from stimuli.voices.profiles import PROFILES
from stimuli.voices.sentences import CREMA_D, RAVDESS, SENTENCES

VERSION = f"4.{PICTURES}"  # changes whenever a picture, sound or annotation changes
FIRST = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised", "calm",
         "contempt")  # fmt: skip
SPOKEN = (*FIRST, *(name for name in facs.EMOTIONS if name in PROFILES and name not in FIRST))
SAID = (*RAVDESS, *CREMA_D)
SHOWN = (*SPOKEN, *(emotion for emotion in facs.EMOTIONS if emotion not in SPOKEN))
GROW = ("actors", "emotions", "sentences", "levels", "takes", "plane")  # what may become more
MOST_TAKES, MOST_POINTS = 99, 100_000
SIZES = (64, 1024)  # pixels


@dataclass(frozen=True)
class Request:
    """Everything that decides about the corpus; the only defaults there are.

    Attributes:
        actors: ids, in the order of the cast.
        emotions: of SPOKEN (pictures: of SHOWN), in its order.
        sentences: codes, in the order of SAID; none for pictures.
        levels: strengths m of the emotions, 0 < m <= 1, rising; neutral has one recording.
        takes: performances of the same; the first is the prototype itself.
        plane: pictures of each actor at random points of the valence-arousal plane.
        still: pictures instead of clips.
        size: width and height, pixels.
        seed: of everything drawn at random.
        version: of the making.
        cast: SHA-256 of cast.json of an own cast; empty: mien's actors.
        home: folder of the cast; may lie elsewhere the next time.
    """

    actors: tuple[str, ...]
    emotions: tuple[str, ...]
    sentences: tuple[str, ...]
    levels: tuple[float, ...] = (1.0,)
    takes: int = 1
    plane: int = 0
    still: bool = False
    size: int = 128
    seed: int = 0
    version: str = VERSION
    cast: str = ""
    home: Path = field(default=DATA, compare=False)

    @classmethod
    def read(
        cls, actors: str, emotions: str | None = None, sentences: str | None = None,
        levels: str | None = None, takes: int | None = None, plane: int = 0,
        still: bool = False, size: int = 128, seed: int = 0, cast: Path | None = None,
    ) -> Request:  # fmt: skip
        """From the words of the command line; None takes what is usual.

        `cast` is the folder of an own cast.

        Raises:
            UserError: on words that name nobody and nothing, and on what cannot go together.
        """
        still = still or plane > 0
        if plane > 0:
            refuse({"--emotions": emotions, "--levels": levels, "--takes": takes},
                   "pictures at points of the plane (--plane) have none")  # fmt: skip
        if still:
            refuse({"--sentences": sentences}, "pictures (--still, --plane) say nothing")
        within("--size", size, *SIZES)
        within("--takes", 1 if takes is None else takes, 1, MOST_TAKES)
        within("--plane", plane, 0, MOST_POINTS)
        if size % 2:
            raise UserError(f"--size: found {size}; accepted: an even number (video needs it)")
        named = () if plane else emotions_of("7" if emotions is None else emotions, still)
        return cls(
            actors=actors_of(actors, cast),
            emotions=named,
            sentences=() if still else sentences_of("2" if sentences is None else sentences),
            levels=() if plane else levels_of("1" if levels is None else levels),
            takes=0 if plane else takes or 1,
            plane=plane,
            still=still,
            size=size,
            seed=seed,
            cast="" if cast is None else hash_file(cast / SHEET),
            home=DATA if cast is None else cast,
        )

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Request:
        """From what `content()` gave. Raises KeyError or TypeError on anything else."""
        content = {"cast": "", **content}
        given: dict[str, Any] = {name: content[name] for name in settings_of(cls)}
        for name, value in given.items():
            given[name] = tuple(value) if isinstance(value, list) else value
        return cls(**given)

    def content(self) -> dict[str, Any]:
        """For a JSON file; of mien's own actors it names no cast."""
        given = asdict(self)
        return {name: given[name] for name in settings_of(self) if name != "cast" or self.cast}

    def differs(self, before: Request) -> list[str]:
        """In what this request does not continue `before`, in words; nothing if it does."""
        said = []
        for name in settings_of(self):
            old, new = getattr(before, name), getattr(self, name)
            if name in GROW:
                lost = set(old) - set(new) if isinstance(old, tuple) else old > new
                if lost:
                    said.append(f"{name}: there {words(old)}, asked for {words(new)}")
            elif old != new:
                said.append(f"{name}: there {words(old)}, asked for {words(new)}")
        return said


def settings_of(request: Request | type[Request]) -> list[str]:
    """Names of what decides about a corpus: not where its cast lies."""
    return [one.name for one in fields(request) if one.name != "home"]


def actors_of(asked: str, home: Path | None = None) -> tuple[str, ...]:
    """Ids of the shipped cast: "24" (the first so many), "all", "01-24", "03,07,29-52".

    Or of an own cast in the folder `home`: "24", "all", "c001-c024".
    """
    if home is None:
        return _ids_of(asked, cast.load_cast())
    everyone = {one.id: one for one in read_cast(home, "--cast")}
    ids = _ids_of(asked, tuple(everyone.values()))
    for name in ids:
        check_rig(everyone[name])
    return ids


def _ids_of(asked: str, everyone: Sequence[cast.Actor]) -> tuple[str, ...]:
    ids = [actor.id for actor in everyone]
    order = [a.id for part in ("main", "held-out") for a in everyone if a.part == part]
    if re.fullmatch(r"[1-9]\d*", asked.strip()):
        count = int(asked)
        if count > len(order):
            raise UserError(
                f"--actors: found {count}; accepted: 1 to {len(order)} (main actors first, then "
                f"those held out), all, or ids such as {ids[0]}-{ids[-1]} or {ids[0]},{ids[-1]}"
            )
        return tuple(one for one in ids if one in order[:count])
    chosen = set()
    for word in _split("--actors", asked):
        low, _, high = word.partition("-")
        ends = [(end.strip() or "?").zfill(2) for end in (low, high or low)]  # 7 means 07
        if word == "all":
            chosen.update(ids)
            continue
        for end in ends:
            if end not in ids:
                raise UserError(
                    f"--actors: found '{word}'; accepted: a number, all, ids from {ids[0]} to "
                    f"{ids[-1]} such as {ids[0]}-{ids[-1]} or {ids[0]},{ids[-1]}{nearest(end, ids)}"
                )
        between = ids[ids.index(ends[0]) : ids.index(ends[1]) + 1]
        if not between:
            raise UserError(f"--actors: found '{word}', which ends before it begins")
        chosen.update(between)
    return tuple(i for i in ids if i in chosen)


def emotions_of(asked: str, still: bool = False) -> tuple[str, ...]:
    """Emotions by number (of the order of SPOKEN), by name, as codes of CREMA-D, or all."""
    known = SHOWN if still else SPOKEN

    def read(word: str) -> Sequence[str]:
        name = CREMA_D_CODES.get(word.upper(), word.lower())
        name = name if name in known else meaning(name)
        return [{"contemptuous": "contempt"}.get(name, name)]

    return _chosen("--emotions", asked, known, read, SPOKEN)


def sentences_of(asked: str) -> tuple[str, ...]:
    """Codes of sentences by number (RAVDESS first), by code, crema-d, ravdess, or all."""
    groups = {"crema-d": tuple(CREMA_D), "ravdess": tuple(RAVDESS)}
    codes = {code.lower(): code for code in SENTENCES}

    def read(word: str) -> Sequence[str]:
        return groups.get(word.lower()) or [codes.get(word.lower(), word)]

    return _chosen("--sentences", asked, SAID, read, SAID, (*groups, *SAID))


def levels_of(asked: str) -> tuple[float, ...]:
    """Strengths m, "0.5,1"; rising, each once."""
    levels = set()
    for word in _split("--levels", asked):
        try:
            level = round(float(word), 4)
        except ValueError:
            level = 0.0
        if not 0 < level <= 1 or round(level, 2) != level:
            raise UserError(
                f"--levels: found '{word}'; accepted: numbers above 0 up to 1 with two decimals, "
                "such as 0.5,1 (neutral is recorded anyway)"
            )
        levels.add(level)
    return tuple(sorted(levels))


def words(value: object) -> str:
    """A setting for a message."""
    if isinstance(value, tuple):
        return ",".join(f"{v:g}" if isinstance(v, float) else str(v) for v in value) or "none"
    return str(value) or "none"


def refuse(given: Mapping[str, object], why: str) -> None:
    """Raise UserError if any of these options was given."""
    for option, value in given.items():
        if value is not None:
            raise UserError(f"{option}: {why}; leave it out")


def within(option: str, value: int, low: int, high: int) -> None:
    """Raise UserError unless low <= value <= high."""
    if not low <= value <= high:
        raise UserError(f"{option}: found {value}; accepted: {low} to {high:,}")


def _chosen(
    option: str, asked: str, known: Sequence[str], read: Callable[[str], Sequence[str]],
    numbered: Sequence[str], said: Sequence[str] = (),
) -> tuple[str, ...]:  # fmt: skip
    if re.fullmatch(r"\d+", asked.strip()):
        within(option, int(asked), 1, len(numbered))
        return tuple(numbered[: int(asked)])
    chosen = set()
    for word in _split(option, asked):
        names = known if word == "all" else read(word)
        for name in names:
            if name not in known:
                accepted = ", ".join(said or known)
                raise UserError(
                    f"{option}: found '{word}'; accepted: a number, all, or some of {accepted}"
                    f"{nearest(word, said or known)}"
                )
        chosen.update(names)
    return tuple(name for name in known if name in chosen)


def _split(option: str, asked: str) -> list[str]:
    found = [word.strip() for word in asked.split(",")]
    if not all(found):
        raise UserError(f"{option}: found '{asked}'; give words with commas between them")
    return found
