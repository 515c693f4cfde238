import numpy as np
import pytest

from artgan.degrade.masks import ALL_DAMAGE, mask_bank, random_mask
from artgan.errors import InvalidInputError


def test_the_same_seed_gives_the_same_masks_and_another_seed_others():
    assert np.array_equal(mask_bank(12, 64, 3), mask_bank(12, 64, 3))
    assert not np.array_equal(mask_bank(12, 64, 3), mask_bank(12, 64, 4))


@pytest.mark.parametrize("size", [16, 64, 200])
def test_two_to_thirty_five_hundredths_of_the_area_are_lost(size):
    masks = mask_bank(30, size, 0)
    assert masks.dtype == np.bool_
    assert masks.shape == (30, size, size)
    areas = masks.mean(axis=(1, 2))
    assert areas.min() >= 0.002  # dust alone
    assert np.quantile(areas, 0.2) >= 0.02
    assert areas.max() <= 0.35
    others = tuple(kind for kind in ALL_DAMAGE if kind != "dust")
    assert mask_bank(30, size, 0, others).mean(axis=(1, 2)).min() >= 0.02


@pytest.mark.parametrize("kind", ALL_DAMAGE)
def test_each_kind_of_damage_scales_with_the_size(kind):
    small = mask_bank(40, 64, 1, (kind,)).mean()
    large = mask_bank(40, 256, 1, (kind,)).mean()
    # thin lines cannot become thinner than a pixel, so small masks may lose more, not less; a hair
    # is a pixel wide at any size
    assert (0.25 if kind == "dust" else 0.4) * small < large < 1.3 * small


def test_kinds_look_different():
    """Thickness: the fraction of lost pixels whose four neighbours are lost too."""

    def thickness(kind):
        masks = mask_bank(20, 256, 2, (kind,))
        inner = masks[:, 1:-1, 1:-1]
        core = inner & masks[:, :-2, 1:-1] & masks[:, 2:, 1:-1]
        core &= masks[:, 1:-1, :-2] & masks[:, 1:-1, 2:]
        return core.sum() / inner.sum()

    assert thickness("scratches") < thickness("tear") < thickness("strokes")
    assert thickness("craquelure") < thickness("losses")


def test_a_mask_of_no_kind_or_no_size_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(InvalidInputError, match="size must be at least"):
        random_mask(8, rng)
    with pytest.raises(InvalidInputError, match="at least one kind"):
        random_mask(64, rng, ())
