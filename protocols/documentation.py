"""`docs/tables.md`, written from the formats themselves: `python -m protocols.documentation`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from protocols import clips, manifest, prepared, ratings, trials
from protocols.generators import CORPORA, FACTORS, GENERATORS, LOOK_FACTORS
from protocols.tables import Column, write_whole

PAGE = Path(__file__).parents[1] / "docs" / "tables.md"
HEAD = """# The tables of a study

Plain text, UTF-8. Empty means missing. The factors of the protocol are columns too, after
`identity` (in the manifest after `origin`). This page is written from the formats themselves.
"""


def page() -> str:
    """The whole page, as Markdown."""
    parts = [
        HEAD,
        _table("stimuli/stimuli.tsv, the manifest: one row per stimulus", manifest.COLUMNS),
        _table("plan/trials.csv, the plan: one row per slot and trial", trials.COLUMNS),
        _table("ratings.csv: one row per response", ratings.COLUMNS),
        _table("participants.csv: one row per participant", ratings.PEOPLE),
        "Answers of the questionnaire are further columns: `<id>` in words, `<id>_response` as a "
        "number. `prolific_…` is what [Prolific's demographic data]"
        "(importing.md#age-and-sex-from-prolific) say.\n",
        "In both tables, a cell of words that begins with `=`, `+`, `-` or `@` and is no number "
        "has an apostrophe before it, so that no spreadsheet runs it; mien reads it without.\n",
        _table("clips.tsv, a prepared corpus: one row per clip", clips.COLUMNS),
        _table("arrays/index.tsv, its arrays: one row per clip", prepared.INDEX_COLUMNS),
        _table("arrays/unusable.tsv, what could not be prepared", prepared.UNUSABLE_COLUMNS),
        _generators(),
    ]
    return "\n".join(parts)


def _table(title: str, columns: Sequence[Column]) -> str:
    rows = [f"## {title}\n", "| column | holds | meaning |", "|---|---|---|"]
    for column in columns:
        holds = " / ".join(column.words) or column.kind
        unit = f" ({column.unit})" if column.unit else ""
        may = "" if column.required else "; may be empty or absent"
        rows.append(f"| `{column.name}` | {holds} | {column.meaning}{unit}{may} |")
    return "\n".join(rows) + "\n"


def _generators() -> str:
    rows = [
        "## Generators, factors, corpora\n",
        "| generator | makes | needs | knows too | corpora |",
        "|---|---|---|---|---|",
    ]
    families = {}
    for name, generator in GENERATORS.items():
        families[f"`{name}`"] = generator
        for kind, clip in generator.clips.items():
            families[f"`{name}`, `clip: {{kind: {kind}}}`"] = clip
    for name, generator in families.items():
        needs = ", ".join(generator.needs)
        if generator.one_for_all:
            needs += f"; or {generator.one_for_all} for all of these"
        if generator.instead:
            needs += f"; or {' and '.join(generator.instead)} in place of these"
        looks = LOOK_FACTORS if generator.media == "image" else ()
        knows = (*generator.knows, *looks)
        others = (", ".join(part) or "–" for part in (knows, generator.corpora))
        rows.append(f"| {name} | {generator.meaning} | {needs} | {' | '.join(others)} |")
    rows += ["", "| factor | meaning | levels |", "|---|---|---|"]
    for name, factor in FACTORS.items():
        levels = ", ".join(factor.words) or (
            f"{factor.low:g} … {factor.high:g}" if factor.numeric else "any word"
        )
        rows.append(f"| `{name}` | {factor.meaning} | {levels} |")
    rows += ["", "| corpus | what |", "|---|---|"]
    rows += [f"| `{name}` | {meaning} |" for name, meaning in CORPORA.items()]
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    write_whole(PAGE, page().encode())
