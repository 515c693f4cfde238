import numpy as np
import pytest

from artgan.models.classical import inpaint, small_details


@pytest.mark.parametrize("method", ["telea", "navier_stokes"])
def test_a_smooth_picture_is_continued_and_the_rest_left_alone(method):
    rows, columns = np.mgrid[0:40, 0:50]
    truth = np.stack([rows * 4, columns * 4, rows + columns], axis=-1).astype(np.uint8)
    mask = np.zeros((40, 50), dtype=bool)
    mask[15:22, 20:28] = True
    damaged = np.where(mask[..., None], 255, truth).astype(np.uint8)
    filled = inpaint(damaged, mask, method)
    assert np.array_equal(filled[~mask], truth[~mask])
    assert np.abs(filled[mask].astype(int) - truth[mask]).mean() < 12
    otherwise = np.where(mask[..., None], 0, truth).astype(np.uint8)
    assert np.array_equal(filled, inpaint(otherwise, mask, method))


def test_small_details_are_thin_and_of_a_strong_contrast_light_or_dark():
    picture = np.full((60, 60, 3), 120, np.uint8)
    picture[10, 5:55] = 220  # a light line
    picture[20:22, 5:55] = 20  # a dark one
    picture[30, 5:55] = 140  # one of little contrast
    picture[40:58, 10:50] = 250  # a patch
    found = small_details(picture, 9, 48)
    expected = np.zeros((60, 60), bool)
    expected[10, 5:55] = expected[20:22, 5:55] = True
    assert np.array_equal(found[:35], expected[:35])
    assert not found[45:53, 15:45].any()
