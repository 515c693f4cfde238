import numpy as np
import pytest

from artgan.degrade.evaluation import evaluation_crops, hole_psnr_db
from artgan.models.filler import Filler
from artgan.restore.measure import restorations


@pytest.fixture(scope="module")
def decibels():
    """Hole PSNR of every method on each of six crops of smooth pictures."""
    y, x = np.mgrid[0:80, 0:90]
    smooth = [
        np.stack([x * 2 + k, y * 3 % 256, 255 - x - y // 2], axis=-1).astype(np.uint8)
        for k in range(3)
    ]
    fillers = {"untrained": Filler((4, 8), (1, 1)).eval()}
    return [
        {
            method: hole_psnr_db(picture, crop)
            for method, picture in restorations(crop, fillers, number).items()
        }
        for number, crop in enumerate(evaluation_crops(smooth, 64, 6, 0))
    ]


def test_an_untrained_filler_measures_as_its_prefill(decibels):
    for found in decibels:
        # halves may be rounded either way
        assert found["untrained"] == pytest.approx(found["prefill"], abs=0.02)


@pytest.mark.parametrize("method", ["telea", "navier_stokes", "prefill"])
def test_every_method_beats_doing_nothing_on_smooth_pictures(decibels, method):
    means = {name: np.mean([found[name] for found in decibels]) for name in decibels[0]}
    assert means[method] > means["do_nothing"] + 10
