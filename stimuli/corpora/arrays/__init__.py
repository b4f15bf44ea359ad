"""Arrays that networks train from: aligned faces and sound of a corpus, one memory map each."""

from stimuli.corpora.arrays.make import prepare_arrays
from stimuli.corpora.arrays.settings import ArraySettings

__all__ = ["ArraySettings", "prepare_arrays"]
