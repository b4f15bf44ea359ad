"""The paper's baseline: what VGG-16 sees in the frames of talking clips, made once and kept.

Without a graphics card it takes some seconds a clip, so that each clip is kept as it is done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from models.context_face.clips import FRAMES, at_regular_intervals, look_with_vgg16
from models.vgg import Vgg16
from protocols.manifest import hash_file
from protocols.prepared import PreparedCorpus
from stimuli.context_faces.evaluation.talking import Talking
from stimuli.trained import threads

Progress = Callable[[int, int], None]


def with_baseline(
    talking: Talking,
    folder: Path,
    network: Vgg16,
    file: Path,
    out: Path,
    cores: int,
    progress: Progress,
) -> Talking:
    """The same clips, seen by a network as well, of which `file` holds the weights.

    What it sees is kept in `out`, in half precision: 0.26 MB a clip.
    """
    corpus = PreparedCorpus.open(folder)
    names = talking.table["clip"].tolist()
    weights = hash_file(file)
    about = json.dumps([weights, corpus.record.fingerprint, names])
    path = out / f"vgg16-{hashlib.sha256(about.encode()).hexdigest()[:12]}.npy"
    seen = _kept(path, (len(names), 2, FRAMES, network.HIDDEN))
    network.to("cuda" if torch.cuda.is_available() else "cpu")
    for i, name in enumerate(names):
        if np.isnan(seen[i]).any():  # not looked at yet, or interrupted while it was written
            faces = corpus.faces_of(name)
            chosen = np.asarray(faces[at_regular_intervals(len(faces))])
            with threads(cores):
                seen[i] = look_with_vgg16(network, chosen).numpy()
            seen.flush()
        progress(i + 1, len(names))
    baseline = talking.clips.seen_by_another(torch.from_numpy(np.asarray(seen)))
    return replace(talking, baseline=baseline, key=f"{talking.key} {weights}")


def _kept(path: Path, shape: tuple[int, ...]) -> np.memmap:
    """An array on disk, NaN where nothing has been written."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        empty = np.lib.format.open_memmap(new, mode="w+", dtype=np.float16, shape=shape)
        empty[:] = np.nan
        empty.flush()
        new.replace(path)
    return np.lib.format.open_memmap(path, mode="r+")
