"""How a TIFF is built: its directories, which of them are pages, and whether data are missing.

Only numbers that decide how a page is read are taken from a directory; no pixel is decoded here.
"""

import itertools
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from artgan.imaging.formats import open_bytes, source_bytes

SUBFILE_TYPE = 254
OLD_SUBFILE_TYPE = 255
WIDTH = 256
HEIGHT = 257
BITS = 258
COMPRESSION_TAG = 259
PHOTOMETRIC = 262
STRIP_OFFSETS = 273
ORIENTATION = 274
SAMPLES = 277
ROWS = 278
STRIP_BYTES = 279
PLANAR = 284
TILE_WIDTH = 322
TILE_HEIGHT = 323
TILE_OFFSETS = 324
TILE_BYTES = 325
SUB_DIRECTORIES = 330
EXTRA_SAMPLES = 338
INK_SET = 332
SAMPLE_FORMAT = 339
SUBSAMPLING = 530
DNG_VERSION = 50706

WHITE_IS_ZERO = 0  # values of PHOTOMETRIC
BLACK_IS_ZERO = 1
RGB = 2
PALETTE = 3
SEPARATED = 5
YCBCR = 6
CIELAB = 8
ICCLAB = 9
_MASK = 4

COMPRESSION = {
    1: "none",
    2: "ccitt-rle",
    3: "ccitt-g3",
    4: "ccitt-g4",
    5: "lzw",
    6: "old-jpeg",
    7: "jpeg",
    8: "deflate",
    32773: "packbits",
    32946: "deflate",
    33003: "jpeg2000",
    33004: "jpeg2000",
    33005: "jpeg2000",
    34676: "sgilog",
    34677: "sgilog24",
    34712: "jpeg2000",
    34887: "lerc",
    34892: "lossy-jpeg",
    34925: "lzma",
    50000: "zstd",
    50001: "webp",
    50002: "jpegxl",
    52546: "jpegxl",
}
_WANTED = frozenset(
    {
        SUBFILE_TYPE,
        OLD_SUBFILE_TYPE,
        WIDTH,
        HEIGHT,
        BITS,
        COMPRESSION_TAG,
        PHOTOMETRIC,
        STRIP_OFFSETS,
        ORIENTATION,
        SAMPLES,
        ROWS,
        STRIP_BYTES,
        PLANAR,
        TILE_WIDTH,
        TILE_HEIGHT,
        TILE_OFFSETS,
        TILE_BYTES,
        SUB_DIRECTORIES,
        EXTRA_SAMPLES,
        INK_SET,
        SAMPLE_FORMAT,
        SUBSAMPLING,
        DNG_VERSION,
    }
)
# Letter of `struct` for each type of TIFF 6.0 and BigTIFF that holds whole numbers.
_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_MOST_ENTRIES = 4096  # of a directory; a real one has some dozens
_REDUCED = 1  # bits of NewSubfileType
_TRANSPARENCY = 4
_OLD_REDUCED = 2


class _Layout(NamedTuple):
    """Letters of `struct` for the numbers of a file, classic or BigTIFF."""

    order: str
    entries: str
    offset: str


@dataclass(frozen=True)
class Directory:
    """One directory of a TIFF: a page, a reduced copy, a mask, or one that cannot be read.

    Attributes:
        index: Place in the chain of directories, from 0, as decoders count.
        offset: Where it begins in the file, in bytes.
        tags: Numbers by tag, of the tags that this module names; empty if it cannot be read.
    """

    index: int
    offset: int
    tags: dict[int, tuple[int, ...]]

    def values(self, tag: int) -> tuple[int, ...]:
        """Return the numbers of a tag; none where it is absent."""
        return self.tags.get(tag, ())

    def value(self, tag: int, default: int) -> int:
        """Return the first number of a tag."""
        return next(iter(self.values(tag)), default)

    @property
    def compression(self) -> str | None:
        """Compression by name, by number where it has none; None if the directory is broken."""
        if not self.tags:
            return None
        code = self.value(COMPRESSION_TAG, 1)
        return COMPRESSION.get(code, str(code))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as stored, in pixels."""
        return self.value(WIDTH, 0), self.value(HEIGHT, 0)

    @property
    def segments(self) -> list[tuple[int, int]]:
        """Offset and length of each strip or tile, in bytes."""
        offsets = self.values(TILE_OFFSETS) or self.values(STRIP_OFFSETS)
        lengths = self.values(TILE_BYTES) or self.values(STRIP_BYTES)
        return list(zip(offsets, lengths, strict=False))

    @property
    def segment_bytes(self) -> int:
        """Most bytes that a strip or tile unpacks to."""
        width = self.value(TILE_WIDTH, self.value(WIDTH, 0))
        height = self.value(TILE_HEIGHT, min(self.value(ROWS, 2**32 - 1), self.value(HEIGHT, 0)))
        return (width * self.value(SAMPLES, 1) * self.value(BITS, 1) + 7) // 8 * height


def directories(source: Path | bytes) -> list[Directory]:
    """Walk the chain of directories; one that cannot be read ends it and has no tags."""
    with open_bytes(source) as file:
        return list(_walk(file))


def _walk(file: BinaryIO) -> Iterator[Directory]:
    header = file.read(16)
    order = "<" if header[:2] == b"II" else ">"
    is_big = header[2:4] in (b"+\x00", b"\x00+")
    layout = _Layout(order, "Q", "Q") if is_big else _Layout(order, "H", "I")
    start = 8 if is_big else 4
    index, seen = 0, set()
    next_offset = header[start : start * 2]
    offset = struct.unpack(order + layout.offset, next_offset)[0] if len(header) >= start * 2 else 0
    while index == 0 or (offset and offset not in seen):
        seen.add(offset)
        try:
            tags, following = _read(file, layout, offset)
        except (struct.error, ValueError, OverflowError, OSError):
            tags, following = {}, 0
        yield Directory(index, offset, tags)
        offset, index = following, index + 1


def _read(file: BinaryIO, layout: _Layout, offset: int) -> tuple[dict[int, tuple[int, ...]], int]:
    file.seek(offset)
    width = struct.calcsize("=" + layout.offset)
    (count,) = _unpack(file, layout.order + layout.entries)
    if count > _MOST_ENTRIES:
        raise ValueError("no directory")
    record = f"{layout.order}HH{layout.offset}{width}s"
    entries = [_unpack(file, record) for _ in range(count)]
    (following,) = _unpack(file, layout.order + layout.offset)
    if WIDTH not in {entry[0] for entry in entries}:
        raise ValueError("no directory")
    return {
        tag: _numbers(file, layout, _NUMBERS[kind], size, inline)
        for tag, kind, size, inline in entries
        if tag in _WANTED and kind in _NUMBERS
    }, following


def _unpack(file: BinaryIO, form: str) -> tuple:
    return struct.unpack(form, file.read(struct.calcsize(form)))


def _numbers(
    file: BinaryIO, layout: _Layout, letter: str, count: int, inline: bytes
) -> tuple[int, ...]:
    length = count * struct.calcsize("=" + letter)
    if length > len(inline):
        # A count of billions would be given that much memory before its end is found.
        if length > file.seek(0, os.SEEK_END):
            raise ValueError("no directory")
        file.seek(struct.unpack(layout.order + layout.offset, inline)[0])
        inline = file.read(length)
    return struct.unpack(f"{layout.order}{count}{letter}", inline[:length])


def pages(found: list[Directory]) -> list[Directory]:
    """Choose the directories that are pages, each a picture of its own.

    Reduced copies and transparency masks are none, whether flagged as such or recognised as a
    pyramid: every directory tiled and half the size of the one before. A directory that cannot be
    read counts as a page, so that somebody hears of it. None is left in a camera raw file, whose
    picture lies in a sub-directory beside previews.
    """
    if _is_pyramid(found):
        return found[:1]
    full = [one for one in found if not _is_copy(one)]
    if full or any(one.values(SUB_DIRECTORIES) for one in found):
        return full
    return found[:1]


def _is_copy(one: Directory) -> bool:
    flags = one.value(SUBFILE_TYPE, 0)
    return (
        bool(flags & (_REDUCED | _TRANSPARENCY))
        or one.value(OLD_SUBFILE_TYPE, 0) == _OLD_REDUCED
        or one.value(PHOTOMETRIC, BLACK_IS_ZERO) == _MASK
    )


def _is_pyramid(found: list[Directory]) -> bool:
    if len(found) < 2 or not all(one.values(TILE_OFFSETS) for one in found):
        return False
    return all(
        abs(large - 2 * small) <= 2
        for before, after in itertools.pairwise(found)
        for large, small in zip(before.size, after.size, strict=True)
    )


def is_cut(source: Path | bytes, page: Directory) -> bool:
    """Whether a page's directory or data lie beyond the end of the file."""
    if not page.tags:
        return True
    return max((sum(segment) for segment in page.segments), default=0) > source_bytes(source)
