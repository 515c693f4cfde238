import numpy as np
import pytest

from artgan.metrics.borders import border_ratio


def test_a_wave_that_closes_has_no_seam_and_one_that_does_not_has_one():
    at = np.arange(64)
    whole = 127 + 100 * np.sin(2 * np.pi * at / 64 + 0.4)
    closed = (whole[:, None] + whole[None, :])[..., None] / 2 + np.zeros(3)
    broken = closed[:48, :48]
    assert border_ratio(closed.astype(np.uint8)) == pytest.approx(1.0, abs=0.2)
    assert border_ratio(broken.astype(np.uint8)) > 10


def test_the_ratio_is_of_the_border_to_the_four_places_on_either_side():
    picture = np.zeros((4, 12, 3), np.uint8)
    picture[:, 6:] = 60
    picture[:, 2:6] = 20
    # steps: 60 across the border, 20 before the third column, 40 before the seventh; no row has any
    assert border_ratio(picture) == pytest.approx(60 / (20 / 8))


def test_noise_reads_one_on_average_and_a_flat_tile_one():
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(20)]
    assert np.mean([border_ratio(one) for one in noise]) == pytest.approx(1.0, abs=0.02)
    assert border_ratio(np.full((8, 8, 3), 7, np.uint8)) == 1.0
