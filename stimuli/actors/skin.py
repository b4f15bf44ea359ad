"""Skin without a photograph: colour, shine, freckles, pores and stubble from a few numbers.

Broad colour lives on the mesh (one value a vertex), fine relief in the atlas (see atlas.py).
Colours are linear sRGB albedo in [0, 1]; relief is height in units (distance between the eyes), out
of the skin positive.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from stimuli.actors import atlas
from stimuli.actors.atlas import smoothstep, spot
from stimuli.actors.film import decode

SKIN_GLOSS = 0.028  # reflectance of skin at right angles (refractive index 1.4)
INSIDE_MOUTH = (0.30, 0.095, 0.085)


@dataclass(frozen=True)
class SkinMap:
    """Broad skin: one row a body vertex."""

    albedo: np.ndarray  # (V, 3)
    gloss: np.ndarray  # (V,)
    roughness: np.ndarray  # (V,)


@dataclass(frozen=True)
class SkinDetail:
    """Fine skin over the atlas, float32: multiplies colour (HEIGHT, WIDTH, 3) and adds height."""

    tint: np.ndarray
    relief: np.ndarray


def skin_map(actor, rest: np.ndarray, regions: dict[str, np.ndarray], scalp: np.ndarray) -> SkinMap:
    """Colour and gloss of each body vertex.

    rest (V, 3) rest coordinates; regions name -> (V,) in [0, 1]: lips, eyelids, ears, inside_mouth;
    scalp (V,) in [0, 1] where hair is so dense that its colour shows between the strands.
    """
    x, y, z = rest.T
    base = decode(np.asarray(actor.skin_rgb))
    lightness = float(base.mean())
    pale = np.clip((lightness - 0.06) / 0.40, 0.12, 1)  # blood shows through pale skin more
    front = smoothstep(z, -1.2, -0.2)
    albedo = np.tile(base, (len(rest), 1)).astype(np.float32)

    flush = (
        0.75 * spot(x, y, (0.72, -0.66), (0.40, 0.30))
        + 0.85 * spot(x, y, (0.0, -0.66), (0.24, 0.22))
        + 0.35 * spot(x, y, (0.0, -1.62), (0.30, 0.20))
    ) * front + 0.8 * regions["ears"]
    albedo *= 1 + flush[:, None] * np.array([0.03, -0.16, -0.15], np.float32) * pale
    sallow = spot(x, y, (0.0, 0.75), (0.9, 0.35)) * front
    albedo *= 1 + sallow[:, None] * np.array([0.02, 0.02, -0.05], np.float32)
    tired = spot(x, y, (0.44, -0.27), (0.30, 0.10)) * front
    shade = (0.07 + 0.13 * actor.ageing) * tired
    albedo *= 1 - shade[:, None] * np.array([0.8, 1.0, 0.75], np.float32)
    albedo *= 1 - 0.13 * regions["eyelids"][:, None] * np.array([0.6, 1.0, 0.9], np.float32)
    nostril = spot(x, y, (0.13, -0.80), (0.07, 0.035)) * front
    albedo *= 1 - 0.35 * nostril[:, None]

    lips = smoothstep(regions["lips"], 0.25, 0.75)[:, None]
    lip_rgb = decode(np.asarray(actor.lip_rgb))
    albedo = albedo * (1 - 0.9 * lips) + 0.9 * lips * lip_rgb
    hair = decode(np.asarray(actor.hair_rgb))
    shown = 0.80 * scalp[:, None]
    albedo = albedo * (1 - shown) + shown * (0.55 * hair + 0.10 * albedo)
    brow = _under_brows(x, y)[:, None] * 0.20 * min(actor.brow_thickness, 1.3)
    albedo = albedo * (1 - brow) + brow * decode(np.asarray(actor.brow_rgb))
    inside = smoothstep(regions["inside_mouth"], 0.25, 0.75)[:, None]
    albedo = albedo * (1 - inside) + inside * np.asarray(INSIDE_MOUTH, np.float32)

    oily = (
        spot(x, y, (0.0, 0.80), (0.75, 0.40))
        + spot(x, y, (0.0, -0.45), (0.16, 0.45))
        + 0.6 * spot(x, y, (0.62, -0.50), (0.22, 0.20))
        + 0.5 * spot(x, y, (0.0, -1.65), (0.25, 0.18))
    ) * front
    roughness = 0.56 - 0.10 * oily - 0.20 * lips[:, 0] - 0.05 * regions["eyelids"]
    gloss = SKIN_GLOSS * (1 + 0.25 * oily) * (1 - 0.7 * scalp) * (1 - 0.5 * inside[:, 0])
    gloss = gloss * (1 + 0.4 * lips[:, 0])
    return SkinMap(
        np.clip(albedo, 0.004, 0.95).astype(np.float32),
        gloss.astype(np.float32),
        np.clip(roughness, 0.25, 0.75).astype(np.float32),
    )


def _under_brows(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Where the brows' own shadow darkens the skin under their hairs, 0-1."""
    t = (np.abs(x) - 0.205) / 0.74
    middle = brow_height(t, 0.0)
    ends = smoothstep(t, -0.04, 0.10) * smoothstep(t, 1.02, 0.80)
    return np.exp(-(((y - middle) / 0.05) ** 2)) * ends


def brow_height(t: np.ndarray, arch: float) -> np.ndarray:
    """Height of the brow over the eyes at place t along it (0 inner end, 1 tail), units."""
    t = np.clip(t, 0, 1)
    return 0.318 + arch * np.sin(np.pi * t) + 0.095 * np.sin(np.pi * t**1.25 * 0.86)


def skin_detail(actor, rng: np.random.Generator, shadow: float, beard: np.ndarray) -> SkinDetail:
    """Mottling, freckles, moles, stubble and pores over the atlas.

    shadow 0-1: how dark a beard makes the skin where it grows, beard (HEIGHT, WIDTH) in 0-1.
    """
    x, y = atlas.grid()
    lips_at = lip_area(x, y)
    base = decode(np.asarray(actor.skin_rgb))
    pale = float(np.clip((base.mean() - 0.06) / 0.40, 0.15, 1))
    broad = atlas.noise(rng, 0.35)
    mottle = 0.5 * broad + 0.5 * atlas.noise(rng, 0.09)
    fine = atlas.noise(rng, 0.022)
    strength = 0.014 + 0.020 * actor.ageing
    tint = np.ones((*x.shape, 3), np.float32)
    tint *= 1 + (strength * mottle)[..., None] * np.array([0.6, 1.5, 1.4], np.float32)
    tint *= 1 + (0.016 * fine)[..., None]

    face = spot(x, y, (0.45, -0.45), (0.62, 0.42)) + 0.35 * spot(x, y, (0, 0.8), (0.9, 0.5))
    freckles = smoothstep(atlas.noise(rng, 0.026) + 0.6 * broad, 1.9, 2.7) * np.clip(face, 0, 1)
    spots = smoothstep(atlas.noise(rng, 0.06), 2.35, 2.9) * actor.ageing**2 * pale  # age spots
    dark = np.clip(actor.freckles * freckles + 0.5 * spots, 0, 1)[..., None]
    tint *= 1 - dark * np.array([0.22, 0.40, 0.48], np.float32)
    for _ in range(int(rng.integers(1, 4))):  # a mole or three, anywhere on the face
        mx, my = rng.uniform(-1.0, 1.0), rng.uniform(-1.7, 0.9)
        radius = rng.uniform(0.010, 0.020)
        mole = smoothstep(np.hypot(x - mx, y - my), radius * 1.5, radius * 0.6)
        tint *= 1 - (0.55 * mole)[..., None] * np.array([0.75, 0.95, 1.0], np.float32)

    pores = ndimage.gaussian_filter(rng.standard_normal(x.shape).astype(np.float32), 0.9)
    pores /= pores.std()
    cheeks = 0.45 + 0.55 * np.clip(
        spot(x, y, (0.5, -0.6), (0.35, 0.3)) + spot(x, y, (0, -0.5), (0.2, 0.4)), 0, 1
    )
    relief = 0.00075 * pores * cheeks * (1 - lips_at)
    relief += 0.0011 * (0.4 + actor.ageing) * ndimage.gaussian_filter(fine, 1.0) * (1 - lips_at)
    ridges = atlas.noise(rng, 0.035) * 0.5 + np.sin(x * 95 + 3 * atlas.noise(rng, 0.2)) * 0.6
    relief += 0.0022 * ridges * lips_at  # lips are creased up and down
    tint *= 1 + (0.05 * np.minimum(ridges, 0) * lips_at)[..., None]

    # who has no beard as cast draws its dots elsewhere: what `rng` draws next stays as it was
    dice = rng if actor.stubble > 0 else np.random.default_rng([actor.seed, 14])
    if max(actor.stubble, shadow) > 0:
        dots = np.clip(0.55 + 0.45 * pores + 0.25 * dice.standard_normal(x.shape), 0, 1)
        grown = (np.clip(1.1 * shadow, 0, 0.85) * beard * dots)[..., None]
        hair = np.sqrt(decode(np.asarray(actor.hair_rgb)) * 0.02) + 0.02
        tint *= 1 - 0.75 * grown * (1 - hair / np.maximum(base, 0.05)).clip(0, 1)
    tint *= 1 - 0.10 * (1 - pale) * np.maximum(-pores, 0)[..., None] * 0.2
    return SkinDetail(tint.astype(np.float32), relief.astype(np.float32))


def lip_area(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Where the lips are, 0-1, over rest coordinates seen from the front."""
    side = np.clip(np.abs(x) / 0.42, 0, 1)
    upper, lower = -1.02 - 0.12 * side**2, -1.33 + 0.15 * side**2
    inside = smoothstep(y, upper + 0.02, upper - 0.03) * smoothstep(y, lower - 0.02, lower + 0.03)
    return inside * smoothstep(np.abs(x), 0.43, 0.39)


def beard_area(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Where a beard grows, 0-1, over rest X, Y: moustache, chin, jaw, sideburns."""
    side = np.abs(x)
    jaw = smoothstep(y, -0.92 + 0.42 * np.maximum(side - 0.35, 0), -1.30 + 0.5 * side)
    jaw = jaw * smoothstep(y, -2.15, -1.70)
    moustache = spot(x, y, (0.22, -0.98), (0.26, 0.09))
    sideburn = (
        0.6 * smoothstep(side, 0.94, 1.08) * smoothstep(y, 0.0, -0.45) * smoothstep(y, -1.9, -1.4)
    )
    ear = 1.05 + 0.14 * smoothstep(y, -0.90, -0.10)  # where it begins
    bare = smoothstep(side, ear - 0.05, ear + 0.02) * smoothstep(y, -1.02, -0.92)
    return np.clip(jaw + moustache + sideburn, 0, 1) * (1 - lip_area(side, y + 0.02)) * (1 - bare)
