"""The pictures of one or several models judged at once, to compare ways of training.

    python -m stimuli.context_faces.evaluation.pictures WEIGHTS... -o FOLDER [--actors 24]

Weights are called by the name of their file, or as `paper=a.safetensors`. Writes tables and figures
of `pictures_part` into FOLDER and prints its sentences. Pictures and voices of the held-out actors
are made once and kept (--cache).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from platformdirs import user_cache_path

from models.context_face.network import ContextFace
from models.context_face.stored import load_model
from models.weights import WeightsError
from protocols.errors import UserError
from protocols.tables import write_whole
from stimuli.context_faces.evaluation.held_out import SETTINGS, drawn, held_out
from stimuli.context_faces.evaluation.part import Figure, Part, Table
from stimuli.context_faces.evaluation.pictures_part import pictures_part

CACHE = "context-face-held-out"


def default_cache() -> Path:
    """Where held-out people are kept."""
    return user_cache_path("mien") / CACHE


def named(words: Sequence[str]) -> dict[str, ContextFace]:
    """Models by name, from NAME=PATH or PATH.

    Raises:
        WeightsError: see `load_model`.
        UserError: two models of one name.
    """
    found: dict[str, ContextFace] = {}
    for word in words:
        name, _, path = word.rpartition("=")
        name = name or Path(path).stem
        if name in found:
            raise UserError(f"{word}: '{name}' was given twice; call one of them OTHER={path}")
        found[name], _ = load_model(Path(path))
    return found


def write(part: Part, folder: Path) -> None:
    """Tables and figures of a part as files, and its sentences as headline.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    for block in part.blocks:
        if isinstance(block, Table):
            text = block.frame.to_csv(index=False, float_format="%.6g")
            write_whole(folder / f"{block.name}.csv", text.encode())
        elif isinstance(block, Figure):
            write_whole(folder / f"{block.name}.png", block.png)
    write_whole(folder / "headline.txt", "\n".join([*part.headline, ""]).encode())


def main(words: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m stimuli.context_faces.evaluation.pictures")
    parser.add_argument("weights", nargs="+", help="files of weights, or NAME=FILE")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--actors", type=int, default=len(SETTINGS.held_out))
    parser.add_argument("--sentences", type=int, default=SETTINGS.held_out_sentences)
    parser.add_argument("--cache", type=Path, default=None)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args(words)
    try:
        models = named(asked.weights)
        names = SETTINGS.held_out[: asked.actors]
        cache = asked.cache or default_cache()
        people = held_out(cache, names, asked.workers, told("held out"))
        people = people.only(len(names), asked.sentences)
        known = drawn(cache, workers=asked.workers, progress=told("who teaches a second judge"))
        part = pictures_part(models, people, told, asked.workers, known)
    except (WeightsError, UserError, ValueError) as error:
        sys.exit(str(error))
    write(part, asked.out)
    sys.stdout.write("\n".join([*part.headline, str(asked.out), ""]))


def told(name: str):
    """A line on the error stream about every ten seconds."""
    start = said = time.monotonic()

    def show(done: int, total: int) -> None:
        nonlocal said
        now = time.monotonic()
        if done == total or now - said > 10:
            said = now
            sys.stderr.write(f"{name}: {done} of {total}, {now - start:.0f} s\n")
            sys.stderr.flush()

    return show


if __name__ == "__main__":
    main()
