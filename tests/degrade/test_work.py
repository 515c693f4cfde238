import cv2
import numpy as np
import pytest

from artgan.degrade.work import DamageBank, draw_overlay
from artgan.errors import InvalidInputError
from artgan.imaging.read import read_rgb
from artgan.presets import DAMAGE_CLASSES, OPAQUE, VEILS


@pytest.fixture(scope="module")
def painting(real_data):
    """A crop of a real painting, (256, 256, 3)."""
    folder = real_data / "scans" / "van_gogh"
    picture = read_rgb(sorted(folder.iterdir())[3].read_bytes(), 400)
    return np.ascontiguousarray(picture[60:316, 60:316])


def damaged(picture, seed, kind):
    """The picture with damage of one class, and the damage."""
    overlay = draw_overlay(*picture.shape[:2], np.random.default_rng(seed), (kind,))
    return overlay.apply(picture), overlay


def outlined(mask):
    """What of a mask is next to its outside."""
    return mask & ~cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)


@pytest.mark.parametrize("kind", DAMAGE_CLASSES)
def test_the_same_seed_gives_the_same_damage_and_the_picture_stays_as_it_was(painting, kind):
    before = painting.copy()
    (first, one), (again, same), (other, _) = (damaged(painting, n, kind) for n in (1, 1, 2))
    assert np.array_equal(painting, before)
    assert np.array_equal(first, again)
    assert np.array_equal(one.mask(kind), same.mask(kind))
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("kind", OPAQUE)
def test_outside_of_its_mask_opaque_damage_hardly_changes_a_painting(painting, kind):
    made, overlay = damaged(painting, 3, kind)
    change = np.abs(made.astype(int) - painting).max(axis=2)
    mask = overlay.mask(kind)
    assert np.percentile(change[~mask], 99.5) < 60
    assert change[mask].mean() > 25
    assert change[mask].mean() > 10 * change[~mask].mean()


@pytest.mark.parametrize("kind", VEILS)
def test_veils_leave_a_painting_legible(painting, kind):
    made, overlay = damaged(painting, 4, kind)
    mask = overlay.mask(kind)
    assert mask.any()
    before, after = (
        cv2.Laplacian(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), cv2.CV_32F)[mask]
        for one in (painting, made)
    )
    assert np.corrcoef(before, after)[0, 1] > 0.8


def test_how_much_damage_covers_agrees_with_its_masks():
    overlay = draw_overlay(256, 256, np.random.default_rng(5))
    for kind, coverage in overlay.coverage.items():
        mask = overlay.mask(kind)
        assert coverage[mask].min() > coverage[~mask].max()


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
        made, overlay = damaged(picture, seed, "losses")
        mask = overlay.coverage["losses"] > 0.7 * 255
        edge = outlined(outlined(mask) ^ mask)  # the second row of pixels: the first is blurred
        inner = cv2.erode(mask.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
        if inner.sum() > 100:
            differences.append(made[inner].mean() - made[edge].mean())
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


def test_sizes_that_are_too_small_and_no_class_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(InvalidInputError, match="at least 16 px"):
        draw_overlay(8, 8, rng)
    with pytest.raises(InvalidInputError, match="some class of damage"):
        draw_overlay(64, 64, rng, ())
