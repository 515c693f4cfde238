"""Pictures changed on purpose, within a bound that hardly shows, until a network errs the most.

What is given back is a picture as it could be stored: rounded to 8 bits, and nowhere farther than
so many codes (of 255) from the one it came of. An attack needs a loss that says for each picture
how wrong the network is; it is raised, and of several starts the worst counts.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.metrics.attacks import CODES, RESTARTS, STEPS, attack_names

_STEP_SHARE = 2.5

Loss = Callable[[Tensor], Tensor]
"""From pictures (B, 3, H, W) to how wrong a network is about each, (B,)."""


def attacked(loss: Loss, images: Tensor, seed: int) -> dict[str, Tensor]:
    """Change pictures in each of the ways that a table shows.

    Args:
        loss: How wrong the network is about each picture.
        images: (B, 3, H, W) in [0, 1], of 8 bits.
        seed: Of all chances.
    """
    generator = torch.Generator().manual_seed(seed)
    found = [images]
    for codes in CODES:
        found += [
            random_signs(images, codes, generator),
            fgsm(loss, images, codes),
            pgd(loss, images, codes, generator=generator),
        ]
    return dict(zip(attack_names(), found, strict=True))


def random_signs(images: Tensor, codes: int, generator: torch.Generator | None = None) -> Tensor:
    """Move every value up or down by the whole bound, by chance: what no attack must be below.

    Args:
        images: (B, 3, H, W) in [0, 1], of 8 bits.
        codes: The bound, in codes of 255.
        generator: Of the chances, on the CPU; None is torch's own.
    """
    signs = _drawn(images, generator).sign()
    return stored(images + signs * (codes / 255), images, codes)


def fgsm(loss: Loss, images: Tensor, codes: int) -> Tensor:
    """Move every value by the whole bound against the slope, once.

    References:
        Goodfellow et al. 2015, "Explaining and Harnessing Adversarial Examples", section 4,
        https://arxiv.org/abs/1412.6572
    """
    return stored(images + (codes / 255) * _slope(loss, images).sign(), images, codes)


def pgd(
    loss: Loss,
    images: Tensor,
    codes: int,
    steps: int = STEPS,
    restarts: int = RESTARTS,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Climb the loss within the bound from random starts, and keep the worst picture of each.

    Steps are 2.5 bounds over their number long, so that any place within the bound is in reach.

    Args:
        loss: How wrong the network is about each picture.
        images: (B, 3, H, W) in [0, 1], of 8 bits.
        codes: The bound, in codes of 255.
        steps: Steps from each start.
        restarts: Starts.
        generator: Of the starts, on the CPU; None is torch's own.

    References:
        Madry et al. 2018, "Towards Deep Learning Models Resistant to Adversarial Attacks",
        section 2.1, https://arxiv.org/abs/1706.06083
    """
    worst, found = images, torch.full((len(images),), -torch.inf, device=images.device)
    for _ in range(restarts):
        reached = stored(climb(loss, images, codes, steps, generator), images, codes)
        with torch.no_grad():
            now = loss(reached).float()
        worse = now > found
        worst = torch.where(worse[:, None, None, None], reached, worst)
        found = torch.where(worse, now, found)
    return worst


def climb(
    loss: Loss, images: Tensor, codes: float, steps: int, generator: torch.Generator | None = None
) -> Tensor:
    """Climb from one random start; the values are not rounded, as a training wants them."""
    bound = codes / 255
    moved = _bounded(images + bound * _drawn(images, generator), images, bound)
    for _ in range(steps):
        moved = moved + (_STEP_SHARE * bound / steps) * _slope(loss, moved).sign()
        moved = _bounded(moved, images, bound)
    return moved


def stored(moved: Tensor, images: Tensor, codes: int) -> Tensor:
    """Round to what a file of 8 bits can hold within the bound."""
    return (_bounded(moved, images, codes / 255) * 255).round() / 255


def _drawn(images: Tensor, generator: torch.Generator | None) -> Tensor:
    """Numbers in [-1, 1) that are the same wherever the network computes."""
    return (2 * torch.rand(images.shape, generator=generator) - 1).to(images.device)


def _slope(loss: Loss, images: Tensor) -> Tensor:
    images = images.detach().requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(loss(images).sum(), images)
    return slope


def _bounded(moved: Tensor, images: Tensor, bound: float) -> Tensor:
    return torch.minimum(torch.maximum(moved, images - bound), images + bound).clamp(0, 1)


def marked_wrongly(logits: Tensor, damaged: Tensor) -> Tensor:
    """Say how wrong a detector is about each picture: the mean cross entropy of its pixels.

    Pixels that are marked wrongly already go on counting, which wastes some of an attack: what a
    detector withstands is overstated a little.

    Args:
        logits: (B, H, W) of damage.
        damaged: (B, H, W), 1 where it is.
    """
    return F.binary_cross_entropy_with_logits(logits, damaged, reduction="none").mean(dim=(1, 2))


def margin(scores: Tensor, labels: Tensor) -> Tensor:
    """Say how far the best wrong label leads the right one; above 0 the network is wrong.

    Unlike the cross entropy it keeps its slope where a network is sure of itself.

    Args:
        scores: (B, K).
        labels: (B,).

    References:
        Carlini and Wagner 2017, "Towards Evaluating the Robustness of Neural Networks", f6 in
        section 5, https://arxiv.org/abs/1608.04644
    """
    right = scores.gather(1, labels[:, None])[:, 0]
    wrong = scores.scatter(1, labels[:, None], -torch.inf).amax(dim=1)
    return wrong - right
