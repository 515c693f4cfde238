import numpy as np
import pytest

from artgan.metrics.seams import seam_ratio


def test_a_wave_that_closes_has_no_seam_and_one_that_does_not_has_one():
    at = np.arange(64)
    whole = 127 + 100 * np.sin(2 * np.pi * at / 64 + 0.4)
    closed = (whole[:, None] + whole[None, :])[..., None] / 2 + np.zeros(3)
    broken = closed[:48, :48]
    assert seam_ratio(closed.astype(np.uint8)) == pytest.approx(1.0, abs=0.6)
    assert seam_ratio(broken.astype(np.uint8)) > 10


def test_the_ratio_is_of_means_over_places_and_colours():
    picture = np.zeros((4, 6, 3), np.uint8)
    picture[:, 3:] = 60
    # two of six columns have a step of 60, one of them at the border; no row has any
    assert seam_ratio(picture) == pytest.approx(60 / (60 * 2 / 6))


def test_noise_reads_one_on_average_and_a_flat_tile_one():
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(20)]
    assert np.mean([seam_ratio(one) for one in noise]) == pytest.approx(1.0, abs=0.02)
    assert seam_ratio(np.full((8, 8, 3), 7, np.uint8)) == 1.0
