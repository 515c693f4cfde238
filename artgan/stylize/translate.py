"""Whole pictures through a translator, tile by tile, with no visible or measurable seam."""

from collections.abc import Iterator

import numpy as np
import torch

from artgan.errors import InvalidInputError
from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays, check_picture
from artgan.models.translator import COLOR_SIDES, STRIDE, Translator
from artgan.stylize.color import ColorStatistics, measure_colors, pool_colors, transfer_colors

TILE_PX = 512


@torch.no_grad()
def translate(picture: np.ndarray, translator: Translator, tile_px: int = TILE_PX) -> np.ndarray:
    """Translate a picture of any size to the translator's collection.

    The picture first takes the collection's colours as a whole (`transfer_colors`), then its
    brushwork by tiles. Each tile is computed with as much of its surroundings as the network can
    see, so the result is that of the whole picture at once, up to the rounding of float32; memory
    grows with the tile. Strokes have the size in pixels that the translator was trained at.

    Args:
        picture: (H, W, 3) uint8 sRGB, at least one pixel.
        translator: Trained translator; used on the device that it is on.
        tile_px: Side of the tiles, a positive multiple of 4.

    Returns:
        (H, W, 3) uint8.

    Raises:
        InvalidInputError: When the picture is something else or the tile does not fit the network.
    """
    check_picture(picture)
    if not picture.size:
        message = f"picture must have at least one pixel, got {picture.shape}. Leave it out."
        raise InvalidInputError(message)
    if tile_px < STRIDE or tile_px % STRIDE:
        message = f"tile_px must be a positive multiple of {STRIDE}, got {tile_px}. Take 512."
        raise InvalidInputError(message)
    height, width = picture.shape[:2]
    picture = tint(picture, translator)
    halo = _round_up(translator.reach_px)
    below, right = _round_up(height) - height, _round_up(width) - width
    padded = np.pad(picture, ((halo, halo + below), (halo, halo + right), (0, 0)), mode="reflect")
    device = translator.head.weight.device
    result = np.empty((height + below, width + right, 3), np.uint8)
    for rows, columns in _tiles(height + below, width + right, tile_px):
        window = padded[rows.start : rows.stop + 2 * halo, columns.start : columns.stop + 2 * halo]
        translated = translator(arrays_to_batch([window]).to(device))
        result[rows, columns] = batch_to_arrays(translated[:, :, halo:-halo, halo:-halo])[0]
    return result[:height, :width]


def tint(picture: np.ndarray, translator: Translator) -> np.ndarray:
    """Give a picture the collection's colours, as a whole.

    What counts as its own colours is the mixture of it and of the works translated from: a map
    fitted to one picture alone tears apart what is subdued in it. Measured on real scans against
    that, the distance to the collection fell to between a third and a half.

    Args:
        picture: (H, W, 3) uint8 sRGB.
        translator: Carries the colours of both sides.
    """
    style, content = (ColorStatistics(*translator.colors(side)) for side in COLOR_SIDES)
    own = pool_colors([measure_colors(picture), content])
    return transfer_colors(picture, style, content=own)


def _round_up(length: int) -> int:
    return -(-length // STRIDE) * STRIDE


def _tiles(height: int, width: int, tile_px: int) -> Iterator[tuple[slice, slice]]:
    for top in range(0, height, tile_px):
        for left in range(0, width, tile_px):
            yield (
                slice(top, min(top + tile_px, height)),
                slice(left, min(left + tile_px, width)),
            )
