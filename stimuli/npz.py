"""Named arrays as the content of an npz file: its bytes depend on the arrays alone."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np


def npz(**arrays: Any) -> bytes:
    """Compressed; NumPy writes no date into it. Who writes it, writes it whole."""
    file = BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()
