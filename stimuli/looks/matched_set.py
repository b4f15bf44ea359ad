"""A set whose pictures are matched to each other: its target, and what the pictures reached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from protocols.looks import Look
from protocols.manifest import write_json
from protocols.protocol import Protocol
from stimuli.generators import make_generator
from stimuli.looks.look import dress, measure
from stimuli.looks.match import Target, target_of
from stimuli.looks.pictures import Plain, Stage, make_pictures
from stimuli.looks.recipe import control_of
from stimuli.media import Rendered
from stimuli.stimulus import Stimulus

SET = "set.json"  # beside the originals: the target
TOLERATED = 0.5  # grey levels from the target, which nobody sees
MUCH_CUT = 0.02  # share of a picture's pixels


def of_set(look: Look | None) -> bool:
    """Whether the look needs two passes."""
    return look is not None and look.match.of_set


def set_target(look: Look, sidecars: Iterable[dict[str, Any]]) -> Target:
    """The target of a set from the sidecars of its main originals, whatever their order."""
    return target_of(look.match, [sidecar["measured"] for sidecar in sidecars])


def write_set(folder: Path, look: Look, target: Target, pictures: int) -> None:
    """Write what the set is brought to beside its originals, for people and for methods."""
    content = {"pictures": pictures, "match": look.match.model_dump(mode="json"),
               "target": asdict(target)}  # fmt: skip
    write_json(folder / SET, content)


def reached_lines(look: Look | None, stage: Stage, rows: Sequence[dict[str, Any]]) -> list[str]:
    """What a matched set reached, and which pictures missed it; nothing without matching."""
    if look is None or look.match.what == "none":
        return []
    target = stage.target or target_of(look.match, [])
    said = [f"inside the mask: {_spread('mean', rows)}, {_spread('sd', rows)} grey levels"]
    missed = {r["stimulus_id"]: target.missed_by(r["luminance_mean"], r["luminance_sd"])
              for r in rows}  # fmt: skip
    worst = max(missed, key=lambda name: missed[name])
    if missed[worst] > TOLERATED:
        count = sum(off > TOLERATED for off in missed.values())
        said.append(
            f"{count} of {len(rows)} pictures miss the target by more than {TOLERATED:g} grey "
            f"levels ({worst} by {missed[worst]:.1f}), because pixels would be darker than black "
            "or brighter than white; ask for a smaller match.sd, or a mean nearer to 128"
        )
    cut = max(rows, key=lambda row: row["luminance_clipped"])
    if cut["luminance_clipped"] > MUCH_CUT:
        said.append(
            f"{cut['stimulus_id']}: {100 * cut['luminance_clipped']:.1f} % of its pixels were cut "
            "to black or white; look at it, or ask for a smaller match.sd"
        )
    return said


def _spread(name: str, rows: Sequence[dict[str, Any]]) -> str:
    values = [row[f"luminance_{name}"] for row in rows]
    word = {"mean": "mean", "sd": "SD"}[name]
    return f"{word} {min(values):.2f} to {max(values):.2f}"


def small_set(
    protocol: Protocol, stimuli: Sequence[Stimulus], cache: Path | None
) -> Iterator[Rendered]:
    """Pictures of a few stimuli, kept in memory; a set that is matched is these alone.

    Clips are strips of three frames.
    """
    look = protocol.stimuli.dressed
    if protocol.stimuli.films:
        films: Any = make_generator(protocol, cache)
        yield from films.strips(stimuli)
        return
    if look is None or not look.match.of_set:
        yield from make_pictures(protocol, cache).render(stimuli)
        return
    drawn = list(Plain(make_generator(protocol, cache), protocol.seed).render(stimuli))
    controls = [control_of(stimulus) for stimulus in stimuli]
    measures = [measure(d, look, c) for d, c in zip(drawn, controls, strict=True)]
    target = target_of(look.match, measures)
    for picture, control in zip(drawn, controls, strict=True):
        yield dress(picture, look, control, target)
