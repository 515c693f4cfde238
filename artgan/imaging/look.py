"""What a picture looks like, small enough to compare with thousands of others."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from artgan.imaging.decode import DecodedScan, decode
from artgan.imaging.hashes import phash
from artgan.imaging.quality import MEASURED_LONG_SIDE_PX
from artgan.imaging.reduce import averaged, reduce_scan

SMALL_SIDE_PX = 64
_HASHED_LONG_SIDE_PX = 512  # phash starts from one to two times this
_MAX_PIXELS = 20_000_000_000


@dataclass(frozen=True)
class Look:
    """A picture, seen from far away.

    Attributes:
        phash: Its perceptual hash, as the table scans has it.
        small: (64, 64, 3) uint8 sRGB, whatever its proportions.
    """

    phash: str
    small: np.ndarray


def look_at(source: Path | bytes) -> Look:
    """Look at a picture of any format and size.

    Raises:
        RefusedScan: If it cannot be decoded whole.
    """
    return look_at_scan(decode(source, _MAX_PIXELS))


def look_at_scan(scan: DecodedScan) -> Look:
    """Look at an opened picture; see `look_at`."""
    measured = reduce_scan(scan, MEASURED_LONG_SIDE_PX).fitted(MEASURED_LONG_SIDE_PX)
    size = (SMALL_SIDE_PX, SMALL_SIDE_PX)
    return Look(seen_hash(measured), cv2.resize(measured, size, interpolation=cv2.INTER_AREA))


def seen_hash(picture: np.ndarray) -> str:
    """Hash a picture in memory, (H, W, 3) uint8 sRGB, as `look_at` hashes one in a file.

    The same up to the size that scans are measured at; of larger pictures a bit may differ.
    """
    return phash(averaged(picture, max(1, max(picture.shape[:2]) // _HASHED_LONG_SIDE_PX)))


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """Mean difference of two small pictures, in levels of 255.

    Brightness and contrast of both are made equal first, so that another profile or a lighter copy
    counts less than another picture.
    """
    return float(np.abs(_evened(first) - _evened(second)).mean())


def _evened(small: np.ndarray) -> np.ndarray:
    values = small.astype(np.float64)
    spread = values.std()
    return (values - values.mean()) * (50.0 / spread if spread > 1 else 1.0)
