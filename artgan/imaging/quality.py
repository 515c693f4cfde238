"""What a digitisation lab asks of a scan's pixels: clipping and sharpness."""

from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np

MEASURED_LONG_SIDE_PX = 4000
"""Sharpness is measured at this long side, so that scans of any size compare; smaller scans are
measured as they are."""

_WINDOW_PX = 1024
_BLUR_PX = 9
_TO_16_BITS = 256


@dataclass
class Clipping:
    """Pixels at either end of what a file can hold, counted strip by strip.

    Attributes:
        pixels: Pixels seen.
        shadows: Pixels with a channel at 0.
        highlights: Pixels with a channel at the largest value.
    """

    pixels: int = 0
    shadows: int = 0
    highlights: int = 0

    def add(self, strip: np.ndarray) -> None:
        """Count the pixels of a strip.

        Args:
            strip: (H, W, C) uint8 or uint16 in stored values, colour channels only, C up to 4.
        """
        most = int(np.iinfo(strip.dtype).max)
        channels = cv2.split(strip)
        self.pixels += channels[0].size
        if strip.min() == 0:
            darkest = reduce(cv2.min, channels)
            self.shadows += darkest.size - cv2.countNonZero(darkest)
        if strip.max() == most:
            brightest = reduce(cv2.max, channels)
            self.highlights += int(np.count_nonzero(brightest == most))

    @property
    def shadows_fraction(self) -> float:
        """Share of pixels with a channel at 0."""
        return self.shadows / self.pixels

    @property
    def highlights_fraction(self) -> float:
        """Share of pixels with a channel at the largest value."""
        return self.highlights / self.pixels


def sharpness(picture: np.ndarray) -> float | None:
    """Measure how sharp the centre of a picture is; 0 to 1, higher is sharper.

    The share of the differences between neighbouring pixels that goes when the picture is averaged
    over 9 pixels, in the direction that loses less: 1 minus the blur of the reference. It depends
    little on how much there is to see, so scans of different works compare, but a soft subject
    reads lower than a crisp one. Measured on the luma of the central 1024 x 1024 pixels.

    Args:
        picture: (H, W, 3) uint8 sRGB, at most `MEASURED_LONG_SIDE_PX` on its long side.

    Returns:
        The share; None where the centre shows nothing at all.

    References:
        Crete et al. 2007, "The Blur Effect: Perception and Estimation with a New No-Reference
        Perceptual Blur Metric", section 2, SPIE 6492.
    """
    top, left = (max(0, side - _WINDOW_PX) // 2 for side in picture.shape[:2])
    window = picture[top : top + _WINDOW_PX, left : left + _WINDOW_PX]
    # In 16 bits the averages keep fractions of a level.
    luma = cv2.cvtColor(window, cv2.COLOR_RGB2GRAY).astype(np.uint16) * np.uint16(_TO_16_BITS)
    down, across = cv2.blur(luma, (1, _BLUR_PX)), cv2.blur(luma, (_BLUR_PX, 1))
    shares = [
        _lost_share((luma[1:], luma[:-1]), (down[1:], down[:-1])),
        _lost_share((luma[:, 1:], luma[:, :-1]), (across[:, 1:], across[:, :-1])),
    ]
    seen = [share for share in shares if share is not None]
    return min(seen) if seen else None


def _lost_share(
    sharp: tuple[np.ndarray, np.ndarray], soft: tuple[np.ndarray, np.ndarray]
) -> float | None:
    """Return the share of the differences between two that is gone when they are averaged."""
    if not sharp[0].size:
        return None
    differences = cv2.absdiff(*sharp)
    total = cv2.sumElems(differences)[0]
    # cv2.subtract stops at zero: where averaging adds a difference, none is lost
    lost = cv2.subtract(differences, cv2.absdiff(*soft))
    return cv2.sumElems(lost)[0] / total if total else None
