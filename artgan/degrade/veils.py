"""Looks of damage that tints the picture and leaves it legible: to correct, not to replace."""

from collections.abc import Callable

import cv2
import numpy as np

from artgan.degrade.masks import smooth_noise
from artgan.degrade.overlay import Sheet
from artgan.degrade.shapes import above, highest, two_octaves, warped
from artgan.presets import Veil

_TIDE = np.array([[150, 115, 70], [140, 120, 90], [165, 125, 60]], dtype=np.float32) / 255.0
_FOX = np.array([[150, 105, 60], [160, 110, 70], [135, 90, 50]], dtype=np.float32) / 255.0
_DUST_BROWN = np.array([110, 88, 60], dtype=np.float32) / 255.0
_SOOT_BROWN = np.array([50, 42, 35], dtype=np.float32) / 255.0


def _stain(sheet: Sheet) -> None:
    """Where water stood: a pale tint, darker towards the tide line that it left at its edge."""
    size, rng, unit = sheet.size, sheet.rng, sheet.unit
    shape = highest(two_octaves(size, rng, (2, 5), (8, 20)), rng.uniform(0.05, 0.25), 0.03)
    shape = warped(shape, rng, 1.5 * unit, 30)
    inside = cv2.distanceTransform((shape > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    width = rng.uniform(3.0, 6.0) * unit * (1.0 + 0.35 * smooth_noise(size, 14, rng))
    tide = np.exp(-((inside / np.maximum(width, 0.3 * unit)) ** 2))
    carried = np.exp(-inside / (rng.uniform(12.0, 40.0) * unit))
    alpha = rng.uniform(0.1, 0.5) * shape * (0.55 + 0.35 * carried + 0.9 * tide)
    alpha = np.clip(alpha * (1.0 + 0.12 * smooth_noise(size, 24, rng)), 0.0, 0.95)
    sheet.tint(alpha, _TIDE[int(rng.integers(len(_TIDE)))] * rng.uniform(0.9, 1.1))
    sheet.record("stain", alpha)


def _foxing(sheet: Sheet) -> None:
    """Rust-brown spots with a darker core, gathered in places."""
    size, rng, unit = sheet.size, sheet.rng, sheet.unit
    count = int(rng.integers(5, 61))
    dense = smooth_noise(size, 4, rng)
    tries = rng.integers(0, size, (4 * count, 2))
    centres = tries[np.argsort(-dense[tries[:, 1], tries[:, 0]] + rng.normal(0, 0.7, len(tries)))]
    alpha = np.zeros((size, size), np.float32)
    for x, y in centres[:count]:
        _add_spot(
            alpha, int(x), int(y), float(rng.uniform(1.0, 6.0) * unit), rng.uniform(0.15, 0.6)
        )
    alpha = np.clip(warped(alpha, rng, 1.0 * unit, 60), 0.0, 0.8)
    sheet.tint(alpha, _FOX[int(rng.integers(len(_FOX)))])
    sheet.record("foxing", alpha)


def _add_spot(alpha: np.ndarray, x: int, y: int, sigma_px: float, strength: float) -> None:
    reach = int(np.ceil(3.0 * sigma_px))
    top, left = max(y - reach, 0), max(x - reach, 0)
    window = alpha[top : y + reach + 1, left : x + reach + 1]
    rows, columns = np.ogrid[: window.shape[0], : window.shape[1]]
    squared = ((rows + top - y) ** 2 + (columns + left - x) ** 2) / sigma_px**2
    spot = 0.65 * np.exp(-0.5 * squared) + 0.35 * np.exp(-3.0 * squared)
    np.maximum(window, strength * spot, out=window)


def _grime(sheet: Sheet) -> None:
    """A veil of dirt, uneven, often heavier towards one edge."""
    size, rng = sheet.size, sheet.rng
    uneven = 0.75 + 0.3 * smooth_noise(size, int(rng.integers(3, 7)), rng)
    uneven += 0.08 * smooth_noise(size, 40, rng)
    if rng.random() < 0.5:
        slope = np.linspace(0.2, 1.3, size, dtype=np.float32)
        uneven = uneven * (slope[:, None] if rng.random() < 0.6 else slope[::-1][None])
    if rng.random() < 0.4:  # only a part is dirty, as after a cleaning that was given up
        uneven = uneven * above(smooth_noise(size, 3, rng), rng.uniform(-0.5, 0.5), 0.8)
    alpha = np.clip(rng.uniform(0.1, 0.5) * uneven, 0.0, 0.7).astype(np.float32)
    mix = rng.uniform(0.0, 1.0)
    sheet.cover(alpha, mix * _DUST_BROWN + (1.0 - mix) * _SOOT_BROWN)
    sheet.record("grime", alpha)


DRAW_VEIL: dict[Veil, Callable[[Sheet], None]] = {
    "stain": _stain,
    "foxing": _foxing,
    "grime": _grime,
}
