"""One broad loss or filling, that hides a whole part of a picture."""

import numpy as np

from artgan.degrade.masks import smooth_noise
from artgan.degrade.materials import ground, hollow
from artgan.degrade.opaque import filling
from artgan.degrade.overlay import Sheet
from artgan.degrade.shapes import above, blurred, cells
from artgan.presets import OPAQUE, DamageClass

LARGE: tuple[DamageClass, ...] = ("losses", "strokes")
"""Classes that large damage may be of."""
assert set(LARGE) <= set(OPAQUE)
_LOST = 0.6
_RAGGED = 0.18  # spread of the outline, in radii
_FRAYED = 0.04
_FLAKES_ACROSS = 7


def draw_large(sheet: Sheet, across: float) -> None:
    """Lay broad damage over a sheet: paint lost down to the ground, or filled with putty or wax.

    Not painted over: who learns that from a plain surface takes skies and skin for it.

    Args:
        sheet: Changed in place.
        across: How wide it is, roughly, in sides of the sheet.
    """
    rng = sheet.rng
    shape = _island(sheet, across)
    if rng.random() < _LOST:
        bottom = ground(sheet.size, rng)
        sheet.record("losses", hollow(sheet, shape, bottom, rng.uniform(1.0, 3.0)))
    else:
        sheet.record("strokes", filling(sheet, shape))


def _island(sheet: Sheet, across: float) -> np.ndarray:
    """Draw a lumpy oval, or one that broke off in flakes; (S, S) float32 in [0, 1]."""
    size, rng = sheet.size, sheet.rng
    radius_px = 0.5 * across * size
    rows, columns = np.indices((size, size), dtype=np.float32) / radius_px
    row, column = rng.uniform(0.25, 0.75, 2) * size / radius_px
    angle, stretch = rng.uniform(0.0, np.pi), np.sqrt(rng.uniform(1.0, 2.0))
    along = np.cos(angle) * (columns - column) + np.sin(angle) * (rows - row)
    beside = np.cos(angle) * (rows - row) - np.sin(angle) * (columns - column)
    lumps = max(3, round(float(rng.uniform(2.0, 5.0)) / across))
    inside = 1.0 - np.hypot(along / stretch, beside * stretch)
    inside += _RAGGED * smooth_noise(size, lumps, rng)
    inside += _FRAYED * smooth_noise(size, 6 * lumps, rng)
    softness = sheet.unit / radius_px
    if rng.random() < 0.5:
        return above(inside, 0.0, softness)
    flakes = cells(size, round((_FLAKES_ACROSS / across) ** 2), rng)
    sums = np.bincount(flakes.ravel(), inside.ravel())
    means = sums / np.maximum(np.bincount(flakes.ravel()), 1)
    broken = above(means[flakes].astype(np.float32), 0.0, softness)
    return blurred(broken, 0.6 * sheet.unit)
