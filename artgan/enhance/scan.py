"""Enhancement of a whole scan of any size: read in bands, worked on in tiles, written as it goes.

Memory holds one band of the scan and what a tile takes, whatever the scan's size.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyvips
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.enhance.chain import ALIGN_PX, Chain
from artgan.enhance.rows import Canvas, Rows
from artgan.errors import InvalidInputError

TILE_PX = 512
_RGB = 3
_UNDONE_EVERY_PX = 4

logger = logging.getLogger(__name__)


@dataclass
class Account:
    """What was done to a scan, counted as its tiles were made.

    Attributes:
        changed_pixels: Pixels that differ from the source; counted only at the same size.
        clipped_pixels: Pixels of the result with a colour that left the range and was cut off.
        undone_pixels: Where only tone was changed: pixels for which undoing it was tried, every
            fourth in both directions, without clipped ones.
        undone_error: Their largest difference to the source then, as a part of the range.
    """

    changed_pixels: int = 0
    clipped_pixels: int = 0
    undone_pixels: int = 0
    undone_error: float = 0.0


@dataclass(frozen=True)
class _Box:
    """Rows and columns of a tile, multiples of 32; it may reach beyond the frame."""

    top: int
    bottom: int
    left: int
    right: int

    def widened(self, halo: int, height: int, width: int) -> "_Box":
        """Add a margin that ends at the (padded) frame."""
        return _Box(
            max(self.top - halo, 0),
            min(self.bottom + halo, height),
            max(self.left - halo, 0),
            min(self.right + halo, width),
        )

    def quarters(self) -> "list[_Box]":
        """Cut into two or four boxes; none if it is as small as boxes get."""
        rows = _halves(self.top, self.bottom)
        columns = _halves(self.left, self.right)
        if len(rows) == len(columns) == 1:
            return []
        return [_Box(*row, *column) for row in rows for column in columns]


def _halves(start: int, stop: int) -> list[tuple[int, int]]:
    middle = start + (stop - start) // 2 // ALIGN_PX * ALIGN_PX
    return [(start, stop)] if middle == start else [(start, middle), (middle, stop)]


def enhance_image(
    image: pyvips.Image, chain: Chain, path: Path, *, is_grey: bool, tile_px: int = TILE_PX
) -> tuple[Canvas, Account]:
    """Enhance an image of any size.

    Each tile's window has a margin as wide as the operators can look and ends at the frame, so the
    result does not depend on ``tile_px``, bit for bit. Where a device has too little memory for a
    tile, the tile is quartered.

    Args:
        image: 1 to 4 bands, 8 or 16 bit, in the encoding of its file; read once, downwards.
        chain: What to do. Alpha is copied, or enlarged bilinearly; nothing else is done to it.
        path: Raw file for the pixels of the result.
        is_grey: Whether the colours are equal, and have to stay so.
        tile_px: Side of a tile, a multiple of 32: a bound of memory and nothing else.

    Returns:
        The result, factor times as large, and the account of it.

    Raises:
        InvalidInputError: The image or the tile side is of another kind, or the disk is too small.
        pyvips.Error: The image cannot be read to its end.
    """
    if tile_px < ALIGN_PX or tile_px % ALIGN_PX:
        raise InvalidInputError(
            f"tile_px must be a multiple of {ALIGN_PX}, got {tile_px}. Use {TILE_PX}."
        )
    rows = Rows(image)
    size = (chain.factor * rows.height, chain.factor * rows.width, rows.bands)
    canvas = Canvas(path, size, rows.kind)
    work = _Work(rows, chain, is_grey=is_grey)
    with path.open("wb") as file:
        for top in range(0, rows.height, tile_px):
            work.go_to(top, tile_px)
            for left in range(0, rows.width, tile_px):
                pixels = work.tile(left, tile_px)
                canvas.put(file, chain.factor * top, chain.factor * left, pixels)
    return canvas, work.account


class _Work:
    """A scan on its way: the band in memory, and the account."""

    def __init__(self, rows: Rows, chain: Chain, *, is_grey: bool) -> None:
        self.rows, self.chain, self.is_grey = rows, chain, is_grey
        self.height, self.width = (-(-s // ALIGN_PX) * ALIGN_PX for s in (rows.height, rows.width))
        self.peak = float(np.iinfo(rows.kind).max)
        self.account = Account()
        self._rows = (0, 0)
        self._first, self._band = 0, np.empty(0)

    def go_to(self, top: int, tile_px: int) -> None:
        """Read what the tiles from this row on see; beyond the frame its edge is repeated."""
        self._rows = top, min(top + tile_px, self.height)
        whole = _Box(*self._rows, 0, self.width)
        seen = whole.widened(self.chain.halo_px, self.height, self.width)
        band = self.rows.between(seen.top, min(seen.bottom, self.rows.height))
        below, right = seen.bottom - seen.top - band.shape[0], self.width - band.shape[1]
        edges = ((0, below), (0, right), (0, 0))
        self._first, self._band = seen.top, np.pad(band, edges, mode="edge")

    def tile(self, left: int, tile_px: int) -> np.ndarray:
        """Make the tile of the present rows from this column on: (h, w, C) codes."""
        return self._make(_Box(*self._rows, left, min(left + tile_px, self.width)))

    def _make(self, box: _Box) -> np.ndarray:
        try:
            return self._enhanced(box)
        except torch.OutOfMemoryError:
            parts = box.quarters()
            if not parts:
                raise
            logger.warning("Too little memory for a tile of %d px; it is quartered.", box.bottom)
        factor = self.chain.factor
        height, width = box.bottom - box.top, box.right - box.left
        whole = np.empty((factor * height, factor * width, self.rows.bands), self.rows.kind)
        for part in parts:
            top, left = factor * (part.top - box.top), factor * (part.left - box.left)
            made = self._make(part)
            whole[top : top + made.shape[0], left : left + made.shape[1]] = made
        return whole

    def _enhanced(self, box: _Box) -> np.ndarray:
        seen = box.widened(self.chain.halo_px, self.height, self.width)
        window = self._band[seen.top - self._first : seen.bottom - self._first]
        window = window[:, seen.left : seen.right]
        colours = _RGB if self.rows.bands >= _RGB else 1
        levels = _to_tensor(window[..., :colours], self.peak).expand(-1, _RGB, -1, -1)
        made = _cut(self.chain(levels), box, seen, self.chain.factor)
        if self.is_grey:
            grey = (made[:, 0] + made[:, 1] + made[:, 2]) / _RGB
            made = grey[:, None].expand(-1, _RGB, -1, -1)
        codes = self._to_codes(made[:, :colours])
        if colours < self.rows.bands:
            codes = np.concatenate([codes, self._alpha(window[..., colours:], box, seen)], axis=2)
        self._count(box, made, codes, window, seen)
        return codes

    def _alpha(self, alpha: np.ndarray, box: _Box, seen: _Box) -> np.ndarray:
        """Copy alpha, or enlarge it bilinearly: opaque stays opaque."""
        levels = _to_tensor(alpha, self.peak)
        for _ in range(self.chain.doublings):
            levels = F.interpolate(levels, scale_factor=2.0, mode="bilinear")
        return self._to_codes(_cut(levels, box, seen, self.chain.factor))

    def _to_codes(self, levels: Tensor) -> np.ndarray:
        codes = levels[0].clamp(0.0, 1.0).mul(self.peak).round_().permute(1, 2, 0)
        return np.ascontiguousarray(codes.numpy().astype(self.rows.kind))

    def _count(
        self, box: _Box, made: Tensor, codes: np.ndarray, window: np.ndarray, seen: _Box
    ) -> None:
        """Add a tile to the account, without what lies beyond the frame."""
        factor = self.chain.factor
        height = factor * min(box.bottom - box.top, self.rows.height - box.top)
        width = factor * min(box.right - box.left, self.rows.width - box.left)
        half = 0.5 / self.peak
        clipped = ((made < -half) | (made > 1.0 + half))[0].any(dim=0)[:height, :width].numpy()
        self.account.clipped_pixels += int(np.count_nonzero(clipped))
        if factor > 1:
            return
        source = window[box.top - seen.top :, box.left - seen.left :][:height, :width]
        codes = codes[:height, :width]
        self.account.changed_pixels += int(np.count_nonzero((codes != source).any(axis=2)))
        if self.chain.is_only_tone:
            self._undo(codes, source, clipped)

    def _undo(self, codes: np.ndarray, source: np.ndarray, clipped: np.ndarray) -> None:
        """Try on some of the written pixels whether the tone's numbers bring back the source."""
        every = slice(None, None, _UNDONE_EVERY_PX)
        colours = _RGB if codes.shape[2] >= _RGB else 1
        levels = _to_tensor(codes[every, every, :colours], self.peak).expand(-1, _RGB, -1, -1)
        back = self.chain.tone.invert(levels)[0, :colours].permute(1, 2, 0).numpy()
        error = np.abs(back - source[every, every, :colours] / self.peak)[~clipped[every, every]]
        self.account.undone_pixels += error.shape[0]
        worst = float(error.max()) if error.size else 0.0
        self.account.undone_error = max(self.account.undone_error, worst)


def _to_tensor(codes: np.ndarray, peak: float) -> Tensor:
    """Turn (h, w, C) codes into (1, C, h, w) levels."""
    levels = torch.from_numpy(codes.astype(np.float32)).div_(peak)
    return levels.permute(2, 0, 1)[None].contiguous()


def _cut(made: Tensor, box: _Box, seen: _Box, factor: int) -> Tensor:
    top, left = factor * (box.top - seen.top), factor * (box.left - seen.left)
    bottom, right = factor * (box.bottom - seen.top), factor * (box.right - seen.left)
    return made[..., top:bottom, left:right]
