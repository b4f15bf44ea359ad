"""Boxes of faces in a picture, by the tiny face detector of face-api.js.

It is a YOLO v2 of six separable layers. The picture is fitted into a square; each of its cells of
32 pixels says for five shapes of boxes (ANCHORS) how sure it is of a face and where its edges lie.
A box is (left, top, right, bottom) in pixels of the picture.

Any one size of the square misses some drawn faces; three together found every face looked at, at a
third of the time of the larger network that the package also has (SSD MobileNet v1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stimuli.faces.layers import convolve, depthwise, fitted, max_pool, sigmoid
from stimuli.faces.weights import Weights, load

MODEL = "tiny_face_detector_model"
MEAN_RGB = np.array([117.001, 114.697, 97.404], np.float32)
ANCHORS = np.array(  # width and height, in cells
    [(1.603231, 2.094468), (6.041143, 7.080126), (2.882459, 3.518061), (4.266906, 5.178857),
     (9.041765, 10.66308)]
)  # fmt: skip
CELL = 32  # pixels of the square
SIDES = (160, 224, 416)  # of the square, pixels


@dataclass(frozen=True)
class Box:
    """Where a face is, in pixels, and how sure the detector is of it (0 to 1)."""

    left: float
    top: float
    right: float
    bottom: float
    score: float

    @property
    def edges(self) -> np.ndarray:
        """(4,) left, top, right, bottom."""
        return np.array([self.left, self.top, self.right, self.bottom])


def boxes(
    pixels: np.ndarray, *, least_score: float, overlap: float = 0.4,
    sides: Sequence[int] | None = None,
) -> list[Box]:  # fmt: skip
    """Boxes of a picture (H, W, 3) uint8, the surest first.

    Boxes less sure than `least_score`, or that share more than `overlap` (intersection over union)
    with a surer one, are left out. sides: of the squares, multiples of 32; default: SIDES.
    """
    named = [_raw(pixels, side) for side in sides or SIDES]
    edges, scores = (np.concatenate(parts) for parts in zip(*named, strict=True))
    height, width = pixels.shape[:2]
    kept: list[Box] = []
    for i in np.argsort(-scores, kind="stable"):
        if scores[i] < least_score:
            break
        if all(_shared(edges[i], box.edges) <= overlap for box in kept):
            kept.append(Box(*map(float, edges[i]), score=float(scores[i])))
    return [box for box in kept if box.right > 0 < box.bottom and box.left < width
            and box.top < height]  # fmt: skip


def _raw(pixels: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Every box the network names in a square of `side`: edges (N, 4) in pixels, scores (N,)."""
    raw = _network((fitted(pixels, side, centred=False) - MEAN_RGB) / 255, load(MODEL))
    n = len(raw)
    raw = raw.reshape(n, n, len(ANCHORS), 5)
    corner = np.stack(np.meshgrid(np.arange(n), np.arange(n)), -1)[:, :, None]  # (n, n, 1, 2) x, y
    centre = corner + sigmoid(raw[..., :2])
    half = np.exp(np.clip(raw[..., 2:4], -10, 10)) * ANCHORS / 2
    scale = CELL * max(pixels.shape[:2]) / side
    edges = np.concatenate([centre - half, centre + half], -1) * scale
    return edges.reshape(-1, 4), sigmoid(raw[..., 4]).ravel()


def _network(x: np.ndarray, w: Weights) -> np.ndarray:
    x = _leaky(convolve(x, w["conv0/filters"], w["conv0/bias"], same=False))
    for layer in range(1, 6):
        x = _separable(max_pool(x), w, f"conv{layer}")
    x = max_pool(x, 2, 1)
    return convolve(x, w["conv8/filters"], w["conv8/bias"])


def _separable(x: np.ndarray, w: Weights, name: str) -> np.ndarray:
    x = depthwise(x, w[f"{name}/depthwise_filter"])
    return _leaky(convolve(x, w[f"{name}/pointwise_filter"], w[f"{name}/bias"]))


def _leaky(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, np.float32(0.1) * x)


def _shared(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes."""
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    common = np.prod(np.maximum(sides, 0))
    return float(common / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - common))
