import numpy as np
import pytest
import torch

from artgan.errors import InvalidInputError, MissingAssetError
from artgan.imaging.read import read_rgb
from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.metrics.robustness import random_signs
from artgan.stylize import protection
from artgan.stylize.protection import changed, protect, protecting_network


@pytest.fixture(scope="module")
def picture(real_data):
    path = min((real_data / "scans/van_gogh").iterdir())
    return np.ascontiguousarray(read_rgb(path.read_bytes(), 96)[:96, :96])


def halved(picture):
    return np.ascontiguousarray(picture[::2, ::2])


def seen(vgg, before, after):
    with torch.inference_mode():
        then, now = (vgg.maps(arrays_to_batch([one])) for one in (before, after))
        return float(changed(now, then))


@pytest.mark.parametrize("codes", [4, 8])
def test_a_small_change_moves_what_a_network_sees_far_more_than_noise_of_its_size(
    vgg, picture, codes
):
    made = protect(picture, vgg, codes, steps=8)
    assert made.shape == picture.shape
    assert 1 <= np.abs(made.astype(int) - picture).max() <= codes
    noise = random_signs(arrays_to_batch([picture]), codes, torch.Generator().manual_seed(0))
    (noisy,) = batch_to_arrays(noise)
    assert seen(vgg, picture, made) > 2 * seen(vgg, picture, noisy)
    ways = seen(vgg, halved(picture), halved(made)), seen(vgg, halved(picture), halved(noisy))
    assert ways[0] > ways[1]
    assert np.array_equal(made, protect(picture, vgg, codes, steps=8))


def test_a_picture_of_many_tiles_is_changed_everywhere_within_the_bound(vgg, picture, monkeypatch):
    monkeypatch.setattr(protection, "TILE_PX", 40)
    part = np.ascontiguousarray(picture[:70, :93])
    made = protect(part, vgg, 4, steps=1)
    apart = np.abs(made.astype(int) - part)
    assert apart.max() <= 4
    for row in np.array_split(apart, 7):
        for cell in np.array_split(row, 9, axis=1):
            assert cell.max() >= 1


def test_what_is_too_small_or_without_weights_is_refused(vgg, picture, tmp_path):
    with pytest.raises(InvalidInputError, match="at least 16 px to be protected"):
        protect(np.ascontiguousarray(picture[:12]), vgg, 4)
    with pytest.raises(MissingAssetError, match="or leave protection out"):
        protecting_network(str(tmp_path))
