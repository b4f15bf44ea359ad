"""Whether shifted faces show what their contexts were meant to carry: a caution where not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

NAMED = 8  # most that a caution names


def likeliest(shares: Mapping[str, float]) -> str | None:
    """The emotion that a network or judge finds likeliest; None where it says none."""
    return max(shares, key=lambda word: shares[word], default=None)


def perceived_lines(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line on contexts that the networks hear as another emotion; none if there are none.

    A voice does not always sound as it was meant; then the face shows what was heard. Below m = 1
    a face may still look neutral, so only the rest counts; each context of a person once.

    rows: of the manifest, with `identity`, `perceived` (a word, or None), the factor `emotion`
    and, where it is one, `m`.
    """
    meant = {
        (row["identity"], row["emotion"]): row["perceived"]
        for row in rows
        if row.get("perceived") and "emotion" in row and float(row.get("m", 1)) >= 1
    }
    other = [f"{who} {word}: {said}" for (who, word), said in meant.items() if said != word]
    if not other:
        return []
    named = ", ".join(other[:NAMED]) + (", …" if len(other) > NAMED else "")
    return [
        f"caution: of {len(meant)} contexts the networks hear {len(other)} as another emotion than "
        f"was meant, and shift the face to that ({named}; column perceived). Look at these faces; "
        "take another sentence or other speakers, or leave these people out"
    ]
