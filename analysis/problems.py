"""What can go wrong with a model, said plainly: a code, what was found, and what to do.

A `Problem` stands in the report beside the model that it concerns. An `AnalysisError` means that a
model, or the whole report, cannot be made; the command shows its one message.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocols.errors import UserError

ADVICE = {
    "SINGULAR": (
        "Some variance or correlation cannot be told apart from zero (or one). The fixed effects "
        "can be used; a simpler random part (|| instead of |, or fewer slopes) should give much "
        "the same result: fit it as a check and report both."
    ),
    "NOT_CONVERGED": (
        "The estimates may be wrong. Simplify the random part, and compare with report/models.R "
        "before anything is published."
    ),
    "RANK_DEFICIENT": (
        "Some effects cannot be told apart with these data. Take an effect out of the formula, or "
        "collect the cells that are missing."
    ),
    "FEW_LEVELS": (
        "A variance from fewer than five groups is hardly estimable, and effects do not generalise "
        "beyond these groups."
    ),
    "SEPARATION": (
        "Where all answers are the same, the effect has no largest plausible value: its estimate "
        "and standard error mean nothing. Report the shares of answers there, take the effect out "
        "of the formula, or join levels; effects that are not named can be used."
    ),
    "SLOPE_NOT_WITHIN": (
        "A random slope needs a factor that varies within the group. Take it out of the bracket."
    ),
    "SCALE": (
        "Results here do not depend on units, but R stops short with such numbers: the script "
        "models.R may show another fit. Divide the variable by a power of ten before you compare."
    ),
    "SLOPES_EXPANDED": (
        "With || each column of a factor gets a variance of its own and no correlations. lme4 "
        "itself would keep the correlations of a factor; the R script spells the columns out."
    ),
    "MISSING_LEVEL": (
        "Collect ratings for this level, or take the factor out of the formula of this model."
    ),
    "SATTERTHWAITE_INSTEAD": (
        "Kenward and Roger's method needs restricted maximum likelihood and is meant for small "
        "samples. With samples as large as this one both methods give much the same result; "
        "report Satterthwaite's."
    ),
    "NOT_FITTED": "Do what the reason says, or leave the model out and say so.",
    "NOT_NESTED": (
        "A likelihood-ratio test needs a simpler formula whose every effect, fixed and random, is "
        "in the model too. Take effects out of the model's formula, and add none."
    ),
    "INFLUENTIAL": (
        "Look at the raw ratings of those named. If nothing is wrong with them, keep them, and "
        "report the result without them beside."
    ),
    "STILL_SINGULAR": (
        "Even the smallest random part is singular: some group does not differ more than chance "
        "lets it. Effects can be used; the random intercept stays, as ratings belong together."
    ),
    "ALL_ALIKE": (
        "The protocol assumes that participants and items do not differ here, but people do: power "
        "is lower than this. Set participant_follow_sd and identity_follow_sd under "
        "simulation.tasks, in logits (.5 to 1 is usual), or use a pilot."
    ),
    "FEW_SIMULATIONS": (
        "Good for a first look only: the intervals are wide. Run the same command with "
        "--simulations 500 or more; those done are kept."
    ),
    "SIMULATIONS_FAILED": (
        "Where the model could not be fitted, the test counts as not significant. The column test "
        "of runs.csv says why. Plan more ratings, or simplify the random part."
    ),
    "OFTEN_SINGULAR": (
        "The random part is more than such data can tell apart. Power is right for the planned "
        "model as it is, but expect a singular fit, and say beforehand what you will do then."
    ),
    "PILOT_EFFECTS": (
        "A pilot's effects are uncertain, and too large on average if the pilot was chosen for "
        "them. Plan with the smallest effect of interest too: --scale 0.5, for instance."
    ),
    "PILOT_SINGULAR": (
        "The pilot estimates a variance of zero, or a correlation of one, which is hardly true: "
        "this power is likely too high. Collect a larger pilot, or state variances in the protocol."
    ),
    "ENGINES_DIFFER": (
        "Two programs that fit the same model should say the same. Report the fit with the higher "
        "likelihood, and say so; simplify the random part if both are singular."
    ),
    "ENGINE_FAILED": (
        "The numbers shown are those of mien's own engine. Read what R says, or run models.R in R "
        "by itself."
    ),
    "TOO_FEW_RATINGS": (
        "Collect more ratings, or take slopes out of the random part of the formula."
    ),
    "FEW_CLUSTERS": (
        "Intervals over so few are rough, and say little about other people. Collect more."
    ),
    "FEW_PAIRS": (
        "With fewer than six pairs that differ no signed-rank test can be significant at .05. "
        "Collect more participants."
    ),
    "NOT_TOLD_APART": (
        "Face and voice never disagree in these answers, so their weights cannot be told apart. "
        "Show stimuli in which they do."
    ),
    "COPIES": "Nothing needs to be done; find out how the copies came into the table.",
    "OTHER_STUDY": "Make sure that this is the table of this study.",
    "UNKNOWN_QUESTION": "They are set aside. Correct the table or the tasks of the protocol.",
    "OFF_SCALE": (
        "They are set aside. Correct them, or leave the cell empty where an answer is missing."
    ),
    "OTHER_LABEL": (
        "Which of the two is right cannot be told, so they are set aside. Correct response or "
        "label."
    ),
    "UNKNOWN_LEVEL": "They are set aside. Correct the table or the factors of the protocol.",
    "UNKNOWN_STIMULUS": "They count as they stand, but cannot be checked against the stimuli.",
    "NOT_AS_MANIFEST": (
        "Which of the two is right cannot be told, so they are set aside. Correct the table, or "
        "put the stimuli that were shown back into the folder."
    ),
    "NOT_IN_PARTICIPANTS": (
        "They are set aside, as nobody knows whether they may count. Add these participants to "
        "participants.csv."
    ),
    "SAME_CODE": "If they are different people, give each their own code.",
    "NO_ANSWERS": "Look for the missing answers, or expect fewer data than were planned.",
    "UNKNOWN_RATERS": (
        "No exclusion rule can be applied. Intervals are over identities or stimuli: they say how "
        "far results hold for others of these, not how far they hold for other raters."
    ),
    "ONE_PARTICIPANT": "Nothing here holds for anybody else. Collect more participants.",
    "NO_IDENTITY": "Models with identities leave these answers out. Fill the column identity.",
    "ONE_IDENTITY": "Effects may be those of this one face or voice. Show more identities.",
    "ONE_LEVEL": "No effect of this factor can be estimated. Collect ratings of its other levels.",
    "EMPTY_CELLS": (
        "Effects that need them cannot be estimated. Collect them, or take the factor or "
        "interaction out of the formulas."
    ),
    "NO_VARIANCE": "There is nothing to explain: no model of this task can be fitted.",
    "MISSING_ANSWERS": (
        "They are left out. If answers are missing more often in some conditions than in others, "
        "results may be biased."
    ),
    "OTHER_IDENTITIES": (
        "Both studies show different identities, so that a difference between the studies may be "
        "one between faces. Show the same identities in both."
    ),
    "REAL_AND_SIMULATED": "It says nothing about people. Compare real with real answers.",
    "MODEL_OFF_SCALE": (
        "Bring the model's ratings to the scale that people used before they are compared; a "
        "correlation is meaningful as it is, all other measures are not."
    ),
}


@dataclass(frozen=True)
class Problem:
    """One thing to know about a model: `code` (a key of ADVICE) and what was found."""

    code: str
    found: str

    @property
    def advice(self) -> str:
        """What to do about it."""
        return ADVICE[self.code]


class AnalysisError(UserError):
    """A model or report that cannot be made; the message says where, what and what to do."""

    def __init__(self, found: str, code: str | None = None) -> None:
        """`code`, a key of ADVICE, adds the advice to what was found."""
        super().__init__(found if code is None else f"{found}. {ADVICE[code]}")
        self.problem = None if code is None else Problem(code, found)
