"""Whether generated mouths follow the voice as real ones do: the page's part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd

from stimuli.context_faces.evaluation.part import Figure, Part, Table
from stimuli.talking_faces.evaluation import averages
from stimuli.talking_faces.evaluation.averages import Mean, mean
from stimuli.talking_faces.evaluation.measuring import Record
from stimuli.talking_faces.evaluation.synchrony import FPS, best_lag, correlation

MS = 1000 / FPS  # of a frame
SERIES = {  # name on the page -> series of a record
    "real, exact gap of the lips": "gap_mm",
    "real, as seen": "real",
    "generated, as seen": "generated",
}
SHOWN, WIDTH, HEIGHT, DPI = 4, 3.4, 2.2, 160  # clips of the figure; inches of a panel
COLOURS = {"envelope": "#bbbbbb", "real": "#000000", "generated": "#D55E00"}  # Okabe & Ito (2008)


def synchrony_part(records: Sequence[Record]) -> Part:
    """Mouth opening beside the speech envelope."""
    return Part(
        "Whether the mouth follows the voice",
        [
            "The opening of a mouth is the gap between the inner edges of the lips, from landmarks "
            "found in the pictures; the envelope is the sound's root mean square around each "
            "frame. Pearson's r of both over a clip is far from 1 in real clips too: lips close in "
            "loud sounds and open in quiet ones. So compare generated clips with real ones, and "
            "with the envelope of another clip, which shares no more than a silent beginning. "
            "A lag is how much later the mouth opens than the envelope rises, where both correlate "
            "best within 0.2 s.",
            _table(records),
            _beside(records),
            _figure(records),
        ],
        headline(records),
    )  # fmt: skip


def follows(records: Sequence[Record], series: str) -> Mean:
    """Correlation of an opening with the envelope of its own sound."""
    return mean(records, lambda r: correlation(*_both(r, series)))


def headline(records: Sequence[Record]) -> list[str]:
    """The results in single sentences."""
    real, made = follows(records, "real"), follows(records, "generated")
    later = averages.mean(records, lambda r: MS * _lag(r)[0])
    return [
        f"mouth opening and speech envelope: r = {made.words(2)} in generated, {real.words(2)} in "
        "real clips",
        f"generated mouths open {later.words(0)} ms after real ones (negative: before), r = "
        f"{averages.mean(records, lambda r: _lag(r)[1]).words(2)} at that lag",
    ]


def _both(record: Record, series: str) -> tuple[np.ndarray, np.ndarray]:
    of = record["series"]
    return np.array(of["envelope"]), np.array(of[series])


def _lag(record: Record) -> tuple[float, float]:
    """Frames by which the generated mouth is later than the real one, and r at that lag."""
    of = record["series"]
    return best_lag(np.array(of["real"]), np.array(of["generated"]))


def _table(records: Sequence[Record]) -> Table:
    rows = []
    for name, series in SERIES.items():
        numbers = {
            "r": follows(records, series),
            "r of another voice": mean_beside(records, series),
            "best r": mean(records, lambda r, s=series: best_lag(*_both(r, s))[1]),
            "lag, ms": mean(records, lambda r, s=series: MS * best_lag(*_both(r, s))[0]),
        }
        rows.append({"mouth": name, **averages.columns(numbers)})
    return Table("synchrony", "Opening of the mouth and envelope of the voice", pd.DataFrame(rows),
                 2)  # fmt: skip


def mean_beside(records: Sequence[Record], series: str) -> Mean:
    """Correlation of an opening with the envelope of the next clip."""
    other = {r["clip"]: records[(i + 1) % len(records)] for i, r in enumerate(records)}
    return mean(records, lambda r: correlation(
        _both(other[r["clip"]], series)[0], _both(r, series)[1]))  # fmt: skip


def _beside(records: Sequence[Record]) -> Table:
    def opening(record: Record, name: str) -> np.ndarray:
        return np.array(record["series"][name])

    def size(name: str) -> Callable[[Record], float]:
        return lambda r: float(opening(r, name).std())

    numbers: Mapping[str, Mean] = {
        "r of the real opening as seen with the exact gap": mean(
            records, lambda r: correlation(opening(r, "gap_mm"), opening(r, "real"))
        ),
        "r of generated with real": mean(
            records, lambda r: correlation(opening(r, "real"), opening(r, "generated"))
        ),
        "best r of generated with real": mean(records, lambda r: _lag(r)[1]),
        "generated later than real, ms": mean(records, lambda r: MS * _lag(r)[0]),
        "range, generated / real": averages.ratio_of(records, size("generated"), size("real")),
    }
    rows = [{"measure": name, "mean": of.mean, "low": of.low, "high": of.high}
            for name, of in numbers.items()]  # fmt: skip
    return Table(
        "openings", "Generated beside real mouths of the same sound", pd.DataFrame(rows), 2,
        "range: standard deviation of the opening over a clip; below 1 the mouth moves too little.",
    )  # fmt: skip


def _figure(records: Sequence[Record]) -> Figure:
    rows = np.linspace(0, len(records) - 1, min(SHOWN, len(records))).round().astype(int)
    chosen = [records[i] for i in rows]
    return Figure(
        "openings_over_time",
        "Opening of the mouth (in distances between the eyes) over time, real and generated; the "
        "grey area is the envelope of the voice.",
        _drawn(chosen),
        "Panels with two lines each, the real and the generated opening, over a grey area.",
    )


def _drawn(records: Sequence[Record]) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Drawing

    across = 2 if len(records) > 1 else 1
    down = -(-len(records) // across)
    drawing: Any = Drawing(figsize=(across * WIDTH, down * HEIGHT), layout="constrained")
    FigureCanvasAgg(drawing)
    panels = drawing.subplots(down, across, squeeze=False, sharey=True).ravel()
    for axes, record in zip(panels, records, strict=False):
        of = {name: np.array(values) for name, values in record["series"].items()}
        times = (np.arange(record["frames"]) + 0.5) / FPS
        highest = max(of["real"].max(), of["generated"].max(), 1e-6)
        loud = of["envelope"] / max(of["envelope"].max(), 1e-6) * highest
        axes.fill_between(times, loud, color=COLOURS["envelope"], lw=0, label="voice")
        for name in ("real", "generated"):
            axes.plot(times, of[name], color=COLOURS[name], lw=1.3, label=name)
        axes.set_title(f"{record['actor']}: {record['emotion']} face, {record['voice']} voice",
                       fontsize=8)  # fmt: skip
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=7)
        axes.set_xlabel("s", fontsize=8)
    for axes in panels[len(records) :]:
        axes.set_visible(False)
    handles, names = panels[0].get_legend_handles_labels()
    drawing.legend(handles, names, loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    file = BytesIO()
    drawing.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return file.getvalue()
