"""What the landmark and the expression network of face-api.js have in common.

Both see a face fitted into 112 x 112 pixels. Four dense blocks of separable layers halve it each,
the mean of what is left (256 numbers) goes into one linear layer.
"""

from __future__ import annotations

import numpy as np

from stimuli.faces.layers import convolve, depthwise, fitted, relu
from stimuli.faces.weights import Weights

SIDE = 112  # pixels
MEAN_RGB = np.array([122.782, 117.001, 104.298], np.float32)


def head(part: np.ndarray, weights: Weights) -> np.ndarray:
    """The numbers of the linear layer, for the part (H, W, 3) uint8 of a picture with the face."""
    x = (fitted(part, SIDE, centred=True) - MEAN_RGB) / 255
    for block in range(4):
        x = _dense(x, weights, f"dense{block}")
    return x.mean((0, 1)) @ weights["fc/weights"] + weights["fc/bias"]


def _dense(x: np.ndarray, w: Weights, name: str) -> np.ndarray:
    """Four layers, each of which sees the sum of all before it."""
    first = f"{name}/conv0"
    if f"{first}/filters" in w:
        x = convolve(x, w[f"{first}/filters"], w[f"{first}/bias"], 2)
    else:
        x = _separable(x, w, first, 2)
    total = relu(x)
    for layer in ("conv1", "conv2", "conv3"):
        total = total + _separable(relu(total), w, f"{name}/{layer}")
    return relu(total)


def _separable(x: np.ndarray, w: Weights, name: str, stride: int = 1) -> np.ndarray:
    x = depthwise(x, w[f"{name}/depthwise_filter"], stride)
    return convolve(x, w[f"{name}/pointwise_filter"], w[f"{name}/bias"])
