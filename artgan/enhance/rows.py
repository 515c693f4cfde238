"""Rows of a scan, read downwards once, and pixels written wherever they belong."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyvips

from artgan.enhance.thumbnail import Look, Looking
from artgan.errors import InvalidInputError

_STRIP_BYTES = 8_000_000
_KINDS = {"uchar": np.uint8, "ushort": np.uint16}
_MOST_BANDS = 4


class Rows:
    """Rows of an image that is read downwards, each once; the last ones asked for are kept.

    Args:
        image: 1 to 4 bands of 8 or 16 bits.

    Raises:
        InvalidInputError: The image is of another kind.
    """

    def __init__(self, image: pyvips.Image) -> None:
        if str(image.format) not in _KINDS or not 1 <= image.bands <= _MOST_BANDS:
            raise InvalidInputError(
                f"image must have 1 to 4 bands of 8 or 16 bits, got {image.bands} of "
                f"{image.format}. Convert it to sRGB first."
            )
        self.kind = np.dtype(_KINDS[str(image.format)])
        self.height, self.width, self.bands = image.height, image.width, image.bands
        self._region = pyvips.Region.new(image)
        self._start = 0
        self._kept = np.empty((0, image.width, image.bands), self.kind)

    def between(self, start: int, stop: int) -> np.ndarray:
        """Return rows (stop - start, W, C); no start may be above an earlier one.

        Raises:
            pyvips.Error: The data end too early or cannot be decoded.
        """
        kept = self._kept[start - self._start :]
        first = start + kept.shape[0]
        if first < stop:
            data = self._region.fetch(0, first, self.width, stop - first)
            fresh = np.frombuffer(data, self.kind).reshape(-1, self.width, self.bands)
            kept = np.concatenate([kept, fresh]) if kept.size else fresh
        self._start, self._kept = start, kept
        return kept[: stop - start]

    def strips(self) -> Iterator[np.ndarray]:
        """Yield all rows in strips of a few megabytes."""
        rows = max(1, _STRIP_BYTES // (self.width * self.bands * self.kind.itemsize))
        for top in range(0, self.height, rows):
            yield self.between(top, min(top + rows, self.height))


def look_at_image(image: pyvips.Image) -> Look:
    """Read an image once, from top to bottom, for a first look; see `Look`."""
    looking = Looking(image.height, image.width)
    for strip in Rows(image).strips():
        looking.add(strip)
    return looking.look()


class Canvas:
    """A raw file of pixels that tiles are put into, and that libvips reads again.

    Args:
        path: The file.
        shape: (H, W, C) of the picture.
        kind: uint8 or uint16.

    Raises:
        InvalidInputError: The disk has too little room.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int], kind: np.dtype) -> None:
        self.path, self.shape, self.kind = path, shape, kind
        needed, free = int(np.prod(shape)) * kind.itemsize, shutil.disk_usage(path.parent).free
        if free < needed:
            raise InvalidInputError(
                f"scratch folder must have room for {needed / 1e9:.1f} GB of pixels, got "
                f"{free / 1e9:.1f} GB in {path.parent}. Free some there; with S3, TMPDIR names it."
            )

    def put(self, file: BinaryIO, top: int, left: int, pixels: np.ndarray) -> None:
        """Write a tile (h, w, C); what lies outside of the frame is left out.

        Args:
            file: The file, open for writing.
            top: Row of the tile's first pixel.
            left: Its column.
            pixels: The tile.
        """
        height, width, bands = self.shape
        inside = pixels[: height - top, : width - left]
        pixel_bytes = bands * self.kind.itemsize
        for number, row in enumerate(np.ascontiguousarray(inside)):
            file.seek(((top + number) * width + left) * pixel_bytes)
            file.write(row.data)

    def image(self) -> pyvips.Image:
        """Open what was written, to be read downwards."""
        height, width, bands = self.shape
        deep = self.kind == np.uint16
        spaces = ("grey16", "rgb16") if deep else ("b-w", "srgb")
        return pyvips.Operation.call(
            "rawload",
            str(self.path),
            width,
            height,
            bands,
            format="ushort" if deep else "uchar",
            interpretation=spaces[int(bands > 2)],
            access="sequential",
        )
