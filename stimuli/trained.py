"""Networks that make stimuli: found, loaded once per process, and named in the manifest.

The same bytes come whatever the batches and processes, because everything is computed on one thread
and in batches that are always composed alike. Another kind of processor may round otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from models.weights import Weights, WeightsError
from protocols.context import OWN, Faces, Sources, weights_file
from protocols.licences import licence_words
from protocols.manifest import IPTC
from protocols.protocol import Protocol
from protocols.reacting import Reacting
from stimuli.generators import GeneratorError, Origin

FREE = "CC0-1.0"
Loader = Callable[[Path], tuple[Any, Weights]]


def load_trained(sources: Faces | Reacting, shipped: Path, load: Loader) -> tuple[Any, Weights]:
    """The network that a protocol names, or the shipped one; `load` reads its file.

    Raises:
        GeneratorError: it is missing, or cannot be used.
        ContextError: no such file, or none of weights.
    """
    path = shipped if sources.weights is None else weights_file(sources.weights, sources.PART)
    try:
        state = path.stat()
        return _loaded(load, path, state.st_mtime_ns, state.st_size)
    except FileNotFoundError:
        raise GeneratorError(
            f"{path}: mien's weights are missing; install mien again, or train networks (mien "
            f"train {path.parent.name.replace('_', '-')}) and name them in {sources.PART}.weights"
        ) from None
    except WeightsError as error:
        raise GeneratorError(f"{sources.PART}.weights: {error}") from None


@lru_cache(maxsize=2)
def _loaded(load: Loader, path: Path, changed: int, size: int) -> tuple[Any, Weights]:
    """One reading for every generator of a process, until the file changes."""
    return load(path)


def check_emotions(factor: str, levels: Sequence[Any], known: Sequence[str]) -> None:
    """Refuse emotions that a network does not know."""
    for emotion in levels:
        if emotion not in known:
            raise GeneratorError(
                f"stimuli.factors.{factor}: the weights do not know '{emotion}'; accepted: "
                f"{', '.join(known)}"
            )


def origin_of(
    protocol: Protocol, sources: Faces | Reacting, weights: Weights, version: str, made: str
) -> Origin:
    """What the manifest says of every stimulus; made: what it is, in words."""
    stimuli = protocol.stimuli
    faces, folder = stimuli.corpus, stimuli.corpus_folder
    licences = [licence_words(faces, folder)]
    heard = sources.voices if isinstance(sources, Sources) and sources.recordings is None else OWN
    if heard not in (OWN, faces):
        licences.append(licence_words(heard, stimuli.beside.find(heard)))
    licences.append(weights.facts.get("licence", "licence of the weights not known"))
    bound = [licence for licence in dict.fromkeys(licences) if licence != FREE]
    licence = " and ".join(bound) or FREE
    shown = "No person is shown." if faces == "actors" else f"The face is from the corpus {faces}."
    return Origin(
        version=version,
        licence=licence,
        digital_source_type=IPTC + "trainedAlgorithmicMedia",  # IPTC: made by a trained model
        note=f"{made}, made by mien ({stimuli.generator}). {licence}. {shown}",
        checkpoint=weights.facts["sha256"],
    )


def one_thread() -> AbstractContextManager[None]:
    """One thread of PyTorch for as long as it takes: sums are made in the same order everywhere."""
    return threads(1)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads of PyTorch for as long as it takes."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
