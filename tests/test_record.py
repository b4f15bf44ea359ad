"""A step that is run again keeps what is current, and makes anew what is not."""

from __future__ import annotations

import os

import pytest

from protocols.record import Record, fingerprint


@pytest.fixture
def made(tmp_path):
    """A folder made from one input, with its record."""
    source = tmp_path / "ratings.csv"
    source.write_text("a,b\n1,2\n")
    out = tmp_path / "report"
    out.mkdir()
    (out / "report.html").write_text("<p>2</p>")
    record = Record(out / ".made-from.json")
    record.write(fingerprint([source], "web"))
    return source, out, record


def test_unchanged_inputs_and_outputs_are_current(made):
    source, _, record = made
    os.utime(source)  # a new date is no change
    assert record.is_current(fingerprint([source], "web"))


def test_a_changed_input_or_setting_is_not_current(made):
    source, _, record = made
    assert not record.is_current(fingerprint([source], "simulation"))
    source.write_text("a,b\n1,3\n")
    assert not record.is_current(fingerprint([source], "web"))


def test_a_missing_or_edited_output_is_not_current(made):
    source, out, record = made
    (out / "report.html").write_text("<p>3</p>")
    assert not record.is_current(fingerprint([source], "web"))
    (out / "report.html").unlink()
    assert not record.is_current(fingerprint([source], "web"))


def test_a_file_that_was_not_written_is_not_current(made):
    source, out, record = made
    (out / "stray.png").write_bytes(b"x")
    assert not record.is_current(fingerprint([source], "web"))


def test_moving_a_byte_from_one_input_to_the_next_is_a_change(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("12")
    second.write_text("3")
    before = fingerprint([first, second])
    first.write_text("1")
    second.write_text("23")
    assert fingerprint([first, second]) != before
