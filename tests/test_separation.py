"""The classifier behind the check of prosody, against distributions whose best answer is known."""

import numpy as np
import pytest
from scipy.stats import norm

pytest.importorskip("pyworld", reason="pyworld-prebuilt (extra stimuli) is not installed")

from stimuli.actors.cast import load_cast
from stimuli.voices.library import load_speech
from stimuli.voices.prosody_check import SIX, measured
from stimuli.voices.sentences import SENTENCES, two_sentences
from stimuli.voices.separation import confusion, train


def test_the_discriminant_is_as_good_as_any_can_be():
    """Two normal classes d Mahalanobis units apart: Phi(d / 2) of new rows are right."""
    rng = np.random.default_rng(5)
    mix = np.array([[1.0, 0.9], [0.0, 0.3]])
    apart = np.array([0.0, 0.6])
    y = rng.integers(0, 2, 20000)
    x = rng.standard_normal((20000, 2)) @ mix + y[:, None] * apart
    d = np.sqrt(apart @ np.linalg.solve(mix.T @ mix, apart))
    right = np.mean(train(x[:4000], y[:4000])(x[4000:]) == y[4000:])
    assert right == pytest.approx(norm.cdf(d / 2), abs=0.02)


def test_no_sentence_is_both_taught_and_tried():
    pairs = [two_sentences(n) for n in range(52)]
    first, last = map(set, zip(*pairs, strict=True))
    assert first | last == set(SENTENCES)
    assert not first & last


def test_emotions_are_told_apart_in_voices_and_sentences_never_heard():
    ids = [person.id for person in load_cast()]
    voices = {
        actor: measured([load_speech(actor, c) for c in two_sentences(ids.index(actor))], SIX)
        for actor in ids[:8]
    }
    for new_actors in (False, True):
        counts = confusion(voices, new_actors=new_actors)
        assert counts.sum() == 48
        assert np.trace(counts) > 24  # chance 8, and 15 would be p < .01
