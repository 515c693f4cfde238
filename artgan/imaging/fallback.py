"""Pictures that libvips cannot read: JPEG 2000 and BMP. For TIFF see `tiff_pixels`.

Pillow reads them, each by the one plug-in named here. It cuts 16-bit colour to 8 bits without a
word, so deep JPEG 2000 goes to imagecodecs, which keeps them.
"""

from pathlib import Path

import imagecodecs
import numpy as np
import pyvips
from PIL import BmpImagePlugin, ImageFile, Jpeg2KImagePlugin

from artgan.imaging import formats
from artgan.imaging.colour import image_from_array, stretched, with_number

_PLUGINS: dict[str, type[ImageFile.ImageFile]] = {
    "jp2": Jpeg2KImagePlugin.Jpeg2KImageFile,
    "bmp": BmpImagePlugin.BmpImageFile,
}
# Modes whose values Pillow hands out as stored, or expands without loss.
_EXPANDED = {"1": "L", "P": "RGB", "PA": "RGBA"}
_AS_STORED = {"L", "LA", "RGB", "RGBA"}
_MM_PER_INCH = 25.4
_CODESTREAM = b"\xff\x4f\xff\x51"
_DEPTH_OFFSET = 42  # from the start of a JPEG 2000 codestream to the depth of its first channel
_JP2_HEAD_BYTES = 1 << 20

DECODER_ERRORS = (OSError, SyntaxError, ValueError, EOFError, RuntimeError)
"""What the decoders of this module raise at broken data."""


def fallback_size(source: Path | bytes, container: str) -> tuple[int, int]:
    """Read the width and the height from the header, in pixels."""
    with formats.open_bytes(source) as file:
        return _PLUGINS[container](file).size


def fallback_image(source: Path | bytes, container: str) -> pyvips.Image | None:
    """Decode a picture in full.

    The plug-in is called directly: `PIL.Image.open` would try others and has a pixel limit of its
    own, while the caller has checked the size against the limit in the settings.

    Args:
        source: Path of the file, or its bytes.
        container: jp2 or bmp.

    Returns:
        The picture with its profile and resolution, upright; None if values would be lost.
    """
    with formats.open_bytes(source) as file:
        picture = _PLUGINS[container](file)
        icc, dpi = picture.info.get("icc_profile"), picture.info.get("dpi")
        bits = _bits(source) if container == "jp2" else 8
        array = _pixels(picture, source, bits)
    if array is None:
        return None
    image = with_number(image_from_array(array, icc), "bits-per-sample", bits)
    if not dpi or dpi[0] <= 1:  # Pillow says 1 where the file says nothing
        return image
    return image.copy(xres=float(dpi[0]) / _MM_PER_INCH, yres=float(dpi[1]) / _MM_PER_INCH)


def _pixels(picture: ImageFile.ImageFile, source: Path | bytes, bits: int) -> np.ndarray | None:
    if bits > 8:
        return _deep_jpeg2000(source, bits)
    if picture.mode in _EXPANDED:
        return np.asarray(picture.convert(_EXPANDED[picture.mode]))
    return np.asarray(picture) if picture.mode in _AS_STORED else None


def _bits(source: Path | bytes) -> int:
    with formats.open_bytes(source) as file:
        head = file.read(_JP2_HEAD_BYTES)
    start = head.find(_CODESTREAM)
    return (head[start + _DEPTH_OFFSET] & 0x7F) + 1


def _deep_jpeg2000(source: Path | bytes, bits: int) -> np.ndarray | None:
    content = source if isinstance(source, bytes) else source.read_bytes()
    array = imagecodecs.jpeg2k_decode(content)
    if array.dtype != np.uint16 or bits > 16:
        return None
    return stretched(array, bits)
