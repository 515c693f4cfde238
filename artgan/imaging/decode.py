"""Scan files to pixels and facts, or a reason why not.

Nothing is accepted on trust: broken data is an error here, never grey rows or a black picture.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyvips

from artgan.imaging import formats
from artgan.imaging.colour import embedded_profile, profile_name, to_srgb
from artgan.imaging.opening import (
    BITS,
    RefusedScan,
    ScanFile,
    broken,
    identify,
    open_image,
    orientation_of,
    unsupported,
)

_UNSTATED_PIXELS_PER_MM = 1.0  # what libvips gives when a file states no resolution
_MM_PER_INCH = 25.4
_MAX_BANDS = 5  # CMYK and alpha
_ALPHA_KINDS = (1, 2)  # values of ExtraSamples in TIFF 6.0: associated and unassociated alpha


@dataclass(frozen=True)
class DecodedScan:
    """What a file is, and its first page, opened but not yet read through.

    Attributes:
        name: Name for sentences.
        format: Container by content: jpeg, png, tiff, webp, avif, gif, jp2 or bmp.
        compression: Compression inside the container, if known.
        width_px: Width of the upright picture.
        height_px: Height of the upright picture.
        channels: Channels as stored, alpha and others included; a palette counts as its colours.
        bit_depth: Bits per channel as stored.
        pages: Pages in the file, reduced copies of a pyramid included.
        colour_space: Interpretation as stored, in the words of libvips: srgb, b-w, cmyk, lab...
        icc: Embedded profile.
        icc_name: Its description.
        icc_sha256: Its sha256.
        dpi: Pixels per inch, horizontally; None where the file states none.
        orientation: EXIF orientation found, 1 to 8; the picture is turned upright already.
        image: The picture in the values of the file: 1 to 5 bands, upright, alpha straight.
            Channels that are neither colour nor alpha are left out. Read it with `render`.
        source: Where it was read from.
    """

    name: str
    format: str
    compression: str | None
    width_px: int
    height_px: int
    channels: int
    bit_depth: int
    pages: int
    colour_space: str
    icc: bytes | None
    icc_name: str | None
    icc_sha256: str | None
    dpi: float | None
    orientation: int
    image: pyvips.Image
    source: Path | bytes


@dataclass(frozen=True)
class SourceEncoding:
    """What a file that is made from a scan takes over from it.

    Attributes:
        format: Container of the scan.
        bit_depth: 8 or 16, of the array that comes with it.
        channels: 1 grey, 2 grey and alpha, 3 RGB or 4 RGBA.
        icc: Profile of the pixels; None is sRGB.
        dpi: Pixels per inch, None where not stated.
        converted: Whether the pixels were brought to sRGB because the scan is CMYK, LAB or float.
    """

    format: str
    bit_depth: int
    channels: int
    icc: bytes | None = None
    dpi: float | None = None
    converted: bool = False


def decode(source: Path | bytes, max_pixels: int, *, name: str | None = None) -> DecodedScan:
    """Open a scan and read what it is; the pixels are read later, once, by `render`.

    Args:
        source: Path of the file, or its bytes.
        max_pixels: Pictures with more pixels are refused before any is read.
        name: Name for sentences; the file's name by default.

    Returns:
        Facts and the picture of the first page.

    Raises:
        RefusedScan: If the file is empty, no picture, of an unsupported kind, cut or too large.
    """
    name = name or (source.name if isinstance(source, Path) else "image")
    file = identify(source, name)
    return _describe(file, open_image(file, max_pixels))


def _describe(file: ScanFile, image: pyvips.Image) -> DecodedScan:
    icc = embedded_profile(image)
    upright = _plain_bands(image.autorot(), file.tags)
    if upright.bands > _MAX_BANDS:
        raise unsupported(file.name, f"{upright.bands} channels")
    return DecodedScan(
        name=file.name,
        format=file.container,
        compression=file.compression,
        width_px=upright.width,
        height_px=upright.height,
        channels=image.bands,
        bit_depth=_bit_depth(image, file.tags),
        pages=_field(image, "n-pages", 1),
        colour_space=str(image.interpretation),
        icc=icc,
        icc_name=profile_name(icc) if icc else None,
        icc_sha256=hashlib.sha256(icc).hexdigest() if icc else None,
        dpi=_dpi(image),
        orientation=orientation_of(image, file.tags),
        image=upright,
        source=file.source,
    )


def _field(image: pyvips.Image, field: str, default: int) -> int:
    return int(cast(int, image.get(field))) if image.get_typeof(field) else default


def _bit_depth(image: pyvips.Image, tags: dict[int, Any]) -> int:
    bits = formats.tag_values(tags, formats.TIFF_BITS)
    return int(bits[0]) if bits else _field(image, "bits-per-sample", BITS[str(image.format)])


def _dpi(image: pyvips.Image) -> float | None:
    if image.xres in (0.0, _UNSTATED_PIXELS_PER_MM):
        return None
    return round(image.xres * _MM_PER_INCH, 3)


def _plain_bands(image: pyvips.Image, tags: dict[int, Any]) -> pyvips.Image:
    """Leave colour and alpha: channels that a TIFF does not specify are neither.

    Associated alpha needs no care: libvips makes it straight as it loads.
    """
    kinds = formats.tag_values(tags, formats.TIFF_EXTRA_SAMPLES)
    colours = image.bands - len(kinds)
    if not kinds or colours < 1:
        return image
    return image[0 : colours + int(kinds[0] in _ALPHA_KINDS)]


def render(scan: DecodedScan, image: pyvips.Image | None = None) -> np.ndarray:
    """Read every pixel of a scan, in one pass, and with it prove that the file is whole.

    Args:
        scan: What `decode` returned.
        image: Something computed from ``scan.image``; itself by default.

    Returns:
        (H, W, C) in the type of the image.

    Raises:
        RefusedScan: If the data end too early or cannot be decoded.
    """
    image = scan.image if image is None else image
    try:
        array = image.numpy()
    except pyvips.Error as error:
        raise broken(scan.source, scan.format, scan.name, error) from error
    if scan.format == "tiff" and formats.has_broken_tile(scan.source):
        raise broken(scan.source, scan.format, scan.name, ValueError("a tile is damaged"))
    return array.reshape(image.height, image.width, image.bands)


def check_not_blank(name: str, array: np.ndarray) -> None:
    """Refuse a picture of one single colour: no painting, but what failed decoders leave.

    Args:
        name: Name for the sentence.
        array: (H, W, C).

    Raises:
        RefusedScan: With reason ``blank``.
    """
    first = array[0, 0]
    coarse = array[:: max(1, array.shape[0] // 64), :: max(1, array.shape[1] // 64)]
    if (coarse != first).any() or (array != first).any():
        return
    raise RefusedScan(
        "blank",
        f"{name} must show a picture, got one single colour {tuple(int(v) for v in first)}. "
        "Check the master file; an unreadable codec looks like this too.",
    )


def scan_array(
    source: Path | bytes, max_pixels: int = 1_000_000_000
) -> tuple[np.ndarray, SourceEncoding]:
    """Read a scan's own pixels, for products that must keep all of them.

    Grey and RGB come in the values of the file, 8 or 16 bit, with straight alpha if there is any;
    bilevel and palette pictures come as the 8-bit values they stand for. CMYK, LAB and float
    pictures are converted to 8-bit sRGB, since no network or writer here works in those spaces;
    `SourceEncoding.converted` says so.

    Args:
        source: Path of the file, or its bytes.
        max_pixels: Largest picture to read.

    Returns:
        (H, W, C) uint8 or uint16, upright, C from 1 to 4; and what an output takes over.

    Raises:
        RefusedScan: If the file cannot be decoded whole.
    """
    scan = decode(source, max_pixels)
    image = scan.image
    converted = image.interpretation == "cmyk" or image.format not in ("uchar", "ushort")
    if converted:
        image = to_srgb(image)
    array = render(scan, image)
    check_not_blank(scan.name, array)
    encoding = SourceEncoding(
        format=scan.format,
        bit_depth=8 * array.dtype.itemsize,
        channels=array.shape[2],
        icc=None if converted else scan.icc,
        dpi=scan.dpi,
        converted=converted,
    )
    return array, encoding
