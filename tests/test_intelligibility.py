"""Words heard, told apart by actor: hard sentences are not the actor's fault."""

import pytest

from stimuli.voices.intelligibility import Heard, accuracy, by_actor, expected


def said(actor, sentence, right, words=10):
    return Heard(actor, "joe", "male", "neutral", 0.0, sentence, right, words, "")


ROWS = [
    said("01", "TSI", 2), said("01", "TSI", 2), said("01", "IEO", 10),
    said("03", "TSI", 2), said("03", "IEO", 10), said("03", "IEO", 10),
    said("05", "IEO", 5),
]  # fmt: skip


def test_an_actor_is_compared_with_others_in_the_same_sentences():
    assert accuracy(r for r in ROWS if r.actor == "01") == pytest.approx(14 / 30)
    # TSI of others: 2 of 10, twice; IEO of others: 25 of 30.
    assert expected(ROWS, "01") == pytest.approx((2 + 2 + 25 / 3) / 30)
    assert expected(ROWS, "05") == pytest.approx(1.0)


def test_only_the_actor_who_is_worse_than_others_is_marked():
    table = by_actor(ROWS)
    assert ["!" in cell for cell in table.columns[6].cells] == [False, False, True]


def test_a_sentence_that_only_one_actor_said_has_no_expectation():
    alone = [said("07", "WSI", 3)]
    assert expected(alone, "07") != expected(alone, "07")  # nan
