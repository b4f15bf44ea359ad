"""The researcher's Markdown as the plain lines that PsychoPy draws.

One paragraph, heading or item of a list is one line; `# ` marks a heading, `- ` or `1. ` an item.
An empty line stands between them. Emphasis and links lose their marks and keep their words.
"""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.token import Token

_READER = MarkdownIt("commonmark").enable("table")


def to_lines(text: str) -> str:
    """The text of a page, ready to be written to a file of `texts/`."""
    blocks: list[str] = []
    lists: list[int | None] = []  # open lists: number of the last item, None without numbers
    mark, cell = "", False
    for token in _READER.parse(text):
        if token.type == "heading_open":
            mark = "# "
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            numbered = token.type == "ordered_list_open"
            lists.append(int(token.attrGet("start") or 1) - 1 if numbered else None)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            lists.pop()
        elif token.type == "list_item_open":
            if lists[-1] is not None:
                lists[-1] += 1
            mark = "- " if lists[-1] is None else f"{lists[-1]}. "
        elif token.type == "tr_open":
            blocks.append("")
        elif token.type in ("th_open", "td_open"):
            cell = True
        elif token.type == "inline" and cell:
            blocks[-1] += ("   " if blocks[-1] else "") + _words(token)
            cell = False
        elif token.type == "inline":
            blocks.append(mark + _words(token))
            mark = ""
        elif token.type in ("code_block", "fence"):
            blocks.append(token.content.strip())
    return "\n\n".join(block for block in blocks if block) + "\n"


def _words(token: Token) -> str:
    """The words of a line, without marks; line ends within a paragraph are spaces."""
    out = []
    for child in token.children or []:
        if child.type in ("softbreak", "hardbreak"):
            out.append(" ")
        elif child.type in ("text", "code_inline"):
            out.append(child.content)
    return " ".join("".join(out).split())
