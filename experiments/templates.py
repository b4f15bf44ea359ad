"""Jinja2 templates: a file in the study's own folder takes the place of mien's of the same name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from experiments.errors import StudyError


def fill(template: str, places: Sequence[Path], *, html: bool, **given: Any) -> str:
    """A template, from the first of `places` that has it, filled in.

    Args:
        template: name of the file.
        places: folders, the study's own first.
        html: whether words are made safe for a page.
        given: what the template may use; anything else that it names is an error.

    Raises:
        StudyError: the template is wrong.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(places), autoescape=html, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=not html,
    )  # fmt: skip
    try:
        return environment.get_template(template).render(**given)
    except jinja2.TemplateError as error:
        place = getattr(error, "filename", None) or places[0]
        raise StudyError(f"{place}: {error.message or error}; see mien's own templates") from None
