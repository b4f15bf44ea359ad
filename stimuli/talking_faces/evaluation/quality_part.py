"""Table I of the paper, and what stands behind its means: regions, landmarks, emotions, flicker."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from models.talking_face.settings import EMOTIONS
from stimuli.context_faces.evaluation.part import Part, Table
from stimuli.context_faces.evaluation.reconstruction import REGIONS
from stimuli.talking_faces.evaluation import averages, published
from stimuli.talking_faces.evaluation.averages import Mean, mean
from stimuli.talking_faces.evaluation.measuring import Record
from stimuli.talking_faces.evaluation.quality import SEEN, STILL

VIDEOS = ("generated", "first frame")
WANTED = {"psnr": 28.0, "ssim": 0.85, "flicker": 1.5}
WHOLE = next(iter(REGIONS))


def quality_part(records: Sequence[Record]) -> Part:
    """How near generated videos are to the real ones."""
    return Part(
        "How near generated videos are to real ones",
        [
            _introduction(records),
            _table_1(records),
            _regions(records),
            _emotions(records),
            _flicker(records),
        ],
        headline(records),
    )


def near(records: Sequence[Record], video: str, region: str, measure: str) -> Mean:
    """PSNR or SSIM of a region; PSNR is that of the mean squared difference over actors.

    A mean of single videos' PSNR would be infinite as soon as one of them is the real one.
    """
    if measure == "ssim":
        return mean(records, lambda r: r["nearness"][video][region]["ssim"])
    error = mean(records, lambda r: 10 ** (-r["nearness"][video][region]["psnr"] / 10))
    with np.errstate(divide="ignore"):
        best, worst, middle = -10 * np.log10([error.low, error.high, error.mean])
    return Mean(float(middle), float(worst), float(best))


def apart(records: Sequence[Record], video: str, points: str) -> Mean:
    """NLMD of the points of the face or of the mouth."""
    return mean(records, lambda r: r["nlmd"][video][points])


def unrest(records: Sequence[Record]) -> Mean:
    """Energy of differences in still regions, generated over real."""
    return averages.ratio_of(
        records, lambda r: r["flicker"]["made"], lambda r: r["flicker"]["real"]
    )


def headline(records: Sequence[Record]) -> list[str]:
    """The results in single sentences, each with what was wanted."""
    near_by = [
        f"{region}: PSNR / SSIM of generated videos "
        f"{near(records, 'generated', region, 'psnr').mean:.1f} dB / "
        f"{near(records, 'generated', region, 'ssim').mean:.3f}, of the first frame repeated "
        f"{near(records, 'first frame', region, 'psnr').mean:.1f} / "
        f"{near(records, 'first frame', region, 'ssim').mean:.3f}; wanted {WANTED['psnr']:g} dB / "
        f"{WANTED['ssim']:g}"
        for region in REGIONS
    ]
    made, still = (apart(records, video, "mouth") for video in VIDEOS)
    return [
        *near_by,
        f"NLMD of the mouth {made.words(3)}, first frame repeated {still.words(3)}, in distances "
        "between the eyes",
        f"still regions: difference energy generated / real {unrest(records).words(2)}; wanted "
        f"{WANTED['flicker']:g} or less",
    ]


def _introduction(records: Sequence[Record]) -> str:
    actors = sorted({r["actor"] for r in records})
    matched = sum(r["emotion"] == r["voice"] for r in records)
    frames = sum(r["frames"] for r in records)
    return (
        f"{len(records)} clips ({frames} frames) of {len(actors)} synthetic actors ({actors[0]} to "
        f"{actors[-1]}) whom no network has seen, {matched} of them with the same emotion in voice "
        "and face. As in the paper, picture (the first frame), sound and emotion of a generated "
        "video are those of the real one. PSNR is that of the mean squared difference over all "
        "frames but the first, clips and actors, in red, green and blue, which is less than the "
        "mean of single videos' PSNR; SSIM (Wang et al., 2004) takes luma. NLMD is the mean "
        "distance of landmarks found in both videos by the landmark network "
        "of face-api.js, over points and frames, in distances between the eyes; the paper does not "
        "print its own normalisation. “First frame” is the simplest video: the first frame "
        "repeated. A good mean can hide a blurred mouth, so compare with it region by region. "
        "Means are over actors, intervals at 95 % (percentile bootstrap of whole actors)."
    )


def _table_1(records: Sequence[Record]) -> Table:
    rows = [("paper", row.method, row.psnr, row.ssim, row.nlmd) for row in published.QUALITY]
    for video, name in zip(VIDEOS, ("mien", "first frame repeated"), strict=True):
        rows.append((
            "here", name, near(records, video, WHOLE, "psnr").mean,
            near(records, video, WHOLE, "ssim").mean, apart(records, video, "face").mean,
        ))  # fmt: skip
    single = np.mean([r["nearness"]["generated"][WHOLE]["psnr"] for r in records])
    return Table(
        "table_1",
        "Table I of the paper beside what was found here",
        pd.DataFrame(rows, columns=["source", "method", "PSNR", "SSIM", "NLMD"]),
        3,
        f"The paper's numbers are of {published.CORPUS}, filmed people who move their heads; "
        "those of mien are of synthetic actors whose heads are still. They cannot be compared; "
        "compare each with its own simplest video. NLMD here: all 68 points. Mean of the single "
        f"generated videos' PSNR: {single:.2f} dB.",
    )


def _regions(records: Sequence[Record]) -> Table:
    rows = []
    for region in REGIONS:
        for video in VIDEOS:
            numbers = {
                "PSNR": near(records, video, region, "psnr"),
                "SSIM": near(records, video, region, "ssim"),
            }
            rows.append({"region": region, "video": video, **averages.columns(numbers)})
    for points in ("face", "mouth"):
        for video in VIDEOS:
            numbers = {"NLMD": apart(records, video, points)}
            name = f"landmarks of the {points}"
            rows.append({"region": name, "video": video, **averages.columns(numbers)})
    boxes = "; ".join(
        f"{name}: {box.left:g}–{box.right:g} across, {box.top:g}–{box.bottom:g} down"
        for name, box in REGIONS.items()
    )
    return Table("regions", "Regions of the crop, with intervals", pd.DataFrame(rows), 3,
                 f"Boxes in shares of the crop: {boxes}.")  # fmt: skip


def _emotions(records: Sequence[Record]) -> Table:
    rows = []
    for emotion in EMOTIONS:
        of = [r for r in records if r["emotion"] == emotion]
        row: dict[str, object] = {"emotion of the face": emotion, "clips": len(of)}
        for region in REGIONS:
            for video in VIDEOS:
                row[f"{region}, {video}"] = near(of, video, region, "psnr").mean
        for video in VIDEOS:
            row[f"NLMD of the mouth, {video}"] = apart(of, video, "mouth").mean
        rows.append(row)
    return Table("emotions", "PSNR and NLMD by emotion", pd.DataFrame(rows), 2)


def _flicker(records: Sequence[Record]) -> Table:
    rows = []
    for emotion in ("all", *EMOTIONS):
        of = [r for r in records if emotion in ("all", r["emotion"])]
        ratio = unrest(of)
        rows.append({
            "emotion of the face": emotion,
            **{name: mean(of, lambda r, key=key: r["flicker"][key]).mean
               for name, key in (("still share", "still"), ("real", "real"),
                                 ("generated", "made"))},
            **averages.columns({"generated / real": ratio}),
            "pixels seen to change": mean(of, lambda r: r["flicker"]["seen"]).mean,
        })  # fmt: skip
    return Table(
        "flicker",
        "Flicker: energy of the difference between successive frames in still regions",
        pd.DataFrame(rows),
        3,
        "Grey levels squared, mean over pixels and frames of 8-bit pictures; wanted "
        f"{WANTED['flicker']:g} or less. Still is where a pixel of the real video changes by "
        f"{STILL:g} grey level or less from frame to frame (RMS): background, hair, shirt, and "
        f"skin far from mouth, brows and eyes. Last column: share of its pixels that change by "
        f"{SEEN:g} levels or more in the generated video.",
    )
