"""From a data file to the judge of emotions that `mien evaluate talking-face` asks.

    python -m models.talking_face.judging DATA -o FOLDER [--steps 1000]

It learns from the real clips of training people alone; how many clips of test people it names right
is written beside its weights. Minutes on one processor; goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

from models.talking_face.data import ClipData, load_data
from models.talking_face.judge import (
    EmotionJudge,
    JudgeSettings,
    Judging,
    JudgingSettings,
    learnable,
    save_judge,
)
from models.training import Progress, RunSettings, TrainingError, claim, told, train

WEIGHTS = "judge.safetensors"
TOGETHER = 16  # clips that are looked at at once


def learn_judge(
    data: ClipData,
    folder: Path,
    learning: JudgingSettings | None = None,
    run: RunSettings | None = None,
    progress: Progress | None = None,
) -> Path:
    """Train the judge on the training part of a data file; returns the file of its weights.

    Raises:
        TrainingError: Something else is trained in the folder, or the machine lacks what is asked.
    """
    learning = learning or JudgingSettings()
    settings = JudgeSettings(emotions=data.emotions)
    rows = shown_in(data, "train")
    claim(folder, {"data": data.facts["sha256"], "settings": repr(settings), "by": repr(learning)})
    emotion = torch.from_numpy(data.clips.emotion[rows].astype(np.int64))
    task = Judging(emotion, lambda some: data.videos(rows[some]), settings, learning)
    train(task, folder, run or RunSettings("32-true", accelerator="cpu"), progress)
    judge = task.judge.cpu().eval()
    people = len(np.unique(data.clips.first[rows]))
    save_judge(
        folder / WEIGHTS, judge, licence=data.facts.get("licence", "unknown"),
        data_sha256=data.facts["sha256"],
        learned_from=f"{len(rows)} real clips of {people} synthetic training people",
        test_accuracy=f"{accuracy(judge, data, shown_in(data, 'test')):.4f}",
    )  # fmt: skip
    return folder / WEIGHTS


def shown_in(data: ClipData, part: str) -> np.ndarray:
    """Clips of a part that show their emotion."""
    rows = data.clips.where(part)
    return rows[learnable(data.clips.emotion[rows], data.clips.m[rows], data.emotions)]


def accuracy(judge: EmotionJudge, data: ClipData, rows: np.ndarray) -> float:
    """Share of clips that are named right; NaN of none."""
    hits = []
    for first in range(0, len(rows), TOGETHER):
        some = rows[first : first + TOGETHER]
        said = judge.named(data.videos(some) * 2 - 1).argmax(1).numpy()
        hits += (said == data.clips.emotion[some]).tolist()
    return float(np.mean(hits)) if hits else float("nan")


def main(words: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m models.talking_face.judging")
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=JudgingSettings().steps)
    asked = parser.parse_args(words)
    try:
        path = learn_judge(
            load_data(asked.data),
            asked.out,
            JudgingSettings(steps=asked.steps),
            progress=told("judge"),
        )
    except (TrainingError, ValueError) as error:
        sys.exit(str(error))
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
