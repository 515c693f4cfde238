"""A stylized file of a scan: its size, depth, profile, resolution and alpha, other colours.

The scan passes through files of this machine, so its size is a matter of disk and not of memory.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyvips

from artgan.imaging.canvas import FileCanvas, TiffCanvas, save_canvas, scan_canvas
from artgan.imaging.colour import from_srgb_deep, to_srgb_deep
from artgan.imaging.decode import SourceEncoding
from artgan.imaging.write import write_tiff
from artgan.stylize.stylizer import Finish, Stylizer, result_shape, stylize_canvas
from artgan.stylize.tiles import TILE_PX, Tiles

_MAX_PIXELS = 20_000_000_000


@dataclass(frozen=True)
class StylizedFile:
    """A stylized file and the account of it.

    Attributes:
        path: The TIFF, a local file.
        width_px: Its width.
        height_px: Its height.
        bit_depth: Bits of a channel.
        changed_pixels: Pixels that differ from the scan.
        tile_px: Side of the tiles in the end: smaller than asked for if memory did not suffice.
    """

    path: Path
    width_px: int
    height_px: int
    bit_depth: int
    changed_pixels: int
    tile_px: int


def stylize_file(  # noqa: PLR0913 -- what is read, what is done, and where it goes
    scan: Path,
    page: int,
    stylizer: Stylizer,
    *,
    folder: Path,
    finish: Finish | None = None,
    xmp: bytes | None = None,
    tile_px: int = TILE_PX,
) -> StylizedFile:
    """Stylize one page of a scan at full resolution.

    Colours are worked on as sRGB and brought back into the scan's profile. Grey scans, and those
    in a space without red, green and blue, come out as sRGB: a style has colours.

    Args:
        scan: File of the scan.
        page: Page of a TIFF, from 1.
        stylizer: What gives the style.
        folder: An empty folder for the result, and for pixels on the way; needs room for some
            five times the scan, and for `fast` and `adain` for 24 bytes a pixel besides.
        finish: Strength and colours.
        xmp: Packet to embed.
        tile_px: Side of the windows, a multiple of 32: a bound of memory and nothing else.

    Raises:
        RefusedScan: If the scan cannot be decoded whole.
        InvalidInputError: If it is too large for the stylizer.
    """
    tiles = Tiles(tile_px, _Maps(folder))
    own, encoding = scan_canvas(scan, folder / "scan", _MAX_PIXELS, page)
    source = _as_srgb(own, encoding, folder)
    result = _black(folder / "result", result_shape(source), source.dtype)
    changed = stylize_canvas(stylizer, source, result, finish, tiles)
    image, icc = from_srgb_deep(result.image(), encoding.icc)
    path = folder / "stylized.tif"
    encoding = replace(encoding, icc=icc, channels=result.shape[2])
    write_tiff(path, image, encoding, xmp)
    height, width = result.size
    return StylizedFile(path, width, height, encoding.bit_depth, changed, tiles.tile_px)


def _as_srgb(own: TiffCanvas, encoding: SourceEncoding, folder: Path) -> TiffCanvas:
    image = own.image(encoding.icc)
    converted = to_srgb_deep(image)
    if converted is image:
        return own
    canvas = save_canvas(converted, folder / "source")
    own.path.unlink()
    return canvas


def _black(path: Path, shape: tuple[int, int, int], dtype: np.dtype) -> TiffCanvas:
    height, width, channels = shape
    deep = dtype == np.uint16
    image = pyvips.Image.black(width, height, bands=channels).cast("ushort" if deep else "uchar")
    return save_canvas(image.copy(interpretation="rgb16" if deep else "srgb"), path)


class _Maps:
    """Makes canvases in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0

    def __call__(self, shape: tuple[int, int, int], dtype: np.dtype) -> FileCanvas:
        self._count += 1
        return FileCanvas.zeros(self._folder / f"map{self._count}", shape, dtype)
