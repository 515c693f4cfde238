"""Adversarial losses on logits: relativistic pairing with R1 and R2, and least squares."""

import torch
from torch import Tensor
from torch.nn import functional as F


def relativistic_loss(favoured: Tensor, other: Tensor) -> Tensor:
    """Measure how far the favoured logits are from exceeding the others; 0 when they do by far.

    Mean of softplus(-(favoured - other)), patch by patch and pair by pair. The discriminator
    favours the real works, the generator its own.

    Args:
        favoured: (B, 1, H, W) logits.
        other: (B, 1, H, W) logits of the works they are paired with.

    Returns:
        Scalar, at least 0.

    References:
        Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern Baseline GAN", eq. 2,
        https://arxiv.org/abs/2501.05441; Jolicoeur-Martineau 2018,
        https://arxiv.org/abs/1807.00734
    """
    return F.softplus(other - favoured).float().mean()


def gradient_penalty(logits: Tensor, images: Tensor) -> Tensor:
    """Measure the squared slope of the discriminator at each image; R1 on real, R2 on generated.

    Of the mean logit of an image, through whatever augmentation lies between; in float32, and
    for images seen as [-1, 1], where the published weights hold: half the slope in [0, 1].

    Args:
        logits: (B, 1, H, W), computed from ``images`` with gradients.
        images: (B, 3, H, W) in [0, 1] that requires gradients.

    Returns:
        (B,) float32, at least 0.

    References:
        Mescheder et al. 2018, "Which Training Methods for GANs do actually Converge?", eq. 9,
        https://arxiv.org/abs/1801.04406
    """
    per_image = logits.float().mean(dim=(1, 2, 3)).sum()
    (slope,) = torch.autograd.grad(per_image, images, create_graph=True)
    return slope.float().square().sum(dim=(1, 2, 3)) / 4


def least_squares_loss(logits: Tensor, target: float) -> Tensor:
    """Measure how far logits are from 1 (real) or 0 (generated); scalar, at least 0.

    References:
        Mao et al. 2017, "Least Squares Generative Adversarial Networks", eq. 2,
        https://arxiv.org/abs/1611.04076
    """
    return (logits.float() - target).square().mean()
