"""Pictures too large for memory: plain pixels in a file, read and written window by window.

Nothing is mapped into memory, so what a process holds is what it has read. A canvas of an array has
the same methods, for small pictures and for those that are in memory anyway.
"""

import errno
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyvips

from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.imaging import tiff
from artgan.imaging.colour import ICC, with_blob
from artgan.imaging.decode import (
    DecodedScan,
    SourceEncoding,
    blank,
    check_tiles,
    decode,
    is_one_colour,
    own_pixels,
)
from artgan.imaging.read import mask_image
from artgan.imaging.scan_file import broken

_FORMATS = {"uchar": np.dtype(np.uint8), "ushort": np.dtype(np.uint16)}
_STRIP_BYTES = 16_000_000


@dataclass(frozen=True)
class Window:
    """Rows from ``top`` up to but not ``bottom`` and columns from ``left`` up to ``right``."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns as an array takes them."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def grown(self, margin_px: int, size: tuple[int, int]) -> "Window":
        """Add a margin on all sides, cut at the frame of a picture of ``size`` (H, W)."""
        return Window(
            max(self.top - margin_px, 0),
            min(self.bottom + margin_px, size[0]),
            max(self.left - margin_px, 0),
            min(self.right + margin_px, size[1]),
        )

    def within(self, other: "Window") -> tuple[slice, slice]:
        """Return where this window lies in an array that was read from a larger one."""
        rows = slice(self.top - other.top, self.bottom - other.top)
        return rows, slice(self.left - other.left, self.right - other.left)


def windows(size: tuple[int, int], side_px: int) -> Iterator[Window]:
    """Cut a frame (H, W) into squares, row by row; those at its end are smaller."""
    for top in range(0, size[0], side_px):
        for left in range(0, size[1], side_px):
            yield Window(*(top, min(top + side_px, size[0])), *(left, min(left + side_px, size[1])))


class Canvas(ABC):
    """A picture that is read and written by windows.

    Attributes:
        shape: (H, W, C).
        dtype: Kind of number.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.shape[:2]

    @abstractmethod
    def read(self, window: Window) -> np.ndarray:
        """Return a copy of what lies in a window, (h, w, C)."""

    @abstractmethod
    def write(self, window: Window, pixels: np.ndarray) -> None:
        """Put (h, w, C) into a window."""

    def strips(self) -> Iterator[np.ndarray]:
        """Yield the whole picture from top to bottom, a few rows at a time."""
        height, width, channels = self.shape
        rows = max(1, _STRIP_BYTES // (width * channels * self.dtype.itemsize))
        for top in range(0, height, rows):
            yield self.read(Window(top, min(top + rows, height), 0, width))


class ArrayCanvas(Canvas):
    """A canvas whose pixels are an array.

    Args:
        array: (H, W, C); written to in place.
    """

    def __init__(self, array: np.ndarray) -> None:
        height, width, channels = array.shape
        self.shape, self.dtype = (height, width, channels), array.dtype
        self._array = array

    def read(self, window: Window) -> np.ndarray:
        """See `Canvas`."""
        return self._array[window.slices].copy()

    def write(self, window: Window, pixels: np.ndarray) -> None:
        """See `Canvas`."""
        self._array[window.slices] = pixels


class FileCanvas(Canvas):
    """A canvas whose pixels lie in a file, row after row, in the byte order of this machine.

    Args:
        path: The file, which has all its bytes already.
        shape: (H, W, C).
        dtype: Kind of number.
        start: Where in the file the pixels begin.
    """

    def __init__(
        self, path: Path, shape: tuple[int, int, int], dtype: np.dtype, start: int = 0
    ) -> None:
        self.path, self.shape, self.dtype, self.start = path, shape, dtype, start
        self._pixel = shape[2] * dtype.itemsize

    @staticmethod
    def zeros(path: Path, shape: tuple[int, int, int], dtype: np.dtype) -> "FileCanvas":
        """Make a black canvas; what is never written to takes no room on the disk."""
        with path.open("wb") as file:
            file.truncate(shape[0] * shape[1] * shape[2] * dtype.itemsize)
        return FileCanvas(path, shape, dtype)

    def copied(self, path: Path) -> "FileCanvas":
        """Copy the canvas to another file."""
        shutil.copyfile(self.path, path)
        return FileCanvas(path, self.shape, self.dtype, self.start)

    def read(self, window: Window) -> np.ndarray:
        """See `Canvas`."""
        pixels = np.empty((*window.size, self.shape[2]), self.dtype)
        with self.path.open("rb", buffering=0) as file:
            for offset, line in self._lines(window, pixels):
                if os.preadv(file.fileno(), [line.data], offset) != line.nbytes:
                    raise CorruptAssetError(
                        f"{self.path} must hold {self.shape}, got a shorter file. "
                        "See to the disk, and run the flow again."
                    )
        return pixels

    def write(self, window: Window, pixels: np.ndarray) -> None:
        """See `Canvas`."""
        pixels = np.ascontiguousarray(pixels, self.dtype)
        with self.path.open("r+b", buffering=0) as file:
            for offset, line in self._lines(window, pixels):
                file.seek(offset)
                if file.write(line.data) != line.nbytes:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))

    def _lines(self, window: Window, pixels: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Yield where each row of a window begins in the file; rows that touch are one."""
        height, width = window.size
        whole = width == self.shape[1]
        lines = pixels.reshape(1 if whole else height, -1)
        for number, line in enumerate(lines):
            first = (window.top + number) * self.shape[1] + window.left
            yield self.start + first * self._pixel, line


class TiffCanvas(FileCanvas):
    """A canvas in a plain TIFF, which libvips reads as well.

    libvips would read a raw file too, but map all of it into memory.
    """

    def image(self, icc: bytes | None = None) -> pyvips.Image:
        """Return the canvas as a picture that is read from top to bottom, once."""
        image = pyvips.Operation.call("tiffload", str(self.path), access="sequential")
        return with_blob(image, ICC, icc) if icc else image

    def copied(self, path: Path) -> "TiffCanvas":
        """See `FileCanvas`."""
        super().copied(path)
        return TiffCanvas(path, self.shape, self.dtype, self.start)


def save_canvas(image: pyvips.Image, path: Path) -> TiffCanvas:
    """Compute a picture of 8 or 16 bits into a file, in one pass and little memory."""
    options = {"compression": "none", "bigtiff": True, "keep": "none"}
    pyvips.Operation.call("tiffsave", image, str(path), **options)
    shape = (image.height, image.width, image.bands)
    (page,) = tiff.directories(path)
    starts, lengths = zip(*page.segments, strict=True)
    # one strip follows the other, so that a row is found by its number
    assert all(starts[i] + lengths[i] == starts[i + 1] for i in range(len(starts) - 1))
    return TiffCanvas(path, shape, _FORMATS[str(image.format)], starts[0])


def black_canvas(path: Path, size: tuple[int, int]) -> TiffCanvas:
    """Make a canvas of one channel of 8 bits, all 0."""
    return save_canvas(pyvips.Image.black(size[1], size[0]), path)


def scan_canvas(
    source: Path, path: Path, max_pixels: int, page: int = 1
) -> tuple[TiffCanvas, SourceEncoding]:
    """Decode a scan's own pixels into a file, as `artgan.imaging.decode.scan_array` does to memory.

    TIFF, JPEG and PNG pass through as they are decoded. WebP, AVIF, GIF, JPEG 2000, BMP and
    Photoshop files, and those kinds of TIFF that tifffile reads, are decoded whole first.

    Args:
        source: File of the scan.
        path: File to write.
        max_pixels: Largest picture to read.
        page: Page of a TIFF, from 1.

    Returns:
        The canvas, upright, 1 to 4 channels of 8 or 16 bits, and what an output takes over.

    Raises:
        RefusedScan: If the file cannot be decoded whole, or shows one single colour.
    """
    scan = decode(source, max_pixels, page=page)
    image, encoding = own_pixels(scan)
    canvas = _decoded(scan, image, path)
    first = canvas.read(Window(0, 1, 0, 1))[0, 0]
    if all(is_one_colour(strip) and (strip[0, 0] == first).all() for strip in canvas.strips()):
        raise blank(scan.name, first)
    return canvas, encoding


def mask_canvas(source: Path, path: Path, size: tuple[int, int]) -> TiffCanvas:
    """Decode a damage mask into a file, as `artgan.imaging.read.read_mask` does to memory.

    Args:
        source: File of the mask.
        path: File to write.
        size: Height and width of its scan.

    Returns:
        (H, W, 1) uint8, 255 where damaged and 0 elsewhere.

    Raises:
        InvalidInputError: If it has another size.
        RefusedScan: If the file cannot be decoded whole.
    """
    scan = decode(source, max_pixels=1 << 62, name="mask")
    if (scan.height_px, scan.width_px) != size:
        raise InvalidInputError(
            f"mask must have the size of its upright scan, {size[1]} x {size[0]}, got "
            f"{scan.width_px} x {scan.height_px}. Draw it on the scan at full size."
        )
    return _decoded(scan, mask_image(scan), path)


def _decoded(scan: DecodedScan, image: pyvips.Image, path: Path) -> TiffCanvas:
    try:
        canvas = save_canvas(image, path)
    except pyvips.Error as error:
        raise broken(scan.page, error) from error
    check_tiles(scan)
    return canvas
