"""What a landscape is composed of: a mood of colours, and a scene laid from back to front."""

from dataclasses import dataclass

import numpy as np

from artgan.sample.texture import (
    Point,
    Size,
    fractal_noise,
    grid,
    mix,
    rgb,
    smoothstep,
    wandering_line,
)

Window = tuple[np.ndarray, np.ndarray, tuple[int, int]]


@dataclass(frozen=True)
class Mood:
    """The colours of one light; every field is ``#rrggbb``."""

    name: str
    sky_high: str
    sky_low: str
    light: str
    far: str
    middle: str
    near: str
    foliage: str
    accent: str


# Name, then sky above and below, light, far, middle and near ground, foliage, accent.
MOODS = tuple(
    Mood(name, *codes.split())
    for name, codes in (
        ("Dawn", "#5478a6 #f4b68c #fff0c2 #8d8fb8 #7c9468 #a08a44 #2f4a3a #b5472f"),
        ("Noon", "#2b69b0 #a9d6e4 #fff6cf #7ba3c0 #6fa24c #cdb549 #2a5c34 #c8452e"),
        ("Harvest", "#3a86bd #efe3a2 #ffdf6a #8fb08e #cfa838 #e8b93c #46602a #a83a22"),
        ("Dusk", "#35397a #ee7d4c #ffd98a #5f4f82 #4f4a66 #6a4a34 #1f2c30 #d94f2a"),
        ("Moonlight", "#13215a #4478a4 #f6efb4 #2d4d80 #234a62 #2a4a48 #0e2229 #e0a93a"),
        ("Squall", "#3d4c5e #a9b4a6 #f0ead0 #5f7078 #64764c #857a40 #2b3a2c #a5482f"),
        ("Autumn", "#5a86b0 #edd7a8 #fff0c0 #8b7f9e #bd6a2a #d2922f #94401c #7a2a1f"),
        ("Thaw", "#7796bd #efe0dc #fff1d2 #a6b4d2 #c6d0de #e6e9ef #34464e #a8432f"),
    )
)


@dataclass
class Scene:
    """What the brush follows: colour (H, W, 3), stroke direction in radians (H, W), region (H, W).

    A stroke never leaves the region in which it begins.
    """

    colour: np.ndarray
    direction: np.ndarray
    region: np.ndarray
    subject: str
    mood: str
    regions: int = 0

    @property
    def size(self) -> Size:
        """Height and width in pixels."""
        return self.region.shape[0], self.region.shape[1]

    def lay(
        self,
        mask: np.ndarray,
        colour: np.ndarray,
        direction: np.ndarray | float,
        corner: tuple[int, int] = (0, 0),
    ) -> None:
        """Cover the scene where ``mask`` exceeds one half, and open a new region there.

        Args:
            mask: Coverage (h, w) of the whole scene or of a window of it.
            colour: One colour (3,) or a picture (h, w, 3).
            direction: Stroke direction in radians, one or (h, w).
            corner: Top and left of the window in the scene.
        """
        inside = mask > 0.5
        window = np.s_[corner[0] : corner[0] + mask.shape[0], corner[1] : corner[1] + mask.shape[1]]
        self.colour[window][inside] = np.broadcast_to(colour, (*mask.shape, 3))[inside]
        self.direction[window][inside] = np.broadcast_to(direction, mask.shape)[inside]
        self.regions += 1
        self.region[window][inside] = self.regions

    def window(self, centre: Point, reach: tuple[float, float]) -> Window:
        """Pixel coordinates (y, x) within ``reach`` (down, across) of ``centre`` (x, y)."""
        height, width = self.size
        top, left = max(int(centre[1] - reach[0]), 0), max(int(centre[0] - reach[1]), 0)
        bottom, right = int(centre[1] + reach[0]) + 1, int(centre[0] + reach[1]) + 1
        y, x = np.mgrid[top : max(min(bottom, height), top), left : max(min(right, width), left)]
        return y.astype(np.float32), x.astype(np.float32), (top, left)


def _contour_direction(potential: np.ndarray) -> np.ndarray:
    """Direction along the contour lines of a potential (H, W); such a flow has no sources."""
    slope_y, slope_x = np.gradient(potential)
    return np.arctan2(-slope_x, slope_y).astype(np.float32)


def open_sky(size: Size, mood: Mood, sun: Point, rng: np.random.Generator) -> Scene:
    """Graded sky with clouds, and strokes that whirl round the sun."""
    y, x = grid(size)
    span = max(size)
    distance = np.hypot(x - sun[0], y - sun[1])
    clouds = fractal_noise(size, (span / 5, span / 2.5), rng)
    height = np.clip(y / size[0] * 1.5 + clouds * 0.05, 0, 1)
    colour = mix(rgb(mood.sky_high), rgb(mood.sky_low), height)
    cover = smoothstep(clouds, 0.35, 1.3) * rng.uniform(0.2, 0.9)
    colour = mix(colour, mix(rgb(mood.sky_low), rgb(mood.light), 0.6), cover)
    rings = 0.5 + 0.5 * np.cos(distance / span * rng.uniform(60, 95))
    glow = np.exp(-distance / span * rng.uniform(5, 9)) * (0.55 + 0.45 * rings)
    colour = mix(colour, rgb(mood.light), np.clip(glow * 1.2, 0, 1))
    whirl = np.exp(-((distance / span) ** 2) * 14) * span * 0.35
    drift = fractal_noise(size, (span / 3, span / 2), rng, octaves=2) * span * 0.035
    direction = _contour_direction(whirl + drift + y * 0.45)
    region = np.zeros(size, np.int32)
    return Scene(colour, direction, region, "", mood.name)


def lay_hill(scene: Scene, base: float, depth: float, mood: Mood, rng: np.random.Generator) -> None:
    """One ridge across the picture; depth 0 is the farthest and 1 the nearest."""
    height, width = scene.size
    y, _ = grid(scene.size)
    swell = rng.uniform(0.03, 0.11) * (1.3 - depth)
    ridge = base * height + wandering_line(width, width / rng.uniform(1.2, 3), rng) * swell * height
    below = (y - ridge[None]) / height
    fields = fractal_noise(scene.size, (height * 0.06, width * 0.25), rng, octaves=3)
    near = mix(rgb(mood.middle), rgb(mood.near), smoothstep(fields, -0.8, 0.8))
    tone = mix(np.broadcast_to(rgb(mood.far), near.shape), near, min(depth + 0.15, 1.0))
    lit = np.clip(1.12 - 1.1 * below + 0.06 * fields, 0.7, 1.25)
    slope = np.arctan(np.gradient(ridge))[None] * np.exp(-np.clip(below, 0, 1) * 6)
    direction = slope + 0.25 * fractal_noise(scene.size, (height / 5, width / 4), rng, octaves=2)
    scene.lay(below > 0, tone * lit[..., None], direction)
