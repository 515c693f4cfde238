"""Pictures on which a detected mask is shown, for people to judge it by."""

from collections.abc import Sequence

import cv2
import numpy as np

from artgan.degrade.kinds import WORDS
from artgan.presets import DamageClass
from artgan.restore.detect import Detection

_MARK = np.array([255, 0, 110], dtype=np.float32)
_COLOURS: dict[DamageClass, tuple[int, int, int]] = {
    "craquelure": (0, 130, 200),
    "losses": (230, 25, 75),
    "tear": (145, 30, 180),
    "scratches": (0, 170, 120),
    "dust": (245, 130, 48),
    "strokes": (240, 50, 230),
    "stain": (170, 110, 40),
    "foxing": (255, 215, 0),
    "grime": (70, 70, 200),
}
_TINT = 0.45
_LEGEND_PX = 26


def marked(picture: np.ndarray, mask: np.ndarray, colours: np.ndarray = _MARK) -> np.ndarray:
    """Tint what is marked, and draw a line around it.

    Args:
        picture: (H, W, 3) uint8.
        mask: (H, W) bool.
        colours: (3,), or (H, W, 3) for a colour of each pixel, in codes.

    Returns:
        (H, W, 3) uint8.
    """
    inside = mask[..., None]
    tinted = np.where(inside, (1.0 - _TINT) * picture + _TINT * colours, picture)
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    whole = np.broadcast_to(colours, picture.shape)
    around = cv2.dilate(np.where(inside, whole, 0.0).astype(np.float32), np.ones((3, 3), np.uint8))
    return np.where((grown & ~mask)[..., None], around, tinted).astype(np.uint8)


def overview(picture: np.ndarray, detection: Detection) -> np.ndarray:
    """Show a detection on a picture: each class in its colour, with a legend below.

    Args:
        picture: (H, W, 3) uint8 sRGB, of any size.
        detection: What was detected in it.

    Returns:
        (H', W, 3) uint8.
    """
    height, width = picture.shape[:2]
    kinds = cv2.resize(detection.kinds, (width, height), interpolation=cv2.INTER_NEAREST)
    palette = np.array([_COLOURS[kind] for kind in detection.classes], dtype=np.float32)
    colours = palette[np.maximum(kinds.astype(int) - 1, 0)]
    shown = marked(picture, kinds > 0, colours)
    return np.concatenate([shown, legend(width, detection.classes)])


def legend(width_px: int, classes: Sequence[DamageClass]) -> np.ndarray:
    """Draw names of classes beside their colours, in as many lines as it takes."""
    lines: list[list[tuple[int, int]]] = [[]]
    left = 8
    for number, kind in enumerate(classes):
        text_px = cv2.getTextSize(WORDS[kind], cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)[0][0]
        if left + text_px + 24 > width_px and lines[-1]:
            lines.append([])
            left = 8
        lines[-1].append((left, number))
        left += text_px + 40
    canvas = np.full((_LEGEND_PX * len(lines), width_px, 3), 255, np.uint8)
    for row, line in enumerate(lines):
        for at, number in line:
            middle = row * _LEGEND_PX + _LEGEND_PX // 2
            colour = _COLOURS[classes[number]]
            cv2.rectangle(canvas, (at, middle - 6), (at + 12, middle + 6), colour, cv2.FILLED)
            cv2.putText(
                *(canvas, WORDS[classes[number]], (at + 20, middle + 5)),
                *(cv2.FONT_HERSHEY_SIMPLEX, 0.45, (30, 30, 30), 1, cv2.LINE_AA),
            )
    return canvas
