"""Composes the landscapes of the sample archive: sky, ridges, ground or water, trees, a house.

The scene says colour, stroke direction and region of every pixel; ``landscape_brush`` paints it.
"""

from collections.abc import Callable

import numpy as np

from artgan.sample.landscape_scene import MOODS, Mood, Scene, lay_hill, open_sky
from artgan.sample.texture import (
    Point,
    Size,
    disc,
    filled,
    fractal_noise,
    grid,
    mix,
    rgb,
    smoothstep,
    wandering_line,
)


def _meadow(scene: Scene, horizon: float, mood: Mood, rng: np.random.Generator) -> str:
    """Near ground with flecks of flowers, denser towards the viewer."""
    lay_hill(scene, horizon + 0.12, 1.0, mood, rng)
    height = scene.size[0]
    y, _ = grid(scene.size)
    near = np.clip((y / height - horizon) * 1.6, 0, 1)
    drifts = fractal_noise(scene.size, (height / 9, height / 5), rng, octaves=3)
    specks = rng.random(scene.size) < 0.35
    inside = (drifts + near > 1.25) & specks & (y > (horizon + 0.14) * height)
    scene.colour[inside] = rgb(mood.accent) if rng.random() < 0.6 else rgb(mood.light)
    return "Meadow"


def _furrows(scene: Scene, horizon: float, mood: Mood, rng: np.random.Generator) -> str:
    """Ploughed rows that run to a vanishing point on the horizon."""
    height, width = scene.size
    y, x = grid(scene.size)
    vanish_x, vanish_y = rng.uniform(0.1, 0.9) * width, (horizon - 0.02) * height
    edge = horizon * height + wandering_line(width, width / 2, rng)[None] * height * 0.012
    fall = np.maximum(y - vanish_y, 1)
    bearing = (x - vanish_x) / fall
    rows = np.sin(bearing * rng.uniform(7, 12))
    mixed = mix(rgb(mood.near), rgb(mood.middle), smoothstep(rows, -0.6, 0.6))
    shaded = mix(mixed, rgb(mood.foliage), smoothstep(rows, 0.55, 1) * 0.55)
    direction = np.arctan2(fall, x - vanish_x).astype(np.float32)
    scene.lay(y > edge + height * 0.03, shaded, direction)
    return "Furrows"


def _lake(scene: Scene, horizon: float, mood: Mood, rng: np.random.Generator) -> str:
    """Water that mirrors what stands above it, broken by level ripples."""
    height, width = scene.size
    y, x = grid(scene.size)
    shore = (horizon + 0.06) * height
    ripple = fractal_noise(scene.size, (height / 60, width / 8), rng, octaves=3)
    depth = np.clip((y - shore) / height, 0, 1)
    source_y = np.clip(2 * shore - y - depth * height * 0.2 + ripple * 4, 0, height - 1)
    source_x = np.clip(x + ripple * (3 + depth * 25), 0, width - 1)
    mirrored = scene.colour[source_y.astype(int), source_x.astype(int)]
    tint = mix(rgb(mood.sky_high), rgb(mood.far), 0.3)
    water = mix(mirrored, tint, np.clip(0.2 + depth * 0.7 + 0.12 * ripple, 0, 0.85))
    bank = wandering_line(width, width / 2, rng)[None] * height * 0.006
    scene.lay(y > shore + bank, water, 0.12 * ripple)
    return "Lake"


def _road(scene: Scene, horizon: float, mood: Mood, rng: np.random.Generator) -> str:
    """Meadow with a winding road."""
    lay_hill(scene, horizon + 0.1, 1.0, mood, rng)
    height, width = scene.size
    y, x = grid(scene.size)
    t = np.clip((y / height - horizon - 0.1) / (0.9 - horizon), 0, 1)
    bend = np.sin(t * rng.uniform(3, 6) + rng.uniform(0, 6)) * (0.06 + 0.18 * t)
    middle = (rng.uniform(0.3, 0.7) + bend) * width
    half = (0.006 + 0.1 * t**1.5) * width
    lane = (np.abs(x - middle) < half) & (t > 0.02)
    pale = mix(rgb(mood.light), rgb(mood.near), 0.45)
    run = np.arctan2(np.ones_like(middle), np.gradient(middle, axis=0))
    scene.lay(lane, pale, run)
    return "Road"


def _cypress(scene: Scene, foot: Point, tall: float, shade: np.ndarray) -> None:
    """A flame-shaped tree; ``foot`` is x, y and ``tall`` its height, all in pixels."""
    y, x, corner = scene.window((foot[0], foot[1] - tall / 2), (tall * 0.52, tall * 0.3))
    t = (foot[1] - y) / tall
    inside = np.clip(t, 0, 1)
    sway = np.sin(inside * 7 + foot[0]) * tall * 0.025
    half = tall * 0.13 * np.sqrt(inside + 0.02) * (1 - inside) ** 0.75
    half = half * (1 + 0.2 * np.sin(inside * 31 + foot[0]))
    offset = x - foot[0] - sway
    mask = (np.abs(offset) < half) & (t > 0) & (t < 1)
    light = np.clip(1 - 0.5 * offset / (half + 1), 0.6, 1.6)
    lean = np.pi / 2 + 0.5 * np.sin(inside * 9 + offset / tall * 25)
    scene.lay(mask, shade * light[..., None], lean, corner)


def _round_tree(scene: Scene, foot: Point, tall: float, shade: np.ndarray) -> None:
    """A trunk under a crown of one large and several small round masses."""
    trunk = [(-0.03, 0), (0.04, 0), (0.02, -0.6), (-0.02, -0.6)]
    corners = [(foot[0] + dx * tall, foot[1] + dy * tall) for dx, dy in trunk]
    scene.lay(filled(scene.size, corners), shade * 0.6 + rgb("#2a1a10") * 0.5, np.pi / 2)
    # Large masses low and behind, small ones high and in front, as a crown is usually blocked in.
    for number in range(9):
        bearing, reach = number * 2.4 + foot[0], 0.09 * np.sqrt(number)
        radius = (0.24 - 0.013 * number) * tall
        centre = (
            foot[0] + np.cos(bearing) * reach * tall * 1.25,
            foot[1] - (0.62 - np.sin(bearing) * reach * 0.9) * tall,
        )
        y, x, corner = scene.window(centre, (1.2 * radius, 1.2 * radius))
        across, down = (x - centre[0]) / radius, (y - centre[1]) / radius
        ragged = np.hypot(across, down) + 0.1 * np.sin(5 * np.arctan2(down, across) + bearing)
        lit = np.clip(1.1 - 0.3 * across - 0.45 * down, 0.55, 1.8)
        around = np.arctan2(down, across) + 0.7
        scene.lay(ragged < 1, shade * lit[..., None], around, corner)


def _trees(scene: Scene, horizon: float, mood: Mood, rng: np.random.Generator) -> str:
    """A far row, then one or more trees near the viewer; returns their name for the title."""
    height, width = scene.size
    shade = rgb(mood.foliage)
    distant = mix(shade, rgb(mood.far), 0.45)
    for start in rng.uniform(0, 1, rng.integers(2, 9)):
        foot = (start * width, (horizon + rng.uniform(0.02, 0.07)) * height)
        _round_tree(scene, foot, rng.uniform(0.05, 0.1) * height, distant)
    cypresses = bool(rng.random() < 0.5)
    paint = _cypress if cypresses else _round_tree
    side = rng.choice([rng.uniform(0.08, 0.3), rng.uniform(0.7, 0.92)])
    for number in range(int(rng.integers(1, 4))):
        foot = ((side + number * rng.uniform(-0.16, 0.16)) * width, rng.uniform(0.82, 1.0) * height)
        tall = rng.uniform(0.45, 0.85) if cypresses else rng.uniform(0.35, 0.6)
        paint(scene, foot, tall * height, shade)
    return "Cypresses" if cypresses else "Orchard"


def _house(scene: Scene, horizon: float, mood: Mood, rng: np.random.Generator) -> None:
    """A small house with a coloured roof, set on the horizon."""
    height, width = scene.size
    x, y = rng.uniform(0.2, 0.8) * width, (horizon + rng.uniform(0.05, 0.09)) * height
    unit = rng.uniform(0.035, 0.06) * height
    wall = [(-1.2, -1), (1.2, -1), (1.2, 0), (-1.2, 0)]
    roof = [(-1.5, -0.95), (-0.9, -1.9), (0.9, -1.9), (1.5, -0.95)]
    place = np.array([x, y], np.float32)
    pale = mix(rgb(mood.light), rgb(mood.far), 0.25)
    scene.lay(filled(scene.size, place + np.array(wall) * unit), pale, np.pi / 2)
    scene.lay(filled(scene.size, place + np.array(roof) * unit), rgb(mood.accent), 0.0)


def _sail(scene: Scene, horizon: float, mood: Mood, rng: np.random.Generator) -> None:
    """A sailing boat with its reflection."""
    height, width = scene.size
    unit = rng.uniform(0.08, 0.16) * height
    place = np.array([rng.uniform(0.25, 0.75) * width, (horizon + 0.17) * height], np.float32)
    hull = np.array([(-0.55, -0.08), (0.55, -0.08), (0.35, 0.12), (-0.4, 0.12)])
    sail = np.array([(0.02, -1.1), (0.5, -0.15), (-0.05, -0.12)])
    mirror = np.array([(-0.4, 0.12), (0.35, 0.12), (0.05, 0.8)])
    scene.lay(filled(scene.size, place + mirror * unit), rgb(mood.far) * 0.9, 0.0)
    scene.lay(filled(scene.size, place + hull * unit), rgb(mood.accent), 0.0)
    scene.lay(filled(scene.size, place + sail * unit), rgb(mood.light), 1.2)


GROUNDS: tuple[Callable[[Scene, float, Mood, np.random.Generator], str], ...] = (
    _meadow,
    _furrows,
    _lake,
    _road,
)


def compose_scene(size: Size, rng: np.random.Generator) -> Scene:
    """Compose one landscape: sky with sun or moon, ridges, ground or water, trees, a house.

    Args:
        size: Height and width in pixels.
        rng: Source of every choice.
    """
    mood = MOODS[rng.integers(len(MOODS))]
    height, width = size
    horizon = rng.uniform(0.36, 0.68)
    sun = (rng.uniform(0.12, 0.88) * width, rng.uniform(0.1, 0.9) * horizon * height)
    scene = open_sky(size, mood, sun, rng)
    radius = rng.uniform(0.025, 0.06) * max(size)
    y, x = grid(size)
    around = np.arctan2(y - sun[1], x - sun[0]) + np.pi / 2
    scene.lay(disc(size, sun, radius), rgb(mood.light), around)
    ridges = int(rng.integers(1, 4))
    for number in range(ridges):
        depth = number / 3
        lay_hill(scene, horizon - 0.1 * (1 - (number + 1) / ridges), depth, mood, rng)
    ground = GROUNDS[rng.integers(len(GROUNDS))](scene, horizon, mood, rng)
    if rng.random() < 0.5:
        _house(scene, horizon, mood, rng)
    if ground == "Lake" and rng.random() < 0.7:
        _sail(scene, horizon, mood, rng)
    trees = _trees(scene, horizon, mood, rng) if rng.random() < 0.8 else ""
    scene.subject = f"{ground} and {trees}" if trees else ground
    return scene
