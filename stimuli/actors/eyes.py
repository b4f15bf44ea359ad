"""Eyes that look: iris, limbal ring, sclera, the lid's shadow, the tear line and the catchlight.

Distances in units (between the eye centres); an adult iris is 11.7 mm wide, eyes stand 63 mm apart.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from stimuli.actors.camera import DISTANCE
from stimuli.actors.film import decode

IRIS = 0.108  # radius of the iris: wider than life, as the rig's eyeballs are
PUPIL = 0.38  # radius of the pupil, as a share of the iris
CORNEA = 0.125  # how far the centre of the cornea lies before that of the eyeball
TEXTURE = 96  # pixels a side of the iris picture
REACH = (35.0, 25.0)  # degrees: how far eyes turn to either side, and up or down
SCLERA = (0.44, 0.395, 0.37)
LOOKS = {  # action -> turn of the gaze: to the actor's left, up (radians at weight 1)
    "eyeLookOutLeft": (0.45, 0.0),
    "eyeLookInLeft": (-0.45, 0.0),
    "eyeLookUpLeft": (0.0, 0.35),
    "eyeLookDownLeft": (0.0, -0.35),
}


@dataclass(frozen=True)
class Gaze:
    """Where each eye is and looks: centre (2, 3), unit direction (2, 3), left eye first."""

    centre: np.ndarray
    direction: np.ndarray


def checked(aside) -> tuple[float, float]:
    """The gaze as two floats, degrees. Raises ValueError when it is none, or out of reach."""
    angles = np.asarray(aside, float)
    if angles.shape != (2,) or not (np.abs(angles) <= REACH).all():
        raise ValueError(
            f"gaze: found {np.round(angles, 2).tolist()}; give degrees to the actor's left "
            f"(-{REACH[0]:.0f} to {REACH[0]:.0f}) and up (-{REACH[1]:.0f} to {REACH[1]:.0f})"
        )
    return float(angles[0]), float(angles[1])


def gaze(
    centres: np.ndarray, weights: dict[str, float], aside: tuple[float, float] = (0.0, 0.0)
) -> Gaze:
    """Look into the lens, turned by the eyeLook actions. centres (2, 3) in studio space.

    aside: further turn from the lens, degrees to the actor's left and up.
    """
    left, up = np.radians(aside)
    lens = np.array([0.0, 0.0, DISTANCE])
    directions = []
    for side, centre in zip(("Left", "Right"), centres, strict=True):
        mirror = 1.0 if side == "Left" else -1.0
        turn, tilt = float(left), float(up)
        for action, (across, along) in LOOKS.items():
            w = weights.get(action.replace("Left", side), 0.0)
            turn, tilt = turn + mirror * across * w, tilt + along * w
        ahead = lens - centre
        ahead /= np.linalg.norm(ahead)
        ahead = ahead + np.array([np.tan(turn), np.tan(tilt), 0.0])
        directions.append(ahead / np.linalg.norm(ahead))
    return Gaze(np.asarray(centres, np.float32), np.asarray(directions, np.float32))


def iris_picture(actor, rng: np.random.Generator) -> np.ndarray:
    """Albedo (TEXTURE, TEXTURE, 3) of iris and pupil over [-1.15, 1.15] iris radii."""
    step = (np.arange(TEXTURE) + 0.5) / TEXTURE * 2.3 - 1.15
    x, y = np.meshgrid(step, -step)
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    fibres = np.zeros_like(radius)
    for waves in (23, 37, 61, 89):
        phase, wander = rng.uniform(0, 2 * np.pi, 2)
        bend = 1.2 * np.sin(3 * angle + wander) + 2.0 * radius * np.sin(5 * angle + phase)
        fibres += np.sin(waves * angle + phase + bend) / 4
    colour = decode(np.asarray(actor.iris_rgb))
    inner = np.clip((radius - PUPIL) / (1 - PUPIL), 0, 1)
    collarette = np.exp(-(((radius - 0.58) / 0.10) ** 2))
    light = 0.95 + 0.55 * fibres * (1 - 0.5 * inner) + 0.40 * collarette
    light *= 1 - 0.72 * _edge(radius, 0.80, 1.02)  # limbal ring
    warm = (
        np.array([1.25, 1.0, 0.72]) ** (1.2 * np.exp(-(((radius - 0.48) / 0.16) ** 2)))[..., None]
    )
    picture = np.maximum(colour * light[..., None] * warm * 0.85, 0.004)
    pupil = _edge(radius, PUPIL + 0.035, PUPIL - 0.035)[..., None]
    return (picture * (1 - pupil) + 0.004 * pupil).astype(np.float32)


def lid_distances(eye: np.ndarray, unit_px: float) -> np.ndarray:
    """How far each eye pixel lies under the upper lid and over the lower lid: (H, W, 2) units.

    eye (H, W) bool. Counted along the picture's columns.
    """
    return _lid_distances(eye) / np.float32(unit_px)


def _edge(x: np.ndarray, low: float, high: float) -> np.ndarray:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


@njit(cache=True, nogil=True)
def _lid_distances(eye):
    height, width = eye.shape
    out = np.zeros((height, width, 2), np.float32)
    for c in range(width):
        run = np.float32(0)
        for r in range(height):
            run = run + 1 if eye[r, c] else np.float32(0)
            out[r, c, 0] = max(run - np.float32(0.5), np.float32(0))
        run = np.float32(0)
        for r in range(height - 1, -1, -1):
            run = run + 1 if eye[r, c] else np.float32(0)
            out[r, c, 1] = max(run - np.float32(0.5), np.float32(0))
    return out


@njit(cache=True, nogil=True)
def _smooth(x, low, high):
    t = min(max((x - low) / (high - low), np.float32(0)), np.float32(1))
    return t * t * (3 - 2 * t)


@njit(cache=True, nogil=True)
def paint(
    which, position, lids, centre, direction, picture, sclera, key,
    normal, gloss_normal, albedo, gloss, roughness, openness, scatter, sparkle,
):  # fmt: skip
    """Fill the surface of the eye pixels.

    which (H, W) int8: 0 left eye, 1 right eye, else -1; lids (H, W, 2) from lid_distances; the
    surface arrays are those of shading.Surface; key (3,) points to the key light; sparkle (H, W)
    receives the light that the wet cornea throws back.
    """
    size = picture.shape[0]
    for r in range(which.shape[0]):
        for c in range(which.shape[1]):
            e = which[r, c]
            if e < 0:
                continue
            px = position[r, c, 0] - centre[e, 0]
            py = position[r, c, 1] - centre[e, 1]
            pz = position[r, c, 2] - centre[e, 2]
            length = 1 / np.sqrt(px * px + py * py + pz * pz)
            nx, ny, nz = px * length, py * length, pz * length
            gx, gy, gz = direction[e, 0], direction[e, 1], direction[e, 2]
            ahead = px * gx + py * gy + pz * gz
            ox, oy, oz = px - ahead * gx, py - ahead * gy, pz - ahead * gz  # across the gaze
            # the iris plane's axes: right and up as seen from the front
            u = ox * gz - oz * gx
            w = oy
            rho = np.sqrt(ox * ox + oy * oy + oz * oz) / np.float32(IRIS)
            inside = 1 - _smooth(rho, np.float32(0.96), np.float32(1.06))
            if ahead < 0:
                inside = np.float32(0)
            corner = _smooth(abs(rho), np.float32(1.3), np.float32(2.4))
            up, down = lids[r, c, 0], lids[r, c, 1]
            shade = np.float32(0.34) + np.float32(0.66) * _smooth(
                up, np.float32(-0.01), np.float32(0.115)
            )
            shade *= np.float32(0.72) + np.float32(0.28) * _smooth(
                down, np.float32(-0.01), np.float32(0.05)
            )
            for k in range(3):
                red = (np.float32(0.06), np.float32(0.20), np.float32(0.22))[k]
                white = sclera[k] * (1 - corner * red)
                value = white
                if inside > 0:
                    i = min(
                        max(
                            (u / np.float32(IRIS) + np.float32(1.15)) / np.float32(2.3),
                            np.float32(0),
                        ),
                        np.float32(0.999),
                    )
                    j = min(
                        max(
                            (np.float32(1.15) - w / np.float32(IRIS)) / np.float32(2.3),
                            np.float32(0),
                        ),
                        np.float32(0.999),
                    )
                    fi, fj = i * (size - 1), j * (size - 1)
                    i0, j0 = int(fi), int(fj)
                    a, b = fi - i0, fj - j0
                    iris = (
                        picture[j0, i0, k] * (1 - a) * (1 - b)
                        + picture[j0, i0 + 1, k] * a * (1 - b)
                        + picture[j0 + 1, i0, k] * (1 - a) * b
                        + picture[j0 + 1, i0 + 1, k] * a * b
                    )
                    # light gathers on the side of the iris away from the key
                    gather = 1 + np.float32(0.45) * (u * np.float32(0.6) - w) / np.float32(IRIS)
                    value = white * (1 - inside) + iris * inside * max(gather, np.float32(0.4))
                albedo[r, c, k] = value * shade
            # the iris is a dish that faces the gaze, the white a ball
            t = np.float32(0.75) * inside
            sx, sy, sz = nx * (1 - t) + gx * t, ny * (1 - t) + gy * t, nz * (1 - t) + gz * t
            length = 1 / np.sqrt(sx * sx + sy * sy + sz * sz)
            normal[r, c, 0], normal[r, c, 1], normal[r, c, 2] = (
                sx * length,
                sy * length,
                sz * length,
            )
            cx, cy, cz = (
                px - gx * np.float32(CORNEA),
                py - gy * np.float32(CORNEA),
                pz - gz * np.float32(CORNEA),
            )
            bulge = 1 - _smooth(rho, np.float32(1.0), np.float32(1.5))
            cx, cy, cz = (
                cx * bulge + px * (1 - bulge),
                cy * bulge + py * (1 - bulge),
                cz * bulge + pz * (1 - bulge),
            )
            length = 1 / np.sqrt(cx * cx + cy * cy + cz * cz)
            cx, cy, cz = cx * length, cy * length, cz * length
            wet = 1 - _smooth(down, np.float32(0.004), np.float32(0.018))
            gloss_normal[r, c, 0], gloss_normal[r, c, 1], gloss_normal[r, c, 2] = cx, cy, cz
            gloss[r, c] = np.float32(0.02)
            roughness[r, c] = np.float32(0.30)
            openness[r, c] = np.float32(0.75) * shade
            scatter[r, c] = 0
            # a soft box mirrored in the cornea: the lens is far, so the view is along +z
            mx, my, mz = 2 * cz * cx, 2 * cz * cy, 2 * cz * cz - 1
            kx, ky = mx / max(mz + 1, np.float32(0.05)), my / max(mz + 1, np.float32(0.05))
            bx = key[0] / (1 + key[2])
            by = key[1] / (1 + key[2])
            box = (1 - _smooth(abs(kx - bx), np.float32(0.10), np.float32(0.16))) * (
                1 - _smooth(abs(ky - by), np.float32(0.11), np.float32(0.17))
            )
            hidden = _smooth(up, np.float32(0.0), np.float32(0.03))
            sparkle[r, c] = np.float32(0.85) * box * hidden + np.float32(0.10) * wet
