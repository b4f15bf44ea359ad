"""People beside a model in sentences and tables."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.mixed import engine
from analysis.raters.human_model import OnChoice, OnScale
from analysis.raters.rater_kinds import Kinds
from analysis.text.part import NUMBER, TEXT, Table
from analysis.text.words import (
    count,
    degrees,
    f_test,
    interval,
    listing,
    number,
    p_clause,
    p_value,
    share,
)

MEASURES = {
    "r": ("Pearson correlation", "1: the same order and spacing, whatever level and spread"),
    "rho": ("Spearman correlation", "1: the same order"),
    "ccc": ("Concordance (CCC)", "1: identical ratings"),
    "rmse": ("RMSE (points)", "0: identical ratings"),
    "sagr": ("Sign agreement (SAGR)", "share of stimuli on the same side of the scale's middle"),
    "bias": ("Bias (points)", "mean of model minus people"),
    "lower": ("Lower limit of agreement", "bias − 1.96 SD of the differences"),
    "upper": ("Upper limit of agreement", "bias + 1.96 SD of the differences"),
    "slope": ("Calibration: slope", "1: a point more of the model is a point more of people"),
    "intercept": ("Calibration: intercept", "0, with a slope of 1: calibrated"),
}
BOUNDED = ("r", "rho", "ccc", "sagr")


def about(one: OnScale | OnChoice, question: str) -> str:
    """Who answered what."""
    people = f"{one.people} people" if one.people > 1 else "people"
    text = (
        f"“{question}”: {one.model} (one rater) beside {people}, over the "
        f"{len(one.stimuli)} stimuli that both answered."
    )
    if not one.declared:
        text += (
            " Not declared in analysis.human_model: made because the ratings hold answers of a "
            "model, so treat it as exploratory."
        )
    return text


def concordance(one: OnScale) -> str:
    """How close the model comes to people's means, and to what can be reached."""
    found = one.table.set_index("measure")
    r = found.loc["r"]
    text = (
        f"The model's ratings correlate with the mean ratings of people at r = {share(r.value)}, "
        f"95 % CI [{share(r.low)}, {share(r.high)}]"
    )
    if one.halves is None:
        text += ". There are too few people for a noise ceiling."
    else:
        halves = one.halves
        text += (
            f"; the noise ceiling is {share(halves.ceiling)} (reliability of people's means "
            f"{share(halves.reliability)}, split halves). "
        )
        text += (
            "A model that knew the true means would not be expected to do better."
            if r.high >= halves.ceiling
            else "The model misses differences between stimuli on which people agree."
        )
    if one.one_person == one.one_person:
        text += f" One person correlates with the mean of the others at {share(one.one_person)}."
    bound = one.asked.equivalence
    if bound is not None:
        near = float((one.stimuli.difference.abs() <= bound).mean())
        text += (
            f" {100 * near:.0f} % of the stimuli lie within ±{number(bound)} points of people's "
            "mean."
        )
    return text


def concordance_table(one: OnScale) -> Table:
    """Every measure with its interval."""
    rows = []
    for r in one.table.itertuples():
        name, meaning = MEASURES[str(r.measure)]
        shown = share if r.measure in BOUNDED else number
        value, low, high = (shown(float(v)) for v in (r.value, r.low, r.high))  # type: ignore[arg-type]
        rows.append([name, value, "–" if "NA" in (low, high) else f"[{low}, {high}]", meaning])
    unit = "identities" if one.clustered else "stimuli"
    note = f"Model as x, mean of people as y; intervals: bootstrap over {unit}."
    return Table(["Measure", "Value", "95 % CI", "What it says"], [TEXT, NUMBER, NUMBER, TEXT],
                 rows, f"{one.model} beside people", note)  # fmt: skip


def mixed(one: OnScale) -> list[str]:
    """The mixed model of both kinds: mean difference, equivalence, effects of conditions."""
    kinds = one.kinds
    assert kinds is not None  # only called with a mixed model
    found = kinds.difference
    verb = "differed from" if found.p < 0.05 else "did not differ reliably from"
    out = [
        f"Averaged over conditions, ratings of {one.model} {verb} those of people, b = "
        f"{number(found.value)}, SE = {number(found.se)}, t({degrees(found.df)}) = "
        f"{number(found.t)}, {p_clause(found.p)}, 95 % CI {interval(*found.interval())}."
    ]
    if one.equivalence is None:
        out.append(
            "That two means do not differ reliably does not make them equal: declare "
            "analysis.human_model, equivalence (in points) to test whether the difference is small."
        )
    else:
        test = one.equivalence
        verdict = "was" if test.shown else "was not"
        out.append(
            f"The mean difference {verdict} equivalent to zero within ±{number(test.bound)} points,"
            f" {p_clause(test.p)}, 90 % CI {interval(test.low, test.high)}."
        )
    for factor, joint in kinds.joint.items():
        verb = "differed" if joint[3] < 0.05 else "did not differ reliably"
        out.append(f"The effect of {factor} {verb} between people and {one.model}, "
                   f"{f_test(joint)}.")  # fmt: skip
    return out


def effects_table(kinds: Kinds) -> Table:
    """Effects of the conditions in people, in the model, and their difference."""
    rows = [
        [f"{r.contrast} ({r.factor})", number(r.people), number(r.model), number(r.difference),
         interval(r.low, r.high), degrees(r.df), p_value(r.p)]
        for _, r in kinds.effects.iterrows()
    ]  # fmt: skip
    head = ["Effect", "People", "Model", "Model minus people", "95 % CI", "df", "p"]
    note = (
        "Points; uncorrected p; df: Satterthwaite. “difference” is the model's rating minus a "
        "person's. The model is one fixed rater: nothing is said about other models."
    )
    return Table(head, [TEXT] + [NUMBER] * 6, rows, "Effects in people and in the model", note)


def choice(one: OnChoice) -> str:
    """Agreement of the model's option with people's."""
    value, low, high = one.agreement
    tied = int(one.stimuli.tied.sum())
    text = (
        f"{one.model} chose what most people chose in {100 * value:.1f} % of the stimuli, 95 % CI "
        f"[{100 * low:.1f}, {100 * high:.1f}]"
    )
    text += (
        f" (in {count(tied, 'stimulus', 'stimuli')} with a tie either option counts)."
        if tied
        else "."
    )
    text += f" On average {100 * one.with_a_person:.1f} % of people chose the model's option"
    if one.person_with_person == one.person_with_person:
        text += f"; two people chose the same in {100 * one.person_with_person:.1f} % of cases"
    return f"{text}."


def against_table(one: OnChoice) -> Table:
    """Plurality of people by the model's option, in stimuli."""
    rows = [[str(name), *(str(int(n)) for n in row)] for name, row in one.against.iterrows()]
    return Table(
        ["Most people chose", *map(str, one.against.columns)],
        [TEXT] + [NUMBER] * len(one.against.columns), rows,
        f"Stimuli by people's most frequent option (rows) and that of {one.model} (columns)",
        "Stimuli with a tie are left out.",
    )  # fmt: skip


def headline(one: OnScale | OnChoice) -> str:
    """One comparison in a sentence."""
    if isinstance(one, OnChoice):
        return (
            f"{one.model} chose people's most frequent option in {100 * one.agreement[0]:.0f} % of "
            f"the stimuli ({one.asked.task})."
        )
    ceiling = f" (noise ceiling {share(one.halves.ceiling)})" if one.halves else ""
    return (
        f"{one.model} correlated with people's mean ratings of {one.asked.task} at r = "
        f"{share(one.value('r'))}{ceiling}; bias {number(one.value('bias'))} points."
    )


def method(found: Sequence[OnScale | OnChoice]) -> tuple[list[str], list[str]]:
    """Sentences for the method section, and whom they cite."""
    scales = [one for one in found if isinstance(one, OnScale)]
    text, cited = [], []
    if scales:
        unit = "identities" if all(one.clustered for one in scales) else "stimuli"
        text.append(
            "Ratings of each model were compared with people's mean ratings over stimuli by Pearson"
            " and Spearman correlations, the concordance correlation (CCC; Lin, 1989), root mean "
            "squared error, sign agreement around the middle of the scale (SAGR; Lindt et al., "
            "2019), bias and limits of agreement (Bland & Altman, 1999) and the regression of "
            f"people on model, with percentile intervals of a bootstrap over {unit}. The noise "
            "ceiling is the square root of the reliability of people's mean ratings (1,000 random "
            "split halves, Spearman-Brown)."
        )
        cited += ["Lin, 1989", "Lindt et al., 2019", "Bland & Altman, 1999"]
    modelled = [one for one in scales if one.kinds]
    if modelled:
        by = listing(list(dict.fromkeys(f for one in modelled for f in one.kinds.joint)))  # type: ignore[union-attr]
        text.append(
            f"Rater kind and its interactions{f' with {by}' if by else ''} were tested in a mixed "
            f"model ({engine.name()}) of the difference between the model's rating of a stimulus "
            "and each person's, with random intercepts of participants, stimuli and identities and "
            "random slopes of conditions; the model is one fixed rater."
        )
    if any(one.equivalence for one in scales):
        text.append(
            "Equivalence of the mean ratings was tested with two one-sided tests (Schuirmann, 1987;"
            " Lakens, 2017)."
        )
        cited += ["Schuirmann, 1987", "Lakens, 2017"]
    if any(isinstance(one, OnChoice) for one in found):
        text.append(
            "In forced choices the model's option was compared with the option that most people "
            "chose for the stimulus, with Wilson's (1927) interval."
        )
        cited.append("Wilson, 1927")
    return text, cited
