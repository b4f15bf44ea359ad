"""What the report says about one effect in two studies."""

from __future__ import annotations

from analysis.figures.raters import two_studies
from analysis.problems import ADVICE
from analysis.raters.beside import FORMULA, Beside
from analysis.text.part import (
    NUMBER,
    TEXT,
    Block,
    Bullets,
    Caution,
    Code,
    Drawing,
    Heading,
    Paragraph,
    Part,
    Table,
)
from analysis.text.words import count, degrees, interval, listing, number, p_clause, p_value
from protocols.protocol import Protocol

VERDICTS = {
    "different": "the effects differ",
    "equivalent": "the effects are equivalent",
    "different, but within the bound": "the effects differ, but by less than the bound",
    "undecided": "undecided: neither a difference nor equivalence is shown",
    "not shown to differ": "not shown to differ; without a bound nothing is said about equality",
}


def beside_part(found: list[Beside], absent: list[str], protocol: Protocol) -> Part | None:
    """Each comparison made, and sentences on those that were not; nothing if none was planned.

    Args:
        found: comparisons made.
        absent: sentences on what could not be made, and how to make it.
        protocol: of this study.
    """
    if not found and not absent:
        return None
    blocks: list[Block] = [Paragraph(sentence) for sentence in absent]
    tables, pictures, headline, method = {}, {}, [], []
    for i, one in enumerate(found, start=1):
        name = f"beside-{i}"
        tables[name] = one.table
        pictures[name] = two_studies(
            one.table, (protocol.name, one.asked.study), _effect(one), one.at or "",
            one.asked.equivalence,
        )  # fmt: skip
        blocks += _blocks(one, name)
        headline.append(_headline(one))
        method.append(_method(one))
    cited = ["Blume et al., 2024"] if found else []
    cited += ["Holm, 1979"] if any(one.asked.adjust == "holm" for one in found) else []
    if any(one.asked.equivalence for one in found):
        cited += ["Schuirmann, 1987", "Lakens, 2017"]
    return Part("Beside another study", blocks, tables, pictures, method, cited, headline)


def _effect(one: Beside) -> str:
    return f"{one.levels[1]} minus {one.levels[0]}"


def _blocks(one: Beside, name: str) -> list[Block]:
    shared, every = one.shared
    blocks: list[Block] = [
        Heading(f"{one.asked.by} here and in {one.asked.study}"),
        Paragraph(
            f"Does {one.asked.by} ({_effect(one)}) change ratings of {one.task} here as it does in "
            f"{one.asked.study}? {_models(one)} of {one.people[0]} participants here and "
            f"{one.people[1]} there, who are different people; {shared} of {every} identities "
            "are shown in both studies."
        ),
        Code(FORMULA.format(by=one.asked.by).replace("rating", one.task)),
        *_cautions(one),
        Bullets(_sentences(one)),
        Paragraph(_closest(one)),
        _table(one),
        Drawing(name, _caption(one), _alt(one)),
    ]
    return blocks


def _models(one: Beside) -> str:
    return f"One mixed model for each level of {one.at}" if one.at else "One mixed model"


def _cautions(one: Beside) -> list[Block]:
    blocks: list[Block] = []
    if one.simulated[0] != one.simulated[1]:
        which = "here" if one.simulated[0] else f"in {one.asked.study}"
        found = f"The ratings {which} are simulated, the others real."
        blocks.append(_caution("REAL_AND_SIMULATED", found))
    for level, problem in one.problems:
        at = f"{one.at} = {level}: " if one.at else ""
        blocks.append(Caution(problem.code, f"{at}{problem.found}. {problem.advice}"))
    blocks += [
        Caution("MISSING_LEVEL", f"No model at {one.at} = {level}: {why}")
        for level, why in one.failures.items()
    ]
    if not one.shared[0]:
        blocks.append(_caution("OTHER_IDENTITIES", "No identity is shown in both studies."))
    return blocks


def _caution(code: str, found: str) -> Caution:
    return Caution(code, f"{found} {ADVICE[code]}")


def _sentences(one: Beside) -> list[str]:
    """Every level in one sentence: difference, its test, equivalence, and what both say."""
    holm = one.asked.adjust == "holm" and len(one.table) > 1
    out = []
    for _, row in one.table.iterrows():
        at = f"At {one.at} = {row['at']}, " if one.at else ""
        after = f", Holm-adjusted {p_clause(row.p_adjusted)}" if holm else ""
        text = (
            f"{at}the effect was {number(row.here)} here and {number(row.there)} there, difference "
            f"b = {number(row.difference)}, SE = {number(row.difference_se)}, "
            f"t({degrees(row.df)}) = {number(row.t)}, {p_clause(row.p)}{after}"
        )
        if one.asked.equivalence is not None:
            adjusted = "Holm-adjusted " if holm else ""
            text += (
                f"; equivalence within ±{number(one.asked.equivalence)} points: "
                f"{adjusted}{p_clause(row.p_equivalence_adjusted)}, 90 % CI "
                f"{interval(row.low90, row.high90)}"
            )
        out.append(f"{text[0].upper()}{text[1:]}: {VERDICTS[row.verdict]}.")
    return out


def _closest(one: Beside) -> str:
    """Which level equals the other study's effect, as far as the tests tell."""
    if not one.at:
        return _no_bound(one)
    equal = one.table[one.table.verdict.isin(["equivalent", "different, but within the bound"])]
    closest = one.table.set_index("at").loc[one.closest]
    text = (
        f"The two effects are most alike at {one.at} = {one.closest} (difference "
        f"{number(closest.difference)}, 95 % CI "
        f"{interval(closest.difference_low, closest.difference_high)})."
    )
    if one.asked.equivalence is None:
        return f"{text} {_no_bound(one)}"
    if len(equal):
        levels = listing(list(equal["at"]))
        return (
            f"{text} Equal to the effect in {one.asked.study}, within "
            f"±{number(one.asked.equivalence)} points: {one.at} = {levels}."
        )
    return (
        f"{text} At no level of {one.at} is the effect shown to equal that in {one.asked.study} "
        f"within ±{number(one.asked.equivalence)} points."
    )


def _no_bound(one: Beside) -> str:
    if one.asked.equivalence is not None:
        return ""
    return (
        "A difference that is not significant is not equality: declare analysis.beside, "
        "equivalence (in points) to test whether it is small."
    )


def _table(one: Beside) -> Table:
    bound, holm = one.asked.equivalence, one.asked.adjust == "holm" and len(one.table) > 1
    head = [one.at or "", "Here", "There", "Difference", "95 % CI", "df", "p"]
    head += ["p (Holm)"] if holm else []
    head += ["90 % CI", "p (equivalence)"] if bound else []
    head += ["p (equivalence, Holm)"] if bound and holm else []
    rows = []
    for _, r in one.table.iterrows():
        row = [str(r["at"]), number(r.here), number(r.there), number(r.difference)]
        row += [interval(r.difference_low, r.difference_high), degrees(r.df), p_value(r.p)]
        row += [p_value(r.p_adjusted)] if holm else []
        row += [interval(r.low90, r.high90), p_value(r.p_equivalence)] if bound else []
        row += [p_value(r.p_equivalence_adjusted)] if bound and holm else []
        rows.append([*row, VERDICTS[r.verdict]])
    kinds = [TEXT, *[NUMBER] * (len(head) - 1), TEXT]
    note = (
        f"Effects: {_effect(one)}, points. df: Satterthwaite. The random effects let identities "
        "differ in the effect, alike in both studies; if an identity works in one study and not in "
        "the other, the difference is less sure than its interval says."
    )
    return Table([*head, "Verdict"], kinds, rows, "Effects in both studies", note)


def _caption(one: Beside) -> str:
    text = (
        f"The effect of {one.asked.by} ({_effect(one)}) here and in {one.asked.study}, and the "
        "difference. Bars: 95 % intervals of the mixed models."
    )
    if one.asked.equivalence is not None:
        text += (
            f" Grey: ±{number(one.asked.equivalence)} points; where the thick 90 % interval lies "
            "inside, the two one-sided tests (uncorrected) show equivalence."
        )
    return text


def _alt(one: Beside) -> str:
    rows = [
        f"{one.at or 'all'} {r['at']}: here {number(r.here)}, there {number(r.there)}, difference "
        f"{number(r.difference)}".replace("all :", "all:")
        for _, r in one.table.iterrows()
    ]
    return "; ".join(rows)


def _headline(one: Beside) -> str:
    words: dict[str, list[str]] = {}
    for _, row in one.table.iterrows():
        words.setdefault(VERDICTS[row.verdict], []).append(str(row["at"]))
    said = [f"{v} at {one.at} = {listing(levels)}" if one.at else v for v, levels in words.items()]
    return f"{one.asked.by} here and in {one.asked.study}: {'; '.join(said)}."


def _method(one: Beside) -> str:
    levels = f"separately for each level of {one.at}, " if one.at else ""
    text = (
        f"The effect of {one.asked.by} on {one.task} was compared with that in {one.asked.study} "
        f"(as in Blume et al., 2024): {levels}we fitted mixed models with {one.asked.by}, study "
        f"and their interaction, and random intercepts and slopes of {one.asked.by} for "
        "participants (of either study) and identities."
    )
    if one.asked.equivalence is not None:
        text += (
            f" Two one-sided tests asked whether the difference lies within "
            f"±{number(one.asked.equivalence)} points (Schuirmann, 1987; Lakens, 2017)."
        )
    if one.asked.adjust == "holm" and len(one.table) > 1:
        text += f" Both tests were corrected for {count(len(one.table), 'level')} (Holm, 1979)."
    return text
