"""A film on one page: some of its frames in a row, with what was made of each below it."""

from collections.abc import Sequence

import cv2
import numpy as np

CELL_PX, COLUMNS, _GAP_PX = 240, 6, 8


def strip_size(width_px: int, height_px: int) -> tuple[int, int]:
    """Return width and height of the `strip` of a film of a size."""
    cell = max(1, round(CELL_PX * height_px / width_px))
    return COLUMNS * CELL_PX + (COLUMNS - 1) * _GAP_PX, 2 * cell + _GAP_PX


def strip(sources: Sequence[np.ndarray], made: Sequence[np.ndarray]) -> np.ndarray:
    """Lay frames of a film in a row, and what was made of each below it.

    Args:
        sources: At most `COLUMNS` frames (H, W, 3) uint8.
        made: As many.

    Returns:
        A picture of `strip_size` on white.
    """
    height, width = sources[0].shape[:2]
    total = strip_size(width, height)
    picture = np.full((total[1], total[0], 3), 255, np.uint8)
    cell = (total[1] - _GAP_PX) // 2
    for row, frames in enumerate((sources, made)):
        for column, frame in enumerate(frames):
            top, left = row * (cell + _GAP_PX), column * (CELL_PX + _GAP_PX)
            small = cv2.resize(frame, (CELL_PX, cell), interpolation=cv2.INTER_AREA)
            picture[top : top + cell, left : left + CELL_PX] = small
    return picture
