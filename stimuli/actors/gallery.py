"""The gallery: every actor of the cast in seven emotions, at half and full strength, on one sheet.

    python -m stimuli.actors.gallery FOLDER                       # all 52: FOLDER/cast.png
    python -m stimuli.actors.gallery FOLDER --actors 03,49 --size 384 --rows 2

FOLDER/pictures keeps a picture each, named after everything that decides about it, so that a
second run draws only what has changed; FOLDER/page-01.png and on show a few actors at full size,
to be looked at row by row; cast.png shows all of them at a third to half of it, contact.jpg the
full strength of each emotion, several actors side by side (docs/cast.jpg is that of --size 256),
and between.png faces from angry to happy (docs/stimuli.png is that of --size 200 and --actors
04,03,02,07,20,13,12).
"""

import argparse
import hashlib
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from stimuli.actor_pictures import VERSION
from stimuli.actors import cast, facs
from stimuli.actors.portrait import Studio, portrait
from stimuli.actors.rig import load_rig

EMOTIONS = ("happy", "sad", "angry", "fearful", "disgusted", "surprised")
CELLS = (("neutral", 1.0), *((emotion, m) for emotion in EMOTIONS for m in (0.5, 1.0)))
SIZE = 224  # pixels of a picture
SMALL = 88  # pixels of a picture on the sheet of all
FULL = (("neutral", 1.0), *((emotion, 1.0) for emotion in EMOTIONS))
FULL_SIZE, ABREAST, QUALITY = 72, 3, 85  # of contact.jpg: pixels of a picture, actors a row, JPEG
BETWEEN = (("angry", 1.0), ("angry", 0.5), ("neutral", 1.0), ("happy", 0.5), ("happy", 1.0))
MOST_BETWEEN = 7  # actors of between.png
GAP = 2
HEAD, MARGIN = 22, 30  # pixels for the columns' words and the rows' numbers
PAPER, INK = (255, 255, 255), (40, 40, 40)


def pictures(
    actors: Sequence[cast.Actor], folder: Path, size: int = SIZE, *, again: bool = False
) -> Iterator[tuple[cast.Actor, list[Path]]]:
    """Draw CELLS of each actor into `folder`, unless they lie there; yields their PNG paths."""
    folder.mkdir(parents=True, exist_ok=True)
    studio = Studio(size=size)
    for actor in actors:
        paths = []
        for emotion, m in CELLS:
            weights = facs.weights(emotion, m)
            path = folder / f"{actor.id}-{emotion}-{m:g}-{fingerprint(actor, weights, size)}.png"
            if again or not path.exists():
                drawn = Image.fromarray(portrait(actor, weights, studio))
                drawn.save(path.with_suffix(".part"), format="PNG")
                path.with_suffix(".part").replace(path)
            paths.append(path)
        yield actor, paths


def page(rows: Sequence[tuple[str, Sequence[Path]]], size: int) -> Image.Image:
    """One row for each actor: its id and the pictures of CELLS, size pixels each."""
    step = size + GAP
    out = Image.new("RGB", (MARGIN + step * len(CELLS), HEAD + step * len(rows)), PAPER)
    draw, font = ImageDraw.Draw(out), ImageFont.load_default(size=11)
    for column, (emotion, m) in enumerate(CELLS):
        word = emotion if emotion == "neutral" else f"{emotion} {m:g}"
        draw.text((MARGIN + step * column + size / 2, HEAD - 4), word, INK, font, "ms")
    for row, (name, paths) in enumerate(rows):
        y = HEAD + step * row
        draw.text((MARGIN - 6, y + size / 2), name, INK, font, "rm")
        for column, path in enumerate(paths):
            with Image.open(path) as picture:
                small = picture.convert("RGB")
            if small.width != size:
                small = small.resize((size, size), Image.Resampling.LANCZOS)
            out.paste(small, (MARGIN + step * column, y))
    return out


def contact_sheet(rows: Sequence[tuple[str, Sequence[Path]]]) -> Image.Image:
    """FULL faces of every actor, ABREAST actors side by side, FULL_SIZE pixels a picture."""
    wide, abreast = FULL_SIZE * len(FULL), min(ABREAST, len(rows))
    down = -(-len(rows) // ABREAST)
    out = Image.new("RGB", ((MARGIN + wide) * abreast, HEAD + FULL_SIZE * down), PAPER)
    draw, font = ImageDraw.Draw(out), ImageFont.load_default(size=12)
    for place, (column, (emotion, _)) in product(range(abreast), enumerate(FULL)):
        middle = (MARGIN + wide) * place + MARGIN + FULL_SIZE * (column + 0.5)
        draw.text((middle, HEAD - 5), emotion, INK, font, "ms")
    for number, (name, paths) in enumerate(rows):
        row, place = divmod(number, ABREAST)
        x, y = (MARGIN + wide) * place, HEAD + FULL_SIZE * row
        draw.text((x + MARGIN / 2, y + FULL_SIZE / 2), name, INK, font, "mm")
        for column, cell in enumerate(FULL):
            with Image.open(paths[CELLS.index(cell)]) as picture:
                small = picture.convert("RGB").resize(
                    (FULL_SIZE, FULL_SIZE), Image.Resampling.LANCZOS
                )
            out.paste(small, (x + MARGIN + FULL_SIZE * column, y))
    return out


def between(rows: Sequence[tuple[str, Sequence[Path]]]) -> Image.Image:
    """A column for each actor, from angry over neutral to happy (BETWEEN), as large as drawn."""
    with Image.open(rows[0][1][0]) as first:
        step = first.width + 2 * GAP
    out = Image.new("RGB", (step * len(rows) - 2 * GAP, step * len(BETWEEN) - 2 * GAP), PAPER)
    for column, (_, paths) in enumerate(rows):
        for row, cell in enumerate(BETWEEN):
            with Image.open(paths[CELLS.index(cell)]) as picture:
                out.paste(picture.convert("RGB"), (step * column, step * row))
    return out


def neutral_faces(rows: Sequence[tuple[str, Sequence[Path]]], across: int, size: int) -> np.ndarray:
    """All neutral faces side by side, (H, W, 3) uint8: for telling people apart."""
    faces = []
    for _, paths in rows:
        with Image.open(paths[0]) as picture:
            small = picture.convert("RGB").resize((size, size), Image.Resampling.LANCZOS)
        faces.append(np.asarray(small))
    faces += [np.full((size, size, 3), 255, np.uint8)] * (-len(faces) % across)
    return np.vstack([np.hstack(faces[i : i + across]) for i in range(0, len(faces), across)])


def fingerprint(actor: cast.Actor, weights: np.ndarray, size: int) -> str:
    """Twelve letters for all that decides about a portrait: whose, which face, how it is drawn."""
    rig = load_rig(actor.id, actor.folder / "rigs")
    decides = [repr(actor), rig.base.tobytes(), weights.tobytes(), VERSION, str(size)]
    return _digest(decides)[:12]


def _digest(parts: Sequence[str | bytes]) -> str:
    data = [part.encode() if isinstance(part, str) else part for part in parts]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in data)).hexdigest()


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the sheets that the arguments ask for; says how far it is."""
    asked = _arguments(arguments)
    everybody = cast.load_cast()
    wanted = [cast.actor(i) for i in asked.actors.split(",")] if asked.actors else everybody
    rows: list[tuple[str, Sequence[Path]]] = []
    for actor, paths in pictures(wanted, asked.folder / "pictures", asked.size, again=asked.again):
        rows.append((actor.id, paths))
        sys.stderr.write(f"\r{len(rows)} of {len(wanted)} actors")
    sys.stderr.write("\n")
    for number, start in enumerate(range(0, len(rows), asked.rows), start=1):
        page(rows[start : start + asked.rows], asked.size).save(
            asked.folder / f"page-{number:02d}.png"
        )
    page(rows, SMALL).save(asked.folder / "cast.png", optimize=True)
    Image.fromarray(neutral_faces(rows, 13, SMALL)).save(asked.folder / "neutral.png")
    contact_sheet(rows).save(asked.folder / "contact.jpg", quality=QUALITY, subsampling=0)
    between(rows[:MOST_BETWEEN]).save(asked.folder / "between.png", optimize=True)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stimuli.actors.gallery", description=__doc__)
    parser.add_argument("folder", type=Path, help="where pictures and sheets go")
    parser.add_argument("--actors", default="", help="ids, as in 03,49; all where not given")
    parser.add_argument("--size", type=int, default=SIZE, help="pixels of a picture")
    parser.add_argument("--rows", type=int, default=4, help="actors on a page")
    parser.add_argument("--again", action="store_true", help="draw what is there already, too")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
