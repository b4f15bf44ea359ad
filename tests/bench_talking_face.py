"""Speed of talking faces beside a straightforward decoder; part of `make bench`.

python -m tests.bench_talking_face

The straightforward way does what the published code of Eskimez 2021 does: for each emotion it
encodes picture, voice and noise again, and at every frame convolves the picture's maps, which never
change, together with what moves. Both ways encode the frames as a video, too, and are measured
alternately in one run; ratios are medians of the repeats. Weights are untrained: speed does not
depend on them.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from rich.console import Console
from torch import Tensor

from models.layers import SLOPE
from models.talking_face.network import TalkingFace, drawn_by_frame, joined_with
from models.talking_face.settings import PAPER, SHIPPED, TalkingFaceSettings
from stimuli.actors.cast import actor
from stimuli.actors.clip import clip
from stimuli.actors.portrait import Studio
from stimuli.video import write_video
from tests.memory import largest_mb, largest_mb_of

SECONDS = 2.0  # of the voice: about a sentence
REPEATS = 3
SHORT, LONG = 10, 600  # seconds whose memory is compared
console = Console(highlight=False, soft_wrap=True)


def main() -> None:
    """Print frames a second of both ways, the actor renderer's, and the memory of a long sound."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # time of the processor, which the load of the machine does not change
    try:
        for name, settings in (("paper", PAPER), ("shipped", SHIPPED)):
            compare(name, settings)
        rendered()
    finally:
        torch.set_num_threads(before)
    memory()


def compare(name: str, settings: TalkingFaceSettings) -> None:
    """Six videos of one face and one voice: straightforward, and as `speak` makes them."""
    torch.manual_seed(1)
    network = TalkingFace(settings).eval()
    sound = torch.rand(round(SECONDS * settings.speech.rate)) - 0.5
    picture = torch.rand(3, settings.size, settings.size) * 2 - 1
    emotions = torch.eye(len(settings.emotions))
    ways = {
        "straightforward": lambda: straightforward(network, picture, sound, emotions),
        "float32": lambda: spoken(network, picture, sound, emotions, "float32"),
        "bfloat16": lambda: spoken(network, picture, sound, emotions, "bfloat16"),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    coding: dict[str, list[float]] = {way: [] for way in ways}
    made = {way: run() for way, run in ways.items()}  # once before, not counted
    for _ in range(REPEATS):
        for way, run in ways.items():
            start = time.process_time()
            videos = run()
            drawn = time.process_time()
            encode(videos)
            seconds[way].append(drawn - start)
            coding[way].append(time.process_time() - drawn)
    frames = made["float32"].shape[0] * made["float32"].shape[1]
    console.print(f"  {name} size, one thread, {frames} frames of six emotions:")
    for way, drawn in seconds.items():
        whole = [d + c for d, c in zip(drawn, coding[way], strict=True)]
        console.print(
            f"    {way:15} {frames / statistics.median(drawn):6.1f} frames/s, with encoding "
            f"{frames / statistics.median(whole):6.1f}; {ratio(seconds['straightforward'], drawn)}"
        )
    far = {way: float((made[way] - made["straightforward"])[:, 1:].abs().mean()) for way in ways}
    console.print(
        f"    differs from the straightforward way: float32 {127.5 * far['float32']:.2g}, bfloat16 "
        f"{127.5 * far['bfloat16']:.2g} grey levels on average"
    )


def ratio(theirs: list[float], mine: list[float]) -> str:
    found = [a / b for a, b in zip(theirs, mine, strict=True)]
    return f"{statistics.median(found):.2f} × ({min(found):.2f} to {max(found):.2f})"


@torch.inference_mode()
def straightforward(
    network: TalkingFace, picture: Tensor, sound: Tensor, emotions: Tensor
) -> Tensor:
    """Videos (E, T, 3, S, S), everything anew for each emotion."""
    settings, decoder = network.settings, network.decoder
    weights = [torch.cat([one.moving.weight, one.still.weight], 1) for one in decoder.layers]
    made = []
    for emotion in emotions:
        portrait = network.picture(picture[None])
        heard = network.speech(sound[None])
        generator = torch.Generator().manual_seed(1)
        numbers = drawn_by_frame(heard.shape[1], settings.noise, generator)
        drawn = network.noise(numbers[None])[0]
        felt = network.emotion(emotion[None])
        x = joined_with(heard, portrait.embedding, drawn, felt).flatten(0, 1)
        x = F.leaky_relu(decoder.second(F.leaky_relu(decoder.first(x), SLOPE)), SLOPE)
        x = x.unflatten(1, decoder.start)
        layers = list(zip(decoder.layers, weights, reversed(portrait.skips), strict=True))
        for number, (layer, weight, skip) in enumerate(layers):
            both = torch.cat([x, skip.expand(len(x), -1, -1, -1)], 1)
            x = F.leaky_relu(F.conv2d(both, weight, layer.still.bias, padding=1), SLOPE)
            if decoder.composed is None or number + 1 < len(layers):
                x = F.interpolate(x, scale_factor=2)
        planes = decoder.picture(x)
        if decoder.composed is None:
            made.append(planes.tanh())
        else:
            shuffled = F.pixel_shuffle(planes, 2)
            made.append(decoder.composed(shuffled[None], picture[None])[0])
    return torch.stack(made)


def spoken(
    network: TalkingFace, picture: Tensor, sound: Tensor, emotions: Tensor, precision: str
) -> Tensor:
    """The same as `speak` makes them."""
    generator = torch.Generator().manual_seed(1)
    return torch.cat(list(network.speak(picture, sound, emotions, generator, precision)), 1)


def encode(videos: Tensor) -> None:
    """Each video (T, 3, S, S) as a film on disk."""
    with tempfile.TemporaryDirectory() as folder:
        for number, video in enumerate(videos):
            write_video(Path(folder) / f"{number}.mp4", pixels(video))


def pixels(video: Tensor) -> Iterable[np.ndarray]:
    return ((video + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()


def rendered() -> None:
    """Frames a second of the actor renderer, the other way to the same stimuli."""
    person, rng = actor("07"), np.random.default_rng(1)
    weights = 0.3 * rng.random((25, 52), np.float32)
    for size in (128, 256):
        with tempfile.TemporaryDirectory() as cache:
            studio = Studio(size=size, cache_dir=Path(cache))
            list(clip(person, weights[:2], studio, workers=1))
            start = time.process_time()
            count = len(list(clip(person, weights, studio, workers=1)))
            took = time.process_time() - start
        console.print(f"  actor renderer, {size} pixels, one thread: {count / took:.1f} frames/s")


def memory() -> None:
    """Largest memory of a process that makes and encodes one video of a short and a long sound."""
    found = {s: largest_mb_of("tests.bench_talking_face", s) for s in (SHORT, LONG)}
    console.print(
        f"  memory of one video, shipped size: {found[SHORT]} MB for {SHORT} s, {found[LONG]} MB "
        f"for {LONG} s of sound"
    )


def one_video(seconds: int) -> None:
    """Make a video of so many seconds, encoded as it is made; print the process' largest memory."""
    torch.set_num_threads(1)
    network = TalkingFace(SHIPPED).eval()
    sound = torch.rand(seconds * SHIPPED.speech.rate) - 0.5
    frames = (
        frame
        for piece in network.speak(
            torch.rand(3, SHIPPED.size, SHIPPED.size), sound, torch.eye(6)[:1],
            torch.Generator().manual_seed(1),
        )
        for frame in pixels(piece[0])
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        write_video(Path(folder) / "video.mp4", frames)
    sys.stdout.write(str(largest_mb()))


if __name__ == "__main__":
    one_video(int(sys.argv[1])) if len(sys.argv) > 1 else main()
