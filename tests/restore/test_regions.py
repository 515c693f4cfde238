"""Regions, compared with OpenCV's components of the whole mask."""

import cv2
import numpy as np
import pytest

from artgan.imaging.canvas import ArrayCanvas
from artgan.metrics.colour_difference import ciede2000, srgb_to_lab
from artgan.restore.assess import assess, conjecture_depth_px
from artgan.restore.naming import DamageMap
from artgan.restore.pyramid import holes_by_cell
from artgan.restore.regions import Region, find_regions


def regions_of(lost, before, after):
    mask = ArrayCanvas(lost[..., None].astype(np.uint8) * 255)
    return find_regions(mask, holes_by_cell(lost), ArrayCanvas(before), ArrayCanvas(after), None)


def pictures(size, dtype=np.uint8, channels=3):
    rng = np.random.default_rng(1)
    top = np.iinfo(dtype).max + 1
    return [rng.integers(0, top, (*size, channels), dtype=dtype) for _ in range(2)]


def crossing_strips(size):
    """Lines, spots and a spiral that leave and enter strips of 64 rows many times."""
    lost = (np.random.default_rng(0).random(size) < 0.03).astype(np.uint8)
    cv2.line(lost, (3, 2), (size[1] - 9, size[0] - 4), 1, 2)
    cv2.line(lost, (size[1] - 5, 5), (10, size[0] - 2), 1, 1)
    for radius in range(10, 60, 8):
        cv2.ellipse(lost, (150, 160), (radius, radius), 0, radius, 300 + radius, 1, 1)
    return lost > 0


@pytest.mark.parametrize("size", [(1, 1), (64, 64), (65, 200), (333, 301)])
def test_regions_of_strips_are_those_of_the_whole(size):
    lost = crossing_strips(size) if min(size) > 1 else np.ones(size, bool)
    before, after = pictures(size)
    after = np.where(lost[..., None], after, before)
    found = regions_of(lost, before, after)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(lost.astype(np.uint8))
    assert len(found) == count - 1
    boxes = sorted((r.left, r.top, r.width, r.height, r.area_px) for r in found)
    assert boxes == sorted(tuple(int(v) for v in row) for row in stats[1:])
    change = ciede2000(srgb_to_lab(before), srgb_to_lab(after))
    means = sorted(change[labels == n].mean() for n in range(1, count))
    assert sorted(r.mean_de00 for r in found) == pytest.approx(means)
    assert max(r.max_de00 for r in found) == pytest.approx(change[lost].max())
    assert [r.area_px for r in found] == sorted((r.area_px for r in found), reverse=True)


def test_depth_is_the_distance_to_known_paint_also_in_a_reduced_mask():
    for size, half in (((400, 500), 30), ((2400, 6000), 150)):
        lost = np.zeros(size, bool)
        lost[150 : 150 + 2 * half - 1, 100:400] = True
        lost[10:14, 50:-50] = True
        before, after = pictures(size)
        deep, flat = regions_of(lost, before, np.where(lost[..., None], after, before))
        reduced_px = -(-max(size) // 2048)
        assert deep.depth_px == pytest.approx(half, abs=2 * reduced_px + 0.02 * half)
        assert flat.depth_px <= 2 + 2 * reduced_px


def test_alpha_and_depth_do_not_matter_to_differences():
    lost = np.zeros((40, 40), bool)
    lost[5:20, 5:20] = True
    before, after = pictures((40, 40), np.uint8, 4)
    after = np.where(lost[..., None], after, before)
    (eight,) = regions_of(lost, before[..., :3].copy(), after[..., :3].copy())
    (alpha,) = regions_of(lost, before, after)
    (deep,) = regions_of(lost, before.astype(np.uint16) * 257, after.astype(np.uint16) * 257)
    assert alpha.mean_de00 == eight.mean_de00 == deep.mean_de00 > 10


def test_a_region_is_named_by_what_a_detector_sees_under_it_and_nowhere_else():
    size = (200, 330)
    lost = np.zeros(size, bool)
    lost[20:60, 30:90] = lost[90:140, 200:300] = lost[170:180, 20:40] = True
    # a reduced copy of a third: scratches at the first, losses over most of the second
    chances = np.zeros((2, 66, 110), np.float32)
    chances[1, :25, :40] = 0.9
    chances[0, 28:48, 60:90] = 0.8
    damage = DamageMap(("losses", "scratches"), chances, size)
    before, after = pictures(size)
    canvases = [ArrayCanvas(one) for one in (before, np.where(lost[..., None], after, before))]
    mask = ArrayCanvas(lost[..., None].astype(np.uint8) * 255)
    found = find_regions(mask, holes_by_cell(lost), *canvases, None, damage)
    assert [one.kind for one in found] == ["losses", "scratches", None]
    assert found[1].kind_chance == pytest.approx(0.9)
    assert found[2].kind_chance == 0.0
    assert [one.kind for one in regions_of(lost, before, after)] == [None] * 3


def region(area_px, depth_px):
    return Region(0, 0, 10, 10, area_px, depth_px, 1.0, 2.0)


def test_shallow_holes_are_ok_deep_ones_conjecture_and_much_or_detected_needs_a_look():
    size = (1024, 2000)
    assert conjecture_depth_px(size) == 32
    assert assess([region(5000, 31.0)], size, "delivered").status == "ok"
    assert assess([region(5000, 31.0)], size, "edited").reasons == []
    deep = assess([region(5000, 10.0), region(4000, 33.0)], size, "delivered")
    assert (deep.status, deep.conjectural) == ("conjectural", [2])
    assert "1 of 2 regions are deeper than 32 px" in deep.reasons[0]
    much = assess([region(400_000, 5.0)], size, "delivered")
    assert much.status == "needs_review"
    assert much.reasons[0].startswith("20% of the scan was filled, more than 15%")
    detected = assess([region(50, 33.0)], size, "detected")
    assert (detected.status, len(detected.reasons)) == ("needs_review", 2)
