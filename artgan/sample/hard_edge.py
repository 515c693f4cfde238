"""Hard-edged geometric abstraction, the ``hard_edge`` collection."""

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np

from artgan.sample.texture import (
    SUBPIXEL_BITS,
    Size,
    canvas_weave,
    finish,
    fixed_points,
    fractal_noise,
    grid,
    rgb,
)

OVERSAMPLING = 2

# Each palette: the ground first, then the colours of the forms.
PALETTES = (
    ("#f3efe2", "#e0261c", "#f6c40e", "#1446a8", "#141414"),
    ("#16161a", "#ff4b1f", "#ffd400", "#f5f1e6", "#0f7fd0"),
    ("#f7e9c8", "#e3342b", "#0b6e4f", "#f2a516", "#22223b"),
    ("#f4c20d", "#d81e3f", "#1b3fa0", "#fbf7ea", "#141414"),
    ("#d7263d", "#f8f4e3", "#101820", "#f9a620", "#2176c7"),
    ("#123c8c", "#f5f0df", "#f0562b", "#f7c72c", "#0fa3a3"),
    ("#efe9dc", "#f0562b", "#ee7fa8", "#167a5b", "#20308f"),
    ("#0e7c5a", "#f6efd9", "#f3b61f", "#e2361f", "#171a2b"),
)


class Panel:
    """A canvas that is painted in flat colours with antialiased edges; lengths in its pixels."""

    def __init__(self, size: Size, rng: np.random.Generator) -> None:
        self.size = size
        palette = PALETTES[rng.integers(len(PALETTES))]
        self.ground = rgb(palette[0])
        self.colours = [rgb(code) for code in palette[1:]]
        self.picture = np.full((*size, 3), self.ground, np.float32)
        self.unit = float(min(size))

    def polygon(self, points: np.ndarray, colour: np.ndarray) -> None:
        """Fill a polygon (N, 2), corners as x, y."""
        shade = tuple(float(value) for value in colour)
        cover = np.zeros(self.size, np.uint8)
        cv2.fillPoly(cover, [fixed_points(points)], (255,), cv2.LINE_AA, SUBPIXEL_BITS)
        weight = cover.astype(np.float32)[..., None] / 255
        self.picture += (np.array(shade, np.float32) - self.picture) * weight

    def bar(
        self, centre: np.ndarray, extent: tuple[float, float], turn: float, colour: np.ndarray
    ) -> None:
        """Fill a rectangle of ``extent`` (length, breadth) turned by ``turn`` radians."""
        along = np.array([np.cos(turn), np.sin(turn)]) * extent[0] / 2
        across = np.array([-np.sin(turn), np.cos(turn)]) * extent[1] / 2
        corners = [along + across, along - across, -along - across, -along + across]
        self.polygon(centre + np.array(corners), colour)

    def blend(self, cover: np.ndarray, colour: np.ndarray) -> None:
        """Paint ``colour`` where ``cover`` (H, W) is 1."""
        self.picture += (colour - self.picture) * cover[..., None]

    def distance(self, centre: np.ndarray) -> np.ndarray:
        """Distance (H, W) of every pixel from ``centre`` (x, y)."""
        y, x = grid(self.size)
        return np.hypot(x - centre[0], y - centre[1])

    def place(self, rng: np.random.Generator, low: float, high: float) -> np.ndarray:
        """A random point (x, y) at ``low`` to ``high`` of the width and height."""
        return rng.uniform(low, high, 2) * np.array(self.size[::-1])


def _targets(panel: Panel, rng: np.random.Generator) -> str:
    """Concentric rings, whose colours change from one side of a cut to the other."""
    y, x = grid(panel.size)
    centre = panel.place(rng, 0.35, 0.65)
    rings = int(rng.integers(4, 9))
    pitch = panel.unit * rng.uniform(0.4, 0.5) / rings
    turn = rng.choice([0.0, np.pi / 4, np.pi / 2])
    side = np.clip((x - centre[0]) * np.cos(turn) + (y - centre[1]) * np.sin(turn) + 0.5, 0, 1)
    order, shift = rng.permutation(len(panel.colours)), int(rng.integers(1, 3))
    split = rng.random() < 0.7
    distance = panel.distance(centre)
    for ring in range(rings, 0, -1):
        cover = np.clip(ring * pitch - distance + 0.5, 0, 1)
        panel.blend(cover, panel.colours[order[ring % len(order)]])
        if split:
            panel.blend(cover * side, panel.colours[order[(ring + shift) % len(order)]])
    return "Split Target" if split else "Target"


def _stripes(panel: Panel, rng: np.random.Generator) -> str:
    """Parallel bars of uneven breadth, upright, level or slanting, over the whole field."""
    turn = float(rng.choice([0.0, np.pi / 2, np.pi / 4, -np.pi / 6]))
    reach = float(np.hypot(*panel.size))
    breadths = rng.choice([0.03, 0.05, 0.08, 0.14, 0.22], 40) * panel.unit
    normal = np.array([-np.sin(turn), np.cos(turn)])
    position, last = -reach / 2, -1
    for breadth in breadths:
        pick = int(rng.integers(len(panel.colours) + 1))
        pick = (pick + 1) % (len(panel.colours) + 1) if pick == last else pick
        last = pick
        centre = np.array(panel.size[::-1]) / 2 + normal * (position + breadth / 2)
        if pick < len(panel.colours):
            panel.bar(centre, (reach * 1.5, breadth), turn, panel.colours[pick])
        position += breadth
    return "Stripes"


def _shards(panel: Panel, rng: np.random.Generator) -> str:
    """The field cut by a few straight lines; each piece takes one colour."""
    y, x = grid(panel.size)
    cuts = int(rng.integers(3, 6))
    code = np.zeros(panel.size, np.int32)
    for cut in range(cuts):
        turn = rng.uniform(0, np.pi)
        through = panel.place(rng, 0.25, 0.75)
        beyond = (x - through[0]) * np.sin(turn) - (y - through[1]) * np.cos(turn) > 0
        code += beyond.astype(np.int32) << cut
    table = np.array([panel.ground, *panel.colours])
    picks = rng.integers(0, len(table), 2**cuts)
    panel.picture[:] = table[picks][code]
    return "Shards"


def _tiles(panel: Panel, rng: np.random.Generator) -> str:
    """A grid of squares that carry quarter discs, half discs, triangles or nothing."""
    pitch = panel.unit / int(rng.integers(3, 6))
    rows, columns = int(np.ceil(panel.size[0] / pitch)), int(np.ceil(panel.size[1] / pitch))
    y, x = grid(panel.size)
    shapes = rng.choice(["quarter", "triangle", "disc"], int(rng.integers(1, 3)), replace=False)
    for row in range(rows):
        for column in range(columns):
            corner = np.array([column, row]) * pitch
            ground, form = rng.choice(len(panel.colours), 2, replace=False)
            square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * pitch + corner
            if rng.random() < 0.6:
                panel.polygon(square, panel.colours[ground])
            turn = int(rng.integers(4))
            shape = rng.choice(shapes)
            if shape == "triangle":
                panel.polygon(np.delete(square, turn, axis=0), panel.colours[form])
                continue
            centre = square[turn] if shape == "quarter" else corner + pitch / 2
            radius = pitch if shape == "quarter" else pitch * 0.4
            top, left = int(corner[1]), int(corner[0])
            cell = np.s_[top : int(corner[1] + pitch), left : int(corner[0] + pitch)]
            distance = np.hypot(x[cell] - centre[0], y[cell] - centre[1])
            cover = np.clip(radius - distance + 0.5, 0, 1)[..., None]
            panel.picture[cell] += (panel.colours[form] - panel.picture[cell]) * cover
    return "Tiles"


def _discs(panel: Panel, rng: np.random.Generator) -> str:
    """Overlapping discs that change colour wherever they cross."""
    table = np.array([panel.ground, *panel.colours])
    count = np.zeros(panel.size, np.float32)
    for _ in range(int(rng.integers(3, 7))):
        radius = rng.uniform(0.16, 0.36) * panel.unit
        inside = np.clip(radius - panel.distance(panel.place(rng, 0.2, 0.8)) + 0.5, 0, 1)
        count += inside
    whole = np.floor(count)
    lower, upper = table[whole.astype(int) % 5], table[(whole.astype(int) + 1) % 5]
    panel.picture[:] = lower + (upper - lower) * (count - whole)[..., None]
    return "Crossing Discs"


def _arcs(panel: Panel, rng: np.random.Generator) -> str:
    """Fans of half rings that stand on the edges of the field."""
    height, width = panel.size
    y, x = grid(panel.size)
    feet = [(0.5, 1.0, -np.pi / 2), (0.0, 0.5, 0.0), (1.0, 0.5, np.pi), (0.5, 0.0, np.pi / 2)]
    for pick in rng.permutation(4)[: int(rng.integers(2, 4))]:
        across, down, turn = feet[pick]
        centre = np.array([across * width, down * height])
        distance = panel.distance(centre)
        ahead = (x - centre[0]) * np.cos(turn) + (y - centre[1]) * np.sin(turn)
        inside = np.clip(ahead + 0.5, 0, 1)
        bands = int(rng.integers(3, 6))
        radius = rng.uniform(0.42, 0.6) * panel.unit
        order = rng.permutation(len(panel.colours))
        for band in range(bands, 0, -1):
            cover = np.clip(radius * band / bands - distance + 0.5, 0, 1) * inside
            colour = panel.colours[order[band % len(order)]] if band > 1 else panel.ground
            panel.blend(cover, colour)
    return "Fans"


def _flight(panel: Panel, rng: np.random.Generator) -> str:
    """Bars, squares and one disc that float along a common slant."""
    turn = rng.uniform(-0.8, 0.8)
    heavy = panel.place(rng, 0.3, 0.7)
    panel.bar(heavy, (panel.unit * 0.42, panel.unit * 0.34), turn, panel.colours[-1])
    for _ in range(int(rng.integers(10, 20))):
        length = rng.choice([0.12, 0.3, 0.6]) * panel.unit
        breadth = rng.choice([0.02, 0.05, 0.1]) * panel.unit
        quarter = np.pi / 2 if rng.random() < 0.35 else 0.0
        colour = panel.colours[rng.integers(len(panel.colours))]
        panel.bar(panel.place(rng, 0.12, 0.88), (length, breadth), turn + quarter, colour)
    radius = rng.uniform(0.07, 0.16) * panel.unit
    cover = np.clip(radius - panel.distance(panel.place(rng, 0.2, 0.8)) + 0.5, 0, 1)
    panel.blend(cover, panel.colours[0])
    return "Flight"


def _lattice(panel: Panel, rng: np.random.Generator) -> str:
    """Black bars on a ground, some of the panes filled."""
    height, width = panel.size
    bar = panel.unit * rng.uniform(0.014, 0.035)
    columns = [0, *np.sort(rng.uniform(0.12, 0.88, rng.integers(2, 5)) * width), width]
    rows = [0, *np.sort(rng.uniform(0.12, 0.88, rng.integers(2, 5)) * height), height]
    dark = min(panel.colours, key=lambda colour: float(colour.sum()))
    for left, right in pairwise(columns):
        for top, bottom in pairwise(rows):
            if rng.random() < 0.5:
                corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
                pick = panel.colours[rng.integers(len(panel.colours))]
                panel.polygon(np.array(corners), pick)
    for column in columns[1:-1]:
        panel.bar(np.array([column, height / 2]), (height * 1.1, bar), np.pi / 2, dark)
    for row in rows[1:-1]:
        panel.bar(np.array([width / 2, row]), (width * 1.1, bar), 0.0, dark)
    return "Lattice"


FAMILIES: tuple[Callable[[Panel, np.random.Generator], str], ...] = (
    _targets,
    _stripes,
    _shards,
    _tiles,
    _discs,
    _arcs,
    _flight,
    _lattice,
)


def paint_hard_edge(size: Size, rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """Paint one geometric abstraction in at most five flat colours on woven canvas.

    Args:
        size: Height and width of the picture in pixels.
        rng: Source of every choice; the same state gives the same picture.

    Returns:
        The picture, float32 (H, W, 3), sRGB in [0, 1], and its kind of form, for its title.
    """
    panel = Panel((size[0] * OVERSAMPLING, size[1] * OVERSAMPLING), rng)
    subject = FAMILIES[rng.integers(len(FAMILIES))](panel, rng)
    flat = finish(panel.picture, size)
    # A rolled coat is never quite even: one part in a hundred of slow variation.
    coat = 1 + 0.012 * fractal_noise(size, (size[0] / 3, size[1] / 3), rng)
    lit = coat * canvas_weave(size, rng, 0.03)
    return np.clip(flat * lit[..., None] * 0.98 + 0.008, 0, 1).astype(np.float32), subject
