"""The reversible graph of REGNN (Xu et al. 2023): 25 attributes as nodes, time as their features.

B windows; x is (B, 25, frames); edges are (B, 25, channels, 25), from a node in
several channels to the others, none of them below 0.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from models.reaction.settings import RegnnSettings

LEAST = 1e-6  # sum that weights are divided by
ROUNDING = 8 * torch.finfo(torch.float32).eps  # a step so short may be nothing but rounding
CONTRACTION = 0.9  # most that a layer's residual part changes for a change of 1 of its input


class GraphLayer(nn.Module):
    """Y = x + g(x), where g is attention between nodes along given edges, and a contraction.

    x (B, nodes, D). g(x) = A s / L: s = sigmoid(relu(x)), A the attention of s times the edges,
    rows normalised, averaged over the edges' channels. The published L is |1 + 2 Wq Wk' / √D| + 5;
    where that is less than what makes g a contraction by CONTRACTION, L is the latter (`_bound`),
    so that the inverse exists whatever was learned.
    """

    def __init__(self, features: int, channels: int) -> None:
        super().__init__()
        self.features = features
        self.both = nn.Linear(features, 2 * features)  # queries and keys
        self.channels = nn.Parameter(torch.zeros(channels))  # log weight of each

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        """Y of x (B, nodes, D) and edges (B, nodes, channels, nodes)."""
        return x + self.residual(x, edges, self.lipschitz()[0])

    def residual(self, x: Tensor, edges: Tensor, most: Tensor) -> Tensor:
        """The contraction g, (B, nodes, D); most: L."""
        return self._residual(x, *_kept(edges), most)

    def _residual(self, x: Tensor, edges: Tensor, there: Tensor, most: Tensor) -> Tensor:
        """G of what `_kept` made of edges."""
        s = x.relu().sigmoid()
        queries, keys = self.both(s).chunk(2, -1)
        logits = queries @ keys.transpose(1, 2) / math.sqrt(self.features)
        # nodes without an edge fall out of every row anyway: left in, they may be all that it sees
        seen = logits.masked_fill(~there, -torch.inf).softmax(-1)
        rows = (edges * seen[:, :, None]).sum(-1)  # (B, nodes, channels)
        shares = self.channels.softmax(0) / rows
        mixed = seen * (shares[..., None] * edges).sum(2)  # (B, nodes, nodes)
        return mixed @ s / most

    def inverse(self, y: Tensor, edges: Tensor, settings: RegnnSettings) -> Tensor:
        """The x with forward(x) = y, to within `tolerance`: the fixed point of x = y - g(x).

        Where gradients are asked for, the number of steps follows from L and the bound alone; they
        pass through the last `unrolled` ones: what is left out shrinks by the contraction with
        each. Elsewhere every window stops at its own step, so that none depends on others.
        """
        most, contraction = self.lipschitz()
        steps = self.steps(float(most), float(contraction), settings.tolerance)
        if not torch.is_grad_enabled():
            near = settings.tolerance * (1 / float(contraction) - 1)
            return self._settled(y, edges, most, steps, max(near, ROUNDING))
        if settings.learning is not None:
            steps = min(steps, settings.learning)
        kept, x = _kept(edges), y
        for step in range(steps):
            with torch.set_grad_enabled(step >= steps - settings.unrolled):
                x = y - self._residual(x, *kept, most)
        return x

    def _settled(
        self, y: Tensor, edges: Tensor, most: Tensor, steps: int, near: float
    ) -> Tensor:  # fmt: skip
        """The fixed point of each window, after `steps` steps or the first that is `near` short.

        By Banach x is then at most `tolerance` away: near / (1 / contraction - 1), by the largest
        norm of a node. The bound is far from reached: windows stop after a tenth of the steps.
        """
        found, at = y.clone(), torch.arange(len(y), device=y.device)
        x, kept = y, _kept(edges)
        for _ in range(steps):
            before, x = x, y - self._residual(x, *kept, most)
            found[at] = x
            moving = (x - before).norm(dim=2).amax(1) > near
            if not moving.any():
                break
            if not moving.all():
                at, x, y, kept = at[moving], x[moving], y[moving], [of[moving] for of in kept]
        return found

    def steps(self, most: float, contraction: float, tolerance: float) -> int:
        """Steps to the fixed point (Banach): the first one is √D / L long at most."""
        first = math.sqrt(self.features) / most / (1 - contraction)
        return max(1, math.ceil(math.log(tolerance / first) / math.log(contraction)))

    @torch.no_grad()
    def lipschitz(self) -> tuple[Tensor, Tensor]:
        """L, and the most that g changes for a change of 1 (by the largest norm of a node)."""
        query, key = self.both.weight.double().chunk(2)
        own = torch.eye(self.features, dtype=query.dtype, device=query.device)
        published = _norm(own + 2 * query @ key.T / math.sqrt(self.features)) + 5
        bound = self._bound()
        most = torch.maximum(published, bound / CONTRACTION)
        return most.to(self.both.weight.dtype), bound / most

    def _bound(self) -> Tensor:
        """The most that g times L changes for a change of 1, by the largest norm of a node.

        Every number of s lies in [½, 1] and changes by a quarter of what its input does. (a) The
        mean of the s over a row of A changes by ¼ at most. (b) The weights of a row change with the
        logits q·k / √D: by Cauchy-Schwarz the mean then moves by sd(change of logits) * sd(s), both
        under the row's weights, and sd(s) <= ¼ √D. With G = Wk' Wq, a logit changes through its
        query by a part whose sd is |G| ¼ * ¼ √D / √D, and through its key by at most
        (|G| √D + |Wk' bq|) ¼ / √D.
        """
        query, key = self.both.weight.double().chunk(2)
        assert self.both.bias is not None
        bias = self.both.bias.double()[: self.features]
        root, g = math.sqrt(self.features), _norm(key.T @ query)
        through_query = g / 16
        through_key = (g * root + (key.T @ bias).norm()) / (4 * root)
        return 0.25 + (through_query + through_key) * root / 4


class Motor(nn.Module):
    """The motor processor: reversible graph layers, one after the other."""

    def __init__(self, settings: RegnnSettings) -> None:
        super().__init__()
        self.settings = settings
        self.layers = nn.ModuleList(
            GraphLayer(settings.frames, settings.channels) for _ in range(settings.motor_layers)
        )

    def forward(self, windows: Tensor, edges: Tensor) -> Tensor:
        """True reactions (B, 25, frames) where Z is, shaped the same."""
        for layer in self.layers:
            windows = layer(windows, edges)
        return windows

    def inverse(self, windows: Tensor, edges: Tensor) -> Tensor:
        """Reactions (B, 25, frames) of samples of Z (B, 25, frames)."""
        for layer in reversed(self.layers):
            assert isinstance(layer, GraphLayer)
            windows = layer.inverse(windows, edges, self.settings)
        return windows


class Edges(nn.Module):
    """Edges between the 25 attributes, in several channels, from a predicted reaction."""

    def __init__(self, settings: RegnnSettings) -> None:
        super().__init__()
        width, self.channels = settings.frames, settings.channels
        self.neighbours = settings.neighbours
        self.before = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.both = nn.Linear(width, 2 * width * settings.channels, bias=False)

    def forward(self, windows: Tensor) -> Tensor:
        """Edges (B, 25, channels, 25) of windows (B, 25, frames).

        A node keeps the edges to its nearest neighbours, by the sum over channels, and to itself;
        then rows and columns are normalised. (In the published code every row keeps the neighbours
        of all rows.)
        """
        split = self.both(self.before(windows)).unflatten(2, (2, self.channels, -1))
        queries, keys = split.permute(2, 0, 3, 1, 4)  # (B, channels, 25, frames) each
        seen = (queries @ keys.transpose(2, 3) / math.sqrt(windows.shape[2])).softmax(-1)
        kept = torch.eye(windows.shape[1], device=windows.device).expand(len(windows), -1, -1)
        nearest = seen.detach().sum(1).topk(self.neighbours, -1).indices  # (B, 25, neighbours)
        kept = kept.scatter(2, nearest, 1.0)
        rows = seen * kept[:, None]
        rows = rows / rows.sum(-1, keepdim=True).clamp_min(LEAST)
        columns = rows / rows.sum(-2, keepdim=True).clamp_min(LEAST)
        return (rows @ columns.transpose(2, 3)).transpose(1, 2).contiguous()


def _kept(edges: Tensor) -> tuple[Tensor, Tensor]:
    """Edges (B, nodes, channels, nodes) whose rows sum to LEAST or more, and where one is."""
    there = (edges > 0).any(2)
    return edges + LEAST * there[:, :, None], there


def _norm(matrix: Tensor) -> Tensor:
    return torch.linalg.matrix_norm(matrix, 2)
