"""Damaged crops that are fixed by a seed, for validation and for the held-out test."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from artgan.degrade.masks import random_mask
from artgan.degrade.materials import ground, hollow
from artgan.degrade.overlay import Sheet
from artgan.errors import InvalidInputError
from artgan.imaging.tensors import check_picture
from artgan.presets import Damage

EVALUATION_DAMAGE: tuple[Damage, ...] = ("strokes", "scratches", "losses")
PERFECT_DB = 60.0
_DEPTH = 1.2


@dataclass(frozen=True)
class DamagedCrop:
    """A crop of a work and the damage to imagine on it.

    Attributes:
        truth: The undamaged crop, (H, W, 3) uint8.
        mask: Where paint is lost, (H, W) bool.
        picture: Number of the picture that it was cut from.
    """

    truth: np.ndarray
    mask: np.ndarray
    picture: int


def evaluation_crops(
    pictures: Sequence[np.ndarray],
    crop_px: int,
    count: int,
    seed: int,
    damage: Sequence[Damage] = EVALUATION_DAMAGE,
) -> list[DamagedCrop]:
    """Cut damaged crops, spread evenly over the pictures.

    Args:
        pictures: Held-out works, (H, W, 3) uint8, each at least ``crop_px`` on both sides.
        crop_px: Side of the square crops, at least 16 px.
        count: Number of crops.
        seed: The same seed and pictures give the same crops.
        damage: Kinds of damage; one to three of them on each crop.

    Returns:
        ``count`` crops with damage over 2 to 35 % of their area.

    Raises:
        InvalidInputError: There is no picture, or one is smaller than a crop.
    """
    if not pictures:
        raise InvalidInputError(
            "pictures must hold at least one work, got none. Hold out more works."
        )
    for picture in pictures:
        check_picture(picture)
        if min(picture.shape[:2]) < crop_px:
            raise InvalidInputError(
                f"pictures must be at least {crop_px} px on both sides, got {picture.shape[:2]}. "
                "Scale them up or choose smaller crops."
            )
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(pictures))
    return [_cut(pictures, int(order[i % len(order)]), crop_px, rng, damage) for i in range(count)]


def _cut(
    pictures: Sequence[np.ndarray],
    number: int,
    crop_px: int,
    rng: np.random.Generator,
    damage: Sequence[Damage],
) -> DamagedCrop:
    picture = pictures[number]
    top = int(rng.integers(0, picture.shape[0] - crop_px + 1))
    left = int(rng.integers(0, picture.shape[1] - crop_px + 1))
    truth = picture[top : top + crop_px, left : left + crop_px].copy()
    return DamagedCrop(truth, random_mask(crop_px, rng, damage), number)


def hole_psnr_db(restored: np.ndarray, crop: DamagedCrop) -> float:
    """Measure a restoration inside the damage only; higher is better, at most 60 dB.

    Args:
        restored: (H, W, 3) uint8.
        crop: The truth and where it was damaged.

    Returns:
        ``10 log10(255^2 / MSE)`` over the damaged pixels and their three channels.
    """
    difference = restored[crop.mask].astype(np.float64) - crop.truth[crop.mask]
    squared_error = max(float(np.mean(difference**2)), 255.0**2 * 10.0 ** (-PERFECT_DB / 10.0))
    return float(10.0 * np.log10(255.0**2 / squared_error))


def damage_picture(picture: np.ndarray, mask: np.ndarray, seed: int) -> np.ndarray:
    """Paint a mask as lost paint: ground, dirt and shadow along its edge, for people to look at.

    Args:
        picture: (H, W, 3) uint8.
        mask: (H, W) bool, True where paint is lost.
        seed: Decides kind, tint and texture of the ground, and where the light comes from.

    Returns:
        (H, W, 3) uint8; equal to the picture outside the mask.
    """
    height, width = mask.shape
    sheet = Sheet(max(height, width), np.random.default_rng(seed))
    shape = np.zeros((sheet.size, sheet.size), np.float32)
    shape[:height, :width] = mask
    hollow(sheet, shape, ground(sheet.size, sheet.rng), _DEPTH)
    damaged = picture.copy()
    damaged[mask] = sheet.overlay(height, width).apply(picture)[mask]
    return damaged
