"""Whether networks know the people whose faces they draw: a caution where they do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# Reconstructions of the 24 actors whom the shipped weights never saw lie at 28 dB or more, those of
# photographs at 11 to 13.
LEAST_PSNR = 20.0  # dB


def likeness_lines(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line on people whose neutral face comes out unlike them; none if there are none.

    rows: of the manifest, with `identity` and `reconstruction_psnr` (dB, or None).
    """
    near = {row["identity"]: row.get("reconstruction_psnr") for row in rows}
    known = {who: value for who, value in near.items() if value is not None}
    unlike = {who: value for who, value in known.items() if value < LEAST_PSNR}
    if not unlike:
        return []
    named = ", ".join(list(unlike)[:5]) + (", …" if len(unlike) > 5 else "")
    return [
        f"caution: {len(unlike)} of {len(known)} people ({named}) do not look like themselves even "
        f"at m = 0 ({min(unlike.values()):.0f} to {max(unlike.values()):.0f} dB; {LEAST_PSNR:g} is "
        "the least that passes): the networks never learned from such pictures. Train them on such "
        "a corpus (mien train context-face --corpus NAME), or take actors"
    ]
