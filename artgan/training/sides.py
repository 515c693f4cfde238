"""The two sides of a training between collections, and crops of their works."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from artgan.errors import InvalidInputError
from artgan.models.translator import STRIDE

FEWEST_HELD_OUT = 3
"""Held-out works of a side at least, as KID needs."""


@dataclass(frozen=True)
class Sides:
    """Works (H, W, 3) uint8 of a collection and of the others that are to be given its manner.

    Attributes:
        style_train: The collection's works to learn from.
        style_val: Its held-out works.
        content_train: Works of other collections.
        content_val: Their held-out works.
    """

    style_train: Sequence[np.ndarray]
    style_val: Sequence[np.ndarray]
    content_train: Sequence[np.ndarray]
    content_val: Sequence[np.ndarray]

    def check(self, crop_px: int) -> None:
        """Refuse works that are too few to learn from or to measure on, or too small for crops.

        Raises:
            InvalidInputError: If so.
        """
        check_works("style_train", self.style_train, 1, crop_px)
        check_works("style_val", self.style_val, FEWEST_HELD_OUT, crop_px)
        check_works("content_train", self.content_train, 1, crop_px)
        check_works("content_val", self.content_val, FEWEST_HELD_OUT, crop_px)


def check_works(name: str, works: Sequence[np.ndarray], fewest: int, crop_px: int) -> None:
    """Refuse a set of works that are too few, or too small for crops.

    Raises:
        InvalidInputError: If so.
    """
    if len(works) < fewest:
        message = f"{name} must hold at least {fewest} works, got {len(works)}. Use color instead."
        raise InvalidInputError(message)
    shortest = min(min(work.shape[:2]) for work in works)
    if shortest < crop_px:
        message = (
            f"{name} must have sides of at least {crop_px} pixels, got {shortest}. "
            "Leave small scans out or choose smaller crops."
        )
        raise InvalidInputError(message)


def draw_crops(works: Sequence[Tensor], crop_px: int, count: int) -> Tensor:
    """Cut random squares from random works, from torch's global generator.

    Args:
        works: (3, H, W) tensors with sides of at least ``crop_px``.
        crop_px: Side of the squares.
        count: Number of squares.

    Returns:
        (count, 3, crop_px, crop_px).
    """
    return cut_crops(works, torch.randint(len(works), (count,)).tolist(), crop_px)


def cut_crops(works: Sequence[Tensor], chosen: Sequence[int], crop_px: int) -> Tensor:
    """Cut one random square from each chosen work, as `draw_crops` does."""
    crops = []
    for index in chosen:
        height, width = works[index].shape[1:]
        top = int(torch.randint(height - crop_px + 1, ()))
        left = int(torch.randint(width - crop_px + 1, ()))
        crops.append(works[index][:, top : top + crop_px, left : left + crop_px])
    return torch.stack(crops)


def center_square(work: np.ndarray, side_px: int) -> np.ndarray:
    """Cut the centre square of at most ``side_px``, its side a multiple of the stride."""
    height, width = work.shape[:2]
    side = min(height, width, side_px) // STRIDE * STRIDE
    top, left = (height - side) // 2, (width - side) // 2
    return work[top : top + side, left : left + side]
