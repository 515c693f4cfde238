import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from artgan.errors import InvalidInputError
from artgan.metrics.colour_difference import ciede2000, srgb_to_lab
from artgan.metrics.paired import (
    boundary_ratio,
    delta_e00,
    max_abs_change_outside,
    ms_ssim,
    psnr,
    ssim,
    texture_ratio,
)


def noise(h, w, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (h, w, 3), dtype=np.uint8)


def flat(value, h=16, w=16):
    return np.full((h, w, 3), value, dtype=np.uint8)


def left_half(h, w):
    mask = np.zeros((h, w), dtype=bool)
    mask[:, : w // 2] = True
    return mask


def test_psnr_of_an_even_error_is_the_closed_form():
    assert psnr(flat(110), flat(100)) == pytest.approx(20.0 * math.log10(255 / 10))
    # 5 - 250 wraps in uint8 arithmetic; the error must not
    assert psnr(flat(5), flat(250)) == pytest.approx(20.0 * math.log10(255 / 245))


def test_psnr_of_equal_pictures_is_infinite():
    assert psnr(noise(9, 7), noise(9, 7)) == math.inf


def test_psnr_in_a_mask_ignores_the_rest():
    truth = noise(10, 20)
    result = truth.copy()
    result[:, 10:] = 255 - result[:, 10:]
    mask = left_half(10, 20)
    assert psnr(result, truth, mask) == math.inf
    assert psnr(result, truth, ~mask) < psnr(result, truth) < math.inf


def test_ssim_is_one_for_equal_pictures_and_symmetric():
    x, y = noise(20, 30), noise(20, 30, seed=1)
    assert ssim(x, x) == pytest.approx(1.0)
    assert ssim(x, y) == pytest.approx(ssim(y, x))
    assert ssim(x, y) < 0.5


def test_ssim_of_flat_pictures_is_the_closed_form():
    c1 = (0.01 * 255) ** 2
    wanted = (2 * 100 * 140 + c1) / (100**2 + 140**2 + c1)
    assert ssim(flat(100), flat(140)) == pytest.approx(wanted, rel=1e-9)


def test_ssim_of_one_window_is_the_definition_with_gaussian_weights():
    x, y = noise(11, 11), noise(11, 11, seed=1)
    offsets = np.arange(-5, 6)
    weight = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    weight /= weight.sum()
    a, b = (picture @ np.array([0.299, 0.587, 0.114]) for picture in (x, y))
    ma, mb = (weight * a).sum(), (weight * b).sum()
    va, vb = (weight * (a - ma) ** 2).sum(), (weight * (b - mb) ** 2).sum()
    cov = (weight * (a - ma) * (b - mb)).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    wanted = (2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
    assert ssim(x, y) == pytest.approx(wanted, rel=1e-9)


def test_ssim_in_a_mask_ignores_what_is_farther_than_a_window():
    truth = noise(20, 60)
    result = truth.copy()
    result[:, 40:] = 0
    assert ssim(result, truth, left_half(20, 60)) == pytest.approx(1.0)
    assert ssim(result, truth, ~left_half(20, 60)) < 0.6


def test_ssim_of_a_picture_smaller_than_its_window_is_refused():
    with pytest.raises(InvalidInputError, match="11 x 11"):
        ssim(noise(10, 40), noise(10, 40))


def test_ms_ssim_of_flat_pictures_is_the_lightness_of_the_coarsest_scale():
    c1 = (0.01 * 255) ** 2
    lightness = (2 * 100 * 140 + c1) / (100**2 + 140**2 + c1)
    found = ms_ssim(flat(100, 180, 190), flat(140, 180, 190))
    assert found == pytest.approx(lightness**0.1333, rel=1e-9)


def test_ms_ssim_is_one_for_equal_pictures_symmetric_and_falls_with_the_noise():
    smooth = gaussian_filter(noise(200, 176).astype(float), (8, 8, 0)) * 6 - 640
    truth = np.clip(smooth, 0, 255).astype(np.uint8)
    grain = np.random.default_rng(1).normal(0, 1, truth.shape)
    results = [np.clip(truth + sigma * grain, 0, 255).astype(np.uint8) for sigma in (0, 4, 16, 64)]
    found = [ms_ssim(result, truth) for result in results]
    assert found[0] == pytest.approx(1.0)
    assert found == sorted(found, reverse=True)
    assert found[3] < 0.9
    assert ms_ssim(truth, results[2]) == pytest.approx(found[2])


def test_ms_ssim_of_an_inverted_picture_is_zero_and_no_complex_number():
    picture = noise(176, 176)
    assert ms_ssim(255 - picture, picture) == 0.0


def test_ms_ssim_of_a_picture_smaller_than_its_coarsest_window_is_refused():
    with pytest.raises(InvalidInputError, match="176 x 176"):
        ms_ssim(noise(175, 400), noise(175, 400))


# published pairs: L*, a*, b* twice, and the difference
SHARMA = [
    (50, 2.6772, -79.7751, 50, 0, -82.7485, 2.0425),
    (50, -1.3802, -84.2814, 50, 0, -82.7485, 1.0000),
    (50, 0, 0, 50, -1, 2, 2.3669),
    (50, 2.49, -0.001, 50, -2.49, 0.0009, 7.1792),
    (50, 2.49, -0.001, 50, -2.49, 0.0011, 7.2195),
    (50, -0.001, 2.49, 50, 0.0009, -2.49, 4.8045),
    (50, -0.001, 2.49, 50, 0.0011, -2.49, 4.7461),
    (50, 2.5, 0, 50, 0, -2.5, 4.3065),
    (50, 2.5, 0, 73, 25, -18, 27.1492),
    (50, 2.5, 0, 61, -5, 29, 22.8977),
    (50, 2.5, 0, 56, -27, -3, 31.9030),
    (50, 2.5, 0, 58, 24, 15, 19.4535),
    (50, 2.5, 0, 50, 3.1736, 0.5854, 1.0000),
    (60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644),
    (63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630),
    (61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731),
    (35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645),
    (22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373),
    (36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146),
    (90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441),
    (90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381),
    (6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377),
    (2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082),
]


def test_ciede2000_gives_the_published_differences_both_ways():
    pairs = np.array(SHARMA)
    np.testing.assert_allclose(ciede2000(pairs[:, :3], pairs[:, 3:6]), pairs[:, 6], atol=6e-5)
    np.testing.assert_allclose(ciede2000(pairs[:, 3:6], pairs[:, :3]), pairs[:, 6], atol=6e-5)


def test_lab_of_known_colours():
    codes = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 0, 255]], dtype=np.uint8)
    wanted = [[0, 0, 0], [100, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86]]
    np.testing.assert_allclose(srgb_to_lab(codes), wanted, atol=0.02)


def test_delta_e00_is_zero_for_equal_pictures_and_a_hundred_from_black_to_white():
    assert delta_e00(noise(8, 8), noise(8, 8)) == 0.0
    assert delta_e00(flat(0), flat(255)) == pytest.approx(100.0, abs=0.01)


def test_delta_e00_in_a_mask_ignores_the_rest():
    truth = noise(10, 20)
    result = truth.copy()
    result[:, 10:] = 0
    assert delta_e00(result, truth, left_half(10, 20)) == 0.0
    assert delta_e00(result, truth, ~left_half(10, 20)) > 5.0


def test_largest_change_outside_the_mask_is_found_in_either_direction_and_depth():
    source = noise(10, 20)
    mask = left_half(10, 20)
    result = source.copy()
    result[:, :10] = 0
    assert max_abs_change_outside(result, source, mask) == 0
    source[3, 15], result[3, 15] = 250, 3
    assert max_abs_change_outside(result, source, mask) == 247
    deep = np.zeros((4, 4), dtype=np.uint16)
    changed = deep.copy()
    changed[0, 0] = 60_000
    assert max_abs_change_outside(changed, deep, np.zeros((4, 4), dtype=bool)) == 60_000
    assert max_abs_change_outside(changed, deep, np.ones((4, 4), dtype=bool)) == 0


@pytest.mark.parametrize("measure", [psnr, ssim, delta_e00])
def test_pairs_and_masks_that_do_not_fit_are_refused(measure):
    picture = noise(16, 16)
    with pytest.raises(InvalidInputError, match="shape"):
        measure(picture, noise(16, 17))
    with pytest.raises(InvalidInputError, match="uint8"):
        measure(picture.astype(float), picture)
    with pytest.raises(InvalidInputError, match="bool"):
        measure(picture, picture, np.ones((16, 16)))
    with pytest.raises(InvalidInputError, match="at least one pixel"):
        measure(picture, picture, np.zeros((16, 16), dtype=bool))


def grainy(seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(80, 176, (40, 48, 3), dtype=np.uint8)


def test_texture_of_a_smooth_filling_is_less_than_that_of_the_truth():
    truth, mask = grainy(), np.zeros((40, 48), bool)
    mask[10:30, 12:36] = True
    smooth = np.where(mask[..., None], np.uint8(128), truth)
    other = np.where(mask[..., None], grainy(1), truth)
    assert texture_ratio([truth], [truth], [mask]) == pytest.approx(1.0)
    assert texture_ratio([smooth], [truth], [mask]) < 0.5
    # as much detail, all of it wrong: the measure cannot tell
    assert texture_ratio([other], [truth], [mask]) == pytest.approx(1.0, abs=0.1)
    both = texture_ratio([smooth, truth], [truth, truth], [mask, mask])
    assert texture_ratio([smooth], [truth], [mask]) < both < 1.0


def test_an_edge_of_damage_that_stands_out_is_measured_as_a_larger_step():
    ramp = np.broadcast_to(np.arange(48, dtype=np.uint8)[None, :, None] * 2, (40, 48, 3)).copy()
    mask = np.zeros((40, 48), bool)
    mask[:, 20:30] = True  # crosses columns only: true steps are of 2 levels
    lifted = ramp.copy()
    lifted[mask] += 10
    assert boundary_ratio([ramp], [ramp], [mask]) == pytest.approx(1.0)
    # one side steps up by 12, the other down by 8
    assert boundary_ratio([lifted], [ramp], [mask]) == pytest.approx(5.0)
