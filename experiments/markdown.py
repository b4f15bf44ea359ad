"""The researcher's Markdown as HTML that cannot do harm.

Headings, lists, tables, emphasis and links stay; scripts, styles, forms and pictures from other
places go.
"""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

TAGS = {"h1", "h2", "h3", "h4", "p", "br", "hr", "ul", "ol", "li", "strong", "em", "b", "i", "u",
        "sub", "sup", "blockquote", "code", "pre", "a", "table", "thead", "tbody", "tr", "th",
        "td", "span", "div"}  # fmt: skip
_READER = MarkdownIt("commonmark").enable("table")


def to_html(text: str) -> Markup:
    """Sanitised HTML; links open in a new tab, so that the study stays open."""
    return Markup(
        nh3.clean(
            _READER.render(text),
            tags=TAGS,
            attributes={"a": {"href", "title"}, "ol": {"start"}},
            url_schemes={"https", "http", "mailto"},
            set_tag_attribute_values={"a": {"target": "_blank"}},
        )
    )
