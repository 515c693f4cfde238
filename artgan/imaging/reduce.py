"""A scan read once from top to bottom: what its stored values tell, and a picture to work on.

A scan of 48 megapixels is 144 to 400 MB of pixels. They pass through here in strips; what stays is
the picture reduced by a whole factor, no smaller than its access copy. Every byte of the file is
decoded on the way, so a broken file does not get through.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import pyvips

from artgan.imaging.colour import (
    ICC,
    colour_bands,
    embedded_profile,
    image_from_array,
    profile_to_honour,
    to_srgb,
    with_blob,
)
from artgan.imaging.decode import DecodedScan, blank, check_tiles, decode_page, is_one_colour
from artgan.imaging.matrix import matrix_conversion
from artgan.imaging.opening import UPRIGHT, open_jpeg
from artgan.imaging.quality import Clipping
from artgan.imaging.scan_file import broken

_STRIP_BYTES = 1_000_000  # what a core's cache holds: each strip is gone over several times
_JPEG_SHRINKS = (8, 4, 2, 1)
_LARGEST_IN_MEMORY_BYTES = 400_000_000
_THREAD = 4  # long side over short side from which the short side decides
_RGB = 3
_SIDEWAYS_FROM = 5  # EXIF orientations from this on swap width and height
_CLIPPED_SPACES = {"srgb", "rgb16", "b-w", "grey16"}
_CLIPPED_BITS = {8, 16}
_PIXEL_TYPES: dict[str, Any] = {
    "uchar": np.uint8,
    "char": np.int8,
    "ushort": np.uint16,
    "short": np.int16,
    "float": np.float32,
}
_AVERAGED = {"uchar", "ushort", "float"}  # signed numbers are too rare to have a path of their own


@dataclass(frozen=True)
class ReducedScan:
    """A scan that was read whole.

    Attributes:
        pixels: (H, W, C) in the values of the file, or opaque 8-bit sRGB where that has alpha.
        source: What they were read from, which gives their space and profile; None for sRGB.
        orientation: EXIF orientation that they still are in, 1 to 8.
        width_px: Width of the scan, upright, before it was reduced.
        height_px: Height likewise.
        clipping: Clipped pixels; None where stored values do not tell (CMYK, LAB, float, and
            depths other than 8 and 16 bits).
    """

    pixels: np.ndarray
    source: pyvips.Image | None
    orientation: int
    width_px: int
    height_px: int
    clipping: Clipping | None

    def fitted_size(self, long_side_px: int) -> tuple[int, int]:
        """Return width and height of a copy; a scan within the limit keeps its size.

        A scroll would become a thread: the short side keeps a quarter of the limit, whatever the
        long side is then.

        Args:
            long_side_px: Long side of the copy; 0 means the size of the scan.
        """
        scale = _scale(self.width_px, self.height_px, long_side_px)
        return max(1, round(self.width_px * scale)), max(1, round(self.height_px * scale))

    def fitted(self, long_side_px: int) -> np.ndarray:
        """Render the picture as 8-bit sRGB in the size that `fitted_size` gives: (H, W, 3)."""
        size = self.fitted_size(long_side_px)
        if self.pixels.shape[1::-1] == size and self._is_done:
            return self.pixels
        image = self._image
        if image.format == "uchar":
            return _rendered(_resized(image, size))
        # libvips resizes bytes several times as fast as anything else
        whole = _rendered(image)
        if whole.shape[1::-1] == size:
            return whole
        return _rendered(_resized(image_from_array(whole), size))

    @cached_property
    def _image(self) -> pyvips.Image:
        image = _wrapped(self.pixels, self.source)
        if self.orientation == UPRIGHT:
            return image
        image.set_type(pyvips.GValue.gint_type, "orientation", self.orientation)
        return image.autorot()

    @property
    def _is_done(self) -> bool:
        """Whether the pixels are upright 8-bit sRGB as they are."""
        if self.orientation != UPRIGHT or self.pixels.dtype != np.uint8:
            return False
        if self.source is None:
            return True
        is_rgb = self.pixels.shape[2] == _RGB and self.source.interpretation == "srgb"
        return is_rgb and profile_to_honour(self.source) is None


def _resized(image: pyvips.Image, size: tuple[int, int]) -> pyvips.Image:
    if (image.width, image.height) == size:
        return image
    return image.resize(size[0] / image.width, vscale=size[1] / image.height)


def _rendered(image: pyvips.Image) -> np.ndarray:
    """Render an image as (H, W, 3) uint8 sRGB."""
    icc = profile_to_honour(image)
    if icc is not None and image.interpretation == "srgb":  # what libvips calls any 8-bit RGB
        convert = matrix_conversion(icc)
        if convert is not None:
            return _collected(image, convert, 1)
    return _collected(to_srgb(image), None, 1)


def _scale(width_px: int, height_px: int, long_side_px: int) -> float:
    if not long_side_px:
        return 1.0
    long_side, short_side = max(width_px, height_px), min(width_px, height_px)
    return min(1.0, max(long_side_px / long_side, long_side_px / _THREAD / short_side))


def reduce_scan(scan: DecodedScan, long_side_px: int) -> ReducedScan:
    """Read every pixel of a scan; keep a picture no smaller than a copy with this long side.

    A JPEG that is at least twice as large is decoded at a half, a quarter or an eighth of its
    size: its data are read to the end all the same, and clipping is told from the pixels of that
    scale. Everything else is decoded in full and averaged over squares.

    Args:
        scan: What `decode` returned.
        long_side_px: Long side of the largest copy that is wanted; 0 means full size.

    Raises:
        RefusedScan: If the data end too early or cannot be decoded.
    """
    most = int(1 / _scale(scan.width_px, scan.height_px, long_side_px) + 1e-9)
    clipping = Clipping() if _tells_clipping(scan) else None
    try:
        image, shrunk = _opened(scan, most)
        pixels = _read(image, max(1, most // shrunk), clipping)
    except pyvips.Error as error:
        raise broken(scan.page, error) from error
    check_tiles(scan)
    return ReducedScan(
        pixels=_trimmed(pixels, scan, shrunk) if shrunk > 1 else pixels,
        source=None if image.hasalpha() else image,
        orientation=UPRIGHT if image is scan.image else scan.orientation,
        width_px=scan.width_px,
        height_px=scan.height_px,
        clipping=clipping,
    )


def _trimmed(pixels: np.ndarray, scan: DecodedScan, shrunk: int) -> np.ndarray:
    """Drop the row and the column that the decoder of JPEG made of less than half a square."""
    sides = scan.height_px, scan.width_px
    rows, columns = sides if scan.orientation < _SIDEWAYS_FROM else sides[::-1]
    return np.ascontiguousarray(pixels[: _cells(rows, shrunk), : _cells(columns, shrunk)])


def check_shows_something(scan: DecodedScan, reduced: np.ndarray) -> None:
    """Refuse a scan of one single colour, judged by all its pixels.

    A reduced picture of several colours is proof enough; one of a single colour may hide a fine
    pattern, so the scan is read again at full size.

    Args:
        scan: The scan.
        reduced: (H, W, 3), the scan reduced in any way.

    Raises:
        RefusedScan: With reason ``blank``.
    """
    if not is_one_colour(reduced):
        return
    again = decode_page(scan.page.file, scan.width_px * scan.height_px, scan.page.number)
    first: np.ndarray | None = None
    for strip in _strips(to_srgb(again.image), 1):
        first = strip[0, 0] if first is None else first
        if (strip != first).any():
            return
    raise blank(scan.name, reduced[0, 0])


def _tells_clipping(scan: DecodedScan) -> bool:
    return scan.colour_space in _CLIPPED_SPACES and scan.bit_depth in _CLIPPED_BITS


def _opened(scan: DecodedScan, most: int) -> tuple[pyvips.Image, int]:
    """Open a scan to be read downwards; return also by how much the decoder reduces it."""
    shrink = next(shrink for shrink in _JPEG_SHRINKS if shrink <= most)
    if scan.format != "jpeg" or (shrink == 1 and scan.orientation == UPRIGHT):
        return scan.image, 1
    return open_jpeg(scan.page, shrink), shrink


def _read(image: pyvips.Image, factor: int, clipping: Clipping | None) -> np.ndarray:
    """Read an image averaged over squares of this side; as opaque sRGB if it has alpha."""
    factor = factor if image.format in _AVERAGED else 1
    colours, has_alpha = colour_bands(image), image.hasalpha()

    def seen(strip: np.ndarray) -> np.ndarray:
        if clipping is not None:
            clipping.add(strip[:, :, :colours])
        if has_alpha:
            strip = to_srgb(_wrapped(strip, image)).numpy()
        return averaged(strip, factor)

    return _collected(image, seen, factor)


def _collected(
    image: pyvips.Image, change: Callable[[np.ndarray], np.ndarray] | None, factor: int
) -> np.ndarray:
    """Read an image in strips, change each, and put them together; heights shrink by a factor."""
    height = _cells(image.height, factor)
    whole: np.ndarray | None = None
    row = 0
    for strip in _strips(image, factor):
        part = strip if change is None else change(strip)
        if part.shape[0] == height:
            return part
        if whole is None:
            whole = _buffer((height, *part.shape[1:]), part.dtype)
        rows = min(part.shape[0], height - row)
        whole[row : row + rows] = part[:rows]
        row += rows
    if whole is None:
        raise pyvips.Error("no rows")
    return whole


def _strips(image: pyvips.Image, factor: int) -> Iterator[np.ndarray]:
    width, height, bands = image.width, image.height, image.bands
    kind = np.dtype(_PIXEL_TYPES[str(image.format)])
    rows = max(1, _STRIP_BYTES // (width * bands * kind.itemsize) // factor) * factor
    region = pyvips.Region.new(image)
    for top in range(0, height, rows):
        some = min(rows, height - top)
        strip = np.frombuffer(region.fetch(0, top, width, some), kind)
        yield strip.reshape(some, width, bands)


def averaged(array: np.ndarray, factor: int) -> np.ndarray:
    """Average pixels (H, W, C) over squares of this side.

    What is left at the right and the bottom is dropped where it is less than half a square, and
    repeated to fill one where it is more.
    """
    if factor == 1:
        return array
    rows, columns = (_cells(side, factor) for side in array.shape[:2])
    array = array[: rows * factor, : columns * factor]
    below, right = rows * factor - array.shape[0], columns * factor - array.shape[1]
    if below or right:
        array = cv2.copyMakeBorder(array, 0, below, 0, right, cv2.BORDER_REPLICATE)
    small = cv2.resize(array, (columns, rows), interpolation=cv2.INTER_AREA)
    return small.reshape(rows, columns, array.shape[2])


def _cells(side: int, factor: int) -> int:
    return max(1, (side + factor // 2) // factor)


def _buffer(shape: tuple[int, ...], kind: np.dtype) -> np.ndarray:
    """Return room for a picture: in memory, or for a giant in a file that is gone when unused."""
    if int(np.prod(shape)) * kind.itemsize <= _LARGEST_IN_MEMORY_BYTES:
        return np.empty(shape, kind)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, kind, mode="w+", shape=shape)


def _wrapped(array: np.ndarray, like: pyvips.Image | None) -> pyvips.Image:
    """Wrap pixels as an image of the space and with the profile of another; None is sRGB."""
    height, width, bands = array.shape
    kind = next(name for name, one in _PIXEL_TYPES.items() if array.dtype == one)
    data = np.ascontiguousarray(array).data.cast("B")
    image = pyvips.Image.new_from_memory(data, width, height, bands, kind)
    image = image.copy(interpretation="srgb" if like is None else like.interpretation)
    icc = None if like is None else embedded_profile(like)
    return with_blob(image, ICC, icc) if icc else image
