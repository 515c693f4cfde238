"""Blocks, inks and paper of a colour woodblock print.

A print is pulled from one block per colour, each a little off its place, and from a key block with
the dark outlines. Lengths are in pixels of the oversized sheet.
"""

import cv2
import numpy as np

from artgan.sample.texture import (
    SUBPIXEL_BITS,
    Point,
    Size,
    filled,
    fixed_points,
    fractal_noise,
    grid,
    rgb,
    smoothstep,
)

INKS = {
    "paper": "#efe3c8",
    "white": "#f6efdd",
    "key": "#24262c",
    "prussian": "#1c4673",
    "indigo": "#2d5f8c",
    "sea": "#7fa9b5",
    "mist": "#c3d3cf",
    "rose": "#e6a48f",
    "vermilion": "#c8492f",
    "ochre": "#d9a95c",
    "straw": "#e8cf92",
    "moss": "#7a8a5c",
    "pine": "#3f5a4a",
    "brown": "#8a6248",
    "grey": "#8d949a",
}


class Sheet:
    """A sheet of paper that takes one impression after another."""

    def __init__(self, size: Size, rng: np.random.Generator) -> None:
        self.size = size
        self.rng = rng
        self.unit = float(min(size))
        tone = rgb(INKS["paper"]) * rng.uniform(0.97, 1.02)
        fibres = fractal_noise(size, (4, 24), rng, octaves=2)
        cloud = fractal_noise(size, (size[0] / 3, size[1] / 3), rng, octaves=3)
        self.paper = tone * (1 + 0.012 * fibres + 0.01 * cloud)[..., None]
        # Grain of the plank: long level streaks where the block prints thinner.
        self.grain = fractal_noise(size, (5, size[1] / 2), rng, octaves=3)
        self.tooth = (self.paper / self.paper.mean()).astype(np.float32)
        self.picture = self.paper.astype(np.float32)
        self.key = np.zeros(size, np.uint8)

    def impress(self, cover: np.ndarray, ink: str, strength: float = 1.0) -> None:
        """Print ``ink`` over ``cover`` (H, W), up to 1.6 pixels out of register."""
        offset = self.rng.uniform(-1.6, 1.6, 2)
        box = _inked_box(cover)
        moved = _shifted(cover[box].astype(np.float32), offset)
        load = np.clip(0.93 + 0.055 * self.grain[box], 0.7, 1.0) * strength
        target = rgb(INKS[ink]) * self.tooth[box]
        here = self.picture[box]
        here += (target - here) * (moved * load)[..., None]

    def line(self, points: np.ndarray, width: float, *, closed: bool = False) -> None:
        """Cut a line (N, 2) of ``width`` into the key block, swelling a little along its way."""
        corners = fixed_points(np.asarray(points, np.float32))
        thickness = max(round(width), 1)
        cv2.polylines(self.key, [corners], closed, (255,), thickness, cv2.LINE_AA, SUBPIXEL_BITS)
        if not closed and len(corners) > 6:
            core = corners[len(corners) // 4 : -len(corners) // 4]
            swell = thickness + 1
            cv2.polylines(self.key, [core], False, (255,), swell, cv2.LINE_AA, SUBPIXEL_BITS)  # noqa: FBT003

    def shape(self, points: np.ndarray, ink: str, outline: float = 0.0) -> np.ndarray:
        """Print a polygon, cut its outline if wanted, and give back its coverage (H, W).

        The key block is cleared under the shape first: what stands behind it is hidden.
        """
        cover = filled(self.size, points)
        self.clear_key(cover)
        self.impress(cover, ink)
        if outline:
            self.line(points, outline, closed=True)
        return cover

    def clear_key(self, cover: np.ndarray) -> None:
        """Take the outlines cut so far out of ``cover``."""
        self.key[cover > 0.5] = 0

    def pull(self) -> np.ndarray:
        """The finished print: the key block in dark ink over the colours, float32 (H, W, 3)."""
        bite = np.clip(0.92 + 0.06 * self.grain, 0.6, 1.0) * (self.key.astype(np.float32) / 255)
        dark = rgb(INKS["key"])
        printed = self.picture + (dark - self.picture) * bite[..., None]
        speckle = self.rng.normal(0, 0.012, (*self.size, 1)).astype(np.float32)
        return np.clip(printed * (1 + speckle), 0, 1)

    def scaled(self, points: np.ndarray, centre: Point, unit: float) -> np.ndarray:
        """Model points (N, 2) in units to sheet pixels around ``centre``."""
        return np.asarray(points, np.float32) * unit + np.asarray(centre, np.float32)


def _inked_box(cover: np.ndarray) -> tuple[slice, slice]:
    """The rows and columns that a coverage (H, W) reaches, with 4 pixels to spare for the shift."""
    left, top, width, height = cv2.boundingRect((cover > 0).astype(np.uint8))
    rows = slice(max(top - 4, 0), top + height + 4)
    return rows, slice(max(left - 4, 0), left + width + 4)


def _shifted(cover: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Coverage moved by a fraction of a pixel; edges repeat."""
    matrix = np.array([[1, 0, offset[0]], [0, 1, offset[1]]], np.float32)
    size = cover.shape[1], cover.shape[0]
    return cv2.warpAffine(cover, matrix, size, borderMode=cv2.BORDER_REPLICATE)


def bokashi(size: Size, dark_at: float, pale_at: float, rng: np.random.Generator) -> np.ndarray:
    """Wiped gradient (H, W): full ink at the height ``dark_at``, none at ``pale_at`` (0 to 1)."""
    y, _ = grid(size)
    wiped = fractal_noise(size, (size[0] / 4, size[1] / 1.5), rng, octaves=2) * 0.012
    return smoothstep((y / size[0] + wiped - pale_at) / (dark_at - pale_at), 0, 1)


def frame(sheet: Sheet, picture: np.ndarray, margin: int) -> np.ndarray:
    """Bare paper and a thin key line round the image, as on an untrimmed sheet."""
    framed = sheet.paper.astype(np.float32).copy()
    inner = np.s_[margin:-margin, margin:-margin]
    framed[inner] = picture[inner]
    height, width = sheet.size
    dark = tuple(float(value) for value in rgb(INKS["key"]))
    corner = (width - margin, height - margin)
    cv2.rectangle(framed, (margin, margin), corner, dark, 2, cv2.LINE_AA)
    return framed
