"""Push-pull filling of holes: smooth, weightless, and the starting point of the filler."""

import torch
from torch import Tensor
from torch.nn import functional as F


def halve_known(known: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Halve the resolution of a partly known image, using its known pixels only.

    Args:
        known: (B, C, H, W), any value where nothing is known, except NaN.
        weight: (B, 1, H, W), 1 where a pixel is known and 0 where not.

    Returns:
        The averages of the known pixels of each 2 x 2 cell, (B, C, H', W') with H' and W' the
        halves rounded up, and 1 for each cell with a known pixel, (B, 1, H', W').
    """
    height, width = weight.shape[-2:]
    even = (0, width % 2, 0, height % 2)
    weight_sum = F.avg_pool2d(F.pad(weight, even), 2)
    value_sum = F.avg_pool2d(F.pad(known * weight, even), 2)
    return value_sum / weight_sum.clamp_min(1e-6), (4.0 * weight_sum).clamp_max(1.0)


def double_to(coarse: Tensor, size: tuple[int, int]) -> Tensor:
    """Enlarge (B, C, H', W') bilinearly to twice its size, cut to what ``halve_known`` halved."""
    fine = F.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False)
    return fine[..., : size[0], : size[1]]


def push_pull(images: Tensor, mask: Tensor) -> Tensor:
    """Fill the holes of images with a smooth continuation of what surrounds them.

    Known values are averaged down a pyramid until no cell is empty, then each level's holes
    take the enlarged coarser level. Differs from the paper: averages over 2 x 2 cells instead of
    a wider kernel, which is faster and, before a network, no worse.

    Args:
        images: (B, C, H, W) float32; any H and W from 1; values under the mask are ignored.
        mask: (B, 1, H, W) float32, 1 in a hole and 0 where the image is known.

    Returns:
        (B, C, H, W) float32, equal to images where the mask is 0; zero everywhere else if an
        image has no known pixel.

    References:
        Gortler et al. 1996, "The Lumigraph", section 3.4,
        https://doi.org/10.1145/237170.237200
    """
    levels = [(torch.where(mask > 0.5, 0.0, images), (mask <= 0.5).to(images.dtype))]
    while max(levels[-1][1].shape[-2:]) > 1:
        levels.append(halve_known(*levels[-1]))
    filled = levels.pop()[0]
    for known, weight in reversed(levels):
        size = (weight.shape[-2], weight.shape[-1])
        filled = known * weight + double_to(filled, size) * (1.0 - weight)
    return filled
