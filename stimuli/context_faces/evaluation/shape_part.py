"""What the second judge makes of the same pictures (`shape`): tables, a figure, sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from stimuli.context_faces.evaluation import reconstruction, series, series_figures
from stimuli.context_faces.evaluation.contrast import NOTE, contrast
from stimuli.context_faces.evaluation.judged_pictures import JudgedPictures
from stimuli.context_faces.evaluation.judging import Sights
from stimuli.context_faces.evaluation.part import Block, Figure, Table
from stimuli.context_faces.evaluation.series import NEUTRAL, Verdict, steps, verdict_row
from stimuli.context_faces.evaluation.shape import ShapeJudge
from stimuli.context_faces.evaluation.stacking import stacked
from stimuli.context_faces.poses import EMOTIONS

WAYS = ("given back by the decoder", "neutral, changed")


@dataclass(frozen=True)
class ShapeOutcome:
    """One model: what is kept of words, and whether m does what it says."""

    kept: pd.DataFrame  # of WAYS, by emotion and all
    verdict: Verdict
    levels: pd.DataFrame
    contrast: pd.DataFrame


@dataclass(frozen=True)
class SecondOpinion:
    """All models, and true pictures at the same m."""

    originals: Sights
    true: str
    models: Mapping[str, ShapeOutcome]

    @staticmethod
    def of(
        judge: ShapeJudge, originals: Sights, graded: Sights,
        outcomes: Mapping[str, JudgedPictures],
    ) -> SecondOpinion:  # fmt: skip
        """Sights are the first judge's; it finds the points."""
        own = judge.look(originals)
        weaker = judge.look(graded)
        true = steps(series.true_steps(own, weaker))
        models = {}
        for name, one in outcomes.items():
            seen = judge.look(one.of_series)
            models[name] = ShapeOutcome(
                _kept(judge, own, one), series.verdict(one.series, seen, own),
                series.by_level(one.series, seen), contrast(seen, own, weaker),
            )  # fmt: skip
        return SecondOpinion(own, true, models)

    def blocks(self) -> list[Block]:
        """Tables and a figure of all models."""
        rows = [verdict_row(name, one.verdict) for name, one in self.models.items()]
        levels = {name: one.levels for name, one in self.models.items()}
        return [
            Table("shape-judged", "What the places of 68 points alone tell before and after",
                  stacked(self.models, lambda one: one.kept), 3,
                  "A second judge, who learned from true pictures of mien's actors 01 to 28, and "
                  "sees neither skin nor teeth."),
            Table("shape-verdicts", "Whether m does what it says, by these points",
                  pd.DataFrame(rows), 3,
                  "Valence is linear in the points. Steps of true pictures: " + self.true + "."),
            Table("shape-contrast", "Happy minus angry voices at each m, by these points",
                  stacked(self.models, lambda one: one.contrast), 3, NOTE),
            Figure("shape-valence-over-m", "The second judge's valence over m, by voice; dashes at "
                   "the right edge: true pictures at full strength.",
                   series_figures.valence_over_m(levels, self.originals.valence.mean(0)),
                   "Lines of mean valence over five levels of m, one for each emotion of a voice."),
        ]  # fmt: skip

    def headline(self) -> list[str]:
        """The results in single sentences."""
        lines = []
        for name, one in self.models.items():
            every = one.kept[one.kept.emotion.str.startswith("all")].set_index("pictures")
            words = ", ".join(f"{way} {every.kept[way]:.3f}" for way in WAYS)
            lines += [
                f"{name}: a second judge, who sees 68 points alone: of "
                f"{every.originals[WAYS[0]]:.3f} of originals named right are kept: {words}",
                f"{name}: by it, {series.rising(one.verdict)}; {series.apart(one.verdict)}",
            ]
        return [*lines, f"by it, valence of true pictures at the same m: {self.true}"]


def _kept(judge: ShapeJudge, own: Sights, one: JudgedPictures) -> pd.DataFrame:
    back, changed = judge.look(one.of_made), judge.look(one.of_changed)
    return pd.concat([
        reconstruction.judged(own, back).assign(pictures=WAYS[0]),
        reconstruction.judged(own, changed, [EMOTIONS[NEUTRAL]]).assign(pictures=WAYS[1]),
    ])  # fmt: skip
