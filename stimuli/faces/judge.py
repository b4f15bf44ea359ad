"""What the face networks see in the synthetic cast.

    python -m stimuli.faces.judge FOLDER [--actors 01 02] [--size 256] [--photographs LONDON]
                                  [--exchange]

draws every actor in seven emotions at full and half strength, and in full contempt and calm, for
which the expression network has no word; finds the faces, and writes into FOLDER: `sights.jsonl`
(one line for each picture; run again to go on after an interruption) and the tables of
`verdicts.py`: what pictures are called, by emotion and by group of actors, what their landmarks
alone tell, how each group is drawn, and who is like whom. What was seen in pictures that are drawn
differently by now is looked at again. Photographs of people beside the cast show what the network
makes of real faces: NNN_03.jpg (neutral) and NNN_08.jpg (smiling) of the Face Research Lab London
Set (DeBruine & Jones 2017, doi:10.6084/m9.figshare.5047666). A network is no observer: see
DATASHEET.md of the actors.
--exchange draws everybody in pale and in dark skin besides (exchange.py), into FOLDER/skins.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import track

from protocols.errors import UserError
from stimuli.actors.cast import Actor, load_cast
from stimuli.actors.facs import weights
from stimuli.actors.gallery import fingerprint
from stimuli.actors.portrait import Studio, portrait
from stimuli.faces.detector import find_faces
from stimuli.faces.expression import WORDS, expression
from stimuli.faces.identity import descriptor
from stimuli.faces.quality import measure

SIGHTS = "sights.jsonl"
STRENGTHS = (1.0, 0.5)
LONDON = Path(__file__).parents[2].parent / "shared" / "data" / "faces_london"
VIEWS = {"03": "neutral", "08": "happy"}  # of the London set, from in front
METHOD = "mean of 6 cuts, points, quality"  # changes whenever pictures are looked at otherwise
WORDLESS = ("contempt", "calm")  # emotions of the cast that the network has no word for

Take = Callable[[Actor, str, float], np.ndarray]


@dataclass(frozen=True)
class Sight:
    """What is seen in one picture; without a face `said`, `descriptor` and `points` are empty."""

    actor: str
    emotion: str
    m: float
    faces: int  # how many were found
    score: float  # of the surest
    eye_error: float  # of its eyes from where they were drawn, in distances between the eyes
    said: dict[str, float]  # word -> probability
    descriptor: list[float]  # (128,)
    points: list[list[float]] = field(default_factory=list)  # (68, 2) landmarks, pixels
    quality: dict[str, float] = field(default_factory=dict)  # as in quality.py; of the cast alone
    made: str = ""  # of which pixels, seen how: fingerprint of the picture, METHOD

    @property
    def key(self) -> tuple[str, str, float]:
        """Which picture it is."""
        return self.actor, self.emotion, self.m

    @property
    def word(self) -> str:
        """The likeliest word, or no face."""
        return max(self.said, key=self.said.__getitem__) if self.said else "no face"


def judge(
    actors: tuple[Actor, ...], folder: Path, take: Take, studio: Studio,
    faces: Iterable[tuple[str, float]] | None = None,
) -> list[Sight]:  # fmt: skip
    """Sights of all pictures of `actors`, kept in `folder` as they come.

    take draws the picture (size, size, 3) uint8 of an actor, an emotion and a strength; faces:
    which of these, None: shown().
    """
    asked = tuple(shown() if faces is None else faces)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / SIGHTS
    seen = {(*sight.key, sight.made): sight for sight in read_sights(file)}
    wanted = [
        (actor, (actor.id, emotion, m), _made(actor, emotion, m, studio))
        for actor in actors
        for emotion, m in asked
    ]
    missing = [row for row in wanted if (*row[1], row[2]) not in seen]
    with file.open("a", encoding="utf-8") as lines:
        for actor, key, made in track(missing, "faces", console=Console(stderr=True)):
            sight = replace(look(take(actor, *key[1:]), key, studio), made=made)
            lines.write(json.dumps(asdict(sight)) + "\n")
            lines.flush()
            seen[*key, made] = sight
    return [seen[*key, made] for _, key, made in wanted]


def shown() -> Iterator[tuple[str, float]]:
    """Emotions and strengths that each actor shows; neutral has no strength but 1."""
    yield "neutral", 1.0
    for m in STRENGTHS:
        yield from ((emotion, m) for emotion in WORDS if emotion != "neutral")
    yield from ((emotion, 1.0) for emotion in WORDLESS)


def _made(actor: Actor, emotion: str, m: float, studio: Studio) -> str:
    return f"{fingerprint(actor, weights(emotion, m), studio.size)}, {METHOD}"


def look(picture: np.ndarray, key: tuple[str, str, float], studio: Studio | None = None) -> Sight:
    """What the networks see in a picture (H, W, 3) uint8.

    studio: where it was taken, so that it is known where eyes and face are; without it `eye_error`
    and `quality` are missing.
    """
    quality = asdict(measure(picture, studio)) if studio else {}
    faces = find_faces(picture)
    if not faces:
        return Sight(*key, 0, 0.0, float("nan"), {}, [], quality=quality)
    error = _eye_error(faces[0].eyes, studio) if studio else float("nan")
    said = expression(picture, faces[0])
    numbers = [round(float(x), 5) for x in descriptor(picture, faces[0])]
    points = faces[0].landmarks.round(2).tolist()
    return Sight(*key, len(faces), faces[0].score, error, said, numbers, points, quality)


def photographed(folder: Path) -> list[Sight]:
    """Sights of the London set's neutral and smiling faces in a folder; [] where there are none."""
    sights = []
    for view, emotion in VIEWS.items():
        for file in sorted(folder.glob(f"[0-9][0-9][0-9]_{view}.jpg")):
            with Image.open(file) as photograph:
                pixels = np.asarray(photograph.convert("RGB"))
            sights.append(look(pixels, (file.stem[:3], emotion, 1.0)))
    return sights


def _eye_error(eyes: np.ndarray, studio: Studio) -> float:
    """Mean distance of eyes (2, 2) from where they were drawn, in distances between the eyes."""
    drawn = np.array([studio.eye_right, studio.eye_left])  # the actor's right is on the left
    apart = np.linalg.norm(drawn[1] - drawn[0])
    return float(np.linalg.norm(eyes - drawn, axis=1).mean() / apart)


def read_sights(file: Path) -> list[Sight]:
    """Sights kept in a file; a last line that an interruption cut short is taken out of it."""
    if not file.exists():
        return []
    text = file.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        file.write_text(whole, encoding="utf-8")
    return [Sight(**json.loads(line)) for line in whole.splitlines()]


def main() -> None:
    """Judge the cast and print the tables."""
    from stimuli.faces import exchange, verdicts

    options = argparse.ArgumentParser(description="What face networks see in the cast.")
    options.add_argument("folder", type=Path, help="where the tables go")
    options.add_argument("--actors", nargs="+", help="their ids; all 52 if left out")
    options.add_argument("--size", type=int, default=256, help="of the pictures, pixels")
    options.add_argument("--photographs", type=Path, default=LONDON, help="the London set")
    options.add_argument("--exchange", action="store_true", help="everybody in other skins too")
    asked = options.parse_args()
    cast = {actor.id: actor for actor in load_cast()}
    if unknown := [name for name in asked.actors or () if name not in cast]:
        sys.exit(f"--actors: {unknown[0]} is not in the cast; give {min(cast)} to {max(cast)}")
    actors = tuple(cast[name] for name in asked.actors or cast)
    try:
        studio = Studio(size=asked.size)
        sights = judge(actors, asked.folder, _taken_in(studio), studio)
        people = photographed(asked.photographs)
        skins = asked.folder / "skins"
        worn = exchange.exchange(actors, skins, _taken_in(studio), studio) if asked.exchange else {}
    except (UserError, ValueError) as error:
        sys.exit(str(error))
    verdicts.report(sights, actors, asked.folder, Console(), people, worn)
    if not people:
        sys.stdout.write(
            f"no photographs to compare with: none named 001_03.jpg in {asked.photographs}; "
            "give the London set's folder to --photographs\n"
        )


def _taken_in(studio: Studio) -> Take:
    return lambda actor, emotion, m: portrait(actor, weights(emotion, m), studio)


if __name__ == "__main__":
    main()
