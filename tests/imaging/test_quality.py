import cv2
import numpy as np
import pytest

from artgan.imaging.quality import Clipping, sharpness


def texture(height=300, width=400):
    rng = np.random.default_rng(2)
    coarse = rng.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_pixel_is_clipped_where_any_channel_is_at_the_end_of_its_range(dtype, channels):
    most = np.iinfo(dtype).max
    picture = np.random.default_rng(0).integers(0, 4, (50, 60, channels)).astype(dtype)
    picture[picture == 3] = most
    clipping = Clipping()
    for top in range(0, 50, 7):
        clipping.add(picture[top : top + 7])
    assert clipping.shadows_fraction == (picture == 0).any(axis=2).mean()
    assert clipping.highlights_fraction == (picture == most).any(axis=2).mean()


def test_a_picture_within_its_range_is_not_clipped():
    clipping = Clipping()
    clipping.add(np.full((4, 5, 3), 254, np.uint8))
    clipping.add(np.full((4, 5, 3), 1, np.uint8))
    assert (clipping.shadows_fraction, clipping.highlights_fraction) == (0.0, 0.0)


def blur_effect(picture):
    """The blur of Crete et al. 2007 with plain loops over axes, in floats."""
    luma = picture @ np.array([0.299, 0.587, 0.114])
    found = []
    for axis in (0, 1):
        kernel = (9, 1) if axis == 0 else (1, 9)
        averaged = cv2.blur(luma, kernel[::-1])
        sharp, soft = (np.abs(np.diff(one, axis=axis)) for one in (luma, averaged))
        found.append((sharp.sum() - np.maximum(0, sharp - soft).sum()) / sharp.sum())
    return max(found)


@pytest.mark.parametrize("sigma_px", [0, 1, 3])
def test_sharpness_is_one_minus_the_blur_of_the_paper(sigma_px):
    picture = texture()
    if sigma_px:
        picture = cv2.GaussianBlur(picture, (0, 0), sigma_px)
    assert sharpness(picture) == pytest.approx(1 - blur_effect(picture), abs=0.01)


def test_the_softer_the_picture_the_lower_its_sharpness():
    found = [sharpness(texture())]
    found += [sharpness(cv2.GaussianBlur(texture(), (0, 0), sigma)) for sigma in (1, 2, 3, 4)]
    assert found == sorted(found, reverse=True)
    assert found[0] - found[-1] > 0.2


def test_half_the_contrast_is_nearly_as_sharp():
    faint = (texture().astype(int) // 2 + 64).astype(np.uint8)
    assert sharpness(faint) == pytest.approx(sharpness(texture()), abs=0.02)


def test_the_centre_counts_and_not_the_wall_around():
    wall = np.full((2100, 2000, 3), 90, np.uint8)
    wall[1050 - 150 : 1050 + 150, 1000 - 200 : 1000 + 200] = texture()
    assert sharpness(wall) == pytest.approx(sharpness(texture()), abs=0.05)
    wall[:] = 90
    wall[:200] = 10
    assert sharpness(wall) is None


def test_stripes_have_a_sharpness_in_the_one_direction_where_they_vary():
    stripes = np.repeat(texture()[:1], 300, axis=0)
    assert 0 < sharpness(stripes) < 1


def test_a_single_pixel_has_none():
    assert sharpness(np.zeros((1, 1, 3), np.uint8)) is None
