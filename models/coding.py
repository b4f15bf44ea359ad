"""Pictures in a small file that NumPy alone can read: what networks are trained on travels so.

Each picture becomes luma and two half-size colour planes (BT.601), each 8 × 8 block of them a
cosine transform, rounded to multiples of STEP that grow with frequency (as JPEG does), and the
whole, sorted by frequency, is compressed by LZMA in chunks of CHUNK pictures. About 4 kB for a face
of 128 pixels, at 40 dB. Grey pictures, such as spectrograms, are their luma alone.
"""

from __future__ import annotations

import lzma
from dataclasses import dataclass

import numpy as np

BLOCK = 8
CHUNK = 64  # pictures that are compressed together
MEAN_STEP = 8.1  # of the mean of a block, in grey levels times 8: its range needs 127 of them
STEP = 3.0  # of the lowest other frequency, likewise
RISE = 0.15  # how much coarser each further frequency is
COARSER_COLOUR = 1.5
LARGEST = 127  # a coefficient is one signed byte; what lies beyond is cut

# RGB -> luma and two colour differences, ITU-R BT.601
TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
TO_RGB = np.linalg.inv(TO_YCC)


@dataclass(frozen=True)
class Coded:
    """Pictures as bytes: chunk i is data[ends[i - 1]:ends[i]]."""

    data: np.ndarray  # (bytes,) uint8
    ends: np.ndarray  # (chunks,) int64
    shape: np.ndarray  # (4,) int64: N, H, W, channels


def encode(pictures: np.ndarray, coarser: float = 1.0) -> Coded:
    """Code pictures (N, H, W, 3) uint8 sRGB, or grey ones (N, H, W, 1); H, W multiples of 16.

    coarser: times the steps of everything, at least 1; to be given to `decode` again.
    Raises ValueError on other pictures.
    """
    n, height, width, channels = pictures.shape
    if pictures.dtype != np.uint8 or channels not in (1, 3) or height % 16 or width % 16:
        raise ValueError(
            f"pictures are {pictures.dtype} {pictures.shape}; give uint8 (N, H, W, 3) or "
            "(N, H, W, 1), H and W multiples of 16"
        )
    chunks = [
        lzma.compress(_planes_to_bytes(pictures[i : i + CHUNK], coarser), preset=6)
        for i in range(0, n, CHUNK)
    ]
    ends = np.cumsum([len(c) for c in chunks], dtype=np.int64)
    return Coded(np.frombuffer(b"".join(chunks), np.uint8), ends, np.array(pictures.shape))


def decode(coded: Coded, chunk: int, coarser: float = 1.0) -> np.ndarray:
    """Pictures (up to CHUNK, H, W, channels) uint8 of one chunk."""
    n, *shape = (int(v) for v in coded.shape)
    start = int(coded.ends[chunk - 1]) if chunk else 0
    content = lzma.decompress(coded.data[start : int(coded.ends[chunk])].tobytes())
    count = min(CHUNK, n - chunk * CHUNK)
    return _bytes_to_pictures(content, (count, *shape), coarser)


def decode_all(coded: Coded, coarser: float = 1.0) -> np.ndarray:
    """All pictures (N, H, W, channels) uint8."""
    parts = [decode(coded, chunk, coarser) for chunk in range(len(coded.ends))]
    return np.concatenate(parts) if parts else np.empty(tuple(coded.shape), np.uint8)


def _planes_to_bytes(pictures: np.ndarray, coarser: float) -> bytes:
    if pictures.shape[3] == 1:
        return _quantised(pictures.astype(np.float32) - 128, coarser).tobytes()
    ycc = (pictures.astype(np.float32) - 128) @ TO_YCC.T.astype(np.float32)
    luma, colour = ycc[..., :1], ycc[..., 1:]
    n, height, width, _ = colour.shape
    colour = colour.reshape(n, height // 2, 2, width // 2, 2, 2).mean(axis=(2, 4))
    return b"".join(
        _quantised(plane, coarser * step).tobytes()
        for plane, step in ((luma, 1.0), (colour, COARSER_COLOUR))
    )


def _bytes_to_pictures(content: bytes, shape: tuple[int, ...], coarser: float) -> np.ndarray:
    count, height, width, channels = shape
    numbers = np.frombuffer(content, np.int8)
    luma = _plane(numbers[: count * height * width], (count, height, width, 1), coarser)
    if channels == 1:
        return _as_bytes(luma)
    colour = _plane(
        numbers[count * height * width :],
        (count, height // 2, width // 2, 2),
        coarser * COARSER_COLOUR,
    )
    ycc = np.concatenate([luma, _doubled(_doubled(colour, 1), 2)], axis=3)
    return _as_bytes(ycc @ TO_RGB.T.astype(np.float32))


def _as_bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values + 128), 0, 255).astype(np.uint8)


def _quantised(plane: np.ndarray, coarser: float) -> np.ndarray:
    """(N, H, W, C) to int8 (64, everything else): one row for each frequency, lowest first."""
    n, height, width, channels = plane.shape
    blocks = plane.reshape(n, height // BLOCK, BLOCK, width // BLOCK, BLOCK, channels)
    basis = _basis()
    spectrum = np.einsum("ui,nyixjc,vj->uvcnyx", basis, blocks, basis, optimize=True)
    flat = spectrum.reshape(BLOCK**2, -1)[_order()] / (_steps() * coarser)[_order(), None]
    return np.clip(np.rint(flat), -LARGEST, LARGEST).astype(np.int8)


def _plane(numbers: np.ndarray, shape: tuple[int, ...], coarser: float) -> np.ndarray:
    n, height, width, channels = shape
    flat = np.empty((BLOCK**2, numbers.size // BLOCK**2), np.float32)
    flat[_order()] = numbers.reshape(BLOCK**2, -1) * (_steps() * coarser)[_order(), None]
    spectrum = flat.reshape(BLOCK, BLOCK, channels, n, height // BLOCK, width // BLOCK)
    basis = _basis()
    blocks = np.einsum("ui,uvcnyx,vj->nyixjc", basis, spectrum, basis, optimize=True)
    return blocks.reshape(shape)


def _basis() -> np.ndarray:
    """Orthonormal cosines (8, 8), float32: row u is the u-th frequency (DCT-II)."""
    at = np.arange(BLOCK)
    basis = np.cos(np.pi * (2 * at[None] + 1) * at[:, None] / (2 * BLOCK)) * np.sqrt(2 / BLOCK)
    basis[0] /= np.sqrt(2)
    return basis.astype(np.float32)


def _frequency() -> np.ndarray:
    return (np.arange(BLOCK)[:, None] + np.arange(BLOCK)[None]).ravel()


def _order() -> np.ndarray:
    return np.argsort(_frequency(), kind="stable")


def _steps() -> np.ndarray:
    steps = STEP * (1 + RISE * _frequency())
    steps[0] = MEAN_STEP
    return steps.astype(np.float32)


def _doubled(plane: np.ndarray, axis: int) -> np.ndarray:
    """Twice as long along an axis, each new value 3/4 of its own cell and 1/4 of the nearer."""
    before = np.concatenate([plane.take([0], axis), plane.take(range(plane.shape[axis] - 1), axis)],
                            axis)  # fmt: skip
    after = np.concatenate([plane.take(range(1, plane.shape[axis]), axis), plane.take([-1], axis)],
                           axis)  # fmt: skip
    both = np.stack([0.75 * plane + 0.25 * before, 0.75 * plane + 0.25 * after], axis + 1)
    shape = list(plane.shape)
    shape[axis] *= 2
    return both.reshape(shape)
