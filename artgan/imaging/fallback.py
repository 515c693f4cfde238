"""Pictures that libvips cannot read: JPEG 2000 and BMP. For TIFF see `tiff_pixels`.

Pillow reads them, each by the one plug-in named here. It cuts 16-bit colour to 8 bits without a
word, so 16-bit JPEG 2000 goes to OpenCV, which keeps them.
"""

from pathlib import Path

import cv2
import numpy as np
import pyvips
from PIL import BmpImagePlugin, ImageFile, Jpeg2KImagePlugin

from artgan.imaging import formats
from artgan.imaging.colour import image_from_array

_PLUGINS: dict[str, type[ImageFile.ImageFile]] = {
    "jp2": Jpeg2KImagePlugin.Jpeg2KImageFile,
    "bmp": BmpImagePlugin.BmpImageFile,
}
# Modes whose values Pillow hands out as stored, or expands without loss.
_EXPANDED = {"1": "L", "P": "RGB", "PA": "RGBA"}
_AS_STORED = {"L", "LA", "RGB", "RGBA", "I;16", "I;16B"}
_MM_PER_INCH = 25.4
_CODESTREAM = b"\xff\x4f\xff\x51"
_DEPTH_OFFSET = 42  # from the start of a JPEG 2000 codestream to the depth of its first channel
_JP2_HEAD_BYTES = 1 << 20

DECODER_ERRORS = (OSError, SyntaxError, ValueError, EOFError, cv2.error)
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
        array = _pixels(picture, source, container)
    if array is None:
        return None
    image = image_from_array(array, icc)
    if not dpi or dpi[0] <= 1:  # Pillow says 1 where the file says nothing
        return image
    return image.copy(xres=float(dpi[0]) / _MM_PER_INCH, yres=float(dpi[1]) / _MM_PER_INCH)


def _pixels(
    picture: ImageFile.ImageFile, source: Path | bytes, container: str
) -> np.ndarray | None:
    deepest = _deepest_bits(source, container)
    if picture.mode in _EXPANDED:
        return np.asarray(picture.convert(_EXPANDED[picture.mode]))
    if picture.mode not in _AS_STORED:
        return None
    if deepest <= 8 or picture.mode.startswith("I;16"):
        return _native(np.asarray(picture))
    if container == "jp2" and deepest == 16:
        return _deep_jpeg2000(source)
    return None


def _native(array: np.ndarray) -> np.ndarray:
    return array.astype(np.uint16) if array.dtype.itemsize == 2 else array


def _deepest_bits(source: Path | bytes, container: str) -> int:
    if container == "bmp":
        return 8
    with formats.open_bytes(source) as file:
        head = file.read(_JP2_HEAD_BYTES)
    start = head.find(_CODESTREAM)
    return (head[start + _DEPTH_OFFSET] & 0x7F) + 1


def _deep_jpeg2000(source: Path | bytes) -> np.ndarray | None:
    content = source if isinstance(source, bytes) else source.read_bytes()
    array = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.dtype != np.uint16:
        return None
    if array.ndim == 3:  # OpenCV gives blue first
        array = array[:, :, [2, 1, 0, 3][: array.shape[2]]]
    return array
