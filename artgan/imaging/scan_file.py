"""A file that may be a scan: what it is, its pages, and the refusals of what is none."""

from dataclasses import dataclass
from pathlib import Path

from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.imaging import formats, psd, tiff

_COMPRESSION = {
    "jpeg": "jpeg",
    "png": "deflate",
    "avif": "av1",
    "gif": "lzw",
    "jp2": "jpeg2000",
    "bmp": "none",
}
_JPEG_BITS = 8
_JPEG_LS = 0xF7


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
    if container not in formats.EXTENSIONS:
        raise unsupported(name, container)
    return container


def _check_jpeg(source: Path | bytes, name: str) -> None:
    marker, bits = formats.jpeg_frame(source) or (0, _JPEG_BITS)
    if marker == _JPEG_LS:
        raise unsupported(name, "JPEG-LS")
    if bits != _JPEG_BITS:
        raise unsupported(name, f"JPEG of {bits} bits")


def _webp_compression(source: Path | bytes) -> str:
    with formats.open_bytes(source) as file:
        return {b"VP8L": "webp-lossless", b"VP8 ": "webp"}.get(file.read(16)[12:], "webp")


def unsupported(name: str, what: str) -> RefusedScan:
    """Return the refusal of a picture of a kind that is not read."""
    return RefusedScan(
        "unsupported",
        f"{name} must be TIFF, JPEG, PNG, WebP, AVIF, JPEG 2000, GIF, BMP or PSD, of 1 to 16 bits "
        f"or float, got {what}. Save it as TIFF with LZW or deflate compression.",
    )


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
