"""Losses of the filler: fidelity inside holes, and a hinge game judged patch by patch."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def masked_l1(predicted: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Average the absolute difference over the masked pixels of the whole batch.

    Args:
        predicted: (B, C, H, W).
        target: (B, C, H, W).
        mask: (B, 1, H, W) of 0 and 1.
    """
    difference = ((predicted - target).abs() * mask).sum()
    return difference / (mask.sum() * predicted.shape[1]).clamp_min(1.0)


def hole_log_mse(predicted: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Average over the batch the logarithm of each hole's squared error.

    This is hole PSNR itself, up to a factor, so an easy crop counts as much as a hard one.

    Args:
        predicted: (B, C, H, W) in [0, 1].
        target: (B, C, H, W) in [0, 1].
        mask: (B, 1, H, W) of 0 and 1.

    References:
        Chen et al. 2021, "HINet", section 3.3, https://arxiv.org/abs/2105.06086
    """
    axes = (1, 2, 3)
    count = (mask.sum(axes) * predicted.shape[1]).clamp_min(1.0)
    squares = ((predicted - target).square() * mask).sum(axes) / count
    return (squares + 1e-5).log().mean()


def low_frequency_l1(predicted: Tensor, target: Tensor, mask: Tensor, cell_px: int = 16) -> Tensor:
    """Compare mean colours over cells, so that no hole drifts in hue.

    Args:
        predicted: (B, C, H, W).
        target: (B, C, H, W).
        mask: (B, 1, H, W) of 0 and 1.
        cell_px: Side of a cell.
    """
    return F.avg_pool2d((predicted - target) * mask, cell_px).abs().mean()


def gradient_l1(predicted: Tensor, target: Tensor, mask: Tensor, ring_px: int = 4) -> Tensor:
    """Compare the differences of neighbouring pixels in the holes and a ring around them.

    Args:
        predicted: (B, C, H, W).
        target: (B, C, H, W).
        mask: (B, 1, H, W) of 0 and 1.
        ring_px: Width of the ring.
    """
    ring = F.max_pool2d(mask, 2 * ring_px + 1, stride=1, padding=ring_px)
    error = predicted - target
    across = (error[..., 1:] - error[..., :-1]).abs() * ring[..., 1:]
    down = (error[..., 1:, :] - error[..., :-1, :]).abs() * ring[..., 1:, :]
    return (across.sum() + down.sum()) / (2.0 * ring.sum() * error.shape[1]).clamp_min(1.0)


def hinge_discriminator(real: Tensor, filled: Tensor, holed: Tensor) -> Tensor:
    """Hinge loss in which only patches with a hole count as generated.

    Args:
        real: Logits of untouched pictures, (B, 1, h, w).
        filled: Logits of filled pictures, (B, 1, h, w).
        holed: 1 for each patch that contains a hole, (B, 1, h, w).

    References:
        Suvorov et al. 2022, "Resolution-robust Large Mask Inpainting with Fourier Convolutions",
        section 2.2.1, https://arxiv.org/abs/2109.07161. Differs: hinge, and patches without a
        hole are left out of the filled picture instead of counting as real again.
    """
    generated = (F.relu(1.0 + filled) * holed).sum() / holed.sum().clamp_min(1.0)
    return F.relu(1.0 - real).mean() + generated


def hinge_generator(filled: Tensor, holed: Tensor) -> Tensor:
    """Generator's side of ``hinge_discriminator``: raise the logits of patches with a hole."""
    return -(filled * holed).sum() / holed.sum().clamp_min(1.0)


def feature_matching(real: Sequence[Tensor], filled: Sequence[Tensor]) -> Tensor:
    """Average over layers the absolute difference of the discriminator's features.

    Args:
        real: Features of the untouched pictures, one (B, C, h, w) for each layer.
        filled: Features of the filled pictures, alike.

    References:
        Wang et al. 2018, "High-Resolution Image Synthesis and Semantic Manipulation with
        Conditional GANs", eq. 4, https://arxiv.org/abs/1711.11585
    """
    distances = [F.l1_loss(f, r.detach()) for r, f in zip(real, filled, strict=True)]
    return torch.stack(distances).mean()
