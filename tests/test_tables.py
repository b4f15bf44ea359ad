"""A table that is not as its format says ends in one clear sentence, and nothing is misread."""

from __future__ import annotations

import gzip

import pandas as pd
import pytest

from protocols.plain_text import LARGEST, check_plain
from protocols.ratings import read_participants, read_ratings, write_ratings
from protocols.tables import Column, TableError, read_table
from tests.test_exclude import someone, tables

COLUMNS = (
    Column("name", "word", "words"),
    Column("size", "number", "a number"),
    Column("place", "integer", "a whole number", required=False),
    Column("yes", "yes-no", "true or false", required=False),
)
BROKEN = {
    "empty": (b"", "is empty; a table starts with the names of its columns"),
    "nothing but line ends": (b"\n\n\n", "is empty"),
    "UTF-16": ("name,size\na,1\n".encode("utf-16"), "UTF-16 text; accepted: plain text, UTF-8"),
    "Latin-1": ("name,size\na,1\nJürgen,2\n".encode("latin-1"), ":3: found the byte 0xFC ('ü' in"),
    "zero bytes": (b"name,size\na,1\nb\0\0,2\n", ":3: found a byte of value zero"),
    "gzip": (gzip.compress(bytes(10**7)), "compressed (gzip); accepted: plain text"),
    "Excel": (b"PK\x03\x04rest", "a zip file or an Excel workbook"),
    "too few cells": (b"name,size\na,1\nb\n", ":3: the row has 1 cells, the header 2 columns"),
    "too many cells": (b"name,size\na,1\nb,2,3\n", "line 3 has 3 cells, the header 2 columns"),
    "more cells in every row": (b"name,size\na,1,9\nb,2,9\n", ":2: more cells than the header"),
    "quoted, too few": (b'name,size\n"a,b",1\n"c,d"\n', ":3: the row has 1 cells"),
    "open quotation mark": (b'name,size\n"a,1\nb,2\n', "close every quotation mark"),
    "semicolons": (b"name;size\na;1\n", "separated by semicolons: save it with commas"),
    "column twice": (b"name,size,name\na,1,b\n", "the column 'name' stands twice"),
    "column missing": (b"name,sise\na,1\n", "'size' is missing; did you mean 'sise'?"),
    "text as number": (b"name,size\na,1\nb,large\n", ":3: size: found 'large'; accepted: a number"),
    "decimal comma": (b'name,size\na,"1,5"\n', "a number with a point, such as 0.5"),
    "infinity": (b"name,size\na,1e999\n", ":2: size: found '1e999'; accepted: a number"),
    "not a number": (b"name,size\na,nan\n", ":2: size: found 'nan'"),
    "half a place": (b"name,size,place\na,1,2.5\n", ":2: place: found '2.5'; accepted: a whole"),
    "neither yes nor no": (b"name,size,yes\na,1,perhaps\n", "accepted: true or false"),
    "wrong line after blank ones": (b"name,size\n\n\na,x\n", ":4: size: found 'x'"),
    "endless line": (b"name,size\n" + b"x" * 3_000_000, ":2: a line of more than 1,000,000 bytes"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_table_is_refused_in_one_sentence(tmp_path, case):
    content, says = BROKEN[case]
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(TableError) as error:
        read_table(path, COLUMNS, ",")
    assert says in str(error.value)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        b"name,size,place\na,1.5,2\nb,,\n",
        b"\xef\xbb\xbfname,size,place\na,1.5,2\nb,,\n",
        b"name,size,place\r\na,1.5,2\r\nb,,\r\n",
        b"name,size,place\ra,1.5,2\rb,,\r",
        b"name,size,place\n\na,1.5,2\n\n \nb,,\n\n",
        b'"name","size","place"\n"a"," 1.50 ","2"\n"b","",""',
    ],
)
def test_the_same_table_whatever_its_line_ends_marks_and_quotes(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    table = read_table(path, COLUMNS, ",")
    assert table.name.tolist() == ["a", "b"]
    assert table["size"].tolist() == [1.5, pd.NA]
    assert table.place.tolist() == [2, pd.NA]
    assert table.index.tolist() == [0, 1]


def test_a_header_without_rows_is_an_empty_table(tmp_path):
    for text in ("name,size\n", "name,size"):
        (tmp_path / "table.csv").write_text(text)
        assert read_table(tmp_path / "table.csv", COLUMNS, ",").empty


def test_whole_numbers_beyond_53_bits_stay_exact(tmp_path):
    (tmp_path / "table.csv").write_text(f"name,size,place\na,1,{2**63 - 1}\n")
    assert read_table(tmp_path / "table.csv", COLUMNS, ",").place.item() == 2**63 - 1


def test_quoted_cells_may_hold_separators_and_line_ends(tmp_path):
    (tmp_path / "table.csv").write_text('name,size\n"a, b\nc",1\nd,2\n')
    assert read_table(tmp_path / "table.csv", COLUMNS, ",").name.tolist() == ["a, b\nc", "d"]


def test_a_file_of_many_gigabytes_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(10 * 2**30)  # sparse: takes no room on the disk
    with pytest.raises(TableError, match=f"at most|{LARGEST:,}"):
        check_plain(path)


def test_a_folder_or_nothing_is_named_as_such(tmp_path):
    with pytest.raises(TableError, match="is a folder"):
        check_plain(tmp_path)
    with pytest.raises(TableError, match="no such file"):
        check_plain(tmp_path / "none.csv")


def test_copies_and_contradictions_are_told_apart(tmp_path):
    ratings, people = tables(someone("a"))
    path = tmp_path / "ratings.csv"
    copy = pd.concat([ratings, ratings.iloc[[2]]])
    write_ratings(copy, path, ["emotion", "m"])
    with pytest.raises(TableError, match=r"ratings\.csv:11: participant a, trial 3.*same values"):
        read_ratings(path)
    assert len(read_ratings(path, copies=True)) == len(ratings) + 1
    other = ratings.iloc[[2]].assign(response=9)
    write_ratings(pd.concat([ratings, other]), path, ["emotion", "m"])
    for copies in (False, True):
        with pytest.raises(TableError, match="with different values; which is right"):
            read_ratings(path, copies=copies)
    people = pd.concat([people, people.assign(status="incomplete")])
    people.to_csv(tmp_path / "participants.csv", index=False)
    with pytest.raises(TableError, match="participant a stands twice, with different values"):
        read_participants(tmp_path / "participants.csv", copies=True)
