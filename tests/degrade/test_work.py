import cv2
import numpy as np
import pytest

from artgan.degrade.work import DamageBank, damage_work, draw_overlay
from artgan.errors import InvalidInputError
from artgan.imaging.read import read_rgb
from artgan.presets import DAMAGE_CLASSES, OPAQUE, VEILS


@pytest.fixture(scope="module")
def painting(real_data):
    """A crop of a real painting, (256, 256, 3)."""
    folder = real_data / "scans" / "van_gogh"
    picture = read_rgb(sorted(folder.iterdir())[3].read_bytes(), 400)
    return np.ascontiguousarray(picture[60:316, 60:316])


def outlined(mask):
    """What of a mask is next to its outside."""
    return mask & ~cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)


@pytest.mark.parametrize("kind", DAMAGE_CLASSES)
def test_the_same_seed_gives_the_same_damage_and_the_picture_stays_as_it_was(painting, kind):
    before = painting.copy()
    first, again, other = (
        damage_work(painting, np.random.default_rng(seed), (kind,)) for seed in (1, 1, 2)
    )
    assert np.array_equal(painting, before)
    assert np.array_equal(first.picture, again.picture)
    assert np.array_equal(first.masks[kind], again.masks[kind])
    assert not np.array_equal(first.picture, other.picture)


@pytest.mark.parametrize("kind", OPAQUE)
def test_outside_of_its_mask_opaque_damage_hardly_changes_a_painting(painting, kind):
    damaged = damage_work(painting, np.random.default_rng(3), (kind,))
    change = np.abs(damaged.picture.astype(int) - painting).max(axis=2)
    mask = damaged.masks[kind]
    assert np.percentile(change[~mask], 99.5) < 60
    assert change[mask].mean() > 25
    assert change[mask].mean() > 10 * change[~mask].mean()


@pytest.mark.parametrize("kind", VEILS)
def test_veils_leave_a_painting_legible(painting, kind):
    damaged = damage_work(painting, np.random.default_rng(4), (kind,))
    mask = damaged.masks[kind]
    assert mask.any()
    before, after = (
        cv2.Laplacian(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), cv2.CV_32F)[mask]
        for one in (painting, damaged.picture)
    )
    assert np.corrcoef(before, after)[0, 1] > 0.8


def test_soft_masks_say_how_much_and_agree_with_the_masks(painting):
    damaged = damage_work(painting, np.random.default_rng(5))
    assert damaged.masks.keys() == damaged.soft.keys()
    for kind, soft in damaged.soft.items():
        assert soft.dtype == np.float32
        assert 0.0 <= soft.min() <= soft.max() <= 1.0
        assert soft[damaged.masks[kind]].min() > soft[~damaged.masks[kind]].max()


@pytest.mark.parametrize(("height", "width"), [(64, 64), (37, 90), (300, 128)])
def test_damage_fits_any_size_and_covers_two_to_thirty_five_hundredths(height, width):
    rng = np.random.default_rng(0)
    for _ in range(6):
        overlay = draw_overlay(height, width, rng, ("losses", "tear", "strokes", "craquelure"))
        assert overlay.gain.shape == (height, width, 3)
        assert 0.02 <= overlay.union().mean() <= 0.35


@pytest.mark.parametrize("kind", OPAQUE)
def test_lengths_scale_with_the_side(kind):
    """The same share of the area is damaged in small crops, but for lines under a pixel."""
    small, large = (
        np.mean(
            [
                draw_overlay(size, size, np.random.default_rng(seed), (kind,)).coverage[kind].mean()
                for seed in range(12)
            ]
        )
        for size in (64, 256)
    )
    assert small == pytest.approx(large, rel=0.35)


def test_cracks_are_dark_on_light_paint_and_light_on_dark_paint():
    found = {}
    for seed in range(20):
        overlay = draw_overlay(128, 128, np.random.default_rng(seed), ("craquelure",))
        cracks = overlay.coverage["craquelure"] > 150
        if not overlay.light.any() or not cracks.any():
            continue  # chalky cracks are light everywhere
        for grey in (30, 220):
            picture = np.full((128, 128, 3), grey, np.uint8)
            found.setdefault(grey, []).append(overlay.apply(picture)[cracks].mean() - grey)
    assert len(found[30]) > 5
    assert min(found[30]) > 20
    assert max(found[220]) < -60


def test_lost_paint_is_darker_along_its_edge_than_in_its_middle():
    differences = []
    for seed in range(16):
        picture = np.full((256, 256, 3), 128, np.uint8)
        damaged = damage_work(picture, np.random.default_rng(seed), ("losses",))
        mask = damaged.soft["losses"] > 0.7
        edge = outlined(outlined(mask) ^ mask)  # the second row of pixels: the first is blurred
        inner = cv2.erode(mask.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
        if inner.sum() > 100:
            differences.append(damaged.picture[inner].mean() - damaged.picture[edge].mean())
    assert len(differences) > 8
    assert np.mean(differences) > 5


def test_a_bank_turns_and_shifts_what_it_holds():
    bank = DamageBank(64, 2, 0)
    first = bank.pick((0.0, 0.0, 0.0, 0.0), 64)
    moved = bank.pick((0.0, 0.3, 0.5, 0.25), 64)
    assert not np.array_equal(first.gain, moved.gain)
    assert np.array_equal(np.sort(first.gain, axis=None), np.sort(moved.gain, axis=None))
    part = bank.pick((0.0, 0.3, 0.5, 0.25), 20)
    assert np.array_equal(part.gain, moved.gain[:20, :20])
    assert np.array_equal(part.union(), moved.union()[:20, :20])
    picture = np.full((64, 64, 3), 90, np.uint8)
    again = np.roll(np.rot90(first.apply(picture), 2), (32, 16), (0, 1))
    apart = np.abs(moved.apply(picture).astype(int) - again)
    assert apart.mean() < 0.5  # darkness is looked at within the crop, without wrap-around


def test_wrong_pictures_and_no_class_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(InvalidInputError, match="at least 16 px"):
        damage_work(np.zeros((8, 8, 3), np.uint8), rng)
    with pytest.raises(InvalidInputError, match="at least one class"):
        damage_work(np.zeros((64, 64, 3), np.uint8), rng, ())
    with pytest.raises(InvalidInputError, match="uint8 arrays"):
        damage_work(np.zeros((64, 64), np.uint8), rng)
