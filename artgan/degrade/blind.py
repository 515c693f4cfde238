"""Crops of held-out works with damage that nobody marked, fixed by a seed: a detector's test."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from artgan.degrade.large import draw_large
from artgan.degrade.overlay import Overlay, Sheet
from artgan.degrade.work import LARGE_ACROSS, draw_overlay
from artgan.errors import InvalidInputError
from artgan.imaging.tensors import check_picture
from artgan.presets import DamageClass

SMALLEST_SCALE = 0.5
"""Smallest scale that crops are cut at, so that small scans are known as well."""


@dataclass(frozen=True)
class BlindCrop:
    """A crop of a work with damage drawn over it.

    Attributes:
        truth: The undamaged crop, (H, W, 3) uint8.
        damaged: What is to be seen of it, (H, W, 3) uint8.
        overlay: The damage.
        picture: Number of the picture that it was cut from.
    """

    truth: np.ndarray
    damaged: np.ndarray
    overlay: Overlay
    picture: int


def cut_scaled(
    picture: np.ndarray,
    crop_px: int,
    draws: Sequence[float],
    smallest_scale: float = SMALLEST_SCALE,
) -> np.ndarray:
    """Cut a crop at a scale between the smallest, by default a half, and one.

    Args:
        picture: (H, W, 3) uint8, at least ``crop_px`` on both sides.
        crop_px: Side of the crop.
        draws: Three numbers in [0, 1): scale, and where from top and left.
        smallest_scale: Smallest scale.

    Returns:
        (crop_px, crop_px, 3) uint8, scaled by the area of its pixels.
    """
    scale = 1.0 - (1.0 - smallest_scale) * draws[0]
    side = min(round(crop_px / scale), *picture.shape[:2])
    top = int(draws[1] * (picture.shape[0] - side + 1))
    left = int(draws[2] * (picture.shape[1] - side + 1))
    crop = picture[top : top + side, left : left + side]
    if side == crop_px:
        return crop.copy()
    return cv2.resize(crop, (crop_px, crop_px), interpolation=cv2.INTER_AREA)


def blind_crops(
    pictures: Sequence[np.ndarray],
    crop_px: int,
    count: int,
    seed: int,
    classes: Sequence[DamageClass],
) -> list[BlindCrop]:
    """Cut crops and damage them, spread evenly over the pictures.

    Args:
        pictures: Held-out works, (H, W, 3) uint8, each at least ``crop_px`` on both sides.
        crop_px: Side of the square crops, at least 16 px.
        count: Number of crops.
        seed: The same seed and pictures give the same crops.
        classes: Classes of damage to choose from.

    Raises:
        InvalidInputError: There is no picture, or one is smaller than a crop.
    """
    for picture in pictures:
        check_picture(picture)
    if not pictures or min(min(picture.shape[:2]) for picture in pictures) < crop_px:
        raise InvalidInputError(
            f"pictures must hold works of at least {crop_px} px on both sides, got "
            f"{sorted(picture.shape[:2] for picture in pictures)}. Scale them up or choose smaller "
            "crops."
        )
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(pictures))
    crops = []
    for number in range(count):
        chosen = int(order[number % len(order)])
        truth = cut_scaled(pictures[chosen], crop_px, rng.random(3).tolist())
        overlay = draw_overlay(crop_px, crop_px, rng, classes)
        crops.append(BlindCrop(truth, overlay.apply(truth), overlay, chosen))
    return crops


def large_crops(pictures: Sequence[np.ndarray], count: int, seed: int) -> list[BlindCrop]:
    """Damage works broadly: on a square as wide as the short side, one loss, filling or abrasion.

    Args:
        pictures: Held-out works, (H, W, 3) uint8.
        count: Number of squares, spread evenly over the works.
        seed: The same seed and pictures give the same squares.

    Returns:
        Squares with damage that is an eighth to a third of their side wide, and nothing else.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(pictures))
    squares = []
    for number in range(count):
        chosen = int(order[number % len(order)])
        height, width = pictures[chosen].shape[:2]
        side = min(height, width)
        top, left = (int(rng.integers(0, length - side + 1)) for length in (height, width))
        truth = pictures[chosen][top : top + side, left : left + side].copy()
        sheet = Sheet(side, rng)
        draw_large(sheet, rng.uniform(*LARGE_ACROSS))
        overlay = sheet.overlay(side, side)
        squares.append(BlindCrop(truth, overlay.apply(truth), overlay, chosen))
    return squares
