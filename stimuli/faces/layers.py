"""Layers of convolutional networks in numpy, for one picture at a time.

A feature map is (H, W, C) float32. Filters are (k, k, C, D), or (k, k, C, 1) where each channel has
its own. Padding is TensorFlow's: `same` gives ceil(n / stride) outputs and pads the end one more
than the beginning where the sum is odd.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

Map = np.ndarray  # (H, W, C) float32


def convolve(
    x: Map, filters: np.ndarray, bias: np.ndarray, stride: int = 1, *, same: bool = True
) -> Map:
    """Convolution with `filters` (k, k, C, D) plus bias (D,), as one matrix product."""
    k, _, channels, out = filters.shape
    if k == 1 and stride == 1:
        return x @ filters[0, 0] + bias
    x = _padded(x, k, stride) if same else x
    height, width = ((n - k) // stride + 1 for n in x.shape[:2])
    columns = np.empty((height, width, k, k, channels), np.float32)
    for i, j in np.ndindex(k, k):
        columns[:, :, i, j] = _taps(x, i, j, height, width, stride)
    return (columns.reshape(height * width, -1) @ filters.reshape(-1, out) + bias).reshape(
        height, width, out
    )


def depthwise(x: Map, filters: np.ndarray, stride: int = 1) -> Map:
    """Each channel with its own filter (k, k, C, 1); padding `same`, no bias."""
    k = len(filters)
    x = _padded(x, k, stride)
    height, width = ((n - k) // stride + 1 for n in x.shape[:2])
    total = np.zeros((height, width, x.shape[2]), np.float32)
    product = np.empty_like(total)
    for i, j in np.ndindex(k, k):
        np.multiply(_taps(x, i, j, height, width, stride), filters[i, j, :, 0], out=product)
        total += product
    return total


def max_pool(x: Map, k: int = 2, stride: int = 2, *, same: bool = True) -> Map:
    """Largest value of each k x k window."""
    x = _padded(x, k, stride, -np.inf) if same else x
    height, width = ((n - k) // stride + 1 for n in x.shape[:2])
    windows = [_taps(x, i, j, height, width, stride) for i, j in np.ndindex(k, k)]
    return np.maximum.reduce(windows)


def average_pool(x: Map, k: int = 2, stride: int = 2) -> Map:
    """Mean of each k x k window that lies wholly inside."""
    height, width = ((n - k) // stride + 1 for n in x.shape[:2])
    windows = [_taps(x, i, j, height, width, stride) for i, j in np.ndindex(k, k)]
    return np.add.reduce(windows) / np.float32(k * k)


def relu(x: np.ndarray) -> np.ndarray:
    """Negative values become 0."""
    return np.maximum(x, 0)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-np.clip(x, -60, 60)))


def fitted(pixels: np.ndarray, size: int, *, centred: bool) -> np.ndarray:
    """A picture (H, W, 3) uint8 as (size, size, 3) float32 0 to 255, on a black square.

    Its longer side fills the square; it lies in the middle, or at the top left.
    """
    height, width = pixels.shape[:2]
    longer = max(height, width)
    shrunk = (max(1, round(width * size / longer)), max(1, round(height * size / longer)))
    picture = Image.fromarray(pixels).resize(shrunk, Image.Resampling.BILINEAR)
    square = np.zeros((size, size, 3), np.float32)
    left, top = ((size - n) // 2 if centred else 0 for n in shrunk)
    square[top : top + shrunk[1], left : left + shrunk[0]] = np.asarray(picture)
    return square


def _padded(x: Map, k: int, stride: int, value: float = 0.0) -> Map:
    pads = []
    for n in x.shape[:2]:
        total = max((-(-n // stride) - 1) * stride + k - n, 0)
        pads.append((total // 2, total - total // 2))
    if not any(map(any, pads)):
        return x
    return np.pad(x, (*pads, (0, 0)), constant_values=value)


def _taps(x: Map, i: int, j: int, height: int, width: int, stride: int) -> Map:
    """What the window's place (i, j) sees, for every window."""
    return x[i : i + (height - 1) * stride + 1 : stride, j : j + (width - 1) * stride + 1 : stride]
