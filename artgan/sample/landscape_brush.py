"""Paints a composed landscape with oriented brush strokes, the ``brush_landscapes`` collection."""

from dataclasses import dataclass

import cv2
import numpy as np

from artgan.sample.landscape_motifs import compose_scene
from artgan.sample.landscape_scene import Scene
from artgan.sample.texture import SUBPIXEL_BITS, Size, canvas_weave, finish, fixed_points, relief

# The canvas is painted larger than the scan and then shrunk, so that bristles stay fine.
OVERSAMPLING = 1.5


@dataclass(frozen=True)
class Brush:
    """One pass over the canvas; lengths in pixels of the oversized canvas."""

    spacing: float
    width: float
    length: float
    bristles: int
    edges_only: bool


PASSES = (
    Brush(spacing=13, width=15, length=58, bristles=6, edges_only=False),
    Brush(spacing=10, width=9, length=40, bristles=4, edges_only=False),
    Brush(spacing=8, width=5, length=24, bristles=3, edges_only=True),
)


def _starts(scene: Scene, brush: Brush, rng: np.random.Generator) -> np.ndarray:
    """Stroke centres (N, 2) as x, y on a jittered lattice, in random painting order."""
    height, width = scene.size
    columns, rows = int(width / brush.spacing) + 1, int(height / brush.spacing) + 1
    lattice = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1).reshape(-1, 2)
    centres = (lattice + rng.uniform(-0.5, 0.5, lattice.shape)) * brush.spacing
    centres = np.clip(centres, 0, (width - 1, height - 1))
    if brush.edges_only:
        edges = cv2.Laplacian(cv2.GaussianBlur(scene.colour, (0, 0), 2), cv2.CV_32F)
        strength = np.abs(edges).sum(-1)[tuple(centres.astype(int).T[::-1])]
        centres = centres[strength > np.quantile(strength, 0.45)]
    return rng.permutation(centres).astype(np.float32)


def _look_up(values: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Values of an (H, W, ...) array at points (N, 2) given as x, y; outside points are clamped."""
    x = np.clip(points[:, 0], 0, values.shape[1] - 1).astype(int)
    y = np.clip(points[:, 1], 0, values.shape[0] - 1).astype(int)
    return values[y, x]


def _trace(scene: Scene, centres: np.ndarray, step: np.ndarray, sign: float) -> list[np.ndarray]:
    """Follow the flow for two steps from each centre; a path stops at the edge of its region."""
    home = _look_up(scene.region, centres)
    heading = _look_up(scene.direction, centres)
    points, here = [], centres
    for _ in range(2):
        move = np.stack([np.cos(heading), np.sin(heading)], -1) * (sign * step)[:, None]
        ahead = here + move
        stays = _look_up(scene.region, ahead) == home
        here = np.where(stays[:, None], ahead, here + 0.15 * move).astype(np.float32)
        turned = _look_up(scene.direction, here)
        # A flow direction has no sense, so half turns are taken out before it is followed.
        heading = heading + np.arcsin(np.clip(np.sin(turned - heading), -1, 1)) * np.sign(
            np.cos(turned - heading) + 1e-6
        )
        points.append(here)
    return points


def _paths(scene: Scene, brush: Brush, centres: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Stroke spines (N, 5, 2) along the flow."""
    step = brush.length / 4 * rng.uniform(0.6, 1.3, len(centres)).astype(np.float32)
    back = _trace(scene, centres, step, -1)
    ahead = _trace(scene, centres, step, 1)
    return np.stack([*reversed(back), centres, *ahead], 1)


def _bristles(paths: np.ndarray, brush: Brush, rng: np.random.Generator) -> np.ndarray:
    """Parallel bristle lines (N, bristles, 5, 2) beside each spine."""
    run = np.gradient(paths, axis=1)
    length = np.maximum(np.linalg.norm(run, axis=-1, keepdims=True), 1e-3)
    normal = np.stack([-run[..., 1], run[..., 0]], -1) / length
    offsets = (np.arange(brush.bristles) + 0.5) / brush.bristles - 0.5
    spread = offsets * brush.width + rng.normal(0, 0.6, (len(paths), brush.bristles))
    # The stroke narrows where the brush is lifted.
    taper = np.array([0.7, 1.0, 1.05, 0.95, 0.6])
    return paths[:, None] + (spread[:, :, None] * taper)[..., None] * normal[:, None]


def _colours(
    scene: Scene, brush: Brush, centres: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Bristle colours and paint heights (N, bristles, 4) in [0, 255]."""
    base = _look_up(scene.colour, centres)
    warm = rng.normal(0, 0.035, (len(base), 1)) * np.array([1.0, 0.1, -1.0])
    stroke = base * rng.normal(1, 0.09, (len(base), 1)) + warm + rng.normal(0, 0.018, base.shape)
    load = rng.normal(0, 1, (len(base), brush.bristles, 1))
    bristle = stroke[:, None] * (1 + 0.07 * load)
    height = np.clip(0.5 + 0.2 * load, 0, 1)
    return np.clip(np.concatenate([bristle, height], -1) * 255, 0, 255)


def _paint_pass(
    canvas: np.ndarray, scene: Scene, brush: Brush, rng: np.random.Generator
) -> np.ndarray:
    """Draw one pass of strokes on the uint8 canvas (H, W, 4): red, green, blue, paint height."""
    centres = _starts(scene, brush, rng)
    lines = fixed_points(_bristles(_paths(scene, brush, centres, rng), brush, rng))
    colours = _colours(scene, brush, centres, rng).tolist()
    thickness = max(int(np.ceil(brush.width / brush.bristles)) + 1, 2)
    for stroke, shades in zip(lines, colours, strict=True):
        for bristle, shade in zip(stroke, shades, strict=True):
            cv2.polylines(canvas, [bristle], False, shade, thickness, cv2.LINE_8, SUBPIXEL_BITS)  # noqa: FBT003
    return canvas


def paint_landscape(size: Size, rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """Paint one landscape with several thousand strokes that follow the flow of its scene.

    Args:
        size: Height and width of the picture in pixels.
        rng: Source of every choice; the same state gives the same picture.

    Returns:
        The picture, float32 (H, W, 3), sRGB in [0, 1], and what it shows, for its title.
    """
    large = (round(size[0] * OVERSAMPLING), round(size[1] * OVERSAMPLING))
    scene = compose_scene(large, rng)
    ground = np.clip(scene.colour * 0.85 + 0.05, 0, 1)
    height = np.full((*large, 1), 0.5, np.float32)
    canvas = np.round(np.concatenate([ground, height], -1) * 255).astype(np.uint8)
    for brush in PASSES:
        _paint_pass(canvas, scene, brush, rng)
    paint = canvas.astype(np.float32) / 255
    thickness = cv2.GaussianBlur(np.ascontiguousarray(paint[..., 3]), (0, 0), 0.8)
    lit = relief(thickness, 0.16) * canvas_weave(large, rng, 0.015)
    return finish(paint[..., :3] * lit[..., None], size), f"{scene.subject}, {scene.mood}"
