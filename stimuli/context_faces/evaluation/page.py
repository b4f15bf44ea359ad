"""The page of an evaluation, from its parts: evaluation.md, evaluation.html, and the files in them.

The Markdown names the figures beside it; the HTML holds them, so that it can be sent alone.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

import pandas as pd

from protocols.tables import write_table, write_whole
from stimuli.context_faces.evaluation.part import Figure, Part, Table

NAME = "evaluation"
NOTHING = "–"  # where there is no number
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fff; }
table { border-collapse: collapse; margin: .5rem 0; font-size: .9rem; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid #ddd; text-align: left; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .4rem 0; }
.scroll { overflow-x: auto; }
figure { margin: 1rem 0; } img { max-width: 100%; }
p, li, figcaption { max-width: 52rem; }
figcaption, .note { font-size: .9rem; color: #555; }
"""


def write_page(title: str, parts: Sequence[Part], folder: Path) -> Path:
    """Write everything into `folder`; returns the path of the HTML page."""
    for part in parts:
        for block in part.blocks:
            if isinstance(block, Table):
                write_table(block.frame, folder / f"{block.name}.csv", ",")
            elif isinstance(block, Figure):
                write_whole(folder / f"{block.name}.png", block.png)
    write_whole(folder / f"{NAME}.md", markdown(title, parts).encode())
    path = folder / f"{NAME}.html"
    write_whole(path, html(title, parts).encode())
    return path


def markdown(title: str, parts: Sequence[Part]) -> str:
    """The page as Markdown, with tables as GitHub writes them."""
    lines = [f"# {title}", ""]
    lines += [f"- {line}" for part in parts for line in part.headline]
    for part in parts:
        lines += ["", f"## {part.title}"]
        for block in part.blocks:
            lines.append("")
            if isinstance(block, Table):
                lines += _markdown_table(block)
            elif isinstance(block, Figure):
                lines += [f"![{block.alt}]({block.name}.png)", "", f"*{block.caption}*"]
            else:
                lines.append(block)
    return "\n".join([*lines, ""])


def html(title: str, parts: Sequence[Part]) -> str:
    """The page as one HTML file."""
    said = "".join(f"<li>{escape(line)}</li>" for part in parts for line in part.headline)
    body = [f"<h1>{escape(title)}</h1>", f"<ul>{said}</ul>" if said else ""]
    for part in parts:
        body.append(f"<h2>{escape(part.title)}</h2>")
        for block in part.blocks:
            if isinstance(block, Table):
                body.append(_html_table(block))
            elif isinstance(block, Figure):
                picture = base64.b64encode(block.png).decode()
                body.append(
                    f'<figure><img alt="{escape(block.alt)}" src="data:image/png;base64,{picture}">'
                    f"<figcaption>{escape(block.caption)}</figcaption></figure>"
                )
            else:
                body.append(f"<p>{escape(block)}</p>")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>"
        + "\n".join(body)
        + "</body></html>\n"
    )


def _markdown_table(table: Table) -> list[str]:
    bar = ["---:" if number else "---" for number in _numbers(table.frame)]
    head = [str(c) for c in table.frame.columns]
    rows = [[cell.replace("|", "\\|") for cell in row] for row in (head, bar, *_cells(table))]
    lines = [f"**{table.caption}**", "", *(f"| {' | '.join(row)} |" for row in rows)]
    return [*lines, "", table.note] if table.note else lines


def _html_table(table: Table) -> str:
    kinds = [' class="number"' if number else "" for number in _numbers(table.frame)]
    head = "".join(
        f'<th scope="col"{kind}>{escape(str(c))}</th>'
        for c, kind in zip(table.frame.columns, kinds, strict=True)
    )
    rows = [
        "".join(f"<td{kind}>{escape(c)}</td>" for c, kind in zip(row, kinds, strict=True))
        for row in _cells(table)
    ]
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    return (
        f'<div class="scroll"><table><caption>{escape(table.caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{note}"
    )


def _numbers(frame: pd.DataFrame) -> list[bool]:
    return [pd.api.types.is_numeric_dtype(frame[column]) for column in frame.columns]


def _cells(table: Table) -> list[list[str]]:
    return [
        [
            _p_words(value) if column in table.probabilities else _words(value, table.digits)
            for column, value in zip(table.frame.columns, row, strict=True)
        ]
        for row in table.frame.itertuples(index=False, name=None)
    ]


def _p_words(p: float) -> str:
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def _words(value: object, digits: int) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)
