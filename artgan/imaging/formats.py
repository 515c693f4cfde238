"""What a file is, by its content: container, TIFF tags, and whether its end is missing.

Nothing here decodes a pixel; a decoder is chosen from these facts and from nothing else, so the
name of a file never decides who reads it.
"""

import os
import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

from PIL import TiffImagePlugin

HEAD_BYTES = 64

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"GIF8", "gif"),
    (b"BM", "bmp"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
    (b"8BPS", "psd"),
    (b"%PDF", "pdf"),
    (b"%!PS", "postscript"),
    (b"<svg", "svg"),
    (b"\x76\x2f\x31\x01", "exr"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "jxl"),
    (b"\xff\x0a", "jxl"),
)

# Bitmaps start with "BM", but so does text: the size of the second header tells them apart.
_BMP_HEADER_SIZES = (12, 40, 52, 56, 64, 108, 124)

TIFF_COMPRESSION = {
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
    34676: "sgilog",
    34677: "sgilog24",
    34712: "jpeg2000",
    34887: "lerc",
    34892: "lossy-jpeg",
    34925: "lzma",
    50000: "zstd",
    50001: "webp",
    50002: "jpegxl",
}

TIFF_BITS = 258
TIFF_COMPRESSION_TAG = 259
TIFF_STRIP_OFFSETS = 273
TIFF_ORIENTATION = 274
TIFF_STRIP_BYTES = 279
TIFF_TILE_OFFSETS = 324
TIFF_TILE_BYTES = 325
TIFF_EXTRA_SAMPLES = 338
TIFF_DNG_VERSION = 50706


def sniff(head: bytes) -> str:
    """Name the container from a file's first bytes.

    Args:
        head: At least `HEAD_BYTES` bytes, or the whole file where it is shorter.

    Returns:
        jpeg, png, tiff, webp, avif, heic, jp2, gif, bmp, psd, pdf, postscript, svg, exr, jxl, or
        an empty string for anything else.
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return {b"avif": "avif", b"avis": "avif"}.get(head[8:12], _heic(head[8:12]))
    found = next((name for magic, name in _MAGIC if head.startswith(magic)), "")
    if found == "bmp" and struct.unpack("<I", head[14:18].ljust(4, b"\0"))[0] not in (
        _BMP_HEADER_SIZES
    ):
        return ""
    return found


def _heic(brand: bytes) -> str:
    return "heic" if brand in {b"heic", b"heix", b"mif1", b"msf1", b"hevc"} else ""


def open_bytes(source: Path | bytes) -> BinaryIO:
    """Open a file, or bytes as if they were one."""
    return BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def source_bytes(source: Path | bytes) -> int:
    """Size of a file, or of bytes, in bytes."""
    return len(source) if isinstance(source, bytes) else source.stat().st_size


def tiff_tags(source: Path | bytes) -> dict[int, Any]:
    """Read the tags of a TIFF's first page; BigTIFF too.

    Returns:
        Values by tag number; empty where the directory cannot be read.
    """
    try:
        with open_bytes(source) as file:
            header = file.read(8)
            if b"+" in header[2:4]:
                header += file.read(8)
            directory = TiffImagePlugin.ImageFileDirectory_v2(header)
            file.seek(cast(int, directory.next))
            directory.load(file)
            return dict(directory.items())
    except (struct.error, SyntaxError, OSError, ValueError, KeyError, TypeError, EOFError):
        return {}


def tag_values(tags: dict[int, Any], tag: int) -> tuple[int, ...]:
    """Return a tag's values as a tuple, whether it holds none, one or several."""
    value = tags.get(tag, ())
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def is_cut(source: Path | bytes, container: str) -> bool:
    """Whether a file that failed to decode ends before its own structure says it should."""
    match container:
        case "jpeg":
            return b"\xff\xd9" not in _tail(source, 65_536)
        case "png":
            return b"IEND" not in _tail(source, 65_536)
        case "webp":
            return source_bytes(source) < 8 + struct.unpack("<I", _head(source)[4:8])[0]
        case "tiff":
            return _tiff_is_cut(source)
        case "jp2":
            return not _tail(source, 64).rstrip(b"\0").endswith(b"\xff\xd9")
    return False


def _tiff_is_cut(source: Path | bytes) -> bool:
    tags = tiff_tags(source)
    if not tags:  # the directory itself lies behind the cut
        return True
    offsets = tag_values(tags, TIFF_STRIP_OFFSETS) or tag_values(tags, TIFF_TILE_OFFSETS)
    counts = tag_values(tags, TIFF_STRIP_BYTES) or tag_values(tags, TIFF_TILE_BYTES)
    ends = [start + length for start, length in zip(offsets, counts, strict=False)]
    return max(ends, default=0) > source_bytes(source)


def has_broken_tile(source: Path | bytes) -> bool:
    """Whether a tile of a tiled TIFF's first page is cut off or does not decompress.

    libvips paints such a tile black and goes on, whatever it is told about errors. Tiles of JPEG
    are the exception: it does report those.
    """
    tags = tiff_tags(source)
    offsets = tag_values(tags, TIFF_TILE_OFFSETS)
    if not offsets:
        return False
    if _tiff_is_cut(source):
        return True
    match TIFF_COMPRESSION.get(int(tags.get(TIFF_COMPRESSION_TAG, 1))):
        case "none" | "jpeg":
            return False
        case "deflate":
            return _has_broken_stream(source, offsets, tag_values(tags, TIFF_TILE_BYTES))
    return _fails_in_pillow(source)


def _has_broken_stream(
    source: Path | bytes, offsets: tuple[int, ...], counts: tuple[int, ...]
) -> bool:
    with open_bytes(source) as file:
        for start, length in zip(offsets, counts, strict=False):
            file.seek(start)
            try:
                zlib.decompress(file.read(length))
            except zlib.error:
                return True
    return False


def _fails_in_pillow(source: Path | bytes) -> bool:
    with open_bytes(source) as file:
        try:
            picture = TiffImagePlugin.TiffImageFile(file)
        except SyntaxError:  # a kind of pixels that it does not know; nothing else can tell
            return False
        try:
            picture.load()
        except (OSError, ValueError):
            return True
    return False


def _head(source: Path | bytes) -> bytes:
    with open_bytes(source) as file:
        return file.read(HEAD_BYTES)


def _tail(source: Path | bytes, count: int) -> bytes:
    with open_bytes(source) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - count))
        return file.read()
