"""Access copies and masks to arrays, at the size that is needed."""

from pathlib import Path

import numpy as np
import pyvips

from artgan.errors import InvalidInputError
from artgan.imaging.colour import colour_bands, to_srgb
from artgan.imaging.decode import DecodedScan, decode, directory_count, render

_MASK_THRESHOLD = 128
_MAX_PIXELS = 2_000_000_000
_JPEG_SHRINKS = (8, 4, 2)
_LEFT_TO_RESIZE = 2  # what the decoder leaves for Lanczos, as a factor; less would show aliases


def read_rgb(content: Path | bytes, short_side_px: int | None = None) -> np.ndarray:
    """Read an access copy, or any other picture, for networks and pages.

    With ``short_side_px`` the decoder reads only as much as it must (a reduced scale of a JPEG, a
    level of a pyramid) and the rest is resized with Lanczos; the short side is then exact, the
    long side rounded, and a smaller picture is enlarged.

    Args:
        content: The file's bytes; or its path, which a file that may be large is not read whole by.
        short_side_px: Length of the short side, None for the picture as it is.

    Returns:
        (H, W, 3) uint8, sRGB, upright.

    Raises:
        InvalidInputError: If ``short_side_px`` is less than 1.
        RefusedScan: If the picture cannot be decoded whole.
    """
    scan = decode(content, _MAX_PIXELS)
    if short_side_px is None:
        return render(scan, to_srgb(scan.image))
    if short_side_px < 1:
        raise InvalidInputError(f"short_side_px must be at least 1, got {short_side_px}.")
    factor = short_side_px / min(scan.width_px, scan.height_px)
    width, height = (max(1, round(side * factor)) for side in (scan.width_px, scan.height_px))
    image = _reduced(scan, content, int(1 / factor / _LEFT_TO_RESIZE))
    return render(scan, to_srgb(image.thumbnail_image(width, height=height, size="force")))


def _reduced(scan: DecodedScan, content: Path | bytes, most: int) -> pyvips.Image:
    """Open a picture reduced by at most this factor, as far as its format can be read so.

    `pyvips.Image.thumbnail_buffer` would do the same, but it hides errors of the decoder.
    """
    if scan.format == "jpeg" and scan.orientation == 1 and most >= min(_JPEG_SHRINKS):
        shrink = next(shrink for shrink in _JPEG_SHRINKS if shrink <= most)
        return _load("jpegload", content, shrink=shrink)
    levels = directory_count(scan.image)
    if scan.format == "tiff" and scan.orientation == 1 and min(levels, most) > 1:
        level = min(levels - 1, most.bit_length() - 1)
        image = _load("tiffload", content, page=level)
        expected = np.array([scan.width_px, scan.height_px]) / 2**level
        if np.abs(np.array([image.width, image.height]) - expected).max() <= 1:
            return image  # a level of a pyramid, not another page of a book
    return scan.image


def _load(loader: str, content: Path | bytes, **options: int) -> pyvips.Image:
    given = {"access": "sequential", "fail_on": "error", **options}
    if isinstance(content, bytes):
        return pyvips.Operation.call(f"{loader}_buffer", content, **given)
    return pyvips.Operation.call(loader, str(content), **given)


def read_mask(content: bytes) -> np.ndarray:
    """Read a damage mask: white marks what is damaged.

    A pixel is damaged where its brightest colour channel reaches half of the range (128 of 255),
    so a red mark counts as well as a white one; transparent pixels are not damaged. The profile
    of the file is ignored.

    Args:
        content: Bytes of a PNG, TIFF or JPEG, grey or colour, 8 or 16 bit.

    Returns:
        (H, W) bool.

    Raises:
        RefusedScan: If the file cannot be decoded whole.
    """
    scan = decode(content, _MAX_PIXELS, name="mask")
    return render(scan, mask_image(scan))[:, :, 0] > 0


def read_shares(content: Path | bytes) -> np.ndarray:
    """Read a mask whose greys are shares: white is all, black nothing.

    Args:
        content: A picture file, or its bytes; the brightest colour counts, as in `read_mask`.

    Returns:
        (H, W) uint8, upright.

    Raises:
        RefusedScan: If the picture cannot be decoded whole.
    """
    return read_rgb(content).max(axis=2)


def mask_image(scan: DecodedScan) -> pyvips.Image:
    """Return where a mask marks damage, as `read_mask` understands it, still to be read.

    Returns:
        One band, 255 where damaged and 0 elsewhere.
    """
    image = scan.image
    marked = image >= _MASK_THRESHOLD * (257 if image.format == "ushort" else 1)
    colours = colour_bands(image)
    damaged = marked[0] if colours == 1 else marked[0:colours].bandor()
    return damaged if colours == image.bands else damaged & marked[colours]
