"""Kinds of TIFF: which decoder reads a page rightly, and what none does."""

from artgan.imaging.tiff import (
    BITS,
    BLACK_IS_ZERO,
    CIELAB,
    ICCLAB,
    INK_SET,
    PALETTE,
    PHOTOMETRIC,
    PLANAR,
    RGB,
    SAMPLE_FORMAT,
    SAMPLES,
    SEPARATED,
    SUBSAMPLING,
    TILE_OFFSETS,
    WHITE_IS_ZERO,
    YCBCR,
    Directory,
)

UNSIGNED = 1  # values of SAMPLE_FORMAT
FLOAT = 3
_VOID = 4  # not stated: taken as unsigned
_PLANES = 2  # value of PLANAR: one plane for each channel
_CMYK_INKS = 1

_RAW = {32803, 34892}  # colour filter array, linear raw
_KNOWN = {WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, SEPARATED, YCBCR, CIELAB, ICCLAB}
_VIPS_COMPRESSION = {
    "none",
    "ccitt-rle",
    "ccitt-g3",
    "ccitt-g4",
    "lzw",
    "jpeg",
    "deflate",
    "packbits",
}
_TIFFFILE_COMPRESSION = {"zstd", "lzma", "jpeg2000", "webp", "jpegxl", "lerc"}


def oddity(page: Directory) -> str | None:
    """Say in a few words what no decoder here reads rightly about a page; None if all is well.

    Decoders hand out numbers for most of these, and the picture would be wrong without a word.
    """
    meaning = page.value(PHOTOMETRIC, BLACK_IS_ZERO)
    kinds, bits = page.values(SAMPLE_FORMAT) or (UNSIGNED,), page.values(BITS) or (1,)
    odd = {
        f"TIFF with {page.compression} compression": page.compression
        not in _VIPS_COMPRESSION | _TIFFFILE_COMPRESSION,
        "a camera raw picture": meaning in _RAW,
        f"TIFF with photometric interpretation {meaning}": meaning not in _KNOWN,
        f"TIFF with channels of {bits} bits": len(set(bits)) > 1,
        "TIFF with signed, complex or mixed numbers": kinds[0] not in (UNSIGNED, FLOAT, _VOID)
        or len(set(kinds)) > 1,
        f"TIFF with whole numbers of {bits[0]} bits": kinds[0] != FLOAT and bits[0] > 16,
        "TIFF with inks other than CMYK": meaning == SEPARATED
        and page.value(INK_SET, _CMYK_INKS) != _CMYK_INKS,
        "TIFF with subsampled colour outside JPEG": _is_raw_ycbcr(page)
        and page.values(SUBSAMPLING) != (1, 1),
    }
    return next((what for what, is_so in odd.items() if is_so), None)


def _is_raw_ycbcr(page: Directory) -> bool:
    return page.value(PHOTOMETRIC, BLACK_IS_ZERO) == YCBCR and page.compression != "jpeg"


def is_for_tifffile(page: Directory) -> bool:
    """Whether libvips fails at a page, or reads it wrongly, but tifffile reads it."""
    meaning, bits = page.value(PHOTOMETRIC, BLACK_IS_ZERO), page.value(BITS, 1)
    deep = {16, 32} if page.value(SAMPLE_FORMAT, UNSIGNED) == FLOAT else {8, 16}
    shallow = {1, 2, 4} if page.value(SAMPLES, 1) == 1 else set()
    return (
        page.compression in _TIFFFILE_COMPRESSION
        or bits not in deep | shallow
        or meaning == ICCLAB
        or (meaning == CIELAB and bits == 8)
        or _is_raw_ycbcr(page)
        or (page.value(PLANAR, 1) == _PLANES and bool(page.values(TILE_OFFSETS)))
    )
