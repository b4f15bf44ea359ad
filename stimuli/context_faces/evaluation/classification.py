"""Every fold of the cross validation, each kept as it is done; the predictions of all together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models.context_face.ablations import Ablation, FittingSettings
from models.context_face.evaluation import FoldResult, evaluate_fold
from models.context_face.folds import Fold, draw_folds
from protocols.manifest import write_json
from protocols.tables import write_whole
from stimuli.context_faces.evaluation.talking import Talking

VERSION = 2  # changes whenever the same fold would be judged otherwise
PEOPLE_SHOWN, POINTS = 3, 700  # of figure 5; the paper shows three people
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Classified:
    """What the classifiers said.

    Attributes:
        predictions: one row per tested clip: clip, actor, gender, emotion, fold (from 1), and the
            class that each ablation gave it, under its name.
        training: one row per fold and ablation: steps, validation (share right).
        latents: name of a panel of figure 5 -> (N, d); `emotion`, `person` -> (N,) numbers.
        people_shown: whose latents these are.
    """

    predictions: pd.DataFrame
    training: pd.DataFrame
    latents: dict[str, np.ndarray]
    people_shown: list[str]

    @property
    def ablations(self) -> list[Ablation]:
        """Which classifiers there are, in their order."""
        return [ablation for ablation in Ablation if str(ablation) in self.predictions]


def classify(
    talking: Talking, settings: FittingSettings, k: int, folder: Path, progress: Progress
) -> Classified:
    """Train and test every fold that is not in `folder` yet."""
    gender = dict(zip(talking.clips.actor.tolist(), talking.table["gender"], strict=True))
    folds = draw_folds(gender, k, np.random.default_rng(settings.seed))
    ablations = len(Ablation) - (talking.baseline is None)
    total = len(folds) * ablations
    known = {"version": VERSION, "key": talking.key, "settings": asdict(settings)}
    rows, said = [], []
    for i, fold in enumerate(folds):
        about = {**known, "test": fold.test, "validation": fold.validation}
        key = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
        path = folder / f"fold-{i + 1:02d}.json"
        stored = _stored(path, key)
        if stored is None:
            done = iter(range(i * ablations + 1, total + 1))
            result = evaluate_fold(
                talking.clips, fold, settings, lambda done=done: progress(next(done), total),
                talking.baseline,
            )  # fmt: skip
            if i == 0:
                write_whole(_latents_file(folder), _latents(talking, fold, result))
            stored = _told(talking, fold, result) | {"key": key}
            write_json(path, stored)
        progress((i + 1) * ablations, total)
        rows.append(pd.DataFrame(stored["clips"]).assign(fold=i + 1))
        said.append(pd.DataFrame(stored["training"]).assign(fold=i + 1))
    with np.load(_latents_file(folder), allow_pickle=False) as file:
        latents = dict(file)
    people = [talking.people[n] for n in folds[0].test[:PEOPLE_SHOWN]]
    table = talking.table.merge(pd.concat(rows), on="clip", validate="one_to_one")
    return Classified(table, pd.concat(said, ignore_index=True), latents, people)


def _stored(path: Path, key: str) -> dict[str, Any] | None:
    """What an earlier run said of the same fold, if it was the same in all respects."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    same = content.get("key") == key and _latents_file(path.parent).is_file()
    return content if same else None


def _told(talking: Talking, fold: Fold, result: FoldResult) -> dict[str, Any]:
    tested = np.isin(talking.clips.actor.numpy(), fold.test)
    words = np.array(talking.emotions)
    clips = {"clip": talking.table.loc[tested, "clip"].tolist()}
    ran = [ablation for ablation in Ablation if ablation in result.predicted]
    for ablation in ran:
        clips[str(ablation)] = words[result.predicted[ablation].numpy()].tolist()
    training = {
        "ablation": [str(a) for a in ran],
        "steps": [result.steps[a] for a in ran],
        "validation": [result.validation[a] for a in ran],
    }
    people = {"train": fold.train, "validation": fold.validation, "test": fold.test}
    named = {part: [talking.people[n] for n in numbers] for part, numbers in people.items()}
    return {"people": named, "clips": clips, "training": training}


def _latents_file(folder: Path) -> Path:
    return folder / "latents-shown.npz"


def _latents(talking: Talking, fold: Fold, result: FoldResult) -> bytes:
    """Means of the first tested people, unseen by the networks that shift them (figure 5)."""
    tested = talking.clips.of(fold.test)
    shown = np.isin(tested.actor.numpy(), fold.test[:PEOPLE_SHOWN])
    every = max(1, -(-int(shown.sum()) * tested.frames // POINTS))
    panels = {
        "face": tested.face.mu,
        "face_twice": result.means[Ablation.CAN_FACE],
        "context": result.means[Ablation.CAN_SWAP],
    }
    arrays = {name: mu.numpy()[shown, ::every] for name, mu in panels.items()}
    frames = arrays["face"].shape[1]
    emotion = np.repeat(tested.emotion.numpy()[shown], frames)
    person = np.repeat(tested.actor.numpy()[shown], frames)
    flat = {name: a.reshape(len(emotion), -1) for name, a in arrays.items()}
    file = BytesIO()
    np.savez(file, emotion=emotion, person=person, **flat)
    return file.getvalue()
