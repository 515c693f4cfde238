import numpy as np
import pytest

from artgan.models.classical import inpaint


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
