"""Profiles that are three curves and a matrix, applied to arrays.

Nearly all profiles of cameras and archives are of this kind (eciRGB v2, Adobe RGB, Display P3).
LittleCMS takes a pixel at a time; the same sums over whole strips take a third of the time, and
colour conversion was a third of the cost of a large JPEG. What LittleCMS says remains the
definition: the curves are read from its answers, and a profile is taken this way only if a grid
through its whole space comes out as there: within one level, but for one colour in a thousand at
the edge of the space, where it may be two.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import pyvips

from artgan.imaging.colour import INTENT, image_from_array, to_srgb

_LEVELS = 256
_STEPS = 16_383  # of linear light, for the way back to 8 bits
_BLOCK_PX = 50_000  # their linear light fits into a core's cache
_MOST_LEVELS = 2
_EDGE_FRACTION = 0.001
_NOTHING = np.zeros(4)  # to OpenCV a scalar
_GRID = 18  # points along each axis of the space on which the conversion is checked


@dataclass(frozen=True)
class MatrixConversion:
    """The way from a profile's RGB to 8-bit sRGB.

    Attributes:
        curves: (1, 256, 3) float32, linear light in [0, 1] for each stored value and channel.
        matrix: (3, 3) float64, from linear RGB of the profile to linear sRGB in `_STEPS`.
        levels: (1, 65536) uint8, sRGB values of linear light in `_STEPS`; all beyond is white.
    """

    curves: np.ndarray
    matrix: np.ndarray
    levels: np.ndarray

    def __call__(self, array: np.ndarray) -> np.ndarray:
        """Convert (H, W, 3) uint8."""
        converted = np.empty(array.shape, np.uint8)
        rows = max(1, _BLOCK_PX // array.shape[1])
        for top in range(0, array.shape[0], rows):
            light = cv2.transform(cv2.LUT(array[top : top + rows], self.curves), self.matrix)
            steps = cv2.add(light, _NOTHING, dtype=cv2.CV_16U)  # rounds, and stops at 0
            cv2.LUT(steps, self.levels, dst=converted[top : top + rows])
        return converted


@lru_cache(64)
def matrix_conversion(icc: bytes) -> MatrixConversion | None:
    """Return the conversion of 8 bits from a profile to sRGB; None if it is no curves and matrix.

    There is none for 16 bits: LittleCMS interpolates those from a coarse table, and at the edge of
    the space that is further from the sums than a level.

    Args:
        icc: A profile that `artgan.imaging.colour.to_srgb` honours for 8-bit RGB.
    """
    curves, primaries = _light(icc)
    srgb_curves, srgb_primaries = _light(None)
    if not np.linalg.det(primaries):
        return None
    matrix = np.linalg.solve(srgb_primaries, primaries) * _STEPS
    light = np.minimum(np.arange(65536) / _STEPS, 1)
    levels = np.interp(light, srgb_curves[:, 0], np.arange(_LEVELS)).round().astype(np.uint8)
    found = MatrixConversion(curves.astype(np.float32)[None], matrix, levels[None])
    return found if _agrees(found, icc) else None


def _light(icc: bytes | None) -> tuple[np.ndarray, np.ndarray]:
    """Ask LittleCMS for the light of each channel; None is sRGB.

    Each channel varies beside two full ones: alone, a saturated primary has a negative part in
    XYZ, which would be cut off.

    Returns:
        (256, 3) curves from 0 to 1, and (3, 3) primaries as columns in CIE XYZ.
    """
    ramps = np.full((3, _LEVELS, 3), _LEVELS - 1, np.uint8)
    for channel in range(3):
        ramps[channel, :, channel] = np.arange(_LEVELS)
    image = image_from_array(ramps, icc)
    source = {"embedded": True} if icc else {"input_profile": "srgb"}
    xyz = image.icc_import(pcs="xyz", **source, **INTENT).numpy().astype(np.float64)
    light = xyz - xyz[:, :1]
    full = light[:, -1]
    curves = np.einsum("clx,cx->lc", light, full) / np.maximum((full**2).sum(axis=1), 1e-9)
    return curves, full.T


def _agrees(conversion: MatrixConversion, icc: bytes) -> bool:
    axis = np.linspace(0, _LEVELS - 1, _GRID).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(_GRID, -1, 3)
    try:
        expected = to_srgb(image_from_array(colours, icc)).numpy().astype(int)
    except pyvips.Error:
        return False
    difference = np.abs(conversion(colours) - expected).max(axis=-1)
    return bool(difference.max() <= _MOST_LEVELS and (difference > 1).mean() <= _EDGE_FRACTION)
