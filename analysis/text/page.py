"""How a report looks: one HTML file that needs nothing else.

Parts hold tables as words and pictures as SVG; the templates only place them. Jinja2 escapes every
word, so that text from a protocol or a participant cannot become markup.
"""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from analysis.figures.charts import Picture

TEMPLATES = Path(__file__).parent / "templates"
WIDTH = re.compile(rb'<svg[^>]* width="([0-9.]+)pt"')
ENLARGED = 1.22  # the page's letters are larger than those of a printed figure
NO_BREAK = "\N{NO-BREAK SPACE}"
SYMBOL = re.compile(
    r"\b(?P<name>b|SE|OR|ICC|CCC|RMSE|SD|t|z|p|F|r|d)(?P<df>\([\d., ]+\))?"
    r"(?P<sign> (?:=|&lt;|&gt;) )(?=[\d.\N{MINUS SIGN}])"
)


def html(template: str, **content: Any) -> str:
    """A page from one of the templates and what it places."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"apa": apa, "svg": _svg, "jpeg": _jpeg, "width": _width}
    return environment.get_template(template).render(**content)


def apa(text: str) -> Markup:
    """Statistical symbols in italics, and no line break inside `p = .033`."""
    safe = str(escape(text))
    return Markup(SYMBOL.sub(_symbol, safe))


def _symbol(found: re.Match[str]) -> str:
    sign = found["sign"].replace(" ", NO_BREAK)
    return f"<i>{found['name']}</i>{found['df'] or ''}{sign}"


def _svg(picture: Picture) -> str:
    return _address(picture.svg, "image/svg+xml")


def _width(picture: Picture) -> str:
    """How wide a figure stands on the page, in CSS: as drawn, so that all have one size of type."""
    found = WIDTH.search(picture.svg)
    return f"{float(found[1]) * ENLARGED:.0f}pt" if found else "34rem"


def _jpeg(content: bytes) -> str:
    return _address(content, "image/jpeg")


def _address(content: bytes, media_type: str) -> str:
    """`content` as an address that needs no network."""
    return f"data:{media_type};base64,{b64encode(content).decode()}"
