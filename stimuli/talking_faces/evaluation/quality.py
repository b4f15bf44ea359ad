"""How near a video is to the real one: PSNR and SSIM of whole crop, mouth and brows; flicker.

Videos are (T, S, S, 3) uint8 of the same frames. The first frame is left out: it is what a video
is made from.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from models.context_face.quality import WINDOW, ssim_map
from stimuli.context_faces.evaluation.reconstruction import REGIONS, tensor

STILL = 1.0  # grey levels: most that a pixel of a still region changes between frames (RMS)
LEAST_STILL = 0.05  # share of a crop that must be still
SEEN = 2.0  # grey levels: a pixel that changes so much between frames is counted as seen to (RMS)


def nearness(real: np.ndarray, made: np.ndarray) -> dict[str, dict[str, float]]:
    """Region -> `psnr` (dB, of the mean squared difference over all frames), `ssim` (mean)."""
    x, y = tensor(real[1:]), tensor(made[1:])
    squares = (x - y) ** 2
    alike = F.pad(ssim_map(x, y), 4 * [WINDOW // 2], value=torch.nan)
    found = {}
    for name, region in REGIONS.items():
        error = float(region.within(squares).double().mean())
        found[name] = {
            "psnr": float("inf") if error == 0 else -10 * float(np.log10(error)),
            "ssim": float(region.within(alike).nanmean()),
        }
    return found


def repeated(picture: np.ndarray, frames: int) -> np.ndarray:
    """The simplest video: a picture (S, S, 3), T times."""
    return np.broadcast_to(picture, (frames, *picture.shape))


def still_region(real: np.ndarray) -> np.ndarray:
    """Where (S, S) the real video hardly changes: STILL grey levels from frame to frame, RMS."""
    return _change(real) <= STILL**2


def flicker(real: np.ndarray, made: np.ndarray) -> dict[str, float]:
    """Energy of the difference between successive frames in the real video's still region.

    Grey levels squared, mean over pixels, channels and frames: `real`, `made`; `still`: share of
    the crop that is still; `seen`: share of its pixels that change by SEEN or more in the
    generated video. NaN where hardly anything is still.
    """
    still = still_region(real)
    if still.mean() < LEAST_STILL:
        nothing = float("nan")
        return {"real": nothing, "made": nothing, "seen": nothing, "still": float(still.mean())}
    of_real, of_made = _change(real)[still], _change(made)[still]
    return {"real": float(of_real.mean()), "made": float(of_made.mean()),
            "seen": float((of_made >= SEEN**2).mean()), "still": float(still.mean())}  # fmt: skip


def _change(video: np.ndarray) -> np.ndarray:
    """Mean square (S, S) of what changes between successive frames."""
    steps = np.diff(video.astype(np.float32), axis=0)
    return (steps**2).mean((0, 3))
