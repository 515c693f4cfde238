"""What a file is, by its content: its container, and whether its end is missing.

Nothing here decodes a pixel; a decoder is chosen from these facts and from nothing else, so the
name of a file never decides who reads it.
"""

import os
import struct
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

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


def is_cut(source: Path | bytes, container: str) -> bool:
    """Whether a file that failed to decode ends before its own structure says it should.

    Of a TIFF only its pages can tell: see `artgan.imaging.tiff.is_cut`.
    """
    match container:
        case "jpeg":
            return b"\xff\xd9" not in _tail(source, 65_536)
        case "png":
            return b"IEND" not in _tail(source, 65_536)
        case "webp":
            return source_bytes(source) < 8 + struct.unpack("<I", _head(source)[4:8])[0]
        case "jp2":
            return not _tail(source, 64).rstrip(b"\0").endswith(b"\xff\xd9")
    return False


def _head(source: Path | bytes) -> bytes:
    with open_bytes(source) as file:
        return file.read(HEAD_BYTES)


def _tail(source: Path | bytes, count: int) -> bytes:
    with open_bytes(source) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - count))
        return file.read()
