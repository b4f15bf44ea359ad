"""Speed of the measures of listener reactions and of ten reactions; part of `make bench`.

python -m tests.bench_reaction

The measures stand beside the direct way of `tests/reaction_direct.py`, which goes through pairs of
curves as the published evaluation does (its warping compiled, as there), on clips of 30 seconds
with ten listeners' reactions and ten other listeners' as truths. Ten reactions of a model stand
beside ten runs that each encode the speaker again. Time of the processor, one thread, both ways by
turns in one run; weights are untrained: speed does not depend on them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console

from models.reaction.inference import react, seeds_of
from models.reaction.learn import RECIPES
from models.reaction.metrics import corrected, react2024
from models.reaction.metrics.tables import measure
from models.reaction.stored import make_model
from models.reaction.voice import voice_features
from stimuli.actors.cast import actor
from stimuli.reactions.listeners import listen
from stimuli.reactions.speakers import speak
from stimuli.reactions.styles import style_of
from tests import reaction_direct as direct

ACTORS = ("29", "30")
SECONDS, SAMPLES, REPEATS = 30.0, 10, 3
console = Console(highlight=False, soft_wrap=True)


def main() -> None:
    """Print both ratios."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # time of the processor, which the machine's load does not change
    try:
        said = [speak(actor(name), SECONDS, 1) for name in ACTORS]
        metrics(said)
        reactions(said[0])
    finally:
        torch.set_num_threads(before)


def metrics(said: list) -> None:
    """All six measures of both versions, beside the direct way to the same numbers."""
    speaker = np.stack([one.face for one in said])
    listeners = np.stack([[listen(one, style_of(k), k) for k in range(2 * SAMPLES)]
                          for one in said])  # fmt: skip
    generated, truths = listeners[:, :SAMPLES], list(listeners[:, SAMPLES:])

    def ours() -> list[float]:
        tables = measure(generated, truths, speaker)
        return [*react2024.scores(tables), corrected.frsyn(tables)]

    def directly() -> list[float]:
        made, true = generated.astype(float), [of.astype(float) for of in truths]
        seen = speaker.astype(float)
        return [
            direct.frcorr(made, true), direct.frdist(made, true), direct.frdiv(made),
            direct.frvar(made), direct.frdvs(made), direct.frsyn(made, seen), np.nan,
        ]  # fmt: skip

    def every_lag() -> list[float]:
        return [direct.lag_of_varying(made, seen)
                for samples, seen in zip(generated, speaker, strict=True)
                for made in samples]  # fmt: skip

    found, expected, lags = ours(), directly(), every_lag()
    expected[-1] = float(np.mean(np.abs(lags)))
    apart = np.max(np.abs(np.array(found) / expected - 1))
    quick, slow = timed(ours, lambda: (directly(), every_lag()))
    console.print(
        f"  measures, {len(said)} clips of {SECONDS:g} s, {SAMPLES} samples and truths each: "
        f"{statistics.median(quick):.2f} s, directly {statistics.median(slow):.2f} s: "
        f"{ratio(quick, slow)}; largest relative difference {apart:.1g}"
    )


def reactions(said) -> None:
    """Ten reactions with the speaker encoded once, and ten times."""
    face = torch.from_numpy(said.face)[None].float()
    voice = voice_features(torch.from_numpy(said.samples).float(), said.rate, said.frames)[None]
    seeds = seeds_of(1, 1, SAMPLES)
    for name, recipe in RECIPES["shipped"].items():
        model = make_model("emc", recipe.learned, recipe.emc).eval()

        def once(model=model) -> torch.Tensor:
            return react(model, face, voice, SAMPLES, seeds).attributes[0]

        def again(model=model) -> torch.Tensor:
            return torch.cat([react(model, face, voice, 1, [[s]]).attributes[0] for s in seeds[0]])

        apart = float((once() - again()).abs().max())
        quick, slow = timed(once, again)
        console.print(
            f"  {name} with EMC, ten reactions to {SECONDS:g} s: {statistics.median(quick):.2f} s, "
            f"speaker encoded ten times {statistics.median(slow):.2f} s: {ratio(quick, slow)}; "
            f"largest difference {apart:.1g}"
        )


def timed(*ways: Callable[[], object]) -> list[list[float]]:
    """Seconds of each way, by turns."""
    seconds: list[list[float]] = [[] for _ in ways]
    for _ in range(REPEATS):
        for way, of in zip(ways, seconds, strict=True):
            start = time.process_time()
            way()
            of.append(time.process_time() - start)
    return seconds


def ratio(quick: list[float], slow: list[float]) -> str:
    """How many times as fast: median, least and most of the repeats."""
    each = [theirs / ours for ours, theirs in zip(quick, slow, strict=True)]
    return f"{statistics.median(each):.1f} × ({min(each):.1f} to {max(each):.1f})"


if __name__ == "__main__":
    main()
