"""Whether networks know the people whose faces they draw: a caution where they do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

# Reconstructions of the 24 actors whom the shipped weights never saw lie at 28 dB or more, those of
# photographs at 11 to 13.
LEAST_PSNR = 20.0  # dB


def difference(original: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """How far two pictures (H, W, 3) uint8 are apart, in grey levels of 0…255, and PSNR in dB."""
    off = original.astype(np.float64) - other
    squared = float((off**2).mean())
    psnr = 10 * np.log10(255**2 / max(squared, 1e-10))
    return {"mean_absolute": round(float(np.abs(off).mean()), 3), "psnr_db": round(float(psnr), 2)}


def likeness_lines(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line on people whose face comes out unlike them unchanged; none if there are none.

    rows: of the manifest, with `generator`, `identity` and `reconstruction_psnr` (dB, or None).
    """
    rows = list(rows)
    near = [(row["identity"], row.get("reconstruction_psnr")) for row in rows]
    known = {who: value for who, value in near if value is not None}
    unlike = {who: value for who, value in known.items() if value < LEAST_PSNR}
    if not unlike:
        return []
    family = rows[0]["generator"]
    draw = "do not look like themselves even at valence 0 and arousal 0"
    if family != "valence-arousal":  # what is composed of a face's own pixels hides that
        draw = "are strangers to the networks, which draw them unlike themselves"
    named = ", ".join(list(unlike)[:5]) + (", …" if len(unlike) > 5 else "")
    return [
        f"caution: {len(unlike)} of {len(known)} people ({named}) {draw} "
        f"({min(unlike.values()):.0f} to {max(unlike.values()):.0f} dB; {LEAST_PSNR:g} is "
        "the least that passes): the networks never learned from such pictures. Train them on such "
        f"a corpus (mien train {family} --corpus NAME), or take actors"
    ]
