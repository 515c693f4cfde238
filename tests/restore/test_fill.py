import numpy as np
import pytest
import torch

from artgan.degrade.masks import random_mask
from artgan.errors import InvalidInputError
from artgan.models.filler import Filler
from artgan.restore.fill import dilate_mask, fill_scan, hole_depth_px


@pytest.fixture(scope="module")
def filler():
    """A filler with lively weights: far from the identity, so that seams would show."""
    torch.manual_seed(0)
    network = Filler((8, 12, 16), (1, 1, 2)).eval()
    with torch.no_grad():
        for weights in network.parameters():
            weights.normal_(0.0, 0.06)
    return network


def scan(height, width, channels=3, dtype=np.uint8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, np.iinfo(dtype).max + 1, (height, width, channels), dtype=dtype)


def damage(height, width, seed=0):
    side = max(height, width, 16)
    return random_mask(side, np.random.default_rng(seed))[:height, :width]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(("height", "width"), [(37, 131), (64, 64), (5, 3)])
def test_everything_outside_the_mask_is_the_source(filler, dtype, channels, height, width):
    source = scan(height, width, channels, dtype)
    mask = np.zeros((height, width), dtype=bool)
    mask[height // 3 : height // 2 + 1, width // 3 : width // 2 + 1] = True
    original = source.copy()
    filled = fill_scan(source, mask, filler)
    assert np.array_equal(source, original)
    assert filled.pixels.dtype == dtype
    assert np.array_equal(filled.pixels[~mask], source[~mask])
    assert not np.array_equal(filled.pixels[mask], source[mask])
    assert filled.unchanged_verified
    changed = (filled.pixels != source).any(axis=2)
    assert filled.changed_pixels == changed.sum() <= mask.sum()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("height", "width"), [(203, 331), (256, 192), (300, 101)])
def test_the_result_does_not_depend_on_the_tile_size(filler, dtype, height, width):
    source, mask = scan(height, width, dtype=dtype), damage(height, width, 3)
    whole = fill_scan(source, mask, filler, tile_px=1024).pixels
    for tile_px in (32, 64, 128):
        assert np.array_equal(fill_scan(source, mask, filler, tile_px).pixels, whole)


def test_sixteen_bits_are_kept(filler):
    source = scan(64, 64, dtype=np.uint16)
    filled = fill_scan(source, damage(64, 64), filler)
    inside = filled.pixels[filled.mask_effective]
    # eight bits widened to sixteen would be multiples of 257
    assert (inside % 257 != 0).mean() > 0.9
    eight = fill_scan((source >> 8).astype(np.uint8), damage(64, 64), filler)
    difference = inside / 65535 - eight.pixels[filled.mask_effective] / 255
    assert np.abs(difference).mean() < 0.01


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_copied(filler, channels):
    source = scan(48, 48, channels)
    filled = fill_scan(source, damage(48, 48), filler)
    assert np.array_equal(filled.pixels[..., -1], source[..., -1])


def test_grey_stays_grey_and_does_not_depend_on_how_it_is_stored(filler):
    grey, mask = scan(48, 48, 1), damage(48, 48)
    one = fill_scan(grey, mask, filler).pixels
    three = fill_scan(np.repeat(grey, 3, axis=2), mask, filler).pixels
    assert np.array_equal(np.repeat(one, 3, axis=2), three)


def test_what_lies_under_the_mask_is_ignored(filler):
    source, mask = scan(64, 80), damage(64, 80)
    spoiled = np.where(mask[..., None], 255, source).astype(np.uint8)
    first, second = fill_scan(source, mask, filler), fill_scan(spoiled, mask, filler)
    assert np.array_equal(first.pixels, second.pixels)


def test_an_empty_mask_changes_nothing(filler):
    source = scan(40, 40)
    filled = fill_scan(source, np.zeros((40, 40), dtype=bool), filler)
    assert np.array_equal(filled.pixels, source)
    assert filled.changed_pixels == 0


def test_the_mask_grows_by_a_thousandth_of_the_short_side(filler):
    source, mask = scan(1100, 1030), np.zeros((1100, 1030), dtype=bool)
    mask[500, 500] = True
    effective = fill_scan(source, mask, filler).mask_effective
    assert effective.sum() == 5
    small = fill_scan(source[:500, :500], np.eye(500, dtype=bool), filler)
    assert np.array_equal(small.mask_effective, np.eye(500, dtype=bool))


def test_deep_holes_do_not_depend_on_the_tile_size_either(filler):
    source, mask = scan(230, 301), np.zeros((230, 301), dtype=bool)
    mask[40:151, 60:191] = True
    whole = fill_scan(source, mask, filler, tile_px=1024)
    assert np.array_equal(whole.pixels[~mask], source[~mask])
    for tile_px in (32, 96):
        assert np.array_equal(fill_scan(source, mask, filler, tile_px).pixels, whole.pixels)


def test_a_network_that_corrects_nothing_leaves_deep_holes_smooth():
    """Filling at half the size first must neither shift nor darken anything."""
    rows, columns = np.mgrid[0:201, 0:255]
    source = np.stack([rows, columns, (rows + columns) // 2], axis=-1).astype(np.uint8)
    mask = np.zeros((201, 255), dtype=bool)
    mask[80:121, 100:155] = True
    filled = fill_scan(source, mask, Filler((4, 8), (1, 1)).eval()).pixels
    error = filled.astype(float) - source
    assert np.abs(error[mask]).max() < 16
    assert abs(error[mask].mean()) < 1


def test_depth_is_the_distance_to_the_nearest_known_pixel():
    mask = torch.zeros(1, 1, 40, 60)
    mask[..., 10:31, :] = 1
    assert hole_depth_px(mask) == pytest.approx(11.0, abs=0.6)
    mask[..., :31, :] = 1  # a hole that reaches the frame is known from one side only
    assert hole_depth_px(mask) == pytest.approx(31.0, abs=1.5)


def test_dilation_is_a_disc():
    mask = np.zeros((21, 21), dtype=bool)
    mask[10, 10] = True
    grown = dilate_mask(mask, 4)
    rows, columns = grown.nonzero()
    assert np.hypot(rows - 10, columns - 10).max() <= 4.5
    assert grown[10, 6]
    assert grown[14, 10]
    assert not grown[14, 14]


def test_unfit_scans_and_masks_are_refused(filler):
    source = scan(32, 32)
    with pytest.raises(InvalidInputError, match="scan must be uint8 or uint16"):
        fill_scan(source.astype(np.float32), damage(32, 32), filler)
    with pytest.raises(InvalidInputError, match="scan must be uint8 or uint16"):
        fill_scan(source[..., 0], damage(32, 32), filler)
    with pytest.raises(InvalidInputError, match="mask must be bool"):
        fill_scan(source, damage(32, 32).astype(np.uint8), filler)
    with pytest.raises(InvalidInputError, match="must be bool of shape"):
        fill_scan(source, damage(32, 31), filler)
    with pytest.raises(InvalidInputError, match="some pixels known"):
        fill_scan(source, np.ones((32, 32), dtype=bool), filler)
    with pytest.raises(InvalidInputError, match="multiple of 32"):
        fill_scan(source, damage(32, 32), filler, tile_px=48)
