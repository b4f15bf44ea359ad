"""How fast 49 labels of one face are made, beside a way that encodes 49 copies of it.

The published code of Lindt et al. tiles the given picture 49 times and encodes all copies. Both
ways are measured in turn, on one thread, in time of the processor; what was measured is kept.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from models.valence_arousal.network import Editor
from protocols.tables import write_whole
from stimuli.context_faces.evaluation.part import Part, Table
from stimuli.trained import one_thread
from stimuli.valence_arousal.evaluation.places import GRID

FILE = "speed.json"
REPEATS = 5
ONCE, COPIES = "encoded once", "49 copies encoded"


def speed_part(network: Editor, folder: Path) -> Part:
    """Pictures a second of both ways, measured unless `folder` has it."""
    found = measured(network, folder)
    rows = [
        {"way": way, "pictures a second": len(GRID) / statistics.median(seconds),
         "least": len(GRID) / max(seconds), "most": len(GRID) / min(seconds)}
        for way, seconds in found["seconds"].items()
    ]  # fmt: skip
    times, low, high = ratios(found)
    return Part(
        "Speed",
        [Table(
            "speed", "49 labels of one face on one thread of a processor, time of the processor",
            pd.DataFrame(rows), 1,
            f"Encoding once: {times:.2f} times as fast (median of {REPEATS} repeats, {low:.2f} to "
            f"{high:.2f}). Largest difference between both ways' pictures: "
            f"{found['difference']:.2g} grey levels.",
        )],
        [f"49 labels of one face: {rows[0]['pictures a second']:.0f} pictures a second on one "
         f"thread, {times:.2f} times as fast as encoding 49 copies"],
    )  # fmt: skip


def ratios(found: dict[str, Any]) -> tuple[float, float, float]:
    """How many times as fast encoding once is: median, least and most of the repeats."""
    of = found["seconds"]
    each = [theirs / ours for ours, theirs in zip(of[ONCE], of[COPIES], strict=True)]
    return statistics.median(each), min(each), max(each)


def measured(network: Editor, folder: Path) -> dict[str, Any]:
    """Seconds of each way, and how far their pictures differ; from the file if it is there."""
    path = folder / FILE
    if not path.is_file():
        with one_thread():  # time of the processor, which the machine's load does not change
            found = measure(network)
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, (json.dumps(found, indent=1) + "\n").encode())
    return json.loads(path.read_text(encoding="utf-8"))


def measure(network: Editor) -> dict[str, Any]:
    """Both ways by turns; each has run once before."""
    size, labels = network.settings.size, torch.from_numpy(GRID).float()
    picture = torch.rand(3, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1
    ways: dict[str, Callable[[], Tensor]] = {
        ONCE: lambda: network.edit(picture, labels),
        COPIES: lambda: of_copies(network, picture, labels),
    }
    made = {way: run() for way, run in ways.items()}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(REPEATS):
        for way, run in ways.items():
            start = time.process_time()
            run()
            seconds[way].append(time.process_time() - start)
    difference = float((made[ONCE] - made[COPIES]).abs().max()) * 127.5
    return {"seconds": seconds, "difference": difference}


@torch.inference_mode()
def of_copies(network: Editor, picture: Tensor, labels: Tensor) -> Tensor:
    """The same pictures (L, 3, S, S), the face encoded once for each label."""
    faces = network.encode(picture.expand(len(labels), -1, -1, -1))
    return network.decode(faces, labels[:, None])[:, 0]
