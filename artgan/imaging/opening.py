"""A scan file to an open picture: which decoder reads it, and the refusal where none can.

libvips decodes; it is told which loader to use from the file's content, so that no other loader
(SVG, PDF, ImageMagick...) ever sees a file of ours. What libvips lacks goes to `fallback`.

Importing this module sets two limits of libvips for the process. Its cache of operations goes off,
since it would answer for a file that has since been replaced; and each image is worked on by one
thread, since the parallelism here is of many files side by side.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pyvips

from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.imaging import formats, psd, tiff, tiff_pixels
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
# Bytes of pixels in each byte of a file. Real pictures stay below 100; deflate ends at 1032.
_BOMB_RATIO = 250
_JPEG_BITS = 8
_JPEG_LS = 0xF7
_FALLBACK_FORMATS = {"jp2", "bmp"}
_FORMATS = {*_LOADERS, *_FALLBACK_FORMATS, "psd"}


class RefusedScan(CorruptAssetError):  # noqa: N818 - a judgement on a file, named as one
    """A file that cannot be catalogued as a scan.

    Attributes:
        reason: empty_file, not_an_image, truncated, unsupported, too_large, decompression_bomb,
            decode_failed or blank.
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
        container: Format by content: jpeg, png, tiff, webp, avif, gif, jp2, bmp or psd.
        pages: Directories of a TIFF's pages; empty for other formats, which have one page.
        has_broken_chain: Whether a directory of a TIFF cannot be read.
    """

    source: Path | bytes
    name: str
    container: str
    pages: tuple[tiff.Directory, ...] = ()
    has_broken_chain: bool = False

    @property
    def page_count(self) -> int:
        """Number of pages, each of which is a scan of its own."""
        return max(1, len(self.pages))

    def page(self, number: int) -> "ScanPage":
        """Choose a page.

        Raises:
            InvalidInputError: If the file has no such page.
        """
        if not 1 <= number <= self.page_count:
            raise InvalidInputError(
                f"page must be from 1 to {self.page_count} in {self.name}, got {number}."
            )
        return ScanPage(self, number, self.pages[number - 1] if self.pages else None)


@dataclass(frozen=True)
class ScanPage:
    """One page of a file.

    Attributes:
        file: The file.
        number: Page, from 1.
        directory: Its directory in a TIFF, None in other formats.
    """

    file: ScanFile
    number: int
    directory: tiff.Directory | None

    @property
    def name(self) -> str:
        """Name for sentences: that of the file, with the page if there are several."""
        several = self.file.page_count > 1
        return f"{self.file.name} page {self.number}" if several else self.file.name

    @property
    def compression(self) -> str | None:
        """Compression inside the container, if known."""
        if self.directory is not None:
            return self.directory.compression
        if self.file.container == "webp":
            return _webp_compression(self.file.source)
        if self.file.container == "psd":
            return psd.read_document(self.file.source).compression_name
        return _COMPRESSION.get(self.file.container)

    @property
    def is_cut(self) -> bool:
        """Whether the file ends before the page does."""
        if self.directory is not None:
            return tiff.is_cut(self.file.source, self.directory)
        if self.file.container == "psd":
            return psd.is_cut(self.file.source)
        return formats.is_cut(self.file.source, self.file.container)


def identify(source: Path | bytes, name: str) -> ScanFile:
    """Tell from its first bytes what a file is, and count its pages.

    Raises:
        RefusedScan: If it is empty, no picture, or a picture of a kind that is not read.
    """
    container = _container(source, name)
    if container == "jpeg":
        _check_jpeg(source, name)
    if container != "tiff":
        return ScanFile(source, name, container)
    found = tiff.directories(source)
    pages = tiff.pages(found)
    if not pages or any(tiff.DNG_VERSION in one.tags for one in found):
        raise unsupported(name, "a camera raw file")
    has_broken_chain = any(not one.tags for one in found)
    return ScanFile(source, name, container, tuple(pages), has_broken_chain)


def open_image(page: ScanPage, max_pixels: int) -> pyvips.Image:
    """Open a page with the decoder that its content asks for.

    Returns:
        The picture as stored, not yet turned upright and, where libvips decodes, not yet read.

    Raises:
        RefusedScan: If its header is broken, it has too many pixels, or no decoder reads it.
    """
    try:
        if page.file.container in _FALLBACK_FORMATS:
            return _open_fallback(page, max_pixels)
        if page.file.container == "psd":
            return _open_psd(page, max_pixels)
        if page.directory is not None and page.directory.tags:
            return _open_tiff(page, page.directory, max_pixels)
        return _open_vips(page, max_pixels)
    except (pyvips.Error, *DECODER_ERRORS, *tiff_pixels.DECODER_ERRORS) as error:
        raise broken(page, error) from error


def orientation_of(image: pyvips.Image) -> int:
    """Return the EXIF orientation that a file states, 1 to 8; 1 is upright."""
    found = cast(int, image.get("orientation")) if image.get_typeof("orientation") else UPRIGHT
    return found if found in range(1, 9) else UPRIGHT


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
    if container not in _FORMATS:
        raise unsupported(name, container)
    return container


def unsupported(name: str, what: str) -> RefusedScan:
    """Return the refusal of a picture of a kind that is not read."""
    return RefusedScan(
        "unsupported",
        f"{name} must be TIFF, JPEG, PNG, WebP, AVIF, JPEG 2000, GIF, BMP or PSD, of 1 to 16 bits "
        f"or float, got {what}. Save it as TIFF with LZW or deflate compression.",
    )


def _check_jpeg(source: Path | bytes, name: str) -> None:
    marker, bits = formats.jpeg_frame(source) or (0, _JPEG_BITS)
    if marker == _JPEG_LS:
        raise unsupported(name, "JPEG-LS")
    if bits != _JPEG_BITS:
        raise unsupported(name, f"JPEG of {bits} bits")


def _webp_compression(source: Path | bytes) -> str:
    with formats.open_bytes(source) as file:
        return {b"VP8L": "webp-lossless", b"VP8 ": "webp"}.get(file.read(16)[12:], "webp")


def _open_fallback(page: ScanPage, max_pixels: int) -> pyvips.Image:
    file = page.file
    _check_size(page, fallback_size(file.source, file.container), max_pixels)
    image = fallback_image(file.source, file.container)
    if image is None:
        raise unsupported(page.name, f"{file.container} of this depth")
    return image


def _open_psd(page: ScanPage, max_pixels: int) -> pyvips.Image:
    document = psd.read_document(page.file.source)
    what = psd.oddity(document)
    if what is not None:
        raise unsupported(page.name, what)
    _check_size(page, (document.width, document.height), max_pixels)
    if page.is_cut:
        raise broken(page, ValueError("the pixels end too early"))
    return psd.psd_image(page.file.source, document)


def _open_tiff(page: ScanPage, directory: tiff.Directory, max_pixels: int) -> pyvips.Image:
    what = tiff.oddity(directory)
    if what is not None:
        raise unsupported(page.name, what)
    # libvips walks the whole chain before it reads any page, and gives up where it is broken.
    if not page.file.has_broken_chain and not tiff.is_for_tifffile(directory):
        return _open_vips(page, max_pixels)
    _check_size(page, directory.size, max_pixels)
    if page.is_cut:
        raise broken(page, ValueError("data lie behind the end of the file"))
    return tiff_pixels.tiff_image(page.file.source, directory)


def _open_vips(page: ScanPage, max_pixels: int) -> pyvips.Image:
    image = _load(page, "sequential")
    _check_size(page, (image.width, image.height), max_pixels)
    if orientation_of(image) != UPRIGHT:  # turning needs rows in another order
        image = _load(page, "random")
    if image.format not in BITS:
        raise unsupported(page.name, f"{image.format} pixels")
    return _full_range(image) if page.file.container == "avif" else image


def _full_range(image: pyvips.Image) -> pyvips.Image:
    """Stretch 10 and 12 bits over 16, so that white is white: libvips shifts them to the left."""
    if image.format != "ushort":
        return image
    spare = 16 - int(cast(int, image.get("bits-per-sample")))
    factor = 65_535 / (65_536 - 2**spare)
    stretched = image.linear([factor], [0.5]).cast("ushort")
    return stretched.copy(interpretation=image.interpretation)


def _check_size(page: ScanPage, size: tuple[int, int], max_pixels: int) -> None:
    pixels = size[0] * size[1]
    if pixels <= max_pixels:
        return
    must = f"{page.name} must have at most {max_pixels} pixels, got {size[0]} x {size[1]}"
    stored = formats.source_bytes(page.file.source)
    bits = page.directory.value(tiff.BITS, 1) if page.directory is not None else 8
    if pixels * bits > _BOMB_RATIO * 8 * stored:
        raise RefusedScan(
            "decompression_bomb",
            f"{must} from only {stored} bytes, as no real picture has. Ask where it comes from.",
        )
    raise RefusedScan("too_large", f"{must}. Raise max_pixels if the picture is genuine.")


def _load(page: ScanPage, access: str) -> pyvips.Image:
    # "error" also stops at truncation. "warning" would refuse nothing more that is broken: libtiff
    # and libpng report unknown tags and odd profiles of good files at that level.
    options: dict[str, str | int] = {"access": access, "fail_on": "error"}
    if page.directory is not None:
        options["page"] = page.directory.index
    loader, source = _LOADERS[page.file.container], page.file.source
    if isinstance(source, bytes):
        return pyvips.Operation.call(f"{loader}_buffer", source, **options)
    return pyvips.Operation.call(loader, str(source), **options)


def broken(page: ScanPage, error: Exception) -> RefusedScan:
    """Return the refusal of a page whose data end too early or make no sense."""
    container = page.file.container
    if page.is_cut:
        return RefusedScan(
            "truncated",
            f"{page.name} must be a complete {container} file, got one that ends too early "
            f"({formats.source_bytes(page.file.source)} bytes). Copy the file again.",
        )
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or ["no details"]
    return RefusedScan(
        "decode_failed",
        f"{page.name} must be a readable {container} file, got broken data ({lines[-1]}). "
        "Copy the file again or save the picture anew.",
    )
