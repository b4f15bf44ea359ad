"""Models as raters: what each thinks a stimulus shows, as probabilities of words for emotions.

    head    the classification head of the context-face networks, on the shifted latent that the
            picture was decoded from; the generator wrote it into the picture's sidecar
    judge   the expression network of stimuli/faces, which knows no generator, on the picture file
            as people saw it

Valence and arousal that follow are means over the words, each where people place it (stimuli/
actors/plane.py: Russell & Mehrabian, 1977); neutral, and words that stand in no table, lie at 0.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from protocols.emotions import meaning
from protocols.errors import UserError
from stimuli.actors.plane import ANCHORS
from stimuli.media import stem

HEAD, JUDGE = "head", "judge"
RATERS = {
    HEAD: "classification head of the context-face networks, on shifted latents",
    JUDGE: "expression network of face-api.js (stimuli/faces), on the pictures",
}
DIMENSIONS = ("valence", "arousal")  # in the order of ANCHORS

Words = Mapping[str, float]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Opinions:
    """What one rater thinks of the stimuli.

    Attributes:
        rater: name, a key of RATERS.
        words: stimulus -> probability of each word; those that the rater could not judge are left
            out.
        silent: stimuli that it could not judge.
    """

    rater: str
    words: Mapping[str, Words]
    silent: tuple[str, ...] = ()


def opinion_of(
    rater: str, stimuli: pd.DataFrame, folder: Path, progress: Progress | None = None
) -> Opinions:
    """The opinions of a rater about the rows of a manifest in `folder`.

    Raises:
        UserError: no such rater, or the judge's networks cannot be had.
    """
    if rater not in RATERS:
        raise UserError(f"--raters: found '{rater}'; accepted: {', '.join(RATERS)}")
    ask = _perceived if rater == HEAD else _judged
    found: dict[str, Words] = {}
    silent = []
    for done, row in enumerate(stimuli.itertuples(), start=1):
        words = ask(folder, str(row.stimulus_id), str(row.type), str(row.file))
        if words is None:
            silent.append(str(row.stimulus_id))
        else:
            found[str(row.stimulus_id)] = words
        if progress:
            progress(done, len(stimuli))
    return Opinions(rater, found, tuple(silent))


def on_dimension(words: Words, dimension: str) -> float:
    """Expected valence or arousal, -1 to 1, under the probabilities of words."""
    place = DIMENSIONS.index(dimension)
    where = {meaning(word): point[place] for word, (point, _) in ANCHORS.items()}
    return float(sum(share * where.get(meaning(word), 0.0) for word, share in words.items()))


def likeliest(words: Words, options: Iterable[str]) -> str | None:
    """The option whose emotion is likeliest; None where no option is a word of the rater."""
    known = {meaning(word): share for word, share in words.items()}
    able = [option for option in options if meaning(option) in known]
    return max(able, key=lambda option: known[meaning(option)]) if able else None


def _perceived(folder: Path, stimulus: str, kind: str, file: str) -> Words | None:
    """What the head said of a picture when it was made."""
    sidecar = folder / f"{stem(stimulus)}_{kind}.json"
    try:
        return json.loads(sidecar.read_text(encoding="utf-8")).get("perceived")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(f"{sidecar}: damaged ({error}); run mien generate again") from None


def _judged(folder: Path, stimulus: str, kind: str, file: str) -> Words | None:
    """What the judge sees in a picture; nothing in clips and sounds, or without a face."""
    from stimuli.context_faces.checks import Seen

    if kind != "image":
        return None
    try:
        with Image.open(folder / file) as picture:
            pixels = np.asarray(picture.convert("RGB"))
    except OSError as error:
        raise UserError(f"{folder / file}: not a picture ({error})") from None
    seen = Seen.of(pixels)
    return None if seen is None else seen.words
