"""Scan files to pixels, or a reason why not.

libvips decodes; it is told which loader to use from the file's content, so that no other loader
(SVG, PDF, ImageMagick...) ever sees a file of ours. What libvips lacks goes to `fallback`. Nothing
is accepted on trust: broken data is an error here, never grey rows or a black picture.

Importing this module sets two limits of libvips for the process. Its cache of operations goes off,
since it would answer for a file that has since been replaced; and each image is worked on by one
thread, since the parallelism here is of many files side by side.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyvips

from artgan.errors import CorruptAssetError
from artgan.imaging import formats
from artgan.imaging.colour import embedded_profile, profile_name, to_srgb
from artgan.imaging.fallback import DECODER_ERRORS, fallback_image, fallback_size

pyvips.cache_set_max(0)
pyvips.concurrency_set(1)  # pyright: ignore[reportAttributeAccessIssue] - its stub lacks it

_LOADERS = {
    "jpeg": "jpegload",
    "png": "pngload",
    "tiff": "tiffload",
    "webp": "webpload",
    "avif": "heifload",
    "gif": "gifload",
}
_COMPRESSION = {
    "jpeg": "jpeg",
    "png": "deflate",
    "avif": "av1",
    "gif": "lzw",
    "jp2": "jpeg2000",
    "bmp": "none",
}
_FALLBACK_FORMATS = {"jp2", "bmp"}
_FALLBACK_TIFF = {"zstd", "lzma"}
_VIPS_TIFF = {
    "none",
    "ccitt-rle",
    "ccitt-g3",
    "ccitt-g4",
    "lzw",
    "jpeg",
    "deflate",
    "packbits",
}
_BITS = {"uchar": 8, "char": 8, "ushort": 16, "short": 16, "float": 32}
_UNSTATED_PIXELS_PER_MM = 1.0  # what libvips gives when a file states no resolution
_MM_PER_INCH = 25.4
_UPRIGHT = 1
_MAX_BANDS = 5  # CMYK and alpha
_ALPHA_KINDS = (1, 2)  # values of ExtraSamples in TIFF 6.0: associated and unassociated alpha


class RefusedScan(CorruptAssetError):  # noqa: N818 - a judgement on a file, named as one
    """A file that cannot be catalogued as a scan.

    Attributes:
        reason: empty_file, not_an_image, truncated, unsupported, too_large, decode_failed or
            blank.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


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
    container = _container(source, name)
    tags = formats.tiff_tags(source) if container == "tiff" else {}
    compression = _compression(source, container, tags)
    if formats.TIFF_DNG_VERSION in tags:
        raise _unsupported(name, "a camera raw file (DNG)")
    opened = _Opened(source, name, container, compression, tags)
    if container in _FALLBACK_FORMATS or (container == "tiff" and compression in _FALLBACK_TIFF):
        image = _open_fallback(opened, max_pixels)
    else:
        image = _open_vips(opened, max_pixels)
    return _describe(opened, image)


def _container(source: Path | bytes, name: str) -> str:
    with formats.open_bytes(source) as file:
        head = file.read(formats.HEAD_BYTES)
    if not head:
        raise RefusedScan(
            "empty_file", f"{name} must hold a picture, got zero bytes. Copy the file again."
        )
    container = formats.sniff(head)
    if not container:
        raise RefusedScan(
            "not_an_image",
            f"{name} must be a picture, got bytes that begin with {head[:8]!r}. "
            "Remove the file or deliver the scan in its place.",
        )
    if container not in _LOADERS and container not in _FALLBACK_FORMATS:
        raise _unsupported(name, container)
    return container


def _unsupported(name: str, what: str) -> RefusedScan:
    return RefusedScan(
        "unsupported",
        f"{name} must be TIFF, JPEG, PNG, WebP, AVIF, JPEG 2000, GIF or BMP of 1 to 16 bits or "
        f"float, got {what}. Save it as TIFF with LZW or deflate compression.",
    )


def _compression(source: Path | bytes, container: str, tags: dict[int, Any]) -> str | None:
    if container == "tiff" and tags:
        code = int(tags.get(formats.TIFF_COMPRESSION_TAG, 1))
        return formats.TIFF_COMPRESSION.get(code, str(code))
    if container == "webp":
        with formats.open_bytes(source) as file:
            return {b"VP8L": "webp-lossless", b"VP8 ": "webp"}.get(file.read(16)[12:], "webp")
    return _COMPRESSION.get(container)


@dataclass(frozen=True)
class _Opened:
    """A file whose container is known, on its way to being decoded."""

    source: Path | bytes
    name: str
    container: str
    compression: str | None
    tags: dict[int, Any]


def _open_fallback(file: _Opened, max_pixels: int) -> pyvips.Image:
    try:
        _check_size(file.name, fallback_size(file.source, file.container), max_pixels)
        image = fallback_image(file.source, file.container)
    except DECODER_ERRORS as error:
        raise _broken(file.source, file.container, file.name, error) from error
    if image is None:
        raise _unsupported(
            file.name, f"{file.container} of this depth with {file.compression} compression"
        )
    return image


def _open_vips(file: _Opened, max_pixels: int) -> pyvips.Image:
    if file.container == "tiff" and file.compression not in _VIPS_TIFF | {None}:
        raise _unsupported(file.name, f"TIFF with {file.compression} compression")
    try:
        image = _load(file.source, file.container, "sequential")
        _check_size(file.name, (image.width, image.height), max_pixels)
        if _orientation(image) != _UPRIGHT:  # turning needs rows in another order
            image = _load(file.source, file.container, "random")
    except pyvips.Error as error:
        raise _broken(file.source, file.container, file.name, error) from error
    if image.format not in _BITS:
        raise _unsupported(file.name, f"{image.format} pixels")
    return image


def _check_size(name: str, size: tuple[int, int], max_pixels: int) -> None:
    if size[0] * size[1] > max_pixels:
        raise RefusedScan(
            "too_large",
            f"{name} must have at most {max_pixels} pixels, got {size[0]} x {size[1]}. "
            "Raise max_pixels if the picture is genuine.",
        )


def _load(source: Path | bytes, container: str, access: str) -> pyvips.Image:
    # "error" also stops at truncation. "warning" would refuse nothing more that is broken: libtiff
    # and libpng report unknown tags and odd profiles of good files at that level.
    options = {"access": access, "fail_on": "error"}
    loader = _LOADERS[container]
    if isinstance(source, bytes):
        return pyvips.Operation.call(f"{loader}_buffer", source, **options)
    return pyvips.Operation.call(loader, str(source), **options)


def _broken(source: Path | bytes, container: str, name: str, error: Exception) -> RefusedScan:
    if formats.is_cut(source, container):
        return RefusedScan(
            "truncated",
            f"{name} must be a complete {container} file, got one that ends too early "
            f"({formats.source_bytes(source)} bytes). Copy the file again.",
        )
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or ["no details"]
    return RefusedScan(
        "decode_failed",
        f"{name} must be a readable {container} file, got broken data ({lines[-1]}). "
        "Copy the file again or save the picture anew.",
    )


def _describe(file: _Opened, image: pyvips.Image) -> DecodedScan:
    icc = embedded_profile(image)
    upright = _plain_bands(image.autorot(), file.tags)
    if upright.bands > _MAX_BANDS:
        raise _unsupported(file.name, f"{upright.bands} channels")
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
        orientation=_orientation(image, file.tags),
        image=upright,
        source=file.source,
    )


def _field(image: pyvips.Image, field: str, default: int) -> int:
    return int(cast(int, image.get(field))) if image.get_typeof(field) else default


def _orientation(image: pyvips.Image, tags: dict[int, Any] | None = None) -> int:
    # Pillow has turned its pictures already, so only the tag still tells.
    stated = formats.tag_values(tags or {}, formats.TIFF_ORIENTATION) or (_UPRIGHT,)
    found = _field(image, "orientation", stated[0])
    return found if found in range(1, 9) else _UPRIGHT


def _bit_depth(image: pyvips.Image, tags: dict[int, Any]) -> int:
    bits = formats.tag_values(tags, formats.TIFF_BITS)
    return int(bits[0]) if bits else _field(image, "bits-per-sample", _BITS[str(image.format)])


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
        raise _broken(scan.source, scan.format, scan.name, error) from error
    if scan.format == "tiff" and formats.has_broken_tile(scan.source):
        raise _broken(scan.source, scan.format, scan.name, ValueError("a tile is damaged"))
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
