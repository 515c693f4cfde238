"""Pictures to bytes: access copies, thumbnails, and outputs that keep a scan's depth and profile.

Most give bytes, which `artgan.storage` writes whole; what may be too large for memory goes to a
file of this machine. No writer passes on the EXIF of a scan: places and serial numbers of cameras
stay where they are.
"""

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyvips
from PIL import Image

from artgan.config import AccessFormat
from artgan.imaging.colour import ICC, image_from_array, srgb_profile, with_blob
from artgan.imaging.decode import SourceEncoding

JPEG_LIMIT_PX = 65_500
ACCESS_QUALITY = 92
_TILE_PX = 256
_TILED_FROM_PIXELS = 4_000_000
_BIGTIFF_FROM_BYTES = 2**31  # offsets end at 4 GB, and a pyramid of noise needs most of that
_MM_PER_INCH = 25.4
_PNG_COMPRESSION = 6
XMP = "xmp-data"
"""Field of a libvips image that holds its packet."""
_PNG_HEADER_BYTES = 33  # signature and the IHDR chunk


@dataclass(frozen=True)
class AccessForm:
    """What access copies are to be.

    Attributes:
        format: JPEG, or TIFF with a pyramid of tiles compressed as JPEG.
        long_side_px: Long side, in pixels, as `ReducedScan.fitted_size` understands it; 0 keeps the
            size of the scan.
    """

    format: AccessFormat = "jpeg"
    long_side_px: int = 0


def access_copy(
    picture: np.ndarray, form: AccessFormat = "jpeg", xmp: bytes | None = None
) -> tuple[bytes, str]:
    """Encode an access copy, with an sRGB profile, its packet and no other metadata.

    Quality 92, colour at full resolution. A picture beyond JPEG's size limit becomes a pyramid in
    any case.

    Args:
        picture: (H, W, 3) uint8 sRGB, upright.
        form: JPEG, or TIFF with a pyramid of tiles.
        xmp: XMP packet to embed.

    Returns:
        The bytes, and the file extension: ``.jpg`` or ``.tif``.
    """
    if form == "jpeg" and max(picture.shape) <= JPEG_LIMIT_PX:
        return _access_jpeg(picture, xmp), ".jpg"
    image = image_from_array(picture)
    content = (image if xmp is None else with_blob(image, XMP, xmp)).write_to_buffer(
        ".tif",
        compression="jpeg",
        Q=ACCESS_QUALITY,
        tile=True,
        tile_width=_TILE_PX,
        tile_height=_TILE_PX,
        pyramid=True,
        bigtiff=picture.size > _BIGTIFF_FROM_BYTES,
        profile="srgb",
        keep="xmp",
    )
    return content, ".tif"


def _access_jpeg(picture: np.ndarray, xmp: bytes | None) -> bytes:
    """Encode with the standard Huffman tables.

    Better ones would save 14 % of the bytes, but ingest would take nearly twice as long. Pillow and
    libvips use the same encoder; Pillow starts no threads, which small pictures notice.
    """
    buffer = io.BytesIO()
    more = {"icc_profile": srgb_profile()} | ({} if xmp is None else {"xmp": xmp})
    Image.fromarray(picture).save(buffer, "JPEG", quality=ACCESS_QUALITY, subsampling=0, **more)
    return buffer.getvalue()


def thumbnail_jpeg(
    picture: pyvips.Image | np.ndarray,
    long_side_px: int,
    quality: int = 80,
    xmp: bytes | None = None,
) -> bytes:
    """Encode a small JPEG for pages; a smaller picture keeps its size.

    Args:
        picture: 8-bit sRGB image, or (H, W, 3) uint8.
        long_side_px: Longest side of the thumbnail.
        quality: JPEG quality, 1 to 100.
        xmp: XMP packet to embed; a packet that the picture has itself is left out.
    """
    image = image_from_array(picture) if isinstance(picture, np.ndarray) else picture
    small = image.thumbnail_image(long_side_px, height=long_side_px, size="down")
    if xmp is None:
        return small.write_to_buffer(".jpg", Q=quality, optimize_coding=True, keep="none")
    small = with_blob(small, XMP, xmp)
    return small.write_to_buffer(".jpg", Q=quality, optimize_coding=True, keep="xmp")


def png_bytes(array: np.ndarray, xmp: bytes | None = None) -> bytes:
    """Encode pixels as PNG, without loss.

    Args:
        array: (H, W) or (H, W, C) uint8 or uint16, C from 1 to 4, sRGB.
        xmp: XMP packet to embed.
    """
    content = image_from_array(array).write_to_buffer(
        ".png",
        compression=_PNG_COMPRESSION,
        filter="all",
        bitdepth=8 * array.dtype.itemsize,
        keep="none",
    )
    return content if xmp is None else _insert_xmp(content, xmp)


def _insert_xmp(png: bytes, xmp: bytes) -> bytes:
    """Put a packet where the XMP standard wants it in a PNG: in an uncompressed iTXt chunk.

    libvips would put it into a compressed Latin-1 chunk, which spoils other scripts.
    """
    body = b"iTXt" + b"XML:com.adobe.xmp" + 5 * b"\0" + xmp  # no compression, no language
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:_PNG_HEADER_BYTES] + chunk + png[_PNG_HEADER_BYTES:]


def write_tiff(
    path: Path, image: pyvips.Image, encoding: SourceEncoding, xmp: bytes | None = None
) -> None:
    """Write TIFF, without loss, with the profile and resolution of a scan, as pixels are computed.

    Deflate with a horizontal predictor; in tiles from 4 megapixels, so that viewers need not read
    the whole; orientation 1.

    Args:
        path: File to write.
        image: Grey or RGB, perhaps with alpha, of 8 or 16 bits, upright; read once.
        encoding: What to take over from the scan.
        xmp: XMP packet to embed.
    """
    image = _dressed(image, encoding, xmp)
    pyvips.Operation.call("tiffsave", image, str(path), **_tiff_options(image))


def _dressed(image: pyvips.Image, encoding: SourceEncoding, xmp: bytes | None) -> pyvips.Image:
    """Attach what a file says beside its pixels."""
    if encoding.icc:
        image = with_blob(image, ICC, encoding.icc)
    if xmp is not None:
        image = with_blob(image, XMP, xmp)
    if encoding.dpi:
        pixels_per_mm = encoding.dpi / _MM_PER_INCH
        image = image.copy(xres=pixels_per_mm, yres=pixels_per_mm)
    return image


def _tiff_options(image: pyvips.Image) -> dict[str, str | int | bool]:
    pixels = image.width * image.height
    stored_bytes = pixels * image.bands * (2 if image.format == "ushort" else 1)
    return {
        "compression": "deflate",
        "predictor": "horizontal",
        "tile": pixels >= _TILED_FROM_PIXELS,
        "tile_width": _TILE_PX,
        "tile_height": _TILE_PX,
        "bigtiff": stored_bytes > _BIGTIFF_FROM_BYTES,
        "resunit": "inch",
        "keep": "xmp|icc",
    }


def write_mask(path: Path, image: pyvips.Image) -> None:
    """Write a mask of one band, 0 or 255, as PNG while it is being computed."""
    options = {"compression": _PNG_COMPRESSION, "filter": "none", "keep": "none"}
    pyvips.Operation.call("pngsave", image, str(path), **options)
