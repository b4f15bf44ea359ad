"""What networks know by heart: people of a data file that they learned from, beside the others.

    python -m stimuli.context_faces.evaluation.learned DATA WEIGHTS... -o FOLDER [--people 200]

DATA is the file that `mien train context-face` made, WEIGHTS are called as in `pictures`. Writes
three tables into FOLDER and prints a line for each model and part: `nearness.csv`, how near to the
originals the decoder's pictures are; `judged.csv`, what the judge names of people who validate;
`heard.csv`, what is made of voices.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from models.context_face.data import TrainingData, load_data
from models.context_face.latents import face_latents, voice_latents
from models.context_face.network import ContextFace
from models.context_face.strength import mean_changes
from models.weights import WeightsError
from protocols.errors import UserError
from protocols.tables import write_whole
from stimuli.context_faces.evaluation import reconstruction
from stimuli.context_faces.evaluation.judging import Judge
from stimuli.context_faces.evaluation.pictures import named, told
from stimuli.context_faces.evaluation.stacking import stacked
from stimuli.context_faces.poses import EMOTIONS

SHOWN = ("train", "validation")
SEED = 1  # of who is drawn where a part holds more people than are asked for


def full_pictures(data: TrainingData, part: str, people: int) -> np.ndarray:
    """Rows (A, n) of the file: faces at full strength of at most so many people of a part.

    Of each the first n; n is what the person with the fewest has.

    Raises:
        UserError: The part shows nobody at full strength.
    """
    labels = data.of_faces
    full = (labels.m >= 0.999) & ~labels.speaking
    rows = np.intersect1d(labels.where(part), np.flatnonzero(full))
    everybody = np.unique(labels.actor[rows])
    if not len(everybody):
        raise UserError(f"the data file shows nobody of the part '{part}' at full strength")
    who = np.random.default_rng(SEED).permutation(everybody)[:people]
    of_each = [rows[labels.actor[rows] == one] for one in np.sort(who)]
    fewest = min(map(len, of_each))
    return np.stack([own[:fewest] for own in of_each])


def nearness_by_part(network: ContextFace, data: TrainingData, people: int) -> pd.DataFrame:
    """`reconstruction.nearness` of each part, with `part`, `people` and `pictures` of each."""
    frames = []
    for part in SHOWN:
        faces = data.faces[rows := full_pictures(data, part, people)]
        near = reconstruction.nearness(faces, reconstruction.reconstruct(network, faces))
        frames.append(near.assign(part=part, people=len(rows), pictures=rows.shape[1]))
    return pd.concat(frames, ignore_index=True)


def judged_of_validation(
    network: ContextFace, data: TrainingData, judge: Judge, progress: Callable[[int, int], None]
) -> pd.DataFrame:
    """`reconstruction.judged` of the people who validate and are shown in all emotions.

    Raises:
        UserError: The judge has other words than the file, or nobody is shown in all emotions.
    """
    if data.emotions != EMOTIONS:
        raise UserError(f"the judge is asked about {', '.join(EMOTIONS)}; the data show "
                        f"{', '.join(data.emotions)}")  # fmt: skip
    rows = full_pictures(data, "validation", len(data.of_faces))
    shown = np.sort(data.of_faces.emotion[rows], axis=1)
    if shown.shape[1] != len(EMOTIONS) or (shown != np.arange(len(EMOTIONS))).any():
        raise UserError("not everybody who validates is shown in each emotion at full strength")
    order = data.of_faces.emotion[rows].argsort(axis=1)
    faces = data.faces[np.take_along_axis(rows, order, 1)]
    made = reconstruction.reconstruct(network, faces)
    return reconstruction.judged(judge.see(faces), judge.see(made, progress=progress))


@torch.inference_mode()
def heard_by_part(network: ContextFace, data: TrainingData) -> pd.DataFrame:
    """What the speakers' voices make of their own neutral faces, for each emotion and part.

    `heard`: share of the shifted faces in which the head names the voice's emotion; `way` and
    `cosine`: length along, and direction beside, the mean change that people of the part truly
    show, of the mean shift (nan where there is none).
    """
    rows = []
    for part in SHOWN:
        faces = face_latents(data, network.face.encoder, part)
        voices = voice_latents(data, network.context.encoder, part)
        own = {int(faces.actor[row]): int(row) for row in faces.neutral}
        speaking = torch.tensor([int(actor) in own for actor in voices.actor])
        voices = voices.only(torch.nonzero(speaking)[:, 0])
        neutral = torch.tensor([own[int(actor)] for actor in voices.actor], dtype=torch.long)
        offset = network.shift(faces[neutral], voices[torch.arange(len(voices))]).mu  # (N, d)
        said = network.head(faces.mu[neutral] + offset).argmax(1)
        for number, (emotion, true) in enumerate(
            zip(data.emotions, mean_changes(faces), strict=True)
        ):
            of = voices.emotion == number
            right = (said[of] == number).double().mean()
            row = {"part": part, "emotion": emotion, "voices": int(of.sum()), "heard": float(right)}
            rows.append(row | _beside(true, offset[of].mean(0)))
    return pd.DataFrame(rows)


def _check(name: str, network: ContextFace, data: TrainingData) -> None:
    """Refuse a model that does not see the file's pictures, or knows other emotions.

    Raises:
        UserError: What is in the one, and in the other.
    """
    size, emotions = network.settings.face.size, network.settings.emotions
    if (size, emotions) != (data.faces.shape[1], data.emotions):
        raise UserError(
            f"{name}: networks of {size} pixels for {', '.join(emotions)}; the data have "
            f"{data.faces.shape[1]} pixels and show {', '.join(data.emotions)}"
        )


def _beside(true: torch.Tensor | None, mean: torch.Tensor) -> dict[str, float]:
    if true is None:
        return {"way": np.nan, "cosine": np.nan}
    along = float(mean @ true / true.square().sum())
    return {"way": along, "cosine": float(torch.cosine_similarity(mean, true, 0))}


def _lines(name: str, near: pd.DataFrame, judged: pd.DataFrame, heard: pd.DataFrame) -> list[str]:
    lines = []
    for part, of in near.groupby("part", sort=False):
        regions = ", ".join(f"{r.region} {r.psnr:.1f} dB / {r.ssim:.3f}" for r in of.itertuples())
        ears = heard[heard["part"] == part]
        share = (ears["heard"] * ears["voices"]).sum() / ears["voices"].sum()
        lines.append(f"{name}, {part} ({of['people'].iloc[0]} people): {regions}; voices heard as "
                     f"they were meant: {share:.3f}")  # fmt: skip
    kept = judged.iloc[-1]
    return [*lines, f"{name}, validation: the judge keeps {kept.kept:.3f} of its accuracy (95 %: "
            f"{kept.low:.3f} to {kept.high:.3f})"]  # fmt: skip


def main(words: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m stimuli.context_faces.evaluation.learned")
    parser.add_argument("data", type=Path, help="the file that the networks learned from")
    parser.add_argument("weights", nargs="+", help="files of weights, or NAME=FILE")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--people", type=int, default=200, help="most people of a part")
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args(words)
    try:
        if asked.people < 1:
            raise UserError(f"--people: found {asked.people}; accepted: 1 or more")
        models, data, judge = named(asked.weights), load_data(asked.data), Judge(asked.workers)
        near, judged, heard = {}, {}, {}
        for name, network in models.items():
            _check(name, network, data)
            near[name] = nearness_by_part(network, data, asked.people)
            judged[name] = judged_of_validation(network, data, judge, told(name))
            heard[name] = heard_by_part(network, data)
    except (WeightsError, UserError, ValueError) as error:
        sys.exit(str(error))
    asked.out.mkdir(parents=True, exist_ok=True)
    for file, frames in (("nearness", near), ("judged", judged), ("heard", heard)):
        text = stacked(frames, lambda frame: frame).to_csv(index=False, float_format="%.6g")
        write_whole(asked.out / f"{file}.csv", text.encode())
    lines = [line for n in models for line in _lines(n, near[n], judged[n], heard[n])]
    sys.stdout.write("\n".join([*lines, str(asked.out), ""]))


if __name__ == "__main__":
    main()
