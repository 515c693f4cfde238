"""sRGB to CIELAB, and the CIEDE2000 difference of two colours."""

import numpy as np

# IEC 61966-2-1: linear sRGB to CIE XYZ under D65
_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_WHITE = _TO_XYZ.sum(axis=1)
_25_TO_7 = 25.0**7


def srgb_to_lab(codes: np.ndarray) -> np.ndarray:
    """Convert sRGB codes to CIELAB under D65, its own white giving exactly (100, 0, 0).

    Args:
        codes: (..., 3) uint8.

    Returns:
        (..., 3) float64: L* in [0, 100], a* and b*.
    """
    level = codes / 255.0
    linear = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    ratio = linear @ _TO_XYZ.T / _WHITE
    delta = 6.0 / 29.0
    f = np.where(ratio > delta**3, np.cbrt(ratio), ratio / (3.0 * delta**2) + 4.0 / 29.0)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def ciede2000(lab_1: np.ndarray, lab_2: np.ndarray) -> np.ndarray:
    """Compute the CIEDE2000 difference with all three weights 1.

    Args:
        lab_1: (..., 3) CIELAB.
        lab_2: (..., 3) CIELAB.

    Returns:
        (...) float64, at least 0.

    References:
        Sharma, Wu and Dalal 2005, "The CIEDE2000 Color-Difference Formula: Implementation Notes,
        Supplementary Test Data, and Mathematical Observations", eqs. 2 to 22
    """
    lightness_1, chroma_1, hue_1 = _adjusted(lab_1, lab_2)
    lightness_2, chroma_2, hue_2 = _adjusted(lab_2, lab_1)
    grey = chroma_1 * chroma_2 == 0.0
    turn = np.where(grey, 0.0, _wrapped(hue_2 - hue_1))
    d_lightness, d_chroma = lightness_2 - lightness_1, chroma_2 - chroma_1
    d_hue = 2.0 * np.sqrt(chroma_1 * chroma_2) * np.sin(np.radians(turn / 2.0))
    chroma = (chroma_1 + chroma_2) / 2.0
    hue = np.where(grey, hue_1 + hue_2, _middle(hue_1, hue_2))
    lightness = ((lightness_1 + lightness_2) / 2.0 - 50.0) ** 2
    s_lightness = 1.0 + 0.015 * lightness / np.sqrt(20.0 + lightness)
    s_chroma = 1.0 + 0.045 * chroma
    s_hue = 1.0 + 0.015 * chroma * _hue_weight(hue)
    parts = d_lightness / s_lightness, d_chroma / s_chroma, d_hue / s_hue
    mixed = _rotation(chroma, hue) * parts[1] * parts[2]
    return np.sqrt(np.clip(sum(part**2 for part in parts) + mixed, 0.0, None))


def _adjusted(lab: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """L*, C' and h' in degrees in [0, 360); a* is stretched near grey."""
    chroma = (np.hypot(lab[..., 1], lab[..., 2]) + np.hypot(other[..., 1], other[..., 2])) / 2.0
    stretch = 1.5 - 0.5 * np.sqrt(chroma**7 / (chroma**7 + _25_TO_7))
    a, b = lab[..., 1] * stretch, lab[..., 2]
    return lab[..., 0], np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360.0


def _wrapped(turn: np.ndarray) -> np.ndarray:
    """Bring a difference of angles to [-180, 180]; exactly 180 keeps its sign."""
    turn = np.where(turn > 180.0, turn - 360.0, turn)
    return np.where(turn < -180.0, turn + 360.0, turn)


def _middle(hue_1: np.ndarray, hue_2: np.ndarray) -> np.ndarray:
    """Mean of two angles on their shorter arc."""
    total = hue_1 + hue_2
    across = np.where(total < 360.0, total + 360.0, total - 360.0)
    return np.where(np.abs(hue_1 - hue_2) <= 180.0, total, across) / 2.0


def _hue_weight(hue: np.ndarray) -> np.ndarray:
    def cosine(factor: float, offset: float) -> np.ndarray:
        return np.cos(np.radians(factor * hue + offset))

    return (
        1.0
        - 0.17 * cosine(1, -30)
        + 0.24 * cosine(2, 0)
        + 0.32 * cosine(3, 6)
        - 0.20 * cosine(4, -63)
    )


def _rotation(chroma: np.ndarray, hue: np.ndarray) -> np.ndarray:
    """Correction R_T for the blue region, where the axes of equal difference are turned."""
    angle = 30.0 * np.exp(-(((hue - 275.0) / 25.0) ** 2))
    reach = 2.0 * np.sqrt(chroma**7 / (chroma**7 + _25_TO_7))
    return -np.sin(np.radians(2.0 * angle)) * reach
