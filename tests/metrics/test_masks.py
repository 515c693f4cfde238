import numpy as np
import pytest

from artgan.metrics.masks import altered, f1, precision, recall


def masks(seed, share):
    rng = np.random.default_rng(seed)
    return [rng.random((12, 9)) < share, rng.random((5, 20)) < share]


def test_they_count_the_pixels_of_all_pictures_together():
    found = [np.array([[True, True], [False, False]]), np.array([[False, False]])]
    truth = [np.array([[True, False], [True, False]]), np.array([[True, True]])]
    # one pixel of two marked is right, and one of four damaged is marked
    assert precision(found, truth) == 0.5
    assert recall(found, truth) == 0.25
    assert f1(found, truth) == pytest.approx(1 / 3)


def test_f1_is_the_harmonic_mean():
    found, truth = masks(0, 0.3), masks(1, 0.4)
    parts = precision(found, truth), recall(found, truth)
    assert f1(found, truth) == pytest.approx(2.0 / sum(1.0 / part for part in parts))
    assert precision(found, truth) == recall(truth, found)


def test_nothing_found_is_zero_and_everything_right_is_one():
    truth = masks(2, 0.5)
    nothing = [np.zeros_like(mask) for mask in truth]
    for one in (precision, recall, f1):
        assert one(nothing, truth) == 0.0
        assert one(truth, nothing) == 0.0
        assert one(truth, truth) == 1.0


def test_each_undamaged_picture_counts_the_same():
    small, large = np.ones((2, 2), bool), np.zeros((100, 100), bool)
    assert altered([small, large]) == 0.5
