import numpy as np
import pytest

from artgan.errors import InvalidInputError
from artgan.metrics.tiling import seam_ratio


def ramp():
    """A picture that rises by 2 levels a column and 1 a row."""
    y, x = np.mgrid[0:32, 0:48]
    return np.repeat((2 * x + y)[..., None], 3, axis=2).astype(np.uint8)


def test_picture_without_seams_reads_one():
    assert seam_ratio(ramp(), ramp(), rows=[16], columns=[16, 32]) == 1.0


def test_step_at_a_border_is_counted_by_hand():
    tiled = ramp()
    tiled[:, 16:] += 6  # the step across column 16 becomes 8 instead of 2
    assert seam_ratio(tiled, ramp(), columns=[16]) == pytest.approx(4.0)
    # over both borders the mean step is (8 + 2) / 2 instead of 2
    assert seam_ratio(tiled, ramp(), columns=[16, 32]) == pytest.approx(2.5)
    assert seam_ratio(tiled, ramp(), rows=[16]) == 1.0


def test_darker_step_does_not_wrap_around():
    tiled = ramp()
    tiled[:, 16:] -= 12  # a step of 2 - 12 levels
    assert seam_ratio(tiled, ramp(), columns=[16]) == pytest.approx(5.0)


def test_flat_picture_has_no_ratio_but_a_seam_in_it_shows():
    flat = np.full((8, 8, 3), 90, dtype=np.uint8)
    seamed = flat.copy()
    seamed[:, 4:] = 91
    assert seam_ratio(flat, flat, columns=[4]) == 1.0
    assert seam_ratio(seamed, flat, columns=[4]) == float("inf")


@pytest.mark.parametrize(
    ("borders", "words"),
    [({}, "at least one"), ({"rows": [32]}, "from 1 to 31"), ({"columns": [0]}, "from 1 to 47")],
)
def test_borders_that_are_none_or_outside_are_refused(borders, words):
    with pytest.raises(InvalidInputError, match=words):
        seam_ratio(ramp(), ramp(), **borders)
