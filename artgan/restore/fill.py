"""Filling of known damage in a whole scan, of any size and depth, by tiles that leave no seam."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.errors import InvalidInputError
from artgan.models.filler import Filler
from artgan.models.prefill import double_to, halve_known, push_pull

DILATION_SIDE_PX = 1024
TILE_PX = 512
DEEP_PX = 8.0
# convolution libraries sum in another order at odd sizes; windows with sides that are multiples
# of this gave bit-identical results for every tile size, those of 4, 8 and 16 did not
ALIGN_PX = 32


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
    scan: np.ndarray, mask: np.ndarray, filler: Filler, tile_px: int = TILE_PX
) -> FilledScan:
    """Fill the masked damage of a scan and leave every other pixel exactly as it is.

    The mask is first widened by ``round(short side / 1024)`` pixels, for the rim of a loss is
    seldom clean. Holes deeper than 8 px are filled at half the size first, again and again if
    need be, and then refined. Only tiles that the mask touches pass the network; each sees a
    margin as wide as the network can look, so the result does not depend on ``tile_px``.

    Args:
        scan: (H, W, C) uint8 or uint16; C is 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha).
            Alpha is copied, never filled.
        mask: (H, W) bool, True where paint is lost.
        filler: A trained filler, in evaluation mode.
        tile_px: Side of a tile, a multiple of 32: a bound of memory and nothing else.

    Returns:
        The filled scan, with its effective mask and count of changed pixels.

    Raises:
        InvalidInputError: The scan, mask or tile side is of another kind, or no pixel is known.
    """
    _check(scan, mask)
    effective = dilate_mask(mask, round(min(mask.shape) / DILATION_SIDE_PX))
    if effective.all():
        raise InvalidInputError(
            f"mask must leave some pixels known, got all {mask.size} lost. Draw a smaller mask."
        )
    pixels = scan.copy()
    if effective.any():
        _write_filled(pixels, effective, filler, tile_px)
    unchanged = np.array_equal(pixels[~effective], scan[~effective])
    assert unchanged, "the composite touched a pixel outside of the mask"
    changed = int(np.count_nonzero((pixels != scan).any(axis=2)))
    return FilledScan(pixels, effective, changed, unchanged)


def dilate_mask(mask: np.ndarray, radius_px: int) -> np.ndarray:
    """Widen a mask by a disc.

    Args:
        mask: (H, W) bool.
        radius_px: Radius of the disc; 0 changes nothing.

    Returns:
        (H, W) bool.
    """
    if radius_px == 0:
        return mask.copy()
    side = 2 * radius_px + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return cv2.dilate(mask.astype(np.uint8), disc).astype(bool)


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


def _write_filled(pixels: np.ndarray, mask: np.ndarray, filler: Filler, tile_px: int) -> None:
    """Replace the masked colours of ``pixels`` in place."""
    peak = float(np.iinfo(pixels.dtype).max)
    colours = 3 if pixels.shape[2] >= 3 else 1
    is_grey = colours == 1 or _equal_channels(pixels)
    known = torch.from_numpy(pixels[..., :colours].astype(np.float32)).div_(peak)
    images = known.permute(2, 0, 1)[None].expand(-1, 3, -1, -1)  # (1, 3, H, W)
    filled = fill_image(images, torch.from_numpy(mask)[None, None].float(), filler, tile_px)
    values = filled[0][:, torch.from_numpy(mask)].T.double()  # (masked pixels, 3)
    if is_grey:
        values = values.mean(dim=1, keepdim=True).expand(-1, colours)
    codes = values.clamp(0.0, 1.0).mul(peak).round().numpy().astype(pixels.dtype)
    pixels[..., :colours][mask] = codes


def _equal_channels(pixels: np.ndarray) -> bool:
    red, green, blue = (pixels[..., c] for c in range(3))
    return np.array_equal(red, green) and np.array_equal(green, blue)


@torch.inference_mode()
def fill_image(images: Tensor, mask: Tensor, filler: Filler, tile_px: int = TILE_PX) -> Tensor:
    """Fill one image of any size by tiles.

    Args:
        images: (1, 3, H, W) float32 in [0, 1].
        mask: (1, 1, H, W) float32, 1 in a hole.
        filler: A trained filler.
        tile_px: Side of a tile, a multiple of 32.

    Returns:
        (1, 3, H, W) float32: filled where the mask is 1 (not clamped), the prefill elsewhere.
    """
    prefill = _prefill(images, mask, filler, tile_px)
    return correct_by_tiles(prefill, mask, filler, tile_px)


def _prefill(images: Tensor, mask: Tensor, filler: Filler, tile_px: int) -> Tensor:
    """Start smoothly, or from the filler's own result at half the size where holes are deep.

    The filler learned on small crops; a hole that is deep in pixels looks to it as its training
    holes did once the image is small enough.
    """
    if hole_depth_px(mask) <= DEEP_PX:
        return push_pull(images, mask)
    halved, known = halve_known(images, 1.0 - mask)
    coarse = torch.where(known > 0.0, halved, fill_image(halved, 1.0 - known, filler, tile_px))
    size = (mask.shape[-2], mask.shape[-1])
    return torch.where(mask > 0.0, double_to(coarse, size), images)


def hole_depth_px(mask: Tensor) -> float:
    """Measure how far the innermost lost pixel is from the nearest known one.

    Args:
        mask: (1, 1, H, W) of 0 and 1, not all 1.
    """
    holes = mask[0, 0].to(torch.uint8).numpy()
    return float(cv2.distanceTransform(holes, cv2.DIST_L2, 3).max())


def correct_by_tiles(prefill: Tensor, mask: Tensor, filler: Filler, tile_px: int) -> Tensor:
    """Run the filler over those tiles of a prefilled image that contain a hole.

    A tile's window has a margin as wide as the network can look and ends at the frame, where the
    network pads as it would for the whole frame.

    Args:
        prefill: (1, 3, H, W) float32.
        mask: (1, 1, H, W) float32 of 0 and 1.
        filler: The filler.
        tile_px: Side of a tile, a multiple of 32.

    Returns:
        (1, 3, H, W) float32.

    Raises:
        InvalidInputError: The tile side is no multiple of 32.
    """
    align_px = max(ALIGN_PX, filler.stride)
    if tile_px < align_px or tile_px % align_px:
        raise InvalidInputError(
            f"tile_px must be a multiple of {align_px}, got {tile_px}. Use {TILE_PX}."
        )
    height, width = mask.shape[-2:]
    device = next(filler.parameters()).device
    pad = (0, -width % align_px, 0, -height % align_px)
    source, holes = F.pad(prefill, pad, mode="replicate"), F.pad(mask, pad)
    halo = -(-filler.receptive_radius_px // align_px) * align_px
    filled = source.clone()
    for rows, columns in _tiles_with_holes(holes, tile_px, align_px):
        top, left = max(rows.start - halo, 0), max(columns.start - halo, 0)
        window = (..., slice(top, rows.stop + halo), slice(left, columns.stop + halo))
        result = filler(source[window].to(device), holes[window].to(device)).to(source.device)
        tile = result[..., rows.start - top : rows.stop - top, :]
        filled[..., rows, columns] = tile[..., columns.start - left : columns.stop - left]
    return filled[..., :height, :width]


def _tiles_with_holes(holes: Tensor, tile_px: int, align_px: int) -> Iterator[tuple[slice, slice]]:
    """Give the rows and columns of each tile that contains a hole, cut down to its holes.

    All borders are multiples of ``align_px``, and so are the sides of (1, 1, H, W) ``holes``.
    """
    cells = F.max_pool2d(holes, align_px)[0, 0].numpy() > 0.0
    step = tile_px // align_px
    for top in range(0, cells.shape[0], step):
        for left in range(0, cells.shape[1], step):
            tile = cells[top : top + step, left : left + step]
            if tile.any():
                rows, columns = np.flatnonzero(tile.any(axis=1)), np.flatnonzero(tile.any(axis=0))
                yield (
                    slice((top + rows[0]) * align_px, (top + rows[-1] + 1) * align_px),
                    slice((left + columns[0]) * align_px, (left + columns[-1] + 1) * align_px),
                )
