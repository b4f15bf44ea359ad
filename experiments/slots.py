"""Which place of the plan the next participant takes.

A slot is *held* by an active participant whose lease runs, or by one who finished and is valid.
Everybody else (expired, withdrawn, excluded) leaves the slot free for the next. The next place is
on the list with the fewest holders, so that lists stay balanced over *valid* participants.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

LEASE_S = 45 * 60  # seconds without a sign of life after which a place is given away


def next_slot(lists: Mapping[int, int], held: Iterable[int], per_list: int) -> int | None:
    """The slot for the next participant, or None if every list is full.

    Args:
        lists: slot -> list, the whole plan.
        held: slot of each holder; two may hold one slot (a late finisher and who came after).
        per_list: participants wanted on each list.

    Returns:
        The lowest free slot of the list with the fewest holders; among equals, the lowest slot.
    """
    held = list(held)
    filled = Counter(lists[slot] for slot in held)
    free: dict[int, int] = {}  # list -> its lowest free slot
    for slot in sorted(set(lists) - set(held)):
        free.setdefault(lists[slot], slot)
    candidates = [(filled[number], slot) for number, slot in free.items()
                  if filled[number] < per_list]  # fmt: skip
    return min(candidates)[1] if candidates else None
