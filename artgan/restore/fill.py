"""Filling of known damage in a whole scan, of any size and depth, by tiles that leave no seam."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.errors import InvalidInputError
from artgan.imaging.canvas import ArrayCanvas, Canvas, Window, windows
from artgan.memory import blocks_apart, give_back
from artgan.models.filler import Filler
from artgan.models.unet import exact_sums
from artgan.restore.mask import widen
from artgan.restore.pyramid import ALIGN_PX, Level, MakeCanvas, ScanLevel, tiles

TILE_PX = 512
_TRIMMED_EVERY = 32
_STEM_CHANNELS = 4  # a filler's input: three colours and the mask
_FEW_NUMBERS = 20_480  # in `use_mkldnn` of torch's ATen/native/Convolution.cpp
_SAID_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FilledScan:
    """A restored scan and the account of what was done to it.

    Attributes:
        pixels: The restored scan, same shape and kind of number as the source.
        mask_effective: Where pixels were allowed to change, (H, W) bool.
        changed_pixels: Pixels that differ from the source.
        unchanged_verified: All pixels outside of ``mask_effective`` were compared and are equal.
    """

    pixels: np.ndarray
    mask_effective: np.ndarray
    changed_pixels: int
    unchanged_verified: bool


def fill_scan(
    scan: np.ndarray,
    mask: np.ndarray,
    filler: Filler,
    tile_px: int = TILE_PX,
    strength: float = 1.0,
) -> FilledScan:
    """Fill the masked damage of a scan in memory, and leave every other pixel exactly as it is.

    See `fill_canvas`, which does the same to a scan of any size.

    Args:
        scan: (H, W, C) uint8 or uint16; C is 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha).
        mask: (H, W) bool, True where paint is lost.
        filler: A trained filler, in evaluation mode.
        tile_px: Side of a tile.
        strength: Part of the fill in what is written, from 0 to 1.

    Returns:
        The filled scan, with its effective mask and count of changed pixels.

    Raises:
        InvalidInputError: The scan, mask, tile side or strength is of another kind, or no pixel is
            known.
    """
    _check(scan, mask)
    pixels, effective = scan.copy(), np.zeros((*mask.shape, 1), np.uint8)
    marked = ArrayCanvas(mask[..., None].astype(np.uint8))
    cells = widen(marked, ArrayCanvas(effective))
    masks = EffectiveMask(ArrayCanvas(effective), cells)
    how = Filling(filler, tile_px, strength)
    fill_canvas(ArrayCanvas(scan), masks, ArrayCanvas(pixels), how, _array_canvas)
    allowed = effective[..., 0] > 0
    unchanged = np.array_equal(pixels[~allowed], scan[~allowed])
    assert unchanged, "the composite touched a pixel outside of the mask"
    changed = int(np.count_nonzero((pixels != scan).any(axis=2)))
    return FilledScan(pixels, allowed, changed, unchanged)


def _array_canvas(shape: tuple[int, int, int], dtype: np.dtype) -> Canvas:
    return ArrayCanvas(np.zeros(shape, dtype))


def _check(scan: np.ndarray, mask: np.ndarray) -> None:
    if scan.ndim != 3 or not 1 <= scan.shape[2] <= 4 or scan.dtype not in (np.uint8, np.uint16):
        raise InvalidInputError(
            f"scan must be uint8 or uint16 of shape (H, W, 1 to 4), got {scan.dtype} {scan.shape}. "
            "Decode it without scaling, and give grey scans one channel."
        )
    if mask.dtype != np.bool_ or mask.shape != scan.shape[:2]:
        raise InvalidInputError(
            f"mask must be bool of shape {scan.shape[:2]}, got {mask.dtype} {mask.shape}. "
            "Draw the mask on the same scan, and compare it with a threshold."
        )


@dataclass(frozen=True)
class EffectiveMask:
    """Where pixels may change.

    Attributes:
        canvas: (H, W, 1) uint8, 255 there and 0 elsewhere.
        cells: Which cells of 32 px hold such a pixel, as `artgan.restore.mask.widen` returns them.
    """

    canvas: Canvas
    cells: np.ndarray


@dataclass
class Filling:
    """How holes are filled.

    Attributes:
        filler: A trained filler, in evaluation mode.
        tile_px: Side of a tile, a multiple of 32: a bound of memory and nothing else. It is halved
            when memory does not suffice, and stays so.
        strength: Part of the fill in what is written, from 0 (the scan as it is) to 1.
    """

    filler: Filler
    tile_px: int = TILE_PX
    strength: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be used."""
        if self.tile_px < ALIGN_PX or self.tile_px % ALIGN_PX:
            raise InvalidInputError(
                f"tile_px must be a multiple of {ALIGN_PX}, got {self.tile_px}. Use {TILE_PX}."
            )
        if not 0.0 <= self.strength <= 1.0:
            raise InvalidInputError(
                f"strength must be from 0 to 1, got {self.strength}. 1 fills the damage."
            )
        if ALIGN_PX % self.filler.stride:
            raise InvalidInputError(
                f"filler must halve {ALIGN_PX} px evenly, got a stride of {self.filler.stride}. "
                "Use a model with at most 6 levels."
            )

    @property
    def halo_px(self) -> int:
        """Margin of a tile's window: as far as the network can look, in whole cells."""
        return -(-self.filler.receptive_radius_px // ALIGN_PX) * ALIGN_PX


@torch.inference_mode()
def fill_canvas(
    source: Canvas,
    mask: EffectiveMask,
    restored: Canvas,
    how: Filling,
    make_canvas: MakeCanvas,
) -> None:
    """Fill the damage of a scan of any size, window by window.

    Holes deeper than 8 px are filled at half the size first, again and again if need be, and then
    refined: the filler learned on small crops, and a hole that is deep in pixels looks to it as
    its training holes did once the picture is small enough. Only tiles that the mask touches pass
    the network; each sees a margin as wide as the network can look and is started from the whole
    pyramid, so the result does not depend on ``tile_px``.

    Args:
        source: (H, W, C) uint8 or uint16, only read; C as for `fill_scan`. Alpha is never filled.
        mask: Where pixels may change.
        restored: The same pixels; those under the mask are replaced.
        how: Filler, tiles, strength.
        make_canvas: Makes canvases for what is computed on the way.
    """
    if not mask.cells.any():
        return
    write = _Writer(source, mask.canvas, restored, how.strength)
    _fill_level(ScanLevel(source, mask.canvas, mask.cells, write, make_canvas), how)


class _Writer:
    """Turns what fills a window into codes of the scan, under the mask and nowhere else."""

    def __init__(self, source: Canvas, mask: Canvas, restored: Canvas, strength: float) -> None:
        self._source, self._mask, self._restored = source, mask, restored
        self._strength, self._peak = strength, float(np.iinfo(source.dtype).max)
        self._colours = 3 if source.shape[2] >= 3 else 1
        self._is_grey = self._colours == 1 or all(map(_has_equal_channels, source.strips()))

    def __call__(self, window: Window, filled: Tensor) -> None:
        mask = self._mask.read(window)[..., 0] > 0
        pixels = self._source.read(window)
        values = filled[0][:, torch.from_numpy(mask)].T.double()  # (masked pixels, 3)
        if self._is_grey:
            values = values.mean(dim=1, keepdim=True).expand(-1, self._colours)
        codes = values.clamp(0.0, 1.0).mul(self._peak).numpy()
        before = pixels[..., : self._colours][mask]
        mixed = self._strength * codes + (1.0 - self._strength) * before
        pixels[..., : self._colours][mask] = mixed.round().astype(pixels.dtype)
        self._restored.write(window, pixels)


def _has_equal_channels(pixels: np.ndarray) -> bool:
    red, green, blue = (pixels[..., c] for c in range(3))
    return np.array_equal(red, green) and np.array_equal(green, blue)


def _fill_level(level: Level, how: Filling) -> None:
    """Fill the holes of a level, and of coarser ones first where its holes are deep."""
    if level.is_deep():
        _fill_level(level.coarser, how)
    for number, tile in enumerate(tiles(level.cells, how.tile_px, how.halo_px), 1):
        _fill_tile(level, tile, how)
        if number % _TRIMMED_EVERY == 0:
            give_back()  # gaps between blocks of windows of many sizes add up
    level.is_filled = True


def _fill_tile(level: Level, tile: Window, how: Filling) -> None:
    """Fill a tile, in smaller ones once memory did not suffice for its size."""
    parts = list(_parts(tile, how.tile_px))
    while parts:
        part = parts.pop()
        try:
            filled = _network_on(level, part, how)
        except (MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error) or how.tile_px == ALIGN_PX:
                raise
            how.tile_px = max(ALIGN_PX, how.tile_px // 2 // ALIGN_PX * ALIGN_PX)
            _log.warning("out of memory; the run goes on with tiles of %d px", how.tile_px)
            parts += _parts(part, how.tile_px)
        else:
            level.write_holes(part.grown(0, level.size), filled)


def _parts(tile: Window, side_px: int) -> Iterator[Window]:
    for part in windows(tile.size, side_px):
        rows, columns = (tile.top + part.top, tile.top + part.bottom), tile.left + part.left
        yield Window(*rows, columns, tile.left + part.right)


def _is_out_of_memory(error: Exception) -> bool:
    said = str(error).lower()
    kinds = (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, kinds) or any(words in said for words in _SAID_OF_MEMORY)


def _network_on(level: Level, tile: Window, how: Filling) -> Tensor:
    """Run the filler over a tile and the margin around it.

    The frame is continued to a multiple of a cell, as the network would pad it for the whole.

    Args:
        level: The level.
        tile: Part of it with borders at multiples of a cell.
        how: The filler.

    Returns:
        (1, 3, h, w) float32: that part of the tile that lies within the frame.
    """
    frame = (-(-level.size[0] // ALIGN_PX) * ALIGN_PX, -(-level.size[1] // ALIGN_PX) * ALIGN_PX)
    around = tile.grown(how.halo_px, frame)
    inside = around.grown(0, level.size)
    beyond = (0, around.right - inside.right, 0, around.bottom - inside.bottom)
    values, known = level.started(inside)
    values = F.pad(values, beyond, mode="replicate")
    holes = F.pad(1.0 - known, beyond)
    result = run_filler(how.filler, values, holes)
    return result[(..., *tile.grown(0, level.size).within(around))]


def run_filler(filler: Filler, values: Tensor, holes: Tensor) -> Tensor:
    """Run a filler so that a pixel comes out the same, bit for bit, in windows of any size.

    torch hands convolutions on a CPU to oneDNN, except those of one picture with few numbers,
    which it sums in another order. Two copies of a small window always go to oneDNN. The layout is
    set for the same reason.

    Args:
        filler: A filler in evaluation mode.
        values: (1, 3, H, W), H and W multiples of 32.
        holes: (1, 1, H, W) of 0 and 1.

    Returns:
        (1, 3, H, W) on the CPU.
    """
    device = next(filler.parameters()).device
    fewest = min(_STEM_CHANNELS, *(width / 4**at for at, width in enumerate(filler.widths)))
    copies = 2 if fewest * holes.numel() <= _FEW_NUMBERS else 1
    batch = values.to(device).expand(copies, -1, -1, -1)
    batch = batch.contiguous(memory_format=torch.channels_last)
    with blocks_apart(), exact_sums(device):
        return filler(batch, holes.to(device).expand(copies, -1, -1, -1))[:1].to("cpu")
