"""A damaged picture at full size and at halves of it, each made where it is needed.

Holes are started from coarser levels. A level is kept on a canvas in blocks, and a block is made
when somebody looks at it, so only the surroundings of holes are ever halved, and memory holds a
few windows whatever the size of the picture. Values are those of the whole pyramid, bit for bit.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import astuple, replace
from functools import cached_property

import cv2
import numpy as np
import torch
from torch import Tensor

from artgan.imaging.canvas import Canvas, Window, windows
from artgan.models.prefill import double_to, halve_known

ALIGN_PX = 32
"""Side of a cell. Convolution libraries sum in another order at odd sizes; windows with sides that
are multiples of this gave bit-identical results for every tile size, those of 4, 8 and 16 did not.
"""
DEEP_PX = 8.0
_BLOCK_PX = 512
_FAR_PX = 16  # a margin in which every pixel at most `DEEP_PX` away is seen

MakeCanvas = Callable[[tuple[int, int, int], np.dtype], Canvas]
"""Makes a black canvas of a shape and a kind of number."""


class Level(ABC):
    """One scale of a damaged picture.

    Attributes:
        size: Height and width.
        is_filled: Whether the holes hold what the network made of them.
    """

    def __init__(self, size: tuple[int, int], make_canvas: MakeCanvas) -> None:
        self.size = size
        self.is_filled = False
        self._make_canvas = make_canvas

    @cached_property
    def cells(self) -> np.ndarray:
        """Which cells of 32 px hold a hole, (H / 32, W / 32) bool, rounded up."""
        return self._find_cells()

    @abstractmethod
    def _find_cells(self) -> np.ndarray: ...

    @abstractmethod
    def read_known(self, window: Window) -> np.ndarray:
        """Return 1 where a pixel is known and 0 in a hole, (h, w) uint8."""

    @abstractmethod
    def read(self, window: Window) -> tuple[Tensor, Tensor]:
        """Return colours (1, 3, h, w) in [0, 1] and what is known of them (1, 1, h, w)."""

    @abstractmethod
    def write_holes(self, window: Window, filled: Tensor) -> None:
        """Put colours (1, 3, h, w) into those pixels of a window that are holes."""

    @cached_property
    def coarser(self) -> "HalvedLevel":
        """The next level, half the size."""
        return HalvedLevel(self, self._make_canvas)

    def started(self, window: Window) -> tuple[Tensor, Tensor]:
        """Return colours whose holes are started from coarser levels, and what is known.

        Where the coarser level was filled its result is enlarged, and else its own start, and so
        on: then it is the push-pull of `artgan.models.prefill.push_pull`.

        Args:
            window: Part of this level.

        Returns:
            (1, 3, h, w) float32 and (1, 1, h, w) float32 of 0 and 1.
        """
        values, known = self.read(window)
        if self.is_filled or bool(known.all()) or max(self.size) == 1:
            return values, known
        around = _halved(window, self.coarser.size)
        coarse, _ = self.coarser.started(around)
        top, left = window.top - 2 * around.top, window.left - 2 * around.left
        fine = double_to(coarse, (top + window.size[0], left + window.size[1]))
        return torch.where(known > 0.0, values, fine[..., top:, left:]), known

    def is_deep(self) -> bool:
        """Whether some lost pixel is farther than `DEEP_PX` from every known one."""
        for tile in tiles(self.cells, _BLOCK_PX):
            around = tile.grown(_FAR_PX, self.size)
            if hole_depth_px(1 - self.read_known(around)) > DEEP_PX:
                return True
        return False


class ScanLevel(Level):
    """A scan at full size, in the codes of its file.

    Args:
        source: (H, W, C) uint8 or uint16.
        effective: (H, W, 1) uint8, not 0 where damaged.
        cells: Cells of 32 px that hold damage.
        write: Takes what fills the holes of a window.
        make_canvas: Makes canvases for coarser levels.
    """

    def __init__(
        self,
        source: Canvas,
        effective: Canvas,
        cells: np.ndarray,
        write: Callable[[Window, Tensor], None],
        make_canvas: MakeCanvas,
    ) -> None:
        super().__init__(source.size, make_canvas)
        self._source, self._effective, self._cells, self._write = source, effective, cells, write
        self._colours = 3 if source.shape[2] >= 3 else 1
        self._peak = float(np.iinfo(source.dtype).max)

    def _find_cells(self) -> np.ndarray:
        return self._cells

    def read_known(self, window: Window) -> np.ndarray:
        """See `Level`."""
        return (self._effective.read(window)[..., 0] == 0).astype(np.uint8)

    def read(self, window: Window) -> tuple[Tensor, Tensor]:
        """See `Level`."""
        codes = self._source.read(window)[..., : self._colours].astype(np.float32)
        values = torch.from_numpy(codes).div_(self._peak).permute(2, 0, 1)[None]
        return values.expand(-1, 3, -1, -1), _as_batch(self.read_known(window))

    def write_holes(self, window: Window, filled: Tensor) -> None:
        """See `Level`."""
        self._write(window, filled)


class HalvedLevel(Level):
    """The averages of a finer level's known pixels, over 2 x 2 each.

    Args:
        finer: The level twice as large.
        make_canvas: Makes the canvases that it is kept on.
    """

    def __init__(self, finer: Level, make_canvas: MakeCanvas) -> None:
        height, width = (-(-side // 2) for side in finer.size)
        super().__init__((height, width), make_canvas)
        self._finer = finer
        self._values = make_canvas((height, width, 3), np.dtype(np.float32))
        self._known = make_canvas((height, width, 1), np.dtype(np.uint8))
        self._made = np.zeros((-(-height // _BLOCK_PX), -(-width // _BLOCK_PX)), bool)

    def _find_cells(self) -> np.ndarray:
        """Look where there are holes in the finer level; elsewhere is none."""
        cells = _halved_cells(self._finer.cells)
        for tile in list(tiles(cells, _BLOCK_PX)):
            lost = 1 - self.read_known(tile.grown(0, self.size))
            cells[_cells_of(tile)] = holes_by_cell(lost)
        return cells

    def read_known(self, window: Window) -> np.ndarray:
        """See `Level`."""
        self._make(window)
        return self._known.read(window)[..., 0]

    def read(self, window: Window) -> tuple[Tensor, Tensor]:
        """See `Level`."""
        known = self.read_known(window)
        values = torch.from_numpy(self._values.read(window)).permute(2, 0, 1)[None]
        return values, _as_batch(known)

    def write_holes(self, window: Window, filled: Tensor) -> None:
        """See `Level`; what is known stays, and with it what coarser levels are made of."""
        values, known = self.read(window)
        self._values.write(window, _as_array(torch.where(known > 0.0, values, filled)))

    def _make(self, window: Window) -> None:
        rows = range(window.top // _BLOCK_PX, -(-window.bottom // _BLOCK_PX))
        columns = range(window.left // _BLOCK_PX, -(-window.right // _BLOCK_PX))
        for row in rows:
            for column in columns:
                if not self._made[row, column]:
                    self._make_block(row * _BLOCK_PX, column * _BLOCK_PX)
                    self._made[row, column] = True

    def _make_block(self, top: int, left: int) -> None:
        block = Window(top, top + _BLOCK_PX, left, left + _BLOCK_PX).grown(0, self.size)
        finer = Window(2 * block.top, 2 * block.bottom, 2 * block.left, 2 * block.right)
        values, known = halve_known(*self._finer.read(finer.grown(0, self._finer.size)))
        self._values.write(block, _as_array(values))
        self._known.write(block, _as_array(known).astype(np.uint8))


def tiles(cells: np.ndarray, tile_px: int, halo_px: int = 0) -> Iterator[Window]:
    """Give windows that together hold all holes, none larger than a tile.

    Each is cut down to its cells with holes, and cut in two as long as that leaves fewer pixels to
    work on, margins included: scattered damage then costs a few small windows.

    Args:
        cells: Which cells of 32 px hold a hole.
        tile_px: Side of a tile, a multiple of 32.
        halo_px: Margin that is worked on around each window.

    Yields:
        Windows with borders at multiples of 32, so that the last may reach past the frame.
    """
    for grid in windows(cells.shape, tile_px // ALIGN_PX):
        for part in _cheapest(cells, grid, halo_px / ALIGN_PX)[1]:
            yield Window(*(ALIGN_PX * side for side in astuple(part)))


def _cheapest(cells: np.ndarray, window: Window, halo: float) -> tuple[float, list[Window]]:
    """Return the windows of cells that cost least, and what they cost in cells with margins."""
    tile = cells[window.slices]
    if not tile.any():
        return 0.0, []
    rows, columns = np.flatnonzero(tile.any(axis=1)), np.flatnonzero(tile.any(axis=0))
    top, left = window.top + int(rows[0]), window.left + int(columns[0])
    whole = Window(
        *(top, window.top + int(rows[-1]) + 1), *(left, window.left + int(columns[-1]) + 1)
    )
    height, width = whole.size
    cost = (height + 2 * halo) * (width + 2 * halo)
    if halo == 0.0 or cost <= 2 * (1 + 2 * halo) ** 2:  # two windows of one cell each cost that
        return cost, [whole]
    if height > width:
        middle = top + height // 2
        halves = replace(whole, bottom=middle), replace(whole, top=middle)
    else:
        middle = left + width // 2
        halves = replace(whole, right=middle), replace(whole, left=middle)
    (first, some), (second, others) = (_cheapest(cells, half, halo) for half in halves)
    return (first + second, some + others) if first + second < cost else (cost, [whole])


def holes_by_cell(lost: np.ndarray) -> np.ndarray:
    """Say which cells of 32 px hold a hole.

    Args:
        lost: (h, w), not 0 in a hole; its corner is that of a cell.

    Returns:
        (h / 32, w / 32) bool, rounded up.
    """
    height, width = (-(-side // ALIGN_PX) for side in lost.shape)
    padded = np.zeros((height * ALIGN_PX, width * ALIGN_PX), bool)
    padded[: lost.shape[0], : lost.shape[1]] = lost
    return np.asarray(padded.reshape(height, ALIGN_PX, width, ALIGN_PX).any(axis=(1, 3)))


def hole_depth_px(lost: np.ndarray) -> float:
    """Measure how far the innermost lost pixel is from the nearest known one.

    Args:
        lost: (H, W) uint8, 1 in a hole; beyond the frame nothing is known.
    """
    return float(cv2.distanceTransform(lost, cv2.DIST_L2, 3).max())


def _halved(window: Window, size: tuple[int, int]) -> Window:
    """Return what bilinear enlarging needs of the coarser level, which has ``size``."""
    top, left = window.top // 2, window.left // 2
    half = Window(top, (window.bottom + 1) // 2, left, (window.right + 1) // 2)
    return half.grown(1, size)


def _halved_cells(cells: np.ndarray) -> np.ndarray:
    height, width = (-(-side // 2) for side in cells.shape)
    even = np.zeros((2 * height, 2 * width), bool)
    even[: cells.shape[0], : cells.shape[1]] = cells
    return np.asarray(even.reshape(height, 2, width, 2).any(axis=(1, 3)))


def _cells_of(tile: Window) -> tuple[slice, slice]:
    rows, columns = tile.slices
    return (
        slice(rows.start // ALIGN_PX, rows.stop // ALIGN_PX),
        slice(columns.start // ALIGN_PX, columns.stop // ALIGN_PX),
    )


def _as_batch(known: np.ndarray) -> Tensor:
    return torch.from_numpy(known)[None, None].float()


def _as_array(batch: Tensor) -> np.ndarray:
    return batch[0].permute(1, 2, 0).numpy()
