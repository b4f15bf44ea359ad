"""The published studies fill their quotas with valid participants, whoever comes."""

from __future__ import annotations

import pytest

from tests.four_studies import check, played


@pytest.mark.parametrize("name", ["blume2024-experiment2", "eskimez2021-task1"])
def test_lists_fill_exactly_and_exclusions_are_as_declared(tmp_path, name):
    """Everything that is checked stands in `four_studies`, which `make validate` runs for all four.

    There the reports are written, too.
    """
    assert "are valid" in check(played(tmp_path, name), name)
