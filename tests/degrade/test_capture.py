import numpy as np
import pytest

from artgan.degrade.capture import (
    KERNELS,
    blur,
    capture,
    compress,
    gaussian_kernel,
    low_resolution,
    noise,
    reduce,
)
from artgan.imaging.read import read_rgb
from artgan.metrics.paired import psnr


@pytest.fixture(scope="module")
def scan(real_data):
    path = sorted((real_data / "scans" / "van_gogh").iterdir())[0]
    return read_rgb(path.read_bytes(), 128)


@pytest.mark.parametrize("size", [(1, 1), (7, 40), (64, 64)])
def test_the_same_seed_gives_the_same_faults_at_any_size(size):
    picture = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    before = picture.copy()
    for seed in range(8):
        first, second = (capture(picture, np.random.default_rng(seed)) for _ in range(2))
        assert np.array_equal(first, second)
        assert first.shape == picture.shape
        assert first.dtype == np.uint8
    assert np.array_equal(picture, before)


def test_a_fifth_of_the_pictures_has_no_fault(scan):
    rng = np.random.default_rng(0)
    crop = np.ascontiguousarray(scan[:16, :16])
    clean = [np.array_equal(capture(crop, rng), crop) for _ in range(1000)]
    # 0.6 * 0.5 * 0.6 = 0.18, and some faults are too small to see; its spread is 0.012
    assert 0.14 < np.mean(clean) < 0.3


def test_kernels_are_round_or_turned_and_have_unit_sum():
    kernel = gaussian_kernel(2.0, 2.0, 0.7)
    assert kernel.shape == (13, 13)
    assert kernel.sum() == pytest.approx(1.0, abs=1e-5)
    assert kernel == pytest.approx(kernel.T, abs=1e-7)
    flat = gaussian_kernel(2.0, 0.5, 0.0)
    assert flat[6, 9] > 10 * flat[9, 6]  # along x


def test_blur_keeps_the_mean_and_takes_contrast(scan):
    for seed in range(5):
        made = blur(scan, np.random.default_rng(seed))
        assert made.mean() == pytest.approx(scan.mean(), abs=0.6)
        assert np.diff(made.astype(float), axis=1).std() < np.diff(scan.astype(float), axis=1).std()


def test_noise_has_no_more_spread_than_it_should_and_four_of_ten_are_grey():
    level = np.full((48, 48, 3), 128, np.uint8)
    spreads, greys = [], []
    for seed in range(300):
        added = noise(level, np.random.default_rng(seed)).astype(float) - 128.0
        spreads.append(added.std())
        greys.append(np.array_equal(added[..., 0], added[..., 2]) and added.std() > 1)
        assert abs(added.mean()) < 1.0
    assert 9.0 < max(spreads) < 12.6
    assert np.mean(greys) == pytest.approx(0.37, abs=0.09)


def test_counted_light_is_noisier_where_it_is_bright():
    halves = np.full((64, 64, 3), 225, np.uint8)
    halves[:, :32] = 25
    counted = 0
    for seed in range(60):
        made = noise(halves, np.random.default_rng(seed)).astype(float)
        dark, bright = made[:, :32].std(), made[:, 32:].std()
        if dark < 0.6 * bright and bright > 3:
            counted += 1
            assert bright / dark == pytest.approx(3.0, rel=0.15)  # the root of 225 / 25
    assert counted > 10


def test_jpeg_of_lower_quality_is_farther_from_the_scan(scan):
    values = [psnr(compress(scan, quality), scan) for quality in (40, 65, 95)]
    assert values == sorted(values)
    assert values[0] > 20


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("factor", [2, 4])
def test_reduced_pictures_keep_their_colours(scan, kernel, factor):
    small = reduce(scan, factor, kernel)
    assert small.shape == (scan.shape[0] // factor, scan.shape[1] // factor, 3)
    assert small.mean(axis=(0, 1)) == pytest.approx(scan.mean(axis=(0, 1)), abs=0.8)


def test_small_pictures_are_the_same_for_a_seed(scan):
    first, second = (low_resolution(scan, 2, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first, second)
    assert first.shape[0] == scan.shape[0] // 2
