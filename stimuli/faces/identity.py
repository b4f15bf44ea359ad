"""Who a face is, as 128 numbers: those of the same person lie near each other.

The network is dlib's ResNet of 29 layers, in the form of face-api.js. Two faces nearer than
SAME_PERSON (Euclidean) count as one person; the limit was set by its author on photographs.

Source: He, Zhang, Ren & Sun (2016), CVPR, 770-778; weights D. King, dlib-models (CC0).
"""

from __future__ import annotations

import numpy as np

from stimuli.faces.detector import Face
from stimuli.faces.landmarks import around, cut
from stimuli.faces.layers import average_pool, convolve, fitted, max_pool, relu
from stimuli.faces.weights import Weights, load

MODEL = "face_recognition_model"
SIDE = 150  # pixels
MEAN_RGB = np.array([122.782, 117.001, 104.298], np.float32)
SAME_PERSON = 0.6
BLOCKS = (
    "32_1", "32_2", "32_3", "64_down", "64_1", "64_2", "64_3", "128_down", "128_1", "128_2",
    "256_down", "256_1", "256_2", "256_down_out",
)  # fmt: skip


def descriptor(pixels: np.ndarray, face: Face) -> np.ndarray:
    """Descriptor (128,) of a face of a picture (H, W, 3) uint8."""
    part, _ = cut(pixels, around(face.landmarks))
    weights = load(MODEL)
    x = (fitted(part, SIDE, centred=True) - MEAN_RGB) / 255
    x = max_pool(relu(_scaled(x, weights, "conv32_down", 2)), 3, 2, same=False)
    for block in BLOCKS:
        x = _residual(x, weights, f"conv{block}", down="down" in block)
    return x.mean((0, 1)) @ weights["fc"]


def _residual(x: np.ndarray, w: Weights, name: str, *, down: bool) -> np.ndarray:
    """Two layers, added to their input, or to its half-size filled up with empty channels."""
    y = relu(_scaled(x, w, f"{name}/conv1", 2 if down else 1))
    y = _scaled(y, w, f"{name}/conv2", 1)
    if down:
        x = average_pool(x)
    height, width, channels = (max(a, b) for a, b in zip(x.shape, y.shape, strict=True))
    total = np.zeros((height, width, channels), np.float32)
    for part in (x, y):
        total[: part.shape[0], : part.shape[1], : part.shape[2]] += part
    return relu(total)


def _scaled(x: np.ndarray, w: Weights, name: str, stride: int) -> np.ndarray:
    """Convolution, then a factor and an offset for each channel; unpadded where it halves."""
    y = convolve(x, w[f"{name}/conv/filters"], w[f"{name}/conv/bias"], stride, same=stride == 1)
    return y * w[f"{name}/scale/weights"] + w[f"{name}/scale/biases"]
