"""Damage masks of any size: widened, and measured in cells."""

import cv2
import numpy as np

from artgan.errors import InvalidInputError
from artgan.imaging.canvas import Canvas, windows
from artgan.restore.pyramid import ALIGN_PX, holes_by_cell

DILATION_SIDE_PX = 1024
MASKED = 255
_BLOCK_PX = 1024  # a multiple of a cell


def dilation_px(size: tuple[int, int]) -> int:
    """Return by how much a mask (H, W) is widened, for the rim of a loss is seldom clean."""
    return round(min(size) / DILATION_SIDE_PX)


def dilate_mask(mask: np.ndarray, radius_px: int) -> np.ndarray:
    """Widen a mask by a disc.

    Args:
        mask: (H, W) bool.
        radius_px: Radius of the disc; 0 changes nothing.

    Returns:
        (H, W) bool.
    """
    if radius_px == 0:
        return mask.copy()
    side = 2 * radius_px + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return cv2.dilate(mask.astype(np.uint8), disc).astype(bool)


def widen(marked: Canvas, effective: Canvas) -> np.ndarray:
    """Widen a mask by `dilation_px` on canvases.

    Args:
        marked: (H, W, 1) uint8, not 0 where damage was marked.
        effective: (H, W, 1) uint8, all 0; becomes 255 where pixels may change.

    Returns:
        Which cells of 32 px hold a pixel that may change, (H / 32, W / 32) bool, rounded up.

    Raises:
        InvalidInputError: If nothing is left that is known.
    """
    size = marked.size
    radius_px = dilation_px(size)
    cells = np.zeros(tuple(-(-side // ALIGN_PX) for side in size), bool)
    known = False
    for window in windows(size, _BLOCK_PX):
        around = window.grown(radius_px, size)
        damage = marked.read(around)[..., 0] > 0
        if not damage.any():
            known = True
            continue
        wide = dilate_mask(damage, radius_px)[window.within(around)]
        known |= not wide.all()
        effective.write(window, wide[..., None].astype(np.uint8) * MASKED)
        top, left = window.top // ALIGN_PX, window.left // ALIGN_PX
        found = holes_by_cell(wide)
        cells[top : top + found.shape[0], left : left + found.shape[1]] = found
    if not known:
        raise InvalidInputError(
            f"mask must leave some pixels known, got all {size[0] * size[1]} lost. "
            "Draw a smaller mask."
        )
    return cells
