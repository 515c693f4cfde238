"""Tiles of a texture, as files that say what they are."""

import numpy as np
import torch

from artgan.imaging.tensors import batch_to_arrays
from artgan.imaging.write import png_bytes
from artgan.metrics.borders import border_ratio
from artgan.models.pieces import continued
from artgan.models.texture import TextureGenerator
from artgan.provenance import DigitalSourceType, Provenance, xmp_packet
from artgan.simulate.products import Product

SOURCE_TYPE = DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA
"""Pieces of captured works, put together by a program that learned where they go."""


def texture_part(picture: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """Cut a part out of a picture.

    Args:
        picture: (H, W, 3) uint8.
        box: Left, top, right and bottom as fractions of width and height.
    """
    height, width = picture.shape[:2]
    left, top, right, bottom = box
    rows = slice(round(top * height), max(round(bottom * height), round(top * height) + 1))
    columns = slice(round(left * width), max(round(right * width), round(left * width) + 1))
    return np.ascontiguousarray(picture[rows, columns])


def scale_for(size_px: tuple[int, int], box: tuple[float, float, float, float], side: int) -> float:
    """Return the factor that gives a part as many pixels as a square of a side; at most 1.

    Args:
        size_px: Width and height of the whole picture.
        box: The part.
        side: Side of that square.
    """
    left, top, right, bottom = box
    pixels = size_px[0] * (right - left) * size_px[1] * (bottom - top)
    return min(1.0, side / pixels**0.5)


def texture_tile(
    generator: TextureGenerator, seed: int, width: int, height: int
) -> tuple[np.ndarray, float]:
    """Make one tile; the same seed and size make the same tile.

    Returns:
        (height, width, 3) uint8, and the fraction of pixels that continue as in the work.
    """
    rng = torch.Generator().manual_seed(seed)
    laid = generator(height, width, rng)
    return batch_to_arrays(laid.texture[None])[0], continued(laid.origin)


def texture_product(
    generator: TextureGenerator,
    seed: int,
    size_px: tuple[int, int],
    source: Provenance,
) -> Product:
    """Make one tile as a file.

    Args:
        generator: With its bonuses learned.
        seed: Of the tile.
        size_px: Width and height.
        source: Title and note for people, and which works and settings it is of.
    """
    picture, copied = texture_tile(generator, seed, *size_px)
    report = {"border_ratio": border_ratio(picture), "continued_fraction": copied}
    content = png_bytes(picture, xmp_packet(SOURCE_TYPE, source))
    return Product(content, ".png", *size_px, SOURCE_TYPE, report)
