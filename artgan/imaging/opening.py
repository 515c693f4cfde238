"""A scan file to an open picture: which decoder reads it, and the refusal where none can.

libvips decodes; it is told which loader to use from the file's content, so that no other loader
(SVG, PDF, ImageMagick...) ever sees a file of ours. What libvips lacks goes to `fallback`.

Importing this module sets two limits of libvips for the process. Its cache of operations goes off,
since it would answer for a file that has since been replaced; and each image is worked on by one
thread, since the parallelism here is of many files side by side.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pyvips

from artgan.errors import CorruptAssetError
from artgan.imaging import formats
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
# Bits per channel of the pixel types that are read.
BITS = {"uchar": 8, "char": 8, "ushort": 16, "short": 16, "float": 32}
UPRIGHT = 1
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
class ScanFile:
    """A file that is known to be a picture, on its way to being decoded.

    Attributes:
        source: Path, or the bytes.
        name: Name for sentences.
        container: Format by content: jpeg, png, tiff, webp, avif, gif, jp2 or bmp.
        compression: Compression inside the container, if known.
        tags: Tags of a TIFF's first page by number, else empty.
    """

    source: Path | bytes
    name: str
    container: str
    compression: str | None
    tags: dict[int, Any]


def identify(source: Path | bytes, name: str) -> ScanFile:
    """Tell from its first bytes what a file is.

    Raises:
        RefusedScan: If it is empty, no picture, or a picture of a kind that is not read.
    """
    container = _container(source, name)
    tags = formats.tiff_tags(source) if container == "tiff" else {}
    if formats.TIFF_DNG_VERSION in tags:
        raise unsupported(name, "a camera raw file (DNG)")
    return ScanFile(source, name, container, _compression(source, container, tags), tags)


def open_image(file: ScanFile, max_pixels: int) -> pyvips.Image:
    """Open a picture with the decoder that its content asks for.

    Returns:
        The picture as stored, not yet turned upright and, where libvips decodes, not yet read.

    Raises:
        RefusedScan: If its header is broken, it has too many pixels, or no decoder reads it.
    """
    is_fallback = file.container in _FALLBACK_FORMATS or (
        file.container == "tiff" and file.compression in _FALLBACK_TIFF
    )
    try:
        return _open_fallback(file, max_pixels) if is_fallback else _open_vips(file, max_pixels)
    except (pyvips.Error, *DECODER_ERRORS) as error:
        raise broken(file.source, file.container, file.name, error) from error


def orientation_of(image: pyvips.Image, tags: dict[int, Any]) -> int:
    """Return the EXIF orientation that a file states, 1 to 8; 1 is upright."""
    # Pillow has turned its pictures already, so only the tag still tells.
    found = formats.tag_values(tags, formats.TIFF_ORIENTATION) or (UPRIGHT,)
    if image.get_typeof("orientation"):
        found = (cast(int, image.get("orientation")),)
    return int(found[0]) if found[0] in range(1, 9) else UPRIGHT


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
        raise unsupported(name, container)
    return container


def unsupported(name: str, what: str) -> RefusedScan:
    """Return the refusal of a picture of a kind that is not read."""
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


def _open_fallback(file: ScanFile, max_pixels: int) -> pyvips.Image:
    _check_size(file.name, fallback_size(file.source, file.container), max_pixels)
    image = fallback_image(file.source, file.container)
    if image is None:
        what = f"{file.container} of this depth with {file.compression} compression"
        raise unsupported(file.name, what)
    return image


def _open_vips(file: ScanFile, max_pixels: int) -> pyvips.Image:
    if file.container == "tiff" and file.compression not in _VIPS_TIFF | {None}:
        raise unsupported(file.name, f"TIFF with {file.compression} compression")
    image = _load(file.source, file.container, "sequential")
    _check_size(file.name, (image.width, image.height), max_pixels)
    if orientation_of(image, file.tags) != UPRIGHT:  # turning needs rows in another order
        image = _load(file.source, file.container, "random")
    if image.format not in BITS:
        raise unsupported(file.name, f"{image.format} pixels")
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


def broken(source: Path | bytes, container: str, name: str, error: Exception) -> RefusedScan:
    """Return the refusal of a file whose data end too early or make no sense."""
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
