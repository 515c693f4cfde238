from copy import deepcopy

import numpy as np
import pytest
import torch

from artgan.errors import InvalidInputError
from artgan.imaging.read import read_rgb
from artgan.models.detector import Detector
from artgan.presets import DETECTED, OPAQUE, DetectionPreset
from artgan.restore.detect import (
    DetectOptions,
    detect_scan,
    enlarged,
    grown,
    wanted,
    working_short_px,
)
from tests.accelerator import needs_cuda
from tests.restore.white import white_detector

CLASSES = DetectionPreset().classes
SHORT_PX = 128


@pytest.fixture(scope="module")
def lively():
    """A detector with lively weights, so that seams would show."""
    torch.manual_seed(0)
    network = Detector((8, 12, 16), (1, 1, 2), CLASSES, SHORT_PX, SHORT_PX // 2).eval()
    with torch.no_grad():
        for weights in network.parameters():
            weights.normal_(0.0, 0.07)
    return network


def scan(height, width, channels=3, dtype=np.uint8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, np.iinfo(dtype).max + 1, (height, width, channels), dtype=dtype)


def patched(height=200, width=260, channels=3, dtype=np.uint8):
    """A dark scan with a white patch and a white speck, and where the patch is."""
    peak = np.iinfo(dtype).max
    pixels = np.full((height, width, channels), peak // 4, dtype)
    pixels[40:80, 100:180] = peak
    pixels[150, 30] = peak
    mask = np.zeros((height, width), bool)
    mask[40:80, 100:180] = True
    return pixels, mask


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("height", "width"), [(203, 331), (129, 511), (1, 1), (37, 5)])
def test_the_result_does_not_depend_on_the_tile_size(lively, dtype, height, width):
    source = scan(height, width, dtype=dtype)
    options = DetectOptions(OPAQUE, finer=1, broad=True)
    whole = detect_scan(source, lively, options, tile_px=1024)
    assert whole.mask.shape == (height, width)
    for tile_px in (32, 64, 128):
        part = detect_scan(source, lively, options, tile_px=tile_px)
        assert np.array_equal(part.probability, whole.probability)
        assert np.array_equal(part.mask, whole.mask)
        assert np.array_equal(part.kinds, whole.kinds)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_white_patch_is_found_in_scans_of_every_kind(dtype, channels):
    pixels, truth = patched(channels=channels, dtype=dtype)
    if channels in (2, 4):
        pixels[..., -1] = np.iinfo(dtype).max
    before = pixels.copy()
    found = detect_scan(pixels, white_detector())
    assert np.array_equal(pixels, before)
    assert np.array_equal(found.mask, truth)  # and the speck of one pixel is too small
    assert found.damaged_fraction == truth.mean()
    assert found.classes[found.kinds[60, 120] - 1] == "losses"


def test_what_is_transparent_is_no_damage():
    pixels, truth = patched(channels=4)
    pixels[..., 3] = 255
    pixels[:, 140:, 3] = 0
    found = detect_scan(pixels, white_detector())
    assert np.array_equal(found.mask, truth & (np.arange(260) < 140))


def test_a_large_scan_is_looked_at_reduced_and_its_mask_has_its_own_size():
    pixels, truth = patched()
    large = pixels.repeat(6, axis=0).repeat(6, axis=1)
    found = detect_scan(large, white_detector(short_side_px=200))
    assert found.probability.shape == (200, 260)
    expected = truth.repeat(6, axis=0).repeat(6, axis=1)
    assert found.mask.shape == expected.shape
    assert (found.mask != expected).mean() < 0.003
    again = detect_scan(pixels, white_detector(short_side_px=200), size=expected.shape)
    assert np.array_equal(again.mask, found.mask)


def test_looking_finer_doubles_the_resolution():
    assert [working_short_px(4000, 512, finer) for finer in range(4)] == [512, 1024, 2048, 4000]
    assert working_short_px(200, 512) == 200


def test_a_mask_that_marks_too_much_needs_review():
    pixels, truth = patched()
    assert not detect_scan(pixels, white_detector()).needs_review
    options = DetectOptions(review_above=0.9 * float(truth.mean()))
    assert detect_scan(pixels, white_detector(), options).needs_review


def test_classes_that_are_not_wanted_are_not_marked():
    pixels, _ = patched()
    cracks = white_detector("craquelure")
    assert not detect_scan(pixels, cracks, DetectOptions(DETECTED)).mask.any()
    found = detect_scan(pixels, cracks, DetectOptions(OPAQUE))
    assert found.mask[60, 120]
    assert next(iter(found.fractions())) == "craquelure"
    stains = white_detector("stain")
    assert not detect_scan(pixels, stains, DetectOptions(OPAQUE)).mask.any()
    assert detect_scan(pixels, stains, DetectOptions(("stain",))).mask[60, 120]


def test_the_union_is_shared_out_among_the_opaque_classes():
    chances = {kind: np.full((1, 1), 0.01) for kind in CLASSES}
    chances |= {"union": np.full((1, 1), 0.9), "tear": np.full((1, 1), 0.5)}
    chances |= {"craquelure": np.full((1, 1), 0.5)}
    together, *_ = wanted(chances, OPAQUE)
    assert together[0, 0] == pytest.approx(0.9)
    together, tear = wanted(chances, ("tear",))
    assert together[0, 0] == pytest.approx(0.9 * 0.5 / 1.04)
    assert tear[0, 0] == 0.5


def test_regions_grow_from_what_is_sure_as_far_as_it_is_likely():
    probability = np.zeros((20, 30))
    probability[2:6, 2:10] = 0.4
    probability[4, 4] = 0.7  # a likely region with a sure pixel
    probability[10:14, 2:10] = 0.5  # likely, sure nowhere
    probability[16, 20] = 0.9  # sure, and too small
    probability[6, 10] = 0.4  # touches the first at a corner
    found = grown(probability, 0.35, 0.6, 4.0)
    expected = np.zeros((20, 30), bool)
    expected[2:6, 2:10] = True
    expected[6, 10] = True
    assert np.array_equal(found, expected)


def test_an_enlarged_mask_keeps_its_area():
    found = np.zeros((16, 16), bool)
    found[4:10, 3:12] = True
    large = enlarged(found, (117, 131))
    assert large.mean() == pytest.approx(found.mean(), rel=0.06)


def test_wrong_questions_are_refused():
    pixels, _ = patched()
    with pytest.raises(InvalidInputError, match="multiple of 32"):
        detect_scan(pixels, white_detector(), tile_px=40)
    with pytest.raises(InvalidInputError, match="must rise from 0 to 1"):
        detect_scan(pixels, white_detector(), DetectOptions(likely=0.7))
    with pytest.raises(InvalidInputError, match="classes must be some of"):
        detect_scan(pixels, white_detector(), DetectOptions(()))
    with pytest.raises(InvalidInputError, match="uint8 or uint16"):
        detect_scan(pixels.astype(np.float32), white_detector())


def test_a_real_scan_of_sixteen_bits_is_looked_at_as_its_eight_bits_are(real_data, lively):
    path = sorted((real_data / "scans" / "ukiyo_e").iterdir())[0]
    eight = read_rgb(path.read_bytes(), 160)
    sixteen = eight.astype(np.uint16) * 257
    ones, others = (detect_scan(one, lively) for one in (eight, sixteen))
    difference = np.abs(ones.probability.astype(int) - others.probability)
    assert difference.max() <= 2  # the averages of 8-bit pixels are rounded to 8 bits


@needs_cuda
def test_a_real_scan_is_looked_at_alike_on_an_accelerator_and_in_tiles(real_data, lively):
    path = sorted((real_data / "scans" / "old_masters").iterdir())[0]
    picture = read_rgb(path.read_bytes(), 300)
    expected, network = detect_scan(picture, lively), deepcopy(lively).cuda()
    for tile_px in (64, 512):
        found = detect_scan(picture, network, tile_px=tile_px)
        apart = np.abs(found.probability.astype(int) - expected.probability)
        assert apart.max() <= 2  # of 255
        assert (found.mask != expected.mask).mean() < 0.001
