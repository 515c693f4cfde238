"""Scan files to pixels and facts, or a reason why not.

Nothing is accepted on trust: broken data is an error here, never grey rows or a black picture.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pyvips

from artgan.imaging import tiff
from artgan.imaging.colour import embedded_profile, profile_name, to_srgb
from artgan.imaging.opening import BITS, UPRIGHT, open_image, orientation_of
from artgan.imaging.scan_file import (
    RefusedScan,
    ScanFile,
    ScanPage,
    broken,
    identify,
    unsupported,
)
from artgan.imaging.tiff_pixels import has_broken_segment

_UNSTATED_PIXELS_PER_MM = 1.0  # what libvips gives when a file states no resolution
_GIVEN_DPI = 72
_MM_PER_INCH = 25.4
_SIDEWAYS = range(5, 9)  # EXIF orientations that swap width and height
_MAX_BANDS = 5  # CMYK and alpha
_ALPHA_KINDS = (1, 2)  # values of ExtraSamples in TIFF 6.0: associated and unassociated alpha


@dataclass(frozen=True)
class DecodedScan:
    """What a page of a file is, opened but not yet read through.

    Attributes:
        page: Where it was read from.
        format: Container by content: jpeg, png, tiff, webp, avif, gif, jp2, bmp or psd.
        compression: Compression inside the container, if known.
        width_px: Width of the upright picture.
        height_px: Height of the upright picture.
        channels: Channels as stored, alpha and others included; a palette counts as its colours.
        bit_depth: Bits per channel as stored.
        pages: Pages of a TIFF, without reduced copies and masks; frames of an animation, of which
            only the first is read.
        colour_space: Interpretation as stored, in the words of libvips: srgb, b-w, cmyk, lab...
        icc: Embedded profile.
        icc_name: Its description.
        icc_sha256: Its sha256.
        dpi: Pixels per inch of the upright picture, horizontally; None where none are stated.
        dpi_vertical: Likewise, vertically.
        orientation: EXIF orientation found, 1 to 8; the picture is turned upright already.
        image: The picture in the values of the file: 1 to 5 bands, upright, alpha straight.
            Channels that are neither colour nor alpha are left out. Read it with `render`.
    """

    page: ScanPage
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
    dpi_vertical: float | None
    orientation: int
    image: pyvips.Image

    @property
    def name(self) -> str:
        """Name for sentences."""
        return self.page.name


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


def decode(
    source: Path | bytes, max_pixels: int, *, name: str | None = None, page: int = 1
) -> DecodedScan:
    """Open a scan and read what it is; the pixels are read later, once, by `render`.

    Args:
        source: Path of the file, or its bytes.
        max_pixels: Pictures with more pixels are refused before any is read.
        name: Name for sentences; the file's name by default.
        page: Page of a TIFF, from 1, reduced copies not counted; 1 for other formats.

    Returns:
        Facts and the picture of the page.

    Raises:
        InvalidInputError: If there is no such page.
        RefusedScan: If the file is empty, no picture, of an unsupported kind, cut or too large.
    """
    name = name or (source.name if isinstance(source, Path) else "image")
    return decode_page(identify(source, name), max_pixels, page)


def decode_page(file: ScanFile, max_pixels: int, page: int) -> DecodedScan:
    """Open a page of a file that is identified already; see `decode`."""
    chosen = file.page(page)
    return _describe(chosen, open_image(chosen, max_pixels))


def _describe(page: ScanPage, image: pyvips.Image) -> DecodedScan:
    icc = embedded_profile(image)
    orientation = orientation_of(image)
    dpi = _dpi(image, image.xres), _dpi(image, image.yres)
    upright = image if orientation == UPRIGHT else image.autorot()
    upright = _plain_bands(upright, page.directory)
    if upright.bands > _MAX_BANDS:
        raise unsupported(page.name, f"{upright.bands} channels")
    return DecodedScan(
        page=page,
        format=page.file.container,
        compression=page.compression,
        width_px=upright.width,
        height_px=upright.height,
        channels=image.bands,
        bit_depth=_bit_depth(image, page.directory),
        pages=len(page.file.pages) or directory_count(image),
        colour_space=str(image.interpretation),
        icc=icc,
        icc_name=profile_name(icc) if icc else None,
        icc_sha256=hashlib.sha256(icc).hexdigest() if icc else None,
        dpi=dpi[int(orientation in _SIDEWAYS)],
        dpi_vertical=dpi[int(orientation not in _SIDEWAYS)],
        orientation=orientation,
        image=upright,
    )


def directory_count(image: pyvips.Image) -> int:
    """Count what libvips calls pages: directories of a TIFF, levels of a pyramid, frames."""
    return _field(image, "n-pages", 1)


def _field(image: pyvips.Image, field: str, default: int) -> int:
    return int(cast(int, image.get(field))) if image.get_typeof(field) else default


def _bit_depth(image: pyvips.Image, directory: tiff.Directory | None) -> int:
    depth = _field(image, "bits-per-sample", BITS[str(image.format)])
    return directory.value(tiff.BITS, 1) if directory is not None else depth


def _dpi(image: pyvips.Image, pixels_per_mm: float) -> float | None:
    dpi = round(pixels_per_mm * _MM_PER_INCH, 3)
    if pixels_per_mm in (0.0, _UNSTATED_PIXELS_PER_MM):
        return None
    # To a JPEG or PNG that states nothing libvips gives 72 without a unit; a PNG that states 72
    # looks the same, and says no more.
    is_given = image.get_typeof("resolution-unit") == 0 and round(dpi) == _GIVEN_DPI
    return None if is_given else dpi


def _plain_bands(image: pyvips.Image, directory: tiff.Directory | None) -> pyvips.Image:
    """Leave colour and alpha: channels that a TIFF does not specify are neither.

    Associated alpha needs no care: the decoders make it straight as they load.
    """
    kinds = directory.values(tiff.EXTRA_SAMPLES) if directory is not None else ()
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
        raise broken(scan.page, error) from error
    check_tiles(scan)
    return array.reshape(image.height, image.width, image.bands)


def check_tiles(scan: DecodedScan) -> None:
    """Refuse a TIFF with a damaged strip or tile, which reading the picture does not tell.

    Raises:
        RefusedScan: If one is damaged.
    """
    directory = scan.page.directory
    if directory is not None and has_broken_segment(scan.page.file.source, directory):
        raise broken(scan.page, ValueError("a strip or tile is damaged"))


def check_not_blank(name: str, array: np.ndarray) -> None:
    """Refuse a picture of one single colour: no painting, but what failed decoders leave.

    Args:
        name: Name for the sentence.
        array: (H, W, C).

    Raises:
        RefusedScan: With reason ``blank``.
    """
    if is_one_colour(array):
        raise blank(name, array[0, 0])


def is_one_colour(array: np.ndarray) -> bool:
    """Whether all pixels (H, W, C) are the same."""
    first = array[0, 0]
    coarse = array[:: max(1, array.shape[0] // 8), :: max(1, array.shape[1] // 8)]
    return not ((coarse != first).any() or (array != first).any())


def blank(name: str, colour: np.ndarray) -> RefusedScan:
    """Return the refusal of a picture of one single colour."""
    return RefusedScan(
        "blank",
        f"{name} must show a picture, got one single colour {tuple(int(v) for v in colour)}. "
        "Check the master file; an unreadable codec looks like this too.",
    )


def own_pixels(scan: DecodedScan) -> tuple[pyvips.Image, SourceEncoding]:
    """Return a scan's own pixels, still to be read, for products that must keep all of them.

    Grey and RGB come in the values of the file, 8 or 16 bit, with straight alpha if there is any;
    bilevel and palette pictures come as the 8-bit values they stand for. CMYK, LAB and float
    pictures are converted to 8-bit sRGB, since no network or writer here works in those spaces;
    `SourceEncoding.converted` says so.

    Returns:
        The picture, upright, 8 or 16 bit; and what an output takes over.
    """
    image = scan.image
    converted = image.interpretation == "cmyk" or image.format not in ("uchar", "ushort")
    if converted:
        image = to_srgb(image)
    encoding = SourceEncoding(
        format=scan.format,
        bit_depth=BITS[str(image.format)],
        channels=image.bands,
        icc=None if converted else scan.icc,
        dpi=scan.dpi,
        converted=converted,
    )
    return image, encoding


def scan_array(
    source: Path | bytes, max_pixels: int = 1_000_000_000, page: int = 1
) -> tuple[np.ndarray, SourceEncoding]:
    """Read a scan's own pixels into memory; see `own_pixels`.

    Args:
        source: Path of the file, or its bytes.
        max_pixels: Largest picture to read.
        page: Page of a TIFF, from 1.

    Returns:
        (H, W, C) uint8 or uint16, upright, C from 1 to 4; and what an output takes over.

    Raises:
        RefusedScan: If the file cannot be decoded whole.
    """
    scan = decode(source, max_pixels, page=page)
    image, encoding = own_pixels(scan)
    array = render(scan, image)
    check_not_blank(scan.name, array)
    return array, encoding
