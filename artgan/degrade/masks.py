"""Seeded masks of damage as paintings show it; lengths are set at 256 px and scale with size.

A mask is a bool array (H, W), True where paint is lost.
"""

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from scipy.spatial import KDTree

from artgan.errors import InvalidInputError
from artgan.presets import Damage

MIN_AREA_FRACTION, MAX_AREA_FRACTION = 0.02, 0.35
MIN_DUST_FRACTION = 0.002  # dust alone never covers more than some hundredths
MIN_SIZE_PX = 16
_REFERENCE_PX = 256
_LEAST_SPECK_PX = 0.35
_COUNTS, _COUNT_ODDS = (1, 2, 3), (0.55, 0.3, 0.15)
_ODDS: dict[Damage, float] = {
    "scratches": 0.3,
    "strokes": 0.3,
    "losses": 0.45,
    "tear": 0.25,
    "craquelure": 0.2,
    "dust": 0.3,
}
ALL_DAMAGE: tuple[Damage, ...] = tuple(_ODDS)


def random_mask(
    size: int, rng: np.random.Generator, damage: Sequence[Damage] = ALL_DAMAGE
) -> np.ndarray:
    """Draw one mask of one to three kinds of damage, 2 to 35 % of the area; dust alone less.

    Args:
        size: Side of the square mask, at least 16 px.
        rng: Source of all randomness; the same state gives the same mask.
        damage: Kinds to choose from.

    Returns:
        (size, size) bool, True where paint is lost.

    Raises:
        InvalidInputError: The size is too small, or no kind is given.
    """
    if size < MIN_SIZE_PX or not damage:
        raise InvalidInputError(
            f"size must be at least {MIN_SIZE_PX} px with some damage, got {size} and "
            f"{list(damage)}. Choose a larger crop and at least one kind."
        )
    odds = np.array([_ODDS[kind] for kind in damage])
    while True:
        count = min(int(rng.choice(_COUNTS, p=_COUNT_ODDS)), len(damage))
        kinds = rng.choice(len(damage), size=count, replace=False, p=odds / odds.sum())
        mask = np.zeros((size, size), dtype=bool)
        for kind in kinds:
            mask |= _DRAW[damage[kind]](size, rng)
        only_dust = {damage[kind] for kind in kinds} == {"dust"}
        least = MIN_DUST_FRACTION if only_dust else MIN_AREA_FRACTION
        if least <= mask.mean() <= MAX_AREA_FRACTION:
            return mask


def mask_bank(
    count: int, size: int, seed: int, damage: Sequence[Damage] = ALL_DAMAGE
) -> np.ndarray:
    """Draw many masks at once, so that training needs to draw none.

    Args:
        count: Number of masks.
        size: Side of the square masks, at least 16 px.
        seed: The same seed gives the same masks.
        damage: Kinds to choose from.

    Returns:
        (count, size, size) bool.
    """
    rng = np.random.default_rng(seed)
    return np.stack([random_mask(size, rng, damage) for _ in range(count)])


def smooth_noise(size: int, cells: int, rng: np.random.Generator) -> np.ndarray:
    """Draw smooth noise of roughly unit spread, with about ``cells`` bumps along a side.

    Returns:
        (size, size) float32.
    """
    coarse = rng.standard_normal((cells, cells), dtype=np.float32)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)


def _draw_lines(size: int, lines: Sequence[np.ndarray], widths_px: np.ndarray) -> np.ndarray:
    """Draw polylines, each (N, 2) points (x, y) in pixels; no line is thinner than a pixel."""
    canvas = np.zeros((size, size), dtype=np.uint8)
    for points, width_px in zip(lines, widths_px, strict=True):
        corners = np.rint(points).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(canvas, [corners], isClosed=False, color=1, thickness=max(1, round(width_px)))
    return canvas.astype(bool)


def _scratches(size: int, rng: np.random.Generator) -> np.ndarray:
    """A few straight thin lines in about one direction."""
    count = int(rng.integers(2, 13))
    angles = rng.uniform(0.0, math.pi) + rng.uniform(-0.25, 0.25, count)
    lengths = rng.uniform(0.1, 0.6, count) * size
    starts = rng.uniform(0.0, size, (count, 2))
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    lines = np.stack([starts, starts + lengths[:, None] * directions], axis=1)
    return _draw_lines(size, list(lines), _scaled(rng.uniform(1.0, 3.0, count), size))


def _strokes(size: int, rng: np.random.Generator) -> np.ndarray:
    """Broad strokes that change direction, as of a brush or a wipe."""
    lines, widths = [], []
    for _ in range(int(rng.integers(1, 4))):
        segments = int(rng.integers(2, 7))
        lines.append(_walk(size, rng, segments, size / 6.0, turn=1.2))
        widths.append(rng.uniform(12.0, 40.0))
    return _draw_lines(size, lines, _scaled(np.array(widths), size))


def _tear(size: int, rng: np.random.Generator) -> np.ndarray:
    """A winding rip, a fifth of them with a branch."""
    segments = int(rng.integers(10, 31))
    spine = _walk(size, rng, segments, size / 24.0, turn=0.25)
    lines = [spine]
    if rng.random() < 0.2:
        branch = _walk(size, rng, segments // 2, size / 24.0, turn=0.25)
        lines.append(branch - branch[0] + spine[segments // 2])
    width = rng.uniform(2.0, 12.0)
    return _draw_lines(size, lines, _scaled(width * np.array([1.0, 0.6][: len(lines)]), size))


def _walk(
    size: int, rng: np.random.Generator, segments: int, length_px: float, turn: float
) -> np.ndarray:
    """Walk from a random point with a slowly turning heading: (segments + 1, 2) points."""
    headings = rng.uniform(0.0, 2.0 * math.pi) + np.cumsum(rng.normal(0.0, turn, segments))
    lengths = length_px * rng.uniform(0.5, 1.5, segments)
    moves = lengths[:, None] * np.stack([np.cos(headings), np.sin(headings)], axis=1)
    start = rng.uniform(0.0, size, (1, 2))
    return np.concatenate([start, start + np.cumsum(moves, axis=0)])


def _losses(size: int, rng: np.random.Generator) -> np.ndarray:
    """Flaked islands: the highest part of two octaves of noise."""
    noise = 0.7 * smooth_noise(size, int(rng.integers(3, 9)), rng)
    noise += 0.3 * smooth_noise(size, int(rng.integers(10, 25)), rng)
    return noise > np.quantile(noise, 1.0 - rng.uniform(0.02, 0.18))


def _craquelure(size: int, rng: np.random.Generator) -> np.ndarray:
    """Age cracks: borders of warped Voronoi cells, only in some regions.

    With F1 and F2 the distances to the two nearest sites and d the one between the two sites, the
    border is (F2^2 - F1^2) / 2d away.
    """
    sites = rng.uniform(0.0, size, (int(rng.integers(12, 61)), 2))
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size)), axis=-1)
    warp = np.stack([smooth_noise(size, 6, rng), smooth_noise(size, 6, rng)], axis=-1)
    warped = (grid + warp * _scaled(6.0, size)).reshape(-1, 2)
    distances, nearest = KDTree(sites).query(warped, k=2)
    first, second = np.asarray(nearest).T
    apart = np.linalg.norm(sites[second] - sites[first], axis=1)
    border_px = (distances[:, 1] ** 2 - distances[:, 0] ** 2) / (2.0 * apart)
    width_px = max(float(_scaled(rng.uniform(0.8, 3.0), size)), 1.0)
    cracks = border_px.reshape(size, size) < width_px / 2.0
    return cracks & (smooth_noise(size, 4, rng) > rng.uniform(-0.4, 0.5))


def _dust(size: int, rng: np.random.Generator) -> np.ndarray:
    """Specks, and up to three curled hairs; specks far below a pixel are left out."""
    count = int(rng.integers(5, 61))
    canvas = np.zeros((size, size), dtype=np.uint8)
    centres = rng.integers(0, size, (count, 2)).tolist()
    radii = _scaled(rng.uniform(0.5, 2.5, count), size)
    for centre, radius in zip(centres, radii, strict=True):
        if radius > _LEAST_SPECK_PX:
            cv2.circle(canvas, centre, round(radius), 1, cv2.FILLED)
    hairs = [_walk(size, rng, 12, size / 40.0, turn=0.35) for _ in range(int(rng.integers(0, 4)))]
    return canvas.astype(bool) | _draw_lines(size, hairs, np.ones(len(hairs)))


def _scaled(length_px: np.ndarray | float, size: int) -> np.ndarray:
    """Scale lengths that were set at 256 px to a mask of another size."""
    return np.asarray(length_px) * (size / _REFERENCE_PX)


_DRAW: dict[Damage, Callable[[int, np.random.Generator], np.ndarray]] = {
    "scratches": _scratches,
    "strokes": _strokes,
    "losses": _losses,
    "tear": _tear,
    "craquelure": _craquelure,
    "dust": _dust,
}
