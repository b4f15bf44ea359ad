"""What people type is never run by a spreadsheet, and comes back as it was typed."""

from __future__ import annotations

import csv
import io

import pandas as pd
from hypothesis import example, given, settings
from hypothesis import strategies as st

from experiments.export import export
from experiments.importing import import_ratings
from experiments.mapping import Mapping
from protocols.formulas import FORMULA, NUMBER, guard_words, guarded, unguard_words, unguarded
from protocols.ratings import read_participants, read_ratings
from tests.small_study import TINY, make_study
from tests.test_server import QUESTIONNAIRE, Browser

TYPED = '=HYPERLINK("http://x.test","click")'
FREE = "  - {id: thought, type: free-text, question: What does this person think?}\n  - id: feeling"
STARTS = st.sampled_from(["", "=", "+", "-", "@", "'", "''", "'=", "\t", "\r", "-2"])
WORDS = st.builds(str.__add__, STARTS, st.text(max_size=12))


@settings(max_examples=300, deadline=None)
@given(WORDS)
@example("-2+3+cmd|' /C calc'!A0")
def test_a_guarded_cell_is_no_formula_and_gives_the_words_back(words):
    kept = guarded(words)
    assert unguarded(kept) == words
    assert not kept or kept[0] not in "=+-@\t\r" or NUMBER.fullmatch(kept)


@given(st.lists(WORDS, min_size=1, max_size=6), st.floats(-9, 9))
def test_a_whole_table_is_guarded_and_its_numbers_are_left_alone(words, number):
    table = pd.DataFrame({"words": words, "number": number, "mixed": [number, *words[1:]]})
    there = guard_words(table)
    assert (there.number == number).all()
    assert there.mixed[0] == number
    pd.testing.assert_frame_equal(unguard_words(there), table)


def test_formulas_in_answers_are_inert_in_the_exports_and_come_back(tmp_path):
    text = TINY.replace("  - id: feeling", FREE)
    study = make_study(tmp_path / "s", text, pictures=False)
    browser = Browser(study, source="simulation")
    token = browser.start("PID").json()["token"]
    answers = browser.all_answers(token)
    for answer in answers:
        if answer["question"] == "thought":
            del answer["choice"]
            answer["text"] = TYPED if answer["trial"] % 2 else "-1"
    at_the_end = [*QUESTIONNAIRE[:-1], {"question": "remarks", "text": "@SUM(A1)"}]
    browser.post("answers", {"token": token, "answers": [*answers, *at_the_end]})
    assert browser.post("complete", {"token": token}).status_code == 200
    export(study)
    for path in (study.ratings_file, study.participants_file):
        for row in csv.reader(io.StringIO(path.read_text())):
            assert not [cell for cell in row if FORMULA.match(cell) and cell[0] != "'"
                        and not NUMBER.fullmatch(cell)]  # fmt: skip
    typed = read_ratings(study.ratings_file).query("question == 'thought'").label
    assert set(typed) == {TYPED, "-1"}
    assert f"'{TYPED}".replace('"', '""') in study.ratings_file.read_text()
    assert read_participants(study.participants_file).remarks.tolist() == ["@SUM(A1)"]

    other = make_study(tmp_path / "other", text)  # the table travels, as people's
    table = tmp_path / "theirs.csv"
    table.write_text(study.ratings_file.read_text().replace(",simulation,", ",import,"))
    import_ratings(other, table, "import", Mapping())
    export(other)
    again = read_ratings(other.ratings_file).query("question == 'thought'").label
    assert again.tolist() == typed.tolist()
