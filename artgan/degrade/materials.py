"""What damage is made of: colours and textures of grounds, and hollows down to them.

Colours are those of the usual materials: chalk and glue, bole, linen, wood, soot, bone white.
"""

import numpy as np

from artgan.degrade.masks import smooth_noise
from artgan.degrade.overlay import Sheet
from artgan.degrade.shapes import far_edge, hollow_shadow, rim, streaks


def _rgb(red: float, green: float, blue: float) -> np.ndarray:
    return np.array([red, green, blue], dtype=np.float32) / 255.0


CHALK, BOLE, LINEN = _rgb(224, 214, 194), _rgb(150, 92, 62), _rgb(172, 150, 116)
WOOD, BARE_PAPER = _rgb(112, 82, 56), _rgb(232, 224, 204)
INK, SOOT, GAP = _rgb(60, 50, 42), _rgb(15, 13, 10), _rgb(24, 20, 17)
CHALKY, BONE, FIBRE = _rgb(200, 190, 165), _rgb(235, 228, 212), _rgb(228, 220, 204)
BLACK, WHITE = _rgb(0, 0, 0), _rgb(255, 250, 240)


def ground(size: int, rng: np.random.Generator) -> np.ndarray:
    """Paint what lies below lost paint: (S, S, 3) in [0, 1]."""
    kind = rng.choice(5, p=[0.45, 0.15, 0.15, 0.1, 0.15])
    colour = (CHALK, BOLE, LINEN, WOOD, BARE_PAPER)[kind] * rng.uniform(0.75, 1.05)
    colour = colour + rng.normal(0.0, 6.0 / 255.0, 3)
    texture = 5.0 * smooth_noise(size, max(4, size // 3), rng)
    texture += 5.0 * smooth_noise(size, max(4, size // 24), rng)
    if kind == 2:
        texture += 14.0 * weave(size, rng)
    if kind == 3:
        texture += 9.0 * streaks(size, rng, 90)
    return np.clip(colour + texture[..., None] / 255.0, 0.0, 1.0).astype(np.float32)


def weave(size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw plain-woven cloth: warp and weft in turn above one another, spread about 0.7."""
    unit = size / 256.0
    rows, columns = np.indices((size, size), dtype=np.float32)
    thread = 2.0 * np.pi / (unit * rng.uniform(3.0, 5.5))
    columns = columns + unit * smooth_noise(size, 8, rng)
    rows = rows + unit * smooth_noise(size, 8, rng)
    return np.sin(thread * columns) * np.sin(thread * rows) + 0.3 * smooth_noise(
        size, max(4, size // 4), rng
    )


def hollow(sheet: Sheet, shape: np.ndarray, bottom: np.ndarray, depth: float) -> np.ndarray:
    """Cut a hollow into the paint: its bottom, dirt along the edge, shadow and lit edge.

    Args:
        sheet: Changed in place.
        shape: (S, S) in [0, 1], opacity included.
        bottom: Colour of the bottom, (S, S, 3).
        depth: How deep it looks, in 256ths of the side.

    Returns:
        How much each pixel was changed.
    """
    depth_px = depth * sheet.unit
    lit = 0.3 * far_edge(shape, sheet.light_from, depth_px)
    shadow = hollow_shadow(shape, sheet.light_from, depth_px)
    sheet.cover(shape, bottom)
    sheet.cover(0.3 * rim(shape, sheet.rng.uniform(1.0, 2.0) * sheet.unit), INK)
    sheet.cover(0.5 * shadow, BLACK)
    sheet.cover(lit, WHITE)
    return np.maximum(shape, lit)
