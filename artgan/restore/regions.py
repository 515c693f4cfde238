"""Regions that a restoration filled: where each lies, how large, how deep, how much it changed."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np

from artgan.imaging.canvas import Canvas, Window
from artgan.imaging.colour import array_to_srgb
from artgan.metrics.colour_difference import ciede2000, srgb_to_lab
from artgan.restore.naming import DamageMap
from artgan.restore.pyramid import ALIGN_PX

_STRIP_CELLS = 2
_DEPTH_SIDE_PX = 2048
_PIXELS_AT_ONCE = 100_000


@dataclass(frozen=True)
class Region:
    """A connected part of the effective mask; pixels that touch at a corner are connected.

    Attributes:
        left: First column.
        top: First row.
        width: Columns.
        height: Rows.
        area_px: Pixels.
        depth_px: Farthest that one of its pixels is from known paint, to within a 2048th of the
            long side.
        mean_de00: Mean CIEDE2000 difference of scan and restoration.
        max_de00: Largest.
        kind: Class of damage that it probably was; None if no detector says so.
        kind_chance: Mean probability of the most probable class; None without a detector.
    """

    left: int
    top: int
    width: int
    height: int
    area_px: int
    depth_px: float
    mean_de00: float
    max_de00: float
    kind: str | None = None
    kind_chance: float | None = None


@dataclass
class _Sums:
    """What is summed up of regions, by provisional number; parts of one region share a root."""

    root: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    top: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)
    bottom: list[int] = field(default_factory=list)
    area: list[int] = field(default_factory=list)
    depth: list[float] = field(default_factory=list)
    sum_de: list[float] = field(default_factory=list)
    max_de: list[float] = field(default_factory=list)
    chances: list[np.ndarray] = field(default_factory=list)

    def find(self, number: int) -> int:
        while self.root[number] != number:
            self.root[number] = self.root[self.root[number]]
            number = self.root[number]
        return number

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self.find(one), self.find(other)))
        self.root[second] = first


def find_regions(
    mask: Canvas,
    cells: np.ndarray,
    before: Canvas,
    after: Canvas,
    icc: bytes | None,
    damage: DamageMap | None = None,
) -> list[Region]:
    """Measure every region of a mask of any size, a strip of rows at a time.

    Colours are compared as 8-bit sRGB, since that is what eyes are shown.

    Args:
        mask: (H, W, 1) uint8, not 0 where pixels were allowed to change.
        cells: Which cells of 32 px hold such a pixel.
        before: (H, W, C) pixels of the scan.
        after: The same of the restoration.
        icc: Profile of both.
        damage: What a detector sees in the scan, to name regions by.

    Returns:
        All regions, the largest first.
    """
    sums = _Sums()
    depths = _DepthMap(mask, cells)
    above, above_row = np.full(mask.size[1], -1), -2
    for window in _strips(cells, mask.size):
        lost = mask.read(window)[..., 0] > 0
        labels = cv2.connectedComponents(lost.astype(np.uint8), connectivity=8)[1]
        rows, columns = np.nonzero(lost)
        numbers = labels[rows, columns] - 1
        change = _differences(before.read(window)[lost], after.read(window)[lost], icc)
        where = rows + window.top, columns + window.left
        first = len(sums.root)
        _add(sums, where, numbers, change, depths.at(*where))
        seen = np.empty((0, numbers.size)) if damage is None else damage.at(*where)
        count = len(sums.root) - first
        totals = [np.bincount(numbers, one, count) for one in seen]
        sums.chances += list(np.reshape(totals, (len(seen), count)).T)
        row = np.full(mask.size[1], -1)
        row[window.left : window.right] = np.where(labels[0] > 0, labels[0] - 1 + first, -1)
        if above_row == window.top - 1:
            _join_across(sums, above, row)
        above = np.full(mask.size[1], -1)
        above[window.left : window.right] = np.where(labels[-1] > 0, labels[-1] - 1 + first, -1)
        above_row = window.bottom - 1
    return _joined(sums, damage)


def _strips(cells: np.ndarray, size: tuple[int, int]) -> Iterator[Window]:
    """Give flat windows that hold all holes, from top to bottom."""
    for start in range(0, cells.shape[0], _STRIP_CELLS):
        columns = np.flatnonzero(cells[start : start + _STRIP_CELLS].any(axis=0))
        if columns.size:
            rows = start * ALIGN_PX, (start + _STRIP_CELLS) * ALIGN_PX
            sides = int(columns[0]) * ALIGN_PX, (int(columns[-1]) + 1) * ALIGN_PX
            yield Window(*rows, *sides).grown(0, size)


def _differences(before: np.ndarray, after: np.ndarray, icc: bytes | None) -> np.ndarray:
    """Return CIEDE2000 of pixels (N, C); those that are equal are not computed."""
    result = np.zeros(len(before))
    changed = np.flatnonzero((before != after).any(axis=1))
    for start in range(0, changed.size, _PIXELS_AT_ONCE):
        some = changed[start : start + _PIXELS_AT_ONCE]
        labs = [srgb_to_lab(_opaque(pixels[some], icc)) for pixels in (before, after)]
        result[some] = ciede2000(*labs)
    return result


def _opaque(pixels: np.ndarray, icc: bytes | None) -> np.ndarray:
    """Return pixels (N, C) as 8-bit sRGB (N, 3), alpha left out."""
    colours = 3 if pixels.shape[1] >= 3 else 1
    return array_to_srgb(np.ascontiguousarray(pixels[None, :, :colours]), icc)[0]


def _add(
    sums: _Sums,
    where: tuple[np.ndarray, np.ndarray],
    numbers: np.ndarray,
    change: np.ndarray,
    deep: np.ndarray,
) -> None:
    """Add the regions of a strip, as if none went on above it."""
    count, first = int(numbers.max()) + 1, len(sums.root)
    rows, columns = where

    def extreme(of: np.ndarray, by: np.ufunc, start: float) -> list:
        values = np.full(count, start, of.dtype)
        by.at(values, numbers, of)
        return values.tolist()

    sums.root += range(first, first + count)
    sums.top += extreme(rows, np.minimum, np.iinfo(rows.dtype).max)
    sums.bottom += extreme(rows, np.maximum, -1)
    sums.left += extreme(columns, np.minimum, np.iinfo(columns.dtype).max)
    sums.right += extreme(columns, np.maximum, -1)
    sums.area += np.bincount(numbers, minlength=count).tolist()
    sums.depth += extreme(deep, np.maximum, 0.0)
    sums.sum_de += np.bincount(numbers, change, count).tolist()
    sums.max_de += extreme(change, np.maximum, 0.0)


def _join_across(sums: _Sums, above: np.ndarray, below: np.ndarray) -> None:
    """Join regions that touch across the border of two strips, corners included."""
    pairs = set()
    width = above.size
    for shift in (-1, 0, 1):
        upper = above[max(0, -shift) : width - max(0, shift)]
        lower = below[max(0, shift) : width - max(0, -shift)]
        both = (upper >= 0) & (lower >= 0)
        pairs |= set(zip(upper[both].tolist(), lower[both].tolist(), strict=True))
    for one, other in pairs:
        sums.join(one, other)


def _joined(sums: _Sums, damage: DamageMap | None) -> list[Region]:
    parts: dict[int, list[int]] = {}
    for number in range(len(sums.root)):
        parts.setdefault(sums.find(number), []).append(number)
    found = [_region(sums, numbers, damage) for numbers in parts.values()]
    return sorted(found, key=lambda one: (-one.area_px, one.top, one.left))


def _region(sums: _Sums, numbers: list[int], damage: DamageMap | None) -> Region:
    left, top = (min(of[n] for n in numbers) for of in (sums.left, sums.top))
    area = sum(sums.area[n] for n in numbers)
    kind, chance = None, None
    if damage is not None:
        kind, chance = damage.name(np.sum([sums.chances[n] for n in numbers], axis=0) / area)
    return Region(
        left=left,
        top=top,
        width=max(sums.right[n] for n in numbers) + 1 - left,
        height=max(sums.bottom[n] for n in numbers) + 1 - top,
        area_px=area,
        depth_px=max(sums.depth[n] for n in numbers),
        mean_de00=sum(sums.sum_de[n] for n in numbers) / area,
        max_de00=max(sums.max_de[n] for n in numbers),
        kind=kind,
        kind_chance=chance,
    )


class _DepthMap:
    """How far lost pixels are from known ones, on a mask reduced to 2048 px at most.

    A reduced pixel is lost where all it stands for is lost, so depths are never overstated by more
    than its side.
    """

    def __init__(self, mask: Canvas, cells: np.ndarray) -> None:
        height, width = mask.size
        self.factor = -(-max(height, width) // _DEPTH_SIDE_PX)
        lost = np.zeros((-(-height // self.factor), -(-width // self.factor)), np.uint8)
        rows = ALIGN_PX * self.factor  # whole cells, and whole reduced pixels
        for top in range(0, height, rows):
            if cells[top // ALIGN_PX : (top + rows) // ALIGN_PX].any():
                strip = mask.read(Window(top, top + rows, 0, width).grown(0, mask.size))
                at = top // self.factor
                reduced = self._reduce(strip[..., 0] > 0)
                lost[at : at + len(reduced)] = reduced
        # exact would be dearer; this is within 2 percent of it
        self.depth = cv2.distanceTransform(lost, cv2.DIST_L2, 5) * self.factor

    def _reduce(self, lost: np.ndarray) -> np.ndarray:
        side = self.factor
        height, width = (-(-length // side) for length in lost.shape)
        padded = np.ones((height * side, width * side), bool)
        padded[: lost.shape[0], : lost.shape[1]] = lost
        whole = padded.reshape(height, side, width, side).all(axis=(1, 3))
        return np.asarray(whole, np.uint8)

    def at(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return the depth at pixels of the scan, at least 1."""
        found = self.depth[rows // self.factor, columns // self.factor]
        return np.maximum(found, 1.0).astype(np.float64)
