"""Paints damage over a picture and says exactly where: losses, scratches, tear, crackle."""

from collections.abc import Callable

import cv2
import numpy as np
from scipy.spatial import KDTree

from artgan.sample.texture import (
    SUBPIXEL_BITS,
    Size,
    canvas_weave,
    fixed_points,
    fractal_noise,
    grid,
    relief,
    rgb,
    smooth_curve,
    smoothstep,
)

# Damage is added until it covers this share of the picture; one more layer stays well below 15 %.
ENOUGH = 0.03
MAX_LAYERS = 24

# What a layer gives: its opacity (H, W) and its paint (H, W, 3), both in [0, 1].
Layer = tuple[np.ndarray, np.ndarray]


def _bare_ground(size: Size, rng: np.random.Generator) -> np.ndarray:
    """The priming under the paint: warm white to brown, with the weave showing."""
    tone = rgb(str(rng.choice(["#e9dcc0", "#cdb48a", "#b98d62", "#ded5c6"])))
    stains = 1 + 0.05 * fractal_noise(size, (24, 24), rng, octaves=3)
    return tone * (stains * canvas_weave(size, rng, 0.05))[..., None]


def _losses(size: Size, rng: np.random.Generator) -> Layer:
    """Flaked paint: a few ragged islands of bare ground with a lit lower edge."""
    cell = rng.uniform(0.12, 0.3) * min(size)
    field = fractal_noise(size, (cell, cell), rng, octaves=5)
    # A slow second field gathers the islands in one part of the picture.
    field += 1.2 * fractal_noise(size, (size[0] / 1.5, size[1] / 1.5), rng, octaves=1)
    limit = float(np.quantile(field, 1 - rng.uniform(0.02, 0.05)))
    opacity = smoothstep(field, limit, limit + 0.12)
    return opacity, _bare_ground(size, rng) * relief(opacity, -0.12)[..., None]


def _scratches(size: Size, rng: np.random.Generator) -> Layer:
    """Long thin strokes, roughly parallel, that cut down to the ground."""
    cover = np.zeros(size, np.uint8)
    bearing = rng.uniform(0, np.pi)
    for _ in range(int(rng.integers(5, 11))):
        start = rng.uniform(0, 1, 2) * (size[1], size[0])
        heading = bearing + rng.normal(0, 0.25)
        reach = rng.uniform(0.15, 0.6) * min(size) * np.array([np.cos(heading), np.sin(heading)])
        bend = rng.normal(0, 0.03 * min(size), 2)
        points = smooth_curve(np.stack([start, start + reach / 2 + bend, start + reach]), 24)
        width = int(rng.integers(1, 3))
        line = [fixed_points(points)]
        cv2.polylines(cover, line, False, (255,), width, cv2.LINE_AA, SUBPIXEL_BITS)  # noqa: FBT003
    return cover.astype(np.float32) / 255 * 0.9, _bare_ground(size, rng) * 1.05


def _tear(size: Size, rng: np.random.Generator) -> Layer:
    """A jagged rip from one edge inwards: dark gap, pale fibres along its lips."""
    height, width = size
    steps = 40
    reach = rng.uniform(0.4, 0.75) * height
    walk = np.cumsum(rng.normal(0, 0.006 * width, steps)) + rng.normal(0, 0.004 * width, steps)
    x = rng.uniform(0.2, 0.8) * width + walk
    y = np.linspace(-2, reach, steps)
    half = np.linspace(1, 0.1, steps) * rng.uniform(0.012, 0.022) * width
    ragged = half * (1 + 0.35 * rng.standard_normal((2, steps)))
    left, right = np.stack([x - ragged[0], y], 1), np.stack([x + ragged[1], y], 1)
    outline = np.concatenate([left, right[::-1]])
    if rng.random() < 0.5:
        outline[:, 1] = height - outline[:, 1]
    gap = np.zeros(size, np.uint8)
    cv2.fillPoly(gap, [fixed_points(outline)], (255,), cv2.LINE_AA, SUBPIXEL_BITS)
    lips = cv2.dilate(gap, np.ones((5, 5), np.uint8)).astype(np.float32) / 255
    inner = (gap.astype(np.float32) / 255)[..., None]
    return lips, _bare_ground(size, rng) * (1 - inner) + rgb("#1d1712") * inner


def _crackle(size: Size, rng: np.random.Generator) -> Layer:
    """A net of fine dark cracks (edges of a Voronoi diagram) over part of the picture."""
    y, x = grid(size)
    pitch = rng.uniform(15, 24)
    count = int(size[0] * size[1] / pitch**2)
    seeds = rng.uniform(0, 1, (count, 2)) * (size[1], size[0])
    bend_x, bend_y = (fractal_noise(size, (20, 20), rng, octaves=2) * 2.2 for _ in range(2))
    pixels = np.stack([x + bend_x, y + bend_y], -1).reshape(-1, 2)
    nearest, _ = KDTree(seeds).query(pixels, k=2)
    gap = (nearest[:, 1] - nearest[:, 0]).reshape(size).astype(np.float32)
    spread = fractal_noise(size, (size[0] / 2, size[1] / 2), rng, octaves=2)
    inside = smoothstep(spread, 0.1, 0.5)
    opacity = smoothstep(1.3 + inside - gap, 1.0, 1.9) * (inside > 0) * 0.85
    return opacity, np.broadcast_to(rgb("#2a2119"), (*size, 3)).astype(np.float32)


LAYERS: dict[str, Callable[[Size, np.random.Generator], Layer]] = {
    "losses": _losses,
    "scratches": _scratches,
    "tear": _tear,
    "crackle": _crackle,
}


def damage_picture(
    picture: np.ndarray, kinds: tuple[str, ...], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Damage a picture until about 3 % of it or more is hurt.

    Args:
        picture: float32 (H, W, 3), sRGB in [0, 1].
        kinds: Names in ``LAYERS``, applied in turn, each at least once.
        rng: Source of every choice.

    Returns:
        The damaged picture, like ``picture``, and the mask, bool (H, W). Outside of the mask the
        pictures are equal.
    """
    size = picture.shape[0], picture.shape[1]
    hurt, mask = picture.copy(), np.zeros(size, bool)
    for number in range(MAX_LAYERS):
        if number >= len(kinds) and mask.mean() >= ENOUGH:
            break
        opacity, paint = LAYERS[kinds[number % len(kinds)]](size, rng)
        touched = opacity > 0.02
        blended = hurt + (np.clip(paint, 0, 1) - hurt) * opacity[..., None]
        hurt = np.where(touched[..., None], blended, hurt).astype(np.float32)
        mask |= touched
    return hurt, mask
