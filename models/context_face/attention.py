"""CAN, the context attention network (section 3.2): how far a context shifts a face.

The attention map A (d × d) of a face and a context has rank-one logits, A_ij = softmax_j(q_i k_j).
For a batch it is never stored: rows are made a few at a time, forwards and backwards.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from models.context_face.vae import Latent

ROWS = 16  # of A at a time: N * ROWS * d numbers are in memory


class Offsets(NamedTuple):
    """What a context adds to mean and log-variance of a face, both (N, d)."""

    mu: Tensor
    log_var: Tensor


class _OuterAttention(torch.autograd.Function):
    """o_i = sum_j softmax_j(q_i k_j) v_j (eq. 11 and 12) for q, k, v (N, d)."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        o = torch.cat([_rows(part, k) @ v[:, :, None] for part in q.split(ROWS, 1)], 1)[:, :, 0]
        ctx.save_for_backward(q, k, v, o)
        return o

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v, o = ctx.saved_tensors
        (g,) = gradients
        dq, dk, dv = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        for start in range(0, q.shape[1], ROWS):
            rows = slice(start, start + ROWS)
            a = _rows(q[:, rows], k)  # (N, rows, d)
            dv += (g[:, None, rows] @ a)[:, 0]
            # softmax: dL/dlogit_ij = A_ij g_i (v_j - o_i)
            a *= g[:, rows, None] * (v[:, None, :] - o[:, rows, None])
            dq[:, rows] = (a @ k[:, :, None])[:, :, 0]
            dk += (q[:, None, rows] @ a)[:, 0]
        return dq, dk, dv


def _rows(q: Tensor, k: Tensor) -> Tensor:
    """Rows of A: q (N, rows), k (N, d) to (N, rows, d)."""
    return torch.softmax(q[:, :, None] * k[:, None, :], dim=-1)


def outer_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Offsets (N, d) of eq. 11 and 12 for q, k, v (N, d), without the d × d maps."""
    return _OuterAttention.apply(q, k, v)  # pyright: ignore[reportReturnType]


class Attention(nn.Module):
    """One of CAN's two halves (eq. 8–12): q from the context, k and v from the face.

    As the paper and unlike Vaswani 2017, logits are not divided by sqrt(d).
    """

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.query = nn.Linear(latent, latent)
        self.key = nn.Linear(latent, latent)
        self.value = nn.Linear(latent, latent)

    def forward(self, context: Tensor, face: Tensor) -> Tensor:
        """Offset o (N, d) of faces (N, d) in contexts (N, d)."""
        return outer_attention(self.query(context), self.key(face), self.value(face))


class ContextAttention(nn.Module):
    """CAN: offsets of mean and of log-variance, each by an attention of its own."""

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.of_mu = Attention(latent)
        self.of_log_var = Attention(latent)

    def forward(self, context: Latent, face: Latent) -> Offsets:
        """What N contexts do to N faces."""
        return Offsets(
            self.of_mu(context.mu, face.mu), self.of_log_var(context.log_var, face.log_var)
        )


def shifted(face: Latent, offsets: Offsets, m: float = 1.0) -> Latent:
    """Eq. 14: mu_S = m o + mu; the variance likewise, in log scale."""
    return Latent(face.mu + m * offsets.mu, face.log_var + m * offsets.log_var)


def at_levels(mu: Tensor, offset: Tensor, levels: Tensor) -> Tensor:
    """Every face at every level of its context: mu, offset (N, d), levels (L,); (N, L, d)."""
    return mu[:, None, :] + levels[None, :, None] * offset[:, None, :]
