"""Shapes of damage as soft masks, (S, S) float32 in [0, 1], and what gives them depth."""

import math

import cv2
import numpy as np

from artgan.degrade.masks import smooth_noise

_SUBPIXEL_BITS = 4


def above(noise: np.ndarray, level: float | np.ndarray, softness: float) -> np.ndarray:
    """Return 1 where noise is above a level and 0 below, with a soft step between."""
    return np.clip((noise - level) / softness + 0.5, 0.0, 1.0)


def highest(noise: np.ndarray, fraction: float, softness: float = 0.05) -> np.ndarray:
    """Return the highest part of noise that covers a fraction of the area."""
    return above(noise, float(np.quantile(noise[::2, ::2], 1.0 - fraction)), softness)


def two_octaves(
    size: int, rng: np.random.Generator, coarse: tuple[int, int], fine: tuple[int, int]
) -> np.ndarray:
    """Add two noises, 0.7 of the coarse and 0.3 of the fine, each of so many cells along a side."""
    noise = 0.7 * smooth_noise(size, int(rng.integers(*coarse)), rng)
    return noise + 0.3 * smooth_noise(size, int(rng.integers(*fine)), rng)


def cells(size: int, count: int, rng: np.random.Generator, stretch: float = 1.0) -> np.ndarray:
    """Part a field into Voronoi cells; return the number of each pixel's cell, int32.

    Args:
        size: Height in pixels; the width is ``size / stretch``.
        count: Number of cells.
        rng: Source of randomness.
        stretch: How much the field will be widened to become square.
    """
    narrow = max(2, round(size / stretch))
    empty = np.ones((size, narrow), dtype=np.uint8)
    empty[rng.integers(0, size, count), rng.integers(0, narrow, count)] = 0
    return cv2.distanceTransformWithLabels(empty, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)[1]


def borders(size: int, count: int, rng: np.random.Generator, stretch: float = 1.0) -> np.ndarray:
    """Return how far each pixel is from the next border between cells, (S, S) float32 in px.

    Args:
        size: Side in pixels.
        count: Number of cells.
        rng: Source of randomness.
        stretch: How much longer than wide cells are on average, in a direction drawn at random
            from the two of the sides, as the grain of a panel would have it.
    """
    labels = cells(size, count, rng, stretch)
    inner = np.ones(labels.shape, dtype=np.uint8)
    inner[:, 1:][labels[:, 1:] != labels[:, :-1]] = 0
    inner[1:][labels[1:] != labels[:-1]] = 0
    distance = cv2.distanceTransform(inner, cv2.DIST_L2, 5)
    if distance.shape[1] != size:
        wide = cv2.resize(distance, (size, size), interpolation=cv2.INTER_LINEAR)
        distance = np.sqrt(stretch) * wide
    return distance if rng.random() < 0.5 else np.ascontiguousarray(distance.T)


def warped(
    field: np.ndarray,
    rng: np.random.Generator,
    reach_px: float,
    bumps: int,
    *,
    nearest: bool = False,
) -> np.ndarray:
    """Shift each pixel by smooth noise of a spread of ``reach_px``, ``bumps`` along a side."""
    size = field.shape[0]
    rows, columns = np.indices((size, size), dtype=np.float32)
    x = columns + float(reach_px) * smooth_noise(size, bumps, rng)
    y = rows + float(reach_px) * smooth_noise(size, bumps, rng)
    how = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    return cv2.remap(field, x, y, how, borderMode=cv2.BORDER_REFLECT_101)


def curve(start: np.ndarray, heading: float, length_px: float, bend: np.ndarray) -> np.ndarray:
    """Walk from a point in equal steps, turning by ``bend`` at each; (N + 1, 2) points (x, y)."""
    headings = heading + np.cumsum(np.asarray(bend))
    step_px = length_px / len(headings)
    moves = step_px * np.stack([np.cos(headings), np.sin(headings)], axis=1)
    return np.concatenate([start[None], start + np.cumsum(moves, axis=0)])


def draw(size: int, points: np.ndarray, widths_px: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Draw one line whose width and strength change along it.

    Args:
        size: Side in pixels.
        points: (N + 1, 2) points (x, y).
        widths_px: Width of each of the N parts; a part thinner than a pixel is fainter instead.
        values: Strength of each part, in [0, 1].

    Returns:
        (S, S) float32.
    """
    canvas = np.zeros((size, size), dtype=np.uint8)
    corners = np.rint(points * 2**_SUBPIXEL_BITS).astype(int)
    strengths = 255.0 * values * np.minimum(widths_px, 1.0)
    for number in np.argsort(strengths):  # the strongest last: later parts replace earlier ones
        start, end = corners[number].tolist(), corners[number + 1].tolist()
        width = max(1, round(float(widths_px[number])))
        value = round(float(strengths[number]))
        cv2.line(canvas, start, end, value, width, cv2.LINE_AA, _SUBPIXEL_BITS)
    return canvas.astype(np.float32) / 255.0


def shifted(mask: np.ndarray, by_px: np.ndarray) -> np.ndarray:
    """Move a mask by (x, y) pixels, not necessarily whole ones."""
    matrix = np.array([[1.0, 0.0, by_px[0]], [0.0, 1.0, by_px[1]]])
    size = (mask.shape[1], mask.shape[0])
    return cv2.warpAffine(mask, matrix, size, borderMode=cv2.BORDER_REPLICATE)


def blurred(mask: np.ndarray, sigma_px: float) -> np.ndarray:
    """Soften a mask with a Gaussian."""
    side = 2 * max(1, math.ceil(2.5 * sigma_px)) + 1
    return cv2.GaussianBlur(mask, (side, side), sigma_px)


def hollow_shadow(shape: np.ndarray, light_from: np.ndarray, depth_px: float) -> np.ndarray:
    """Shadow that the edge of a hollow casts into it, on the side that the light comes from."""
    lit = shifted(shape, -depth_px * light_from)
    return blurred(shape * (1.0 - lit), 0.5 * depth_px)


def far_edge(shape: np.ndarray, light_from: np.ndarray, depth_px: float) -> np.ndarray:
    """Edge of a hollow that faces the light: a thin line outside of it, opposite the light."""
    reached = shifted(shape, -depth_px * light_from)
    return blurred(reached * (1.0 - shape), 0.4 * depth_px)


def rim(shape: np.ndarray, width_px: float) -> np.ndarray:
    """Return what of a shape is within a width of its edge."""
    inside = cv2.distanceTransform((shape > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    return shape * np.clip(1.0 - inside / max(width_px, 1e-3) + 0.5, 0.0, 1.0)


def streaks(size: int, rng: np.random.Generator, cells_across: int) -> np.ndarray:
    """Draw noise drawn out along one random direction, as a brush leaves it."""
    whole = math.ceil(1.45 * size)
    coarse = rng.standard_normal((cells_across, 6), dtype=np.float32)
    straight = cv2.resize(coarse, (whole, whole), interpolation=cv2.INTER_LINEAR)
    turn = cv2.getRotationMatrix2D((whole / 2, whole / 2), rng.uniform(0, 180), 1.0)
    turn[:, 2] -= (whole - size) / 2
    return cv2.warpAffine(straight, turn, (size, size), borderMode=cv2.BORDER_REFLECT_101)
