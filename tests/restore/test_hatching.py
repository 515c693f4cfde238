"""Hatched fills: plain from near, gone from afar."""

import cv2
import numpy as np
import pytest

from artgan.imaging.read import read_rgb
from artgan.metrics.colour_difference import ciede2000, srgb_to_lab
from artgan.restore.hatching import STROKE_ASPECT, hatched

STROKE_PX = 2


def light_of(codes):
    level = codes / 255.0
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


def codes_of(light):
    level = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (255 * level).round().clip(0, 255).astype(np.uint8)


def from_afar(picture):
    """See a picture from where a stroke cannot be told: as many strokes as go into one point."""
    return codes_of(cv2.GaussianBlur(light_of(picture), (0, 0), STROKE_ASPECT * STROKE_PX))


def blotch(size):
    lost = np.zeros(size, np.uint8)
    cv2.ellipse(lost, (size[1] // 2, size[0] // 2), (size[1] // 5, size[0] // 4), 20, 0, 360, 1, -1)
    return lost > 0


@pytest.fixture(scope="module", params=["van_gogh", "old_masters", "ukiyo_e"])
def picture(request, real_data):
    path = sorted((real_data / "scans" / request.param).iterdir())[3]
    return read_rgb(path.read_bytes(), 500)


def test_nothing_outside_of_the_fill_changes(picture):
    lost = blotch(picture.shape[:2])
    drawn = hatched(picture, lost, STROKE_PX)
    assert np.array_equal(drawn[~lost], picture[~lost])
    assert np.array_equal(hatched(picture, np.zeros_like(lost), STROKE_PX), picture)


def test_strokes_vanish_from_afar_and_stand_out_from_near(picture):
    lost = blotch(picture.shape[:2])
    drawn = hatched(picture, lost, STROKE_PX)
    inner = cv2.erode(lost.astype(np.uint8), np.ones((9, 9))) > 0
    labs = [srgb_to_lab(from_afar(one)) for one in (picture, drawn)]
    assert ciede2000(*labs)[inner].mean() < 1.5  # less than an eye can tell
    across, along = (np.abs(np.diff(srgb_to_lab(drawn), axis=a)).sum(axis=2) for a in (1, 0))
    core = inner[1:, 1:]
    # upright strokes: much from one to the next, nothing along each but at its ends
    assert across[1:][core].mean() > 5
    assert across[1:][core].mean() > 5 * along[:, 1:][core].mean()


@pytest.mark.parametrize("level", [0, 20, 128, 235, 255])
def test_a_plain_tone_is_kept_and_seen_at_every_lightness(level):
    plain = np.full((168, 168, 3), level, np.uint8)
    drawn = hatched(plain, np.ones((168, 168), bool), STROKE_PX)
    assert codes_of(light_of(drawn).mean(axis=(0, 1))).astype(int) == pytest.approx(level, abs=14)
    if level < 255:  # nothing is lighter than white paper
        assert ciede2000(srgb_to_lab(drawn), srgb_to_lab(plain)).mean() > 2
