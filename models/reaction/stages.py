"""Training of a reaction model, after what is learned first: tasks of `models.training`.

`Tokenizing` is the first stage of a base that has one (FaceVIS); `Reacting` trains a base, alone or
with EMC around it. Batches hold windows of clips; a model then works on clips of any length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from models.reaction.data import ReactionData
from models.reaction.hearing import voice_scale
from models.reaction.missing import DroppingSettings, dropped
from models.reaction.network import Model, Speaker
from models.reaction.transformer import begin_all, drop_by
from models.training import Engine, along_cosine, set_rate


@dataclass(frozen=True)
class TokenizingStage:
    """How a tokenizer is trained."""

    steps: int = 300
    batch: int = 16
    frames: int = 256
    rate: float = 2e-3
    weight_decay: float = 1e-2
    cosine: bool = True
    clip: float = 1.0
    seed: int = 1


@dataclass(frozen=True)
class ReactingStage:
    """How a model is trained; the defaults are mien's."""

    steps: int = 500
    batch: int = 4  # speakers
    frames: int = 128  # of a window: four times a long delay
    reactions: int = 3  # that are appropriate, of each speaker
    rate: float = 4e-3
    weight_decay: float = 1e-2
    cosine: bool = True  # the rate falls to nothing, after 5 % of warming up; else it stays
    clip: float = 1.0  # largest norm of the gradient
    dropping: DroppingSettings = field(default_factory=DroppingSettings)
    # how often the whole speaker, the one without a voice, and the one without a face are taught;
    # the paper says "randomly"
    taught: tuple[float, float, float] = (0.4, 0.3, 0.3)
    seed: int = 1


class Drawn(NamedTuple):
    """A batch of n windows: speakers, truth (n, K, T, 25), and what `Model.losses` takes."""

    speaker: Speaker
    truth: Tensor
    dropped: list[tuple[Tensor, Tensor]]
    taught: int
    beside: int
    rows: list[int]  # of the whole batch


class Tokenizing:
    """The first stage of a base that has one."""

    name = "tokenizer"

    def __init__(self, data: ReactionData, network: nn.Module, stage: TokenizingStage) -> None:
        self.data, self.settings, self.steps, self.network = data, stage, stage.steps, network
        self.rows = np.flatnonzero(np.isin(data.of, data.where("train")))
        self.networks = {"tokenizer": network}
        begin_all(network, torch.Generator().manual_seed(stage.seed))
        self.optimisers = {"tokenizer": _adam(network, stage.rate, stage.weight_decay)}

    def batch(self, step: int, share: slice) -> Tensor:
        """Windows of listeners' faces (n, T, 25)."""
        s, rng = self.settings, np.random.default_rng([self.settings.seed, step])
        frames = min(s.frames, self.data.frames)
        rows = self.rows[rng.integers(len(self.rows), size=s.batch)]
        starts = rng.integers(self.data.frames - frames + 1, size=s.batch)
        return torch.from_numpy(self.data.reactions.window(rows[share], starts[share], frames))

    def update(self, batch: Tensor, step: int, engine: Engine) -> dict[str, Tensor]:
        """The tokenizer's own losses."""
        s = self.settings
        _set_rate(self.optimisers["tokenizer"], s, step)
        drop_by(self.network, _generator(s.seed, step, engine))
        losses: Callable[[Tensor], dict[str, Tensor]] = self.network.losses  # pyright: ignore
        said = losses(batch.to(engine.fabric.device))
        engine.step(torch.stack(list(said.values())).sum(), *self.optimisers.values(), clip=s.clip)
        return {name: value.detach() for name, value in said.items()}


class Reacting:
    """A base, alone or with EMC around it."""

    def __init__(
        self, data: ReactionData, model: Model, stage: ReactingStage, name: str = "reactions"
    ) -> None:
        """model: its base begins alike for each framework, so that these can be compared."""
        self.name = name
        self.data, self.settings, self.steps, self.model = data, stage, stage.steps, model
        self.rows = data.where("train")
        self.replies = {int(clip): data.reactions_to(clip) for clip in self.rows}
        self.networks = {"model": model}
        begin_all(model, torch.Generator().manual_seed(stage.seed + (1 << 32)))
        begin_all(model.base, torch.Generator().manual_seed(stage.seed))
        model.hear_as(*voice_scale(data))
        self.optimisers: dict[str, torch.optim.Optimizer] = {}

    def hold(self, learned: nn.Module, to: nn.Module) -> None:
        """Take over what an earlier stage learned, and learn it no further."""
        to.load_state_dict(learned.state_dict())
        to.eval().requires_grad_(False)

    def go_on(self, learned: Model) -> None:
        """Begin where an earlier stage ended; only how listeners differ it may not have learned."""
        found = self.model.load_state_dict(learned.state_dict(), strict=False)
        fresh = [name for name in found.missing_keys if not name.startswith("base.manners.")]
        if fresh or found.unexpected_keys:
            raise ValueError(f"another network: {[*fresh, *found.unexpected_keys]}")
        for name, weights in learned.named_parameters():
            self.model.get_parameter(name).requires_grad_(weights.requires_grad)

    def begin(self) -> None:
        """Make the optimiser, of all that is not held."""
        s = self.settings
        self.optimisers = {"model": _adam(self.model, s.rate, s.weight_decay)}

    def batch(self, step: int, share: slice) -> Drawn:
        """Windows of clips drawn by chance, each with some of its reactions."""
        s, data = self.settings, self.data
        rng = np.random.default_rng([s.seed, step])
        frames = min(s.frames, data.frames)
        rows = self.rows[rng.integers(len(self.rows), size=s.batch)]
        starts = rng.integers(data.frames - frames + 1, size=s.batch)
        replies = np.stack([_some(rng, self.replies[int(row)], s.reactions) for row in rows])
        taught = int(rng.choice(3, p=s.taught))
        beside = (taught + 1 + int(rng.integers(2))) % 3
        generator = torch.Generator().manual_seed((s.seed << 40) + step)
        voice_there, face_too = dropped(s.batch, frames, s.dropping, generator)
        face_there, voice_too = dropped(s.batch, frames, s.dropping, generator)
        rows, starts, replies = rows[share], starts[share], replies[share]
        truth = data.reactions.window(replies.ravel(), starts.repeat(s.reactions), frames)
        there = torch.ones(len(rows), frames, dtype=torch.bool)
        seen = torch.from_numpy(data.seen_in(rows, starts, frames))
        speaker = Speaker(
            torch.from_numpy(data.face.window(rows, starts, frames)),
            torch.from_numpy(data.voice.window(rows, starts, frames)), seen, there,
        )  # fmt: skip
        return Drawn(
            speaker, torch.from_numpy(truth).unflatten(0, (len(rows), -1)),
            [(face_too[share] & seen, voice_there[share]),
             (face_there[share] & seen, voice_too[share])],
            taught, beside, list(range(s.batch))[share],
        )  # fmt: skip

    def update(self, batch: Drawn, step: int, engine: Engine) -> dict[str, Tensor]:
        """One step on all losses."""
        s, device = self.settings, engine.fabric.device
        _set_rate(self.optimisers["model"], s, step)
        drop_by(self.model, _generator(s.seed, step, engine))
        generators = [
            torch.Generator().manual_seed((s.seed << 40) + (step << 12) + row) for row in batch.rows
        ]
        said = self.model.losses(
            Speaker(*(one.to(device) for one in batch.speaker)), batch.truth.to(device),
            [(face.to(device), voice.to(device)) for face, voice in batch.dropped],
            batch.taught, batch.beside, generators,
        )  # fmt: skip
        engine.step(torch.stack(list(said.values())).sum(), *self.optimisers.values(), clip=s.clip)
        return {name: value.detach() for name, value in said.items()}


def _adam(network: nn.Module, rate: float, decay: float) -> torch.optim.Optimizer:
    free = [p for p in network.parameters() if p.requires_grad]
    return torch.optim.AdamW(free, lr=rate, weight_decay=decay, fused=True)


def _set_rate(
    optimiser: torch.optim.Optimizer, stage: ReactingStage | TokenizingStage, step: int
) -> None:
    share = along_cosine(step, stage.steps, warm=0.05) if stage.cosine else 1.0
    set_rate(share * stage.rate, optimiser)


def _generator(seed: int, step: int, engine: Engine) -> torch.Generator:
    """What is dropped within networks: another draw for each step and device."""
    rank = engine.fabric.global_rank
    return torch.Generator().manual_seed((seed << 40) + (step << 12) + (1 << 11) + rank)


def _some(rng: np.random.Generator, rows: np.ndarray, count: int) -> np.ndarray:
    """So many of the rows by chance; each once where there are enough."""
    return rng.choice(rows, count, replace=len(rows) < count)
