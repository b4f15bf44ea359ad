"""The last stage, an addition of mien: the composer learns to change a picture as its latent says.

Pairs of pictures of one person: a given one, and what it is to become. The frozen face network
encodes and decodes, the composer makes the frame (`composer`). Half of the shifts lead to the
latent of the true picture; the others along the mean direction of its expression, as CAN's do,
which says what is felt but not how this person shows it.

Whatever cannot be foretold is left out by differences of pixels: eyes that open, teeth. So a
change is also to be as large as the true one, at mouth, eyes and brows (`losses.faintness`), and
pictures as rough as true ones (`losses.grain_loss`). What is left of blur, a critic finds
(`critic`).

A share of the pairs is varied in colour and shape apart from what the face network sees: so the
composer learns to take over what changes even where the decoder does not know the face.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.context_face import losses
from models.context_face.composer import PLANES, QUADS, Composer, composed
from models.context_face.critic import (
    CriticSettings,
    PatchCritic,
    balanced,
    critic_loss,
    doubt_loss,
)
from models.context_face.directions import Relatives
from models.context_face.expressions import Expressions, seen_loss
from models.context_face.inference import Quick
from models.context_face.latents import Latents
from models.context_face.pretraining import BROWS, CLIP, EYES, MOUTH
from models.context_face.settings import ComposerSettings
from models.context_face.vae import Vae
from models.layers import begin
from models.training import Engine, along_cosine, set_rate
from models.variation import VariationSettings, numbers, vary


@dataclass(frozen=True)
class ComposingSettings:
    """Optimisation of the composer."""

    steps: int = 2_000
    batch: int = 16
    rate: float = 2e-3
    weight_decay: float = 1e-4
    mouth_gain: float = 10.0  # how much more a pixel of the mouth weighs
    eye_gain: float = 8.0
    brow_gain: float = 6.0
    structure: float = 0.3  # weight of `losses.structure_loss`
    changing: float = 6.0  # how much more a pixel weighs for each unit that it is to change by
    rough: float = 0.02  # weight of the unevenness of the flow
    grain: float = 1.5  # weight of `losses.grain_loss`
    faint: float = 0.3  # weight of `losses.faintness`
    seen: float = 0.0  # weight of `expressions.seen_loss`
    critic: CriticSettings | None = None
    from_neutral: float = 0.75  # share of the pairs that begin with a neutral picture
    along: float = 0.5  # share of the shifts along a mean direction
    apart: float = 0.25  # share of the pairs that the face network sees varied otherwise
    variation: VariationSettings = VariationSettings(light=0.25, tint=0.04, colour=0.3)
    seed: int = 1


class Drawn(NamedTuple):
    """A batch: pictures (n, 3, S, S) in [0, 1], strengths (n, emotions), directed (n,) bool.

    given and true: what the composer starts from and should end in; of both, what the face network
    sees; strength: of the expression of true less that of given.
    """

    given: Tensor
    true: Tensor
    given_seen: Tensor
    true_seen: Tensor
    strength: Tensor
    directed: Tensor


class Composing:
    """The composer: a task of `models.training`."""

    name = "composer"

    def __init__(
        self,
        network: ComposerSettings,
        settings: ComposingSettings,
        vae: Vae,
        faces: Latents,
        relatives: Relatives,
        read: Callable[[Tensor], Tensor],
        expressions: Expressions | None = None,
    ) -> None:
        """vae: the face network, which stays as it is; faces: its latents of the training rows.

        relatives: of the same rows; read: from their numbers (n,) to pictures. expressions: one
        that no longer learns; needed for `ComposingSettings.seen`.

        Raises:
            ValueError: Nobody is there both with and without an expression.
        """
        self.settings, self.steps, self.read = settings, settings.steps, read
        self.relatives = relatives
        self.rows = relatives.pairs
        if not len(self.rows):
            raise ValueError("nobody is there both neutral and with an expression")
        self.expressions = expressions
        self.vae, self.quick = vae.eval().requires_grad_(False), Quick()
        self.directions = mean_directions(faces.mu, relatives)
        self.composer = Composer(network, faces.mu.shape[1], vae.settings.size)
        begin(self.composer, torch.Generator().manual_seed(settings.seed), lively=True)
        begin_as_copy(self.composer)
        self.networks: dict[str, nn.Module] = {"composer": self.composer}
        self.optimisers = {
            "composer": torch.optim.AdamW(
                self.composer.parameters(), lr=settings.rate, weight_decay=settings.weight_decay
            )
        }
        self.critic: PatchCritic | None = None
        if settings.critic is not None:
            self.critic = PatchCritic(settings.critic)
            begin(self.critic, torch.Generator().manual_seed(settings.seed + 1), lively=True)
            self.networks["critic"] = self.critic
            self.optimisers["critic"] = torch.optim.AdamW(
                self.critic.parameters(), lr=settings.critic.rate, betas=(0.5, 0.99)
            )
        size = vae.settings.size
        self.regions = torch.stack([losses.bump(size, place) for place in (MOUTH, EYES, BROWS)])
        gains = (settings.mouth_gain, settings.eye_gain, settings.brow_gain)
        self.places = losses.region_weights(self.regions, gains)

    def go_on_from(self, composer: Composer) -> None:
        """Begin with a composer that learned before."""
        self.composer.load_state_dict(composer.state_dict())

    def batch(self, step: int, share: slice) -> Drawn:
        """Pairs of one person each."""
        s = self.settings
        generator = torch.Generator().manual_seed((s.seed << 40) + step)
        true = self.rows[torch.randint(len(self.rows), (s.batch,), generator=generator)]
        chances = torch.rand(s.batch, 6, generator=generator)
        alike, other = (numbers(s.batch, generator)[share] for _ in range(2))
        picked = chances[:, :3].clone()
        picked[:, 1] *= 0.5 / s.from_neutral  # `origins` takes a neutral one below a half
        origins = self.relatives.origins(true, 1.0, picked)
        chances, turned = chances[share], chances[share, 3] < 0.5
        given, true = (self.read(rows[share]) for rows in (origins.row, true))
        given, true = (
            torch.where(turned[:, None, None, None], x.flip(3), x) for x in (given, true)
        )
        known = torch.where((chances[:, 4] < s.apart)[:, None], other, alike)
        shown, seen = ([vary(x, of, s.variation) for x in (given, true)] for of in (alike, known))
        strength, directed = origins.strength[share], chances[:, 5] < s.along
        return Drawn(shown[0], shown[1], seen[0], seen[1], strength, directed)

    def update(self, batch: Drawn, step: int, engine: Engine) -> dict[str, Tensor]:
        """Differences of pixels, slopes and structure, heavier where something changes."""
        s, optimiser = self.settings, self.optimisers["composer"]
        set_rate(s.rate * along_cosine(step, s.steps), optimiser)
        device = engine.fabric.device
        given, true, given_seen, true_seen, strength, directed = (t.to(device) for t in batch)
        places = self.places.to(device)
        with torch.no_grad():
            encode, decode = (self.quick.of(p) for p in (self.vae.encoder, self.vae.decoder))
            z, aim = encode(torch.cat([given_seen, true_seen])).mu.chunk(2)
            along = z + strength @ self.directions.to(device)
            aim = torch.where(directed[:, None], along, aim)
            rest, drawn = decode(torch.cat([z, aim])).clamp(0, 1).chunk(2)
        planes = self.composer.planes_of(given, rest, drawn, aim - z)
        composer = self.composer
        frame = composed(planes, given, rest, drawn, composer.trust.exp(), composer.settings,
                         composer.window)  # fmt: skip
        flow = planes[:, QUADS:].tanh()
        change = losses.surroundings(true - given)
        weight = places * (1 + s.changing * change)
        near = losses.weighted_l1(frame, true, weight / weight.mean())
        other = losses.structure_loss(frame, true, places)
        rough = flow.diff(dim=2).abs().mean() + flow.diff(dim=3).abs().mean()
        faint = losses.faintness(frame - given, true - given, self.regions.to(device))
        grain = losses.grain_loss(frame, true, places)
        loss = near + s.structure * other + s.grain * grain + s.rough * rough + s.faint * faint
        said = {"pixels": near, "structure": other, "grain": grain, "rough": rough, "faint": faint}
        if s.seen and self.expressions is not None:
            said["seen"] = seen_loss(self.expressions.to(device), frame, true)
            loss = loss + s.seen * said["seen"]
        if s.critic is not None and step >= s.critic.since * s.steps:
            term, said["game"] = self._criticised(given, true, frame, engine)
            loss = loss + balanced(term, loss, self.composer.planes.weight, s.critic.weight)
        engine.step(loss, optimiser, clip=CLIP)
        kept = losses.weighted_l1(given, true, weight / weight.mean())
        said["given"] = kept  # pixels, had nothing been changed
        return {name: value.detach() for name, value in said.items()}

    def _criticised(
        self, given: Tensor, true: Tensor, frame: Tensor, engine: Engine
    ) -> tuple[Tensor, Tensor]:
        """The critic's step; then what it says of the frames, for the composer, and its loss."""
        critic = self.critic
        assert critic is not None
        places = F.avg_pool2d(self.places.to(frame.device)[None], 4)[0]
        game = critic_loss(critic(true, given).real, critic(frame.detach(), given).real, places)
        engine.step(game, self.optimisers["critic"], clip=CLIP)
        critic.requires_grad_(False)
        term = doubt_loss(critic(true, given), critic(frame, given), places)
        critic.requires_grad_(True)
        return term, game


def mean_directions(mu: Tensor, relatives: Relatives) -> Tensor:
    """The vector of each emotion (emotions, d) that explains latents (N, d) best.

    Least squares: a latent less that of the same person's neutral picture is strength times vector.
    """
    rows = torch.nonzero(relatives.known)[:, 0]
    neutral = relatives.neutral.values[relatives.neutral.start[rows]]
    strength = relatives.shown[rows]
    moved = (mu[rows] - mu[neutral]).double()
    strength = strength.double()
    least = 1e-6 * torch.eye(strength.shape[1], dtype=torch.float64)  # emotions that nobody shows
    return torch.linalg.solve(strength.T @ strength + least, strength.T @ moved).float()


def begin_as_copy(composer: Composer) -> None:
    """Make every frame nearly the given picture: what begins as noise is slow to recover."""
    with torch.no_grad():
        composer.planes.weight *= 0.1
        assert composer.planes.bias is not None
        composer.planes.bias[12:QUADS] = -1.0  # of the mask: 27 % drawn
        assert len(composer.planes.bias) == PLANES
