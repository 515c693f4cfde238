"""What a file is, by its content: its container, and whether its end is missing.

Nothing here decodes a pixel; a decoder is chosen from these facts and from nothing else, so the
name of a file never decides who reads it.
"""

import os
import struct
from collections.abc import Callable
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
    (b"gimp xcf", "xcf"),
    (b"%PDF", "pdf"),
    (b"%!PS", "postscript"),
    (b"<svg", "svg"),
    (b"\x76\x2f\x31\x01", "exr"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "jxl"),
    (b"\xff\x0a", "jxl"),
    (b"II\xbc", "jpeg-xr"),
    (b"AT&TFORM", "djvu"),
    (b"#?RADIANCE", "radiance"),
    (b"SIMPLE  =", "fits"),
    (b"FUJIFILMCCD-RAW", "camera raw"),
    (b"IIU\x00", "camera raw"),
    (b"IIRO", "camera raw"),
    (b"IIRS", "camera raw"),
    (b"MMOR", "camera raw"),
    (b"P1\n", "netpbm"),
    (b"P2\n", "netpbm"),
    (b"P3\n", "netpbm"),
    (b"P4\n", "netpbm"),
    (b"P5\n", "netpbm"),
    (b"P6\n", "netpbm"),
    (b"\x0a\x05\x01\x08", "pcx"),
    (b"\x01\xda\x01\x01", "sgi"),
    (b"\x8aMNG\r\n\x1a\n", "mng"),
)
_BRANDS = {
    b"avif": "avif",
    b"avis": "avif",
    b"crx ": "camera raw",
} | dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "heic")

# SOF0 to SOF15 without the tables among them, and the frame of JPEG-LS.
_FRAME_MARKERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}

EXTENSIONS = {
    "jpeg": {".jpg", ".jpeg", ".jpe", ".jfif"},
    "png": {".png", ".apng"},
    "tiff": {".tif", ".tiff", ".btf", ".tf8", ".ptif", ".svs"},
    "webp": {".webp"},
    "avif": {".avif", ".avifs"},
    "gif": {".gif"},
    "jp2": {".jp2", ".j2k", ".j2c", ".jpc", ".jpx", ".jpf"},
    "bmp": {".bmp", ".dib"},
    "psd": {".psd", ".psb"},
}
"""Endings of the names of files of each format that is read, in lower case."""

# Bitmaps start with "BM", but so does text: the size of the second header tells them apart.
_BMP_HEADER_SIZES = (12, 40, 52, 56, 64, 108, 124)


def sniff(head: bytes) -> str:
    """Name the container from a file's first bytes.

    Args:
        head: At least `HEAD_BYTES` bytes, or the whole file where it is shorter.

    Returns:
        jpeg, png, tiff, webp, avif, jp2, gif, bmp, psd; the name of another kind of picture or
        document (heic, jxl, pdf...); an empty string for anything else.
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return _sniff_brand(head)
    found = next((name for magic, name in _MAGIC if head.startswith(magic)), "")
    if found == "bmp" and struct.unpack("<I", head[14:18].ljust(4, b"\0"))[0] not in (
        _BMP_HEADER_SIZES
    ):
        return ""
    return found


def _sniff_brand(head: bytes) -> str:
    """Name an ISO media file by its brands: the major one, or the first compatible one known."""
    length = int.from_bytes(head[:4], "big")
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, min(length, len(head)), 4))]
    if brands[0] in {b"mif1", b"msf1"}:  # any codec: the compatible brands tell
        brands = [*brands[1:], brands[0]]
    return next((_BRANDS[brand] for brand in brands if brand in _BRANDS), "")


def open_bytes(source: Path | bytes) -> BinaryIO:
    """Open a file, or bytes as if they were one."""
    return BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def source_bytes(source: Path | bytes) -> int:
    """Size of a file, or of bytes, in bytes."""
    return len(source) if isinstance(source, bytes) else source.stat().st_size


def extension_fits(name: str, container: str) -> bool | None:
    """Whether a file's name ends as its format does; None where the ending says nothing."""
    ending = "." + name.lower().rsplit(".", 1)[-1] if "." in name else ""
    if not any(ending in endings for endings in EXTENSIONS.values()):
        return None
    return ending in EXTENSIONS[container]


def jpeg_frame(source: Path | bytes) -> tuple[int, int] | None:
    """Read how a JPEG is coded, from its frame header.

    Returns:
        The marker's second byte (0xC0 baseline, 0xC2 progressive...) and the bits per channel;
        None where there is no such header.
    """
    with open_bytes(source) as file:
        file.seek(2)
        while (head := file.read(4))[:1] == b"\xff" and len(head) == 4:
            marker, length = head[1], int.from_bytes(head[2:], "big")
            if marker == 0xFF:  # a fill byte
                file.seek(-3, os.SEEK_CUR)
            elif marker in _FRAME_MARKERS:
                return marker, (file.read(1) or b"\0")[0]
            else:
                file.seek(length - 2, os.SEEK_CUR)
    return None


def is_cut(source: Path | bytes, container: str) -> bool:
    """Whether a file that failed to decode ends before its own structure says it should.

    Of a TIFF only its pages can tell: see `artgan.imaging.tiff.is_cut`.
    """
    ends_early = _ENDS_EARLY.get(container)
    return ends_early is not None and ends_early(source)


def _has_open_box(source: Path | bytes) -> bool:
    """Whether the last of the boxes that an ISO media file is made of lacks its end."""
    size, at = source_bytes(source), 0
    with open_bytes(source) as file:
        while at < size:
            file.seek(at)
            head = file.read(16).ljust(16, b"\0")
            length = int.from_bytes(head[:4], "big")
            if length == 1:  # the length is a long one, behind the name
                length = int.from_bytes(head[8:], "big")
            at = at + length if length >= 8 else size  # 0: the box ends with the file
    return at > size


def _head(source: Path | bytes) -> bytes:
    with open_bytes(source) as file:
        return file.read(HEAD_BYTES)


def _tail(source: Path | bytes, count: int) -> bytes:
    with open_bytes(source) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - count))
        return file.read()


def _length_at(source: Path | bytes, place: int) -> int:
    return int.from_bytes(_head(source)[place : place + 4], "little")


_ENDS_EARLY: dict[str, Callable[[Path | bytes], bool]] = {
    "jpeg": lambda source: b"\xff\xd9" not in _tail(source, 65_536),
    "png": lambda source: b"IEND" not in _tail(source, 65_536),
    "webp": lambda source: source_bytes(source) < 8 + _length_at(source, 4),
    "avif": _has_open_box,
    "gif": lambda source: not _tail(source, 64).rstrip(b"\0").endswith(b";"),
    "bmp": lambda source: source_bytes(source) < _length_at(source, 2),
    "jp2": lambda source: not _tail(source, 64).rstrip(b"\0").endswith(b"\xff\xd9"),
}
