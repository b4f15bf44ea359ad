"""Speed of context-shifted faces beside a plain loop; part of `make bench`.

python -m tests.bench_context_face

The plain loop does what the published code of Blume 2024 does: for each face, context and m it
encodes face and voice again, shifts, and decodes one picture. Everything is measured alternately in
one run; ratios are medians of the repeats. Weights are untrained, for speed does not depend on
them, but batch norms have the statistics of random pictures, so that pictures are not empty.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from models.context_face.network import ContextFace
from models.context_face.settings import PAPER, SHIPPED, ContextFaceSettings
from models.context_face.vae import Latent
from models.folding import FixedConv
from stimuli.media import encode_png

LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
FACES, CONTEXTS = 4, 2  # happy and angry, as in experiment 2
STUDY = 24  # its faces: whether writing keeps up is asked of a whole set
REPEATS = 3
BATCH = 16
Seconds = Callable[[], float]
console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Material:
    """Faces (N, 3, S, S) and spectrograms (C, 1, S, S), and the pictures that are wanted of all."""

    faces: Tensor
    voices: Tensor

    @staticmethod
    def random(settings: ContextFaceSettings, device: torch.device, faces: int = FACES) -> Material:
        generator = torch.Generator().manual_seed(1)
        size = settings.face.size
        return Material(
            torch.rand(faces, 3, size, size, generator=generator).to(device),
            torch.rand(CONTEXTS, 1, size, size, generator=generator).to(device),
        )

    @property
    def pictures(self) -> int:
        return len(self.faces) * len(self.voices) * len(LEVELS)


def main() -> None:
    """Print speeds on the processor, of pictures on their way to disk, and on a graphics card."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    cores = os.cpu_count() or 1
    console.print(f"context faces on {cores} cores (machine load {load:.1f} at the start):")
    before = torch.get_num_threads()
    try:
        for threads in sorted({1, cores}):
            torch.set_num_threads(threads)
            for name, settings in (("paper", PAPER), ("shipped", SHIPPED)):
                compare(name, settings, threads)
        torch.set_num_threads(1)
        to_disk(SHIPPED, cores)
    finally:
        torch.set_num_threads(before)
    on_graphics_card()


def compare(name: str, settings: ContextFaceSettings, threads: int) -> None:
    """Series of faces in contexts: plain loop, float32, bfloat16."""
    network = untrained(settings)
    material = Material.random(settings, torch.device("cpu"))
    # one face is enough of the plain loop: it does the same for each
    few = Material(material.faces[:1], material.voices)
    # one thread: time of the processor, which the load of the machine does not change
    clock = time.process_time if threads == 1 else time.perf_counter
    ways = {
        "plain float32": lambda: plain(network, few),
        "plain bfloat16": lambda: plain(network, few, autocast=True),
        "float32": lambda: quick(network, material, "float32"),
        "bfloat16": lambda: quick(network, material, "bfloat16"),
    }
    counts = {way: (few if way.startswith("plain") else material).pictures for way in ways}
    seconds = alternately(ways, clock)
    rates = {way: [counts[way] / s for s in seconds[way]] for way in ways}
    console.print(f"  {name} size, {threads} thread{'s' if threads > 1 else ''}:")
    for way, found in rates.items():
        ratios = [mine / theirs for mine, theirs in zip(found, rates["plain float32"], strict=True)]
        console.print(
            f"    {way:15} {statistics.median(found):6.1f} pictures/s, "
            f"{statistics.median(ratios):5.2f} × the plain loop ({min(ratios):.2f} to "
            f"{max(ratios):.2f})"
        )
    console.print(f"    differs from the plain loop: {difference(network, few)}")


def untrained(settings: ContextFaceSettings) -> ContextFace:
    """Networks whose batch norms have seen random pictures."""
    network, material = ContextFace(settings), Material.random(settings, torch.device("cpu"))
    for part in network.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.momentum = None  # statistics: the mean of all batches, here of one
    with torch.no_grad():
        network.train().face(material.faces)
        network.context(material.voices)
    return network.eval()


def alternately(ways: dict[str, Callable[[], object]], clock: Seconds) -> dict[str, list[float]]:
    """Seconds of each way, REPEATS times, in turn; each has run once before."""
    for run in ways.values():
        run()
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(REPEATS):
        for way, run in ways.items():
            start = clock()
            run()
            seconds[way].append(clock() - start)
    return seconds


@torch.inference_mode()
def plain(network: ContextFace, material: Material, autocast: bool = False) -> Tensor:
    """Every picture on its own: (N C L, 3, S, S)."""
    made = []
    kind = material.faces.device.type
    with torch.autocast(kind, dtype=torch.bfloat16, enabled=autocast):
        for face in material.faces:
            for voice in material.voices:
                for m in LEVELS:
                    seen = network.face.encoder(face[None])
                    heard = network.context.encoder(voice[None])
                    offset = network.shift(seen, heard).mu
                    z = seen.mu + m * offset
                    drawn = network.face.decoder(z).clamp(0, 1)
                    if network.composer is not None:
                        rest = network.face.decoder(seen.mu).clamp(0, 1)
                        drawn = network.composer(face[None], rest, drawn, z - seen.mu).clamp(0, 1)
                    made.append(drawn)
    return torch.cat(made)


def quick(network: ContextFace, material: Material, precision: str) -> Tensor:
    """The same as `ContextFace.series` makes them."""
    voices = network.encode_contexts(material.voices, BATCH, precision)
    return in_voices(network, material.faces, voices, precision)


def in_voices(network: ContextFace, faces: Tensor, voice: Latent, precision: str) -> Tensor:
    """Series of every face in every voice that was encoded: (N C L, 3, S, S)."""
    face = network.encode_faces(faces, BATCH, precision)
    pairs = [(i, j) for i in range(len(face.mu)) for j in range(len(voice.mu))]
    i, j = (torch.tensor(column) for column in zip(*pairs, strict=True))
    return network.series(
        Latent(face.mu[i], face.log_var[i]), Latent(voice.mu[j], voice.log_var[j]),
        LEVELS, BATCH, precision, faces[i],
    ).flatten(0, 1)  # fmt: skip


def difference(network: ContextFace, material: Material) -> str:
    """Between pictures of the plain loop and ours, in grey levels of 255.

    Untrained networks amplify what bfloat16 rounds off; trained ones differ by 0.3 on average.
    """
    wanted = plain(network, material)
    exact, short = (
        255 * (quick(network, material, precision) - wanted).abs()
        for precision in ("float32", "bfloat16")
    )
    return (
        f"float32 {float(exact.max()):.1g} grey levels at most, bfloat16 {float(short.mean()):.1f} "
        "on average"
    )


# --- to disk ------------------------------------------------------------------------------------


def to_disk(settings: ContextFaceSettings, cores: int) -> None:
    """Networks on one thread with PNGs encoded beside them on the others; PNGs alone."""
    network = untrained(settings)
    material = Material.random(settings, torch.device("cpu"), STUDY)
    smooth = [face_like(seed, settings.face.size) for seed in range(material.pictures)]
    others = max(1, cores - 1)

    def encoded(threads: int, pictures: Iterable[np.ndarray]) -> None:
        with ThreadPoolExecutor(threads) as pool:
            for one in [pool.submit(encode_png, picture, "note") for picture in pictures]:
                one.result()

    def beside(precision: str) -> Iterator[np.ndarray]:
        for picture, _ in zip(smooth, made(network, material, precision), strict=True):
            yield picture

    ways = {
        f"PNG alone, {others} thread{'s' if others > 1 else ''}": lambda: encoded(others, smooth),
        f"PNG alone, {cores} threads": lambda: encoded(cores, smooth),
        "float32 + PNG": lambda: encoded(others, beside("float32")),
        "bfloat16 + PNG": lambda: encoded(others, beside("bfloat16")),
    }
    console.print(f"  pictures into PNG, shipped size, networks on one of {cores} threads:")
    for clock, what in ((time.perf_counter, "wall clock"), (time.process_time, "processor time")):
        seconds = alternately(ways, clock)
        first, second, *_ = seconds
        for way, found in seconds.items():
            shares = [
                statistics.median(own / s for own, s in zip(seconds[alone], found, strict=True))
                for alone in (first, second)
            ]
            console.print(
                f"    {way:22} {len(smooth) / statistics.median(found):6.0f} pictures a second of "
                f"{what}; {shares[0]:.0%} of {first}, {shares[1]:.0%} of {second}"
            )


def made(network: ContextFace, material: Material, precision: str) -> Iterator[np.ndarray]:
    """Pixels (S, S, 3) of every picture, face by face; voices are encoded once."""
    voices = network.encode_contexts(material.voices, BATCH, precision)
    for face in material.faces:
        for picture in in_voices(network, face[None], voices, precision):
            yield as_pixels(picture)


def as_pixels(picture: Tensor) -> np.ndarray:
    return (picture * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def face_like(seed: int, size: int) -> np.ndarray:
    """A smooth picture with a little noise: what untrained networks draw, PNG packs otherwise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    waves = rng.uniform(2, 9, (3, 4))
    shade = np.stack([np.sin(a * x + b) * np.cos(c * y + d) for a, b, c, d in waves], -1)
    return np.clip(128 + 90 * shade + rng.normal(0, 1.5, shade.shape), 0, 255).astype(np.uint8)


# --- graphics card ------------------------------------------------------------------------------


def on_graphics_card() -> None:
    """Series on a CUDA device, and which share of their time cuDNN needs for the same convs."""
    if not torch.cuda.is_available():
        console.print("  no CUDA device here: the share of cuDNN's speed was not measured")
        return
    device = torch.device("cuda")
    torch.backends.cudnn.benchmark = True
    console.print(f"  {torch.cuda.get_device_name()}:")
    for name, settings in (("paper", PAPER), ("shipped", SHIPPED)):
        network = untrained(settings).to(device)
        for precision in ("float32", "bfloat16"):
            rate, share = of_cudnn(network, precision, device)
            console.print(
                f"    {name} size, {precision}: {rate:.0f} pictures/s, {share:.0%} of what cuDNN "
                "reaches on the same convolutions alone"
            )


def of_cudnn(
    network: ContextFace, precision: str, device: torch.device, batch: int = 256
) -> tuple[float, float]:
    """Pictures a second of a decoder, and the share of its time that its convolutions need."""
    z = torch.randn(batch, network.settings.face.latent, device=device)
    whole = median_s(lambda: network.decode(z, batch, precision))
    alone = 0.0
    for conv, x in convolutions(network, z, precision):
        alone += median_s(partial(conv, x))
    return batch / whole, alone / whole


@torch.inference_mode()
def convolutions(network: ContextFace, z: Tensor, precision: str) -> list[tuple[FixedConv, Tensor]]:
    """Every convolution of the decoder and what it is given for latents z."""
    decoder = network.quick.of(network.face.decoder, precision)
    seen: list[tuple[FixedConv, Tensor]] = []
    hooks = [
        part.register_forward_pre_hook(lambda conv, given: seen.append((conv, given[0])))
        for part in decoder.modules() if isinstance(part, FixedConv)
    ]  # fmt: skip
    decoder(z)
    for hook in hooks:
        hook.remove()
    return seen


@torch.inference_mode()
def median_s(run: Callable[[], object], repeats: int = 10) -> float:
    """Seconds of the device, after three runs that are not counted."""
    for _ in range(3):
        run()
    found = []
    for _ in range(repeats):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()  # pyright: ignore[reportCallIssue]
        run()
        end.record()  # pyright: ignore[reportCallIssue]
        torch.cuda.synchronize()
        found.append(start.elapsed_time(end) / 1000)
    return statistics.median(found)


if __name__ == "__main__":
    main()
