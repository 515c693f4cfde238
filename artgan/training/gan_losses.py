"""Adversarial losses on logits, by name, and the penalties that keep a discriminator smooth."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.models.judging import ClassMatch
from artgan.presets import LossName

_TINY = 1e-12


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


def mismatch_loss(match: ClassMatch, noticed: Tensor, labels: Tensor) -> Tensor:
    """Measure how little works fit their own class better than another, drawn at random.

    Differs from the paper: the wrong pair is compared with the right one, as works are with works.

    Args:
        match: Of two classes or more.
        noticed: (B, C, H, W), a discriminator's last map of real works.
        labels: (B,) their classes.

    Returns:
        Scalar, at least 0; log 2 where both fit alike.

    References:
        Reed et al. 2016, "Generative Adversarial Text to Image Synthesis", section 4.2,
        https://arxiv.org/abs/1605.05396
    """
    classes = match.vectors.num_embeddings
    others = (labels + torch.randint(1, classes, labels.shape).to(labels.device)) % classes
    return relativistic_loss(match(noticed, labels), match(noticed, others))


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


def slope_penalty(logits: Tensor, images: Tensor) -> Tensor:
    """Measure how far the critic's slope is from 1 at each image, squared, as WGAN-GP does.

    Of the mean logit of an image, through whatever augmentation lies between; in float32, and for
    images seen as [-1, 1]. A slope of exactly zero has a gradient here, unlike a bare norm.

    Args:
        logits: (B, 1, H, W), computed from ``images`` with gradients.
        images: (B, 3, H, W) in [0, 1] that requires gradients.

    Returns:
        (B,) float32, at least 0.

    References:
        Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", eq. 3,
        https://arxiv.org/abs/1704.00028
    """
    return ((gradient_penalty(logits, images) + _TINY).sqrt() - 1).square()


def between(real: Tensor, generated: Tensor) -> Tensor:
    """Draw images at random places on the lines from real to generated ones, pair by pair."""
    share = torch.rand(len(real), 1, 1, 1).to(real.device)
    return real + share * (generated - real)


@dataclass(frozen=True)
class AdversarialLoss:
    """What discriminator and generator minimise, and what keeps the discriminator smooth.

    Attributes:
        discriminator: From logits of real and of generated works, a scalar.
        generator: From logits of generated and of real works, a scalar.
        penalty: ``r1`` on real works, ``r1r2`` on both kinds, ``slope`` between them.
        critic_steps: Steps of the discriminator for one of the generator.
        rate: Factor of the preset's learning rate, which fits the relativistic loss.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    penalty: Literal["r1", "r1r2", "slope"]
    critic_steps: int = 1
    rate: float = 1.0


def _non_saturating_discriminator(real: Tensor, generated: Tensor) -> Tensor:
    return (F.softplus(-real) + F.softplus(generated)).float().mean()


def _non_saturating_generator(generated: Tensor, real: Tensor) -> Tensor:
    del real
    return F.softplus(-generated).float().mean()


def _hinge_discriminator(real: Tensor, generated: Tensor) -> Tensor:
    return (F.relu(1 - real) + F.relu(1 + generated)).float().mean()


def _critic(real: Tensor, generated: Tensor) -> Tensor:
    return (generated - real).float().mean()


def _raise_generated(generated: Tensor, real: Tensor) -> Tensor:
    del real
    return -generated.float().mean()


LOSSES: dict[LossName, AdversarialLoss] = {
    "relativistic": AdversarialLoss(relativistic_loss, relativistic_loss, "r1r2"),
    "non-saturating": AdversarialLoss(
        _non_saturating_discriminator, _non_saturating_generator, "r1", rate=0.5
    ),
    "hinge": AdversarialLoss(_hinge_discriminator, _raise_generated, "r1", rate=0.5),
    "wgan-gp": AdversarialLoss(_critic, _raise_generated, "slope", critic_steps=3, rate=0.5),
}
"""Goodfellow et al. 2014, section 3, https://arxiv.org/abs/1406.2661 (non-saturating, which is the
binary cross entropy of real or not); Lim and Ye 2017, eq. 3 and 4,
https://arxiv.org/abs/1705.02894 (hinge); Gulrajani et al. 2017 (wgan-gp). The first three take the
zero-centred penalty of Mescheder et al., which their papers did not have: without spectral
normalisation they need one. WGAN-GP takes three steps of the critic where the paper takes five."""
