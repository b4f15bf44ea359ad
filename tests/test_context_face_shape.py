"""The second judge of context faces: what the places of points alone tell."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")

from stimuli.context_faces.checks import VALENCE  # noqa: E402
from stimuli.context_faces.evaluation import series as m_series  # noqa: E402
from stimuli.context_faces.evaluation.held_out import BETWEEN, GRADED  # noqa: E402
from stimuli.context_faces.evaluation.judging import Judge, Sights  # noqa: E402
from stimuli.context_faces.evaluation.reconstruction import TRUE  # noqa: E402
from stimuli.context_faces.evaluation.shape import learned  # noqa: E402
from stimuli.context_faces.poses import EMOTIONS  # noqa: E402
from stimuli.faces.geometry import shrunken  # noqa: E402

FEATURES, PEOPLE = 20, 60
PLEASURE = np.array([VALENCE[emotion] for emotion in EMOTIONS])


def simulated(people: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (A, E, F) and (A, 2, 3, F): a person, m times what the emotion moves, and noise."""
    moves = np.random.default_rng(0).normal(0, 1, (len(EMOTIONS), FEATURES))
    moves[EMOTIONS.index("neutral")] = 0
    rng = np.random.default_rng(seed)
    own = rng.normal(0, 0.2, (people, 1, FEATURES))
    full = own + moves + rng.normal(0, 0.05, (people, len(EMOTIONS), FEATURES))
    half = np.stack([np.outer(BETWEEN, moves[EMOTIONS.index(e)]) for e in GRADED])
    graded = own[:, None] + half + rng.normal(0, 0.05, (people, 2, 3, FEATURES))
    return full, graded


def sights(points: np.ndarray) -> Sights:
    nothing = np.empty((*points.shape[:-1], 0))
    return Sights(np.zeros((*points.shape[:-1], 7)), nothing, nothing, points)


def test_words_and_valence_of_people_that_it_never_saw_are_found_again():
    judge = learned(*simulated(PEOPLE, 1))
    full, graded = (judge.look(sights(points)) for points in simulated(30, 2))
    assert (full.word == TRUE).mean() > 0.97
    assert np.abs(full.valence.mean(0) - PLEASURE).max() < 0.1
    steps = m_series.true_steps(full, graded)
    np.testing.assert_allclose(
        steps, np.outer([VALENCE[e] for e in GRADED], np.full(4, 0.25)), atol=0.04
    )


def test_valence_is_the_least_squares_answer_where_nothing_is_shrunken(monkeypatch):
    monkeypatch.setattr("stimuli.context_faces.evaluation.shape.SHRINKAGE", 0.0)
    full, graded = simulated(PEOPLE, 3)
    judge = learned(full, graded)
    x = np.concatenate([full.reshape(-1, FEATURES), graded.reshape(-1, FEATURES)])
    between = np.outer([VALENCE[e] for e in GRADED], BETWEEN).ravel()
    y = np.concatenate([np.tile(PLEASURE, PEOPLE), np.tile(between, PEOPLE)])
    design = np.column_stack([np.ones(len(x)), x])
    wanted = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    np.testing.assert_allclose(judge.look(sights(x)).valence, wanted, atol=1e-8)


def test_shrinking_keeps_the_trace_and_evens_the_rest_out():
    covariance = np.array([[3.0, 1.0], [1.0, 1.0]])
    np.testing.assert_allclose(shrunken(covariance, 0.25), [[2.75, 0.75], [0.75, 1.25]])


def test_the_first_judge_finds_the_points_of_a_picture():
    pixels = np.random.default_rng(4).integers(0, 256, (2, 64, 64, 3), np.uint8)
    seen = Judge().see(pixels)
    assert seen.points.shape == (2, 136)
    again = Judge().see(pixels[1])
    np.testing.assert_array_equal(again.points, seen.points[1])
