"""What is learned of a scan in one pass from top to bottom: a tiny average, and whether it is grey.

Sums are whole numbers, so the result does not depend on how the scan was cut into strips.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from artgan.models.tone import THUMBNAIL_PX

_RGB = 3


@dataclass(frozen=True)
class Look:
    """A first look at a scan.

    Attributes:
        thumbnail: (32, 32, 3) float32 levels in [0, 1]: averages over equal cells, whatever the
            proportions of the scan.
        is_grey: Whether all pixels have three equal channels, or one.
    """

    thumbnail: np.ndarray
    is_grey: bool


class Looking:
    """Takes the strips of a scan, in any heights, and gives a first look.

    Args:
        height: Rows of the scan.
        width: Columns.
    """

    def __init__(self, height: int, width: int) -> None:
        self.rows, self.columns = _cells(height), _cells(width)
        self.sums = np.zeros((THUMBNAIL_PX, width, _RGB), np.int64)
        self.is_grey = True
        self.peak = 1
        self._top = 0

    def add(self, strip: np.ndarray) -> None:
        """Take the next rows, (h, W, C) uint8 or uint16; alpha is not looked at."""
        colours = strip[..., :_RGB] if strip.shape[2] >= _RGB else strip[..., :1]
        self.peak = int(np.iinfo(strip.dtype).max)
        if self.is_grey and colours.shape[2] == _RGB:
            red, green, blue = (colours[..., c] for c in range(_RGB))
            self.is_grey = np.array_equal(red, green) and np.array_equal(green, blue)
        bottom = self._top + strip.shape[0]
        for cell, (start, stop) in enumerate(self.rows):
            inside = colours[max(start - self._top, 0) : max(min(stop, bottom) - self._top, 0)]
            if inside.size:
                self.sums[cell] += inside.sum(axis=0, dtype=np.int64)
        self._top = bottom

    def look(self) -> Look:
        """Return the look; all strips must have been added."""
        starts = [start for start, _ in self.columns]
        sums = np.add.reduceat(self.sums, starts, axis=1)
        heights, widths = (
            np.array([stop - start for start, stop in cells]) for cells in (self.rows, self.columns)
        )
        counts = heights[:, None, None] * widths[None, :, None]
        return Look((sums / (counts * self.peak)).astype(np.float32), self.is_grey)


def _cells(side: int) -> list[tuple[int, int]]:
    """Part a side into 32 cells of one pixel at least; those of a shorter side share pixels."""
    starts = [number * side // THUMBNAIL_PX for number in range(THUMBNAIL_PX + 1)]
    return [(start, max(start + 1, stop)) for start, stop in pairwise(starts)]


def look_at(picture: np.ndarray) -> Look:
    """Look at a picture that is in memory: (H, W, C) uint8 or uint16."""
    looking = Looking(*picture.shape[:2])
    looking.add(picture)
    return looking.look()
