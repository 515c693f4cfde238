"""TIFF pages that libvips cannot read, and proof that the data of others are whole.

tifffile decodes. It hands out the numbers of the file; what they mean (white is zero, palette,
CIELAB, premultiplied alpha) is applied here, so that a picture looks the same whoever decoded it.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import imagecodecs
import numpy as np
import pyvips
import tifffile

from artgan.imaging import tiff
from artgan.imaging.colour import ICC, lab_from_codes, stretched, with_blob, with_number
from artgan.imaging.formats import open_bytes
from artgan.imaging.tiff import Directory

DECODER_ERRORS = (
    ImportError,  # a codec that imagecodecs was built without
    OSError,
    ValueError,
    RuntimeError,  # the base of all errors of imagecodecs, which tifffile decompresses with
    LookupError,
    TypeError,
    OverflowError,
    struct.error,
)
"""What this decoder raises at broken data."""

_ICC_TAG = 34675
_PALETTE_TAG = 320
_RESOLUTION_TAG = 282
_RESOLUTION_UNIT_TAG = 296
_UNITS_PER_MM = {2: 1 / 25.4, 3: 1 / 10}
_ASSOCIATED = 1
# Codecs that turn YCbCr into RGB themselves.
_OWN_COLOUR = {"jpeg", "webp", "jpegxl"}
# libvips' names of what is stored; CIELAB and ICC LAB differ in the zero of a and b.
_SPACES = {
    tiff.WHITE_IS_ZERO: "b-w",
    tiff.BLACK_IS_ZERO: "b-w",
    tiff.RGB: "srgb",
    tiff.PALETTE: "srgb",
    tiff.SEPARATED: "cmyk",
    tiff.YCBCR: "srgb",
    tiff.CIELAB: "lab",
    tiff.ICCLAB: "lab",
}


@contextmanager
def _opened(source: Path | bytes, page: Directory) -> Iterator[tifffile.TiffPage]:
    with open_bytes(source) as file, tifffile.TiffFile(file) as whole:
        whole.filehandle.seek(page.offset)
        yield tifffile.TiffPage(whole, page.index)


def has_broken_segment(source: Path | bytes, page: Directory) -> bool:
    """Whether a tile or strip is missing, cut off or does not decompress, though libvips read it.

    libvips paints a broken tile black and goes on, whatever it is told about errors; tiles of JPEG
    are the exception, it does report those. In strips it reports what does not decompress, but of
    the checksum behind deflated data it takes no notice.
    """
    is_tiled = bool(page.values(tiff.TILE_OFFSETS))
    if page.compression != "deflate" and not is_tiled:
        return False
    if tiff.is_cut(source, page) or not all(length for _, length in page.segments):
        return True
    if page.compression == "deflate":
        return _has_wrong_checksum(source, page)
    if page.compression in {"none", "jpeg"}:
        return False
    try:
        with _opened(source, page) as opened:
            for _ in opened.segments(maxworkers=1):
                pass
    except DECODER_ERRORS:
        return True
    return False


def _has_wrong_checksum(source: Path | bytes, page: Directory) -> bool:
    with open_bytes(source) as file:
        for start, length in page.segments:
            file.seek(start)
            data = file.read(length)
            try:
                imagecodecs.deflate_decode(data, out=page.segment_bytes)
            except imagecodecs.DeflateError:  # broken, or longer than it should be
                try:
                    zlib.decompress(data)
                except zlib.error:
                    return True
    return False


def tiff_image(source: Path | bytes, page: Directory) -> pyvips.Image:
    """Decode a page in full.

    Args:
        source: Path of the file, or its bytes.
        page: Which of its directories, of which `artgan.imaging.tiff_kinds.oddity` says nothing.

    Returns:
        The picture as stored, with profile and resolution, in 8 or 16 bits or as float; alpha is
        straight, white is high, palettes are looked up.
    """
    space = _SPACES[page.value(tiff.PHOTOMETRIC, tiff.BLACK_IS_ZERO)]
    if not page.segments or not all(length for _, length in page.segments):
        raise ValueError("a strip or tile is missing")
    with _opened(source, page) as opened:
        array = _in_order(opened.asarray(squeeze=False, maxworkers=1))
        image = _image(_as_meant(array, page, opened), space)
        icc = opened.tags.valueof(_ICC_TAG)
        image = _with_resolution(image, opened)
    if page.values(tiff.EXTRA_SAMPLES)[:1] == (_ASSOCIATED,):
        image = _straight(image)
    image = with_number(image, "orientation", page.value(tiff.ORIENTATION, 1))
    return with_blob(image, ICC, icc) if icc else image


def _in_order(array: np.ndarray) -> np.ndarray:
    """Bring (planes, depth, H, W, samples), as tifffile has it, to (H, W, C)."""
    if array.shape[1] != 1:
        raise ValueError("the picture has a depth")
    return np.ascontiguousarray(np.concatenate(list(array[:, 0]), axis=2))


def _as_meant(array: np.ndarray, page: Directory, opened: tifffile.TiffPage) -> np.ndarray:
    """Apply palette, polarity and bit depth: uint8, uint16 or float32."""
    meaning = page.value(tiff.PHOTOMETRIC, tiff.BLACK_IS_ZERO)
    if meaning == tiff.PALETTE:
        palette = np.asarray(opened.tags.valueof(_PALETTE_TAG), np.uint16).reshape(3, -1)
        return (palette >> 8).astype(np.uint8).T[array[:, :, 0]]
    if array.dtype.kind == "f":
        array = array.astype(np.float32)
    else:
        array = stretched(array, page.value(tiff.BITS, 1))
    if meaning == tiff.WHITE_IS_ZERO:
        top = 1 if array.dtype.kind == "f" else np.iinfo(array.dtype).max
        array[:, :, 0] = top - array[:, :, 0]
    if meaning == tiff.YCBCR and page.compression not in _OWN_COLOUR:
        return _rgb_of_ycbcr(array)
    if meaning in (tiff.CIELAB, tiff.ICCLAB) and array.dtype.kind != "f":
        return lab_from_codes(array, is_signed=meaning == tiff.CIELAB)
    return array


def _rgb_of_ycbcr(array: np.ndarray) -> np.ndarray:
    """Convert full-range YCbCr of ITU-R BT.601, the default of TIFF 6.0."""
    top = np.iinfo(array.dtype).max
    luma, blue, red = np.moveaxis(array[:, :, :3].astype(np.float32), 2, 0)
    blue, red = blue - (top + 1) / 2, red - (top + 1) / 2
    green = luma - 0.344136 * blue - 0.714136 * red
    rgb = np.stack([luma + 1.402 * red, green, luma + 1.772 * blue], axis=2)
    rgb = np.clip(np.round(rgb), 0, top).astype(array.dtype)
    return np.concatenate([rgb, array[:, :, 3:]], axis=2)


def _image(array: np.ndarray, space: str) -> pyvips.Image:
    deep = {"b-w": "grey16", "srgb": "rgb16"}
    if array.dtype == np.uint16:
        space = deep.get(space, space)
    if array.dtype == np.float32 and space == "srgb":
        space = "scrgb"
    return pyvips.Image.new_from_array(array).copy(interpretation=space)


def _with_resolution(image: pyvips.Image, opened: tifffile.TiffPage) -> pyvips.Image:
    scale = _UNITS_PER_MM.get(int(opened.tags.valueof(_RESOLUTION_UNIT_TAG, 2)), 0)
    fraction = opened.tags.valueof(_RESOLUTION_TAG, (0, 1))
    per_mm = scale * fraction[0] / max(fraction[1], 1)
    return image.copy(xres=per_mm, yres=per_mm) if per_mm else image


def _straight(image: pyvips.Image) -> pyvips.Image:
    top = {"uchar": 255, "ushort": 65_535}.get(str(image.format), 1)
    straight = image.unpremultiply(max_alpha=top)
    if image.format == "float":
        return straight
    return (straight + 0.5).cast(image.format).copy(interpretation=image.interpretation)
