"""Wide-gamut RGB spaces of the sample scans: their ICC profiles, and sRGB converted to them.

The profiles are written here, byte by byte after ICC.1:2010 (profile version 4.3), because neither
Pillow nor libvips ships a wide-gamut one whose licence travels with the files.
"""

import struct
from dataclasses import dataclass

import numpy as np

# xy chromaticities of red, green and blue, and of the white point D65.
SRGB_PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
D65 = (0.3127, 0.3290)
# The profile connection space is relative to D50 (ICC.1:2010, 7.2.16).
D50_XYZ = np.array([0.9642, 1.0, 0.8249])
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
# Parameters g, a, b, c, d of the sRGB curve as a parametric curve of type 3 (ICC.1:2010, 10.16).
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


@dataclass(frozen=True)
class RgbSpace:
    """An RGB space with white D65: primaries as xy, and a curve of type 0 (gamma) or 3 (sRGB)."""

    name: str
    primaries: tuple[tuple[float, float], ...]
    curve: tuple[float, ...]


ADOBE_RGB = RgbSpace(
    "AdobeRGB-compatible", ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), (563 / 256,)
)
DISPLAY_P3 = RgbSpace(
    "Display P3 compatible", ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), SRGB_CURVE
)


def _xy_to_xyz(xy: tuple[float, float]) -> np.ndarray:
    """Chromaticity to XYZ with Y = 1."""
    return np.array([xy[0] / xy[1], 1.0, (1 - xy[0] - xy[1]) / xy[1]])


def _adaptation() -> np.ndarray:
    """Bradford adaptation (3, 3) from D65 to D50."""
    source, target = BRADFORD @ _xy_to_xyz(D65), BRADFORD @ D50_XYZ
    return np.linalg.inv(BRADFORD) @ np.diag(target / source) @ BRADFORD


def linear_to_xyz(primaries: tuple[tuple[float, float], ...]) -> np.ndarray:
    """Matrix (3, 3) from linear RGB, white D65, to XYZ adapted to D50."""
    columns = np.stack([_xy_to_xyz(xy) for xy in primaries], axis=1)
    scale = np.linalg.solve(columns, _xy_to_xyz(D65))
    return _adaptation() @ (columns * scale)


def _decode(values: np.ndarray) -> np.ndarray:
    """Coded sRGB to linear light."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _encode(linear: np.ndarray, curve: tuple[float, ...]) -> np.ndarray:
    """Linear light to coded values by the inverse of a type 0 or type 3 curve."""
    if len(curve) == 1:
        return linear ** (1 / curve[0])
    g, a, b, c, d = curve
    return np.where(linear < c * d, linear / c, (np.maximum(linear, 0) ** (1 / g) - b) / a)


def convert_from_srgb(picture: np.ndarray, space: RgbSpace) -> np.ndarray:
    """Convert sRGB pixels to ``space``.

    Args:
        picture: float32 (H, W, 3), sRGB in [0, 1].
        space: A space whose gamut holds that of sRGB.

    Returns:
        float32 (H, W, 3), coded in ``space``, in [0, 1].
    """
    to_space = np.linalg.inv(linear_to_xyz(space.primaries)) @ linear_to_xyz(SRGB_PRIMARIES)
    linear = np.clip(_decode(picture.astype(np.float64)) @ to_space.T, 0, 1)
    return _encode(linear, space.curve).astype(np.float32)


def _fixed(values: np.ndarray | tuple[float, ...]) -> bytes:
    """Numbers as big-endian s15Fixed16."""
    numbers = [round(float(value) * 65536) for value in np.ravel(values)]
    return struct.pack(f">{len(numbers)}i", *numbers)


def _text(words: str) -> bytes:
    """A multiLocalizedUnicodeType element with one English record."""
    coded = words.encode("utf-16-be")
    return b"mluc" + struct.pack(">4xII2s2sII", 1, 12, b"en", b"US", len(coded), 28) + coded


def _xyz(values: np.ndarray) -> bytes:
    """An XYZType element."""
    return b"XYZ " + bytes(4) + _fixed(values)


def _header(size: int) -> bytes:
    """The 128 bytes of the header: a version 4.3 display profile, RGB to XYZ, fixed date."""
    date = struct.pack(">6H", 2024, 1, 1, 0, 0, 0)
    start = struct.pack(">I4xI", size, 0x04300000) + b"mntrRGB XYZ " + date + b"acsp"
    return (start + bytes(28) + _fixed(D50_XYZ)).ljust(128, b"\0")


def profile_bytes(space: RgbSpace) -> bytes:
    """The ICC profile of a space: matrix and tone curve, without a rendering table."""
    matrix = linear_to_xyz(space.primaries)
    kind = 0 if len(space.curve) == 1 else 3
    curve = b"para" + struct.pack(">4xHxx", kind) + _fixed(space.curve)
    elements = {
        b"desc": _text(space.name),
        b"cprt": _text("CC0 1.0"),
        b"wtpt": _xyz(D50_XYZ),
        b"chad": b"sf32" + bytes(4) + _fixed(_adaptation()),
        b"rXYZ": _xyz(matrix[:, 0]),
        b"gXYZ": _xyz(matrix[:, 1]),
        b"bXYZ": _xyz(matrix[:, 2]),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    offset, table, body = 128 + 4 + 12 * len(elements), b"", b""
    for tag, element in elements.items():
        table += tag + struct.pack(">II", offset + len(body), len(element))
        body += element.ljust(-(-len(element) // 4) * 4, b"\0")
    count = struct.pack(">I", len(elements))
    return _header(offset + len(body)) + count + table + body
