"""A scan file to an open picture: which decoder reads it.

libvips decodes; it is told which loader to use from the file's content, so that no other loader
(SVG, PDF, ImageMagick...) ever sees a file of ours. What libvips lacks goes to `fallback`.

Importing this module sets limits for the process. libvips keeps the loaders of `_LOADERS` and
refuses all others, also where nobody named one: other builds bring SVG, PDF and ImageMagick. The
cache of operations of libvips goes off,
since it would answer for a file that has since been replaced; and each image is worked on by one
thread, in libvips and in OpenCV, since the parallelism here is of many files side by side.
"""

from collections.abc import Mapping
from typing import cast

import cv2
import pyvips

from artgan.imaging import formats, psd, tiff, tiff_kinds, tiff_pixels
from artgan.imaging.fallback import DECODER_ERRORS, fallback_image, fallback_size
from artgan.imaging.scan_file import RefusedScan, ScanPage, broken, unsupported

cv2.setNumThreads(1)
pyvips.cache_set_max(0)
pyvips.concurrency_set(1)  # pyright: ignore[reportAttributeAccessIssue] - its stub lacks it

_OWN = "Raw"  # files of ours: it takes none for its own, so it reads only where it is named
# A list of what is allowed: libvips' own list of what is untrusted leaves matrices of numbers out.
pyvips.operation_block_set("VipsForeignLoad", True)  # noqa: FBT003 - its own signature
for _kind in (*("Jpeg", "Png", "Tiff", "Webp", "Heif", "Nsgif"), _OWN):
    pyvips.operation_block_set(f"VipsForeignLoad{_kind}", False)  # noqa: FBT003

_LOADERS = {
    "jpeg": "jpegload",
    "png": "pngload",
    "tiff": "tiffload",
    "webp": "webpload",
    "avif": "heifload",
    "gif": "gifload",
}
# Bits per channel of the pixel types that are read.
BITS = {"uchar": 8, "char": 8, "ushort": 16, "short": 16, "float": 32}
UPRIGHT = 1
# Bytes of pixels in each byte of a file. Real pictures stay below 100; deflate ends at 1032.
_BOMB_RATIO = 250
_FALLBACK_FORMATS = {"jp2", "bmp"}


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
    what = tiff_kinds.oddity(directory)
    if what is not None:
        raise unsupported(page.name, what)
    # libvips walks the whole chain before it reads any page, and gives up where it is broken.
    if not page.file.has_broken_chain and not tiff_kinds.is_for_tifffile(directory):
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


def open_jpeg(page: ScanPage, shrink: int) -> pyvips.Image:
    """Open a JPEG, not turned upright, decoded at 1/1, 1/2, 1/4 or 1/8 of its size."""
    return _load(page, "sequential", {"shrink": shrink})


def _load(page: ScanPage, access: str, more: Mapping[str, str | int] | None = None) -> pyvips.Image:
    # "error" also stops at truncation. "warning" would refuse nothing more that is broken: libtiff
    # and libpng report unknown tags and odd profiles of good files at that level.
    options: dict[str, str | int] = {"access": access, "fail_on": "error", **(more or {})}
    if page.directory is not None:
        options["page"] = page.directory.index
    loader, source = _LOADERS[page.file.container], page.file.source
    if isinstance(source, bytes):
        return pyvips.Operation.call(f"{loader}_buffer", source, **options)
    return pyvips.Operation.call(loader, str(source), **options)
