"""Photoshop documents: the flattened picture that is stored behind the layers.

Written from Adobe's "Photoshop File Formats Specification". Pillow reads 8 bits only. Channels
beyond the colours are left out: saved selections are no picture, and where the flattened picture
is transparent Photoshop has already blended it with white, as access copies are.
"""

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import imagecodecs
import numpy as np
import pyvips

from artgan.imaging.colour import ICC, lab_from_codes, with_blob, with_number
from artgan.imaging.formats import open_bytes, source_bytes

_BITMAP, _GREY, _INDEXED, _RGB, _CMYK, _LAB = 0, 1, 2, 3, 4, 9
_COLOURS = {_BITMAP: 1, _GREY: 1, _INDEXED: 1, _RGB: 3, _CMYK: 4, _LAB: 3}
_SPACES = {1: "b-w", 3: "srgb", 4: "cmyk"}
_DEEP = {1: "grey16", 3: "rgb16", 4: "cmyk"}
_ICC_RESOURCE = 1039
_RESOLUTION_RESOURCE = 1005
_VERSION_RESOURCE = 1057
_HAS_COMPOSITE_AT = 4  # byte of the version resource
_MM_PER_INCH = 25.4
_RAW, _RUNS = 0, 1
_COMPRESSIONS = {0: "none", 1: "packbits", 2: "deflate", 3: "deflate"}


@dataclass(frozen=True)
class Document:
    """What the header and the resources of a document say.

    Attributes:
        is_big: Whether it is a PSB, with longer numbers.
        channels: Channels of the flattened picture.
        width: In pixels.
        height: In pixels.
        bits: Bits per channel: 1, 8, 16 or 32 (float).
        mode: Colour mode of the specification.
        palette: 768 bytes of an indexed picture.
        icc: Profile.
        pixels_per_mm: Horizontal resolution; 0 where it is not stated.
        has_composite: Whether the flattened picture is there.
        compression: Number of the specification.
        data_at: Where the pixels begin in the file.
    """

    is_big: bool
    channels: int
    width: int
    height: int
    bits: int
    mode: int
    palette: bytes
    icc: bytes | None
    pixels_per_mm: float
    has_composite: bool
    compression: int
    data_at: int

    @property
    def compression_name(self) -> str:
        """Compression in words."""
        return _COMPRESSIONS.get(self.compression, str(self.compression))

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of one channel."""
        return (self.width * self.bits + 7) // 8


_MOST_CHANNELS, _MOST_SIDE_PX = 56, 300_000  # Adobe Photoshop File Formats Specification, 2019


def read_document(source: Path | bytes) -> Document:
    """Read header and resources.

    Raises:
        struct.error: If the file ends within them.
        ValueError: If it is a version that does not exist.
    """
    with open_bytes(source) as file:
        version, channels, height, width, bits, mode = _unpack(file, ">4xH6xHIIHH")
        if version not in (1, 2):
            raise ValueError(f"there is no version {version}")
        if channels > _MOST_CHANNELS or max(width, height) > _MOST_SIDE_PX:
            raise ValueError("it is larger than any document")
        is_big = version == 2
        palette = _block(file)
        resources = _resources(_block(file))
        (layers,) = _unpack(file, ">Q" if is_big else ">I")
        data_at = file.tell() + layers + 2
        file.seek(data_at - 2)
        (compression,) = _unpack(file, ">H")
    resolution = resources.get(_RESOLUTION_RESOURCE, bytes(4))
    return Document(
        is_big=is_big,
        channels=channels,
        width=width,
        height=height,
        bits=bits,
        mode=mode,
        palette=palette,
        icc=resources.get(_ICC_RESOURCE),
        pixels_per_mm=struct.unpack(">I", resolution[:4])[0] / 65_536 / _MM_PER_INCH,
        has_composite=resources.get(_VERSION_RESOURCE, b"")[_HAS_COMPOSITE_AT:][:1] != b"\0",
        compression=compression,
        data_at=data_at,
    )


def _unpack(file: BinaryIO, form: str) -> tuple:
    return struct.unpack(form, file.read(struct.calcsize(form)))


def _block(file: BinaryIO) -> bytes:
    (length,) = _unpack(file, ">I")
    return _read(file, length)


def _read(file: BinaryIO, length: int) -> bytes:
    """Read so many bytes, without asking for memory that no file fills."""
    here = file.tell()
    if length > file.seek(0, os.SEEK_END) - here:
        raise struct.error("the file ends before")
    file.seek(here)
    return file.read(length)


def _resources(block: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while block[at : at + 4] == b"8BIM":
        (number,) = struct.unpack_from(">H", block, at + 4)
        at += 6 + (block[at + 6] + 2) // 2 * 2  # a name: length, letters, an even number of bytes
        (length,) = struct.unpack_from(">I", block, at)
        found[number] = block[at + 4 : at + 4 + length]
        at += 4 + (length + 1) // 2 * 2
    return found


def oddity(document: Document) -> str | None:
    """Say in a few words why a document is not read; None if it is."""
    odd = {
        "PSD saved without its flattened picture": not document.has_composite,
        f"PSD of colour mode {document.mode}": document.mode not in _COLOURS,
        f"PSD of {document.bits} bits": document.bits not in (1, 8, 16, 32),
        "PSD of CMYK or LAB in float": document.bits == 32 and document.mode in (_CMYK, _LAB),
        f"PSD of compression {document.compression}": document.compression not in (_RAW, _RUNS),
    }
    return next((what for what, is_so in odd.items() if is_so), None)


def is_cut(source: Path | bytes) -> bool:
    """Whether a document ends before its pixels do."""
    try:
        document = read_document(source)
        with open_bytes(source) as file:
            file.seek(document.data_at)
            needed = sum(_row_lengths(file, document))
            return file.tell() + needed > source_bytes(source)
    except struct.error:
        return True
    except ValueError:  # another document than this
        return False


def _row_lengths(file: BinaryIO, document: Document) -> list[int]:
    """Stored length of each row of each channel, and leave the file where the first begins."""
    rows = document.channels * document.height
    if document.compression == _RAW:
        return [document.row_bytes] * rows
    form = f">{rows}{'I' if document.is_big else 'H'}"
    return list(struct.unpack(form, _read(file, struct.calcsize(form))))


def psd_image(source: Path | bytes, document: Document) -> pyvips.Image:
    """Decode the flattened picture: straight values of 8 or 16 bits, or float; LAB as float."""
    colours = _COLOURS[document.mode]
    with open_bytes(source) as file:
        file.seek(document.data_at)
        lengths = _row_lengths(file, document)[: colours * document.height]
        if len(lengths) < colours * document.height:
            raise ValueError("the picture has too few channels")
        planes = [
            _plane(file, document, sum(lengths[start : start + document.height]))
            for start in range(0, len(lengths), document.height)
        ]
    image = _image(np.stack(planes, axis=2), document)
    image = with_number(image, "bits-per-sample", document.bits)
    per_mm = document.pixels_per_mm
    image = image.copy(xres=per_mm, yres=per_mm) if per_mm else image
    return with_blob(image, ICC, document.icc) if document.icc else image


def _plane(file: BinaryIO, document: Document, length: int) -> np.ndarray:
    data = file.read(length)
    if document.compression == _RUNS:
        data = imagecodecs.packbits_decode(data)
    rows = np.frombuffer(data, np.uint8).reshape(document.height, document.row_bytes)
    match document.bits:
        case 1:
            return np.unpackbits(rows, axis=1)[:, : document.width]
        case 16:
            return rows.view(">u2").astype(np.uint16)
        case 32:
            return rows.view(">f4").astype(np.float32)
    return rows


def _image(array: np.ndarray, document: Document) -> pyvips.Image:
    if document.mode == _INDEXED:
        palette = np.frombuffer(document.palette[:768], np.uint8).reshape(3, 256)
        array = palette.T[array[:, :, 0]]
    if document.mode == _BITMAP:  # ones are black
        array = np.where(array == 0, 255, 0).astype(np.uint8)
    if document.mode == _CMYK:  # no ink is the highest number
        array = np.iinfo(array.dtype).max - array
    if document.mode == _LAB:
        array = lab_from_codes(array, is_signed=False)
        return pyvips.Image.new_from_array(array).copy(interpretation="lab")
    space = (_DEEP if document.bits == 16 else _SPACES)[array.shape[2]]
    if document.bits == 32 and space == "srgb":
        space = "scrgb"
    return pyvips.Image.new_from_array(np.ascontiguousarray(array)).copy(interpretation=space)
