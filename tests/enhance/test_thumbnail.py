import cv2
import numpy as np
import pytest

from artgan.enhance.thumbnail import Looking, look_at


def picture(height, width, channels=3, dtype=np.uint8, seed=0):
    peak = np.iinfo(dtype).max
    values = np.random.default_rng(seed).integers(0, peak, (height, width, channels))
    return values.astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(1, 1), (5, 90), (32, 32), (97, 203)])
def test_the_look_does_not_depend_on_how_a_scan_is_cut(size, dtype):
    scan = picture(*size, dtype=dtype)
    whole = look_at(scan).thumbnail
    assert whole.shape == (32, 32, 3)
    for height in (1, 7, 64):
        looking = Looking(*size)
        for top in range(0, size[0], height):
            looking.add(scan[top : top + height])
        assert np.array_equal(looking.look().thumbnail, whole)


def test_cells_are_averages_as_opencv_has_them():
    scan = picture(128, 96)
    expected = cv2.resize(scan.astype(np.float32) / 255, (32, 32), interpolation=cv2.INTER_AREA)
    assert look_at(scan).thumbnail == pytest.approx(expected, abs=1e-5)


def test_grey_is_told_from_colour_and_alpha_is_not_looked_at():
    grey = np.repeat(picture(40, 40, 1), 3, axis=2)
    assert look_at(grey).is_grey
    assert look_at(picture(40, 40, 2)).is_grey
    almost = grey.copy()
    almost[39, 39, 2] ^= 1
    assert not look_at(almost).is_grey
    alpha = np.concatenate([grey, picture(40, 40, 1, seed=1)], axis=2)
    assert look_at(alpha).is_grey
    assert np.array_equal(look_at(alpha).thumbnail, look_at(grey).thumbnail)
