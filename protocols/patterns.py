"""Regular expressions in mappings: file names and cells whose named groups become columns."""

from __future__ import annotations

import re

from protocols.section import fail

MOST_PATTERN = 500  # letters of a regular expression


def check_pattern(pattern: str, *at: str | int) -> str:
    """`pattern`, if it is a regular expression with a named group; else an error at `at`."""
    if len(pattern) > MOST_PATTERN:
        raise fail(f"more than {MOST_PATTERN} letters", *at)
    try:
        groups = re.compile(pattern).groupindex
    except re.error as error:
        raise fail(f"not a regular expression: {error}", *at) from None
    if not groups:
        raise fail("needs a named group such as (?P<identity>...)", *at)
    return pattern
