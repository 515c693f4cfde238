"""A still picture as a clip: a camera that passes over it."""

import math
from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np

from artgan.errors import InvalidInputError
from artgan.imaging.clip import LIMITED, ClipFacts, ColourTags

RATE = Fraction(25)
_SRGB = ColourTags(primaries=1, transfer=13, matrix=1, range=LIMITED)
SEEN = 0.6
"""Part of each side of the picture that the camera sees."""
_SMALLEST_PX = 32


class PannedClip:
    """A camera that passes over a picture, from its upper left to its lower right.

    It sets out and arrives slowly. Its motion is known and smooth, and nothing else moves, so that
    what a stylizer adds to it is seen.

    Args:
        picture: (H, W, 3) uint8, sRGB, sides of at least 54 pixels.
        seconds: Length.
        still: Whether the camera stands at the middle instead.

    Raises:
        InvalidInputError: The picture is too small.
    """

    def __init__(self, picture: np.ndarray, seconds: float, *, still: bool = False) -> None:
        height, width = (math.floor(SEEN * side / 2) * 2 for side in picture.shape[:2])
        if min(height, width) < _SMALLEST_PX:
            raise InvalidInputError(
                f"picture must have sides of at least {math.ceil(_SMALLEST_PX / SEEN)} pixels for "
                f"a camera to pass over it, got {picture.shape[1]} x {picture.shape[0]}. Choose "
                "another."
            )
        self._picture, self._still = picture, still
        self.facts = ClipFacts(width, height, RATE, _SRGB)
        self.length = max(1, round(seconds * RATE))

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
        """See `artgan.imaging.clip.Clip`."""
        last = self.length if stop is None else min(stop, self.length)
        return (self._frame(number) for number in range(start, last))

    def _frame(self, number: int) -> np.ndarray:
        facts = self.facts
        share = number / max(1, self.length - 1)
        eased = 0.5 if self._still else 0.5 - 0.5 * math.cos(math.pi * share)
        height, width = self._picture.shape[:2]
        left, top = eased * (width - facts.width_px), eased * (height - facts.height_px)
        shift = np.array([[1.0, 0.0, left], [0.0, 1.0, top]])
        return cv2.warpAffine(
            self._picture,
            shift,
            (facts.width_px, facts.height_px),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )
