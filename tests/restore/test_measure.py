import numpy as np
import pytest

from artgan.degrade.evaluation import evaluation_crops
from artgan.models.filler import Filler
from artgan.restore.measure import compare_methods, mean_by_method


@pytest.fixture(scope="module")
def rows():
    y, x = np.mgrid[0:80, 0:90]
    smooth = [
        np.stack([x * 2 + k, y * 3 % 256, 255 - x - y // 2], axis=-1).astype(np.uint8)
        for k in range(3)
    ]
    return compare_methods(evaluation_crops(smooth, 64, 6, 0), Filler((4, 8), (1, 1)).eval())


def test_every_crop_has_a_row_with_every_method(rows):
    assert len(rows) == 6
    assert all(0.02 <= row.area_fraction <= 0.35 for row in rows)
    assert set(mean_by_method(rows)) == {
        "model",
        "telea",
        "navier_stokes",
        "prefill",
        "do_nothing",
    }


def test_an_untrained_filler_measures_as_its_prefill(rows):
    for row in rows:
        # halves may be rounded either way
        assert row.model == pytest.approx(row.prefill, abs=0.02)


def test_every_method_beats_doing_nothing_on_smooth_pictures(rows):
    means = mean_by_method(rows)
    for method in ("telea", "navier_stokes", "prefill"):
        assert means[method] > means["do_nothing"] + 10
