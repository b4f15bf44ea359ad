"""The editor's training: eq. 5 of Lindt et al. 2019, a task of `models.training`.

The paper has faces of unknown people, each at one label, and lets the networks make each again
(`paired` off). Where the same people are there at many labels, a face may be asked for as it truly
looks at another one (`paired`): an addition of mien, for which only synthetic people are enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.layers import begin, sized
from models.training import Engine, along_cosine, set_rate
from models.valence_arousal import losses
from models.valence_arousal.critics import ImageCritic, LatentCritic
from models.valence_arousal.data import NOBODY, FaceData
from models.valence_arousal.identity import Features
from models.valence_arousal.losses import Shares
from models.valence_arousal.network import Editor
from models.valence_arousal.settings import CriticSettings, EditorSettings
from models.variation import VariationSettings, numbers, vary

SPREAD = 0.02  # standard deviation of the paper's first weights
WATCHED, WATCH_EVERY = 8, 50  # faces, and steps between two looks at what labels do
LEAST_EFFECT = 0.5  # grey levels of 255 between opposite labels: less is a collapse
PATIENCE = 1_000  # steps before it is called one
CORNERS = ((0.75, 0.75), (0.75, -0.75), (-0.75, 0.75), (-0.75, -0.75))


@dataclass(frozen=True)
class EditingSettings:
    """How the editor learns; the defaults are the paper's (section III-B2)."""

    steps: int = 18_000  # two epochs of AffectNet, as the published code
    faces: int = 49  # of a batch
    labels: int = 1  # at which each face is made
    paired: bool = False
    neutral: float = 0.5  # share of faces that are given as they look at (0, 0); paired alone
    looked_at: int = 16  # pictures of a batch of which the identity loss is taken
    rate: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    shares: Shares = field(default_factory=Shares)
    emphasis: float = 0.0  # how much more a pixel counts for each unit that it is to change by
    lively: bool = False  # first weights of He (2015), not of a fixed spread
    cosine: bool = False  # the rate falls to nothing, after 2 % of warming up
    flip: bool = False  # half of the faces are mirrored
    variation: VariationSettings = VariationSettings()
    seed: int = 1


class Drawn(NamedTuple):
    """One batch: n faces, L labels each.

    given (n, 3, S, S) and true (n, L, 3, S, S) in [-1, 1]; labels (n, L, 2); prior (n, latent).
    """

    given: Tensor
    true: Tensor
    labels: Tensor
    prior: Tensor


class Editing:
    """Encoder and generator against both critics."""

    name = "editor"

    def __init__(
        self,
        data: FaceData,
        network: EditorSettings,
        settings: EditingSettings,
        features: Features,
        critics: CriticSettings | None = None,
        warn: Callable[[str], object] = lambda line: None,
    ) -> None:
        """Features: of the identity network; warn: told of a collapse, in words."""
        self.data, self.settings, self.features, self.warn = data, settings, features, warn
        self.steps, s = settings.steps, settings
        critics = critics or CriticSettings()
        self.editor = Editor(network)
        self.networks: dict[str, nn.Module] = {"editor": self.editor}
        self.of_pictures = ImageCritic(network, critics) if s.shares.image else None
        self.of_latents = LatentCritic(network, critics) if s.shares.latent else None
        if self.of_pictures is not None:
            self.networks["image critic"] = self.of_pictures
        if self.of_latents is not None:
            self.networks["latent critic"] = self.of_latents
        first = torch.Generator().manual_seed(s.seed)
        for part in self.networks.values():
            if s.lively:
                begin(part, first, lively=True)
            else:
                begin_evenly(part, first)
        if s.lively:
            self.editor.generator.begin_as_copy()
        self.optimisers: Mapping[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam(part.parameters(), lr=s.rate, betas=s.betas, fused=True)
            for name, part in self.networks.items()
        }
        self.effect = math.nan  # of labels, in grey levels
        self.deaf = False
        self.rows = data.labels.where("train")
        self.people = _people(data, self.rows) if s.paired else []

    def batch(self, step: int, share: slice) -> Drawn:
        """Faces drawn by chance, with what they are to become."""
        s = self.settings
        generator = torch.Generator().manual_seed((s.seed << 40) + step)
        given, wanted = self._drawn(np.random.default_rng([s.seed, step]))
        chance = numbers(s.faces, generator)[share]
        turned = (torch.rand(s.faces, generator=generator) < 0.5)[share]
        prior = 2 * torch.rand(s.faces, self.editor.settings.latent, generator=generator) - 1
        given, wanted = given[share], wanted[share]
        n = len(given)
        rows = np.concatenate([given[:, None], wanted], 1)
        pictures = sized(self.data.pictures(rows.ravel()), self.editor.settings.size)
        if not s.variation.none:  # one face, one look
            pictures = vary(pictures, chance.repeat_interleave(s.labels + 1, 0), s.variation)
        pictures = 2 * pictures.unflatten(0, (n, -1)) - 1
        if s.flip:
            pictures = torch.where(turned[:, None, None, None, None], pictures.flip(4), pictures)
        labels = self.data.labels.both(wanted.ravel()).unflatten(0, (n, -1))
        return Drawn(pictures[:, 0], pictures[:, 1:], labels, prior[share])

    def update(self, batch: Drawn, step: int, engine: Engine) -> dict[str, Tensor]:
        """The critics' step, then encoder's and generator's (eq. 5)."""
        s = self.settings
        set_rate(s.rate * share_of_rate(s, step), *self.optimisers.values())
        batch = Drawn(*(one.to(engine.fabric.device) for one in batch))
        made, z = self.editor(batch.given, batch.labels)
        of_pictures, of_latents = self.of_pictures, self.of_latents
        all_made, all_true = made.flatten(0, 1), batch.true.flatten(0, 1)
        labels = batch.labels.flatten(0, 1)
        off = (made - batch.true).abs()
        if s.emphasis:  # an addition of mien: teeth are few, and must be drawn all the same
            off = off * (1 + s.emphasis * changing(batch.given, batch.true))
        said = {"reconstruction": off.mean()}
        loss = s.shares.reconstruction * said["reconstruction"]
        if s.shares.identity:
            some = slice(s.looked_at)
            said["identity"] = losses.identity_loss(all_made[some], all_true[some], self.features)
            loss = loss + s.shares.identity * said["identity"]
        if of_latents is not None:
            uniform, found = of_latents.both(batch.prior, z.detach())
            said["latent critic"] = losses.true_loss(uniform) + losses.made_loss(found)
            engine.step(said["latent critic"], self.optimisers["latent critic"])
            said["uniform"] = _deceived(of_latents, lambda: of_latents.both(batch.prior, z)[1])
            loss = loss + s.shares.latent * said["uniform"]
        if of_pictures is not None:
            said["image critic"] = losses.true_loss(
                of_pictures(all_true, labels)
            ) + losses.made_loss(of_pictures(all_made.detach(), labels))
            engine.step(said["image critic"], self.optimisers["image critic"])
            said["deceiving"] = _deceived(of_pictures, lambda: of_pictures(all_made, labels))
            loss = loss + s.shares.image * said["deceiving"]
        engine.step(loss, self.optimisers["editor"])
        if step % WATCH_EVERY == 0 or math.isnan(self.effect):  # not known after a resume
            self._watch(batch.given[:WATCHED], step)
        said["label effect"] = torch.tensor(self.effect)
        return {name: value.detach() for name, value in said.items()}

    @torch.no_grad()
    def _watch(self, given: Tensor, step: int) -> None:
        """Whether pictures still depend on the label: parent models are known to forget it."""
        corners = torch.tensor(CORNERS, device=given.device).expand(len(given), -1, -1)
        made = self.editor(given, corners)[0]  # (n, 4, 3, S, S)
        self.effect = 127.5 * float((made - made.flip(1)).abs().mean())  # opposite corners
        if self.effect >= LEAST_EFFECT:
            self.deaf = False
        elif step >= PATIENCE and not self.deaf:
            self.deaf = True
            self.warn(
                f"collapse: at step {step} opposite labels make pictures only {self.effect:.2f} of "
                "255 grey levels apart, so the label is ignored; if that stays, begin again with "
                "another seed, or with a smaller weight of the critics"
            )

    def _drawn(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Rows of given faces (n,), and of what they are to become (n, L)."""
        s = self.settings
        if not s.paired:
            given = self.rows[rng.integers(len(self.rows), size=s.faces)]
            return given, np.repeat(given[:, None], s.labels, 1)
        given, wanted = [], []
        for number in rng.integers(len(self.people), size=s.faces):
            rows = self.people[number]  # the most neutral one first
            given.append(rows[0] if rng.random() < s.neutral else rows[rng.integers(len(rows))])
            wanted.append(rng.choice(rows, s.labels, replace=len(rows) < s.labels))
        return np.array(given), np.array(wanted)


def changing(given: Tensor, true: Tensor) -> Tensor:
    """How far each pixel's surroundings change (n, L, 1, S, S), mean over 5 × 5 pixels and colours.

    given (n, 3, S, S), true (n, L, 3, S, S).
    """
    apart = (true - given[:, None]).abs().mean(2)  # (n, L, S, S)
    return F.avg_pool2d(apart, 5, stride=1, padding=2)[:, :, None]


def begin_evenly(network: nn.Module, generator: torch.Generator) -> None:
    """Draw every weight from a Gaussian of SPREAD around 0, biases 0, in a fixed order (III-B2)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, 0.0, SPREAD, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def share_of_rate(settings: EditingSettings, step: int) -> float:
    """The learning rate at a step, as a share of the first."""
    return along_cosine(step, settings.steps) if settings.cosine else 1.0


def _people(data: FaceData, rows: np.ndarray) -> list[np.ndarray]:
    """Rows of each person of whom there are two pictures or more, the most neutral one first.

    Raises ValueError where there is nobody.
    """
    labels, found = data.labels, []
    far = np.hypot(labels.valence, labels.arousal)
    for person in np.unique(labels.person[rows]):
        own = rows[labels.person[rows] == person]
        if person != NOBODY and len(own) > 1:
            found.append(own[np.argsort(far[own], kind="stable")])
    if not found:
        raise ValueError("nobody is there at two labels; train as the paper does: recipe paper")
    return found


def _deceived(critic: nn.Module, ask: Callable[[], Tensor]) -> Tensor:
    """What the maker pays for the critic's logits; the critic takes no gradient."""
    critic.requires_grad_(False)
    paid = losses.true_loss(ask())
    critic.requires_grad_(True)
    return paid
