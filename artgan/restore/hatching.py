"""Filled areas drawn in fine vertical strokes, in the manner of tratteggio.

Restorers of the school of Cesare Brandi fill losses with upright strokes of pure colour that merge
at a distance into the tone of the surroundings, so that the picture reads as a whole from afar and
every addition is plain from near. Here each stroke has the mean colour of the fill beneath it, and
three strokes side by side lean to warm, green and blue by amounts that cancel out (the selezione
cromatica); all sums are of light, not of codes, since that is what eyes average.

References:
    Brandi 1963, "Teoria del restauro"; Baldini 1978, "Teoria del restauro e unità di metodologia"
"""

import numpy as np

STROKE_ASPECT = 14
"""Length of a stroke in its widths."""
_LEAN = 0.34  # share of a stroke's light that a hue may gain
_LEAST_LEAN = 0.012  # of full light, so that strokes in black are seen
_FLICKER = 0.14  # share of light by which neighbouring strokes differ in lightness
# what three strokes side by side gain and lose of red, green and blue; columns and rows sum to 0
_HUES = np.array([[1.0, -0.2, -0.8], [-0.8, 0.9, -0.1], [-0.2, -0.7, 0.9]])


def hatched(picture: np.ndarray, mask: np.ndarray, stroke_px: int) -> np.ndarray:
    """Draw what was filled in strokes; everything else stays as it is.

    Args:
        picture: (H, W, 3) uint8, sRGB.
        mask: (H, W) bool, True where it was filled.
        stroke_px: Width of a stroke.

    Returns:
        (H, W, 3) uint8.
    """
    rows, columns = np.nonzero(mask)
    if not rows.size:
        return picture.copy()
    strokes, lane, number = _strokes(rows, columns, mask.shape, stroke_px)
    light = _to_light(picture[rows, columns])
    ones = np.bincount(strokes)
    means = [np.bincount(strokes, light[:, c]) / np.maximum(ones, 1) for c in range(3)]
    colour = np.stack(means, axis=1)[strokes]
    lean = np.maximum(_LEAN * colour, _LEAST_LEAN) * _HUES[lane % 3]
    flicker = np.where(number % 2 == 0, _FLICKER, -_FLICKER)[:, None] * colour
    drawn = picture.copy()
    drawn[rows, columns] = _to_codes(_within(colour, lean + flicker))
    return drawn


def _strokes(
    rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int], stroke_px: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each pixel which stroke it is in, its lane, and its place down the lane."""
    length = STROKE_ASPECT * stroke_px
    lane = columns // stroke_px
    # the golden ratio puts the starts of neighbouring lanes far from each other, as a hand does
    start = np.floor((lane * 0.618034) % 1.0 * length).astype(np.int64)
    number = (rows + start) // length
    each = shape[0] // length + 2
    return lane * each + number, lane, number


def _within(colour: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Add a change, cut alike up and down where it would leave the range of light."""
    room = np.maximum(np.minimum(colour + _LEAST_LEAN, 1.0 - colour), 0.0)
    return colour + np.clip(change, -room, room)


def _to_light(codes: np.ndarray) -> np.ndarray:
    level = codes / 255.0
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


def _to_codes(light: np.ndarray) -> np.ndarray:
    light = np.clip(light, 0.0, 1.0)
    level = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.round(255.0 * level).astype(np.uint8)
