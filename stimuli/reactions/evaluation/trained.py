"""The files of weights that are compared: each says which base, framework and seed it is of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from models.reaction.stored import load_model
from models.weights import WeightsError
from protocols.errors import UserError
from stimuli.reactions.evaluation.measuring import Record
from stimuli.reactions.evaluation.missing import TRIED, WORDS

BASES = {"trans-vae": "Trans-VAE", "regnn": "REGNN", "facevis": "FaceVIS"}
FRAMEWORKS = {"none": "original", "emc": "EMC", "no-attention": "EMC without EA"}


class Way(NamedTuple):
    """How reactions were made; its trainings differ by seed only."""

    base: str
    framework: str
    missing: str

    @property
    def method(self) -> str:
        """The framework, and what is missing, in words."""
        missing = "" if self.missing == "nothing" else f", {WORDS[self.missing]}"
        return FRAMEWORKS[self.framework] + missing


Tried = dict[Way, dict[str, Record]]  # a record for each seed


@dataclass(frozen=True)
class Trained:
    """One file of weights."""

    path: Path
    base: str
    framework: str
    seed: str
    sha256: str
    data_sha256: str

    @property
    def ways(self) -> list[Way]:
        """What it is tried with."""
        return [Way(self.base, self.framework, missing) for missing in TRIED[self.framework]]


def read_trained(paths: Sequence[Path]) -> list[Trained]:
    """What the files say of themselves, in the order of the paper's table.

    Raises:
        UserError: No weights of reactions, or two files of the same base, framework and seed.
    """
    found: dict[tuple[str, str, str], Trained] = {}
    for path in paths:
        try:
            facts = load_model(path)[1].facts
        except WeightsError as error:
            raise UserError(str(error)) from None
        one = Trained(
            path.resolve(), facts["base"], facts["framework"], facts.get("seed", "1"),
            facts["sha256"], facts.get("data_sha256", ""),
        )  # fmt: skip
        same = found.setdefault((one.base, one.framework, one.seed), one)
        if same is not one:
            raise UserError(
                f"{path}: is {BASES[one.base]}, {FRAMEWORKS[one.framework]}, seed {one.seed}, as "
                f"{same.path}; give one of the two: trainings of a mean differ by seed only"
            )
    order = [(base, framework) for base in BASES for framework in FRAMEWORKS]
    return sorted(
        found.values(), key=lambda one: (order.index((one.base, one.framework)), one.seed)
    )
