"""Training data: random crops of works, and masks of damage to lay over them."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from artgan.errors import InvalidInputError
from artgan.imaging.tensors import check_picture


def check_pictures(name: str, pictures: Sequence[np.ndarray], crop_px: int) -> None:
    """Refuse a set of works that crops cannot be cut from.

    Args:
        name: What the set is called in the message.
        pictures: What should be (H, W, 3) uint8, at least ``crop_px`` on both sides.
        crop_px: Side of the crops.

    Raises:
        InvalidInputError: The set is empty, or a picture is too small or no picture.
    """
    if not pictures:
        raise InvalidInputError(
            f"{name} must hold at least one picture, got none. Add works to the collection."
        )
    for picture in pictures:
        check_picture(picture)
        if min(picture.shape[:2]) < crop_px:
            raise InvalidInputError(
                f"{name} must hold pictures of at least {crop_px} px, got {picture.shape[:2]}. "
                "Scale their short side to the preset's short_side_px."
            )


def drawn_rng() -> np.random.Generator:
    """Return a NumPy generator whose seed torch's global generator draws."""
    return np.random.default_rng(int(torch.randint(2**62, ())))


class RandomCrops:
    """Training pictures in memory; draws mirrored crops with torch's global generator.

    Args:
        pictures: Works, (H, W, 3) uint8, at least ``crop_px`` on both sides.
        crop_px: Side of the square crops.
        batch: Crops per draw.
    """

    def __init__(self, pictures: Sequence[np.ndarray], crop_px: int, batch: int) -> None:
        self.pictures = [torch.from_numpy(np.ascontiguousarray(p)) for p in pictures]
        self.crop_px, self.batch = crop_px, batch

    def draw(self) -> Tensor:
        """Draw an image batch of random crops, half of them mirrored left to right."""
        draws = torch.rand(self.batch, 4).tolist()
        crops = torch.stack([self._crop(*draw) for draw in draws])  # (B, H, W, 3)
        return crops.permute(0, 3, 1, 2).contiguous().float().div_(255.0)

    def _crop(self, which: float, top: float, left: float, mirror: float) -> Tensor:
        picture = self.pictures[int(which * len(self.pictures))]
        y = int(top * (picture.shape[0] - self.crop_px + 1))
        x = int(left * (picture.shape[1] - self.crop_px + 1))
        crop = picture[y : y + self.crop_px, x : x + self.crop_px]
        return crop.flip(1) if mirror < 0.5 else crop


def draw_masks(bank: Tensor, batch: int) -> Tensor:
    """Draw masks from a bank, each mirrored, turned and shifted (with wrap-around) at random.

    Args:
        bank: (N, S, S) uint8 of 0 and 1.
        batch: Number of masks.

    Returns:
        (batch, 1, S, S) float32 of 0 and 1, drawn with torch's global generator.
    """
    size = bank.shape[-1]
    numbers = torch.randint(len(bank), (batch,)).tolist()
    turns, tops, lefts = (torch.randint(n, (batch,)).tolist() for n in (8, size, size))
    masks = []
    for number, turn, top, left in zip(numbers, turns, tops, lefts, strict=True):
        mask = torch.rot90(bank[number], turn % 4)
        mask = mask.flip(0) if turn >= 4 else mask
        masks.append(torch.roll(mask, (top, left), (0, 1)))
    return torch.stack(masks)[:, None].float()
