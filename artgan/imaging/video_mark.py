"""The mark in a film: its XMP packet, in a box of its own at the end of an MP4 or QuickTime file.

References:
    ISO 16684-1 and Adobe, "XMP Specification Part 3", section 2.2.4 (MPEG-4: a box of the type
    uuid at the top level); ISO/IEC 14496-12, section 4.2 (boxes)
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal
from xml.etree import ElementTree

from artgan.errors import CorruptAssetError
from artgan.imaging.formats import HEAD_BYTES, sniff
from artgan.provenance import MAX_PACKET_BYTES, read_packet

FilmFormat = Literal["mp4", "quicktime"]

_XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_HEAD, _MOST_BOXES = 8, 100_000


def film_format(path: Path) -> FilmFormat | None:
    """Say which kind of film a file is, by its first box; None if it is no MP4 or QuickTime.

    Pictures in such boxes (AVIF, HEIC, CR3) are no films.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head[4:8] != b"ftyp" or sniff(head):
        return None
    return "quicktime" if head[8:12] == b"qt  " else "mp4"


def mark_film(path: Path, xmp: bytes) -> None:
    """Append a packet to a film that is finished.

    Args:
        path: MP4 or QuickTime file without a packet.
        xmp: The packet.
    """
    with path.open("ab") as file:
        file.write(struct.pack(">I4s", _HEAD + len(_XMP_BOX) + len(xmp), b"uuid") + _XMP_BOX + xmp)


def read_film_mark(path: Path) -> dict[str, str]:
    """Read what `mark_film` wrote, as `artgan.provenance.read_xmp` does of pictures.

    Returns:
        ``digital_source_type`` and the fields of `Provenance` that are there; empty for a file
        without a packet, and for one that is no MP4 or QuickTime.

    Raises:
        CorruptAssetError: Its packet is no XML.
    """
    with path.open("rb") as file:
        packet = next(_packets(file), None)
    try:
        return {} if packet is None else read_packet(packet)
    except ElementTree.ParseError as error:
        raise CorruptAssetError(f"{path.name} must hold sound XMP, got {str(error)!r}.") from error


def _packets(file: BinaryIO) -> Iterator[bytes]:
    """Yield the XMP packets at the top level; every box says how long it is."""
    end = file.seek(0, 2)
    at = 0
    for _ in range(_MOST_BOXES):
        file.seek(at)
        head = file.read(_HEAD)
        if len(head) < _HEAD:
            return
        size, kind = struct.unpack(">I4s", head)
        inside = at + _HEAD
        if size == 1:
            size, inside = int.from_bytes(file.read(8), "big"), inside + 8
        if size == 0:
            size = end - at
        if size < inside - at or at + size > end:
            return  # no such file, or one that was cut off
        length = at + size - inside - len(_XMP_BOX)
        file.seek(inside)
        if kind == b"uuid" and 0 <= length <= MAX_PACKET_BYTES:
            content = file.read(len(_XMP_BOX) + length)
            if content.startswith(_XMP_BOX):
                yield content[len(_XMP_BOX) :]
        at += size
