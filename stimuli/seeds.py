"""One seed per stimulus, from the protocol's seed and the stimulus's id alone.

Adding a cell, an identity or a participant therefore reshuffles nothing that was there before.
"""

from __future__ import annotations

import hashlib

import numpy as np

BITS = 63  # fits a signed 64-bit integer, as tables and databases have them


def seed_of(seed: int, key: str) -> int:
    """The seed, 0…2^63 - 1, that belongs to `key` under the protocol's `seed`."""
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - BITS)


def generator_of(seed: int, key: str) -> np.random.Generator:
    """A random generator that belongs to `key` under the protocol's `seed`."""
    return np.random.default_rng(seed_of(seed, key))
