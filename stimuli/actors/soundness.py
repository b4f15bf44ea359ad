"""What no face may show: an eyeball that comes through its lid, teeth that come through a lip.

    python -m stimuli.actors.soundness          # all actors over the action space; minutes

Seen from the front, lids leave one opening to each eye and lips one to the mouth. So along every
column of a picture there is one run of eyeball, and one run of teeth, tongue and mouth; what shows
apart from the longest run has come through the skin. And eyeballs show between the rows of lashes
only, which stand on the rims of the lids. Counts are pixels: lids.PIXEL (0.25 mm) a side for eyes,
1 / MOUTH_SIZE of the picture for mouths.
"""

import sys
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from stimuli.actors import camera, facial_hair, facs, lids, raster
from stimuli.actors.anatomy import load_anatomy
from stimuli.actors.cast import load_cast
from stimuli.actors.rig import Rig, load_rig
from stimuli.actors.scene import SKIN, TEETH, TONGUE, layout, stage

MOUTH_SIZE = 512
RIM = 0.00125  # metres: from the feet of the lashes to the edge of the lid, and the corners
MOST_EYE = 6  # pixels, 0.4 square millimetres: the raster's own grain at the corners
MOST_MOUTH = 8  # pixels, of about 900 of an open mouth
UPPER_FACE = ("1", "2", "4", "5", "6", "7", "9", "43")
LOWER_FACE = ("9", "10", "12", "15", "16", "17", "20", "23", "24", "25", "26")


def apart(seen: np.ndarray) -> int:
    """Pixels of a picture (H, W) bool that lie apart from the longest run of their column."""
    count = 0
    for column in seen.T[seen.any(axis=0)]:
        edges = np.flatnonzero(np.diff(column.astype(np.int8), prepend=0, append=0))
        runs = edges[1::2] - edges[::2]
        count += int(runs.sum() - runs.max())
    return count


def eye_faults(rig: Rig, weights: np.ndarray) -> int:
    """Pixels of the worse eyeball (lids.PIXEL a side) that show through a lid."""
    worst = 0
    for side in lids.SIDES:
        seen = lids.opening(rig, weights, side)
        beyond = seen & ~_between_lashes(rig, weights, side, len(seen))
        worst = max(worst, apart(seen), int(beyond.sum()))
    return worst


def _between_lashes(rig: Rig, weights: np.ndarray, side: lids.Side, size: int) -> np.ndarray:
    """Where an eyeball may show, as a picture like lids.opening's: RIM around the lashes' feet."""
    posed = rig.pose(weights) - rig.eye_centres()[lids.SIDES.index(side)]
    upper, lower = (facial_hair.ribbon(f"lashes_{row}_{side}")[0] for row in ("upper", "lower"))
    feet = posed[np.concatenate([upper, lower])][:, [0, 2]] * [1, -1] + lids.HALF_VIEW
    outline = feet / lids.PIXEL
    middle = outline.mean(axis=0)
    order = np.argsort(np.arctan2(*(outline - middle).T))
    page = Image.new("1", (size, size))
    ImageDraw.Draw(page).polygon([tuple(foot) for foot in outline[order].tolist()], fill=1)
    return ndimage.binary_dilation(np.asarray(page), iterations=round(RIM / lids.PIXEL))


def mouth_faults(rig: Rig, weights: np.ndarray) -> int:
    """Pixels of teeth, tongue or mouth that show through a lip, in a picture of MOUTH_SIZE."""
    plan, inside = layout(), load_anatomy().regions["inside_mouth"]
    turn = camera.alignment(rig.eye_centres())
    points = camera.to_studio(rig.pose(weights), *turn)
    posed = stage(points, np.zeros(plan.cloth.stop - plan.cloth.start, np.float32))
    frame = raster.Frame.empty(MOUTH_SIZE, MOUTH_SIZE)
    raster.draw(frame, camera.project(posed.points, MOUTH_SIZE), plan.triangles)
    kind = np.where(frame.triangle >= 0, plan.material[frame.triangle], -1)
    corners = plan.triangles[np.maximum(frame.triangle, 0)][..., 0]
    lining = (kind == SKIN) & (inside[np.minimum(corners, len(inside) - 1)] > 0.5)
    return apart(lining | np.isin(kind, (TEETH, TONGUE)))


def action_space(rng: np.random.Generator, n: int) -> Iterator[tuple[str, np.ndarray]]:
    """Names and weights (52,) of faces: every emotion at three strengths, and n random codes."""
    for emotion in facs.EMOTIONS:
        for m in (0.5, 1.0):
            yield f"{emotion} {m:g}", facs.weights(emotion, m)
    for _ in range(n):
        units = [*rng.choice(UPPER_FACE, 3, replace=False), *rng.choice(LOWER_FACE, 3)]
        if "5" in units and "43" in units:  # nobody opens and closes the same eye
            units.remove("43")
        code = " ".join(
            f"{unit}{rng.choice(list('ABCDE'))}" for unit in sorted(set(units), key=int)
        )
        yield code, facs.parse(code)


def main() -> None:
    """Check everybody; prints every fault, then how many faces were looked at."""
    looked = 0
    for number, actor in enumerate(load_cast()):
        rig = load_rig(actor.id, actor.folder / "rigs")
        for name, weights in action_space(np.random.default_rng([4, number]), 8):
            eyes, mouth = eye_faults(rig, weights), mouth_faults(rig, weights)
            looked += 1
            if eyes > MOST_EYE or mouth > MOST_MOUTH:
                sys.stdout.write(f"{actor.id} {name}: eyes {eyes}, mouth {mouth}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{looked} faces of {len(load_cast())} actors looked at\n")


if __name__ == "__main__":
    main()
