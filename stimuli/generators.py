"""Generators: what each family needs to render stimuli, and which are here.

A generator is a class made from a protocol with

- `version`: changes whenever its pictures change;
- `facts`: manifest columns common to all of its stimuli;
- `recipe(stimulus)`: everything that decides about pixels and sound, as JSON;
- `render(stimuli)`: pictures or clips, in order; each depends on its own recipe alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Protocol as Interface

from protocols.errors import UserError
from protocols.generators import GENERATORS
from protocols.generators import Generator as Family
from protocols.protocol import Protocol
from stimuli.stimulus import Stimulus

NETWORKS = ("torch", "safetensors")  # packages that networks need and others do without
# the families that this version can generate
HERE = ("actor", "context-face", "talking-face", "valence-arousal", "reaction")


class GeneratorError(UserError):
    """A generator or a corpus that is not there; the message says what to do."""


@dataclass(frozen=True)
class Origin:
    """What the manifest says of every stimulus of a generator."""

    version: str
    licence: str
    digital_source_type: str
    note: str  # stands in every media file: what it is, in words
    checkpoint: str | None = None


class Generator(Interface):
    """What every family of stimuli offers; one of two origins has `origin_of(stimulus)` too."""

    origin: Origin

    def recipe(self, stimulus: Stimulus) -> dict[str, Any]:
        """Everything that decides about pixels and sound of `stimulus`."""
        ...

    def render(self, stimuli: Sequence[Stimulus]) -> Iterator[Any]:
        """Pictures (`Rendered`) or clips (`Filmed`) of `stimuli`, in order."""
        ...


def origin_of(generator: Generator, stimulus: Stimulus) -> Origin:
    """What the manifest says of one stimulus."""
    own = getattr(generator, "origin_of", None)
    return generator.origin if own is None else own(stimulus)


def make_generator(protocol: Protocol, cache: Path | None = None) -> Generator:
    """The generator that `protocol` names.

    Raises:
        GeneratorError: this version has no such generator, or not for this corpus.
    """
    family, corpus = protocol.stimuli.generator, protocol.stimuli.corpus
    if family not in HERE:
        drop_in = [f for f in HERE if _knows(GENERATORS[f], set(protocol.factors))]
        hint = f"; the same cells can be made with --generator {drop_in[0]}" if drop_in else ""
        raise GeneratorError(
            f"the generator '{family}' is not in this version of mien (here: {', '.join(HERE)})"
            f"; the protocol can be checked and planned{hint}"
        )
    if family != "actor":
        return _with_networks(family, protocol, cache)
    if corpus != "actors":
        raise GeneratorError(
            f"the generator '{family}' takes the corpus 'actors' only; found '{corpus}'"
        )
    if protocol.stimuli.filmed is not None:
        from stimuli.actor_clips import ActorClips

        return ActorClips(protocol, cache)
    from stimuli.actor_pictures import ActorPictures
    from stimuli.company import Company

    return ActorPictures(protocol.stimuli.size, cache, Company.of(protocol.stimuli))


def _with_networks(family: str, protocol: Protocol, cache: Path | None) -> Generator:
    """A generator of pictures or films by networks; GeneratorError where they cannot run."""
    try:
        if family == "talking-face":
            from stimuli.talking_face_clips import TalkingFaceClips

            return TalkingFaceClips(protocol, cache)
        if family == "reaction":
            from stimuli.reaction_clips import ReactionClips

            return ReactionClips(protocol, cache)
        if family == "valence-arousal":
            from stimuli.valence_arousal_pictures import ValenceArousalPictures

            return ValenceArousalPictures(protocol, cache)
        from stimuli.context_face_pictures import ContextFacePictures

        return ContextFacePictures(protocol, cache)
    except ModuleNotFoundError as missing:
        if missing.name not in NETWORKS:
            raise
        raise GeneratorError(
            f"the generator '{family}' needs {missing.name}, which is not installed; it comes "
            "with the part 'models' of mien: pip install \".[models]\" in the folder of mien"
        ) from None


def _knows(generator: Family, factors: set[str]) -> bool:
    """Whether a family makes such cells, as pictures or as clips."""
    return any(factors <= set(one.factors) for one in (generator, *generator.clips.values()))
