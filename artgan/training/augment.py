"""Differentiable augmentation: the discriminator sees real and generated works only through it."""

import torch
from torch import Tensor


def shift_color(images: Tensor) -> Tensor:
    """Change brightness, saturation and contrast of each image at random.

    Brightness moves by up to a quarter of the range, saturation is scaled by 0 to 2 and contrast
    by 0.5 to 1.5, each drawn per image from torch's global generator. Values may leave [0, 1].

    Args:
        images: (B, 3, H, W) in [0, 1].

    Returns:
        The same shape, differentiable in ``images``.
    """
    draws = torch.rand(3, images.shape[0], 1, 1, 1).to(images.device)
    images = images + (draws[0] - 0.5) / 2
    gray = images.mean(dim=1, keepdim=True)
    images = gray + (images - gray) * (2 * draws[1])
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (images - mean) * (0.5 + draws[2])


def shift_position(images: Tensor, fraction: float = 0.125) -> Tensor:
    """Move each image by up to a fraction of its sides; mid-gray comes in at the border.

    Args:
        images: (B, 3, H, W) in [0, 1].
        fraction: Longest move, as a fraction of the side, in [0, 1].

    Returns:
        The same shape, differentiable in ``images``.
    """
    count, _, height, width = images.shape
    # Moved to the images first: what is indexed with lies there for every pixel otherwise.
    device = images.device
    rows = _moved_indices(count, height, fraction)[:, None, :, None].to(device)
    columns = _moved_indices(count, width, fraction)[:, None, None, :].to(device)
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    batch = torch.arange(count, device=device)[:, None, None, None]
    channel = torch.arange(images.shape[1], device=device)[None, :, None, None]
    moved = images[batch, channel, rows.clamp(0, height - 1), columns.clamp(0, width - 1)]
    # Mid-gray is zero where the discriminator centres its input: the border carries no colour.
    return torch.where(inside, moved, 0.5)


def mirror(images: Tensor) -> Tensor:
    """Mirror each image (B, 3, H, W), left to right, in half of the cases."""
    chosen = torch.rand(images.shape[0], 1, 1, 1).to(images.device) < 0.5
    return torch.where(chosen, images.flip(3), images)


def augment(images: Tensor, color_probability: float = 1.0) -> Tensor:
    """Move every image, and change the colours of each with the given probability.

    Written from the paper; its third operation, cutout, is left out because it hides what an
    archive's small works need most.

    Args:
        images: (B, 3, H, W) in [0, 1].
        color_probability: Chance of a colour change per image, in [0, 1].

    Returns:
        The same shape, differentiable in ``images``; values may leave [0, 1].

    References:
        Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training",
        https://arxiv.org/abs/2006.10738
    """
    chosen = torch.rand(images.shape[0], 1, 1, 1).to(images.device) < color_probability
    return shift_position(torch.where(chosen, shift_color(images), images))


def _moved_indices(count: int, side: int, fraction: float) -> Tensor:
    reach = int(side * fraction + 0.5)
    moves = torch.randint(-reach, reach + 1, (count, 1))
    return torch.arange(side)[None] + moves
