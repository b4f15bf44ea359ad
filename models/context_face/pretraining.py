"""Stage 1: FRN and CRN learn to give back what they see (section 3.1, 4.2; Larsen 2016).

The paper's losses are the defaults; what mien adds for its shipped weights is in `Extras`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from models.context_face import losses
from models.context_face.directions import Directions, Relatives
from models.context_face.discriminator import Discriminator
from models.context_face.expressions import Expressions, seen_loss
from models.context_face.settings import VaeSettings
from models.context_face.vae import Vae, sample
from models.layers import begin, quieten
from models.training import Engine, along_cosine, set_rate
from models.variation import VariationSettings, numbers, vary

# Where mien's crops show them: centre x, y, radii x, y in shares of the picture.
MOUTH, EYES, BROWS = (0.5, 0.72, 0.17, 0.09), (0.5, 0.39, 0.24, 0.05), (0.5, 0.32, 0.26, 0.09)
CLIP = 5.0  # largest norm of the gradient


@dataclass(frozen=True)
class Extras:
    """Additions to the paper's losses; weights of 0 leave them out."""

    pixels: float = 0.0  # weight of `losses.weighted_l1`
    mouth_gain: float = 5.0  # how much more a pixel of the mouth weighs in it
    eye_gain: float = 0.0
    brow_gain: float = 4.0
    structure: float = 0.0  # weight of `losses.structure_loss`, by the same places
    grain: float = 0.0  # weight of `losses.grain_loss`, likewise
    seen: float = 0.0  # weight of `expressions.seen_loss`
    features: float = 1.0  # weight of eq. 3
    adversary: float = 1.0  # weight of the discriminator in the decoder's loss (eq. 6)
    adversary_from: float = 0.0  # share of the steps before which there is no discriminator
    first_log_var: float = 0.0  # of all latents before training; -4 gives less noise to begin with
    quiet: bool = False  # residual blocks begin as what they pass by (Goyal 2017)
    directed: float = 0.0  # share of the pictures made from another one and a direction
    variation: VariationSettings = VariationSettings()


@dataclass(frozen=True)
class PretrainingSettings:
    """Optimisation of one VAE-GAN; the paper's values by default."""

    steps: int = 400 * 782  # 400 epochs of CelebA's 200,000 pictures
    batch: int = 256
    rate: float = 3e-5
    weight_decay: float = 0.01
    drops: tuple[float, ...] = (150 / 400, 300 / 400)  # shares of the steps; then a tenth
    cosine: bool = False  # AdamW and, instead of drops, down to nothing after 2% of warming up
    prior: float = 1e-5  # beta of eq. 5
    flip: bool = True  # spectrograms are never flipped
    seed: int = 1
    extras: Extras = field(default_factory=Extras)


class Drawn(NamedTuple):
    """A batch: pictures (n, channels, size, size) in [0, 1], and noise (n, d) for their latents.

    origins: what each is made from, itself but for `Extras.directed`; strength (n, emotions): how
    far its latent is moved. None where there are no directions.
    """

    pictures: Tensor
    noise: Tensor
    origins: Tensor | None = None
    strength: Tensor | None = None


class Pretraining:
    """One VAE-GAN: a task of `models.training`."""

    def __init__(
        self,
        name: str,
        network: VaeSettings,
        settings: PretrainingSettings,
        rows: int,
        read: Callable[[Tensor], Tensor],
        relatives: Relatives | None = None,
        expressions: Expressions | None = None,
    ) -> None:
        """rows: how many pictures there are; read: from row numbers (n,) to pictures.

        relatives: of these rows; needed for `Extras.directed`. expressions: one that no longer
        learns; needed for `Extras.seen`.
        """
        self.name, self.steps, self.settings = name, settings.steps, settings
        self.rows, self.read = rows, read
        self.vae, self.judge = Vae(network), Discriminator(network)
        self.networks: dict[str, torch.nn.Module] = {
            "vae": self.vae, "discriminator": self.judge,
        }  # fmt: skip
        for part in self.networks.values():
            begin(part, torch.Generator().manual_seed(settings.seed))
        torch.nn.init.constant_(self.vae.encoder.log_var.bias, settings.extras.first_log_var)
        if settings.extras.quiet:
            quieten(self.vae)
        self.optimisers = {
            name: self._optimiser(part)
            for name, part in (
                ("encoder", self.vae.encoder), ("decoder", self.vae.decoder),
                ("discriminator", self.judge),
            )
        }  # fmt: skip
        extras = settings.extras
        self.relatives = relatives
        if self.relatives is not None:
            self.directions = Directions(self.relatives.shown.shape[1], network.latent)
            self.networks["directions"] = self.directions
            self.optimisers["directions"] = self._optimiser(self.directions)
        self.expressions = expressions
        regions = [losses.bump(network.size, place) for place in (MOUTH, EYES, BROWS)]
        gains = (extras.mouth_gain, extras.eye_gain, extras.brow_gain)
        self.places = losses.region_weights(torch.stack(regions), gains)

    def go_on_from(self, other: Pretraining) -> None:
        """Begin with another one's networks, as they are now."""
        for name, network in self.networks.items():
            network.load_state_dict(other.networks[name].state_dict())

    def begin_with(self, vae: Vae, directions: Tensor) -> None:
        """Begin with a finished network and the directions (emotions, d) of its latents.

        One that knows no places begins to learn of them.
        """
        found = self.vae.load_state_dict(vae.state_dict(), strict=False)
        assert all(".places." in name for name in found.missing_keys)
        if self.relatives is not None:
            with torch.no_grad():
                self.directions.vectors.copy_(directions)

    def batch(self, step: int, share: slice) -> Drawn:
        """A share of the pictures of a step, drawn without replacement in each epoch."""
        s = self.settings
        first = step * s.batch
        drawn: list[Tensor] = []
        while len(drawn) < s.batch:
            epoch, start = divmod(first + len(drawn), self.rows)
            order = self._order(epoch)
            drawn += list(order[start : start + s.batch - len(drawn)])
        rows = torch.stack(drawn)[share]
        generator = self._generator(step)
        noise = torch.randn(s.batch, self.vae.settings.latent, generator=generator)[share]
        turned = torch.rand(s.batch, generator=generator)[share] < 0.5 if s.flip else None
        still = s.extras.variation.none
        varied = None if still else numbers(s.batch, generator)[share]
        if self.relatives is None:
            return Drawn(self._shown(rows, turned, varied), noise)
        chances = torch.rand(s.batch, 3, generator=generator)[share]
        origins = self.relatives.origins(rows, s.extras.directed, chances)
        seen = self._shown(origins.row, turned, varied)
        return Drawn(self._shown(rows, turned, varied), noise, seen, origins.strength)

    def _shown(self, rows: Tensor, turned: Tensor | None, varied: Tensor | None) -> Tensor:
        x = _turned(self.read(rows), turned)
        return x if varied is None else vary(x, varied, self.settings.extras.variation)

    def update(self, batch: Drawn, step: int, engine: Engine) -> dict[str, Tensor]:
        """One joint update (eq. 5–7)."""
        s, extras = self.settings, self.settings.extras
        set_rate(s.rate * share_of_rate(s, step), *self.optimisers.values())
        device = engine.fabric.device
        x = batch.pictures.to(device).contiguous(memory_format=torch.channels_last)
        noise = batch.noise.to(device)
        seen = x if batch.origins is None else batch.origins.to(device)
        latent = self.vae.encoder(seen.contiguous(memory_format=torch.channels_last))
        z = sample(latent, noise)
        if batch.strength is not None:
            z = z + self.directions(batch.strength.to(device))
        reconstruction = self.vae.decoder(z)
        prior = losses.prior_loss(latent)
        said, loss = {"prior": prior}, s.prior * prior
        if extras.pixels:
            near = losses.weighted_l1(reconstruction, x, self.places.to(device))
            said, loss = {**said, "pixels": near}, loss + extras.pixels * near
        if extras.structure:
            other = losses.structure_loss(reconstruction, x, self.places.to(device))
            said, loss = {**said, "structure": other}, loss + extras.structure * other
        if extras.grain:
            rough = losses.grain_loss(reconstruction, x, self.places.to(device))
            said, loss = {**said, "grain": rough}, loss + extras.grain * rough
        if extras.seen and self.expressions is not None:
            look = seen_loss(self.expressions.to(device), reconstruction, x)
            said, loss = {**said, "seen": look}, loss + extras.seen * look
        against = extras.features > 0 or extras.adversary > 0
        if against and step >= extras.adversary_from * s.steps:
            term, game = self._against(x, z, reconstruction, noise, engine)
            said, loss = {**said, "features": term, "game": game}, loss + term
        trained = [o for name, o in self.optimisers.items() if name != "discriminator"]
        engine.step(loss, *trained, clip=CLIP)
        return {name: value.detach() for name, value in said.items()}

    def _against(
        self, x: Tensor, z: Tensor, reconstruction: Tensor, noise: Tensor, engine: Engine
    ) -> tuple[Tensor, Tensor]:
        """The discriminator's step (eq. 7); its part of the loss of encoder and decoder.

        The discriminator climbs eq. 4, the decoder descends it (the signs that the paper prints
        in eq. 6 and 7 would have both do the opposite). The encoder has no part in it (eq. 5).
        """
        extras, judge = self.settings.extras, self.judge
        drawn = self.vae.decoder(noise)  # from z_p of eq. 4
        game = losses.gan_loss(
            judge(x).logit, judge(reconstruction.detach()).logit, judge(drawn.detach()).logit
        )
        engine.step(-game, self.optimisers["discriminator"], clip=CLIP)
        judge.requires_grad_(False)
        wanted, seen = judge(x), judge(reconstruction)
        term = extras.features * losses.reconstruction_loss(seen.features, wanted.features.detach())
        if extras.adversary:
            again = self.vae.decoder(z.detach())  # so that nothing of it reaches the encoder
            fooled = losses.gan_loss(wanted.logit.detach(), judge(again).logit, judge(drawn).logit)
            term = term + extras.adversary * fooled
        judge.requires_grad_(True)
        return term, game

    def _optimiser(self, part: torch.nn.Module) -> torch.optim.Optimizer:
        s = self.settings
        kind = torch.optim.AdamW if s.cosine else torch.optim.Adam
        return kind(part.parameters(), lr=s.rate, weight_decay=s.weight_decay, fused=True)

    def _order(self, epoch: int) -> Tensor:
        return torch.randperm(self.rows, generator=self._generator(-1 - epoch))

    def _generator(self, step: int) -> torch.Generator:
        """Random numbers of a step; negative: of an epoch."""
        return torch.Generator().manual_seed((self.settings.seed << 40) + step)


def _turned(x: Tensor, which: Tensor | None) -> Tensor:
    if which is None:
        return x
    return torch.where(which[:, None, None, None], x.flip(3), x)


def share_of_rate(settings: PretrainingSettings, step: int) -> float:
    """The learning rate at a step, as a share of the first."""
    if settings.cosine:
        return along_cosine(step, settings.steps)
    return 0.1 ** sum(step / settings.steps >= drop for drop in settings.drops)
