import numpy as np
import pytest

from artgan.errors import InvalidInputError
from artgan.stylize.color import (
    REGULARISATION,
    ColorStatistics,
    color_map,
    measure_colors,
    pool_colors,
    transfer_colors,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def picture(rng, height=300, width=40, low=60, high=190):
    return rng.integers(low, high, (height, width, 3), dtype=np.uint8)


def gaussian(rng):
    root = rng.normal(size=(3, 3)) / 5
    return ColorStatistics(rng.random(3), root @ root.T)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_statistics_are_those_of_numpy_over_all_bands(rng, dtype):
    peak = np.iinfo(dtype).max
    values = rng.integers(0, peak, (700, 9, 3), dtype=dtype)
    measured = measure_colors(values)
    flat = values.reshape(-1, 3) / peak
    np.testing.assert_allclose(measured.mean, flat.mean(0), atol=1e-12)
    np.testing.assert_allclose(measured.covariance, np.cov(flat.T, bias=True), atol=1e-12)


def test_pooling_equal_works_is_measuring_them_together(rng):
    works = [picture(rng), picture(rng, low=0, high=90)]
    pooled = pool_colors([measure_colors(work) for work in works])
    together = measure_colors(np.concatenate(works))
    np.testing.assert_allclose(pooled.mean, together.mean, atol=1e-12)
    np.testing.assert_allclose(pooled.covariance, together.covariance, atol=1e-12)


def test_the_map_reaches_mean_and_covariance(rng):
    content, style = gaussian(rng), gaussian(rng)
    matrix, offset = color_map(content, style)
    np.testing.assert_allclose(matrix @ content.mean + offset, style.mean, atol=1e-12)
    ridge = REGULARISATION * np.eye(3)
    reached = matrix @ (content.covariance + ridge) @ matrix.T
    np.testing.assert_allclose(reached, style.covariance + ridge, atol=1e-10)
    # of the maps that reach it, only the least-moving one is symmetric and positive
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-10)
    assert np.linalg.eigvalsh(matrix).min() > 0


def test_a_picture_keeps_its_own_colours(rng):
    work = picture(rng)
    assert np.array_equal(transfer_colors(work, measure_colors(work)), work)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_result_has_the_styles_statistics(rng, dtype):
    scale = np.iinfo(dtype).max // 255
    work = picture(rng).astype(dtype) * dtype(scale)
    style = ColorStatistics(np.array([0.4, 0.5, 0.6]), np.diag([0.004, 0.01, 0.006]))
    result = transfer_colors(work, style)
    assert result.dtype == dtype
    measured = measure_colors(result)
    # half a level of rounding, and the ridge on both sides
    np.testing.assert_allclose(measured.mean, style.mean, atol=0.002)
    np.testing.assert_allclose(measured.covariance, style.covariance, atol=2e-4)


def test_strength_goes_straight_from_nothing_to_all(rng):
    work = picture(rng)
    style = ColorStatistics(np.array([0.5, 0.4, 0.6]), 0.003 * np.eye(3))
    before = work.copy()
    none, half, full = (transfer_colors(work, style, s) for s in (0.0, 0.5, 1.0))
    assert np.array_equal(none, work)
    assert np.array_equal(work, before)
    middle = (work.astype(float) + full) / 2
    assert np.abs(half - middle).max() <= 1.0


def test_a_picture_of_one_colour_takes_the_styles_mean():
    flat = np.full((5, 7, 3), 77, np.uint8)
    style = ColorStatistics(np.array([0.2, 0.4, 0.8]), 0.01 * np.eye(3))
    assert (transfer_colors(flat, style) == [51, 102, 204]).all()
    assert transfer_colors(flat[:1, :1], style).shape == (1, 1, 3)


def test_content_of_the_own_collection_keeps_differences_between_works(rng):
    dark, light = picture(rng, high=90), picture(rng, low=150)
    content = pool_colors([measure_colors(dark), measure_colors(light)])
    style = ColorStatistics(np.array([0.5, 0.5, 0.5]), 0.01 * np.eye(3))
    own = [transfer_colors(work, style).mean() for work in (dark, light)]
    shared = [transfer_colors(work, style, content=content).mean() for work in (dark, light)]
    assert abs(own[1] - own[0]) < 1
    assert shared[1] - shared[0] > 20


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (0, 4, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(InvalidInputError, match="picture must be a uint8 or uint16 array"):
        measure_colors(np.zeros(shape, np.uint8))


def test_floats_and_impossible_strengths_are_refused(rng):
    style = gaussian(rng)
    with pytest.raises(InvalidInputError, match="float64"):
        transfer_colors(np.zeros((2, 2, 3)), style)
    with pytest.raises(InvalidInputError, match="strength must lie in"):
        transfer_colors(picture(rng), style, 1.1)
    with pytest.raises(InvalidInputError, match="at least one work"):
        pool_colors([])
