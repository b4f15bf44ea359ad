"""FRN and CRN for use, not for training: the same results up to rounding, in less time.

From networks whose training is over (batch norms with fixed statistics) follow, exactly:

- A batch norm is folded into the convolution before it.
- A doubling (nearest neighbour) and conv 3 × 3 after it are one conv 2 × 2 at the small size that
  makes the four pixels of each quad: 16 products a quad instead of 36. What comes after the
  doubling by 1 × 1 is made before it: a quarter of the products.
- The last conv 5 × 5 to three colours is one conv 6 × 6 of stride 2 that makes quads: processors
  and graphics cards compute 16 or more channels at a time, and three of them leave most idle.

Linear layers, which take next to no time, are computed in float64: so a picture does not depend on
how many others are made beside it.
"""

from __future__ import annotations

from copy import deepcopy
from itertools import chain
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.context_face.composer import Composer, composed, seen
from models.context_face.vae import Decoder, Encoder, Latent
from models.folding import FixedConv, after_doubling, joined
from models.layers import SLOPE, Places, ResidualBlock

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Quick:
    """Parts of a network as they are used; made when first asked for, and again if they change."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, str], tuple[_State, nn.Module]] = {}

    def of(self, part: nn.Module, precision: str = "float32") -> nn.Module:
        """`part` itself while it is trained, else its fast form in a precision of PRECISIONS.

        Of what is none of encoder, decoder and composer: a copy in float64.

        Raises:
            ValueError: Another precision.
        """
        if precision not in PRECISIONS:
            raise ValueError(f"precision '{precision}'; accepted: {', '.join(PRECISIONS)}")
        if part.training:
            return part
        now, key = _State.of(part), (id(part), precision)
        state, fast = self._made.get(key, (None, part))
        if state is None or not state.same_as(now):
            with torch.inference_mode(False), torch.no_grad():
                fast = _fast(part, PRECISIONS[precision])
            self._made[key] = now, fast
        return fast


class _State(NamedTuple):
    """Tensors of a network, and how often each was changed in place."""

    tensors: list[Tensor]  # held, so that no other takes their place in memory
    marks: list[tuple[int, int]]

    @staticmethod
    def of(part: nn.Module) -> _State:
        tensors = list(chain(part.parameters(), part.buffers()))
        return _State(tensors, [(t.data_ptr(), t._version) for t in tensors])

    def same_as(self, other: _State) -> bool:
        same = len(self.tensors) == len(other.tensors)
        return (
            same
            and self.marks == other.marks
            and all(
                mine is theirs for mine, theirs in zip(self.tensors, other.tensors, strict=True)
            )
        )


def _fast(part: nn.Module, precision: torch.dtype) -> nn.Module:
    if isinstance(part, Encoder):
        made = FastEncoder(part)
    elif isinstance(part, Decoder):
        made = FastDecoder(part)
    elif isinstance(part, Composer):
        made = FastComposer(part)
    else:
        return deepcopy(part).to(_exact(part))
    for inner in made.modules():
        if isinstance(inner, FixedConv):
            inner.to(precision, memory_format=torch.channels_last)
        elif isinstance(inner, _Placed):
            inner.to(precision)
    return made.eval()


def _exact(part: nn.Module) -> torch.dtype:
    """float64 where the device knows it."""
    device = next(part.parameters()).device
    return torch.float32 if device.type == "mps" else torch.float64


class FastEncoder(nn.Module):
    """What an `Encoder` in eval mode gives, for the same input."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        conv, norm, _, self.pool = encoder.stem
        assert isinstance(conv, nn.Conv2d)
        self.stem = _folded(conv, norm)
        self.blocks = nn.Sequential(
            *(_Block(part, False) if isinstance(part, ResidualBlock) else part
              for part in encoder.blocks)
        )  # fmt: skip
        self.out = _Linear(encoder.mu, encoder.log_var)

    def forward(self, x: Tensor) -> Latent:
        """Mean and log-variance, (N, d) each, in float32."""
        x = x.to(self.stem.weight.dtype, memory_format=torch.channels_last)
        x = self.pool(F.leaky_relu_(self.stem(x), SLOPE))
        return Latent(*self.out(self.blocks(x).flatten(1)).float().chunk(2, dim=1))


class FastDecoder(nn.Module):
    """What a `Decoder` in eval mode gives, for the same input."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.start = decoder.start
        self.grow = _Linear(decoder.grow)
        blocks, doubled = [], False
        for part in decoder.blocks:
            if isinstance(part, ResidualBlock):
                blocks.append(_Block(part, doubled))
            doubled = isinstance(part, nn.Upsample)
        self.blocks = nn.Sequential(*blocks[:-1], _placed(decoder.places), blocks[-1])
        if isinstance(decoder.picture, nn.Conv2d):
            last = decoder.picture
            assert last.bias is not None
            bias = last.bias.repeat_interleave(4)
            self.picture = FixedConv(_as_quads(last.weight), bias, stride=2, padding=2)
        else:
            last, _ = decoder.picture  # pyright: ignore[reportGeneralTypeIssues]
            self.picture = FixedConv(last.weight, last.bias, padding=2)

    def forward(self, z: Tensor) -> Tensor:
        """Pictures (N, channels, size, size) of latents (N, d), in float32."""
        x = F.relu_(self.grow(z)).unflatten(1, self.start)
        x = self.blocks(x.to(self.picture.weight.dtype, memory_format=torch.channels_last))
        return F.pixel_shuffle(self.picture(x).float(), 2)


class FastComposer(nn.Module):
    """What a `Composer` gives, for the same input."""

    trust: Tensor

    def __init__(self, composer: Composer) -> None:
        super().__init__()
        self.settings, self.window = composer.settings, composer.window
        self.register_buffer("trust", composer.trust.detach().exp())
        self.felt = _Linear(composer.felt)
        self.first, self.halve, self.again, self.deep, self.deeper, self.between, self.planes = (
            FixedConv(conv.weight, conv.bias, conv.stride, conv.padding)
            for conv in (
                composer.first, composer.halve, composer.again, composer.deep, composer.deeper,
                composer.between, composer.planes,
            )
        )  # fmt: skip
        self.grow, self.grow_again = (
            after_doubling(conv.weight, conv.bias) for conv in (composer.grow, composer.grow_again)
        )
        self.places = _placed(composer.places)

    def forward(self, given: Tensor, rest: Tensor, drawn: Tensor, shift: Tensor) -> Tensor:
        """Frames near [0, 1] of pictures (N, 3, S, S); shift (N, d): z_m - z_0."""
        if len(given) == 1:  # convolutions of a single picture may round otherwise
            two = (torch.cat([x, x]) for x in (given, rest, drawn, shift))
            return self(*two)[:1]
        kind = self.first.weight.dtype
        x = seen(*(self.window.cut(pictures) for pictures in (given, rest, drawn)))
        x = x.to(kind, memory_format=torch.channels_last)
        large = F.leaky_relu_(self.first(x), SLOPE)
        middle = F.leaky_relu_(self.halve(large), SLOPE)
        felt = self.felt(shift).to(kind)[:, :, None, None]
        small = F.leaky_relu_(self.again(middle).add_(felt), SLOPE)
        small = self.deeper(F.leaky_relu_(self.deep(small), SLOPE)).add_(small)
        middle = F.leaky_relu_(joined(self.grow(small)).add_(middle), SLOPE)
        middle = F.leaky_relu_(self.between(middle), SLOPE)
        large = F.leaky_relu_(joined(self.grow_again(middle)).add_(large), SLOPE)
        planes = self.planes(self.places(large)).float()
        return composed(planes, given, rest, drawn, self.trust, self.settings, self.window)


class _Linear(nn.Module):
    """Linear layers side by side, in float64."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, *layers: nn.Linear) -> None:
        super().__init__()
        exact = _exact(layers[0])
        biases = [one.bias.detach() for one in layers if one.bias is not None]
        self.register_buffer("weight", torch.cat([one.weight.detach() for one in layers]).to(exact))
        self.register_buffer("bias", torch.cat(biases).to(exact) if biases else None)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x.to(self.weight.dtype), self.weight, self.bias)


class _Placed(nn.Module):
    """`Places`, in the maps that it is given."""

    gain: Tensor
    shift: Tensor

    def __init__(self, places: Places) -> None:
        super().__init__()
        self.register_buffer("gain", 1 + places.gain.detach())
        self.register_buffer("shift", places.shift.detach().clone())
        height, width = places.gain.shape[1:]
        self.rows = slice(places.top, places.top + height)
        self.columns = slice(places.left, places.left + width)

    def forward(self, x: Tensor) -> Tensor:
        x[:, :, self.rows, self.columns].mul_(self.gain).add_(self.shift)
        return x


def _placed(places: nn.Module) -> nn.Module:
    return _Placed(places) if isinstance(places, Places) else nn.Identity()


class _Block(nn.Module):
    """A `ResidualBlock`; doubled: with the doubling that stands before it."""

    def __init__(self, block: ResidualBlock, doubled: bool) -> None:
        super().__init__()
        self.doubled = doubled
        self.first = _folded(block.first, block.first_norm)
        if doubled:
            assert self.first.bias is not None
            self.first = after_doubling(self.first.weight, self.first.bias)
        self.second = _folded(block.second, block.second_norm)
        widens = isinstance(block.widen, nn.Conv2d)
        # dilation means nothing to 1 × 1, but a CPU then computes batches of every size alike
        self.widen = FixedConv(block.widen.weight, None, dilation=2) if widens else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        beside = self.widen(x)
        inner = F.leaky_relu_(self.first(x), SLOPE)
        if not self.doubled:
            return F.leaky_relu_(self.second(inner).add_(beside), SLOPE)
        inner = self.second(joined(inner))
        quads = inner.unflatten(3, (-1, 2)).unflatten(2, (-1, 2))  # (N, C, h, 2, w, 2), a view
        quads.add_(beside[:, :, :, None, :, None])
        return F.leaky_relu_(inner, SLOPE)


def _folded(conv: nn.Conv2d, norm: nn.Module) -> FixedConv:
    """conv, then norm with its fixed statistics, as one convolution."""
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    gain = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    return FixedConv(
        conv.weight * gain[:, None, None, None], norm.bias - norm.running_mean * gain,
        conv.stride, conv.padding,
    )  # fmt: skip


def _as_quads(weight: Tensor) -> Tensor:
    """Conv 5 × 5 (out, in, 5, 5) as conv 6 × 6 of stride 2 (4 out, in, 6, 6) for pixel_shuffle."""
    out, inside = weight.shape[:2]
    quads = weight.new_zeros(out, 4, inside, 6, 6)
    for number in range(4):
        lower, right = divmod(number, 2)
        quads[:, number, :, lower : lower + 5, right : right + 5] = weight
    return quads.flatten(0, 1)
