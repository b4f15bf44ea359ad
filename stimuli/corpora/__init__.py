"""Corpora: whom they can show, and their clips as one table; they stay where they are kept."""

from stimuli.corpora.identities import SIZES, UNNAMED, Identity, identities_of

__all__ = ["SIZES", "UNNAMED", "Identity", "identities_of"]
