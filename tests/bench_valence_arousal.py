"""Speed of faces edited by valence and arousal, beside 49 copies encoded; part of `make bench`.

python -m tests.bench_valence_arousal

The published code of Lindt 2019 tiles a picture 49 times and encodes every copy; the same networks
are measured both ways, alternately in one run; ratios are medians of the repeats. Memory is that of
a process that edits many faces, each to a few labels, one after the other. Weights are untrained:
speed and memory do not depend on them.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from rich.console import Console

from models.valence_arousal.network import Editor
from models.valence_arousal.settings import PAPER, SHIPPED
from stimuli.actors import plane
from stimuli.actors.cast import actor
from stimuli.actors.portrait import Studio
from stimuli.context_faces.faces import DRAWN, cropped
from stimuli.corpora.arrays.settings import ArraySettings
from stimuli.valence_arousal.evaluation.places import GRID
from stimuli.valence_arousal.evaluation.speed_part import COPIES, ONCE, measure, ratios
from tests.memory import largest_mb, largest_mb_of

FEW, MANY = 100, 10_000  # faces whose memory is compared
LABELS = torch.tensor([[0.5, 0.5], [-0.5, -0.5]])  # of each
console = Console(highlight=False, soft_wrap=True)


def main() -> None:
    """Print pictures a second of both ways and of the actor renderer, and memory."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # time of the processor, which the load of the machine does not change
    try:
        for name, settings in (("paper", PAPER), ("shipped", SHIPPED)):
            torch.manual_seed(1)
            found = measure(Editor(settings).eval())
            console.print(f"  {name} size ({settings.size} pixels), one thread, {len(GRID)} labels "
                          "of one face:")  # fmt: skip
            for way in (COPIES, ONCE):
                rate = len(GRID) / statistics.median(found["seconds"][way])
                console.print(f"    {way:18} {rate:6.1f} pictures/s")
            times, low, high = ratios(found)
            console.print(
                f"    encoded once: {times:.2f} × ({low:.2f} to {high:.2f}); largest difference "
                f"{found['difference']:.2g} grey levels"
            )
        rendered()
    finally:
        torch.set_num_threads(before)
    memory()


def rendered() -> None:
    """Pictures a second of the actor renderer, the other way to the same stimuli."""
    person, places = actor("07"), GRID[::7]
    with tempfile.TemporaryDirectory() as cache:
        studio = Studio(size=DRAWN, supersample=2, cache_dir=Path(cache))
        cropped(person, plane.at(0, 0), studio, ArraySettings())
        start = time.process_time()
        for place in places:
            cropped(person, plane.at(*place), studio, ArraySettings())
        took = time.process_time() - start
    console.print(f"  actor renderer, one thread: {len(places) / took:.1f} pictures/s")


def memory() -> None:
    """Largest memory of a process that edits few and many faces."""
    found = {faces: largest_mb_of("tests.bench_valence_arousal", faces) for faces in (FEW, MANY)}
    console.print(
        f"  memory, shipped size, {len(LABELS)} labels of each face: {found[FEW]} MB for {FEW:,}, "
        f"{found[MANY]} MB for {MANY:,} faces"
    )


def edit_faces(count: int) -> None:
    """Edit so many faces one after the other; print the process' largest memory."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    network = Editor(SHIPPED).eval()
    generator = torch.Generator().manual_seed(2)
    for _ in range(count):
        picture = torch.rand(3, SHIPPED.size, SHIPPED.size, generator=generator) * 2 - 1
        made = network.edit(picture, LABELS, together=len(LABELS))
        ((made + 1) * 127.5).round().byte()
    sys.stdout.write(str(largest_mb()))


if __name__ == "__main__":
    edit_faces(int(sys.argv[1])) if len(sys.argv) > 1 else main()
