from collections import Counter

import numpy as np
import pytest

from artgan.degrade.evaluation import (
    DamagedCrop,
    damage_picture,
    evaluation_crops,
    hole_psnr_db,
)
from artgan.errors import InvalidInputError


def pictures(count=3, height=80, width=100):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(count)]


def test_crops_are_fixed_by_the_seed():
    first, again = (evaluation_crops(pictures(), 64, 7, 5) for _ in range(2))
    other = evaluation_crops(pictures(), 64, 7, 6)
    for a, b in zip(first, again, strict=True):
        assert np.array_equal(a.truth, b.truth)
        assert np.array_equal(a.mask, b.mask)
    assert any(not np.array_equal(a.mask, b.mask) for a, b in zip(first, other, strict=True))


def test_crops_are_spread_evenly_over_the_pictures():
    numbers = Counter(crop.picture for crop in evaluation_crops(pictures(4), 64, 10, 0))
    assert sorted(numbers.values()) == [2, 2, 3, 3]


def test_a_crop_is_a_part_of_its_picture():
    works = pictures(2)
    for crop in evaluation_crops(works, 64, 4, 1):
        corner = crop.truth[0]
        rows = np.lib.stride_tricks.sliding_window_view(works[crop.picture], (1, 64, 3))
        assert (rows[:, :, 0, 0] == corner).all(axis=(2, 3)).any()


def test_crops_larger_than_a_picture_are_refused():
    with pytest.raises(InvalidInputError, match="at least 96 px"):
        evaluation_crops(pictures(), 96, 2, 0)
    with pytest.raises(InvalidInputError, match="got none"):
        evaluation_crops([], 64, 2, 0)


def test_hole_psnr_matches_its_formula_and_sees_only_the_hole():
    mask = np.zeros((4, 4), dtype=bool)
    mask[0, 0] = True
    crop = DamagedCrop(np.full((4, 4, 3), 100, np.uint8), mask, 0)
    restored = np.zeros((4, 4, 3), np.uint8)
    restored[0, 0] = 110
    assert hole_psnr_db(restored, crop) == pytest.approx(10 * np.log10(255**2 / 100))
    assert hole_psnr_db(crop.truth, crop) == pytest.approx(60.0)


def test_damage_is_visible_inside_the_mask_and_absent_outside():
    picture = np.full((64, 96, 3), 20, np.uint8)
    mask = np.zeros((64, 96), dtype=bool)
    mask[10:30, 40:70] = True
    damaged = damage_picture(picture, mask, 0)
    assert np.array_equal(damaged[~mask], picture[~mask])
    assert (damaged[mask].astype(int) - 20 > 50).all()
    assert damaged[10, 40].mean() < damaged[20, 55].mean()  # the rim is darker
    assert np.array_equal(damaged, damage_picture(picture, mask, 0))
