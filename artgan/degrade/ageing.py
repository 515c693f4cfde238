"""Seeded ageing of a whole work: paint that faded, under a varnish that yellowed.

Both change every pixel and destroy hardly any drawing, so what undoes them is a handful of
numbers, and no network that paints. Nothing here has a length in pixels: any size is aged alike.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from artgan.imaging.tensors import check_picture

VARNISH_ODDS, FADING_ODDS, UNEVEN_ODDS = 0.5, 0.4, 0.5
MOST_DEPTH, MOST_SCATTER, MOST_FADING = 1.2, 0.08, 0.6
_ABSORPTION = np.array([0.10, 0.28, 0.85], dtype=np.float32)  # of R, G, B in linear light
_SCATTERED = np.array([0.9, 0.75, 0.45], dtype=np.float32)
_BLEACHED = np.float32(0.706)  # 180 of 255
_UNEVENNESS = 0.3
_STEPS = 65_535
_COARSE_PX = 48  # noise is drawn at this size; it has no detail that a finer grid would show


@dataclass(frozen=True)
class Ageing:
    """How far a work has aged; all zero is not at all.

    Attributes:
        depth: Optical depth of the varnish, 0 to 1.2: absorption is exp(-k depth).
        scatter: Light that the varnish itself throws back, 0 to 0.08 of white.
        fading: Fading of the paint, 0 to 0.6.
        uneven_seed: Seed of a slow variation of the depth over the work, None for an even coat.
    """

    depth: float = 0.0
    scatter: float = 0.0
    fading: float = 0.0
    uneven_seed: int | None = None


def random_ageing(rng: np.random.Generator) -> Ageing:
    """Draw an ageing: varnish in half of the cases, fading in four of ten, uneven in half.

    Args:
        rng: Source of all randomness; the same state gives the same ageing.
    """
    has_varnish, is_faded, is_uneven = rng.random(3) < (VARNISH_ODDS, FADING_ODDS, UNEVEN_ODDS)
    depth, scatter, fading = rng.uniform(0.0, (MOST_DEPTH, MOST_SCATTER, MOST_FADING))
    seed = int(rng.integers(2**31))
    return Ageing(
        depth=float(depth) if has_varnish else 0.0,
        scatter=float(scatter) if has_varnish else 0.0,
        fading=float(fading) if is_faded else 0.0,
        uneven_seed=seed if has_varnish and is_uneven else None,
    )


def aged_for_sure(rng: np.random.Generator) -> Ageing:
    """Draw an ageing that is one: varnish, fading or both, in the proportions of chance."""
    while True:
        ageing = random_ageing(rng)
        if ageing != Ageing():
            return ageing


def age(picture: np.ndarray, ageing: Ageing) -> np.ndarray:
    """Age a picture: first its paint, then the varnish above it.

    Paint keeps 1 - 0.85 f of its saturation and goes 0.35 f of the way to a light grey, in sRGB
    codes. Varnish takes Beer-Lambert's share of the light, most of it blue, and adds a warm haze,
    both in linear light.

    Args:
        picture: (H, W, 3) uint8, sRGB, of any size.
        ageing: What to do.

    Returns:
        (H, W, 3) uint8; the picture itself in a copy if nothing is to be done.

    References:
        Ranges as in calderkatyal/Art-Restoration (fading) and after Elias and Cotte 2008,
        "Multispectral camera and radiative transfer equation used to depict Leonardo's sfumato in
        Mona Lisa", https://doi.org/10.1364/AO.47.002146 (a varnish absorbs exponentially and
        scatters). Differs: three channels in place of a spectrum.
    """
    check_picture(picture)
    if ageing == Ageing():
        return picture.copy()
    levels = picture.astype(np.float32) / 255.0
    if ageing.fading:
        levels = _fade(levels, ageing.fading)
    if ageing.depth or ageing.scatter:
        levels = _varnish(levels, ageing)
    return np.rint(levels.clip(0.0, 1.0) * 255.0).astype(np.uint8)


def _fade(levels: np.ndarray, fading: float) -> np.ndarray:
    grey = levels.mean(axis=2, keepdims=True)
    paler = grey + (levels - grey) * np.float32(1.0 - 0.85 * fading)
    return paler + (_BLEACHED - paler) * np.float32(0.35 * fading)


def _varnish(levels: np.ndarray, ageing: Ageing) -> np.ndarray:
    depth = _depth_map(levels.shape[:2], ageing)[..., None]
    linear = to_linear(levels) * np.exp(-_ABSORPTION * depth)
    return to_levels(linear + np.float32(ageing.scatter) * _SCATTERED)


def _depth_map(size: tuple[int, int], ageing: Ageing) -> np.ndarray:
    """Depth at each pixel: even, or thicker and thinner by up to a third in large clouds."""
    if ageing.uneven_seed is None:
        return np.full(size, ageing.depth, dtype=np.float32)
    rng = np.random.default_rng(ageing.uneven_seed)
    noise = rng.standard_normal((_COARSE_PX, _COARSE_PX), dtype=np.float32)
    clouds = cv2.GaussianBlur(noise, (0, 0), _COARSE_PX / 6.0)
    clouds = (clouds - clouds.mean()) / max(float(np.abs(clouds - clouds.mean()).max()), 1e-6)
    wide = cv2.resize(clouds, size[::-1], interpolation=cv2.INTER_LINEAR).reshape(size)
    return (ageing.depth * (1.0 + _UNEVENNESS * wide)).astype(np.float32)


def to_linear(levels: np.ndarray) -> np.ndarray:
    """Turn sRGB levels in [0, 1] into linear light (IEC 61966-2-1), by a table."""
    return _curves()[0][_places(levels)]


def to_levels(linear: np.ndarray) -> np.ndarray:
    """Turn linear light into sRGB levels, by a table; what exceeds white is clipped."""
    return _curves()[1][_places(linear.clip(0.0, 1.0))]


def _places(values: np.ndarray) -> np.ndarray:
    return (values * np.float32(_STEPS) + np.float32(0.5)).astype(np.int32)


@cache
def _curves() -> tuple[np.ndarray, np.ndarray]:
    """Both curves at 16 bits, which is finer than any picture here and five times as fast."""
    x = np.arange(_STEPS + 1) / _STEPS
    to_light = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    from_light = np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1.0 / 2.4) - 0.055)
    return to_light.astype(np.float32), from_light.astype(np.float32)
