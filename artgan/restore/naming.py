"""Which class of damage a filled region probably was, from what a detector sees in the scan."""

from dataclasses import dataclass

import numpy as np

from artgan.models.detector import Detector
from artgan.restore.detect import class_chances

LEAST_CHANCE = 0.2
"""Mean probability from which a region is called after a class; less says nothing."""


@dataclass(frozen=True)
class DamageMap:
    """How probable each class of damage is all over a scan, seen in a reduced copy of it.

    Attributes:
        classes: Names of the classes.
        chances: Their probabilities, (K, h, w).
        size: Height and width of the scan.
    """

    classes: tuple[str, ...]
    chances: np.ndarray
    size: tuple[int, int]

    def at(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return the probabilities at N pixels of the scan, (K, N)."""
        height, width = self.chances.shape[1:]
        down, across = rows * height // self.size[0], columns * width // self.size[1]
        return self.chances[:, down, across]

    def name(self, means: np.ndarray) -> tuple[str | None, float]:
        """Return the class of a region with such mean probabilities, (K,), and its own.

        No class if none reaches `LEAST_CHANCE`: the detector does not see this damage.
        """
        best = int(means.argmax())
        chance = float(means[best])
        return (self.classes[best] if chance >= LEAST_CHANCE else None), chance


def damage_map(picture: np.ndarray, detector: Detector, size: tuple[int, int]) -> DamageMap:
    """Look at a scan.

    Args:
        picture: The scan or a reduced copy, (h, w, 3) uint8, sRGB.
        detector: A trained detector, in evaluation mode.
        size: Height and width of the scan.
    """
    return DamageMap(detector.classes, class_chances(picture, detector), size)
