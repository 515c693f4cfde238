import cv2
import numpy as np
import pytest

from artgan.degrade.blind import large_crops
from artgan.degrade.large import LARGE, draw_large
from artgan.degrade.overlay import Sheet
from artgan.degrade.work import DamageBank


def extent(mask):
    """Rows and columns that a mask spans."""
    rows, columns = np.nonzero(mask)
    return np.ptp(rows) + 1, np.ptp(columns) + 1


@pytest.mark.parametrize("across", [0.15, 0.4])
def test_a_broad_loss_is_about_as_wide_as_asked_for_and_of_one_class(across):
    areas, kinds = [], set()
    for seed in range(12):
        sheet = Sheet(128, np.random.default_rng(seed))
        draw_large(sheet, across)
        overlay = sheet.overlay(128, 128)
        (kind,) = overlay.coverage
        kinds.add(kind)
        areas.append(overlay.mask(kind).sum())
        assert max(extent(overlay.mask(kind))) < 2.2 * across * 128 + 6
    assert kinds == set(LARGE)
    disc = np.pi / 4 * (across * 128) ** 2
    assert 0.5 * disc < np.median(areas) < 1.6 * disc


def test_a_part_of_a_bank_holds_broad_damage_and_classes_without_any_have_none():
    def depth(bank):
        unions = [one.union().astype(np.uint8) for one in bank.overlays]
        depths = [cv2.distanceTransform(one, cv2.DIST_L2, 3).max() for one in unions]
        return np.quantile(depths, 0.1)  # of the sheets whose damage is narrowest

    usual, broad = (DamageBank(64, 24, 0, ("losses", "strokes"), part) for part in (0.0, 1.0))
    assert depth(broad) > 1.2 * depth(usual)
    scratched, same = (DamageBank(64, 4, 0, ("scratches",), part) for part in (0.0, 1.0))
    pairs = zip(scratched.overlays, same.overlays, strict=True)
    assert all(np.array_equal(one.gain, other.gain) for one, other in pairs)


def test_squares_of_works_are_as_wide_as_their_short_side_and_damaged_once():
    works = [np.full((96, 150, 3), 90, np.uint8), np.full((140, 96, 3), 160, np.uint8)]
    squares = large_crops(works, 4, 0)
    assert [one.damaged.shape for one in squares] == 4 * [(96, 96, 3)]
    assert sorted(one.picture for one in squares) == [0, 0, 1, 1]
    for one, again in zip(squares, large_crops(works, 4, 0), strict=True):
        assert np.array_equal(one.damaged, again.damaged)
        mask = one.overlay.union()
        assert 0.002 < mask.mean() < 0.3
        assert np.abs(one.damaged.astype(int) - one.truth)[mask].mean() > 10
