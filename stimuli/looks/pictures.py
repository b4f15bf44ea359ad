"""Looks around any generator of pictures, and the two passes of a set that is matched.

A look that each picture can have by itself is put on as it is drawn. Where the target comes from
the set, the pictures are first drawn and measured (`Originals`, kept in stimuli/originals); their
measures give one target, whatever their order; then every picture is brought to it (`Kept` inside
`Looked`). Each pass is resumed like any other: what its recipe made is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from protocols.generators import LOOK_FACTORS
from protocols.looks import Look
from protocols.protocol import Protocol
from stimuli.generators import Generator, Origin, make_generator, origin_of
from stimuli.looks.look import dress, measure
from stimuli.looks.match import Target, target_of
from stimuli.looks.recipe import control_of, look_recipe, target_recipe
from stimuli.media import Rendered, file_name, find_made
from stimuli.seeds import seed_of
from stimuli.stimulus import Stimulus, stimulus_id

ORIGINALS = "originals"  # folder of the first pass, beside the finished pictures


@dataclass(frozen=True)
class Stage:
    """Which pass of a set: without `folder` pictures are drawn and finished at once.

    Attributes:
        folder: of the originals.
        target: what they are brought to; None: the first pass, which draws and measures them.
    """

    folder: Path | None = None
    target: Target | None = None


def make_pictures(
    protocol: Protocol, cache: Path | None = None, stage: Stage | None = None
) -> Generator:
    """The generator that the protocol names, with the protocol's look where it has one.

    Raises:
        GeneratorError: this version has no such generator, or not for this corpus.
    """
    generator, look = make_generator(protocol, cache), protocol.stimuli.dressed
    if look is None:
        return generator
    return dressed(Plain(generator, protocol.seed), look, stage or Stage())


def dressed(generator: Generator, look: Look, stage: Stage) -> Generator:
    """The generator whose pictures have the look, or are its originals in the first pass."""
    if stage.folder is None:
        return Looked(generator, look, target_of(look.match, []) if _fixed(look) else Target())
    if stage.target is None:
        return Originals(generator, look)
    return Looked(Kept(generator, look, stage.folder), look, stage.target)


def _fixed(look: Look) -> bool:
    return look.match.what != "none" and not look.match.of_set


class Around:
    """Around another generator, whose pictures come from where that one's do."""

    def __init__(self, generator: Generator) -> None:
        """Pictures of `generator`."""
        self.generator, self.origin = generator, generator.origin

    def origin_of(self, stimulus: Stimulus) -> Origin:
        """What the manifest says of one picture."""
        return origin_of(self.generator, stimulus)


class Plain(Around):
    """Pictures as drawn: a control starts from the very picture that it is the control of."""

    def __init__(self, generator: Generator, seed: int) -> None:
        """Pictures of `generator` under the protocol's `seed`."""
        super().__init__(generator)
        self.seed = seed

    def recipe(self, stimulus: Stimulus) -> dict[str, Any]:
        """The recipe without the factors of the look."""
        return self.generator.recipe(self._plain(stimulus))

    def render(self, stimuli: Sequence[Stimulus]) -> Iterator[Rendered]:
        """Pictures as drawn, in order; equal recipes among `stimuli` are drawn once."""
        recipes = [json.dumps(self.recipe(stimulus)) for stimulus in stimuli]
        once: dict[str, Stimulus] = {}
        for recipe, stimulus in zip(recipes, stimuli, strict=True):
            once.setdefault(recipe, self._plain(stimulus))
        pictures = self.generator.render(list(once.values()))
        drawn: dict[str, Rendered] = {}
        for recipe in recipes:
            if recipe not in drawn:
                drawn[recipe] = next(pictures)
            yield drawn[recipe]

    def _plain(self, stimulus: Stimulus) -> Stimulus:
        levels = {name: level for name, level in stimulus.levels.items()
                  if name not in LOOK_FACTORS}  # fmt: skip
        name = stimulus_id(stimulus.identity, levels)
        return replace(stimulus, id=name, levels=levels, seed=seed_of(self.seed, name))


class Originals(Around):
    """The first pass: pictures as drawn, with the measures that the set needs."""

    def __init__(self, generator: Generator, look: Look) -> None:
        """Pictures of `generator`, measured for `look`."""
        super().__init__(generator)
        self.look = look

    def recipe(self, stimulus: Stimulus) -> dict[str, Any]:
        """What decides about the pixels and about the measures."""
        return self.generator.recipe(stimulus) | {"look": look_recipe(self.look, stimulus)}

    def render(self, stimuli: Sequence[Stimulus]) -> Iterator[Rendered]:
        """Pictures as drawn, in order."""
        drawn = self.generator.render(stimuli)
        for stimulus, picture in zip(stimuli, drawn, strict=True):
            measures = measure(picture, self.look, control_of(stimulus))
            yield Rendered(picture.pixels, {**picture.facts, "measured": measures})


class Kept(Around):
    """The originals of the first pass, read instead of drawn."""

    def __init__(self, generator: Generator, look: Look, folder: Path) -> None:
        """Originals of `generator` for `look` in `folder`."""
        super().__init__(generator)
        self.originals, self.folder = Originals(generator, look), folder

    def recipe(self, stimulus: Stimulus) -> dict[str, Any]:
        """The recipe of the picture as drawn."""
        return self.generator.recipe(stimulus)

    def render(self, stimuli: Sequence[Stimulus]) -> Iterator[Rendered]:
        """Pictures as drawn, in order; one that has gone meanwhile is drawn again."""
        for stimulus in stimuli:
            sidecar = find_made(self.folder, stimulus.id, self.originals.recipe(stimulus))
            if sidecar is None:
                yield next(self.generator.render([stimulus]))
                continue
            with Image.open(self.folder / file_name(stimulus.id)) as picture:
                pixels = np.asarray(picture.convert("RGB"))
            written = {"recipe", "file", "sha256", "bytes", "width", "height", "measured"}
            yield Rendered(pixels, {k: v for k, v in sidecar.items() if k not in written})


class Looked(Around):
    """Finished pictures: those of another generator with a look."""

    def __init__(self, generator: Generator, look: Look, target: Target) -> None:
        """Pictures of `generator` with `look`, brought to `target`."""
        super().__init__(generator)
        self.look, self.target = look, target

    def recipe(self, stimulus: Stimulus) -> dict[str, Any]:
        """The recipe of the picture as drawn, the look and what it is brought to."""
        look = look_recipe(self.look, stimulus) | target_recipe(self.target)
        return self.generator.recipe(stimulus) | {"look": look}

    def render(self, stimuli: Sequence[Stimulus]) -> Iterator[Rendered]:
        """Finished pictures, in order."""
        drawn = self.generator.render(stimuli)
        for stimulus, picture in zip(stimuli, drawn, strict=True):
            yield dress(picture, self.look, control_of(stimulus), self.target)
