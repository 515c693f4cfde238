"""Noise, surfaces and shapes that the painters of the sample archive share.

Pictures are float32 arrays (H, W, 3), sRGB, values in [0, 1]: unlike the uint8 picture of the image
contract they keep the values between two 8-bit steps, which the 16-bit scans need.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from scipy.interpolate import CubicSpline

Size = tuple[int, int]
Point = tuple[float, float]

# Polygon corners are handed to OpenCV in 1/16 pixel.
SUBPIXEL_BITS = 4


def rgb(code: str) -> np.ndarray:
    """Colour code ``#rrggbb`` to float32 (3,) in [0, 1]."""
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255


def mix(first: np.ndarray, second: np.ndarray, weight: np.ndarray | float) -> np.ndarray:
    """Linear blend; weight 0 gives ``first``. A weight (H, W) is spread over the channels."""
    spread = weight[..., None] if isinstance(weight, np.ndarray) else weight
    return (first + (second - first) * spread).astype(np.float32)


def fractal_noise(
    size: Size, cell: tuple[float, float], rng: np.random.Generator, octaves: int = 4
) -> np.ndarray:
    """Value noise summed over octaves, float32 (H, W), mean 0 and standard deviation 1.

    Args:
        size: Height and width in pixels.
        cell: Height and width in pixels of the coarsest lattice cell; unequal values give streaks.
        rng: Source of the lattice values.
        octaves: Number of halvings of the cell, each at half the weight.
    """
    height, width = size
    total = np.zeros(size, np.float32)
    for octave in range(octaves):
        rows = max(int(np.ceil(height * 2**octave / cell[0])) + 1, 2)
        columns = max(int(np.ceil(width * 2**octave / cell[1])) + 1, 2)
        lattice = rng.standard_normal((min(rows, height), min(columns, width)), np.float32)
        total += cv2.resize(lattice, (width, height), interpolation=cv2.INTER_CUBIC) * 0.5**octave
    return (total - total.mean()) / (total.std() + 1e-6)


def wandering_line(length: int, cell: float, rng: np.random.Generator) -> np.ndarray:
    """One-dimensional fractal noise, float32 (length,), mean 0 and standard deviation 1."""
    return fractal_noise((2, length), (2, cell), rng, octaves=5)[0]


def grid(size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Pixel coordinates (y, x) as two float32 arrays (H, W)."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    return rows.astype(np.float32), columns.astype(np.float32)


def smoothstep(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Cubic ramp from 0 at ``low`` to 1 at ``high``."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def relief(height: np.ndarray, strength: float) -> np.ndarray:
    """Light from the upper left on a relief (H, W), as a factor around 1."""
    slope_x = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3)
    slope_y = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3)
    return 1 + np.clip(strength * (slope_x + slope_y), -0.25, 0.25)


def canvas_weave(size: Size, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Plain weave of canvas as a brightness factor (H, W) around 1, threads 3 px apart."""
    y, x = grid(size)
    wobble = fractal_noise(size, (60, 60), rng, octaves=2) * 0.5
    over = np.sin((x + wobble) * np.pi / 1.5) * np.sin((y + wobble) * np.pi / 3)
    under = np.sin((y - wobble) * np.pi / 1.5) * np.sin((x - wobble) * np.pi / 3)
    slubs = fractal_noise(size, (3, 40), rng, octaves=2) * 0.25
    return 1 + strength * (0.5 * (over + under) + slubs)


def fixed_points(points: np.ndarray) -> np.ndarray:
    """Points (N, 2) as x, y in pixels to the fixed-point int32 that OpenCV draws with."""
    return np.round(points * (1 << SUBPIXEL_BITS)).astype(np.int32)


def filled(size: Size, points: np.ndarray | Sequence[Point]) -> np.ndarray:
    """Antialiased polygon as coverage float32 (H, W) in [0, 1]; points are x, y in pixels."""
    mask = np.zeros(size, np.uint8)
    corners = fixed_points(np.asarray(points, np.float32))
    cv2.fillPoly(mask, [corners], (255,), cv2.LINE_AA, SUBPIXEL_BITS)
    return mask.astype(np.float32) / 255


def disc(size: Size, centre: Point, radius: float) -> np.ndarray:
    """Antialiased disc as coverage float32 (H, W) in [0, 1]; centre is x, y in pixels."""
    y, x = grid(size)
    return np.clip(radius + 0.5 - np.hypot(x - centre[0], y - centre[1]), 0, 1)


def smooth_curve(points: Sequence[Point] | np.ndarray, samples: int) -> np.ndarray:
    """Cubic spline through the points by chord length, float32 (samples, 2)."""
    knots = np.asarray(points, np.float64)
    chord = np.hypot(*np.diff(knots, axis=0).T)
    along = np.concatenate([[0], np.cumsum(np.maximum(chord, 1e-6))])
    return CubicSpline(along, knots)(np.linspace(0, along[-1], samples)).astype(np.float32)


def finish(picture: np.ndarray, size: Size) -> np.ndarray:
    """Shrink an oversized painting by area averaging and clip it to [0, 1], float32 (H, W, 3)."""
    shrunk = cv2.resize(picture, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    return np.clip(shrunk, 0, 1).astype(np.float32)
